"""CloudWatch's and CloudWatch Logs' answers as frozen records in the columns' words; no Django.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_CompositeAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_AlarmHistoryItem.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State, urgency_of

from . import named

STATES = {"OK": State.DONE, "ALARM": State.FAILED, "INSUFFICIENT_DATA": State.UNKNOWN}
JSON = Any


def state_of(status: str) -> str:
    """Return our state of an alarm's; a word not heard of is unknown."""
    return STATES.get(status, State.UNKNOWN).value


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmRecord:
    """An alarm as DescribeAlarms gives it, of whatever type."""

    key: str
    arn: str
    alarm_type: str
    status: str
    state: str
    urgency: int
    description: str = ""
    actions_enabled: bool = True
    ok_actions: JSON = ()
    alarm_actions: JSON = ()
    insufficient_data_actions: JSON = ()
    state_reason: str = ""
    state_reason_data: JSON = None
    state_updated: datetime | None = None
    state_transitioned: datetime | None = None
    configuration_updated: datetime | None = None
    namespace: str = ""
    metric_name: str = ""
    dimensions: JSON = None
    statistic: str = ""
    extended_statistic: str = ""
    unit: str = ""
    period: int | None = None
    evaluation_periods: int | None = None
    datapoints_to_alarm: int | None = None
    threshold: float | None = None
    comparison_operator: str = ""
    treat_missing_data: str = ""
    evaluate_low_sample_count_percentile: str = ""
    metrics: JSON = ()
    threshold_metric_id: str = ""
    evaluation_state: str = ""
    alarm_rule: str = ""
    actions_suppressor: str = ""
    actions_suppressor_wait_period: int | None = None
    actions_suppressor_extension_period: int | None = None
    actions_suppressed_by: str = ""
    actions_suppressed_reason: str = ""
    links: tuple[LinkTo, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryRecord:
    """One item of DescribeAlarmHistory; the definitions in its data are left out."""

    key: str
    parent: str
    alarm_name: str
    alarm_type: str
    at: datetime | None
    item_type: str
    summary: str
    old_state: str = ""
    status: str = ""
    state: str = ""
    reason: str = ""
    action: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogGroupRecord:
    """A log group as DescribeLogGroups gives it."""

    key: str
    arn: str
    log_group_class: str = ""
    retention_in_days: int | None = None
    stored_bytes: int | None = None
    metric_filter_count: int | None = None
    kms_key_id: str = ""
    data_protection_status: str = ""
    created: datetime | None = None
    links: tuple[LinkTo, ...] = ()


@dataclass(frozen=True, slots=True)
class Points:
    """What was read of a series: up to when, at which period (seconds), and the points.

    `values` holds (epoch seconds of a period's beginning, value). `whole` is False where CloudWatch
    refused the series, failed, or gave a part only: what is missing was not read.
    """

    since: datetime
    until: datetime
    period: int
    values: tuple[tuple[int, float], ...] = ()
    whole: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRecord:
    """A series as it was asked for, how GetMetricData answered, and (aside) its points."""

    key: str
    namespace: str
    metric_name: str
    statistic: str
    dimensions: JSON
    unit: str
    label: str
    period: int
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    message: str | Unread = UNREAD
    aside: Points | None = None


def alarm_record(alarm: Mapping[str, Any], alarm_type: str) -> AlarmRecord:
    """Return an alarm of DescribeAlarms."""
    arn, status = alarm.get("AlarmArn") or "", alarm.get("StateValue") or ""
    state = state_of(status)
    actions = {
        name: list(alarm.get(member) or ())
        for name, member in (
            ("ok_actions", "OKActions"),
            ("alarm_actions", "AlarmActions"),
            ("insufficient_data_actions", "InsufficientDataActions"),
        )
    }
    dimensions = _dimensions(alarm.get("Dimensions"))
    metrics = [_query(query) for query in alarm.get("Metrics") or ()]
    rule = alarm.get("AlarmRule") or ""
    everything = [arn for some in actions.values() for arn in some]
    suppressor = alarm.get("ActionsSuppressor") or ""
    links = [
        *named.by_dimensions(alarm.get("Namespace") or "", dimensions, arn),
        *(
            link
            for query in metrics
            for link in named.by_dimensions(query["namespace"], query["dimensions"], arn)
        ),
        *named.by_rule(rule, arn),
        *named.by_actions(everything),
        *named.by_suppressor(suppressor, arn),
    ]
    return AlarmRecord(
        key=alarm["AlarmName"],
        arn=arn,
        alarm_type=alarm_type,
        status=status,
        state=state,
        urgency=urgency_of(state),
        description=masked(alarm.get("AlarmDescription") or ""),
        actions_enabled=bool(alarm.get("ActionsEnabled", True)),
        **actions,
        state_reason=masked(alarm.get("StateReason") or ""),
        state_reason_data=_read(alarm.get("StateReasonData")),
        state_updated=alarm.get("StateUpdatedTimestamp"),
        # Older alarms have not got the one that tells since when.
        state_transitioned=alarm.get("StateTransitionedTimestamp")
        or alarm.get("StateUpdatedTimestamp"),
        configuration_updated=alarm.get("AlarmConfigurationUpdatedTimestamp"),
        namespace=alarm.get("Namespace") or "",
        metric_name=alarm.get("MetricName") or "",
        dimensions=dimensions,
        statistic=alarm.get("Statistic") or "",
        extended_statistic=alarm.get("ExtendedStatistic") or "",
        unit=alarm.get("Unit") or "",
        period=alarm.get("Period"),
        evaluation_periods=alarm.get("EvaluationPeriods"),
        datapoints_to_alarm=alarm.get("DatapointsToAlarm"),
        threshold=alarm.get("Threshold"),
        comparison_operator=alarm.get("ComparisonOperator") or "",
        treat_missing_data=alarm.get("TreatMissingData") or "",
        evaluate_low_sample_count_percentile=alarm.get("EvaluateLowSampleCountPercentile") or "",
        metrics=metrics,
        threshold_metric_id=alarm.get("ThresholdMetricId") or "",
        evaluation_state=alarm.get("EvaluationState") or "",
        alarm_rule=rule,
        actions_suppressor=suppressor,
        actions_suppressor_wait_period=alarm.get("ActionsSuppressorWaitPeriod"),
        actions_suppressor_extension_period=alarm.get("ActionsSuppressorExtensionPeriod"),
        actions_suppressed_by=alarm.get("ActionsSuppressedBy") or "",
        actions_suppressed_reason=masked(alarm.get("ActionsSuppressedReason") or ""),
        links=tuple(dict.fromkeys(links)),
    )


def history_record(item: Mapping[str, Any]) -> HistoryRecord:
    """Return an item of DescribeAlarmHistory; AWS gives it no id, so it is told by all it says."""
    alarm, at = item.get("AlarmName") or "", item.get("Timestamp")
    kind, summary = item.get("HistoryItemType") or "", item.get("HistorySummary") or ""
    told = "\n".join((alarm, str(at), kind, summary, item.get("HistoryData") or ""))
    data = _read(item.get("HistoryData"))
    data = data if isinstance(data, Mapping) else {}
    old, new = _part(data, "oldState"), _part(data, "newState")
    status = str(new.get("stateValue") or "")
    return HistoryRecord(
        key=hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:40],
        parent=alarm,
        alarm_name=alarm,
        alarm_type=item.get("AlarmType") or "",
        at=at,
        item_type=kind,
        summary=masked(summary),
        old_state=str(old.get("stateValue") or ""),
        status=status,
        state=state_of(status) if status else "",
        reason=masked(str(new.get("stateReason") or "")),
        action=str(data.get("notificationResource") or ""),
        error=masked(str(data.get("error") or "")),
    )


