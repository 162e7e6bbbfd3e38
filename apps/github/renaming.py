"""Gives the rows of a repository that was renamed or transferred the name it has now.

GitHub's id of a repository stays; its name is in the key of everything in it. What is read of one
under its new name is told by its id (`listing`), and here its rows follow: history, links, what
projects hold and what people did stay on the same rows.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, Q, TextField, Value
from django.db.models.functions import Cast, Concat, Substr
from django.utils.timezone import now

from apps.issues.models import Issue, Tracker
from apps.live.bus import BUS, CHANGES
from apps.mirror.history import rename_parent
from apps.mirror.models import Change, Link, Scope
from apps.mirror.note import note
from apps.mirror.resource import REGISTER
from apps.source.models import Branch, Commit, PullRequest, Repository

from .records import arn_of

log = logging.getLogger(__name__)


def follow(scope: Scope, moved: Mapping[str, str]) -> None:
    """Rename what is in these repositories: {name its rows bear: name it has now, or ""}.

    A name that other rows bear already is left alone: then both stand beside each other. The same
    twice ends the same.
    """
    for before, after in moved.items():
        if after and after != before:
            with transaction.atomic():
                _follow(scope, before, after)


def _follow(scope: Scope, before: str, after: str) -> None:
    repositories = Repository.objects.select_for_update().filter(scope=scope)
    row = repositories.filter(key=before).first()
    if row is None:
        return
    if repositories.filter(key=after).exists() or _tracker_in_the_way(scope, before, after):
        log.warning("repository.renamed.in_the_way", extra={"scope": scope.place})
        return
    row.was = [*(name for name in row.was if name != before), before]
    row.key, row.arn = after, arn_of(after)
    row.save(update_fields=["key", "arn", "was"])
    for model, sign in ((Branch, "/"), (Commit, "/"), (PullRequest, "#")):
        _rename(model.objects.filter(scope=scope, repository=row), before, after, sign)
    for tracker in Tracker.objects.filter(scope=scope, key=before):
        tracker.was = [before, *(name for name in tracker.was if name != before)]
        tracker.key, tracker.arn, tracker.name = after, arn_of(after), after
        tracker.save(update_fields=["key", "arn", "name", "was"])
        found = Issue.objects.filter(scope=scope, tracker=tracker, key__startswith=f"{before}#")
        for issue in found.only("pk", "key", "was").iterator(500):
            issue.was = [*(key for key in issue.was if key != issue.key), issue.key]
            issue.save(update_fields=["was"])
        _rename(found, before, after, "#")
    _relink(scope, before, after)
    for kind in ("github.commit", "github.pullrequest", "github.issue"):
        rename_parent(scope, kind, before, after)
    resource = REGISTER.get("github.repository")
    told = {after: (Change.Verb.CHANGED, {"key": before}, {"key": after})}
    changes = note(resource, scope, {after: row}, told, now())
    transaction.on_commit(lambda: BUS.publish(CHANGES, str(changes[-1].pk)))
    log.info("repository.renamed", extra={"scope": scope.place})


def _tracker_in_the_way(scope: Scope, before: str, after: str) -> bool:
    rows = Tracker.objects.filter(scope=scope)
    return rows.filter(key=before).exists() and rows.filter(key=after).exists()


def _rename(rows: Any, before: str, after: str, sign: str) -> None:
    """Put another name before `sign` in the keys of rows, and in small letters in their ARNs."""
    beginning = Q(key__startswith=f"{before}{sign}")
    old, new = arn_of(before), arn_of(after)
    rows.filter(beginning).update(key=_instead("key", before, after), arn=_instead("arn", old, new))


def _relink(scope: Scope, before: str, after: str) -> None:
    """Let links that name what is in it name it as it is called now: this site's, and pipelines'.

    Another host may have a repository of the same name, which keeps it: what is said there means
    that one. Pipelines say no host; theirs stay where there are two.
    """
    old, new = arn_of(before), arn_of(after)
    kinds = REGISTER.of("github")
    theirs = Q()
    for resource in kinds:
        rows = resource.model._default_manager.filter(scope=scope)
        theirs |= Q(from_kind=resource.kind, from_id__in=rows.values("pk"))
    if not Repository.objects.filter(arn=old).exclude(scope=scope).exists():
        theirs |= ~Q(from_kind__in=[resource.kind for resource in kinds])
    mine = Link.objects.filter(theirs)
    whole = mine.filter(to_kind__in=("github.repository", "github.tracker"), to_arn=old)
    whole.update(to_arn=new)
    for names, sign in _KINDS:
        links = mine.filter(to_kind__in=names, to_arn__startswith=f"{old}{sign}")
        links.update(to_arn=_instead("to_arn", old, new))


_KINDS = (
    (("github.commit", "github.issue"), "#"),
    (("github.branch", "github.pullrequest"), "/"),
)


def _instead(column: str, before: str, after: str) -> Any:
    rest = Substr(F(column), len(before) + 1)
    return Concat(Value(after), Cast(rest, TextField()), output_field=TextField())
