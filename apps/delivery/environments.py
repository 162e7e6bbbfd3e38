"""What teams call their environments, and which stage is production; asks no database."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNMAPPED, PRODUCTION = "unmapped", "production"
# Jira's types: https://developer.atlassian.com/cloud/jira/software/rest/api-group-deployments/
TYPES = {
    PRODUCTION: ("production", "prod", "prd", "live"),
    # Alpha, beta and gamma are what Amazon's own teams call theirs.
    "staging": ("staging", "stg", "preprod", "preproduction", "preprd", "prelive", "gamma"),
    "testing": (
        *("testing", "test", "tests", "tst", "qa", "uat", "acceptance"),
        *("integration", "integ", "int", "sit", "alpha", "beta", "demo"),
    ),
    "development": (
        *("development", "develop", "dev"),
        *("preview", "previews", "ephemeral", "sandbox", "playground"),
    ),
}
BY_WORD = {word: kind for kind, words in TYPES.items() for word in words}
# Words of CodePipeline's own names ("ProdStage"), which mean staging only where nothing else does.
STAGE = "stage"
# Said with these it is no environment's name either: "DeployStage".
DEEDS = frozenset({"deploy", "deployment", "release", "rollout"})
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# "pre-prod" is one word; "non-prod" says what it is not.
NO = ("non", "not", "no")
BEGINNINGS = frozenset({"pre", *NO})
DENIED = frozenset(f"{no}{word}" for no in NO for word in BY_WORD)
DEPLOYS = "Deploy"
# What actions of these categories do brings nothing out.
IDLE = frozenset({"Source", "Approval", "Test"})


@dataclass(frozen=True, slots=True)
class Goal:
    """The stage to which a pipeline brings things in the end, and whether that is production."""

    stage: str
    production: bool


def environment_type(*names: str) -> str:
    """Return Jira's type of an environment by what it is called; the first name that says counts.

    One that names several, or says what it is not, is "unmapped".
    """
    for name in names:
        found = _said(name)
        if found:
            return found.pop() if len(found) == 1 else UNMAPPED
    return UNMAPPED


def is_production(*names: str) -> bool:
    """Whether something is production by what it is called; the first name that says counts.

    Where none says anything it is: there is nowhere else.
    """
    told = (_said(name, denied=True) for name in names)
    return next((found == {PRODUCTION} for found in told if found), True)


def goal_of(name: str, definition: Sequence[Mapping[str, Any]]) -> Goal | None:
    """Return the goal of a pipeline by its name and its stages; None where it brings nothing out.

    The last stage that says it is production: by its own name, else by that of an action that
    deploys. Else the last that deploys, which is production unless it or the pipeline is called
    something else. Where people deploy by a build ("cdk deploy"), a stage called production is the
    goal if no other is, and none that deploys comes after it.
    """
    told: str | None = None
    built: str | None = None
    last: tuple[str, ...] = ()
    for stage in definition:
        called = str(stage.get("name"))
        actions = list(stage.get("actions") or ())
        says = _said(called, denied=True)
        deploying = [str(one.get("name")) for one in actions if one.get("category") == DEPLOYS]
        if deploying:
            built, last = None, (called, *deploying)
            if says == {PRODUCTION} or (
                not says and any(_said(one) == {PRODUCTION} for one in deploying)
            ):
                told = called
        elif says == {PRODUCTION} and any(one.get("category") not in IDLE for one in actions):
            built = called
    if told or built:
        return Goal(told or built or "", production=True)
    return Goal(last[0], is_production(*last, name)) if last else None


def _said(name: str, *, denied: bool = False) -> set[str]:
    """The types that a name says; with `denied` "" for what it says it is not."""
    words = _words(name)
    found = {BY_WORD[word] for word in words if word in BY_WORD}
    if not found and STAGE in words and not DEEDS & set(words):
        found.add("staging")
    if denied and DENIED & set(words):
        found.add("")
    return found


def _words(name: str) -> list[str]:
    """The words of a name, however they are set apart: ProdEU-2 is prod, eu."""
    words: list[str] = []
    for word in WORD.findall(name):
        if words and words[-1] in BEGINNINGS:
            words[-1] += word.lower()
        else:
            words.append(word.lower())
    return words
