"""Asks how an environment stands before and after something is done to it.

https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironments.html
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import Moved
from apps.mirror.resource import Names

from .models import Environment

if TYPE_CHECKING:
    from apps.deeds.models import Deed

READY = "Ready"
GONE = Moved("Elastic Beanstalk has no such environment any more.")
# Clocks differ, and AWS's tells when something was said.
BEFORE = timedelta(seconds=5)


def described(reach: Reach, environment: Environment) -> Mapping[str, Any]:
    """Return an environment as AWS has it now, {} where it has it no more."""
    answer = reach.call(
        "elasticbeanstalk:DescribeEnvironments",
        EnvironmentIds=[environment.environment_id],
        IncludeDeleted=False,
    )
    return next(iter(answer.get("Environments", ())), {})


def not_ready(status: str) -> Moved:
    """Return what is told where something is done to it already: AWS takes one at a time."""
    return Moved(f"It is {status} by now: wait until that is over.")


def was_said(reach: Reach, deed: "Deed", environment: Environment, *words: str) -> bool:
    """Whether Beanstalk said one of these of an environment since the deed was sent."""
    since = deed.since - BEFORE
    pages = reach.pages(
        "elasticbeanstalk:DescribeEvents",
        EnvironmentId=environment.environment_id,
        StartTime=since,
    )
    said = (one.get("Message", "") for page in pages for one in page.get("Events", ()))
    return any(one in message for message in said for one in words)


def busy(environment: Environment) -> str:
    """Return why nothing can be done to an environment now, "" where something can."""
    if environment.status == READY:
        return ""
    return f"It is {environment.status.lower() or 'not read yet'}: wait until that is over."


def reread(_deed: "Deed", environment: Environment) -> Iterable[Names]:
    """Name what is read again."""
    yield Names(kind="beanstalk.environment", key=environment.key)
    yield Names(kind="beanstalk.event", parent=environment.key)
