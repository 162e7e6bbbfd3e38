"""What deployments run on, in the API: Lambda functions, ECS services, EC2 instances."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.awslambda.models import Alias, Function, Version
from apps.ec2.models import Instance, InstanceProfile
from apps.ecs.load import coming_images, definitions_of, running_images, split_image
from apps.ecs.models import Service, TaskDefinition
from apps.live.moments import parsed
from apps.mirror.resource import Running
from apps.mirror.running import running_on

from .answers import Narrow, PageOf, Words, absolute, answers
from .paging import Paging, page_of
from .things import Thing, columns, thing

functions = Router()
services = Router()
instances = Router()
# Versions of a function that its details tell, the newest first.
VERSIONS = 50


class NarrowFunctions(Narrow):
    """Which functions are wanted."""

    q: Words = Field(
        "", description="Words that all occur, in the name, the description or the runtime."
    )


class Share(Schema):
    """What an alias sends to one version."""

    version: str
    percent: float = Field(description="Of the calls, 0 to 100.")


class AliasItem(Schema):
    """An alias and the versions it serves; more than one while traffic is shifted."""

    name: str
    state: str = Field(description="moving while traffic is shifted, else done.")
    shares: list[Share]


class FunctionItem(Thing):
    """A function: which versions its aliases serve."""

    name: str
    description: str
    runtime: str
    package_type: str
    memory_size: int | None = Field(description="MB.")
    last_modified: datetime | None
    code_sha256: str
    newest_version: int | None
    version_count: int
    aliases: list[AliasItem]


class VersionItem(Schema):
    """A published version."""

    version: int
    arn: str
    description: str
    code_sha256: str
    code_size: int | None = Field(description="Bytes.")
    runtime: str
    published_at: datetime | None


class FunctionDetail(FunctionItem):
    """A function with its versions and configuration; values of variables are not mirrored."""

    handler: str
    code_size: int | None = Field(description="Bytes.")
    timeout: int | None = Field(description="Seconds.")
    architectures: list[str]
    environment: list[str] = Field(description="Names of its variables.")
    layers: list[str] = Field(description="ARNs.")
    role: str
    log_group: str
    dead_letter_arn: str
    last_update_status: str
    function_state: str = Field(description="Lambda's State.")
    versions: list[VersionItem]


class NarrowServices(Narrow):
    """Which services are wanted."""

    q: Words = Field(
        "", description="Words that all occur, in the cluster, the name or the task definition."
    )
    cluster: Words = Field("", description="The cluster's name.")


class Image(Schema):
    """What a container runs."""

    container: str
    image: str
    version: str = Field(description="The tag, or the digest where there is none.")


class ServiceItem(Thing):
    """A service: what it runs, and whether it runs as much as it should."""

    name: str
    cluster: str
    desired_count: int
    running_count: int
    pending_count: int
    launch_type: str
    task_definition: str = Field(description="The ARN of what it is to run.")
    images: list[Image] = Field(
        description="Of the tasks that run; where none does, of what it is to run. Empty until "
        "the task definition was read, and where it may not be seen."
    )
    coming: list[Image] = Field(
        description="What it is to run and no task of it runs: a deployment that goes on or failed."
    )
    rolled_back: bool = Field(description="Whether the newest deployment was taken back.")


class Deployment(Schema):
    """A deployment of a service, or a task set of CodeDeploy's."""

    id: str
    status: str
    state: str
    task_definition: str
    images: list[Image]
    desired: int
    running: int
    pending: int
    failed: int
    created_at: datetime | None
    updated_at: datetime | None
    reason: str


class Event(Schema):
    """What ECS says of a service."""

    at: datetime | None
    message: str
    trouble: bool = Field(description="Whether it tells of something that went wrong.")


class ServiceDetail(ServiceItem):
    """A service with its deployments, task sets and newest events."""

    deployment_controller: str
    circuit_breaker: bool
    deployments: list[Deployment]
    task_sets: list[Deployment]
    events: list[Event] = Field(description="The newest ten.")
    created: datetime | None


class NarrowInstances(Narrow):
    """Which instances are wanted."""

    q: Words = Field(
        "",
        description="Words that all occur, in the name, the id, the type, the Auto Scaling group "
        "or the addresses.",
    )
    group: Words = Field("", description="The Auto Scaling group's name.")


