"""Instance profiles as frozen records: which role an instance has hides behind its profile.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_InstanceProfile.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.mirror.ask import LinkTo

JSON = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceProfileRecord:
    """A profile as GetInstanceProfile gives it; IAM allows one role in it."""

    key: str
    arn: str
    profile_id: str
    roles: JSON
    created: datetime | None
    links: tuple[LinkTo, ...]


def profile_name(arn: str) -> str:
    """Return a profile's name, which is unique in an account: a path may stand before it."""
    return arn.rpartition("/")[2]


def profile_record(answer: Mapping[str, Any]) -> InstanceProfileRecord:
    """Read the profile of GetInstanceProfile."""
    roles = [one["Arn"] for one in answer.get("Roles") or () if one.get("Arn")]
    return InstanceProfileRecord(
        key=answer["InstanceProfileName"],
        arn=answer.get("Arn") or "",
        profile_id=answer.get("InstanceProfileId") or "",
        roles=roles,
        created=answer.get("CreateDate"),
        links=tuple(LinkTo("holds", "iam.role", role) for role in roles),
    )
