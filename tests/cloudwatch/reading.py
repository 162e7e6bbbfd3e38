"""Reads kinds of this service as a sweep does, from a flight, into rows."""

from typing import Any

from apps.mirror.due import take
from apps.mirror.models import Scope, Sweep
from apps.mirror.sweep import ensure_sweeps, run

ALARM, HISTORY, METRIC, GROUP = (
    "cloudwatch.alarm",
    "cloudwatch.alarmhistory",
    "cloudwatch.metric",
    "cloudwatch.loggroup",
)


def sweep(scope: Scope, *kinds: str) -> list[Any]:
    """Sweep these kinds whole, in this order; return what each changed."""
    ensure_sweeps(scope)
    results = []
    for kind in kinds or (ALARM, HISTORY, METRIC, GROUP):
        row = Sweep.objects.get(scope=scope, kind=kind)
        assert take(row)
        results.append(run(row, whole=True))
    return results
