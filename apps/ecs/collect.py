"""Reads clusters, services and task definitions from ECS; no Django.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Operations.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from apps.aws.calls import Failed, Reach, batches
from apps.mirror.ask import UNREAD, Ask, Covered, Ended, Parent, Unread, Vanished
from apps.mirror.provider import Health
from apps.mirror.state import State

from .definitions import TaskDefinitionRecord, task_definition_record
from .records import (
    STOPPED_TASKS,
    ClusterRecord,
    ServiceRecord,
    cluster_record,
    name_in,
    service_key,
    service_record,
    stopped_task,
)

# What one DescribeClusters and one DescribeServices take.
CLUSTERS, SERVICES = 100, 10
# What one page of ListTasks gives and one DescribeTasks takes.
TASKS = 100
# Services of a cluster whose stopped tasks are read, those that failed first, and pages of each.
TROUBLED, PAGES = 10, 3


def clusters(reach: Reach, ask: Ask) -> Iterator[ClusterRecord | Vanished]:
    """Yield every cluster of the region, or those named by `ask.keys`."""
    if ask.keys is not None:
        names: list[str] = list(ask.keys)
    else:
        names = [
            arn
            for page in reach.pages("ecs:ListClusters", maxResults=100)
            for arn in page.get("clusterArns", ())
        ]
    for batch in batches(names, CLUSTERS):
        answer = reach.detail("ecs:DescribeClusters", clusters=batch, include=["TAGS"])
        found = [cluster_record(one) for one in (answer or {}).get("clusters", ())]
        missing = _missing(reach, "ecs:DescribeClusters", answer or {}, ":cluster/")
        yield from found
        if ask.keys is None:
            # Those that nothing is told of are there, and their services can be read.
            told = {*(record.key for record in found), *missing}
            untold = [arn for arn in batch if name_in(arn) not in told]
            yield from (ClusterRecord(key=name_in(arn), arn=arn) for arn in untold)
        else:
            yield from map(Vanished, missing)


def services(reach: Reach, ask: Ask) -> Iterator[ServiceRecord | Covered | Vanished]:
    """Yield the services of each cluster, ten to a call, or those named by `ask.keys`.

    Of a service in trouble the tasks that stopped lately are read: no event of a service says why
    its tasks stop.
    """
    if ask.keys is not None:
        yield from _named(reach, ask.keys)
        return

    def read(cluster: Parent) -> list[ServiceRecord | Covered | Vanished]:
        arns = [
            arn
            for page in reach.pages("ecs:ListServices", cluster=cluster.key, maxResults=100)
            for arn in page.get("serviceArns", ())
        ]
        described, missing = _describe(reach, cluster.key, arns)
        records = _records(reach, cluster.key, described)
        told = {*(record.key for record in records), *missing}
        # One that is listed and not told of is there: nobody here may be judged by who was told of.
        whole = told.issuperset(service_key(arn, cluster.key) for arn in arns)
        return [*records, *map(Vanished, missing), *([Covered(cluster.key)] if whole else [])]

    for cluster, found in reach.each(ask.parents, read):
        if not isinstance(found, Failed):
            yield from found
        elif found.failure.health is Health.GONE:
            # Its services went with it.
            yield Covered(cluster.key)


def _named(reach: Reach, keys: Iterable[str]) -> Iterator[ServiceRecord | Vanished]:
    by_cluster: dict[str, list[str]] = {}
    for key in keys:
        cluster, _, name = key.partition("/")
        by_cluster.setdefault(cluster, []).append(name)

    def read(cluster: str) -> list[ServiceRecord | Vanished]:
        described, missing = _describe(reach, cluster, by_cluster[cluster])
        return [*_records(reach, cluster, described), *map(Vanished, missing)]

    for cluster, found in reach.each(by_cluster, read):
        if not isinstance(found, Failed):
            yield from found
        elif found.failure.health is Health.GONE:
            yield from (Vanished(f"{cluster}/{name}") for name in by_cluster[cluster])


def _describe(
    reach: Reach, cluster: str, names: Sequence[str]
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the services and the keys of those that ECS does not know (any more)."""
    described: list[Mapping[str, Any]] = []
    missing: list[str] = []
    for batch in batches(names, SERVICES):
        answer = reach.call(
            "ecs:DescribeServices", cluster=cluster, services=batch, include=["TAGS"]
        )
        for one in answer.get("services", ()):
            # ECS goes on describing a deleted service for a while, and lists it no more.
            if one.get("status") == "INACTIVE":
                missing.append(service_key(one.get("serviceArn") or "", cluster))
            else:
                described.append(one)
        gone = _missing(reach, "ecs:DescribeServices", answer, ":service/")
        missing += [service_key(f"x:service/{name}", cluster) for name in gone]
    return described, missing


