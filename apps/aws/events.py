"""Reads EventBridge's envelopes: what the mirror calls an event, in AWS's packing."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from apps.mirror.ingest import Event
from apps.mirror.resource import Heard, Names

API_CALL = "AWS API Call via CloudTrail"
# The member of an API call's detail that says which operation was called.
CALL_NAME = "eventName"


def called(
    source: str,
    names: Callable[[Mapping[str, Any]], Iterable[Names]],
    *operations: str,
) -> Heard:
    """Return what hears API calls, for what a service sends no event of its own about.

    `source` is EventBridge's ("aws.codepipeline"); `operations` are names as CloudTrail writes
    them, which some services give a date (UpdateFunctionCode20150331v2). `names(detail)` finds what
    was called on in detail["requestParameters"], whose members begin with a small letter. Calls
    that failed name nothing. They arrive only where a trail records the account's management
    events.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
    """

    def names_of(detail: Mapping[str, Any]) -> Iterator[Names]:
        if not detail.get("errorCode"):
            yield from names(detail)

    return Heard(source=source, detail_type=API_CALL, names=names_of, where={CALL_NAME: operations})


def event_in(body: str) -> Event | None:
    """Return the event of a queue's message, bare or wrapped by SNS; None for anything else.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    """
    try:
        envelope = json.loads(body)
        if isinstance(envelope, dict) and "detail" not in envelope and "Message" in envelope:
            envelope = json.loads(envelope["Message"])
    except (ValueError, TypeError, RecursionError):
        return None
    return event_of(envelope) if isinstance(envelope, dict) else None


def event_of(envelope: Mapping[str, Any]) -> Event:
    """Return what an envelope says; whatever it lacks is empty and names nothing.

    Some services (ECS) name what an event is about by the envelope's ARNs alone: they stand beside
    the detail's own members as `resources`.
    """
    detail = envelope.get("detail")
    if isinstance(detail, dict) and isinstance(envelope.get("resources"), list):
        named = [arn for arn in envelope["resources"] if isinstance(arn, str)]
        detail = {"resources": named, **detail}
    return Event(
        place=f"{envelope.get('account')}/{envelope.get('region')}",
        source=envelope.get("source", ""),
        type=envelope.get("detail-type", ""),
        detail=detail,
    )
