"""The older Elastic Load Balancing API: classic load balancers and their instances' health."""

from __future__ import annotations

from apps.sandbox.compute import classic
from apps.sandbox.compute.balancers import VPC
from apps.sandbox.compute.classic import ClassicBalancer, ClassicStore, Registered
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

TRAITS["elb"] = Traits(invalid="ValidationError", bad_page="ValidationError")
COUNTERS["classic_load_balancers"] = lambda place: len(place.of(ClassicStore).balancers)


def _bad_marker() -> AwsError:
    return AwsError("ValidationError", "The marker is not valid")


def _balancer(call: Call, name: str) -> ClassicBalancer:
    found = call.place.of(ClassicStore).balancers.get(name)
    if found is None:
        raise AwsError("LoadBalancerNotFound", f"There is no ACTIVE Load Balancer named '{name}'")
    return found


@operation("elb", "DescribeLoadBalancers")
def describe_load_balancers(call: Call, params: Params) -> Answer:
    """Classic load balancers, up to 400 a page; a name that is not there fails the whole call."""
    store, names = call.place.of(ClassicStore), params.get("LoadBalancerNames")
    every = [_balancer(call, name) for name in names] if names else list(store.balancers.values())
    page, marker = paginate(
        call,
        every,
        lambda one: one.name,
        size=min(PAGE, params.get("PageSize", PAGE)),
        token=params.get("Marker"),
        error=_bad_marker,
    )
    return {"LoadBalancerDescriptions": [_shown(one) for one in page], "NextMarker": marker}


def _shown(balancer: ClassicBalancer) -> Answer:
    listener = {
        "Protocol": "HTTP",
        "LoadBalancerPort": 80,
        "InstanceProtocol": "HTTP",
        "InstancePort": balancer.port,
    }
    return {
        "LoadBalancerName": balancer.name,
        "DNSName": balancer.dns,
        "CanonicalHostedZoneName": balancer.dns,
        "CanonicalHostedZoneNameID": "Z32O12XQLNTSW2",
        "ListenerDescriptions": [{"Listener": listener, "PolicyNames": []}],
        "AvailabilityZones": [f"{balancer.place.region}{letter}" for letter in "abc"],
        "Subnets": ["subnet-0a1b2c3d4e5f60718"],
        "VPCId": VPC,
        "Instances": [{"InstanceId": one} for one in balancer.instances],
        "HealthCheck": {
            "Target": f"HTTP:{balancer.port}{balancer.path}",
            "Interval": 30,
            "Timeout": 5,
            "UnhealthyThreshold": 2,
            "HealthyThreshold": 3,
        },
        "SourceSecurityGroup": {"OwnerAlias": balancer.place.account, "GroupName": "default"},
        "SecurityGroups": ["sg-0a1b2c3d4e5f60718"],
        "CreatedTime": balancer.created,
        "Scheme": "internet-facing",
    }


@operation("elb", "DescribeInstanceHealth")
def describe_instance_health(call: Call, params: Params) -> Answer:
    """How the registered instances of one load balancer fare."""
    balancer = _balancer(call, params["LoadBalancerName"])
    told = []
    for one in balancer.instances.values():
        state, reason, words = _health(balancer, one)
        if "terminated" in words:
            continue
        told.append(
            {"InstanceId": one.id, "State": state, "ReasonCode": reason, "Description": words}
        )
    return {"InstanceStates": told}


def _health(balancer: ClassicBalancer, one: Registered) -> tuple[str, str, str]:
    """(state, reason code, description) of an instance; one that does not run is out of service."""
    machine = balancer.place.of(MachineStore).instances.get(one.id)
    if machine is None or machine.state == "running":
        return one.state, one.reason, one.description
    return "OutOfService", "Instance", f"Instance is in {machine.state} state."


@operation("elb", "RegisterInstancesWithLoadBalancer")
def register_instances(call: Call, params: Params) -> Answer:
    """Register instances; they are in service after their first checks."""
    balancer = _balancer(call, params["LoadBalancerName"])
    classic.register(balancer, [one["InstanceId"] for one in params["Instances"]])
    return {"Instances": [{"InstanceId": one} for one in balancer.instances]}


@operation("elb", "DeregisterInstancesFromLoadBalancer")
def deregister_instances(call: Call, params: Params) -> Answer:
    """Drain instances and forget them."""
    balancer = _balancer(call, params["LoadBalancerName"])
    leaving = {one["InstanceId"] for one in params["Instances"]}
    classic.deregister(balancer, leaving)
    return {"Instances": [{"InstanceId": one} for one in balancer.instances if one not in leaving]}
