"""What teams call their environments, by the types that Jira and GitHub know; asks no database."""

import re

UNMAPPED = "unmapped"
# Jira's types: https://developer.atlassian.com/cloud/jira/software/rest/api-group-deployments/
TYPES = {
    "production": ("production", "prod", "prd", "live"),
    "staging": ("staging", "stg", "preprod", "preproduction", "preprd", "prelive"),
    "testing": (
        *("testing", "test", "tests", "tst", "qa", "uat", "acceptance"),
        *("integration", "integ", "int", "sit"),
    ),
    "development": ("development", "develop", "dev"),
}
BY_WORD = {word: kind for kind, words in TYPES.items() for word in words}
# Words of CodePipeline's own names ("ProdStage"), which mean staging only where nothing else does.
STAGE = "stage"
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# "pre-prod" is one word; "non-prod" says what it is not.
BEGINNINGS = frozenset({"pre", "non", "not", "no"})


def environment_type(*names: str) -> str:
    """Return Jira's type of an environment by what it is called; the first name that says counts.

    One that names several, or says what it is not, is "unmapped".
    """
    for name in names:
        words = _words(name)
        found = {BY_WORD[word] for word in words if word in BY_WORD}
        if len(found) == 1:
            return found.pop()
        if found:
            return UNMAPPED
        if STAGE in words:
            return "staging"
    return UNMAPPED


def _words(name: str) -> list[str]:
    """The words of a name, however they are set apart: ProdEU-2 is prod, eu."""
    words: list[str] = []
    for word in WORD.findall(name):
        if words and words[-1] in BEGINNINGS:
            words[-1] += word.lower()
        else:
            words.append(word.lower())
    return words
