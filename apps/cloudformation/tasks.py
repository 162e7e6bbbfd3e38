"""Celery's side of CloudFormation: reading templates and drift for those who look at them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResourceDrifts.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery import shared_task

from apps.mirror import looks
from apps.mirror.linestore import Contents
from apps.mirror.outcomes import record_outcomes
from apps.mirror.provider import PROVIDERS, Failure, Health
from apps.mirror.resource import REGISTER

from . import drift, template
from .lines import What, follower_of, store_of
from .models import Stack

OPERATION = "cloudformation:GetTemplate"
DRIFTS = "cloudformation:DescribeStackResourceDrifts"
# Only what differs; a stack has 500 resources at most.
DIFFERS = ["MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is read: `lines(reach, stack)` may raise; `gone` and `failed` say what that means."""

    what: What
    operation: str
    lines: Callable[[Any, Stack], list[str]]
    gone: tuple[str, str]
    failed: str


@shared_task(name="cloudformation.read_template")
def read_template(stack_id: int, ticket: str) -> None:
    """Read a template into the cache, one reader however many look."""
    _read(TEMPLATE, stack_id, ticket)


@shared_task(name="cloudformation.read_drift")
def read_drift(stack_id: int, ticket: str) -> None:
    """Read what the last drift detection found into the cache; none is ever begun."""
    _read(DRIFT, stack_id, ticket)


def _read(reading: _Reading, stack_id: int, ticket: str) -> None:
    stack = Stack.objects.select_related("scope").filter(pk=stack_id).first()
    if stack is not None:
        what = reading.what
        looks.read_whole(
            store_of(stack_id, what),
            follower_of(stack_id, what),
            ticket,
            f"{what}:{stack_id}",
            partial(_told, reading, stack),
        )


def _told(reading: _Reading, stack: Stack, contents: Contents) -> list[str]:
    """Return the lines; where they cannot be read, say on the contents why.

    It is done where there is no more to read. What was refused, throttled or hung is not: whoever
    looks next has it asked for again.
    """
    # Of which version of the stack this is: another one is read anew.
    contents.token = stack.stamp
    scope = stack.scope
    provider = PROVIDERS.get(scope.provider)
    reach: Any = None
    try:
        reach = provider.open(scope, urgent=True)
        lines = reading.lines(reach, stack)
    except Exception as error:  # noqa: BLE001 - classified, and told beside the lines
        failure = provider.classify(error, reading.operation)
        if reach is not None and failure.health is not Health.GONE:
            record_outcomes(scope, REGISTER.get("cloudformation.stack"), reach.outcomes)
        contents.done = failure.health is Health.GONE
        contents.say(_note(reading, failure))
        return []
    finally:
        if reach is not None:
            reach.close()
    contents.done = True
    contents.say(None)
    return lines


def _template(reach: Any, stack: Stack) -> list[str]:
    answer = reach.call(OPERATION, StackName=stack.key)
    return template.lines_of(answer.get("TemplateBody", ""))


def _drift(reach: Any, stack: Stack) -> list[str]:
    found: list[Any] = []
    asked = {"StackName": stack.key, "StackResourceDriftStatusFilters": DIFFERS}
    # botocore has no paginator for it.
    following: dict[str, str] = {}
    while len(found) <= drift.MOST_RESOURCES:
        page = reach.call(DRIFTS, MaxResults=100, **asked, **following)
        found += page.get("StackResourceDrifts") or ()
        token = page.get("NextToken")
        if not token or following.get("NextToken") == token:
            break
        following = {"NextToken": token}
    silent = [one["key"] for one in stack.parameters if one.get("no_echo")]
    body = None
    if silent and found:
        # Which properties hold them is said by the template alone.
        answer = reach.detail(OPERATION, StackName=stack.key)
        body = answer and answer.get("TemplateBody")
    return list(drift.lines_of(found, drift.Withheld(body, silent)))


def _note(reading: _Reading, failure: Failure) -> dict[str, str]:
    if failure.health is Health.GONE:
        title, text = reading.gone
        return {"state": "unknown", "title": title, "text": text, "cure": ""}
    return {
        "state": "failed",
        "title": reading.failed,
        "text": failure.message,
        "cure": failure.cure,
    }


TEMPLATE = _Reading(
    what="template",
    operation=OPERATION,
    lines=_template,
    gone=(
        "CloudFormation no longer has this template",
        "It forgets the templates of stacks that were deleted 90 days ago.",
    ),
    failed="The template cannot be read",
)
DRIFT = _Reading(
    what="drift",
    operation=DRIFTS,
    lines=_drift,
    gone=(
        "CloudFormation no longer has this stack",
        "What drifted in it was not read while it was there.",
    ),
    failed="What drifted cannot be read",
)