class RunningItem(Schema):
    """The version that runs on an instance, and what brought it there."""

    what: str = Field(description="CodeDeploy's revision, or the label of Beanstalk's version.")
    by: str = Field(description="The deployment, or the environment, that brought it.")
    at: datetime | None = Field(description="When it was there; null where nobody says.")
    url: str = Field(description="Our page of what brought it.")


class InstanceItem(Thing):
    """An instance that is not terminated, with its status checks."""

    instance_id: str
    name: str
    instance_type: str
    image_id: str
    auto_scaling_group: str
    availability_zone: str
    private_ip: str
    public_ip: str
    launched_at: datetime | None
    system_status: str = Field(description="The host's status check; empty where it was not read.")
    instance_status: str = Field(description="The instance's own.")
    running: RunningItem | None = Field(
        description="What was brought to it last and succeeded, by CodeDeploy or Beanstalk; null "
        "where nothing was, where that was not read, and where it may not be seen."
    )


class InstanceDetail(InstanceItem):
    """An instance with its tags and names."""

    private_dns_name: str
    public_dns_name: str
    vpc_id: str
    subnet_id: str
    platform: str
    architecture: str
    instance_profile: str
    roles: list[str] | None = Field(
        description="ARNs of the roles in the profile, null where they were not read, and where it "
        "may not be seen."
    )
    state_reason: str
    tags: dict[str, str]


@functions.get("", response=answers(PageOf[FunctionItem]))
def list_functions(
    request: HttpRequest, narrow: Query[NarrowFunctions], paging: Query[Paging]
) -> Any:
    """Functions by name."""
    rows = Function.objects.select_related("scope").present().visible_to(request.user)
    found, following = page_of(rows.matching(**narrow.dict()), paging, name="functions", by="key")
    return {"items": [_function(request, row) for row in found], "next_cursor": following}


@functions.get("/{int:function_id}", response=answers(FunctionDetail))
def one_function(request: HttpRequest, function_id: int) -> Any:
    """A function with its newest versions."""
    rows = Function.objects.visible_to(request.user).select_related("scope")
    row = get_object_or_404(rows, pk=function_id)
    versions = Version.objects.present().visible_to(request.user).filter(function=row)
    versions = versions.order_by("-number")[:VERSIONS]
    aliases = Alias.objects.present().visible_to(request.user).filter(function=row)
    aliases = aliases.order_by("name", "pk")
    return {
        **_function(request, row),
        **columns(
            row,
            "handler",
            "code_size",
            "timeout",
            "architectures",
            "environment",
            "layers",
            "role",
            "log_group",
            "dead_letter_arn",
            "last_update_status",
            "function_state",
        ),
        "aliases": [_alias(one.name, one.state, one.shares) for one in aliases],
        "versions": [
            {
                "version": version.number,
                **columns(
                    version,
                    "arn",
                    "description",
                    "code_sha256",
                    "code_size",
                    "runtime",
                    "published_at",
                ),
            }
            for version in versions
        ],
    }


def _function(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **thing(request, "awslambda.function", row),
        "name": row.key,
        **columns(
            row,
            "description",
            "runtime",
            "package_type",
            "memory_size",
            "last_modified",
            "code_sha256",
            "newest_version",
            "version_count",
        ),
        "aliases": [_alias(one["name"], one["state"], one["shares"]) for one in row.aliases],
    }


def _alias(name: str, state: str, shares: Any) -> dict[str, Any]:
    told = [{"version": version, "percent": percent} for version, percent in shares]
    return {"name": name, "state": state, "shares": told}


@services.get("", response=answers(PageOf[ServiceItem]))
def list_services(
    request: HttpRequest, narrow: Query[NarrowServices], paging: Query[Paging]
) -> Any:
    """Services by cluster and name."""
    wanted = narrow.dict()
    cluster = wanted.pop("cluster")
    rows = Service.objects.select_related("scope", "cluster").present().visible_to(request.user)
    rows = rows.matching(**wanted)
    if cluster:
        rows = rows.filter(cluster__key=cluster)
    found, following = page_of(rows, paging, name="services", by="key")
    known = definitions_of(found, TaskDefinition.objects.visible_to(request.user))
    return {
        "items": [_service(request, row, known) for row in found],
        "next_cursor": following,
    }


