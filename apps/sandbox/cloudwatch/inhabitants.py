"""Says what lives in a place and so has metrics; nothing else has any in these namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.beanstalk.model import BeanstalkStore
from apps.sandbox.cloudwatch.metrics import INHABITANTS
from apps.sandbox.compute.balancers import BalancerStore
from apps.sandbox.compute.containers import ContainerStore
from apps.sandbox.compute.functions import FunctionStore
from apps.sandbox.compute.machines import MachineStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.sandbox.world import Place


def functions(place: Place) -> Iterator[dict[str, str]]:
    """Lambda's functions."""
    for name in place.of(FunctionStore).functions:
        yield {"FunctionName": name}


def machines(place: Place) -> Iterator[dict[str, str]]:
    """EC2's instances that run, and Auto Scaling groups."""
    store = place.of(MachineStore)
    for instance in store.instances.values():
        if instance.state == "running":
            yield {"InstanceId": instance.id}
    for name in store.groups:
        yield {"AutoScalingGroupName": name}


def balancers(place: Place) -> Iterator[dict[str, str]]:
    """Application load balancers, and with each of their target groups."""
    store = place.of(BalancerStore)
    names = [arn.partition(":loadbalancer/")[2] for arn in store.balancers]
    groups = [arn.rpartition(":")[2] for arn in store.groups]
    for name in names:
        if name.startswith("app/"):
            yield {"LoadBalancer": name}
            yield from ({"LoadBalancer": name, "TargetGroup": group} for group in groups)


def services(place: Place) -> Iterator[dict[str, str]]:
    """ECS's clusters and services."""
    for cluster in place.of(ContainerStore).clusters.values():
        yield {"ClusterName": cluster.name}
        for name in cluster.services:
            yield {"ClusterName": cluster.name, "ServiceName": name}


def environments(place: Place) -> Iterator[dict[str, str]]:
    """Beanstalk's environments."""
    for environment in place.of(BeanstalkStore).environments:
        yield {"EnvironmentName": environment.name}


INHABITANTS.update(
    {
        "AWS/ApplicationELB": balancers,
        "AWS/EC2": machines,
        "AWS/ECS": services,
        "AWS/ElasticBeanstalk": environments,
        "AWS/Lambda": functions,
    }
)
