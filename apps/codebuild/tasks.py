"""Celery's side of CodeBuild: following logs, quoting failed ones, giving builds their project."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

from celery import shared_task
from django.core.cache import cache
from django.utils.timezone import now

from apps.mirror.models import Scope
from apps.mirror.outcomes import record_outcomes, record_trouble
from apps.mirror.provider import PROVIDERS
from apps.mirror.reconcile import BATCH, Nothing, reconcile
from apps.mirror.resource import REGISTER
from apps.mirror.state import UNFINISHED, State

from . import collect
from .follow import bite
from .lines import follower_of
from .models import Build, Project
from .records import BuildRecord

# Failed builds whose logs are read without anybody asking: young ones, so many at a time.
YOUNG = timedelta(hours=24)
AT_ONCE = 20
# How often a task asks for itself again while more are left: a cache that forgets ends there too.
TURNS = 50
# CodeBuild keeps reports for 30 days; one that it still makes is asked for again so much later.
REPORTED = timedelta(days=30)
STILL_MADE = 30.0
# A log that could not be quoted is not tried again before this many seconds.
TRIED_SECONDS = 3600


@shared_task(name="codebuild.follow_log")
def follow_log(build_id: int, ticket: str) -> None:
    """Take one bite of a log; come back for the next while it is watched and the lease is ours."""
    follower = follower_of(build_id)
    build = Build.objects.select_related("scope").filter(pk=build_id).first()
    if build is None or not follower.take(ticket):
        return
    try:
        pause = bite(build, ours=partial(follower.take, ticket))
    except Exception:
        # Another may try at once, rather than when the lease is over.
        follower.leave(ticket)
        raise
    if pause is None or not follower.watched or not follower.take(ticket):
        follower.leave(ticket)
        return
    follow_log.apply_async((build_id, ticket), countdown=pause)


@shared_task(name="codebuild.quote_failures")
def quote_failures(scope_id: int, turns: int = TURNS) -> None:
    """Read the lines around the first error of builds that failed lately, some in each turn."""
    scope = Scope.objects.filter(pk=scope_id).first()
    if scope is None:
        return
    failed = Build.objects.filter(
        scope=scope, state=State.FAILED, excerpt="", ended_at__gt=now() - YOUNG
    ).order_by("-ended_at", "-pk")
    found = {
        f"quoted:{pk}": key
        for pk, key, logs in failed.values_list("pk", "key", "logs")[: AT_ONCE * TURNS]
        if logs.get("stream")
    }
    tried = cache.get_many(found)
    untried = (
        key
        for name, key in found.items()
        if name not in tried and cache.add(name, 1, timeout=TRIED_SECONDS)
    )
    keys = list(islice(untried, AT_ONCE))
    if not keys:
        return
    records, ended = _read(scope, partial(collect.excerpts, keys=keys))
    if ended is not None:
        # The others were not tried: the next failure asks for them again.
        left = set(keys) - {record.key for record in records}
        cache.delete_many([name for name, key in found.items() if key in left])
    elif len(keys) == AT_ONCE and turns > 1:
        quote_failures.delay(scope_id, turns - 1)


@shared_task(name="codebuild.read_reports")
def read_reports(scope_id: int, turns: int = TURNS) -> None:
    """Read what the tests of builds came to that ended lately, some in each turn."""
    scope = Scope.objects.filter(pk=scope_id).first()
    if scope is None:
        return
    over = Build.objects.filter(scope=scope, ended_at__gt=now() - REPORTED, reports=[])
    over = over.exclude(report_arns=[]).exclude(state__in=UNFINISHED).order_by("-ended_at", "-pk")
    found = {
        f"reported:{pk}": (key, arns)
        for pk, key, arns in over.values_list("pk", "key", "report_arns")[: AT_ONCE * TURNS]
    }
    tried = cache.get_many(found)
    untried = (
        name for name in found if name not in tried and cache.add(name, 1, timeout=TRIED_SECONDS)
    )
    names = list(islice(untried, AT_ONCE))
    if not names:
        return
    records, ended = _read(scope, partial(collect.tested, wanted=dict(found[n] for n in names)))
    read = {record.key for record in records}
    left = [name for name in names if found[name][0] not in read]
    if ended is not None or turns <= 1:
        return
    if left:
        # CodeBuild still makes a report of theirs.
        cache.delete_many(left)
        read_reports.apply_async((scope_id, turns - 1), countdown=STILL_MADE)
    elif len(names) == AT_ONCE:
        read_reports.delay(scope_id, turns - 1)


def _read(
    scope: Scope, collected: Callable[[Any], Iterable[BuildRecord]]
) -> tuple[list[BuildRecord], Exception | None]:
    """Keep what is read of builds besides their lists; what was found before a call fails, too."""
    resource = REGISTER.get("codebuild.build")
    records: list[BuildRecord] = []
    try:
        reach: Any = PROVIDERS.get(scope.provider).open(scope)
    except Exception as error:  # noqa: BLE001 - whatever it is, the scope says so
        record_trouble(scope, resource, error)
        return records, error
    ended: Exception | None = None
    try:
        records.extend(collected(reach))
    except Exception as error:  # noqa: BLE001 - whatever it is, the scope says so
        ended = error
    finally:
        reach.close()
    record_outcomes(scope, resource, reach.outcomes, ended)
    reconcile(resource, scope, records, extent=Nothing())
    return records, ended


@shared_task(name="codebuild.adopt_builds")
def adopt_builds(scope_id: int) -> None:
    """Give builds their project where it was mirrored after them."""
    scope = Scope.objects.filter(pk=scope_id).first()
    if scope is None:
        return
    names = Project.objects.filter(scope=scope).values("key")
    orphans = Build.objects.filter(scope=scope, project=None, project_name__in=names)
    while batch := list(orphans.order_by("pk").values_list("key", "project_name")[:BATCH]):
        records = [BuildRecord(key=key, parent=name) for key, name in batch]
        if not reconcile(REGISTER.get("codebuild.build"), scope, records, extent=Nothing()).changed:
            return
