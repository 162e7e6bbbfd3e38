"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings

from apps.mirror.resource import REGISTER, Appended, Cadence, Heard, Names, Resource

from . import collect, digest, keep, models, plan
from .watched import WATCHED


def _alarm_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="cloudwatch.alarm", key=str(detail["alarmName"]))


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
        url=models.LogGroup.get_absolute_url,
        listed="cloudwatch:log_groups",
    )
)
