"""Machines outside AWS as CodeDeploy knows them: registered, tagged, and deregistered again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from apps.sandbox.codedeploy.finding import check_batch, page_of, store_of
from apps.sandbox.codedeploy.model import DeployStore, Registration
from apps.sandbox.compute.machines import MachineStore, Premises
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.sandbox.world import Place

_MOST = 100


def arn_of(place: Place, name: str) -> str:
    """Its ARN: CodeDeploy puts ten signs behind the name."""
    chance = place.world.chance(place.account, name)
    suffix = "".join(chance.choices("abcdefghjkmnpq23456789", k=10))
    return place.arn("codedeploy", f"instance/{name}_{suffix}")


def register(
    place: Place,
    name: str,
    tags: Mapping[str, str] | None = None,
    *,
    user: str = "",
    session: str = "",
) -> Registration:
    """A machine that is registered from now on; one that the place knows keeps its tags."""
    machines = place.of(MachineStore).premises
    if tags is not None or name not in machines:
        machines[name] = Premises(name, dict(tags or {}))
    made = Registration(name, arn_of(place, name), place.world.now(), user, session)
    place.of(DeployStore).registrations[name] = made
    return made


def deregister(place: Place, name: str) -> None:
    """It stays in the list and is deployed to no more; its tags go."""
    registration = place.of(DeployStore).registrations.get(name)
    place.of(MachineStore).premises.pop(name, None)
    if registration is not None and registration.deregistered is None:
        registration.deregistered = place.world.now()


@operation("codedeploy", "ListOnPremisesInstances")
def list_on_premises_instances(call: Call, params: Params) -> Answer:
    """Names, those of deregistered ones too unless asked otherwise, 100 a page."""
    wanted = params.get("registrationStatus")
    found = [
        name
        for name, one in sorted(store_of(call).registrations.items())
        if wanted in (None, "Registered" if one.deregistered is None else "Deregistered")
    ]
    page, token = page_of(call, found, str, params, str(wanted))
    return {"instanceNames": page, "nextToken": token}


@operation("codedeploy", "BatchGetOnPremisesInstances")
def batch_get_on_premises_instances(call: Call, params: Params) -> Answer:
    """Up to 100 by name; those that do not exist are left out."""
    check_batch(params["instanceNames"], _MOST, "on-premises instances")
    known = store_of(call).registrations
    found = [known[name] for name in params["instanceNames"] if name in known]
    return {"instanceInfos": [_info(call.place, one) for one in found]}


def _info(place: Place, one: Registration) -> Answer:
    machine = place.of(MachineStore).premises.get(one.name)
    tags = machine.tags if machine is not None else {}
    return {
        "instanceName": one.name,
        "instanceArn": one.arn,
        "iamUserArn": one.user or None,
        "iamSessionArn": one.session or None,
        "registerTime": one.registered,
        "deregisterTime": one.deregistered,
        "tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


@operation("codedeploy", "RegisterOnPremisesInstance")
def register_on_premises_instance(call: Call, params: Params) -> Answer:
    """A machine is registered, with the IAM user or session that its agent signs in as."""
    name = params["instanceName"]
    known = store_of(call).registrations.get(name)
    if known is not None and known.deregistered is None:
        raise AwsError(
            "InstanceNameAlreadyRegisteredException", f"The instance {name} is already registered."
        )
    user, session = params.get("iamUserArn", ""), params.get("iamSessionArn", "")
    if not user and not session:
        raise AwsError("IamArnRequiredException", "No IAM ARN was included in the request.")
    register(call.place, name, user=user, session=session)
    return {}


@operation("codedeploy", "DeregisterOnPremisesInstance")
def deregister_on_premises_instance(call: Call, params: Params) -> Answer:
    """A machine is deregistered."""
    deregister(call.place, params["instanceName"])
    return {}


@operation("codedeploy", "AddTagsToOnPremisesInstances")
def add_tags_to_on_premises_instances(call: Call, params: Params) -> Answer:
    """Tags for machines; of one key the new value counts."""
    for machine in _named(call, params):
        _tag(call, machine, dict(machine.tags) | _tags(params))
    return {}


@operation("codedeploy", "RemoveTagsFromOnPremisesInstances")
def remove_tags_from_on_premises_instances(call: Call, params: Params) -> Answer:
    """Tags less, where key and value are as named."""
    gone = _tags(params).items()
    for machine in _named(call, params):
        _tag(call, machine, dict(one for one in machine.tags.items() if one not in gone))
    return {}


def _tags(params: Params) -> dict[str, str]:
    return {tag.get("Key", ""): tag.get("Value", "") for tag in params["tags"]}


def _tag(call: Call, machine: Premises, tags: dict[str, str]) -> None:
    call.place.of(MachineStore).premises[machine.name] = replace(machine, tags=tags)


def _named(call: Call, params: Params) -> list[Premises]:
    known = call.place.of(MachineStore).premises
    missing = [name for name in params["instanceNames"] if name not in known]
    if missing:
        raise AwsError(
            "InstanceNotRegisteredException", f"The instance {missing[0]} is not registered."
        )
    return [known[name] for name in params["instanceNames"]]
