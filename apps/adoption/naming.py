"""What a proposed project is called; no Django."""

import re
from collections.abc import Collection, Iterable, Sequence

# What tells one pipeline of a project from another, and nothing of the project.
_OF_ALL = (
    "cd ci cicd deploy deployment dev develop development infra infrastructure main master "
    "nightly pipe pipeline prd preprod preview prod production qa release stack stage staging "
    "stg test testing uat"
)
SAID_OF_ALL = frozenset(_OF_ALL.split(" "))
LONGEST = 80
_APART = re.compile(r"[-_./\s]+")


def words_of(name: str) -> list[str]:
    """Return the words of a name that tell of the project, all of them where none does."""
    every = [word for word in _APART.split(name) if word]
    return [word for word in every if word.lower() not in SAID_OF_ALL] or every


def short(name: str) -> str:
    """Return a name without what stands at its end of all: "shop-prod-pipeline" is "shop"."""
    words = [word for word in _APART.split(name) if word]
    while len(words) > 1 and words[-1].lower() in SAID_OF_ALL:
        words.pop()
    return "-".join(words)


def stem(name: str) -> str:
    """Return what names of one project have in common: "checkout-prod" and "checkout-ci" agree."""
    return "-".join(words_of(name)).lower()


def together(names: Sequence[str]) -> str:
    """Return the words that all names begin with, "" for none."""
    told = [words_of(name) for name in names]
    common = []
    for column in zip(*told, strict=False):
        if len({word.lower() for word in column}) > 1:
            break
        common.append(column[0])
    return "-".join(common)


def in_words(name: str) -> str:
    """Return a name as people write one: "legacy-billing" is "Legacy billing"."""
    shown = "".join(sign if sign.isprintable() else " " for sign in name)
    plain = " ".join(word for word in _APART.split(shown) if word) or "Project"
    return (plain[:1].upper() + plain[1:])[:LONGEST].rstrip()


def told_apart(names: Iterable[tuple[str, Sequence[str]]], taken: Collection[str]) -> list[str]:
    """Return each name once, in order: with one of its further words, or a number, where it must.

    names  (name, what else tells it apart: its region, its account).
    taken  names in lower case that others have already.
    """
    used = set(taken)
    told = []
    for name, more in names:
        several = [name, *(f"{name} ({one})" for one in more if one)]
        free = next((one for one in several if one.lower() not in used), "")
        number = 2
        while not free:
            other = f"{name} {number}"
            free, number = ("" if other.lower() in used else other), number + 1
        used.add(free.lower())
        told.append(free)
    return told
