"""Follows what Jira tells besides columns: a project's new key, and issues that left a query."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, TextField, Value
from django.db.models.functions import Cast, Concat, Substr
from django.utils.timezone import now

from apps.issues.models import Issue, Tracker
from apps.live.bus import BUS, CHANGES
from apps.mirror.ask import Parent
from apps.mirror.asking import hint
from apps.mirror.history import rename_parent
from apps.mirror.links import links_of
from apps.mirror.models import Change, ReadToEnd, Scope
from apps.mirror.note import note
from apps.mirror.resource import REGISTER, Names

from .records import Aside

log = logging.getLogger(__name__)

# Issues that are written in one transaction.
BATCH = 500
# Issues that are read one by one; where there are more, the whole list is read again.
MOST_ALONE = 100


def trackers_in(scope: Scope) -> list[Parent]:
    """Return the trackers that are mirrored: keys they had, and what queries found at last."""
    rows = list(
        Tracker.objects.filter(scope=scope)
        .order_by("pk")
        .values_list("pk", "key", "was", "query", "gone_at")
    )
    links = links_of("jira.tracker", [pk for pk, _, _, query, _ in rows if query])
    finds = {
        pk: [link.to_arn for link in found if link.relation == "holds"]
        for pk, found in links.items()
    }
    return [
        Parent(
            key=key,
            fields={"was": was, "gone": gone_at is not None, "holds": finds.get(pk, [])},
        )
        for pk, key, was, _, gone_at in rows
    ]


def follow(scope: Scope, told: Mapping[str, Aside]) -> None:
    """Give projects and their issues the keys that they have now; read what queries find, or lost.

    The same twice ends the same.
    """
    for key, aside in told.items():
        if aside.called:
            _rename(scope, key, aside.called)
        # Nobody lists them any more: how they stand now is asked of each.
        hint(scope, [Names(kind="jira.issue", key=left) for left in aside.left])
        if aside.found:
            _read_what_is_found(scope, key, aside.found)


def _read_what_is_found(scope: Scope, name: str, found: Sequence[str]) -> None:
    """Read issues that a query finds by now though nobody did anything to them.

    They are overdue since midnight, or the query is another: its list is read down to where it was
    read before, and they stand behind that.
    """
    ended = ReadToEnd.objects.filter(scope=scope, kind="jira.issue", parent_key=name)
    if not ended.exists():
        return
    known = set(Issue.objects.filter(scope=scope).values_list("key", flat=True))
    unknown = [key for key in found if key not in known]
    if len(unknown) > MOST_ALONE:
        ended.delete()
    else:
        hint(scope, [Names(kind="jira.issue", key=key) for key in unknown])


def _rename(scope: Scope, before: str, after: str) -> None:
    """Rename a project's issues, then the project: cut off in between, it is begun again.

    Rows stay what they are: what links to them, what projects hold and what people did.
    """
    issues = Issue.objects.filter(scope=scope)
    # What was read by its new key already is told apart by Jira's id, when its list is read.
    taken = set(issues.filter(key__startswith=f"{after}-").values_list("key", flat=True))
    mine = issues.filter(key__startswith=f"{before}-").order_by("pk")
    ids = list(mine.values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        with transaction.atomic():
            some = issues.filter(pk__in=ids[start : start + BATCH])
            _rename_some(some, before, after, taken)
    with transaction.atomic():
        below = issues.filter(parent_key__startswith=f"{before}-")
        rest = Cast(Substr(F("parent_key"), len(before) + 1), TextField())
        below.update(parent_key=Concat(Value(after), rest, output_field=TextField()))
        _rename_tracker(scope, before, after)


def _rename_some(mine: Any, before: str, after: str, taken: Collection[str]) -> None:
    rows = [
        row
        for row in mine.select_for_update().only("key", "arn", "was", "url")
        if f"{after}{row.key.removeprefix(before)}" not in taken
    ]
    for row in rows:
        row.was = [row.key, *(key for key in row.was if key != row.key)]
        row.key = row.arn = f"{after}{row.key.removeprefix(before)}"
        page, _, _ = row.url.rpartition("/")
        row.url = f"{page}/{row.key}" if page else ""
    Issue.objects.bulk_update(rows, ["key", "arn", "was", "url"], batch_size=BATCH)


def _rename_tracker(scope: Scope, before: str, after: str) -> None:
    trackers = Tracker.objects.select_for_update().filter(scope=scope)
    row = trackers.filter(key=before, query="").first()
    if row is None or trackers.filter(key=after).exists():
        return
    row.was = [before, *(key for key in row.was if key != before)]
    row.key = row.prefix = after
    row.save(update_fields=["key", "prefix", "was"])
    rename_parent(scope, "jira.issue", before, after)
    resource = REGISTER.get("jira.tracker")
    told = {after: (Change.Verb.CHANGED, {"key": before}, {"key": after})}
    changes = note(resource, scope, {after: row}, told, now())
    transaction.on_commit(lambda: BUS.publish(CHANGES, str(changes[-1].pk)))
    log.info("project.renamed", extra={"scope": scope.place})
