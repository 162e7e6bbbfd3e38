"""What ECS holds: clusters, task definitions, services with their deployments, task sets, tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.sandbox.compute import balancers
from apps.sandbox.world import hex_from, uuid_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from apps.sandbox.clock import Timer
    from apps.sandbox.world import Place

#: A service keeps its newest hundred events; a stopped task is shown for at least an hour.
KEPT_EVENTS, STOPPED_SHOWN = 100, 4 * 3600.0

#: A task definition, service or container as the API takes it.
Declaration = dict[str, Any]


@dataclass(slots=True, eq=False)
class TaskDefinition:
    """One revision of a family; immutable."""

    place: Place
    family: str
    revision: int
    declaration: Declaration
    registered: float
    status: str = "ACTIVE"

    @property
    def arn(self) -> str:
        """``arn:aws:ecs:<region>:<account>:task-definition/<family>:<revision>``."""
        return self.place.arn("ecs", f"task-definition/{self.family}:{self.revision}")


@dataclass(slots=True, eq=False)
class Task:
    """A task: running, or stopped with AWS's reason."""

    arn: str
    definition: str
    group: str
    started: float
    launch_type: str
    status: str = "RUNNING"
    stopped: float | None = None
    stop_code: str | None = None
    reason: str | None = None
    exit_code: int | None = None
    container_reason: str | None = None

    @property
    def id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def address(self) -> str:
        """The address of its network interface."""
        return f"10.0.{int(self.id[:2], 16) % 3 + 1}.{int(self.id[2:4], 16)}"


@dataclass(slots=True, eq=False)
class Rollout:
    """A deployment of a service: ``status`` is PRIMARY, ACTIVE or INACTIVE."""

    id: str
    definition: str
    desired: int
    created: float
    updated: float
    status: str = "PRIMARY"
    running: int = 0
    pending: int = 0
    failed: int = 0
    attempts: int = 0
    state: str = "IN_PROGRESS"
    reason: str = ""
    timers: list[Timer] = field(default_factory=list)
    on_end: Callable[[Rollout], None] | None = None

    def end(self) -> None:
        """Tell whoever started it, once."""
        told, self.on_end = self.on_end, None
        if told is not None:
            told(self)


@dataclass(slots=True, eq=False)
class TaskSet:
    """A task set of a service that CodeDeploy deploys; ``status`` PRIMARY, ACTIVE or DRAINING."""

    id: str
    arn: str
    definition: str
    created: float
    updated: float
    target_group: str
    status: str = "ACTIVE"
    desired: int = 0
    running: int = 0
    pending: int = 0
    scale: float = 100.0
    stability: str = "STABILIZING"
    external: str = ""
    tasks: list[Task] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Event:
    """One line of a service's events."""

    id: str
    at: float
    message: str


@dataclass(slots=True, eq=False)
class Service:
    """A service; ``breaker`` is (enabled, rolls back).

    ``trouble`` (n, kind) makes each n-th deployment by a pipeline fail so; see rolling.Outcome.
    """

    cluster: Cluster
    name: str
    desired: int
    definition: str
    created: float
    target_group: str | None = None
    container: tuple[str, int] = ("app", 8080)
    controller: str = "ECS"
    launch_type: str = "FARGATE"
    breaker: tuple[bool, bool] = (True, True)
    trouble: tuple[int, str] | None = None
    deployed_count: int = 0
    status: str = "ACTIVE"
    tags: dict[str, str] = field(default_factory=dict)
    rollouts: list[Rollout] = field(default_factory=list)
    task_sets: list[TaskSet] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    started_count: int = 0

    @property
    def place(self) -> Place:
        """Where it runs."""
        return self.cluster.place

    @property
    def arn(self) -> str:
        """The long form: ``arn:aws:ecs:<region>:<account>:service/<cluster>/<name>``."""
        return self.place.arn("ecs", f"service/{self.cluster.name}/{self.name}")

    @property
    def primary(self) -> Rollout | None:
        """The deployment that is to run."""
        return next((one for one in self.rollouts if one.status == "PRIMARY"), None)

    def running(self) -> list[Task]:
        """Its running tasks, the oldest first."""
        return [task for task in self.tasks.values() if task.status == "RUNNING"]