def log_group_record(group: Mapping[str, Any]) -> LogGroupRecord:
    """Return a group of DescribeLogGroups."""
    name = group["logGroupName"]
    arn = (group.get("logGroupArn") or group.get("arn") or "").removesuffix(":*")
    created = group.get("creationTime")
    key = group.get("kmsKeyId") or ""
    return LogGroupRecord(
        key=name,
        arn=arn,
        log_group_class=group.get("logGroupClass") or "",
        retention_in_days=group.get("retentionInDays"),
        stored_bytes=group.get("storedBytes"),
        metric_filter_count=group.get("metricFilterCount"),
        kms_key_id=key,
        data_protection_status=group.get("dataProtectionStatus") or "",
        created=None if created is None else datetime.fromtimestamp(created / 1000, UTC),
        links=named.by_log_group(name, arn, key),
    )


def _dimensions(told: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    return {str(one.get("Name")): str(one.get("Value")) for one in told or ()}


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    """One of the metrics of an alarm on expressions."""
    stat = query.get("MetricStat") or {}
    metric = stat.get("Metric") or {}
    return {
        "id": query.get("Id") or "",
        "expression": query.get("Expression") or "",
        "label": query.get("Label") or "",
        "namespace": metric.get("Namespace") or "",
        "name": metric.get("MetricName") or "",
        "dimensions": _dimensions(metric.get("Dimensions")),
        "stat": stat.get("Stat") or "",
        "period": stat.get("Period") or query.get("Period"),
        "returns": bool(query.get("ReturnData", True)),
        "account": query.get("AccountId") or "",
    }


def _read(text: Any) -> Any:
    """Return JSON in text; None where it is none (AWS cuts long ones)."""
    if not text:
        return None
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}
