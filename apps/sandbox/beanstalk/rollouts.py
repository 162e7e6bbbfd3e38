"""How a version comes to an environment's instances, by its deployment policy, and how it fails to.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.sandbox.beanstalk import failures, fleet
from apps.sandbox.beanstalk.told import say

if TYPE_CHECKING:
    from apps.sandbox.beanstalk.model import Environment, Instance, Operation, Version

#: When, as a share of the whole, and what happens then.
Step = tuple[float, Callable[[], None]]


@dataclass(slots=True, eq=False)
class Rollout:
    """One deployment under way; ``said`` is what CodePipeline repeats of its failure."""

    environment: Environment
    operation: Operation
    version: Version
    seconds: float
    said: str = ""
    fresh: list[Instance] = field(default_factory=list)

    def tell(self, message: str, severity: str = "INFO") -> None:
        """Tell of it, under its request."""
        say(self.environment, message, severity, self.operation.request)


def steps(rollout: Rollout) -> list[Step]:
    """What happens to the instances until the end, which is told by whoever began it."""
    match rollout.environment.policy:
        case "Rolling":
            return list(_rolling(rollout))
        case "Immutable":
            return list(_immutable(rollout))
    return list(_all_at_once(rollout))


def _all_at_once(rollout: Rollout) -> Iterator[Step]:
    instances = rollout.environment.instances
    yield 0.12, functools.partial(rollout.tell, "Deploying new version to instance(s).")
    yield 0.12, functools.partial(_start, rollout, instances)
    if rollout.operation.fails:
        yield 0.7, functools.partial(_fail, rollout, instances)
        return
    yield 0.85, functools.partial(_finish, rollout, instances)
    words = "New application version was deployed to running EC2 instances."
    yield 0.95, functools.partial(rollout.tell, "Instance deployment completed successfully.")
    yield 0.97, functools.partial(rollout.tell, words)


def _rolling(rollout: Rollout) -> Iterator[Step]:
    instances = rollout.environment.instances
    share = 0.8 / max(1, len(instances))
    for number, instance in enumerate(instances, 1):
        begin = 0.1 + share * (number - 1)
        start = f"Batch {number}: Starting application deployment on instance(s) [{instance.id}]."
        yield begin, functools.partial(rollout.tell, start)
        leave = f"Batch {number}: De-registering instance(s) from the load balancer and waiting."
        yield begin + share * 0.1, functools.partial(rollout.tell, leave)
        yield begin + share * 0.2, functools.partial(_start, rollout, [instance])
        if rollout.operation.fails:
            yield begin + share * 0.8, functools.partial(_fail, rollout, [instance])
            return
        yield begin + share * 0.8, functools.partial(_finish, rollout, [instance])
        done = f"Batch {number}: Completed application deployment."
        yield begin + share * 0.9, functools.partial(rollout.tell, done)
    words = "New application version was deployed to running EC2 instances."
    yield 0.97, functools.partial(rollout.tell, words)


def _immutable(rollout: Rollout) -> Iterator[Step]:
    environment = rollout.environment
    words = (
        "Immutable deployment policy enabled. Launching one instance with the new settings to "
        "verify health."
    )
    group = f"awseb-{environment.id}-immutable-stack-AWSEBAutoScalingGroup"
    yield 0.05, functools.partial(rollout.tell, words)
    yield 0.15, functools.partial(rollout.tell, f"Created temporary auto scaling group {group}.")
    yield 0.25, functools.partial(_add, rollout)
    if rollout.operation.fails:
        yield 0.6, functools.partial(_fail, rollout, rollout.fresh)
        yield 0.9, functools.partial(_drop, rollout)
        return
    yield 0.5, functools.partial(rollout.tell, "Test instance passed health checks.")
    yield 0.7, functools.partial(_replace, rollout)
    gone = "Deployment succeeded. Terminating old instances and temporary Auto Scaling group."
    yield 0.9, functools.partial(rollout.tell, gone)


def _start(rollout: Rollout, instances: list[Instance]) -> None:
    for instance in instances:
        instance.deployment_status, instance.health = "In Progress", "Info"
        instance.deployment = rollout.operation.number
        instance.causes = ("Application update in progress (running for 5 seconds).",)


def _finish(rollout: Rollout, instances: list[Instance]) -> None:
    now = rollout.environment.place.world.now()
    for instance in instances:
        instance.deployment_status, instance.health, instance.causes = "Deployed", "Ok", ()
        instance.label, instance.deployed = rollout.version.label, now
        instance.deployment = rollout.operation.number


def _fail(rollout: Rollout, instances: list[Instance]) -> None:
    now = rollout.environment.place.world.now()
    failure = rollout.operation.fails
    told = failures.texts(failure, [one.id for one in instances])
    for instance in instances:
        instance.deployment_status, instance.health = "Failed", "Severe"
        instance.label, instance.deployed = rollout.version.label, now
        instance.causes = tuple(_instance_causes(rollout))
    for severity, message in told:
        rollout.tell(message, severity)
    if rollout.environment.policy != "Immutable":
        rollout.tell(failures.ABORTED, "ERROR")
    errors = [message for severity, message in told if severity == "ERROR"]
    # CodePipeline repeats what went wrong, the newest first.
    rollout.said = "Deployment failed. " + " ".join(reversed(errors))


def _instance_causes(rollout: Rollout) -> Iterator[str]:
    environment, operation = rollout.environment, rollout.operation
    if operation.fails == failures.TIMEOUT:
        yield "Process default has been unhealthy for 5 minutes (Target.FailedHealthChecks)."
    else:
        yield 'Application deployment failed at step "Executing deployment" with exit status 1.'
    yield (
        f'Incorrect application version "{operation.label}" (deployment {operation.number}). '
        f'Expected version "{environment.label}" (deployment {operation.number - 1}).'
    )


def _add(rollout: Rollout) -> None:
    environment = rollout.environment
    for _ in range(1 if rollout.operation.fails else environment.size):
        rollout.fresh.append(fleet.add(environment, ""))
    _start(rollout, rollout.fresh)
    every = ", ".join(one.id for one in rollout.fresh)
    rollout.tell(f"Added instance [{every}] to your environment.")


def _replace(rollout: Rollout) -> None:
    environment = rollout.environment
    old = [one for one in environment.instances if one not in rollout.fresh]
    _finish(rollout, rollout.fresh)
    rollout.tell(f"Removed instance [{fleet.remove(environment, old)}] from your environment.")


def _drop(rollout: Rollout) -> None:
    gone = fleet.remove(rollout.environment, rollout.fresh)
    rollout.tell(f"Removed instance [{gone}] from your environment.")


def causes(environment: Environment, operation: Operation) -> list[str]:
    """Why an environment is unwell after a deployment that failed."""
    wrong = [one for one in environment.instances if one.label != environment.label]
    several = len(environment.instances)
    which = "all instances" if len(wrong) == several else f"{len(wrong)} out of {several} instances"
    what = (
        f"Process default has been unhealthy on {which} (Target.FailedHealthChecks)."
        if operation.fails == failures.TIMEOUT
        else f"Command failed on {which}."
    )
    return [
        what,
        f'Incorrect application version found on {which}. Expected version "{environment.label}" '
        f"(deployment {operation.number - 1}).",
    ]


def health(environment: Environment) -> str:
    """How bad that is: Severe where no instance serves what it should."""
    right = any(one.label == environment.label for one in environment.instances)
    return "Degraded" if right else "Severe"
