"""Composes JQL from what people wrote and what we ask besides; nothing here knows Django."""

import re

PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_TOKEN = re.compile(
    r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\border\s+by\b", re.IGNORECASE | re.DOTALL
)
NEWEST_FIRST = "ORDER BY updated DESC, key DESC"


def without_order(jql: str) -> str:
    """Return a query without its ORDER BY, which stands last; what is quoted is no such."""
    for found in _TOKEN.finditer(jql):
        if found[0][0] not in "\"'":
            return jql[: found.start()].strip()
    return jql.strip()


def condition_of(key: str, query: str) -> str:
    """Return which issues a tracker has: those of a project, or those of a query."""
    return f"({without_order(query)})" if query else f'project = "{key}"'


def newest_first(condition: str) -> str:
    """Return what reads these issues, what changed last first."""
    return f"{condition} {NEWEST_FIRST}"


def still_open(condition: str) -> str:
    """Return those among these issues that are not done."""
    return f"{condition} AND statusCategory != Done"
