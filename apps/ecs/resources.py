"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from apps.aws.events import called
from apps.mirror.resource import REGISTER, Cadence, Heard, Names, Resource

from . import collect, models, why
from .records import service_key

SOURCE = "aws.ecs"


def _services_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Events name the service among the envelope's resources, some by the old form of its ARN.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
    """
    cluster = str(detail.get("clusterArn") or "").rpartition("/")[2]
    for arn in detail.get("resources") or ():
        if ":service/" in arn:
            key = service_key(arn, cluster)
            if not key.startswith("/"):
                yield Names(kind="ecs.service", key=key)


def _services_of_task(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A task that stopped belongs to the service that its group names."""
    group, cluster = str(detail["group"]), str(detail["clusterArn"]).rpartition("/")[2]
    if group.startswith("service:"):
        yield Names(kind="ecs.service", key=f"{cluster}/{group.partition(':')[2]}")


def _service_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Both may be told by name or ARN; who names no cluster means the one called default."""
    given = detail["requestParameters"]
    cluster = str(given.get("cluster") or "default").rpartition("/")[2]
    name = str(given.get("service") or given["serviceName"]).rpartition("/")[2]
    yield Names(kind="ecs.service", key=f"{cluster}/{name}")


CLUSTER = REGISTER.add(
    Resource(
        kind="ecs.cluster",
        label="clusters",
        provider="aws",
        model=models.Cluster,
        collect=collect.clusters,
        cadence=Cadence(cold=timedelta(minutes=5), hot=timedelta(seconds=30)),
        calls=("ecs:ListClusters", "ecs:DescribeClusters"),
        optional=("ecs:DescribeClusters",),
        keyed=True,
        goes_with=("runs in",),
        url=models.Cluster.get_absolute_url,
    )
)

SERVICE = REGISTER.add(
    Resource(
        kind="ecs.service",
        label="services",
        provider="aws",
        model=models.Service,
        collect=collect.services,
        cadence=Cadence(cold=timedelta(minutes=2), hot=timedelta(seconds=10)),
        calls=("ecs:ListServices", "ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks"),
        optional=("ecs:ListTasks", "ecs:DescribeTasks"),
        events=(
            Heard(source=SOURCE, detail_type="ECS Deployment State Change", names=_services_of),
            Heard(source=SOURCE, detail_type="ECS Service Action", names=_services_of),
            Heard(
                source=SOURCE,
                detail_type="ECS Task State Change",
                names=_services_of_task,
                where={"lastStatus": ("STOPPED",)},
            ),
            called(SOURCE, _service_called_on, "CreateService", "DeleteService", "UpdateService"),
        ),
        # Not heard wholly: of the tasks that start and the task sets that CodeDeploy shifts to
        # nothing is told before the service is steady.
        parent=("ecs.cluster", "cluster"),
        asked_by="ecs.cluster",
        keyed=True,
        held=True,
        url=models.Service.get_absolute_url,
        listed="ecs:services",
        explain=why.why,
        explain_then=why.why_then,
    )
)

TASK_DEFINITION = REGISTER.add(
    Resource(
        kind="ecs.taskdefinition",
        label="task definitions",
        provider="aws",
        model=models.TaskDefinition,
        collect=collect.task_definitions,
        cadence=Cadence(cold=timedelta(minutes=5)),
        calls=("ecs:DescribeTaskDefinition",),
        parent=("ecs.service", "service"),
        asked_by="ecs.service",
        parent_fields=("task_definition", "deployments", "task_sets"),
        parent_stamp=("definitions", "definitions_read"),
        history=True,
        stamp="described",
        url=models.TaskDefinition.get_absolute_url,
    )
)
