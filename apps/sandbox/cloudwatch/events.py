"""Words CloudWatch's events as AWS does.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from apps.sandbox.cloudwatch.model import Alarm


def spoken(moment: float) -> str:
    """``2019-10-02T17:04:40.985+0000``: how alarms write a time."""
    when = datetime.fromtimestamp(moment, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}+0000"


def state_of(alarm: Alarm) -> dict[str, Any]:
    """An alarm's state as events tell it."""
    state = {
        "value": alarm.state,
        "reason": alarm.reason,
        "timestamp": spoken(alarm.updated),
    }
    if alarm.reason_data:
        state["reasonData"] = json.dumps(alarm.reason_data)
    return state


def state_changed(alarm: Alarm, previous: dict[str, Any]) -> None:
    """``CloudWatch Alarm State Change``."""
    if alarm.place.world.bus is None:
        return
    detail = {
        "alarmName": alarm.name,
        "state": state_of(alarm),
        "previousState": previous,
        "configuration": _configuration(alarm),
    }
    alarm.place.emit("aws.cloudwatch", "CloudWatch Alarm State Change", detail, [alarm.arn])


def configuration_changed(alarm: Alarm, operation: str) -> None:
    """``CloudWatch Alarm Configuration Change``: ``operation`` is create, update or delete."""
    if alarm.place.world.bus is None:
        return
    detail = {
        "alarmName": alarm.name,
        "operation": operation,
        "state": {"value": alarm.state, "timestamp": spoken(alarm.updated)},
        "configuration": {
            "alarmName": alarm.name,
            "actionsEnabled": alarm.declaration.get("ActionsEnabled", True),
            "timestamp": spoken(alarm.configured),
            **_configuration(alarm),
        },
    }
    alarm.place.emit("aws.cloudwatch", "CloudWatch Alarm Configuration Change", detail, [alarm.arn])


def _configuration(alarm: Alarm) -> dict[str, Any]:
    told = alarm.declaration
    described = {"description": told["AlarmDescription"]} if "AlarmDescription" in told else {}
    if alarm.composite:
        suppressed = {
            name[0].lower() + name[1:]: told[name]
            for name in (
                "ActionsSuppressor",
                "ActionsSuppressorWaitPeriod",
                "ActionsSuppressorExtensionPeriod",
            )
            if name in told
        }
        return {**described, "alarmRule": told["AlarmRule"], **suppressed}
    if "Metrics" in told:
        return {**described, "metrics": [_query(query) for query in told["Metrics"]]}
    single = {
        "id": uuid_from(alarm.place.world.chance(alarm.arn, "metric")),
        "metricStat": {
            "metric": _metric(told),
            "period": told.get("Period", 60),
            "stat": told.get("Statistic") or told.get("ExtendedStatistic", "Average"),
        },
        "returnData": True,
    }
    return {**described, "metrics": [single]}


def _query(query: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if "Expression" in query:
        told |= {"expression": query["Expression"], "label": query.get("Label", query["Id"])}
    else:
        stat = query["MetricStat"]
        told["metricStat"] = {
            "metric": _metric(stat["Metric"]),
            "period": stat["Period"],
            "stat": stat["Stat"],
        }
    return told


def _metric(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "namespace": told.get("Namespace", ""),
        "name": told.get("MetricName", ""),
        "dimensions": {one["Name"]: one["Value"] for one in told.get("Dimensions", ())},
    }
