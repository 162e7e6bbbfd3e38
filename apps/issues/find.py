"""How issues and trackers are found: by key at once, else by words."""

import re
from collections.abc import Iterable
from typing import Any

from apps.live.templatetags.live_tags import plain
from apps.mirror.finding import FINDERS, Finder, Found

from .models import Issue, Tracker

# "SHOP-12", "owner/name#7".
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}-[0-9]{1,12}|[\w.-]{1,100}/[\w.-]{1,100}#[0-9]{1,12}")


def issues(user: Any, text: str, limit: int) -> list[Found]:
    """Issues by key, also one that it had before it was moved; else by number or words of title."""
    rows = Issue.objects.visible_to(user).for_list().present()
    if KEY.fullmatch(text):
        # As people type it, and as Jira writes it.
        exact = list(rows.keyed(text, text.upper(), text.lower())[:limit])
        if exact:
            return [_found(row) for row in exact]
    return [_found(row) for row in rows.told().matching(q=text)[:limit]]


def _found(row: Issue) -> Found:
    return Found(
        plain(row),
        row.get_absolute_url(),
        row.state,
        plain(row.word),
        row.scope.label or row.scope.account,
        detail=_joined((row.type, row.assignee)),
        at=row.updated,
    )


def trackers(user: Any, text: str, limit: int) -> list[Found]:
    """Trackers by key or name."""
    rows = Tracker.objects.visible_to(user).for_list().present().containing(text, "key", "name")
    return [
        Found(
            plain(row),
            row.get_absolute_url(),
            row.state,
            row.status,
            row.scope.label or row.scope.account,
        )
        for row in rows[:limit]
    ]


def _joined(words: Iterable[str]) -> str:
    return " · ".join(filter(None, map(plain, words)))


FINDERS.add(Finder(label="issues", by="key or title", find=issues, rank=12))
FINDERS.add(Finder(label="trackers", by="key or name", find=trackers, newest=False, rank=60))
