"""CloudWatch's operations on alarms."""

from __future__ import annotations

import json
from typing import Any

from apps.sandbox.cloudwatch import evaluate
from apps.sandbox.cloudwatch.model import Alarm, AlarmStore, HistoryItem, history_data
from apps.sandbox.cloudwatch.rule import RuleError
from apps.sandbox.control import COUNTERS
from apps.sandbox.operations import (
    TRAITS,
    Answer,
    AwsError,
    Call,
    Params,
    Traits,
    operation,
    paginate,
)

PAGE = 100


def _resources(where: str, members: Params) -> list[str]:
    names = members.get("AlarmNames") or [members.get("AlarmName", "*")]
    return [f"{where}alarm:{name}" for name in names]


TRAITS["cloudwatch"] = Traits(
    invalid="ValidationError", bad_page="InvalidNextToken", resources=_resources
)
COUNTERS["alarms"] = lambda place: len(place.of(AlarmStore).alarms)


def invalid_token() -> AwsError:
    """What CloudWatch answers to a next token it did not give."""
    return AwsError("InvalidNextToken", "The next token specified is invalid.")


def _not_found(names: list[str]) -> AwsError:
    return AwsError("ResourceNotFound", f"Unknown alarm(s): {', '.join(names)}", status=404)


@operation("cloudwatch", "DescribeAlarms")
def describe_alarms(call: Call, params: Params) -> Answer:
    """Alarms by name, 100 a page; without AlarmTypes only metric alarms, as AWS does."""
    store = call.place.of(AlarmStore)
    types = params.get("AlarmTypes") or ["MetricAlarm"]
    wanted = [
        alarm
        for alarm in sorted(store.alarms.values(), key=lambda alarm: alarm.name)
        if ("CompositeAlarm" if alarm.composite else "MetricAlarm") in types
        and _asked(store, alarm, params)
    ]
    page, token = paginate(
        call,
        wanted,
        lambda alarm: alarm.name,
        size=params.get("MaxRecords", PAGE),
        token=params.get("NextToken"),
        error=invalid_token,
    )
    return {
        "MetricAlarms": [_metric_alarm(alarm) for alarm in page if not alarm.composite],
        "CompositeAlarms": [_composite_alarm(alarm) for alarm in page if alarm.composite],
        "NextToken": token,
    }


def _asked(store: AlarmStore, alarm: Alarm, params: Params) -> bool:
    names, prefix = params.get("AlarmNames"), params.get("AlarmNamePrefix", "")
    state, acts = params.get("StateValue"), params.get("ActionPrefix")
    if names and alarm.name not in names:
        return False
    if not alarm.name.startswith(prefix) or (state and alarm.state != state):
        return False
    if acts and not any(target.startswith(acts) for target in alarm.would_do("ALARM")):
        return False
    parent = params.get("ChildrenOfAlarmName")
    if parent and (parent not in store.alarms or alarm.name not in store.alarms[parent].children):
        return False
    child = params.get("ParentsOfAlarmName")
    return not child or child in alarm.children


def _shared(alarm: Alarm) -> Answer:
    told = alarm.declaration
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.arn,
        "AlarmDescription": told.get("AlarmDescription"),
        "AlarmConfigurationUpdatedTimestamp": alarm.configured,
        "ActionsEnabled": told.get("ActionsEnabled", True),
        "OKActions": told.get("OKActions", []),
        "AlarmActions": told.get("AlarmActions", []),
        "InsufficientDataActions": told.get("InsufficientDataActions", []),
        "StateValue": alarm.state,
        "StateReason": alarm.reason[:1023],
        "StateReasonData": json.dumps(alarm.reason_data) if alarm.reason_data else None,
        "StateUpdatedTimestamp": alarm.updated,
        "StateTransitionedTimestamp": alarm.transitioned,
    }


def _metric_alarm(alarm: Alarm) -> Answer:
    told = alarm.declaration
    names = (
        "MetricName",
        "Namespace",
        "Statistic",
        "ExtendedStatistic",
        "Period",
        "Unit",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "Threshold",
        "ComparisonOperator",
        "TreatMissingData",
        "EvaluateLowSampleCountPercentile",
        "Metrics",
        "ThresholdMetricId",
    )
    return {
        **_shared(alarm),
        **{name: told.get(name) for name in names},
        "Dimensions": told.get("Dimensions", []),
    }


