"""Load balancers and target groups as frozen records in the columns' words.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancer.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State, urgency_of

from .records import instance_arn, state_of

BALANCERS = {
    "active": State.DONE,
    "provisioning": State.MOVING,
    "active_impaired": State.FAILED,
    "failed": State.FAILED,
}
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
TARGETS = {
    "healthy": State.DONE,
    "unhealthy": State.FAILED,
    "unhealthy.draining": State.FAILED,
    "initial": State.MOVING,
    "draining": State.MOVING,
    "unused": State.STOPPED,
    "unavailable": State.UNKNOWN,
}
JSON = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancerRecord:
    """A load balancer as DescribeLoadBalancers gives it; `classic` reads those of the older API."""

    key: str
    arn: str
    status: str
    state: str
    name: str
    dns_name: str
    scheme: str
    type: str
    state_reason: str
    vpc_id: str
    availability_zones: JSON
    security_groups: JSON
    ip_address_type: str
    created: datetime | None
    listeners: JSON = UNREAD
    health_check: JSON = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroupRecord:
    """A target group as DescribeTargetGroups gives it, with the health of its targets."""

    key: str
    parent: str
    arn: str
    name: str
    protocol: str
    port: int | None
    target_type: str
    vpc_id: str
    health_check: JSON
    load_balancers: JSON
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    urgency: int | Unread = UNREAD
    targets: JSON = UNREAD
    healthy_count: int | Unread = UNREAD
    unhealthy_count: int | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


def load_balancer_record(answer: Mapping[str, Any]) -> LoadBalancerRecord:
    """Read one load balancer of DescribeLoadBalancers."""
    arn = answer["LoadBalancerArn"]
    told = answer.get("State") or {}
    status = told.get("Code") or ""
    return LoadBalancerRecord(
        key=arn.rpartition(":loadbalancer/")[2],
        arn=arn,
        status=status,
        state=state_of(BALANCERS, status),
        name=answer.get("LoadBalancerName") or "",
        dns_name=answer.get("DNSName") or "",
        scheme=answer.get("Scheme") or "",
        type=answer.get("Type") or "",
        state_reason=masked(told.get("Reason") or ""),
        vpc_id=answer.get("VpcId") or "",
        availability_zones=[
            one.get("ZoneName") or "" for one in answer.get("AvailabilityZones") or ()
        ],
        security_groups=list(answer.get("SecurityGroups") or ()),
        ip_address_type=answer.get("IpAddressType") or "",
        created=answer.get("CreatedTime"),
    )


def target_group_record(
    answer: Mapping[str, Any], health: Iterable[Mapping[str, Any]] | None
) -> TargetGroupRecord:
    """Read one target group of DescribeTargetGroups.

    health  the entries of its DescribeTargetHealth; None where that could not be read.
    """
    arn = answer["TargetGroupArn"]
    balancers = list(answer.get("LoadBalancerArns") or ())
    targets = None if health is None else [_target(one) for one in health]
    told: dict[str, Any] = {}
    if targets is not None:
        healthy = sum(one["state"] == State.DONE for one in targets)
        unhealthy = sum(one["state"] == State.FAILED for one in targets)
        state = fares(targets)
        told = {
            "state": state,
            "urgency": urgency_of(state),
            "status": f"{healthy} of {len(targets)} healthy" if targets else "no targets",
            "targets": targets,
            "healthy_count": healthy,
            "unhealthy_count": unhealthy,
            "links": tuple(_target_group_names(arn, balancers, targets)),
        }
    return TargetGroupRecord(
        key=arn.rpartition(":targetgroup/")[2],
        parent=balancers[0].rpartition(":loadbalancer/")[2] if balancers else "",
        arn=arn,
        name=answer.get("TargetGroupName") or "",
        protocol=_protocol(answer),
        port=answer.get("Port"),
        target_type=answer.get("TargetType") or "",
        vpc_id=answer.get("VpcId") or "",
        health_check={
            "enabled": answer.get("HealthCheckEnabled", True),
            "protocol": answer.get("HealthCheckProtocol") or "",
            "port": answer.get("HealthCheckPort") or "",
            "path": answer.get("HealthCheckPath") or "",
            "interval": answer.get("HealthCheckIntervalSeconds"),
            "timeout": answer.get("HealthCheckTimeoutSeconds"),
            "healthy_after": answer.get("HealthyThresholdCount"),
            "unhealthy_after": answer.get("UnhealthyThresholdCount"),
            "codes": (answer.get("Matcher") or {}).get("HttpCode")
            or (answer.get("Matcher") or {}).get("GrpcCode")
            or "",
        },
        load_balancers=balancers,
        **told,
    )


def _protocol(answer: Mapping[str, Any]) -> str:
    """HTTP/1.1 goes without saying."""
    version = answer.get("ProtocolVersion") or ""
    told = (answer.get("Protocol"), "" if version == "HTTP1" else version)
    return " ".join(filter(None, told))


def _target_group_names(
    arn: str, balancers: Iterable[str], targets: Iterable[Mapping[str, Any]]
) -> Iterator[LinkTo]:
    for balancer in balancers:
        yield LinkTo("receives from", "ec2.loadbalancer", balancer)
    for one in targets:
        if one["id"].startswith("i-"):
            yield LinkTo("sends to", "ec2.instance", instance_arn(arn, one["id"]))


def fares(targets: Iterable[Mapping[str, Any]]) -> str:
    """Return how a group of targets fares: as its worst target does; stopped without any."""
    found = {one["state"] for one in targets}
    for state in (State.FAILED, State.MOVING, State.UNKNOWN, State.DONE):
        if state in found:
            return state.value
    return State.STOPPED.value


def _target(one: Mapping[str, Any]) -> dict[str, Any]:
    target, health = one.get("Target") or {}, one.get("TargetHealth") or {}
    word = health.get("State") or ""
    return {
        "id": target.get("Id") or "",
        "port": target.get("Port"),
        "zone": target.get("AvailabilityZone") or "",
        "status": word,
        "state": state_of(TARGETS, word),
        "reason": health.get("Reason") or "",
        "description": masked(health.get("Description") or ""),
    }
