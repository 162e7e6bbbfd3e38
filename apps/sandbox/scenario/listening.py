"""Deploys the dashboard's event template in an account and region: a queue and the rules it needs.

``events.json`` is what ``manage.py event_template --format json`` prints; nothing of the dashboard
is imported for it. Only what the template uses of CloudFormation is understood.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.sandbox.world import World

TEMPLATE = Path(__file__).with_name("events.json")
#: Who looks into a queue by hand does not want to wait for an empty answer.
_LEFT_OUT = {"QueueName", "Tags", "ReceiveMessageWaitTimeSeconds"}


def furnish(world: World, account: str, region: str) -> None:
    """Make the queue and the rules through moto's backends, as CloudFormation would."""
    from moto.events.models import events_backends
    from moto.sqs.models import sqs_backends

    world.place(account, region)
    sqs, events = sqs_backends[account][region], events_backends[account][region]
    found: dict[str, Any] = {"DashboardPrincipal": "", "HasPrincipal": False, "AWS::NoValue": None}
    for logical, properties in _of_type("AWS::SQS::Queue"):
        attributes = {name: properties[name] for name in properties.keys() - _LEFT_OUT}
        queue = sqs.create_queue(properties["QueueName"], **attributes)
        found[logical] = queue.name
        found[f"{logical}.Arn"] = queue.queue_arn
    for logical, properties in _of_type("AWS::Events::Rule"):
        rule = events.put_rule(
            properties["Name"],
            event_pattern=json.dumps(properties["EventPattern"]),
            description=properties["Description"],
            state=properties["State"],
        )
        events.put_targets(rule.name, None, _made(properties["Targets"], found))
        found[f"{logical}.Arn"] = rule.arn
    for _, properties in _of_type("AWS::SQS::QueuePolicy"):
        policy = json.dumps(_made(properties["PolicyDocument"], found))
        for name in _made(properties["Queues"], found):
            sqs.set_queue_attributes(name, {"Policy": policy})


@functools.cache
def _template() -> dict[str, Any]:
    template: dict[str, Any] = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    return template


def _of_type(kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (logical, resource["Properties"])
        for logical, resource in _template()["Resources"].items()
        if resource["Type"] == kind
    ]


def _made(value: Any, found: dict[str, Any]) -> Any:
    """A value of the template with its functions carried out; members without one are left out."""
    match value:
        case {"Ref": str(name)}:
            return found[name]
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return found[f"{name}.{attribute}"]
        case {"Fn::If": [str(condition), yes, no]}:
            return _made(yes if found[condition] else no, found)
        case dict():
            return {name: _made(item, found) for name, item in value.items()}
        case list():
            return [made for item in value if (made := _made(item, found)) is not None]
    return value
