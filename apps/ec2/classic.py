"""Classic load balancers and the health of their instances as frozen records.

https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_LoadBalancerDescription.html
https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_InstanceState.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.aws.calls import Reach
from apps.mirror.ask import LinkTo
from apps.mirror.masking import masked
from apps.mirror.state import State, urgency_of

from .balancing import LoadBalancerRecord
from .records import instance_arn

# What the console calls them. DescribeLoadBalancers of elbv2 tells of the other types.
CLASSIC = "classic"
STATES = {
    "InService": State.DONE,
    "OutOfService": State.FAILED,
    "Unknown": State.UNKNOWN,
}
# Out of service for now, or on purpose: AWS has one word for all of it, and tells them apart by the
# description alone. https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/ts-elb-healthcheck.html
OUT = {
    "registration is still in progress": State.MOVING,
    "has not passed the configured healthythreshold": State.MOVING,
    "deregistration currently in progress": State.MOVING,
    "is in pending state": State.MOVING,
    "is in stopped state": State.STOPPED,
}
# Reason and description where there is nothing to tell.
NOTHING = "N/A"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptRecord:
    """A row of which nothing was read this time, and which is there as far as we know."""

    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceHealthRecord:
    """How an instance fares at a classic load balancer, as DescribeInstanceHealth gives it."""

    key: str
    parent: str
    status: str
    state: str
    instance_id: str
    reason_code: str
    description: str
    urgency: int


def classic_arn(reach: Reach, name: str) -> str:
    """Compose the ARN of a classic load balancer, which no answer tells.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancing.html
    """
    return reach.arn("elasticloadbalancing", f"loadbalancer/{name}")


def classic_record(reach: Reach, answer: Mapping[str, Any]) -> LoadBalancerRecord:
    """Read one load balancer of the older DescribeLoadBalancers; one that is listed is active."""
    name = answer["LoadBalancerName"]
    arn = classic_arn(reach, name)
    check = answer.get("HealthCheck") or {}
    ids = [one.get("InstanceId") or "" for one in answer.get("Instances") or ()]
    return LoadBalancerRecord(
        key=name,
        arn=arn,
        status="active",
        state=State.DONE.value,
        name=name,
        dns_name=answer.get("DNSName") or "",
        scheme=answer.get("Scheme") or "",
        type=CLASSIC,
        state_reason="",
        vpc_id=answer.get("VPCId") or "",
        availability_zones=list(answer.get("AvailabilityZones") or ()),
        security_groups=list(answer.get("SecurityGroups") or ()),
        ip_address_type="",
        created=answer.get("CreatedTime"),
        listeners=[_listener(one.get("Listener") or {}) for one in _listed(answer)],
        health_check={
            "target": check.get("Target") or "",
            "interval": check.get("Interval"),
            "timeout": check.get("Timeout"),
            "healthy_after": check.get("HealthyThreshold"),
            "unhealthy_after": check.get("UnhealthyThreshold"),
        },
        links=tuple(
            LinkTo("sends to", "ec2.instance", instance_arn(arn, one)) for one in ids if one
        ),
    )


def _listed(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(answer.get("ListenerDescriptions") or ())


def _listener(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "protocol": one.get("Protocol") or "",
        "port": one.get("LoadBalancerPort"),
        "instance_protocol": one.get("InstanceProtocol") or "",
        "instance_port": one.get("InstancePort"),
    }


def health_record(balancer: str, answer: Mapping[str, Any]) -> InstanceHealthRecord:
    """Read one instance of DescribeInstanceHealth."""
    instance, word = answer.get("InstanceId") or "", answer.get("State") or ""
    said = _told(answer.get("Description"))
    state = state_of(word, said)
    return InstanceHealthRecord(
        key=f"{balancer}:{instance}",
        parent=balancer,
        status=word,
        state=state,
        instance_id=instance,
        reason_code=_told(answer.get("ReasonCode")),
        description=masked(said),
        urgency=urgency_of(state),
    )


def state_of(word: str, description: str) -> str:
    """Return our state of an instance by AWS's word and, where it is out of service, its reason."""
    state = STATES.get(word, State.UNKNOWN)
    if state is State.FAILED:
        told = description.lower()
        state = next((found for words, found in OUT.items() if words in told), state)
    return state.value


def _told(text: Any) -> str:
    return "" if text in (None, NOTHING) else str(text)
