"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from apps.mirror.asking import hint
from apps.mirror.links import owners
from apps.mirror.models import Change, Scope
from apps.mirror.resource import REGISTER, Appended, Cadence, Happened, Heard, Names, Resource

from . import collect, digest, keep, models, plan
from .ties import of_alarm, of_log_group
from .watched import WATCHED


def _alarm_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="cloudwatch.alarm", key=str(detail["alarmName"]))


# CloudWatch weighs a composite alarm after the alarms that it asks.
WEIGHED = timedelta(seconds=3)


def _ask_composites(scope_id: int, changes: Sequence[Change]) -> None:
    """A composite alarm gives another reason when one of those it asks moved, and no event then.

    One that was seen to move with it needs no second look.
    """
    moved = [one.row_id for one in changes if "status" in one.before and "status" in one.after]
    arns = models.Alarm.objects.filter(pk__in=moved).exclude(arn="").values_list("arn", flat=True)
    asking = {pk for _, kind, pk in owners("cloudwatch.alarm", list(arns)) if kind == ALARM.kind}
    asking -= {one.row_id for one in changes}
    if not asking:
        return
    rows = models.Alarm.objects.filter(pk__in=asking, scope=scope_id, gone_at=None)
    names = [Names(kind=ALARM.kind, key=key) for key in rows.values_list("key", flat=True)]
    hint(Scope.objects.get(pk=scope_id), names, later=WEIGHED)


ALARM = REGISTER.add(
    Resource(
        kind="cloudwatch.alarm",
        label="alarms",
        provider="aws",
        model=models.Alarm,
        collect=collect.alarms,
        cadence=Cadence(cold=timedelta(seconds=60)),
        calls=("cloudwatch:DescribeAlarms",),
        events=(
            Heard(
                source="aws.cloudwatch",
                detail_type="CloudWatch Alarm State Change",
                names=_alarm_of,
            ),
            Heard(
                source="aws.cloudwatch",
                detail_type="CloudWatch Alarm Configuration Change",
                names=_alarm_of,
            ),
        ),
        heard_wholly=True,
        keyed=True,
        after=_ask_composites,
        held=True,
        ties=(("arn", "namespace", "dimensions"), of_alarm),
        url=models.Alarm.get_absolute_url,
        listed="cloudwatch:alarms",
        explain=digest.why_alarm,
        explain_then=digest.why_then,
    )
)

HISTORY = REGISTER.add(
    Resource(
        kind="cloudwatch.alarmhistory",
        label="alarm history",
        provider="aws",
        model=models.AlarmHistory,
        collect=collect.histories,
        cadence=Cadence(cold=timedelta(minutes=3)),
        calls=("cloudwatch:DescribeAlarmHistory",),
        parent=("cloudwatch.alarm", "alarm"),
        history=True,
        digest=digest.alarmed,
        happened=Happened(
            at="at",
            group="Alarms",
            icon="bell",
            name=lambda row: row.alarm_name,
            told=lambda row: row.summary,
            url=lambda row: models.Alarm.get_absolute_url(row.alarm),
            which=Q(item_type="StateUpdate"),
        ),
        appended=Appended(at="at", keep=models.HISTORY_KEPT),
    )
)

METRIC = REGISTER.add(
    Resource(
        kind="cloudwatch.metric",
        label="metrics",
        provider="aws",
        model=models.Metric,
        collect=collect.metrics,
        cadence=Cadence(cold=timedelta(minutes=settings.METRICS_MINUTES)),
        calls=("cloudwatch:GetMetricData",),
        seen_with=plan.seen_with,
        url=models.Metric.get_absolute_url,
        listed="cloudwatch:metrics",
        given=plan.given,
        # Whose series are read; what was not there at the first reading has none for five minutes.
        awaits=("cloudwatch.alarm", *WATCHED),
        aside=keep.keep_points,
    )
)

LOG_GROUP = REGISTER.add(
    Resource(
        kind="cloudwatch.loggroup",
        label="log groups",
        provider="aws",
        model=models.LogGroup,
        collect=collect.log_groups,
        cadence=Cadence(cold=timedelta(minutes=30)),
        calls=("logs:DescribeLogGroups",),
        held=True,
        ties=(("arn", "key"), of_log_group),
        url=models.LogGroup.get_absolute_url,
        listed="cloudwatch:log_groups",
    )
)
