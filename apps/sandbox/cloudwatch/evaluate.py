"""Evaluates metric alarms as their periods pass, and words the reasons as AWS does.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudwatch import events
from apps.sandbox.cloudwatch.metrics import OF_HEALTH, Metric, MetricStore
from apps.sandbox.cloudwatch.model import (
    ALARM,
    INSUFFICIENT,
    OK,
    UNCHECKED,
    Alarm,
    AlarmStore,
)
from apps.sandbox.cloudwatch.reading import ExpressionError, Queries

if TYPE_CHECKING:
    from apps.sandbox.world import Place

#: Seconds between two evaluations; AWS's.
EVERY = 60.0
#: The account lives faster than its clock, and so evaluates more often, up to so many times.
MOST_OFTEN = 6.0
HOUR = 3600
REPLAYED = 3 * 86400.0
HEALTH_EVERY = 300.0

_WORDS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


def begin(place: Place, at: float | None = None) -> None:
    """Evaluate a place's metric alarms as time passes, from now or ``at`` (epoch seconds) on."""
    store, scheduler = place.of(AlarmStore), place.world.scheduler
    if store.evaluated:
        return
    store.evaluated = True
    first = scheduler.now() + EVERY if at is None else at
    scheduler.at(first, functools.partial(_go_on, place), calendar=True)


def _go_on(place: Place) -> None:
    store = place.of(AlarmStore)
    for alarm in list(store.alarms.values()):
        if not alarm.composite:
            evaluate(alarm)
    scheduler = place.world.scheduler
    often = min(max(scheduler.speed, 1.0), MOST_OFTEN)
    # Metrics are functions of the calendar's time, and so are the alarms that watch them.
    scheduler.after(EVERY / often, functools.partial(_go_on, place), calendar=True)


