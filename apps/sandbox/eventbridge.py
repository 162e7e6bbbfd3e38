"""Delivers service events to the SQS queues that the rules of the default bus name.

The rules and queues are moto's, made through boto3. moto's own delivery drops ``account`` from the
envelope and fails on targets it does not know, so the envelope and the delivery are ours; the
pattern match is moto's.
"""

from __future__ import annotations

import json
import logging
import random
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException

if TYPE_CHECKING:
    from apps.sandbox.world import Detail, Place

log = logging.getLogger("sandbox.events")

#: A queue nobody reads keeps its newest messages only (SQS itself forgets after four days).
QUEUE_LIMIT = 2000
#: moto remembers every receipt handle ever deleted, and keeps every message it ever made.
RECEIPTS_LIMIT = 10_000


class Bus:
    """The default buses of all places. Runs under the world's lock."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"{seed}/events")  # noqa: S311 - reproducible on purpose
        self.delivered = 0

    def emit(
        self, place: Place, source: str, detail_type: str, detail: Detail, resources: list[str]
    ) -> None:
        """Send one event to every queue that a rule of this place's default bus names.

        Pipelines that a rule names begin. Other targets (SNS, Lambda, logs, other buses) are
        passed over.
        """
        from moto.events.models import events_backends

        bus = events_backends[place.account][place.region].event_buses.get("default")
        if bus is None or not bus.rules:
            return
        event = {
            "version": "0",
            "id": str(uuid.UUID(int=self._chance.getrandbits(128), version=4)),
            "detail-type": detail_type,
            "source": source,
            "account": place.account,
            "time": datetime.fromtimestamp(place.world.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": place.region,
            "resources": resources,
            "detail": detail,
        }
        body: str | None = None
        for rule in list(bus.rules.values()):
            if rule.state != "ENABLED" or not _matches(rule.event_pattern, event):
                continue
            for target in list(rule.targets):
                service = target["Arn"].split(":")[2]
                if service == "sqs":
                    body = body or json.dumps(event)
                    self._send(target, body)
                elif service == "codepipeline":
                    self._release(place, rule.arn, target)

    def _release(self, place: Place, rule: str, target: dict[str, Any]) -> None:
        """Begin a pipeline, where the target's role may."""
        from apps.sandbox.codepipeline import artifacts, engine
        from apps.sandbox.codepipeline.model import PipelineStore
        from apps.sandbox.rolepolicy import service_session

        arn = str(target["Arn"])
        pipeline = place.of(PipelineStore).pipelines.get(arn.split(":", 5)[5])
        actor = service_session(place.world, str(target.get("RoleArn", "")), "events")
        action = "codepipeline:StartPipelineExecution"
        if pipeline is None or artifacts.denial_of(place, actor, action, arn) is not None:
            return

        def begin() -> None:
            if not pipeline.deleted:
                engine.start(pipeline, "CloudWatchEvent", rule)

        place.world.scheduler.after(1, begin)

    def _send(self, target: dict[str, Any], body: str) -> None:
        from moto.sqs.models import Message, sqs_backends

        _, _, _, region, account, name = target["Arn"].split(":", 5)
        backend = sqs_backends[account][region]
        try:
            queue: Any = backend.get_queue(name)
            if queue.fifo_queue:
                group = target.get("SqsParameters", {}).get("MessageGroupId")
                backend.send_message(queue_name=name, message_body=body, group_id=group)
            else:
                # moto's send_message counts the whole queue three times; its queue itself does not.
                message = Message(
                    str(uuid.UUID(int=self._chance.getrandbits(128), version=4)), body
                )
                message.mark_sent(delay_seconds=int(queue.delay_seconds))
                queue.add_message(message)
        except ServiceException as error:
            # EventBridge drops what it cannot deliver; the service that sent it never hears of it.
            log.debug("no delivery to %s: %s", target["Arn"], error)
            return
        self.delivered += 1
        if len(queue._messages) > QUEUE_LIMIT:
            del queue._messages[: QUEUE_LIMIT // 10]
        if len(queue.deleted_messages) > RECEIPTS_LIMIT:
            queue.deleted_messages.clear()
        every: Any = Message
        if len(every.instances_tracked) > QUEUE_LIMIT:
            every.instances_tracked.clear()


def _matches(pattern: Any, event: dict[str, Any]) -> bool:
    """Whether a rule's pattern lets an event through.

    Moto copies each event to match it; that is spared where lists of exact texts decide.
    """
    wanted = pattern.get_pattern()
    if not wanted:
        return False
    told = _told_by_texts(wanted, event)
    return bool(pattern.matches_event(event)) if told is None else told


def _told_by_texts(wanted: dict[str, Any], event: dict[str, Any]) -> bool | None:
    """What lists of exact texts say of an event; None where anything else has to be asked."""
    unsure = False
    for name, values in wanted.items():
        has = event.get(name)
        if isinstance(values, dict) and isinstance(has, dict):
            told = _told_by_texts(values, has)
        elif isinstance(values, list) and all(isinstance(value, str) for value in values):
            told = None if isinstance(has, list) else has in values
        elif _all_but(values) is not None and isinstance(has, str):
            told = has not in (_all_but(values) or ())
        else:
            told = None
        if told is False:
            return False
        unsure = unsure or told is None
    return None if unsure else True


def _all_but(values: Any) -> list[Any] | None:
    """The texts that ``[{"anything-but": [texts]}]`` keeps out; None for any other wish."""
    match values:
        case [{"anything-but": [*texts]}] if all(isinstance(text, str) for text in texts):
            return texts
    return None
