"""Task definitions as frozen records in the columns' words, without anything that may be secret.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.mirror.ask import LinkTo

# Options of log drivers that are no secret (Splunk's token is one of them).
LOG_OPTIONS = {
    "awslogs-group": "group",
    "awslogs-region": "region",
    "awslogs-stream-prefix": "prefix",
}
JSON = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDefinitionRecord:
    """A revision of a task definition; it never changes."""

    key: str
    parent: str
    arn: str
    status: str
    described: str
    family: str
    revision: int
    containers: JSON
    network_mode: str
    cpu: str
    memory: str
    runtime_platform: str
    compatibilities: JSON
    task_role_arn: str
    execution_role_arn: str
    registered_at: datetime | None
    registered_by: str
    links: tuple[LinkTo, ...]


def task_definition_record(service: str, answer: Mapping[str, Any]) -> TaskDefinitionRecord:
    """Read the task definition of DescribeTaskDefinition; `service` is the key of who names it."""
    arn = answer["taskDefinitionArn"]
    containers = [_container(one) for one in answer.get("containerDefinitions") or ()]
    platform = answer.get("runtimePlatform") or {}
    return TaskDefinitionRecord(
        key=arn.rpartition("task-definition/")[2],
        parent=service,
        arn=arn,
        status=answer.get("status") or "",
        described=arn,
        family=answer.get("family") or "",
        revision=answer.get("revision") or 0,
        containers=containers,
        network_mode=answer.get("networkMode") or "",
        cpu=answer.get("cpu") or "",
        memory=answer.get("memory") or "",
        runtime_platform=" ".join(
            filter(None, (platform.get("operatingSystemFamily"), platform.get("cpuArchitecture")))
        ),
        compatibilities=list(answer.get("requiresCompatibilities") or ()),
        task_role_arn=answer.get("taskRoleArn") or "",
        execution_role_arn=answer.get("executionRoleArn") or "",
        registered_at=answer.get("registeredAt"),
        registered_by=answer.get("registeredBy") or "",
        links=tuple(_definition_names(answer, arn, containers)),
    )


def _container(one: Mapping[str, Any]) -> dict[str, Any]:
    """A container: what it runs. Commands and labels may hold secrets, too, and are dropped."""
    logging = one.get("logConfiguration") or {}
    options = logging.get("options") or {}
    return {
        "name": one.get("name") or "",
        "image": one.get("image") or "",
        "essential": bool(one.get("essential", True)),
        "cpu": one.get("cpu") or 0,
        "memory": one.get("memory") or one.get("memoryReservation"),
        "ports": [
            port["containerPort"]
            for port in one.get("portMappings") or ()
            if "containerPort" in port
        ],
        "environment": sorted(v.get("name", "") for v in one.get("environment") or ()),
        "secrets": [
            {"name": secret.get("name", ""), "from": secret.get("valueFrom", "")}
            for secret in one.get("secrets") or ()
        ],
        "log_driver": logging.get("logDriver") or "",
        "log": {ours: options[name] for name, ours in LOG_OPTIONS.items() if options.get(name)},
        "health_check": bool(one.get("healthCheck")),
    }


def _definition_names(
    answer: Mapping[str, Any], arn: str, containers: Iterable[Mapping[str, Any]]
) -> Iterator[LinkTo]:
    for relation, name in (("assumes", "taskRoleArn"), ("starts as", "executionRoleArn")):
        role = answer.get(name) or ""
        # EC2 tasks may name a role without its ARN.
        if role.startswith("arn:"):
            yield LinkTo(relation, "iam.role", role)
    parts = arn.split(":")
    groups = {
        (one["log"].get("region") or parts[3], one["log"]["group"])
        for one in containers
        if one["log"].get("group")
    }
    for region, group in sorted(groups):
        place = ":".join((parts[0], parts[1], "logs", region, parts[4]))
        yield LinkTo("logs to", "cloudwatch.loggroup", f"{place}:log-group:{group}")
