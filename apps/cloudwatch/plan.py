"""Says which series are read in a scope: those of the rows that are mirrored, and of alarms.

Rows are found by their kind's name in the register: a service that is not installed, or that was
never read here, has none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.mirror.ask import Parent
from apps.mirror.models import Scope
from apps.mirror.resource import REGISTER

from .models import Alarm, Kept, Metric
from .watched import WATCHED, Series, series_of, series_of_alarm

# Columns of an alarm that say which series it watches.
OF_ALARMS = (
    "namespace",
    "metric_name",
    "statistic",
    "extended_statistic",
    "dimensions",
    "unit",
    "period",
    "metrics",
)


def wanted_in(scope: Scope) -> dict[str, Series]:
    """Return the series to be read in a scope by key; whoever wants one, it is read once."""
    wanted: dict[str, Series] = {}
    for series in _of_resources(scope):
        wanted.setdefault(series.key, series)
    alarms = Alarm.objects.filter(scope=scope, gone_at=None).order_by("pk")
    for alarm in alarms.values(*OF_ALARMS):
        for series in series_of_alarm(alarm):
            wanted.setdefault(series.key, series)
    return wanted


def _of_resources(scope: Scope) -> Iterator[Series]:
    for kind in WATCHED:
        resource = REGISTER.by_kind.get(kind)
        if resource is None or resource.provider != scope.provider:
            continue
        rows = resource.model._default_manager.filter(scope=scope, gone_at=None)
        for key, arn in rows.order_by("pk").values_list("key", "arn"):
            yield from series_of(kind, key, arn)


def given(scope: Scope) -> list[Parent]:
    """Return the series of a scope as `Ask.parents`, with the time up to which each was read."""
    read = dict(
        Kept.objects.filter(metric__scope=scope, metric__gone_at=None).values_list(
            "metric__key", "read_to"
        )
    )
    return [
        Parent(key=key, fields={**_fields(series), "read_to": read.get(key)})
        for key, series in sorted(wanted_in(scope).items())
    ]


def _fields(series: Series) -> dict[str, Any]:
    return {
        "namespace": series.namespace,
        "metric_name": series.name,
        "statistic": series.statistic,
        "dimensions": dict(series.dimensions),
        "unit": series.unit,
        "label": series.label,
        "period": series.period,
    }


def as_parent(metric: Metric) -> Parent:
    """Return a series that is mirrored as a collector takes it."""
    told: Mapping[str, Any] = {
        name: getattr(metric, name)
        for name in (
            "namespace",
            "metric_name",
            "statistic",
            "dimensions",
            "unit",
            "label",
            "period",
        )
    }
    return Parent(key=metric.key, fields={**told, "read_to": None})


def metrics_of(kind: str, row: Any) -> list[Metric]:
    """Return the series of a row that were read, in the order its page shows them."""
    if kind == "cloudwatch.metric":
        return [row]
    keys = list(dict.fromkeys(series.key for series in _wanted_of(kind, row)))
    found = {
        metric.key: metric for metric in Metric.objects.filter(scope=row.scope_id, key__in=keys)
    }
    return [found[key] for key in keys if key in found]


def seen_with(kind: str, rows: Sequence[Any]) -> dict[int, list[int]]:
    """Return the ids of the series of rows of a kind, by row id."""
    if kind not in WATCHED and kind != "cloudwatch.alarm":
        return {}
    keys = {(row.scope_id, row.pk): [one.key for one in _wanted_of(kind, row)] for row in rows}
    by_scope: dict[int, set[str]] = {}
    for (scope, _), wanted in keys.items():
        by_scope.setdefault(scope, set()).update(wanted)
    ids = {
        (scope, key): pk
        for scope, wanted in by_scope.items()
        for pk, key in Metric.objects.filter(scope=scope, key__in=wanted).values_list("pk", "key")
    }
    return {
        row_id: [ids[scope, key] for key in dict.fromkeys(wanted) if (scope, key) in ids]
        for (scope, row_id), wanted in keys.items()
    }


def has_metrics(kind: str, row: Any) -> bool:
    """Whether any are read of a row; of load balancers those of application ones alone."""
    return kind == "cloudwatch.metric" or bool(_wanted_of(kind, row))


def _wanted_of(kind: str, row: Any) -> list[Series]:
    if kind == "cloudwatch.alarm":
        return list(series_of_alarm({name: getattr(row, name) for name in OF_ALARMS}))
    return series_of(kind, row.key, row.arn)
