"""Begins deployments, ends them, rolls them back, and stops them when an alarm goes off."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudwatch.model import AlarmStore
from apps.sandbox.codedeploy import events, fleet, shifting
from apps.sandbox.codedeploy.causes import HEALTH_CONSTRAINTS
from apps.sandbox.codedeploy.model import Declaration, Deployment, DeployStore, Group
from apps.sandbox.codedeploy.walk import skip_the_rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.cloudwatch.model import Alarm
    from apps.sandbox.codedeploy.causes import Cause
    from apps.sandbox.world import Place

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ALARM_ACTIVE = (
    "One or more alarms have been activated according to the Amazon CloudWatch metrics you "
    "selected, and the affected deployments have been stopped. Activated alarms: <{alarm}>"
)
#: Virtual seconds from Created to InProgress, and from an end to its rollback.
QUEUED, ROLLING_BACK = 1.5, 3.0


@dataclass(frozen=True, slots=True)
class Order:
    """What a deployment is asked to do.

    ``cause`` is what it fails of; ``on_end`` is called when it has ended.
    """

    creator: str = "user"
    description: str | None = None
    config: str | None = None
    cause: Cause | None = None
    rolls_back: str | None = None
    ignore_stop_failures: bool = False
    outdated_only: bool = False
    automatic_rollback: Declaration | None = None
    files: str = "DISALLOW"
    on_end: Callable[[Deployment], None] | None = None


def start(group: Group, revision: Declaration, order: Order) -> Deployment:
    """Begin a deployment of ``revision`` to the group."""
    place = group.place
    world, store = place.world, place.of(DeployStore)
    _watch(place)
    group.started_count += 1
    chance = world.chance(place.account, place.region, group.id, group.started_count)
    good = group.successful
    planned = group.planned.pop(0) if group.planned and order.rolls_back is None else None
    deployment = Deployment(
        id="d-" + "".join(chance.choices(_LETTERS, k=9)),
        group=group,
        revision=revision,
        config=order.config or group.config,
        created=world.now(),
        creator=order.creator,
        description=order.description,
        cause=planned or order.cause,
        previous=good.revision if good else None,
        rolls_back=order.rolls_back,
        ignore_stop_failures=order.ignore_stop_failures,
        outdated_only=order.outdated_only,
        automatic_rollback=order.automatic_rollback,
        files=order.files,
        on_end=order.on_end,
    )
    if order.rolls_back:
        deployment.rollback_message = (
            f"Deployment {deployment.id} is triggered to roll back deployment {order.rolls_back}."
        )
    store.remember(deployment)
    events.deployment_changed(deployment)
    deployment.timers.append(world.scheduler.after(QUEUED, functools.partial(_begin, deployment)))
    return deployment


def _begin(deployment: Deployment) -> None:
    deployment.status = "InProgress"
    deployment.started = deployment.group.place.world.now()
    events.deployment_changed(deployment)
    if alarm_on := _alarm_on(deployment):
        _stop_on_alarm(deployment, alarm_on)
        return
    ends = fleet.Ends(succeed, fail, functools.partial(say, deployment))
    alarm = deployment.cause.alarm if deployment.cause is not None else None
    if alarm is not None:
        _schedule_alarm(deployment, alarm or next(iter(deployment.group.alarms()), "alarm"))
    if deployment.platform == "Server":
        fleet.deploy(deployment, ends)
    else:
        shifting.deploy(deployment, ends)


def say(deployment: Deployment, status: str) -> None:
    """Another status while it runs (Ready, InProgress)."""
    deployment.status = status
    events.deployment_changed(deployment)


def succeed(deployment: Deployment) -> None:
    """It reached all it had to."""
    if deployment.active:
        deployment.group.successful = deployment
        _end(deployment, "Succeeded")


def fail(deployment: Deployment, code: str = "HEALTH_CONSTRAINTS", message: str = "") -> None:
    """It failed; what runs still is skipped, and a rollback follows if the group wants one."""
    if deployment.active:
        deployment.error = (code, message or HEALTH_CONSTRAINTS)
        _give_up(deployment, "Failed", "DEPLOYMENT_FAILURE")


def stop(deployment: Deployment, *, roll_back: bool | None = None) -> None:
    """StopDeployment; ``roll_back`` None means: as the group says."""
    if deployment.active:
        deployment.error = ("MANUAL_STOP", "The deployment was stopped by a user.")
        event = "DEPLOYMENT_STOP_ON_REQUEST"
        _give_up(deployment, "Stopped", event, roll_back=roll_back)


def _stop_on_alarm(deployment: Deployment, alarm: str) -> None:
    if deployment.active and deployment.rolls_back is None:
        deployment.error = ("ALARM_ACTIVE", ALARM_ACTIVE.format(alarm=alarm))
        _give_up(deployment, "Stopped", "DEPLOYMENT_STOP_ON_ALARM")


def _give_up(
    deployment: Deployment, status: str, event: str, *, roll_back: bool | None = None
) -> None:
    for timer in deployment.timers:
        timer.cancel()
    for target in deployment.targets.values():
        skip_the_rest(deployment, target)
    if deployment.undo is not None:
        deployment.undo()
    group = deployment.group
    wanted = deployment.rolls_back_on(event) if roll_back is None else roll_back
    good = group.successful
    if wanted and good is not None and deployment.rolls_back is None:
        # AWS names the rollback at once; it begins a moment later.
        after = functools.partial(_roll_back, deployment, good.revision)
        deployment.timers.append(group.place.world.scheduler.after(ROLLING_BACK, after))
    _end(deployment, status)


def _roll_back(deployment: Deployment, revision: Declaration) -> None:
    # Traffic goes back at once, whatever the configuration shifts it by.
    order = Order(
        creator="codeDeployRollback", rolls_back=deployment.id, config=_at_once(deployment)
    )
    back = start(deployment.group, revision, order)
    deployment.rolled_back_by = back.id
    deployment.rollback_message = (
        f"Deployment {deployment.id} terminated. Automatic rollback is triggered with a "
        f"DeploymentId {back.id}."
    )
    events.deployment_changed(deployment)


def _at_once(deployment: Deployment) -> str:
    platform = deployment.platform
    if platform == "Server":
        return deployment.config
    return f"CodeDeployDefault.{platform}AllAtOnce"


def _end(deployment: Deployment, status: str) -> None:
    deployment.status, deployment.terminating = status, False
    deployment.completed = deployment.group.place.world.now()
    deployment.go_on = deployment.undo = None
    events.deployment_changed(deployment)
    if deployment.on_end is not None:
        told, deployment.on_end = deployment.on_end, None
        told(deployment)


# -- alarms ---------------------------------------------------------------------------------------


def _watch(place: Place) -> None:
    store = place.of(DeployStore)
    if store.watches:
        return
    store.watches = True

    def heard(alarm: Alarm, _before: str) -> None:
        if alarm.state == "ALARM":
            for deployment in list(store.newest_first):
                if deployment.active and alarm.name in deployment.group.alarms():
                    _stop_on_alarm(deployment, alarm.name)

    place.of(AlarmStore).watchers.append(heard)


def _alarm_on(deployment: Deployment) -> str | None:
    """The first of the group's alarms that is in ALARM already, where the group looks first."""
    group = deployment.group
    if not group.looks_first or deployment.rolls_back is not None:
        return None
    alarms = group.place.of(AlarmStore).alarms
    on = (name for name in group.alarms() if name in alarms and alarms[name].state == "ALARM")
    return next(on, None)


