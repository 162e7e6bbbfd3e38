"""Celery's side of the mirror: thin tasks, one per account-region and kind."""

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils.timezone import now

from .append import forget
from .due import due_beside, due_sweeps, take
from .hints import follow_hints, scopes_with_hints
from .models import Change, Hint, Scope, Sweep
from .resource import REGISTER
from .sweep import ensure_sweeps, run, run_beside
from .working import note_tick

log = logging.getLogger(__name__)

# SQLite has one writer, and people sign in meanwhile.
PRUNE_AT_ONCE = 500


@shared_task(name="mirror.tick")
def tick() -> None:
    """Every second: hand out what is due. What is queued already is not queued twice."""
    note_tick()
    if cache.add("mirror:scopes-complete", 1, timeout=60):
        for scope in Scope.objects.filter(enabled=True):
            ensure_sweeps(scope)
    for sweep in due_sweeps():
        if cache.add(f"queued:sweep:{sweep.pk}", 1, timeout=20):
            sweep_kind.delay(sweep.pk)
    for sweep in due_beside():
        if cache.add(f"queued:beside:{sweep.pk}", 1, timeout=20):
            look_at_what_moves.delay(sweep.pk)
    for scope_id in scopes_with_hints():
        if cache.add(f"queued:hints:{scope_id}", 1, timeout=5):
            hints.delay(scope_id)


@shared_task(name="mirror.sweep")
def sweep_kind(sweep_id: int) -> None:
    """Sweep one kind in one scope, if nobody else is at it."""
    cache.delete(f"queued:sweep:{sweep_id}")
    sweep = Sweep.objects.select_related("scope").filter(pk=sweep_id).first()
    if sweep is not None and sweep.scope.enabled and take(sweep):
        run(sweep)


@shared_task(name="mirror.beside")
def look_at_what_moves(sweep_id: int) -> None:
    """Look at what moves of a kind whose whole list somebody else is reading."""
    cache.delete(f"queued:beside:{sweep_id}")
    sweep = Sweep.objects.select_related("scope").filter(pk=sweep_id).first()
    if sweep is not None and sweep.scope.enabled:
        run_beside(sweep)


@shared_task(name="mirror.hints")
def hints(scope_id: int) -> None:
    """Follow a scope's hints until none is due."""
    cache.delete(f"queued:hints:{scope_id}")
    follow_hints(scope_id)


@shared_task(name="mirror.housekeeping")
def housekeeping() -> None:
    """Hourly: forget changes and rows whose time is over, and hints nobody can follow."""
    horizon = now() - timedelta(days=settings.CHANGE_RETENTION_DAYS)
    while ids := list(
        Change.objects.filter(at__lt=horizon)
        .order_by("pk")
        .values_list("pk", flat=True)[:PRUNE_AT_ONCE]
    ):
        Change.objects.filter(pk__in=ids).delete()
    Hint.objects.filter(asked_at__lt=now() - timedelta(hours=1)).delete()
    for resource in REGISTER:
        if resource.retention is not None:
            forget(resource, at_once=PRUNE_AT_ONCE)
