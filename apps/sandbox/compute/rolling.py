"""Rolls a service's new task definition out, and how that fails: pulls, health checks, placement.

The lines are ECS's own (service event messages, stopped task reasons, rolloutStateReason).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox.compute import balancers, containers

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.compute.containers import Rollout, Service, TaskDefinition

#: Virtual seconds between the steps of a rolling deployment.
STEP = 14.0
#: The deployment circuit breaker's threshold for small services.
FAILURES = 3

_HELP = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
_STOPPED = "Scaling activity initiated by (deployment {deployment})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deployment goes: ``kind`` is well, pull, health, crash or placement."""

    kind: str = "well"
    #: Of ``crash``: the essential container's exit code.
    exit_code: int = 1


def deploy(
    service: Service,
    definition: TaskDefinition,
    outcome: Outcome | None = None,
    on_end: Callable[[Rollout], None] | None = None,
) -> Rollout:
    """Start a rolling deployment.

    ``on_end`` hears of it when it completed, failed, or was replaced by the next one (then its
    state still is IN_PROGRESS). A service without a circuit breaker never gives a failing
    deployment up, as at AWS.
    """
    outcome = outcome or Outcome()
    world = service.place.world
    for old in list(service.rollouts):
        if old.status == "PRIMARY":
            old.status = "ACTIVE"
        for timer in old.timers:
            timer.cancel()
        old.timers.clear()
        old.end()
    rollout = containers.new_rollout(service, definition.arn)
    rollout.on_end = on_end
    rollout.pending = service.desired
    service.rollouts.insert(0, rollout)
    service.definition = definition.arn
    told(service, rollout, "SERVICE_DEPLOYMENT_IN_PROGRESS", rollout.reason)
    step = functools.partial(_STEPS[outcome.kind], service, rollout, outcome)
    rollout.timers.append(world.scheduler.after(STEP, step))
    return rollout


def told(service: Service, rollout: Rollout, name: str, reason: str) -> None:
    """The event "ECS Deployment State Change"."""
    service.place.emit(
        "aws.ecs",
        "ECS Deployment State Change",
        {
            "eventType": "ERROR" if name.endswith("FAILED") else "INFO",
            "eventName": name,
            "deploymentId": rollout.id,
            "updatedAt": _iso(rollout.updated),
            "reason": reason,
        },
        [service.arn],
    )


def acted(service: Service, name: str, kind: str = "INFO", **members: str) -> None:
    """The event "ECS Service Action"."""
    service.place.emit(
        "aws.ecs",
        "ECS Service Action",
        {
            "eventType": kind,
            "eventName": name,
            "clusterArn": service.cluster.arn,
            "createdAt": _iso(service.place.world.now()),
            **members,
        },
        [service.arn],
    )


def _iso(moment: float) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _again(service: Service, rollout: Rollout, step: Callable[[], None], seconds: float) -> None:
    rollout.updated = service.place.world.now()
    rollout.timers.append(service.place.world.scheduler.after(seconds, step))


def _start_tasks(service: Service, rollout: Rollout, count: int) -> list[containers.Task]:
    started = [containers.add_task(service, rollout.definition) for _ in range(count)]
    names = " ".join(f"(task {task.id})" for task in started)
    containers.say(service, f"has started {count} tasks: {names}.")
    if service.target_group is not None:
        balancers.register(service.place, service.target_group, [task.address for task in started])
        containers.say(
            service, f"registered {count} targets in (target-group {service.target_group})"
        )
    return started


def _well(service: Service, rollout: Rollout, outcome: Outcome) -> None:
    if rollout.running < rollout.desired and rollout.pending:
        _start_tasks(service, rollout, rollout.pending)
        rollout.running, rollout.pending = rollout.desired, 0
        _again(service, rollout, functools.partial(_well, service, rollout, outcome), STEP)
        return
    _stop_old(service, rollout)
    complete(service, rollout)
    rollout.end()


def _stop_old(service: Service, rollout: Rollout) -> None:
    now = service.place.world.now()
    old = [task for task in service.running() if task.definition != rollout.definition]
    for task in old:
        reason = _STOPPED.format(deployment=rollout.id)
        containers.stop_task(task, now, "ServiceSchedulerInitiated", reason, exit_code=0)
        if service.target_group is not None:
            balancers.deregister(service.place, service.target_group, [task.address])
    if old:
        names = " ".join(f"(task {task.id})" for task in old)
        containers.say(service, f"has stopped {len(old)} running tasks: {names}.")


def complete(service: Service, rollout: Rollout) -> None:
    """The deployment is done: COMPLETED, and the older ones go."""
    rollout.state, rollout.updated = "COMPLETED", service.place.world.now()
    rollout.reason = f"ECS deployment {rollout.id} completed."
    rollout.running, rollout.pending = rollout.desired, 0
    service.rollouts[:] = [rollout]
    containers.say(service, f"(deployment {rollout.id}) deployment completed.")
    containers.say(service, "has reached a steady state.")
    told(service, rollout, "SERVICE_DEPLOYMENT_COMPLETED", rollout.reason)
    acted(service, "SERVICE_STEADY_STATE")