def replay(alarm: Alarm, until: float) -> None:
    """Put the evaluations that can matter on the heap, from now to ``until``.

    A week of minutes would take long: only those around incidents bring anything new, and only
    of the last days.
    """
    scheduler = alarm.place.world.scheduler
    begin = max(alarm.place.world.now(), until - REPLAYED)
    store, check = alarm.place.of(MetricStore), functools.partial(evaluate, alarm)
    scheduler.at(begin + 1, check)
    told = alarm.declaration
    span = _period(told) * told["EvaluationPeriods"] + 120.0
    if _period(told) >= HOUR:
        # Of builds: they come and go by no incident.
        for hours in range(36):
            scheduler.at(until - hours * HOUR - 1, check)
        return
    if any((metric.namespace, metric.name) == OF_HEALTH for metric in metrics_of(told)):
        # Environments come and go by no incident either.
        for number in range(int((until - begin) // HEALTH_EVERY)):
            scheduler.at(until - number * HEALTH_EVERY - 1, check)
        return
    for metric in metrics_of(told):
        for first, last in store.busy(metric, begin, until):
            for edge in (first, last):
                moment = edge + 1
                while moment < min(edge + span + 60, until):
                    scheduler.at(moment, check)
                    moment += EVERY
    scheduler.at(until - 1, check)


def evaluate(alarm: Alarm) -> None:
    """Bring an alarm to the state that its metric asks for."""
    store = alarm.place.of(AlarmStore)
    if store.alarms.get(alarm.name) is not alarm:
        return
    told = alarm.declaration
    count, period = told["EvaluationPeriods"], _period(told)
    now = alarm.place.world.now()
    end = int(now // period) * period
    start = end - count * period
    try:
        points = _points(alarm, start, end)
    except ExpressionError as error:
        store.set_state(alarm.name, INSUFFICIENT, str(error))
        return
    window = [(at, points.get(float(at))) for at in range(start, end, period)]
    state, reason = _judge(told, window, alarm.state)
    if state is None or (state == alarm.state and alarm.reason != UNCHECKED):
        return
    data = {
        "version": "1.0",
        "queryDate": events.spoken(now),
        "startDate": events.spoken(window[0][0]),
        "statistic": told.get("Statistic") or told.get("ExtendedStatistic"),
        "period": period,
        "recentDatapoints": [value for _, value in window if value is not None],
        "threshold": told.get("Threshold"),
    }
    store.set_state(
        alarm.name, state, reason, {name: v for name, v in data.items() if v is not None}
    )


def _judge(
    told: dict[str, Any], window: list[tuple[int, float | None]], before: str
) -> tuple[str | None, str]:
    """(state, reason); None where an evaluation changes nothing."""
    needed = told.get("DatapointsToAlarm") or told["EvaluationPeriods"]
    treat = told.get("TreatMissingData", "missing")
    present = [(at, value) for at, value in window if value is not None]
    missing = len(window) - len(present)
    bad = [point for point in present if _crosses(told, point[1])]
    counted = len(bad) + (missing if treat == "breaching" else 0)
    if counted >= needed:
        state = ALARM
    elif treat == "notBreaching" or len(present) - len(bad) > 0:
        state = OK
    elif treat == "missing" and not present:
        return INSUFFICIENT, _unknown(missing)
    else:
        return None, ""
    shown = bad if state == ALARM else [point for point in present if point not in bad]
    if not shown:
        return state, _silent(missing, _TREATED[treat])
    return state, _crossed(told, shown, len(window), needed, before, state)


def _crosses(told: dict[str, Any], value: float) -> bool:
    threshold = told.get("Threshold", 0.0)
    match told["ComparisonOperator"]:
        case "GreaterThanThreshold" | "GreaterThanUpperThreshold":
            return bool(value > threshold)
        case "GreaterThanOrEqualToThreshold":
            return bool(value >= threshold)
        case "LessThanThreshold" | "LessThanLowerThreshold":
            return bool(value < threshold)
    return bool(value <= threshold)


def _unknown(missing: int) -> str:
    many = "datapoints were" if missing > 1 else "datapoint was"
    return f"Insufficient Data: {missing} {many} unknown."


def _silent(missing: int, treated: str) -> str:
    periods = "periods" if missing > 1 else "period"
    points = "datapoints were" if missing > 1 else "datapoint was"
    return (
        f"Threshold Crossed: no datapoints were received for {missing} {periods} and {missing} "
        f"missing {points} treated as [{treated}]."
    )


def _crossed(  # noqa: PLR0913 - what the sentence says
    told: dict[str, Any],
    shown: list[tuple[int, float]],
    size: int,
    needed: int,
    before: str,
    state: str,
) -> str:
    listed = ", ".join(
        f"{value!r} ({datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S})" for at, value in shown
    )
    verb = "were" if len(shown) > 1 else "was"
    words = _WORDS.get(told["ComparisonOperator"], "greater than")
    crossing = f"{verb} {words}" if state == ALARM else f"{verb} not {words}"
    minimum = needed if state == ALARM else size - needed + 1
    points = "datapoints" if minimum > 1 else "datapoint"
    return (
        f"Threshold Crossed: {len(shown)} out of the last {size} datapoints [{listed}] {crossing} "
        f"the threshold ({float(told.get('Threshold', 0.0))}) "
        f"(minimum {minimum} {points} for {before} -> {state} transition)."
    )


def _period(told: dict[str, Any]) -> int:
    if "Metrics" not in told:
        return int(told.get("Period", 60))
    periods = [one["MetricStat"]["Period"] for one in told["Metrics"] if "MetricStat" in one]
    return int(max(periods, default=60))


def metrics_of(told: dict[str, Any]) -> list[Metric]:
    """The metrics that an alarm watches, by its declaration."""
    if "Metrics" not in told:
        return [Metric.of(told)]
    return [
        Metric.of(one["MetricStat"]["Metric"]) for one in told["Metrics"] if "MetricStat" in one
    ]


def _points(alarm: Alarm, start: int, end: int) -> dict[float, float]:
    told, store = alarm.declaration, alarm.place.of(MetricStore)
    if "Metrics" not in told:
        stat = told.get("Statistic") or told.get("ExtendedStatistic", "Average")
        found = store.points(Metric.of(told), stat, told.get("Period", 60), start, end)
        return dict(found)
    watched = next(one["Id"] for one in told["Metrics"] if one.get("ReturnData", True))
    return Queries(store, told["Metrics"], start, end).points(watched)
