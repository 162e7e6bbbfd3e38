"""Celery's side of CloudFormation: reading a template for those who look at it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
"""

from typing import Any

from celery import shared_task

from apps.live.bus import BUS
from apps.mirror.health import record_outcomes
from apps.mirror.looks import Contents
from apps.mirror.provider import PROVIDERS, Failure, Health
from apps.mirror.resource import REGISTER

from .lines import follower_of, store_of
from .models import Stack
from .template import lines_of

OPERATION = "cloudformation:GetTemplate"


@shared_task(name="cloudformation.read_template")
def read_template(stack_id: int, ticket: str) -> None:
    """Read a template into the cache, one reader however many look."""
    follower = follower_of(stack_id)
    stack = Stack.objects.select_related("scope").filter(pk=stack_id).first()
    if stack is None or not follower.take(ticket):
        return
    store = store_of(stack_id)
    earlier = store.open()
    contents = store.begin()
    # Of which version of the stack this is: another one is read anew.
    contents.token = stack.stamp
    if earlier is not None:
        # What pages say of an earlier reading they are told to say no more.
        contents.note, contents.noted = earlier.note, earlier.noted
    try:
        told = _told(stack, contents)
        if not follower.take(ticket):
            # Another reader came while a call hung; what it keeps is not mixed with this.
            return
        if told:
            store.extend(contents, told)
        store.save(contents)
        BUS.publish(f"template:{stack_id}", str(contents.next))
    finally:
        follower.leave(ticket)


def _told(stack: Stack, contents: Contents) -> list[str]:
    """Return the template's lines; where it cannot be read, say on the contents why.

    It is done where there is no more to read. What was refused, throttled or hung is not: whoever
    looks next has it asked for again.
    """
    scope = stack.scope
    provider = PROVIDERS.get(scope.provider)
    reach: Any = None
    try:
        reach = provider.open(scope, urgent=True)
        answer = reach.call(OPERATION, StackName=stack.key)
        lines = lines_of(answer.get("TemplateBody", ""))
    except Exception as error:  # noqa: BLE001 - classified, and told beside the template
        failure = provider.classify(error, OPERATION)
        if reach is not None and failure.health is not Health.GONE:
            record_outcomes(scope, REGISTER.get("cloudformation.stack"), reach.outcomes)
        contents.done = failure.health is Health.GONE
        contents.say(_note(failure))
        return []
    finally:
        if reach is not None:
            reach.close()
    contents.done = True
    contents.say(None)
    return lines


def _note(failure: Failure) -> dict[str, str]:
    if failure.health is Health.GONE:
        title = "CloudFormation no longer has this template"
        text = "It forgets the templates of stacks that were deleted 90 days ago."
        return {"state": "unknown", "title": title, "text": text, "cure": ""}
    title = "The template cannot be read"
    return {"state": "failed", "title": title, "text": failure.message, "cure": failure.cure}
