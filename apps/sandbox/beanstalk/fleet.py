"""The machines of environments: EC2 instances like any other, with Beanstalk's tags on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.beanstalk.model import Environment, Instance
from apps.sandbox.compute import machines, profiles

if TYPE_CHECKING:
    from collections.abc import Iterable


def add(environment: Environment, label: str) -> Instance:
    """Put one more instance into an environment, with a version on it."""
    place = environment.place
    tags = {
        "Name": environment.name,
        "elasticbeanstalk:environment-name": environment.name,
        "elasticbeanstalk:environment-id": environment.id,
    }
    profile = profiles.make_profile(place, "aws-elasticbeanstalk-ec2-role")
    machine = machines.launch(place, tags, instance_type=environment.instance_type, profile=profile)
    now = place.world.now()
    instance = Instance(machine.id, now, machine.zone, label=label, deployed=now)
    instance.deployment = environment.deployments
    environment.instances.append(instance)
    return instance


def remove(environment: Environment, instances: Iterable[Instance]) -> str:
    """Take instances out of an environment and terminate them; return their ids for an event."""
    gone = list(instances)
    environment.instances[:] = [one for one in environment.instances if one not in gone]
    known = environment.place.of(machines.MachineStore).instances
    for one in gone:
        machine = known.get(one.id)
        if machine is not None and machine.ended is None:
            machines.terminate(machine)
    return ", ".join(one.id for one in gone)
