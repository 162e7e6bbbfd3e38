"""Which issues a text names: keys as Jira writes them, numbers as GitHub does; no Django.

https://support.atlassian.com/jira-software-cloud/docs/reference-issues-in-your-development-work/
https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue

What looks like a key is linked as one; whether there is such an issue is asked when the link is
followed, against the keys of trackers that are known: "SHA-256" names none.
"""

import re
from collections.abc import Iterator

from apps.mirror.ask import LinkTo

JIRA, GITHUB = "jira.issue", "github.issue"
MENTIONS, CLOSES = "mentions", "closes"
# What may be written around: branches join words by "_" and "-", and Jira's project keys hold "_".
KEY = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Z0-9_]{1,63}-[1-9][0-9]{0,17}(?![A-Za-z0-9])")
# The same behind somebody's initials, or another word: SHOP-12 in "JD_SHOP-12".
TAIL = re.compile(r"(?<=_)(?=([A-Z][A-Z0-9_]+-[0-9]+\Z))")
# The word at the end of a text, read backwards: forwards each letter of it would be a start.
CUT = re.compile(r"[\w-]*")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?"
NUMBER = re.compile(
    r"(?:(?<![\w-])(?P<word>close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \t]+)?"
    r"(?:"
    rf"(?<![\w./&-])(?P<repository>{_NAME}/{_NAME})?\#(?P<number>[1-9][0-9]{{0,17}})"
    r"|(?<![\w-])GH-(?P<short>[1-9][0-9]{0,17})"
    rf"|(?<![\w/])https?://(?P<host>[\w.:-]{{1,255}})/(?P<at>{_NAME}/{_NAME})/issues/(?P<there>[1-9][0-9]{{0,17}})"
    r")(?![A-Za-z0-9_])",
    re.IGNORECASE,
)
# Of so much text are issues looked for, and so many links does a row have at most.
LONGEST, MOST = 65_536, 100


def mentioned(*texts: str, repository: str = "", host: str = "") -> tuple[LinkTo, ...]:
    """Return links to the issues that texts name, each once, in the order of their first mention.

    repository  "owner/name" of the GitHub repository in which the texts were written: there "#7"
                is its issue. Elsewhere a number alone names nothing.
    host        where that repository is: an address elsewhere names none of the issues there.

    "JD_SHOP-12" may be an issue of JD_SHOP, or SHOP-12 behind somebody's initials: both are linked,
    and whoever follows asks which of them is known (`apps.issues.meant`).

    A link's target is the issue's `arn`: "SHOP-12", or "owner/name#7" in small letters. "closes"
    is for GitHub's closing keywords, "mentions" for everything else.
    """
    found: dict[tuple[str, str], LinkTo] = {}
    for text in texts:
        for link in _links_in(_beginning(text), repository, host.lower()):
            name = (link.to_kind, link.to)
            if name not in found or link.relation == CLOSES:
                found[name] = link
    return tuple(found.values())[:MOST]


def _beginning(text: str) -> str:
    """As much of a text as is read, without a word that is cut in two: SHOP-12 of SHOP-123."""
    if len(text) <= LONGEST:
        return text
    begun = CUT.match(text[LONGEST - 1 :: -1])
    return text[: LONGEST - (begun.end() if begun else 0)]


def _links_in(text: str, repository: str, host: str) -> Iterator[LinkTo]:
    for key in KEY.finditer(text):
        yield LinkTo(MENTIONS, JIRA, key[0])
        for tail in TAIL.finditer(key[0]):
            yield LinkTo(MENTIONS, JIRA, tail[1])
    for one in NUMBER.finditer(text):
        if one["host"] and host and one["host"].lower() != host:
            continue
        where = (one["repository"] or one["at"] or repository).lower()
        if where:
            number = one["number"] or one["short"] or one["there"]
            yield LinkTo(CLOSES if one["word"] else MENTIONS, GITHUB, f"{where}#{number}")
