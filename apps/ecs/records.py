"""Clusters and services as frozen records in the columns' words.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.aws.masking import tags_of
from apps.aws.wire import plain
from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State, urgency_of

CLUSTERS = {
    "ACTIVE": State.DONE,
    "PROVISIONING": State.MOVING,
    "DEPROVISIONING": State.MOVING,
    "FAILED": State.FAILED,
    "INACTIVE": State.STOPPED,
}
ROLLOUTS = {
    "COMPLETED": State.DONE,
    "IN_PROGRESS": State.MOVING,
    "FAILED": State.FAILED,
}
# What ECS says of a deployment that another one was taken back for, and that it goes on saying of
# the one it went back to: the newest change of the service did not arrive.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
ROLLED_BACK = "rolling back to deploymentId"
# Events and stopped tasks that are kept of a service; ECS tells of up to a hundred events.
EVENTS, STOPPED_TASKS = 10, 5
# Events that tell of trouble rather than of work.
TROUBLE = (
    "was unable to place a task",
    "unable to consistently start tasks",
    "deployment failed",
    "is unhealthy in",
    "failed to launch",
    "failed to register targets",
    "has encountered",
    "rolling back",
    "unable to assume",
)
JSON = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterRecord:
    """A cluster as DescribeClusters gives it."""

    key: str
    arn: str
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    running_tasks_count: int | Unread = UNREAD
    pending_tasks_count: int | Unread = UNREAD
    active_services_count: int | Unread = UNREAD
    registered_container_instances_count: int | Unread = UNREAD
    capacity_providers: JSON = UNREAD
    tags: JSON = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceRecord:
    """A service as DescribeServices gives it; stopped tasks are read where it is in trouble."""

    key: str
    parent: str
    arn: str
    status: str
    state: str
    urgency: int
    name: str
    desired_count: int
    running_count: int
    pending_count: int
    launch_type: str
    platform_version: str
    capacity_provider_strategy: JSON
    scheduling_strategy: str
    deployment_controller: str
    deployment_configuration: JSON
    task_definition: str
    definitions: str
    deployments: JSON
    task_sets: JSON
    events: JSON
    load_balancers: JSON
    role_arn: str
    grace_seconds: int | None
    created: datetime | None
    rolled_back: bool
    tags: JSON
    stopped_tasks: JSON = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


def name_in(arn: str) -> str:
    """Return what an ARN of ECS calls a thing: the part behind its last "/"."""
    return arn.rpartition("/")[2]


def service_key(arn: str, cluster: str = "") -> str:
    """Return "<cluster>/<service>"; the old form of the ARN names no cluster.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html#ecs-resource-ids
    """
    rest = arn.rpartition(":service/")[2]
    return rest if "/" in rest else f"{cluster}/{rest}"


def cluster_record(answer: Mapping[str, Any]) -> ClusterRecord:
    """Read one cluster of DescribeClusters."""
    status = answer.get("status") or ""
    return ClusterRecord(
        key=answer.get("clusterName") or name_in(answer["clusterArn"]),
        arn=answer.get("clusterArn") or "",
        status=status,
        state=CLUSTERS.get(status, State.UNKNOWN).value,
        running_tasks_count=answer.get("runningTasksCount") or 0,
        pending_tasks_count=answer.get("pendingTasksCount") or 0,
        active_services_count=answer.get("activeServicesCount") or 0,
        registered_container_instances_count=answer.get("registeredContainerInstancesCount") or 0,
        capacity_providers=list(answer.get("capacityProviders") or ()),
        tags=tags_of(answer.get("tags")),
    )


def service_record(cluster: str, answer: Mapping[str, Any]) -> ServiceRecord:
    """Read one service of DescribeServices; what its stopped tasks say is not read here."""
    deployments = [_deployment(one) for one in answer.get("deployments") or ()]
    task_sets = [_task_set(one) for one in answer.get("taskSets") or ()]
    primary = next((one for one in deployments if one["status"] == "PRIMARY"), None)
    rolled_back = bool(primary and ROLLED_BACK in primary["reason"])
    state = state_of(answer, primary, task_sets, rolled_back=rolled_back)
    arn = answer.get("serviceArn") or ""
    # CodeDeploy deploys task sets, and the service goes on naming the definition it began with.
    serving = next((one for one in task_sets if one["status"] == "PRIMARY"), {})
    definition = serving.get("task_definition") or answer.get("taskDefinition") or ""
    named = {definition, *(one["task_definition"] for one in (*deployments, *task_sets))}
    return ServiceRecord(
        key=service_key(arn, cluster),
        parent=cluster,
        arn=arn,
        status=_status(answer, primary, state, rolled_back=rolled_back),
        state=state,
        urgency=urgency_of(state),
        name=answer.get("serviceName") or name_in(arn),
        desired_count=answer.get("desiredCount") or 0,
        running_count=answer.get("runningCount") or 0,
        pending_count=answer.get("pendingCount") or 0,
        launch_type=answer.get("launchType") or "",
        platform_version=answer.get("platformVersion") or "",
        capacity_provider_strategy=[
            {
                "provider": one.get("capacityProvider", ""),
                "weight": one.get("weight") or 0,
                "base": one.get("base") or 0,
            }
            for one in answer.get("capacityProviderStrategy") or ()
        ],
        scheduling_strategy=answer.get("schedulingStrategy") or "",
        # A service that names none is rolled by ECS itself.
        deployment_controller=(answer.get("deploymentController") or {}).get("type") or "ECS",
        deployment_configuration=_configuration(answer.get("deploymentConfiguration") or {}),
        task_definition=definition,
        definitions=" ".join(sorted(map(name_in, filter(None, named)))),
        deployments=deployments,
        task_sets=task_sets,
        events=[
            {
                "id": one.get("id", ""),
                "at": plain(one.get("createdAt")),
                "message": masked(one.get("message") or ""),
                "trouble": is_trouble(one.get("message") or ""),
            }
            for one in (answer.get("events") or ())[:EVENTS]
        ],
        load_balancers=[
            {
                "target_group": one.get("targetGroupArn") or "",
                "name": one.get("loadBalancerName") or "",
                "container": one.get("containerName") or "",
                "port": one.get("containerPort"),
            }
            for one in answer.get("loadBalancers") or ()
        ],
        role_arn=answer.get("roleArn") or "",
        grace_seconds=answer.get("healthCheckGracePeriodSeconds"),
        created=answer.get("createdAt"),
        rolled_back=rolled_back,
        tags=tags_of(answer.get("tags")),
        links=tuple(_service_names(answer, deployments, task_sets)),
    )


def state_of(
    answer: Mapping[str, Any],
    primary: Mapping[str, Any] | None,
    task_sets: Iterable[Mapping[str, Any]],
    *,
    rolled_back: bool,
) -> str:
    """Return our state of a service: how its newest deployment fares, then whether its tasks run.

    One that was rolled back runs, and what was to run does not: that failed.
    """
    status = answer.get("status") or ""
    if status == "DRAINING":
        return State.MOVING.value
    if status == "INACTIVE":
        return State.STOPPED.value
    if primary is not None:
        rollout = primary["rollout_state"]
        state = ROLLOUTS.get(rollout, State.UNKNOWN) if rollout else State.DONE
        if state is State.DONE and rolled_back:
            return State.FAILED.value
        stuck = primary["failed"] or _newest_is_trouble(answer)
        if state is State.MOVING and stuck and not primary["running"]:
            # Without a circuit breaker it goes on for as long as nobody stops it, and nothing of it
            # has come to run so far.
            return State.FAILED.value
        if state is not State.DONE:
            return state.value
    elif any(one["stability"] == "STABILIZING" for one in task_sets):
        return State.MOVING.value
    if (answer.get("desiredCount") or 0) > (answer.get("runningCount") or 0):
        return (State.FAILED if _newest_is_trouble(answer) else State.MOVING).value
    return State.DONE.value if status == "ACTIVE" else State.UNKNOWN.value


def _newest_is_trouble(answer: Mapping[str, Any]) -> bool:
    newest: Mapping[str, Any] = next(iter(answer.get("events") or ()), {})
    return is_trouble(newest.get("message") or "")


def _status(
    answer: Mapping[str, Any], primary: Mapping[str, Any] | None, state: str, *, rolled_back: bool
) -> str:
    """Return ECS's word: of the rollout where there is one, else of the service.

    ECS says COMPLETED of what was taken back and IN_PROGRESS of what never ends: those have words
    of our own.
    """
    status = answer.get("status") or ""
    if status != "ACTIVE" or primary is None or not primary["rollout_state"]:
        return status
    rollout = str(primary["rollout_state"])
    if state == State.FAILED and rollout != "FAILED":
        return "ROLLED_BACK" if rolled_back else "STUCK"
    return rollout


def _deployment(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": one.get("id", ""),
        "status": one.get("status") or "",
        "task_definition": one.get("taskDefinition") or "",
        "desired": one.get("desiredCount") or 0,
        "pending": one.get("pendingCount") or 0,
        "running": one.get("runningCount") or 0,
        "failed": one.get("failedTasks") or 0,
        "created_at": plain(one.get("createdAt")),
        "updated_at": plain(one.get("updatedAt")),
        "launch_type": one.get("launchType") or "",
        "rollout_state": one.get("rolloutState") or "",
        "state": ROLLOUTS.get(one.get("rolloutState") or "", State.UNKNOWN).value
        if one.get("rolloutState")
        else "",
        "reason": masked(one.get("rolloutStateReason") or ""),
    }


def _task_set(one: Mapping[str, Any]) -> dict[str, Any]:
    scale = one.get("scale") or {}
    stability = one.get("stabilityStatus") or ""
    return {
        "id": one.get("id", ""),
        "arn": one.get("taskSetArn") or "",
        "status": one.get("status") or "",
        "task_definition": one.get("taskDefinition") or "",
        "desired": one.get("computedDesiredCount") or 0,
        "pending": one.get("pendingCount") or 0,
        "running": one.get("runningCount") or 0,
        "percent": scale.get("value") if scale.get("unit") == "PERCENT" else None,
        "created_at": plain(one.get("createdAt")),
        "updated_at": plain(one.get("updatedAt")),
        "external_id": one.get("externalId") or "",
        "stability": stability,
        "state": {"STEADY_STATE": State.DONE, "STABILIZING": State.MOVING}.get(
            stability, State.UNKNOWN
        ).value,
    }


def _configuration(one: Mapping[str, Any]) -> dict[str, Any]:
    breaker = one.get("deploymentCircuitBreaker") or {}
    alarms = one.get("alarms") or {}
    return {
        "strategy": one.get("strategy") or "",
        "maximum_percent": one.get("maximumPercent"),
        "minimum_healthy_percent": one.get("minimumHealthyPercent"),
        "circuit_breaker": bool(breaker.get("enable")),
        "rolls_back": bool(breaker.get("rollback")),
        "alarms": list(alarms.get("alarmNames") or ()) if alarms.get("enable") else [],
    }


def is_trouble(message: str) -> bool:
    """Whether an event of a service tells of something that went wrong."""
    return any(words in message for words in TROUBLE)


def stopped_task(task: Mapping[str, Any]) -> dict[str, Any]:
    """Read a stopped task of DescribeTasks, with the container that says most."""
    containers = task.get("containers") or ()
    telling: Mapping[str, Any] = next(
        (one for one in containers if one.get("reason") or one.get("exitCode")),
        next(iter(containers), {}),
    )
    return {
        "id": name_in(task.get("taskArn") or ""),
        "task_definition": task.get("taskDefinitionArn") or "",
        "at": plain(task.get("stoppedAt")),
        "code": task.get("stopCode") or "",
        "reason": masked(task.get("stoppedReason") or ""),
        "container": telling.get("name") or "",
        "exit_code": telling.get("exitCode"),
        "container_reason": masked(telling.get("reason") or ""),
    }


def _service_names(
    answer: Mapping[str, Any],
    deployments: Iterable[Mapping[str, Any]],
    task_sets: Iterable[Mapping[str, Any]],
) -> Iterator[LinkTo]:
    if cluster := answer.get("clusterArn"):
        yield LinkTo("runs in", "ecs.cluster", cluster)
    runs = {answer.get("taskDefinition") or ""}
    runs |= {one["task_definition"] for one in (*deployments, *task_sets) if one["running"]}
    for definition in sorted(filter(None, runs)):
        yield LinkTo("runs", "ecs.taskdefinition", definition)
    for one in answer.get("loadBalancers") or ():
        if group := one.get("targetGroupArn"):
            # Owning: the page names and links it.
            yield LinkTo("serves", "ec2.targetgroup", group, owning=True)
    if role := answer.get("roleArn"):
        yield LinkTo("assumes", "iam.role", role)
