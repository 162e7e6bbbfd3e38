"""Elastic Beanstalk in the API: environments, what is said of them, and their instances."""

from datetime import datetime
from typing import Any, Literal

from django.db.models import F
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.beanstalk.load import events_of
from apps.beanstalk.models import Environment, Instance, ManagedAction

from .answers import Narrow, PageOf, Words, absolute, answers
from .paging import Paging, page_of
from .things import Thing, columns, thing

router = Router()
# Managed actions that an environment's details tell: what is to come, then the newest.
MANAGED = 50
NEWEST = (F("finished_at").desc(nulls_first=True), "-key")


class NarrowEnvironments(Narrow):
    """Which environments are wanted."""

    q: Words = Field(
        "",
        description="Words that all occur, in the name, the application, the version, the address "
        "or the platform.",
    )
    application: Words = Field("", description="The application's name.")


class NarrowEnvironmentEvents(Schema):
    """Which events are wanted."""

    severity: Literal["WARN", "ERROR", ""] = Field(
        "", description="Those that grave or graver; all where it is left out."
    )


class EnvironmentItem(Thing):
    """An environment and how it fares."""

    environment_id: str = Field(description="AWS's id: e-…")
    name: str
    application: str
    version_label: str
    health: str = Field(description="AWS's colour: Green, Yellow, Red or Grey.")
    health_status: str = Field(description="Enhanced health's word; empty where health is basic.")
    causes: list[str] = Field(description="Why it is not well, in Elastic Beanstalk's words.")
    cname: str
    tier: str
    platform: str
    abortable_operation_in_progress: bool
    date_created: datetime | None
    date_updated: datetime | None


class EnvironmentInstance(Thing):
    """An instance of an environment, as of when that moved or was not well.

    `status` is its health in Elastic Beanstalk's word.
    """

    instance_id: str
    causes: list[str]
    version_label: str = Field(description="What was deployed to it last.")
    deployment_id: int | None
    deployment_status: str
    launched_at: datetime | None
    availability_zone: str
    instance_type: str


class ManagedActionItem(Thing):
    """What AWS does to an environment by itself, or did; scheduled ones have the state unknown."""

    action_id: str
    action_type: str = Field(description="PlatformUpdate or InstanceRefresh.")
    description: str
    window_start: datetime | None = Field(description="When it is to begin, until it is over.")
    executed_at: datetime | None
    finished_at: datetime | None
    failure_type: str


class EnvironmentDetail(EnvironmentItem):
    """An environment with its instances and managed actions."""

    description: str
    endpoint_url: str
    platform_arn: str
    instances: list[EnvironmentInstance]
    managed_actions: list[ManagedActionItem] = Field(
        description="Those to come, then those that are over, the newest first; fifty at most."
    )


class EnvironmentEvent(Thing):
    """What Elastic Beanstalk said of an environment; `url` and `console_url` are that one's.

    `status` is its severity; `arn` our name for it, for AWS gives it none.
    """

    event_date: datetime | None
    severity: str
    message: str
    version_label: str
    request_id: str


@router.get("", response=answers(PageOf[EnvironmentItem]))
def list_environments(
    request: HttpRequest, narrow: Query[NarrowEnvironments], paging: Query[Paging]
) -> Any:
    """Environments by name."""
    wanted = narrow.dict()
    application = wanted.pop("application")
    rows = Environment.objects.for_list().present().visible_to(request.user).matching(**wanted)
    if application:
        rows = rows.filter(application_name=application)
    found, following = page_of(rows, paging, name="environments", by="key")
    return {"items": [_environment(request, row) for row in found], "next_cursor": following}


@router.get("/{int:environment_id}", response=answers(EnvironmentDetail))
def one_environment(request: HttpRequest, environment_id: int) -> Any:
    """An environment with its instances, and what AWS does to it by itself."""
    row = _found(request, environment_id)
    instances = Instance.objects.present().visible_to(request.user).filter(environment=row)
    managed = ManagedAction.objects.present().visible_to(request.user).filter(environment=row)
    managed = managed.order_by(*NEWEST)
    beside = ("scope", "environment__scope")
    return {
        **_environment(request, row),
        **columns(row, "description", "endpoint_url", "platform_arn"),
        "instances": [
            _instance(request, one) for one in instances.select_related(*beside).order_by("key")
        ],
        "managed_actions": [
            _managed(request, one) for one in managed.select_related(*beside)[:MANAGED]
        ],
    }


@router.get("/{int:environment_id}/events", response=answers(PageOf[EnvironmentEvent]))
def list_events(
    request: HttpRequest,
    environment_id: int,
    narrow: Query[NarrowEnvironmentEvents],
    paging: Query[Paging],
) -> Any:
    """What was said of an environment, the newest first."""
    row = _found(request, environment_id)
    rows = events_of(row.pk, narrow.severity).visible_to(request.user).select_related("scope")
    name = f"environment-{row.pk}-events"
    found, following = page_of(rows, paging, name=name, by="-event_date")
    url = absolute(request, row.get_absolute_url())
    items = [
        {
            **thing(request, "beanstalk.event", one),
            "arn": one.arn or one.key,
            "url": url,
            "console_url": row.console_url,
            "severity": one.status,
            **columns(one, "event_date", "message", "version_label", "request_id"),
        }
        for one in found
    ]
    return {"items": items, "next_cursor": following}


def _found(request: HttpRequest, environment_id: int) -> Environment:
    rows = Environment.objects.visible_to(request.user).select_related("scope")
    found: Environment = get_object_or_404(rows, pk=environment_id)
    return found


def _environment(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **thing(request, "beanstalk.environment", row),
        "name": row.key,
        "application": row.application_name,
        "tier": row.tier_name,
        **columns(
            row,
            "environment_id",
            "version_label",
            "health",
            "health_status",
            "causes",
            "cname",
            "platform",
            "abortable_operation_in_progress",
            "date_created",
            "date_updated",
        ),
    }


def _instance(request: HttpRequest, row: Instance) -> dict[str, Any]:
    return {
        **thing(request, "beanstalk.instance", row),
        "console_url": row.environment.console_url,
        "instance_id": row.key,
        **columns(
            row,
            "causes",
            "version_label",
            "deployment_id",
            "deployment_status",
            "launched_at",
            "availability_zone",
            "instance_type",
        ),
    }


def _managed(request: HttpRequest, row: ManagedAction) -> dict[str, Any]:
    names = ("action_type", "description", "window_start", "executed_at", "finished_at")
    return {
        **thing(request, "beanstalk.managedaction", row),
        "arn": row.arn or row.key,
        "console_url": row.environment.console_url,
        "action_id": row.key.partition("/")[2],
        **columns(row, *names, "failure_type"),
    }
