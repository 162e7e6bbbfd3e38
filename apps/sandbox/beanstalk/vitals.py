"""Enhanced health at a moment: requests, latency and load that fit how an environment fares."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

from apps.sandbox.beanstalk.model import COLORS, Environment, Instance, Members

if TYPE_CHECKING:
    import random

#: What share of requests fails with 5xx, by health.
_FAILING = {"Ok": 0.0, "Info": 0.0, "Warning": 0.06, "Degraded": 0.37, "Severe": 0.82}
#: What the metric EnvironmentHealth says of each health.
#: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-cloudwatch.html
LEVELS = {
    "Ok": 0.0,
    "Info": 1.0,
    "Unknown": 5.0,
    "Pending": 5.0,
    "Suspended": 5.0,
    "NoData": 10.0,
    "Warning": 15.0,
    "Degraded": 20.0,
    "Severe": 25.0,
}
#: Health agents report every ten seconds.
SECONDS = 10


def _chance(environment: Environment, *names: object) -> random.Random:
    world = environment.place.world
    return world.chance(environment.arn, *names, int(world.now() // SECONDS))


def refreshed(environment: Environment) -> float:
    """When the newest reports came, in epoch seconds."""
    return environment.place.world.now() // SECONDS * SECONDS


def metrics(environment: Environment, health: str, *names: object) -> Members:
    """``ApplicationMetrics`` of the last ten seconds."""
    chance = _chance(environment, "metrics", *names)
    count = chance.randint(80, 240)
    bad = round(count * _FAILING.get(health, 0.0))
    missing = round(count * chance.uniform(0, 0.03))
    slow = 1.0 + 8 * _FAILING.get(health, 0.0)
    base = chance.uniform(0.02, 0.06) * slow
    return {
        "Duration": SECONDS,
        "RequestCount": count,
        "StatusCodes": {
            "Status2xx": count - bad - missing,
            "Status3xx": 0,
            "Status4xx": missing,
            "Status5xx": bad,
        },
        "Latency": {
            name: round(base * factor, 3)
            for name, factor in (
                ("P999", 9.0),
                ("P99", 6.0),
                ("P95", 4.0),
                ("P90", 3.0),
                ("P85", 2.5),
                ("P75", 2.0),
                ("P50", 1.0),
                ("P10", 0.4),
            )
        },
    }


def levels(environment: Environment, begin: float, end: float) -> list[tuple[float, float]]:
    """(level of health, seconds it lasted) between two moments, in order.

    ``[]`` where it did not report any: it was not there, or reports basic health.
    """
    end = min(end, environment.terminated or end)
    told = environment.fared
    if not environment.enhanced or not told or end <= begin:
        return []
    first = max(bisect.bisect_right(told, begin, key=lambda one: one[0]) - 1, 0)
    found = []
    for number in range(first, len(told)):
        since = max(told[number][0], begin)
        until = min(told[number + 1][0] if number + 1 < len(told) else end, end)
        if since < until:
            found.append((LEVELS[told[number][1]], until - since))
    return found


def counts(environment: Environment) -> Members:
    """``InstancesHealth``: how many instances fare how."""
    names = ("NoData", "Unknown", "Pending", "Ok", "Info", "Warning", "Degraded", "Severe")
    found = dict.fromkeys(names, 0)
    for instance in environment.instances:
        found[instance.health] += 1
    return found


def of_environment(environment: Environment) -> Members:
    """What DescribeEnvironmentHealth answers."""
    return {
        "EnvironmentName": environment.name,
        "HealthStatus": environment.health,
        "Status": environment.color,
        "Color": environment.color,
        "Causes": list(environment.causes),
        "ApplicationMetrics": metrics(environment, environment.health),
        "InstancesHealth": counts(environment),
        "RefreshedAt": refreshed(environment),
    }


def of_instance(environment: Environment, instance: Instance) -> Members:
    """One of what DescribeInstancesHealth answers."""
    chance = _chance(environment, instance.id)
    user = chance.uniform(3, 30) + (50 if instance.health == "Severe" else 0)
    return {
        "InstanceId": instance.id,
        "HealthStatus": instance.health,
        "Color": COLORS[instance.health],
        "Causes": list(instance.causes),
        "LaunchedAt": instance.launched,
        "ApplicationMetrics": metrics(environment, instance.health, instance.id),
        "System": {
            "CPUUtilization": {
                "User": round(user, 1),
                "Nice": 0.0,
                "System": 1.4,
                "Idle": round(98.2 - user, 1),
                "IOWait": 0.2,
                "IRQ": 0.0,
                "SoftIRQ": 0.2,
            },
            "LoadAverage": [round(user / 40, 2), round(user / 50, 2)],
        },
        "Deployment": {
            "VersionLabel": instance.label,
            "DeploymentId": instance.deployment,
            "Status": instance.deployment_status,
            "DeploymentTime": instance.deployed,
        },
        "AvailabilityZone": instance.zone,
        "InstanceType": environment.instance_type,
    }