@dataclass(slots=True, eq=False)
class Cluster:
    """A cluster with its services by name."""

    place: Place
    name: str
    providers: tuple[str, ...] = ("FARGATE", "FARGATE_SPOT")
    instances: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """``arn:aws:ecs:<region>:<account>:cluster/<name>``."""
        return self.place.arn("ecs", f"cluster/{self.name}")


class ContainerStore:
    """ECS in one place: clusters by name, task definitions by family, the oldest revision first."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clusters: dict[str, Cluster] = {}
        self.families: dict[str, list[TaskDefinition]] = {}

    def definition(self, name: str) -> TaskDefinition | None:
        """By ARN, ``family:revision``, or family (its newest active revision)."""
        family, _, revision = name.rpartition("task-definition/")[2].partition(":")
        known = self.families.get(family, [])
        if revision:
            return next((one for one in known if str(one.revision) == revision), None)
        return next((one for one in reversed(known) if one.status == "ACTIVE"), None)

    def service(self, cluster: str, name: str) -> Service | None:
        """A service by its cluster's and its own name or ARN."""
        found = self.clusters.get(cluster.rpartition("/")[2])
        return found.services.get(name.rpartition("/")[2]) if found is not None else None


def make_cluster(place: Place, name: str, **members: Any) -> Cluster:
    """A cluster, made if missing."""
    store = place.of(ContainerStore)
    if name not in store.clusters:
        store.clusters[name] = Cluster(place, name, **members)
    return store.clusters[name]


def register_task_definition(
    place: Place, family: str, containers: Iterable[Declaration], **members: Any
) -> TaskDefinition:
    """Register the next revision; ``containers`` are RegisterTaskDefinition's."""
    revisions = place.of(ContainerStore).families.setdefault(family, [])
    declaration: Declaration = {
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "512",
        "memory": "1024",
        "executionRoleArn": f"arn:aws:iam::{place.account}:role/ecsTaskExecutionRole",
        "taskRoleArn": f"arn:aws:iam::{place.account}:role/{family}-task",
        **members,
        "containerDefinitions": [dict(one) for one in containers],
    }
    made = TaskDefinition(
        place, family, len(revisions) + 1, declaration, registered=place.world.now()
    )
    revisions.append(made)
    return made


def with_images(place: Place, name: str, images: Mapping[str, str]) -> TaskDefinition:
    """The next revision of a task definition with other images, by the container's name."""
    old = place.of(ContainerStore).definition(name)
    if old is None:
        raise LookupError(name)
    containers = [
        {**one, "image": images.get(one["name"], one["image"])}
        for one in old.declaration["containerDefinitions"]
    ]
    members = {k: v for k, v in old.declaration.items() if k != "containerDefinitions"}
    return register_task_definition(place, old.family, containers, **members)


def make_service(
    cluster: Cluster, name: str, definition: TaskDefinition, **members: Any
) -> Service:
    """A service that runs its desired tasks (2) since long, with one completed deployment."""
    service = Service(
        cluster,
        name,
        desired=members.pop("desired", 2),
        definition=definition.arn,
        created=cluster.place.world.now(),
        **members,
    )
    cluster.services[name] = service
    if service.controller == "CODE_DEPLOY":
        made = make_task_set(service, definition, service.target_group or "")
        settle_task_set(service, made)
        set_primary(service, made)
        return service
    rollout = new_rollout(service, definition.arn)
    rollout.running, rollout.state = service.desired, "COMPLETED"
    rollout.reason = f"ECS deployment {rollout.id} completed."
    service.rollouts.append(rollout)
    for _ in range(service.desired):
        add_task(service, definition.arn)
    say(service, "has reached a steady state.")
    return service


def new_rollout(service: Service, definition: str) -> Rollout:
    """A deployment, not yet among the service's."""
    service.started_count += 1
    world = service.place.world
    number = world.chance(service.arn, "rollout", service.started_count).randrange(10**18, 10**19)
    rollout = Rollout(
        id=f"ecs-svc/{number}",
        definition=definition,
        desired=service.desired,
        created=world.now(),
        updated=world.now(),
    )
    rollout.reason = f"ECS deployment {rollout.id} in progress."
    return rollout


