"""Does what is asked of environments: launch, deploy, restart, abort, terminate, step by step."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox.beanstalk import fleet, rollouts
from apps.sandbox.beanstalk.model import (
    Application,
    BeanstalkStore,
    Environment,
    Operation,
    Version,
)
from apps.sandbox.beanstalk.told import fare, say
from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

#: Virtual seconds of what is no deployment.
LAUNCH, TERMINATE, RESTART, ABORT, CONFIGURE = 180.0, 90.0, 20.0, 25.0, 75.0


@dataclass(frozen=True, slots=True)
class Order:
    """How a deployment is to go: how long (virtual seconds), and by which failure (see failures).

    ``on_end`` is called with whether it went well and what CodePipeline would say of it.
    """

    seconds: tuple[float, float] | None = None
    fails: str = ""
    on_end: Callable[[bool, str], None] | None = None


def chance_of(environment: Environment, *names: object) -> random.Random:
    """A random source for something that happens to an environment."""
    return environment.place.world.chance(environment.arn, environment.id, *names)


def launch(environment: Environment, version: Version | None) -> None:
    """Bring a new environment up, with a version or AWS's sample application."""
    place = environment.place
    place.of(BeanstalkStore).environments.append(environment)
    operation = _begin(environment, "launch", "Launching")
    bucket = f"elasticbeanstalk-{place.region}-{place.account}"
    request = operation.request
    tell = functools.partial(say, environment, request=request)

    def grow() -> None:
        for _ in range(environment.size):
            fleet.add(environment, version.label if version else "Sample Application")
        every = ", ".join(one.id for one in environment.instances)
        tell(f"Added instance [{every}] to your environment.")

    def up() -> None:
        environment.label = version.label if version else "Sample Application"
        if not environment.worker:
            tell(f"Application available at {environment.cname}.")
        tell(f"Successfully launched environment: {environment.name}")
        tell("createEnvironment completed successfully.")
        _end(environment, operation, ok=True)
        fare(environment, "Ok", after="Initialization completed 5 seconds ago and took 3 minutes.")

    tell("createEnvironment is starting.")
    tell(f"Using {bucket} as Amazon S3 storage bucket for environment data.")
    if not environment.worker:
        balancer = f"awseb--AWSEB-{environment.id[2:].upper()}"
        _later(
            operation, environment, LAUNCH * 0.3, tell, f"Created load balancer named: {balancer}"
        )
    group = f"awseb-{environment.id}-stack-AWSEBAutoScalingGroup"
    _later(operation, environment, LAUNCH * 0.5, tell, f"Created Auto Scaling group named: {group}")
    _later(operation, environment, LAUNCH * 0.7, grow)
    _later(operation, environment, LAUNCH, up)


def deploy(environment: Environment, version: Version, order: Order = Order()) -> Operation:
    """Deploy a version to a ready environment, as its policy says."""
    operation = _begin(environment, "deploy", "Updating")
    environment.deployments += 1
    operation.label, operation.number = version.label, environment.deployments
    operation.fails = order.fails or version.breaks
    operation.on_end = order.on_end
    chance = chance_of(environment, "deploy", operation.number)
    seconds = chance.uniform(*(order.seconds or environment.seconds))
    say(environment, "Environment update is starting.", request=operation.request)
    progress = "Application update in progress (running for 1 second)."
    fare(environment, "Info", progress)
    rollout = rollouts.Rollout(environment, operation, version, seconds)
    for share, step in rollouts.steps(rollout):
        _later(operation, environment, seconds * share, step)
    _later(operation, environment, seconds, functools.partial(_deployed, rollout))
    return operation


def _deployed(rollout: rollouts.Rollout) -> None:
    environment, operation = rollout.environment, rollout.operation
    ok = not operation.fails
    if ok:
        environment.label = operation.label
        say(environment, "Environment update completed successfully.", request=operation.request)
    said = rollout.said
    _end(environment, operation, ok=ok, said=said)
    took = f"took {max(1, round(rollout.seconds / 60))} minutes."
    if ok or environment.policy == "Immutable":
        word = "completed" if ok else "failed"
        fare(environment, "Ok", after=f"Application update {word} 2 seconds ago and {took}")
        return
    causes = rollouts.causes(environment, operation)
    failed = f"Application update failed 2 seconds ago and {took}"
    fare(environment, rollouts.health(environment), *causes, after=failed)


def configure(environment: Environment) -> None:
    """Change an environment's settings: its instances stay, its version too."""
    operation = _begin(environment, "configure", "Updating")
    tell = functools.partial(say, environment, request=operation.request)
    tell("Environment update is starting.")
    fare(environment, "Info", "Configuration update in progress (running for 1 second).")
    half = f"Updating environment {environment.name}'s configuration settings."
    _later(operation, environment, CONFIGURE / 2, tell, half)

    def done() -> None:
        tell("Environment update completed successfully.")
        _end(environment, operation, ok=True)
        fare(environment, "Ok", after="Configuration update completed 2 seconds ago.")

    _later(operation, environment, CONFIGURE, done)


