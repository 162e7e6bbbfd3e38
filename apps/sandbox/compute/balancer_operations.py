"""Elastic Load Balancing's operations: load balancers, target groups, and targets' health."""

from __future__ import annotations

from apps.sandbox.compute import balancers
from apps.sandbox.compute.balancers import (
    VPC,
    BalancerStore,
    LoadBalancer,
    Target,
    TargetGroup,
)
from apps.sandbox.compute.machines import MachineStore
from apps.sandbox.control import COUNTERS
from apps.sandbox.operations import (
    TRAITS,
    Answer,
    AwsError,
    Call,
    Params,
    Traits,
    operation,
    paginate,
)

PAGE = 400

TRAITS["elbv2"] = Traits(invalid="ValidationError", bad_page="ValidationError")
COUNTERS["target_groups"] = lambda place: len(place.of(BalancerStore).groups)


def _bad_marker() -> AwsError:
    return AwsError("ValidationError", "The marker is not valid")


@operation("elbv2", "DescribeLoadBalancers")
def describe_load_balancers(call: Call, params: Params) -> Answer:
    """Load balancers, up to 400 a page."""
    wanted = params.get("LoadBalancerArns")
    known = call.place.of(BalancerStore).balancers.values()
    page, token = paginate(
        call,
        [one for one in known if not wanted or one.arn in wanted],
        lambda one: one.arn,
        size=min(PAGE, params.get("PageSize", PAGE)),
        token=params.get("Marker"),
        error=_bad_marker,
    )
    return {"LoadBalancers": [_shown(one) for one in page], "NextMarker": token}


def _shown(balancer: LoadBalancer) -> Answer:
    return {
        "LoadBalancerArn": balancer.arn,
        "DNSName": balancer.dns,
        "CanonicalHostedZoneId": "Z32O12XQLNTSW2",
        "CreatedTime": balancer.created,
        "LoadBalancerName": balancer.name,
        "Scheme": balancer.scheme,
        "VpcId": VPC,
        "State": {"Code": balancer.state, "Reason": balancer.reason},
        "Type": balancer.type,
        "AvailabilityZones": [
            {
                "ZoneName": f"{balancer.place.region}{letter}",
                "SubnetId": f"subnet-0{letter}1b2c3d4e5f60718",
                "LoadBalancerAddresses": [],
            }
            for letter in "abc"
        ],
        "SecurityGroups": ["sg-0a1b2c3d4e5f60718"],
        "IpAddressType": "ipv4",
    }


@operation("elbv2", "DescribeTargetGroups")
def describe_target_groups(call: Call, params: Params) -> Answer:
    """Target groups, up to 400 a page."""
    wanted = params.get("TargetGroupArns")
    known = call.place.of(BalancerStore).groups.values()
    page, token = paginate(
        call,
        [one for one in known if not wanted or one.arn in wanted],
        lambda one: one.arn,
        size=min(PAGE, params.get("PageSize", PAGE)),
        token=params.get("Marker"),
        error=_bad_marker,
    )
    return {"TargetGroups": [_shown_group(one) for one in page], "NextMarker": token}


def _shown_group(group: TargetGroup) -> Answer:
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": "HTTP",
        "Port": group.port,
        "VpcId": VPC,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 15,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 3,
        "UnhealthyThresholdCount": 2,
        "HealthCheckPath": group.path,
        "Matcher": {"HttpCode": "200"},
        "LoadBalancerArns": [group.balancer.arn] if group.balancer else [],
        "TargetType": group.kind,
        "ProtocolVersion": "HTTP1",
        "IpAddressType": "ipv4",
    }


def _group(call: Call, params: Params) -> TargetGroup:
    found = call.place.of(BalancerStore).groups.get(params["TargetGroupArn"])
    if found is None:
        raise AwsError("TargetGroupNotFound", "One or more target groups not found")
    return found


@operation("elbv2", "DescribeTargetHealth")
def describe_target_health(call: Call, params: Params) -> Answer:
    """The health of every target of one group."""
    group = _group(call, params)
    return {"TargetHealthDescriptions": [_health(call, group, t) for t in group.targets.values()]}


def _health(call: Call, group: TargetGroup, target: Target) -> Answer:
    state, reason, words = target.state, target.reason, target.description
    machine = call.place.of(MachineStore).instances.get(target.id)
    if machine is not None and machine.state in ("stopping", "stopped"):
        state, reason = "unused", "Target.InvalidState"
        words = f"Target is in the {machine.state} state"
    elif group.balancer is None:
        state, reason = "unused", "Target.NotInUse"
        words = balancers.WORDS[reason]
    return {
        "Target": {"Id": target.id, "Port": target.port, "AvailabilityZone": target.zone},
        "HealthCheckPort": str(target.port),
        "TargetHealth": {"State": state, "Reason": reason, "Description": words},
    }


@operation("elbv2", "RegisterTargets")
def register_targets(call: Call, params: Params) -> Answer:
    """Register targets; they are healthy after their first checks."""
    group = _group(call, params)
    balancers.register(call.place, group.arn, [one["Id"] for one in params["Targets"]])
    return {}


@operation("elbv2", "DeregisterTargets")
def deregister_targets(call: Call, params: Params) -> Answer:
    """Drain targets and forget them."""
    group = _group(call, params)
    balancers.deregister(call.place, group.arn, [one["Id"] for one in params["Targets"]])
    return {}
