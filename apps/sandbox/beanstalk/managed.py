"""Managed actions: what Elastic Beanstalk does to an environment by itself, and tells of it.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environment-platform-update-managed.html
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime

from apps.sandbox.beanstalk import engine
from apps.sandbox.beanstalk.model import Environment, ManagedAction
from apps.sandbox.beanstalk.reads import enhanced, refused
from apps.sandbox.beanstalk.told import say
from apps.sandbox.operations import Answer, Call, Params, operation, paginate

PAGE = 100


def schedule(environment: Environment, platform: str, window: float) -> ManagedAction:
    """Put a platform update into the window that begins at ``window`` (epoch seconds)."""
    version = platform.partition(" v")[2].partition(" ")[0]
    moment = datetime.fromtimestamp(window, UTC)
    action = ManagedAction(
        f"PlatformUpdate-{moment:%Y-%m-%dT%H-%M-%S}",
        f"Update to platform version {version}.",
        window,
    )
    environment.managed.insert(0, action)
    return action


def run(environment: Environment, action: ManagedAction, platform: str) -> None:
    """Do it, where nothing else is being done to the environment."""
    if action.over or environment.terminated is not None:
        return
    if environment.status != "Ready":
        words = "The environment must be in a Ready state for a managed action to begin."
        fail(environment, action, "InvalidEnvironmentState", words)
        return
    action.status, action.executed = "Running", environment.place.world.now()
    done = functools.partial(_ended, environment, action)
    engine.update_platform(environment, platform, done)


def _ended(environment: Environment, action: ManagedAction, ok: bool, said: str) -> None:
    action.status, action.finished = "Completed", environment.place.world.now()
    if not ok:
        action.status, action.failure = "Failed", ("UpdateCancelled", said)


def fail(environment: Environment, action: ManagedAction, kind: str, words: str) -> None:
    """Let it end before anything was done."""
    now = environment.place.world.now()
    action.status, action.executed, action.finished = "Failed", now, now
    action.failure = (kind, words)
    say(environment, f"Managed platform update failed. {words}", "ERROR")


@operation("elasticbeanstalk", "DescribeEnvironmentManagedActions")
def describe_environment_managed_actions(call: Call, params: Params) -> Answer:
    """What is to be done to an environment, or is being done."""
    wanted = params.get("Status")
    return {
        "ManagedActions": [
            {
                "ActionId": one.id,
                "ActionDescription": one.description,
                "ActionType": one.kind,
                "Status": one.status,
                "WindowStartTime": one.window,
            }
            for one in enhanced(call, params).managed
            if not one.over and wanted in (None, one.status)
        ]
    }


@operation("elasticbeanstalk", "DescribeEnvironmentManagedActionHistory")
def describe_environment_managed_action_history(call: Call, params: Params) -> Answer:
    """What was done to an environment, the newest first."""
    environment = enhanced(call, params)
    over = [one for one in environment.managed if one.over]
    page, token = paginate(
        call,
        sorted(over, key=lambda one: -(one.finished or 0.0)),
        lambda one: one.id,
        size=params.get("MaxItems") or PAGE,
        token=params.get("NextToken"),
        error=lambda: refused("The specified NextToken is not valid."),
        scope=environment.id,
    )
    return {
        "ManagedActionHistoryItems": [
            {
                "ActionId": one.id,
                "ActionDescription": one.description,
                "ActionType": one.kind,
                "Status": one.status,
                "ExecutedTime": one.executed,
                "FinishedTime": one.finished,
                "FailureType": one.failure[0] if one.failure else None,
                "FailureDescription": one.failure[1] if one.failure else None,
            }
            for one in page
        ],
        "NextToken": token,
    }
