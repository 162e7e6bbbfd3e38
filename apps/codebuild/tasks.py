"""Celery's side of CodeBuild: following logs, quoting failed ones, giving builds their project."""

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
from apps.mirror.state import State

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
    resource = REGISTER.get("codebuild.build")
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
    try:
        reach: Any = PROVIDERS.get(scope.provider).open(scope)
    except Exception as error:  # noqa: BLE001 - whatever it is, the scope says so
        record_trouble(scope, resource, error)
        return
    records: list[BuildRecord] = []
    ended: Exception | None = None
    try:
        # What was found before a call fails is kept.
        records.extend(collect.excerpts(reach, keys))
    except Exception as error:  # noqa: BLE001 - whatever it is, the scope says so
        ended = error
    finally:
        reach.close()
    record_outcomes(scope, resource, reach.outcomes, ended)
    reconcile(resource, scope, records, extent=Nothing())
    if ended is not None:
        # The others were not tried: the next failure asks for them again.
        left = set(keys) - {record.key for record in records}
        cache.delete_many([name for name, key in found.items() if key in left])
    elif len(keys) == AT_ONCE and turns > 1:
        quote_failures.delay(scope_id, turns - 1)


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
