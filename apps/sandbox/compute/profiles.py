"""Instance profiles, each with the role of its machines; IAM is global: they are an account's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox.operations import Answer, Call, NotOursError, Params, operation
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    from apps.sandbox.world import Place

HOME = "us-east-1"


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile and the name of its role."""

    place: Place
    name: str
    role: str
    created: float

    @property
    def arn(self) -> str:
        """``arn:aws:iam::<account>:instance-profile/<name>``."""
        return f"arn:aws:iam::{self.place.account}:instance-profile/{self.name}"


class ProfileStore:
    """The profiles of an account, by name; they live in its first region."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.profiles: dict[str, Profile] = {}


def make_profile(place: Place, name: str) -> str:
    """A profile with the role ``<name>-machine``, once an account; returns its ARN."""
    home = place.world.place(place.account, HOME)
    found = home.of(ProfileStore).profiles.setdefault(
        name, Profile(home, name, f"{name}-machine", home.world.now())
    )
    return found.arn


@operation("iam", "GetInstanceProfile")
def get_instance_profile(call: Call, params: Params) -> Answer:
    """One profile with its role."""
    name = params["InstanceProfileName"]
    home = call.world.place(call.account, HOME)
    found = home.of(ProfileStore).profiles.get(name)
    if found is None:
        raise NotOursError
    chance = call.world.chance(call.account, "profile", name)
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":'
        '{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
    )
    role = {
        "Path": "/",
        "RoleName": found.role,
        "RoleId": f"AROA{hex_from(chance, 17).upper()}",
        "Arn": f"arn:aws:iam::{call.account}:role/{found.role}",
        "CreateDate": found.created,
        "AssumeRolePolicyDocument": trust,
    }
    return {
        "InstanceProfile": {
            "Path": "/",
            "InstanceProfileName": name,
            "InstanceProfileId": f"AIPA{hex_from(chance, 17).upper()}",
            "Arn": found.arn,
            "CreateDate": found.created,
            "Roles": [role],
        }
    }
