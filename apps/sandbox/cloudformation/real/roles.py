"""IAM's roles, policies and instance profiles.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_IAM.html
"""

from __future__ import annotations

import json
from typing import Any

from apps.sandbox.cloudformation.real.kinds import Deed, Kind, Properties, kind, quietly
from apps.sandbox.inside import RefusedError


@kind("AWS::IAM::Role")
class Role(Kind):
    """A role with what is attached to it and what stands in it."""

    replacing = frozenset({"RoleName", "Path"})

    def create(self, deed: Deed) -> None:
        """First the role, then its policies: each of them may be denied."""
        name = deed.named("RoleName")
        made = deed.send(
            "iam",
            "CreateRole",
            deed.properties,
            less=("RoleName", "ManagedPolicyArns", "Policies"),
            RoleName=name,
        )["Role"]
        deed.made(name, Arn=made["Arn"], RoleId=made["RoleId"])
        self._give(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:
        """Who may take it, and what it may."""
        trust = json.dumps(deed.given("AssumeRolePolicyDocument"))
        deed.call("iam", "UpdateAssumeRolePolicy", RoleName=deed.id, PolicyDocument=trust)
        self._give(deed, before)
        if deed.given("Description") != before.get("Description"):
            said = str(deed.given("Description", ""))
            deed.call("iam", "UpdateRole", RoleName=deed.id, Description=said)

    def _give(self, deed: Deed, before: Properties) -> None:
        wanted, had = _attached(deed.properties), _attached(before)
        for arn in [one for one in wanted if one not in had]:
            deed.call("iam", "AttachRolePolicy", RoleName=deed.id, PolicyArn=arn)
        for arn in [one for one in had if one not in wanted]:
            quietly(deed, "iam", "DetachRolePolicy", RoleName=deed.id, PolicyArn=arn)
        inline, was = _inline(deed.properties), _inline(before)
        for name, document in inline.items():
            if was.get(name) != document:
                deed.call(
                    "iam",
                    "PutRolePolicy",
                    RoleName=deed.id,
                    PolicyName=name,
                    PolicyDocument=document,
                )
        for name in was.keys() - inline.keys():
            quietly(deed, "iam", "DeleteRolePolicy", RoleName=deed.id, PolicyName=name)

    def delete(self, deed: Deed) -> None:
        """With what it was given; what others have given it since is in the way."""
        for arn in _attached(deed.properties):
            quietly(deed, "iam", "DetachRolePolicy", RoleName=deed.id, PolicyArn=arn)
        for name in _inline(deed.properties):
            quietly(deed, "iam", "DeleteRolePolicy", RoleName=deed.id, PolicyName=name)
        quietly(deed, "iam", "DeleteRole", RoleName=deed.id)


def _attached(properties: Properties) -> list[str]:
    return [str(one) for one in properties.get("ManagedPolicyArns") or ()]


def _inline(properties: Properties) -> dict[str, str]:
    return {
        str(one["PolicyName"]): json.dumps(one["PolicyDocument"])
        for one in properties.get("Policies") or ()
    }


@kind("AWS::IAM::Policy", "AWS::IAM::RolePolicy")
class InlinePolicy(Kind):
    """A policy that stands in roles, users and groups."""

    replacing = frozenset({"PolicyName", "RoleName"})

    def create(self, deed: Deed) -> None:
        """In each of them."""
        deed.made(deed.named("PolicyName", 128) if _of_role(deed) else _id(deed))
        self.update(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:
        """What it says, and in which."""
        document = json.dumps(deed.given("PolicyDocument"))
        name = str(deed.given("PolicyName"))
        holders = _holders(deed.properties)
        for what, who in holders:
            member = {f"{what}Name": who}
            deed.call("iam", f"Put{what}Policy", PolicyName=name, PolicyDocument=document, **member)
        for what, who in _holders(before):
            if (what, who) not in holders:
                member = {f"{what}Name": who}
                quietly(deed, "iam", f"Delete{what}Policy", PolicyName=name, **member)

    def delete(self, deed: Deed) -> None:
        """Out of each of them."""
        for what, who in _holders(deed.properties):
            member = {f"{what}Name": who}
            name = str(deed.given("PolicyName"))
            quietly(deed, "iam", f"Delete{what}Policy", PolicyName=name, **member)


def _of_role(deed: Deed) -> bool:
    return "RoleName" in deed.properties


def _id(deed: Deed) -> str:
    return deed.named("", 128)


def _holders(properties: Properties) -> list[tuple[str, str]]:
    found = [("Role", properties["RoleName"])] if "RoleName" in properties else []
    for member, what in (("Roles", "Role"), ("Users", "User"), ("Groups", "Group")):
        found += [(what, str(one)) for one in properties.get(member) or ()]
    return found


@kind("AWS::IAM::ManagedPolicy")
class ManagedPolicy(Kind):
    """A policy of the account's own."""

    replacing = frozenset({"ManagedPolicyName", "Path", "Description"})

    def create(self, deed: Deed) -> None:
        """And attached to roles."""
        members: dict[str, Any] = {
            name: str(deed.given(name)) for name in ("Path", "Description") if deed.given(name)
        }
        made = deed.call(
            "iam",
            "CreatePolicy",
            PolicyName=deed.named("ManagedPolicyName", 128),
            PolicyDocument=json.dumps(deed.given("PolicyDocument")),
            **members,
        )["Policy"]
        deed.made(made["Arn"], PolicyArn=made["Arn"], PolicyId=made["PolicyId"])
        self._attach(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:
        """Another version of it that counts, and no other."""
        if deed.given("PolicyDocument") != before.get("PolicyDocument"):
            document = json.dumps(deed.given("PolicyDocument"))
            self._forget_versions(deed)
            deed.call(
                "iam",
                "CreatePolicyVersion",
                PolicyArn=deed.id,
                PolicyDocument=document,
                SetAsDefault=True,
            )
        self._attach(deed, before)

    def _attach(self, deed: Deed, before: Properties) -> None:
        wanted, had = list(deed.given("Roles") or ()), list(before.get("Roles") or ())
        for role in [one for one in wanted if one not in had]:
            deed.call("iam", "AttachRolePolicy", RoleName=role, PolicyArn=deed.id)
        for role in [one for one in had if one not in wanted]:
            quietly(deed, "iam", "DetachRolePolicy", RoleName=role, PolicyArn=deed.id)

    def _forget_versions(self, deed: Deed) -> None:
        for one in deed.call("iam", "ListPolicyVersions", PolicyArn=deed.id)["Versions"]:
            if not one["IsDefaultVersion"]:
                version = one["VersionId"]
                deed.call("iam", "DeletePolicyVersion", PolicyArn=deed.id, VersionId=version)

    def delete(self, deed: Deed) -> None:
        """With its older versions."""
        for role in deed.given("Roles") or ():
            quietly(deed, "iam", "DetachRolePolicy", RoleName=role, PolicyArn=deed.id)
        try:
            self._forget_versions(deed)
        except RefusedError as error:
            if not error.missing:
                raise
        quietly(deed, "iam", "DeletePolicy", PolicyArn=deed.id)


@kind("AWS::IAM::InstanceProfile")
class InstanceProfile(Kind):
    """What gives an instance a role."""

    replacing = frozenset({"InstanceProfileName", "Path"})

    def create(self, deed: Deed) -> None:
        """With its role."""
        name = deed.named("InstanceProfileName", 128)
        path = {"Path": str(deed.given("Path"))} if deed.given("Path") else {}
        made = deed.call("iam", "CreateInstanceProfile", InstanceProfileName=name, **path)
        deed.made(name, Arn=made["InstanceProfile"]["Arn"])
        self.update(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:
        """Another role."""
        wanted, had = list(deed.given("Roles") or ()), list(before.get("Roles") or ())
        for role in [one for one in had if one not in wanted]:
            self._less(deed, role)
        for role in [one for one in wanted if one not in had]:
            deed.call("iam", "AddRoleToInstanceProfile", InstanceProfileName=deed.id, RoleName=role)

    def _less(self, deed: Deed, role: str) -> None:
        quietly(
            deed, "iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=deed.id, RoleName=role
        )

    def delete(self, deed: Deed) -> None:
        """Without its role."""
        for role in deed.given("Roles") or ():
            self._less(deed, role)
        quietly(deed, "iam", "DeleteInstanceProfile", InstanceProfileName=deed.id)