@services.get("/{int:service_id}", response=answers(ServiceDetail))
def one_service(request: HttpRequest, service_id: int) -> Any:
    """A service with its deployments, the newest first."""
    rows = Service.objects.visible_to(request.user).select_related("scope", "cluster")
    row = get_object_or_404(rows, pk=service_id)
    known = definitions_of([row], TaskDefinition.objects.visible_to(request.user))
    return {
        **_service(request, row, known),
        "deployment_controller": row.deployment_controller,
        "circuit_breaker": bool(row.deployment_configuration.get("circuit_breaker")),
        "deployments": [_deployment(row, one, known) for one in row.deployments],
        "task_sets": [_deployment(row, one, known) for one in row.task_sets],
        "events": [
            {
                "at": parsed(event.get("at")),
                "message": event.get("message") or "",
                "trouble": bool(event.get("trouble")),
            }
            for event in row.events
        ],
        "created": row.created,
    }


Definitions = dict[tuple[int, str], TaskDefinition]


def _service(request: HttpRequest, row: Any, known: Definitions) -> dict[str, Any]:
    return {
        **thing(request, "ecs.service", row),
        "cluster": row.cluster.key,
        **columns(
            row,
            "name",
            "desired_count",
            "running_count",
            "pending_count",
            "launch_type",
            "task_definition",
            "rolled_back",
        ),
        "images": running_images(row, known),
        "coming": coming_images(row, known),
    }


def _deployment(row: Any, one: dict[str, Any], known: Definitions) -> dict[str, Any]:
    definition = str(one.get("task_definition") or "")
    return {
        **{name: str(one.get(name) or "") for name in ("id", "status", "state", "reason")},
        **{name: int(one.get(name) or 0) for name in ("desired", "running", "pending", "failed")},
        **{name: parsed(one.get(name)) for name in ("created_at", "updated_at")},
        "task_definition": definition,
        "images": _images(known.get((row.scope_id, definition))),
    }


def _images(definition: TaskDefinition | None) -> list[dict[str, str]]:
    return [split_image(one) for one in definition.containers] if definition else []


@instances.get("", response=answers(PageOf[InstanceItem]))
def list_instances(
    request: HttpRequest, narrow: Query[NarrowInstances], paging: Query[Paging]
) -> Any:
    """Instances by name."""
    wanted = narrow.dict()
    group = wanted.pop("group")
    rows = Instance.objects.select_related("scope").present().visible_to(request.user)
    rows = rows.matching(**wanted)
    if group:
        rows = rows.filter(auto_scaling_group=group)
    found, following = page_of(rows, paging, name="instances", by="name")
    running = running_on("ec2.instance", found, request.user)
    items = [_instance(request, row, running.get(row.pk)) for row in found]
    return {"items": items, "next_cursor": following}


@instances.get("/{int:instance_id}", response=answers(InstanceDetail))
def one_instance(request: HttpRequest, instance_id: int) -> Any:
    """An instance."""
    rows = Instance.objects.visible_to(request.user).select_related("scope")
    row = get_object_or_404(rows, pk=instance_id)
    profiles = InstanceProfile.objects.present().visible_to(request.user)
    profiles = profiles.filter(scope=row.scope_id)
    profile = profiles.filter(arn=row.instance_profile).first() if row.instance_profile else None
    return {
        **_instance(request, row, running_on("ec2.instance", [row], request.user).get(row.pk)),
        "roles": profile.roles if profile else None if row.instance_profile else [],
        **columns(
            row,
            "private_dns_name",
            "public_dns_name",
            "vpc_id",
            "subnet_id",
            "platform",
            "architecture",
            "instance_profile",
            "state_reason",
            "tags",
        ),
    }


def _instance(request: HttpRequest, row: Any, running: Running | None) -> dict[str, Any]:
    return {
        **thing(request, "ec2.instance", row),
        "running": running and {**asdict(running), "url": absolute(request, running.url)},
        "instance_id": row.key,
        **columns(
            row,
            "name",
            "instance_type",
            "image_id",
            "auto_scaling_group",
            "availability_zone",
            "private_ip",
            "public_ip",
            "launched_at",
            "system_status",
            "instance_status",
        ),
    }
