"""Which series are read, and when first: after the rows whose series they are."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from apps.cloudwatch.models import Metric
from apps.mirror.due import take
from apps.mirror.models import Scope, Sweep
from apps.mirror.sweep import ensure_sweeps, run
from tests.cloudwatch.reading import ALARM, METRIC, sweep

pytestmark = pytest.mark.django_db
CALL = "cloudwatch:GetMetricData"


def read_metrics(scope: Scope) -> Sweep:
    """Do the sweep of metrics as a worker does it when it is due."""
    Sweep.objects.filter(scope=scope, kind=METRIC).update(due_at=now())
    row = Sweep.objects.get(scope=scope, kind=METRIC)
    assert take(row)
    run(row)
    row.refresh_from_db()
    return row


def tried(scope: Scope) -> None:
    """All kinds but those of alarms and metrics were tried, well or not."""
    rest = Sweep.objects.filter(scope=scope).exclude(kind__in=(ALARM, METRIC))
    rest.update(finished_at=now(), due_at=now() + timedelta(hours=1))


def test_the_first_reading_waits_for_what_is_measured_and_then_comes_at_once(
    scope: Scope, full: Any, aws: Any
):
    flight = aws(full)
    ensure_sweeps(scope)
    tried(scope)
    waiting = read_metrics(scope)
    assert (flight.calls(CALL), waiting.finished_at) == ([], None)
    assert waiting.due_at <= now() + timedelta(seconds=2)
    sweep(scope, ALARM)
    assert read_metrics(scope).last_success is not None
    assert len(flight.calls(CALL)) == 1
    assert Metric.objects.filter(scope=scope).exists()


def test_what_breaks_keeps_metrics_waiting_no_longer(scope: Scope, full: Any, aws: Any):
    flight = aws(full)
    ensure_sweeps(scope)
    tried(scope)
    sweep(scope, ALARM)
    # It never ended, and rests.
    broken = Sweep.objects.filter(scope=scope, kind="codebuild.project")
    broken.update(finished_at=None, due_at=now() + timedelta(minutes=1))
    assert read_metrics(scope).last_success is not None
    assert len(flight.calls(CALL)) == 1


def test_a_later_reading_waits_for_nobody(scope: Scope, full: Any, aws: Any):
    flight = aws(full)
    sweep(scope, ALARM, METRIC)
    before = len(flight.calls(CALL))
    Sweep.objects.filter(scope=scope, kind=ALARM).update(finished_at=None, due_at=now())
    read_metrics(scope)
    assert len(flight.calls(CALL)) == before + 1