def update_platform(
    environment: Environment,
    platform: str,
    on_end: Callable[[bool, str], None] | None = None,
) -> None:
    """A managed update in the maintenance window: instances are replaced, the version stays."""
    operation = _begin(environment, "managed update", "Updating")
    operation.on_end = on_end
    tell = functools.partial(say, environment, request=operation.request)
    tell("Managed platform update is in-progress.")
    fare(environment, "Info", "Managed platform update in progress (running for 1 second).")

    def done() -> None:
        environment.platform = platform
        old = list(environment.instances)
        for _ in old:
            fleet.add(environment, environment.label)
        tell(f"Removed instance [{fleet.remove(environment, old)}] from your environment.")
        tell("Managed platform update completed successfully.")
        _end(environment, operation, ok=True)
        fare(environment, "Ok", after="Managed platform update completed 2 seconds ago.")

    _later(operation, environment, LAUNCH, done)


def restart(environment: Environment) -> None:
    """Restart the application servers; the environment stays as it is meanwhile."""
    operation = _begin(environment, "restart", "Updating")
    tell = functools.partial(say, environment, request=operation.request)
    tell("restartAppServer is starting.")

    def done() -> None:
        tell("restartAppServer completed successfully.")
        _end(environment, operation, ok=True)

    _later(operation, environment, RESTART, done)


def abort(environment: Environment) -> None:
    """AbortEnvironmentUpdate: what it began with is put back."""
    operation = environment.operation
    if operation is None:
        return
    for timer in operation.timers:
        timer.cancel()
    operation.timers.clear()
    environment.status = "Aborting"
    tell = functools.partial(say, environment, request=operation.request)
    tell("Aborting the environment update at the request of a user.", "WARN")

    def done() -> None:
        for instance in environment.instances:
            instance.deployment_status, instance.health = "Deployed", "Ok"
            instance.label, instance.causes = environment.label, ()
        said = "Environment update was aborted by a user."
        tell("Environment update was aborted. The previous version was deployed again.", "WARN")
        _end(environment, operation, ok=False, said=said)
        fare(environment, "Ok", after="Application update was aborted 2 seconds ago.")

    _later(operation, environment, ABORT, done)


def terminate(environment: Environment) -> None:
    """Take an environment down; it can be described for a while yet."""
    running = environment.operation
    if running is not None:
        for timer in running.timers:
            timer.cancel()
    operation = _begin(environment, "terminate", "Terminating")
    tell = functools.partial(say, environment, request=operation.request)
    tell("terminateEnvironment is starting.")
    fare(environment, "Info", "Environment termination is in progress (running for 1 second).")

    def shrink() -> None:
        if environment.instances:
            every = fleet.remove(environment, environment.instances)
            tell(f"Removed instance [{every}] from your environment.")

    def down() -> None:
        tell("terminateEnvironment completed successfully.")
        _end(environment, operation, ok=True)
        environment.status, environment.health, environment.causes = "Terminated", "Unknown", ()
        environment.terminated = environment.place.world.now()

    _later(operation, environment, TERMINATE * 0.7, shrink)
    _later(operation, environment, TERMINATE, down)


def make_environment(application: Application, name: str, **members: object) -> Environment:
    """An environment that is not there yet, with an id of its own."""
    world = application.place.world
    store = application.place.of(BeanstalkStore)
    chance = world.chance(application.arn, name, len(store.environments))
    key = "e-" + "".join(chance.choices("abcdefghijkmnpqrstuvwxyz23456789", k=10))
    now = world.now()
    environment = Environment(application, name, key, now, now)
    for member, value in members.items():
        setattr(environment, member, value)
    return environment


def _begin(environment: Environment, kind: str, status: str) -> Operation:
    world = environment.place.world
    now = world.now()
    chance = chance_of(environment, kind, environment.deployments, now)
    operation = Operation(uuid_from(chance), kind, now)
    environment.status, environment.operation, environment.updated = status, operation, now
    return operation


def _end(environment: Environment, operation: Operation, *, ok: bool, said: str = "") -> None:
    environment.status, environment.operation = "Ready", None
    environment.updated = environment.place.world.now()
    operation.timers.clear()
    if operation.on_end is not None:
        operation.on_end(ok, said)
        operation.on_end = None


def _later(
    operation: Operation,
    environment: Environment,
    seconds: float,
    deed: Callable[..., None],
    *args: str,
) -> None:
    scheduler = environment.place.world.scheduler
    operation.timers.append(scheduler.after(seconds, functools.partial(deed, *args)))
