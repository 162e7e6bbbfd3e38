"""How repositories, commits and pull requests are found."""

from typing import Any

from django.db.models import Q

from apps.mirror.finding import FINDERS, ID, Finder, Found, place_of

from .models import Commit, PullRequest, Repository


def repositories(user: Any, text: str, limit: int) -> list[Found]:
    """Repositories by name."""
    rows = Repository.objects.visible_to(user).for_list().present().containing(text, "key")
    return [
        Found(row.key, row.get_absolute_url(), row.state, row.status, place_of(row))
        for row in rows[:limit]
    ]


def commits(user: Any, text: str, limit: int) -> list[Found]:
    """Commits by id or its beginning, or by words of the message."""
    rows = Commit.objects.visible_to(user).for_list().filter(committed_at__isnull=False)
    if ID.fullmatch(text):
        rows = rows.filter(Q(commit_id__istartswith=text) | Q(message__icontains=text))
    else:
        rows = rows.containing(text, "message")
    return [
        Found(
            row.title or row.short_id,
            row.get_absolute_url(),
            row.state,
            row.status,
            place_of(row),
            detail=row.repository.key,
            sha=row.commit_id,
            at=row.committed_at,
        )
        for row in rows[:limit]
    ]


def pull_requests(user: Any, text: str, limit: int) -> list[Found]:
    """Pull requests by number, title or branch."""
    rows = PullRequest.objects.visible_to(user).for_list().filter(last_activity__isnull=False)
    return [
        Found(
            str(row),
            row.get_absolute_url(),
            row.state,
            row.word,
            place_of(row),
            detail=row.repository.key,
            at=row.last_activity,
        )
        for row in rows.matching(q=text)[:limit]
    ]


FINDERS.add(Finder(label="repositories", by="name", find=repositories, newest=False, rank=20))
FINDERS.add(Finder(label="commits", by="id or message", find=commits, rank=25))
FINDERS.add(
    Finder(label="pull requests", by="number, title or branch", find=pull_requests, rank=26)
)
