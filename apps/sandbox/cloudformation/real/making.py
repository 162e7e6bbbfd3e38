"""Makes, changes and takes away resources for real, and says in AWS's words what went wrong.

What takes its time is asked again until it is over, as CloudFormation's handlers do.
"""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING

from apps.sandbox.cloudformation.causes import handler_said
from apps.sandbox.cloudformation.real.kinds import (
    KINDS,
    Deed,
    FailedError,
    Kind,
    NotValidError,
    Properties,
    pass_roles,
)
from apps.sandbox.inside import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.cloudformation.model import Resource, Stack

#: Virtual seconds between two looks at what takes its time, and how long it may take.
LOOK, PATIENCE = 5.0, 3600.0
#: Services as handlers name them.
_SERVICES = {
    "apigatewayv2": "ApiGatewayV2",
    "autoscaling": "AutoScaling",
    "cloudwatch": "CloudWatch",
    "codebuild": "CodeBuild",
    "codecommit": "CodeCommit",
    "codeconnections": "CodeConnections",
    "codedeploy": "CodeDeploy",
    "codepipeline": "CodePipeline",
    "elasticbeanstalk": "ElasticBeanstalk",
    "events": "EventBridge",
    "logs": "CloudWatchLogs",
    "s3": "S3",
}
_CODES = (
    ("AccessDenied", ("AccessDenied", "UnauthorizedOperation", "NotAuthorized")),
    ("Throttling", ("Throttl", "RequestLimitExceeded", "SlowDown")),
    ("AlreadyExists", ("AlreadyExists", "AlreadyOwned", "NameInUse", "NameExists", "Duplicate")),
    ("ServiceLimitExceeded", ("LimitExceeded",)),
    ("ServiceInternalError", ("InternalFailure", "ServiceUnavailable")),
)


def kind_of(stack: Stack, resource: Resource) -> Kind | None:
    """How a resource of this stack is made; None where it is made up."""
    return None if stack.made_up else KINDS.get(resource.type)


def create(stack: Stack, resource: Resource) -> str | None:
    """Make a resource; why it failed, None where it is on its way."""

    def act(made: Kind, deed: Deed) -> None:
        pass_roles(made, deed, {})
        made.create(deed)

    return _attempt(stack, resource, act)


def update(stack: Stack, resource: Resource, before: Properties) -> str | None:
    """Change a resource that was ``before``; why it failed, None where it is on its way."""

    def act(made: Kind, deed: Deed) -> None:
        pass_roles(made, deed, before)
        made.update(deed, before)

    return _attempt(stack, resource, act)


def replaces(stack: Stack, resource: Resource, before: Properties) -> bool:
    """Whether its change makes another resource of it."""
    made, now = kind_of(stack, resource), resource.properties
    return made is not None and any(before.get(one) != now.get(one) for one in made.replacing)


def _attempt(stack: Stack, resource: Resource, act: Callable[[Kind, Deed], None]) -> str | None:
    made = kind_of(stack, resource)
    assert made is not None
    try:
        act(made, Deed(stack, resource))
    except RefusedError as error:
        return words(stack, resource, error)
    except NotValidError as error:
        return (
            f"Properties validation failed for resource {resource.logical_id} with message:\n"
            f"{error}"
        )
    except FailedError as error:
        return str(error)
    return None


def words(stack: Stack, resource: Resource, error: RefusedError) -> str:
    """What a handler says of an operation's refusal."""
    service = _SERVICES.get(error.service, error.service.capitalize())
    code = next(
        (code for code, parts in _CODES if any(part in error.code for part in parts)),
        "NotFound" if error.missing else "InvalidRequest",
    )
    return handler_said(stack, resource, error.message, f"{service}, {error.status}", code)


def wait(stack: Stack, resource: Resource, then: Callable[[str | None], None]) -> None:
    """Go on with ``then`` (why it failed, or None) when what was begun is over."""
    made = kind_of(stack, resource)
    assert made is not None
    _look(stack, resource, made.settled, then)


def remove(stack: Stack, resource: Resource, then: Callable[[str | None], None]) -> None:
    """Take a resource away; ``then`` gets why it would not go, or None when it is gone."""
    cause = _attempt(stack, resource, lambda made, deed: made.delete(deed))
    if cause is not None:
        then(cause)
        return
    made = kind_of(stack, resource)
    assert made is not None
    _look(stack, resource, made.gone, then)


def _look(
    stack: Stack,
    resource: Resource,
    over: Callable[[Deed], bool],
    then: Callable[[str | None], None],
    waited: float = 0.0,
) -> None:
    ended: list[bool] = []
    cause = _attempt(stack, resource, lambda _made, deed: ended.append(over(deed)))
    if cause is not None or ended == [True]:
        then(cause)
        return
    if waited >= PATIENCE:
        then(f"Exceeded attempts to wait: {resource.type} did not stabilize.")
        return
    again = functools.partial(_look, stack, resource, over, then, waited + LOOK)
    stack.place.world.scheduler.after(LOOK, again)


def shadow(resource: Resource) -> Resource:
    """A resource as it is now, to be taken away once another stands in its place."""
    return copy.copy(resource)