def _records(
    reach: Reach, cluster: str, described: Sequence[Mapping[str, Any]]
) -> list[ServiceRecord]:
    records = [service_record(cluster, one) for one in described]
    if not any(map(_troubled, records)):
        return [replace(record, stopped_tasks=[]) for record in records]
    troubled = sorted(
        filter(_troubled, records), key=lambda record: (record.state != State.FAILED, record.key)
    )
    stopped: dict[str, Any] = {record.key: UNREAD for record in troubled}
    for record in troubled[:TROUBLED]:
        stopped[record.key] = _stopped_tasks(reach, cluster, record.name)
    return [replace(record, stopped_tasks=stopped.get(record.key, [])) for record in records]


def _troubled(record: ServiceRecord) -> bool:
    """Whether tasks that stopped may tell why: it failed, or its deployment loses tasks."""
    losing = any(one["status"] == "PRIMARY" and one["failed"] for one in record.deployments)
    return record.state == State.FAILED or losing


def _stopped_tasks(reach: Reach, cluster: str, service: str) -> list[dict[str, Any]] | Unread:
    """Return the newest tasks of a service that stopped; UNREAD where that is not told.

    ECS remembers them for an hour, and lists them in no order: all are described. Tasks that a
    deployment replaced stopped as they should.
    """
    pages = reach.pages(
        "ecs:ListTasks",
        cluster=cluster,
        serviceName=service,
        desiredStatus="STOPPED",
        maxResults=TASKS,
    )
    tasks: list[dict[str, Any]] = []
    try:
        for page in islice(pages, PAGES):
            if arns := page.get("taskArns"):
                answer = reach.call("ecs:DescribeTasks", cluster=cluster, tasks=arns)
                tasks += [stopped_task(one) for one in answer.get("tasks", ()) if _fell(one)]
    except Exception:  # noqa: BLE001 - what failed stands on the reach's outcomes
        return UNREAD
    tasks.sort(key=lambda task: task["at"] or "", reverse=True)
    return tasks[:STOPPED_TASKS]


def _fell(task: Mapping[str, Any]) -> bool:
    return not str(task.get("stoppedReason") or "").startswith("Scaling activity initiated")


def task_definitions(reach: Reach, ask: Ask) -> Iterator[TaskDefinitionRecord | Covered | Ended]:
    """Yield the task definitions that services name and that were not read before.

    A revision never changes, so each is described once: DescribeTaskDefinition takes one.
    """
    wanted: dict[str, str] = {}
    read = set(ask.known.values()) if not ask.deep else set()
    for service in ask.parents:
        for arn in _definitions_of(service):
            if arn not in read:
                wanted.setdefault(arn, service.key)
    failed: set[str] = set()
    for arn, answer in reach.each(
        wanted, lambda name: reach.call("ecs:DescribeTaskDefinition", taskDefinition=name)
    ):
        if not isinstance(answer, Failed):
            yield task_definition_record(wanted[arn], answer["taskDefinition"])
        elif answer.failure.health is not Health.GONE:
            failed.add(arn)
    for service in ask.parents:
        if failed.isdisjoint(_definitions_of(service)):
            yield Ended(service.key)
            yield Covered(service.key)


def _definitions_of(service: Parent) -> list[str]:
    named = [service.fields.get("task_definition")]
    for several in ("deployments", "task_sets"):
        named += [one.get("task_definition") for one in service.fields.get(several) or ()]
    return list(dict.fromkeys(filter(None, named)))


def _missing(reach: Reach, operation: str, answer: Mapping[str, Any], kind: str) -> list[str]:
    """Return the names, behind `kind` in their ARNs, that an answer calls missing.

    What it could not tell for any other reason is there, and is told on the scope.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
    """
    failures = list(answer.get("failures", ()))
    other = next((one for one in failures if one.get("reason") != "MISSING"), None)
    if other is not None:
        words = f"{other.get('arn', '')}: {other.get('detail') or other.get('reason')}"
        told: Any = {"Error": {"Code": other.get("reason") or "Failure", "Message": words}}
        reach.failed(operation, ClientError(told, operation.partition(":")[2]))
    return [
        str(one.get("arn", "")).rpartition(kind)[2]
        for one in failures
        if one.get("reason") == "MISSING"
    ]
