"""Reads alarms, their history, metrics and log groups from CloudWatch; no Django.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.aws.calls import Reach, batches
from apps.mirror.ask import Ask, Ended, Parent, Vanished
from apps.mirror.state import State

from .records import (
    AlarmRecord,
    HistoryRecord,
    LogGroupRecord,
    MetricRecord,
    Points,
    alarm_record,
    history_record,
    log_group_record,
)

# What one DescribeAlarms takes and gives, one DescribeLogGroups gives, one GetMetricData takes.
ALARMS, GROUPS, QUERIES = 100, 50, 500
# Points that one page of GetMetricData holds.
DATAPOINTS = 100_800
TYPES = ["MetricAlarm", "CompositeAlarm"]
# How far back the history of alarms is read the first time, and in how many pages at most: at
# three calls a second more would keep everybody waiting.
HISTORY, HISTORY_PAGES = timedelta(days=30), 60
# How far back a series is read that was never read, or not for long: 500 series of minutes that
# long fit into one page.
MINUTES = timedelta(hours=2)
# CloudWatch completes its newest points some minutes late.
SETTLES = timedelta(minutes=15)
OPERATION = "cloudwatch:GetMetricData"
# The one answer after which nothing of a series' points is missing.
COMPLETE = "Complete"


def alarms(reach: Reach, ask: Ask) -> Iterator[AlarmRecord | Vanished]:
    """Yield every alarm of the region, metric and composite, or those named by `ask.keys`."""
    if ask.keys is None:
        for page in reach.pages("cloudwatch:DescribeAlarms", AlarmTypes=TYPES, MaxRecords=ALARMS):
            yield from _alarms(page)
        return
    for names in batches(dict.fromkeys(ask.keys), ALARMS):
        page = reach.call(
            "cloudwatch:DescribeAlarms", AlarmTypes=TYPES, AlarmNames=names, MaxRecords=ALARMS
        )
        found = list(_alarms(page))
        yield from found
        yield from (Vanished(name) for name in set(names) - {record.key for record in found})


def _alarms(page: Mapping[str, Any]) -> Iterator[AlarmRecord]:
    for member, alarm_type in (
        ("MetricAlarms", "MetricAlarm"),
        ("CompositeAlarms", "CompositeAlarm"),
        ("LogAlarms", "LogAlarm"),
    ):
        yield from (alarm_record(alarm, alarm_type) for alarm in page.get(member) or ())


def histories(reach: Reach, ask: Ask) -> Iterator[HistoryRecord | Ended]:
    """Yield what became of all alarms, newest first, until a page holds something known.

    Whatever is older than that was read with it: items come in the order of their times.
    """
    pages = reach.pages(
        "cloudwatch:DescribeAlarmHistory",
        AlarmTypes=TYPES,
        StartDate=datetime.now(UTC) - HISTORY,
        ScanBy="TimestampDescending",
        MaxRecords=ALARMS,
    )
    for number, page in enumerate(pages, 1):
        records = [history_record(item) for item in page.get("AlarmHistoryItems") or ()]
        known = ask.finished([record.key for record in records])
        yield from (record for record in records if record.key not in known)
        if number == HISTORY_PAGES:
            break
        if known and "" not in ask.unended:
            return
    yield Ended()


def log_groups(reach: Reach, _ask: Ask) -> Iterator[LogGroupRecord]:
    """Yield every log group of the region."""
    for page in reach.pages("logs:DescribeLogGroups", limit=GROUPS):
        yield from (log_group_record(group) for group in page.get("logGroups") or ())


def metrics(reach: Reach, ask: Ask) -> Iterator[MetricRecord]:
    """Yield the series in `ask.parents` with their points since they were read last.

    A parent's `fields` are a series' `namespace`, `metric_name`, `statistic`, `dimensions`,
    `unit`, `label`, `period`, and `read_to`: up to when it was read, None where it never was.
    500 series make one call. Those that were read lately go together, the others apart, so that
    the former are asked for minutes and not for hours. A series that was not answered whole is
    asked again from where it was read last.
    """
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    fresh: list[Parent] = []
    lately: list[Parent] = []
    for parent in ask.parents:
        read_to = parent.fields["read_to"]
        recent = read_to is not None and read_to > now - MINUTES
        (lately if recent else fresh).append(parent)
    # Those that lag behind share their batch: the others are asked for less.
    lately.sort(key=lambda parent: parent.fields["read_to"])
    for batch in batches(lately, QUERIES):
        since = min(parent.fields["read_to"] for parent in batch) - SETTLES
        yield from points(reach, batch, floored(since, 300), now)
    for batch in batches(fresh, QUERIES):
        yield from points(reach, batch, floored(now - MINUTES, 3600), now)


def points(
    reach: Reach,
    series: Sequence[Parent],
    since: datetime,
    until: datetime,
    *,
    period: int | None = None,
) -> Iterator[MetricRecord]:
    """Yield these series (500 at most) with their points; by their own periods, or by `period`."""
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": one.fields["namespace"],
                    "MetricName": one.fields["metric_name"],
                    "Dimensions": [
                        {"Name": name, "Value": value}
                        for name, value in one.fields["dimensions"].items()
                    ],
                },
                "Period": period or one.fields["period"],
                "Stat": one.fields["statistic"],
            },
        }
        for number, one in enumerate(series)
    ]
    found: dict[str, dict[int, float]] = {}
    said: dict[str, tuple[str, str]] = {}
    for page in reach.pages(
        OPERATION,
        MetricDataQueries=queries,
        StartTime=since,
        EndTime=until,
        ScanBy="TimestampAscending",
    ):
        for result in page.get("MetricDataResults") or ():
            pairs = zip(result.get("Timestamps") or (), result.get("Values") or (), strict=False)
            held = found.setdefault(result["Id"], {})
            held.update((int(at.timestamp()), float(value)) for at, value in pairs)
            said[result["Id"]] = (result.get("StatusCode") or "", _message(result))
    for number, one in enumerate(series):
        status, message = said.get(f"m{number}", ("", ""))
        read = Points(
            since=since,
            until=until,
            period=period or one.fields["period"],
            values=tuple(sorted(found.get(f"m{number}", {}).items())),
            whole=status == COMPLETE,
        )
        yield _metric_record(one, status, message, read)


def _metric_record(one: Parent, status: str, message: str, read: Points) -> MetricRecord:
    told = one.fields
    return MetricRecord(
        key=one.key,
        namespace=told["namespace"],
        metric_name=told["metric_name"],
        statistic=told["statistic"],
        dimensions=dict(told["dimensions"]),
        unit=told["unit"],
        label=told["label"],
        period=told["period"],
        status=status,
        state=(State.DONE if status == COMPLETE else State.UNKNOWN).value if status else "",
        message=message,
        aside=read,
    )


def _message(result: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{said.get('Code')}: {said.get('Value')}" for said in result.get("Messages") or ()
    )


def floored(moment: datetime, seconds: int) -> datetime:
    """Round down, so that CloudWatch answers from its own storage without aligning."""
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)