def _composite_alarm(alarm: Alarm) -> Answer:
    told = alarm.declaration
    names = (
        "AlarmRule",
        "ActionsSuppressor",
        "ActionsSuppressorWaitPeriod",
        "ActionsSuppressorExtensionPeriod",
    )
    return {**_shared(alarm), **{name: told.get(name) for name in names}}


@operation("cloudwatch", "DescribeAlarmHistory")
def describe_alarm_history(call: Call, params: Params) -> Answer:
    """What became of alarms, newest first unless ScanBy says otherwise; 100 a page.

    Without AlarmTypes only metric alarms' items, as AWS does.
    """
    types = params.get("AlarmTypes") or ["MetricAlarm"]
    name, kind = params.get("AlarmName"), params.get("HistoryItemType")
    start, end = moment(params.get("StartDate"), 0.0), moment(params.get("EndDate"), 1e12)
    wanted = [
        (number, item)
        for number, item in enumerate(call.place.of(AlarmStore).history)
        if (not name or item.alarm == name)
        and (not kind or item.type == kind)
        and _type(item) in types
        and start <= item.at <= end
    ]
    if params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        wanted.reverse()
    page, token = paginate(
        call,
        wanted,
        lambda numbered: f"{numbered[1].at}/{numbered[1].alarm}/{numbered[1].summary}",
        size=params.get("MaxRecords", PAGE),
        token=params.get("NextToken"),
        error=invalid_token,
        scope=name or "",
    )
    return {
        "AlarmHistoryItems": [
            {
                "AlarmName": item.alarm,
                "AlarmType": _type(item),
                "Timestamp": item.at,
                "HistoryItemType": item.type,
                "HistorySummary": item.summary,
                "HistoryData": history_data(item),
            }
            for _, item in page
        ],
        "NextToken": token,
    }


def _type(item: HistoryItem) -> str:
    return "CompositeAlarm" if item.composite else "MetricAlarm"


def moment(given: Any, default: float) -> float:
    """A time as the JSON protocol (seconds) or another (a datetime) gave it."""
    if given is None:
        return default
    return float(given) if isinstance(given, int | float) else float(given.timestamp())


@operation("cloudwatch", "PutMetricAlarm")
def put_metric_alarm(call: Call, params: Params) -> Answer:
    """Create or replace an alarm on a metric or on expressions."""
    if "Metrics" not in params:
        missing = [
            name
            for name in ("MetricName", "Namespace", "Period", "EvaluationPeriods")
            if name not in params
        ]
        if missing:
            raise AwsError("ValidationError", f"{missing[0]} must be specified")
    if "ComparisonOperator" not in params or "EvaluationPeriods" not in params:
        raise AwsError("ValidationError", "ComparisonOperator must be specified")
    _put(call, params)
    return {}


@operation("cloudwatch", "PutCompositeAlarm")
def put_composite_alarm(call: Call, params: Params) -> Answer:
    """Create or replace an alarm on other alarms."""
    _put(call, params)
    return {}


def _put(call: Call, params: Params) -> None:
    declaration = {name: value for name, value in params.items() if name != "Tags"}
    try:
        call.place.of(AlarmStore).put(declaration)
    except RuleError as error:
        raise AwsError("ValidationError", str(error)) from None
    evaluate.begin(call.place)


@operation("cloudwatch", "SetAlarmState")
def set_alarm_state(call: Call, params: Params) -> Answer:
    """Bring an alarm to a state until it is evaluated again."""
    store, name = call.place.of(AlarmStore), params["AlarmName"]
    if name not in store.alarms:
        raise AwsError("ResourceNotFound", "Alarm does not exist", status=404)
    data = params.get("StateReasonData")
    try:
        read = json.loads(data) if data else None
    except ValueError:
        raise AwsError("InvalidFormat", "StateReasonData is not valid JSON") from None
    store.set_state(name, params["StateValue"], params["StateReason"], read)
    return {}


@operation("cloudwatch", "DeleteAlarms")
def delete_alarms(call: Call, params: Params) -> Answer:
    """Delete alarms, all or none; one that a composite alarm asks stays."""
    store, names = call.place.of(AlarmStore), list(params["AlarmNames"])
    if unknown := [name for name in names if name not in store.alarms]:
        raise _not_found(unknown)
    for name in names:
        parents = [a.name for a in store.alarms.values() if name in a.children and a.name != name]
        if set(parents) - set(names):
            raise AwsError(
                "ResourceConflict",
                f"Cannot delete {name} as there are composite alarm(s) depending on it.",
            )
    for name in names:
        store.delete(name)
    return {}