def _schedule_alarm(deployment: Deployment, name: str) -> None:
    """Let an alarm go off in the middle of the traffic shift, and be well again later."""
    place = deployment.group.place
    store, scheduler = place.of(AlarmStore), place.world.scheduler

    def go_off() -> None:
        if name in store.alarms:
            alarm = store.alarms[name]
            store.set_state(name, "ALARM", _crossed(alarm.declaration))
            scheduler.after(150, calm)
        _stop_on_alarm(deployment, name)

    def calm() -> None:
        if name in store.alarms and store.alarms[name].state == "ALARM":
            store.set_state(name, "OK", _back(store.alarms[name].declaration))

    deployment.timers.append(scheduler.after(shifting.ALARM_AFTER, go_off))


def _crossed(told: dict[str, Any]) -> str:
    threshold = float(told.get("Threshold", 1.0))
    return (
        f"Threshold Crossed: 1 out of the last 1 datapoints [{threshold * 4 + 3}] was greater than "
        f"or equal to the threshold ({threshold}) (minimum 1 datapoint for OK -> ALARM transition)."
    )


def _back(told: dict[str, Any]) -> str:
    threshold = float(told.get("Threshold", 1.0))
    return (
        f"Threshold Crossed: 1 out of the last 1 datapoints [0.0] was not greater than or equal to "
        f"the threshold ({threshold}) (minimum 1 datapoint for ALARM -> OK transition)."
    )
