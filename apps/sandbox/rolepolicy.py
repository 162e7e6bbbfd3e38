"""What a role may do that one of AWS's services acts as: its own policies, as IAM holds them.

Conditions are not judged: a statement that allows under one allows, one that denies does not. Of a
call whose resource the sandbox does not know, the action alone decides.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from apps.sandbox.policy import Policy
from apps.sandbox.principals import Principal, Session

if TYPE_CHECKING:
    from apps.sandbox.world import World

#: Longer than any stack takes.
_FOR_EVER = 1e12


def role_of(arn: str) -> Any:
    """IAM's role of an ARN; None where there is none."""
    from moto.iam.models import iam_backends

    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        return None
    backend = iam_backends[parts[4]]["aws"]
    return next((role for role in backend.roles.values() if role.arn == arn), None)


def service_session(world: World, role_arn: str, session: str) -> Principal | None:
    """One of AWS's services acting as a role; None where IAM has no such role."""
    role = role_of(role_arn)
    if role is None:
        return None
    account = role_arn.split(":")[4]
    arn = f"arn:aws:sts::{account}:assumed-role/{role.name}/{session}"
    key = f"ASIA{role.id[4:20]}"
    principal = Principal(account, arn, f"{role.id}:{session}", key, role.name)
    world.directory.open_session(Session(principal, "", _FOR_EVER))
    return principal


def of(principal: Principal) -> Policy | None:
    """The policy a service is held to that acts as a role; None where the role is gone."""
    from moto.iam.models import iam_backends

    backend = iam_backends[principal.account]["aws"]
    role = next((one for one in backend.roles.values() if one.name == principal.role), None)
    return RolePolicy(role) if role is not None else None


class RolePolicy(Policy):
    """A role's inline and attached policies together."""

    def __init__(self, role: Any) -> None:
        documents = [*role.policies.values(), *map(_in_force, role.managed_policies.values())]
        statements: list[dict[str, Any]] = []
        for document in documents:
            told = _document(document).get("Statement", [])
            statements += [told] if isinstance(told, dict) else told
        kept = [one for one in statements if one["Effect"] == "Allow" or "Condition" not in one]
        super().__init__({"Version": "2012-10-17", "Statement": kept})

    def decides(self, action: str, resource: str) -> str:
        """As IAM decides; where the resource is not known, any that is named counts."""
        if resource != "*":
            return super().decides(action, resource)
        about = [
            {**one, "Resource": "*"}
            for one in self._statements
            if one["Effect"] == "Allow" or one.get("Resource") == "*"
        ]
        return Policy({"Statement": about}).decides(action, resource)


def _in_force(policy: Any) -> Any:
    """The document of a policy's version that counts."""
    counts = policy.default_version_id
    return next(one.document for one in policy.versions if one.version_id == counts)


def _document(text: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(text, dict):
        return text
    found: dict[str, Any] = json.loads(unquote(text) if text.startswith("%7B") else text)
    return found
