"""Loads what pages and fragments of services show, in a number of queries rows don't change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.mirror.links import resolve, url_of
from apps.mirror.unread import missing_in
from apps.mirror.visibility import VISIBILITY

from .models import Cluster, Service, TaskDefinition
from .why import said_in, why


def service_rows(services: Iterable[Service]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of services."""
    every = list(services)
    known = definitions_of(every)
    return {
        one.pk: {
            "service": one,
            "why": why(one),
            "images": running_images(one, known),
            "coming": coming_images(one, known),
        }
        for one in every
    }


def service_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return service_rows(Service.objects.for_list().filter(pk__in=ids))


def service_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Services with their deployments side by side and what each runs."""
    services = list(Service.objects.select_related("scope", "cluster").filter(pk__in=ids))
    known = definitions_of(services)
    missing = missing_in({one.scope_id for one in services}, images="ecs.taskdefinition")
    behind = _target_groups(services)
    causes = {one.pk: why(one) for one in services}
    return {
        one.pk: {
            **missing[one.scope_id].context(),
            "service": one,
            "why": causes[one.pk],
            "deployments": [_beside(one, item, known) for item in one.deployments],
            "task_sets": [_beside(one, item, known) for item in one.task_sets],
            "events": _events(one, causes[one.pk]),
            "behind": behind[one.pk],
            "definition": known.get((one.scope_id, one.task_definition)),
        }
        for one in services
    }


def _events(service: Service, cause: str) -> list[dict[str, Any]]:
    """Return what ECS says, the newest first; what it says again and again once, with how often.

    `above` tells that the page says it already, as the cause.
    """
    told: list[dict[str, Any]] = []
    above = set(cause.split("\n"))
    for event in service.events:
        if not isinstance(event.get("message"), str):
            continue
        said = said_in(event["message"])
        if told and told[-1]["said"] == said:
            told[-1]["times"] += 1
        else:
            told.append({**event, "said": said, "times": 1, "above": said in above})
    return told


def _target_groups(services: Iterable[Service]) -> dict[int, list[dict[str, Any]]]:
    """Return behind what each service is: `{name, arn, url, container, port}`.

    The address only where whoever may see the service may see the target group, too
    (docs/decisions/0011-links-in-shared-pictures.md).
    """
    every = list(services)
    arns = [one.get("target_group") or "" for service in every for one in service.load_balancers]
    known = resolve("ec2.targetgroup", arns)
    pairs = {
        (service.pk, arn): (("ecs.service", service.pk), ("ec2.targetgroup", row.pk))
        for service in every
        for one in service.load_balancers
        if (row := known.get(arn := str(one.get("target_group") or ""))) is not None
    }
    tells = VISIBILITY.rule.tells(pairs.values())
    told: dict[int, list[dict[str, Any]]] = {}
    for service in every:
        told[service.pk] = []
        for one in service.load_balancers:
            arn = str(one.get("target_group") or "")
            pair = pairs.get((service.pk, arn))
            ours = pair is not None and tells[pair]
            told[service.pk].append(
                {
                    **one,
                    "arn": arn,
                    # arn:aws:elasticloadbalancing:<place>:targetgroup/<name>/<id>
                    "name": arn.split("/")[1] if arn.count("/") > 1 else one.get("name") or arn,
                    "url": url_of("ec2.targetgroup", known[arn]) if ours else "",
                }
            )
    return told


def cluster_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Clusters with their scope."""
    rows = Cluster.objects.select_related("scope").filter(pk__in=ids)
    return {row.pk: {"cluster": row} for row in rows}


def definitions_of(
    services: Iterable[Service], among: Any = None
) -> dict[tuple[int, str], TaskDefinition]:
    """Return the task definitions that services and their deployments name, by scope and ARN.

    among  those that the reader may know of; None where a picture is for all.
    """
    scopes, arns = set(), set()
    for one in services:
        scopes.add(one.scope_id)
        named = [one.task_definition]
        named += [item.get("task_definition") for item in one.deployments]
        if "task_sets" not in one.get_deferred_fields():
            named += [item.get("task_definition") for item in one.task_sets]
        arns |= set(filter(None, named))
    rows = TaskDefinition.objects.all() if among is None else among
    rows = rows.filter(scope__in=scopes, arn__in=arns)
    return {(row.scope_id, row.arn): row for row in rows}


def _beside(
    service: Service,
    item: Mapping[str, Any],
    known: Mapping[tuple[int, str], TaskDefinition],
) -> dict[str, Any]:
    arn = str(item.get("task_definition") or "")
    definition = known.get((service.scope_id, arn))
    return {
        **item,
        "definition": definition,
        "definition_name": arn.rpartition("task-definition/")[2],
        "images": _images(definition),
    }


def _images(definition: TaskDefinition | None) -> list[dict[str, str]]:
    """Return what runs in a task, by container: the repository apart from the version."""
    return [split_image(one) for one in definition.containers] if definition else []


def running_images(
    service: Service, known: Mapping[tuple[int, str], TaskDefinition]
) -> list[dict[str, str]]:
    """Return the images of the tasks that run; of what it is to run, where none does."""
    running = service.running_definitions or [service.task_definition]
    return [image for arn in running for image in _images(known.get((service.scope_id, arn)))]


def coming_images(
    service: Service, known: Mapping[tuple[int, str], TaskDefinition]
) -> list[dict[str, str]]:
    """Return the images that it is to run and no task of it runs, [] where all is as wanted."""
    running = service.running_definitions
    if not running or service.task_definition in running:
        return []
    return _images(known.get((service.scope_id, service.task_definition)))


def split_image(container: Mapping[str, Any]) -> dict[str, str]:
    """Return {container, repository, version}; a digest is a version, a port in a host is none."""
    image = str(container.get("image") or "")
    name, at, digest = image.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, ""
    return {
        "container": str(container.get("name") or ""),
        "image": image,
        "repository": repository.rpartition("/")[2],
        "version": tag or digest if at else tag,
    }


def definition_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Task definitions with their containers."""
    rows = TaskDefinition.objects.select_related("scope", "service").filter(pk__in=ids)
    return {row.pk: {"taskdefinition": row} for row in rows}