def add_task(service: Service, definition: str) -> Task:
    """A running task; those that stopped long ago are forgotten."""
    world = service.place.world
    horizon = world.now() - STOPPED_SHOWN
    for old in [t for t in service.tasks.values() if t.stopped and t.stopped < horizon]:
        del service.tasks[old.arn]
    service.started_count += 1
    chance = world.chance(service.arn, "task", service.started_count)
    task = Task(
        arn=service.place.arn("ecs", f"task/{service.cluster.name}/{hex_from(chance, 32)}"),
        definition=definition,
        group=f"service:{service.name}",
        started=world.now(),
        launch_type=service.launch_type,
    )
    service.tasks[task.arn] = task
    return task


def stop_task(  # noqa: PLR0913 - a stopped task says this much
    task: Task,
    now: float,
    code: str,
    reason: str,
    *,
    exit_code: int | None = None,
    container_reason: str | None = None,
) -> None:
    """Stop a task, with AWS's stopCode and stoppedReason."""
    task.status, task.stopped, task.stop_code, task.reason = "STOPPED", now, code, reason
    task.exit_code, task.container_reason = exit_code, container_reason


def say(service: Service, words: str, task_set: TaskSet | None = None) -> None:
    """Put ``(service <name>) <words>`` in front of the service's events.

    Of a task set ECS says ``(service <name>, taskSet <id>) <words>``.
    """
    world = service.place.world
    event_id = uuid_from(world.chance(service.arn, "event", service.started_count, words))
    whose = f"{service.name}, taskSet {task_set.id}" if task_set is not None else service.name
    service.events.insert(0, Event(event_id, world.now(), f"(service {whose}) {words}"))
    del service.events[KEPT_EVENTS:]


# -- task sets, for blue/green deployments by CodeDeploy -------------------------------------------


def make_task_set(service: Service, definition: TaskDefinition, target_group: str) -> TaskSet:
    """A task set whose tasks start behind ``target_group`` (ARN); see :func:`settle_task_set`."""
    service.started_count += 1
    world = service.place.world
    number = world.chance(service.arn, "task set", service.started_count).randrange(10**18, 10**19)
    name = f"ecs-svc/{number}"
    made = TaskSet(
        id=name,
        arn=service.place.arn("ecs", f"task-set/{service.cluster.name}/{service.name}/{name}"),
        definition=definition.arn,
        created=world.now(),
        updated=world.now(),
        target_group=target_group,
        desired=service.desired,
        pending=service.desired,
    )
    service.task_sets.append(made)
    return made


def settle_task_set(service: Service, task_set: TaskSet) -> None:
    """Its tasks run and passed the checks of the target group they are behind: STEADY_STATE."""
    task_set.running, task_set.pending = task_set.desired, 0
    task_set.stability, task_set.updated = "STEADY_STATE", service.place.world.now()
    started = [add_task(service, task_set.definition) for _ in range(task_set.desired)]
    task_set.tasks += started
    say(service, f"has started {len(started)} tasks: {_names(started)}.", task_set)
    group = task_set.target_group
    if group:
        balancers.register(service.place, group, [t.address for t in started], healthy=True)
        say(service, f"registered {len(started)} targets in (target-group {group})", task_set)
    say(service, "has reached a steady state.", task_set)


def set_primary(service: Service, task_set: TaskSet) -> None:
    """UpdateServicePrimaryTaskSet: it is what the service runs now."""
    for other in service.task_sets:
        other.status = "ACTIVE" if other is not task_set else "PRIMARY"
    service.definition = task_set.definition
    service.target_group = task_set.target_group


def delete_task_set(service: Service, task_set: TaskSet) -> None:
    """Drain and stop its tasks, and forget it."""
    now = service.place.world.now()
    running = [task for task in task_set.tasks if task.status == "RUNNING"]
    group = task_set.target_group
    if running and group:
        balancers.deregister(service.place, group, [task.address for task in running])
        words = f"deregistered {len(running)} targets in (target-group {group})"
        say(service, words, task_set)
    for task in running:
        stop_task(task, now, "ServiceSchedulerInitiated", "Task set deleted")
    if running:
        say(service, f"has stopped {len(running)} running tasks: {_names(running)}.", task_set)
    if task_set in service.task_sets:
        service.task_sets.remove(task_set)
        say(service, "has reached a steady state.")


def _names(tasks: Iterable[Task]) -> str:
    return " ".join(f"(task {task.id})" for task in tasks)