def _pull(service: Service, rollout: Rollout, outcome: Outcome) -> None:
    image = _image(service, rollout)
    repository, _, tag = image.rpartition(":")
    reason = (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {repository}:{tag}: {image}: not found"
    )
    _one_more_failure(service, rollout, reason, code="TaskFailedToStart")
    _go_on_failing(service, rollout, outcome)


def _crash(service: Service, rollout: Rollout, outcome: Outcome) -> None:
    _one_more_failure(
        service,
        rollout,
        "Essential container in task exited",
        code="EssentialContainerExited",
        exit_code=outcome.exit_code,
    )
    _go_on_failing(service, rollout, outcome)


def _health(service: Service, rollout: Rollout, outcome: Outcome) -> None:
    group = service.target_group or "none"
    containers.say(
        service,
        f"(port {service.container[1]}) is unhealthy in (target-group {group}) due to "
        "(reason Health checks failed with these codes: [502]).",
    )
    _one_more_failure(
        service,
        rollout,
        f"Task failed ELB health checks in (target-group {group})",
        code="ServiceSchedulerInitiated",
        exit_code=143,
    )
    _go_on_failing(service, rollout, outcome)


def _placement(service: Service, rollout: Rollout, outcome: Outcome) -> None:
    # No task, no failed task: ECS counts those apart.
    rollout.attempts += 1
    if service.launch_type == "EC2":
        words = (
            "was unable to place a task because no container instance met all of its requirements. "
            f"Reason: No Container Instances were found in your cluster. {_HELP}"
        )
        said = "RESOURCE:MEMORY"
    else:
        words = (
            "was unable to place a task. Reason: Capacity is unavailable at this time. Please try "
            f"again later or in a different availability zone. {_HELP}"
        )
        said = "RESOURCE:FARGATE"
    containers.say(service, words)
    acted(service, "SERVICE_TASK_PLACEMENT_FAILURE", "ERROR", reason=said)
    _go_on_failing(service, rollout, outcome)


def _one_more_failure(
    service: Service, rollout: Rollout, reason: str, *, code: str, exit_code: int | None = None
) -> None:
    task = containers.add_task(service, rollout.definition)
    containers.say(service, f"has started 1 tasks: (task {task.id}).")
    containers.stop_task(task, service.place.world.now(), code, reason, exit_code=exit_code)
    rollout.failed += 1
    rollout.attempts += 1


def _go_on_failing(service: Service, rollout: Rollout, outcome: Outcome) -> None:
    enabled, rolls_back = service.breaker
    if rollout.failed == 2 and outcome.kind != "placement":
        containers.say(service, f"is unable to consistently start tasks successfully. {_HELP}")
        acted(service, "SERVICE_TASK_START_IMPAIRED", "WARN")
    if not enabled or rollout.attempts < FAILURES:
        # Without a breaker ECS goes on for ever, ever slower; the simulation rests after a while.
        if rollout.attempts < 4 * FAILURES:
            step = functools.partial(_STEPS[outcome.kind], service, rollout, outcome)
            _again(service, rollout, step, STEP * rollout.attempts)
        return
    _give_up(service, rollout, rolls_back=rolls_back)
    rollout.end()


def _give_up(service: Service, rollout: Rollout, *, rolls_back: bool) -> None:
    now = service.place.world.now()
    rollout.state, rollout.updated, rollout.pending = "FAILED", now, 0
    rollout.reason = "ECS deployment circuit breaker: tasks failed to start."
    containers.say(service, f"(deployment {rollout.id}) deployment failed: tasks failed to start.")
    told(service, rollout, "SERVICE_DEPLOYMENT_FAILED", rollout.reason)
    good = next((one for one in service.rollouts if one.state == "COMPLETED"), None)
    if not rolls_back or good is None:
        return
    containers.say(service, f"rolling back to deployment {good.id}.")
    rollout.status, good.status = "ACTIVE", "PRIMARY"
    rollout.desired = 0
    back = containers.new_rollout(service, good.definition)
    back.running = back.desired
    back.reason = f"ECS deployment circuit breaker: rolling back to deploymentId {good.id}."
    service.rollouts.remove(good)
    service.rollouts.insert(0, back)
    service.definition = good.definition

    def settle() -> None:
        if service.primary is not back:
            return
        service.rollouts[:] = [back]
        back.state, back.updated = "COMPLETED", service.place.world.now()
        containers.say(service, f"(deployment {back.id}) deployment completed.")
        containers.say(service, "has reached a steady state.")
        told(service, back, "SERVICE_DEPLOYMENT_COMPLETED", back.reason)

    back.timers.append(service.place.world.scheduler.after(STEP, settle))


def _image(service: Service, rollout: Rollout) -> str:
    found = service.place.of(containers.ContainerStore).definition(rollout.definition)
    if found is None:
        return "unknown"
    return str(found.declaration["containerDefinitions"][0]["image"])


_STEPS = {
    "well": _well,
    "pull": _pull,
    "crash": _crash,
    "health": _health,
    "placement": _placement,
}
