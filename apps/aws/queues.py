"""The queue a place listens to: its name, its ARN, and what a person pastes for it."""

import re
from urllib.parse import urlsplit

from django.conf import settings

from .models import Account, Place
from .regions import partition_of

NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")
BAD_NAME = "A queue's name has 1 to 80 letters, digits, - and _ (give its name, not its URL)."


class NoQueueError(ValueError):
    """What was entered names no queue of this place; the text says why and what to do."""


def is_queue_name(name: str) -> bool:
    """Whether a queue may have this name."""
    return NAME.fullmatch(name) is not None


def queue_of(place: Place) -> str:
    """Return the name of the queue a place listens to."""
    return place.queue_name or settings.EVENT_QUEUE_NAME


def queue_arn(account_id: str, region: str, name: str) -> str:
    """Return a queue's ARN."""
    return f"arn:{partition_of(region)}:sqs:{region}:{account_id}:{name}"


def queues_of(account: Account) -> list[str]:
    """Return the ARNs of the queues an account's regions listen to; none while it has no number."""
    if not account.account_id:
        return []
    return [
        queue_arn(account.account_id, place.region, queue_of(place))
        for place in account.places.all()
        if place.wanted
    ]


def name_entered(entry: str, account_id: str, region: str) -> str:
    """Return the name in a queue's name, ARN or URL. Raises NoQueueError.

    A queue is read with the credentials of the account and region that it is for, and EventBridge's
    rules send to one in their own region, so it must be there.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
    """
    entry = entry.strip()
    if entry.startswith("arn:"):
        found = _in_arn(entry)
    elif "://" in entry:
        found = _in_url(entry)
    else:
        found = ("", "", entry)
    in_region, in_account, name = found
    if in_account and account_id and in_account != account_id:
        raise NoQueueError(
            f"That queue is in account {in_account}; events of {account_id} go to a queue of "
            f"{account_id}. Deploy the template there and paste what its output says."
        )
    if in_region and in_region != region:
        raise NoQueueError(
            f"That queue is in {in_region}; events of {region} go to a queue in {region}. Deploy "
            "the template there and paste what its output says."
        )
    if not is_queue_name(name):
        raise NoQueueError(
            f"{name[:80] or 'That'} is no queue's name. Paste the output QueueUrl or QueueArn of "
            "the stack, or the queue's name: 1 to 80 letters, digits, - and _."
        )
    return name


def _in_arn(entry: str) -> tuple[str, str, str]:
    """Return (region, account, name)."""
    parts = entry.split(":")
    if len(parts) < 6:
        raise NoQueueError(
            "That ARN is cut short. A queue's is arn:aws:sqs:<region>:<account>:<name>."
        )
    if parts[2] != "sqs":
        raise NoQueueError(
            f"That is the ARN of something of {parts[2][:40] or 'no service'}, not of a queue: one "
            "begins with arn:aws:sqs:. The stack's output QueueArn is it."
        )
    return parts[3], parts[4], ":".join(parts[5:])


def _in_url(entry: str) -> tuple[str, str, str]:
    """Return (region, account, name); the region is "" where the host does not tell it."""
    try:
        parts = urlsplit(entry)
        host = parts.hostname or ""
    except ValueError:
        raise NoQueueError("That is no address. Copy the stack's output QueueUrl again.") from None
    path = parts.path.strip("/").split("/")
    if parts.scheme not in ("https", "http") or len(path) != 2 or not path[0].isdigit():
        raise NoQueueError(
            "That address is no queue's. One looks like "
            "https://sqs.eu-west-1.amazonaws.com/111122223333/codestar-dash-events."
        )
    # Older names of the same endpoint: <region>.queue.amazonaws.com.
    named = re.fullmatch(r"(?:sqs(?:-fips)?\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.(?:queue\.)?ama.*", host)
    return named[1] if named else "", path[0], path[1]
