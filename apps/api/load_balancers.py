"""Load balancers and the health of what they send to, in the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.ec2.load import why_balancers
from apps.ec2.models import InstanceHealth, LoadBalancer, TargetGroup

from .answers import Narrow, PageOf, Words, answers
from .paging import Paging, page_of
from .things import Thing, columns, thing

router = Router()


class NarrowLoadBalancers(Narrow):
    """Which load balancers are wanted."""

    q: Words = Field("", description="Words that all occur, in the name or the address.")


class LoadBalancerItem(Thing):
    """A load balancer, and how many of its targets are healthy."""

    name: str
    type: str = Field(description="application, network, gateway or classic.")
    scheme: str
    dns_name: str
    target_state: str = Field(description="Ours, of its worst target; empty without any.")
    healthy_count: int
    target_count: int
    created: datetime | None


class Target(Schema):
    """How a target fares: an instance or an address."""

    id: str
    port: int | None = Field(description="null at classic load balancers.")
    status: str = Field(description="AWS's word: healthy, unhealthy…; InService, OutOfService….")
    state: str = Field(description="Ours.")
    reason: str = Field(description="AWS's code.")
    description: str


class TargetGroupItem(Schema):
    """A target group that the load balancer sends to."""

    name: str
    arn: str
    targets: list[Target]


class LoadBalancerDetail(LoadBalancerItem):
    """A load balancer with its target groups or, of a classic one, its registered instances."""

    vpc_id: str
    availability_zones: list[str]
    security_groups: list[str]
    target_groups: list[TargetGroupItem] = Field(description="Empty of a classic one.")
    instances: list[Target] = Field(description="Of a classic one alone.")


@router.get("", response=answers(PageOf[LoadBalancerItem]))
def list_load_balancers(
    request: HttpRequest, narrow: Query[NarrowLoadBalancers], paging: Query[Paging]
) -> Any:
    """Load balancers by name."""
    rows = LoadBalancer.objects.select_related("scope").present().visible_to(request.user)
    found, following = page_of(
        rows.matching(**narrow.dict()), paging, name="load_balancers", by="name"
    )
    why = why_balancers(found)
    return {
        "items": [_item(request, row, why[row.pk]) for row in found],
        "next_cursor": following,
    }


@router.get("/{int:load_balancer_id}", response=answers(LoadBalancerDetail))
def one_load_balancer(request: HttpRequest, load_balancer_id: int) -> Any:
    """A load balancer with the health of each target, the worst first."""
    rows = LoadBalancer.objects.visible_to(request.user).select_related("scope")
    row = get_object_or_404(rows, pk=load_balancer_id)
    groups = TargetGroup.objects.present().visible_to(request.user).filter(load_balancer=row)
    health = InstanceHealth.objects.present().visible_to(request.user).filter(load_balancer=row)
    return {
        **_item(request, row, why_balancers([row])[row.pk]),
        **columns(row, "vpc_id", "availability_zones", "security_groups"),
        "target_groups": [
            {"name": group.name, "arn": group.arn, "targets": _targets(group.targets)}
            for group in groups.order_by("urgency", "name", "pk")
        ],
        "instances": [
            {
                "id": one.instance_id,
                "port": None,
                "reason": one.reason_code,
                **columns(one, "status", "state", "description"),
            }
            for one in health.order_by("urgency", "instance_id", "pk")
        ],
    }


def _targets(told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("id", "status", "state", "reason", "description")
    return [
        {**{name: str(one.get(name) or "") for name in names}, "port": one.get("port")}
        for one in told
    ]


def _item(request: HttpRequest, row: Any, why: str) -> dict[str, Any]:
    return {
        **thing(request, "ec2.loadbalancer", row),
        "why": why,
        **columns(
            row,
            "name",
            "type",
            "scheme",
            "dns_name",
            "target_state",
            "healthy_count",
            "target_count",
            "created",
        ),
    }
