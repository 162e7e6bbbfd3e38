"""What a load balancer asks: does the process live, and can it serve."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from .pulse import ticks


@login_not_required
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all; asks nobody else."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when database (and Redis, where set) answer and migrations are applied, else 503.

    `workers` says whether sweeps begin, by the workers' clock, wherever they run (see pulse.py).
    It is told and does not count: pages need no worker, and say themselves how old they are.
    """
    checks = {"database": _database(), **({"redis": _redis()} if settings.REDIS_URL else {})}
    ready = all(check == "ok" for check in checks.values())
    told = {"status": "ok" if ready else "unready", **checks, "workers": _workers()}
    return JsonResponse(told, status=200 if ready else 503)


def _database() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Exception:  # noqa: BLE001 - any trouble means "not ready"; details stay in the log
        return "unreachable"
    return "migrations pending" if pending else "ok"


def _workers() -> str:
    try:
        return "ok" if ticks() else "no tick lately"
    except Exception:  # noqa: BLE001 - the cache is Redis, too
        return "unreachable"


def _redis() -> str:
    import redis

    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2).ping()
    except redis.RedisError:
        return "unreachable"
    return "ok"
