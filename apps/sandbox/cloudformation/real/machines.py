"""Launch templates, security groups and Auto Scaling groups.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-autoscaling-autoscalinggroup.html
"""

from __future__ import annotations

from typing import Any

from apps.sandbox import wire
from apps.sandbox.cloudformation.real.kinds import Deed, Kind, Properties, fit, kind, quietly
from apps.sandbox.inside import RefusedError


@kind("AWS::EC2::LaunchTemplate")
class LaunchTemplate(Kind):
    """What instances are launched by."""

    replacing = frozenset({"LaunchTemplateName"})

    def create(self, deed: Deed) -> None:
        """It goes by its id."""
        name = deed.named("LaunchTemplateName", 128)
        told = deed.call(
            "ec2",
            "CreateLaunchTemplate",
            LaunchTemplateName=name,
            LaunchTemplateData=self._data(deed),
            **_tagged(deed, "launch-template"),
        )["LaunchTemplate"]
        deed.made(
            told["LaunchTemplateId"],
            LaunchTemplateId=told["LaunchTemplateId"],
            DefaultVersionNumber="1",
            LatestVersionNumber="1",
        )

    def _data(self, deed: Deed) -> dict[str, Any]:
        shape = wire.operation_model("ec2", "CreateLaunchTemplate").input_shape
        given = deed.given("LaunchTemplateData") or {}
        where = "#/LaunchTemplateData"
        found: dict[str, Any] = fit(shape.members["LaunchTemplateData"], given, where)
        return found

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - a version is whole
        """Another version of it."""
        told = deed.call(
            "ec2",
            "CreateLaunchTemplateVersion",
            LaunchTemplateId=deed.id,
            LaunchTemplateData=self._data(deed),
        )["LaunchTemplateVersion"]
        deed.made(deed.id, LatestVersionNumber=str(told["VersionNumber"]))

    def delete(self, deed: Deed) -> None:
        """With its versions."""
        quietly(deed, "ec2", "DeleteLaunchTemplate", LaunchTemplateId=deed.id)


def _tagged(deed: Deed, kind_of: str) -> dict[str, Any]:
    tags = deed.tags()
    for one in deed.given("TagSpecifications") or ():
        if one.get("ResourceType") == kind_of:
            tags |= {str(tag["Key"]): str(tag["Value"]) for tag in one.get("Tags") or ()}
    if not tags:
        return {}
    told = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": kind_of, "Tags": told}]}


@kind("AWS::EC2::SecurityGroup")
class SecurityGroup(Kind):
    """A security group and its rules."""

    replacing = frozenset({"GroupName", "GroupDescription", "VpcId"})

    def create(self, deed: Deed) -> None:
        """It goes by its id."""
        vpc = {"VpcId": str(deed.given("VpcId"))} if deed.given("VpcId") else {}
        made = deed.call(
            "ec2",
            "CreateSecurityGroup",
            GroupName=deed.named("GroupName", 255),
            Description=str(deed.given("GroupDescription", "")),
            **vpc,
            **_tagged(deed, "security-group"),
        )["GroupId"]
        deed.made(made, GroupId=made, **vpc)
        self._rule(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:
        """Its rules."""
        self._rule(deed, before)

    def _rule(self, deed: Deed, before: Properties) -> None:
        for verb in ("Ingress", "Egress"):
            member = f"SecurityGroup{verb}"
            wanted, had = list(deed.given(member) or ()), list(before.get(member) or ())
            for one in [one for one in had if one not in wanted]:
                self._put(deed, f"RevokeSecurityGroup{verb}", one)
            for one in [one for one in wanted if one not in had]:
                self._put(deed, f"AuthorizeSecurityGroup{verb}", one)

    def _put(self, deed: Deed, operation: str, rule: dict[str, Any]) -> None:
        try:
            deed.call("ec2", operation, GroupId=deed.id, IpPermissions=[permission(rule)])
        except RefusedError as error:
            # A group allows everything outward as soon as it is made.
            if error.code != "InvalidPermission.Duplicate":
                raise

    def delete(self, deed: Deed) -> None:
        """One that is used stays."""
        quietly(deed, "ec2", "DeleteSecurityGroup", GroupId=deed.id)


def permission(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as EC2's operations take it."""
    made: dict[str, Any] = {"IpProtocol": str(rule.get("IpProtocol", "-1"))}
    for name in ("FromPort", "ToPort"):
        if rule.get(name) is not None:
            made[name] = int(rule[name])
    said = {"Description": str(rule["Description"])} if rule.get("Description") else {}
    if "CidrIp" in rule:
        made["IpRanges"] = [{"CidrIp": str(rule["CidrIp"]), **said}]
    if "CidrIpv6" in rule:
        made["Ipv6Ranges"] = [{"CidrIpv6": str(rule["CidrIpv6"]), **said}]
    for name in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
        if name in rule:
            made["UserIdGroupPairs"] = [{"GroupId": str(rule[name]), **said}]
    for name in ("SourcePrefixListId", "DestinationPrefixListId"):
        if name in rule:
            made["PrefixListIds"] = [{"PrefixListId": str(rule[name]), **said}]
    return made


@kind("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")
class SecurityGroupRule(Kind):
    """A rule of its own, for groups that name each other."""

    def create(self, deed: Deed) -> None:
        """Put into its group."""
        self._put(deed, "Authorize", deed.properties)
        deed.made(deed.named("", 64))

    def update(self, deed: Deed, before: Properties) -> None:
        """Another in its place."""
        self._put(deed, "Revoke", before)
        self._put(deed, "Authorize", deed.properties)

    def _put(self, deed: Deed, verb: str, rule: Properties) -> None:
        way = deed.resource.type.rpartition("Group")[2]
        operation = f"{verb}SecurityGroup{way}"
        deed.call("ec2", operation, GroupId=str(rule["GroupId"]), IpPermissions=[permission(rule)])

    def delete(self, deed: Deed) -> None:
        """Taken out of its group."""
        try:
            self._put(deed, "Revoke", deed.properties)
        except RefusedError as error:
            if not error.missing:
                raise


@kind("AWS::AutoScaling::AutoScalingGroup")
class AutoScalingGroup(Kind):
    """A group, which launches its instances."""

    replacing = frozenset({"AutoScalingGroupName"})

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("AutoScalingGroupName", 255)
        tags = self._tags(deed)
        deed.call(
            "autoscaling",
            "CreateAutoScalingGroup",
            **self._told(deed, "CreateAutoScalingGroup"),
            AutoScalingGroupName=name,
            **({"Tags": tags} if tags else {}),
        )
        deed.made(name)

    def _told(self, deed: Deed, operation: str) -> dict[str, Any]:
        less = {"AutoScalingGroupName", "Tags", "MetricsCollection", "NotificationConfigurations"}
        told = {name: one for name, one in deed.properties.items() if name not in less}
        if isinstance(told.get("VPCZoneIdentifier"), list):
            told["VPCZoneIdentifier"] = ",".join(map(str, told["VPCZoneIdentifier"]))
        shape = wire.operation_model("autoscaling", operation).input_shape
        found: dict[str, Any] = fit(shape, told, "#")
        return found

    def _tags(self, deed: Deed) -> list[dict[str, Any]]:
        every = {key: (value, True) for key, value in deed.stack.tags.items()}
        for tag in deed.given("Tags") or ():
            launched = str(tag.get("PropagateAtLaunch", True)).lower() == "true"
            every[str(tag["Key"])] = (str(tag["Value"]), launched)
        return [
            {"Key": key, "Value": value, "PropagateAtLaunch": launched}
            for key, (value, launched) in every.items()
        ]

    def settled(self, deed: Deed) -> bool:
        """Once its instances run."""
        told = self._found(deed)
        if told is None:
            return True
        serving = [one for one in told["Instances"] if one["LifecycleState"] == "InService"]
        return len(serving) >= int(told["DesiredCapacity"])

    def _found(self, deed: Deed) -> dict[str, Any] | None:
        told = deed.call(
            "autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[deed.id]
        )
        found: list[dict[str, Any]] = told["AutoScalingGroups"]
        return found[0] if found else None

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """Its sizes and what it launches; what runs is left as it is."""
        deed.call(
            "autoscaling",
            "UpdateAutoScalingGroup",
            **self._told(deed, "UpdateAutoScalingGroup"),
            AutoScalingGroupName=deed.id,
        )

    def delete(self, deed: Deed) -> None:
        """With its instances."""
        if self._found(deed) is not None:
            deed.call(
                "autoscaling",
                "DeleteAutoScalingGroup",
                AutoScalingGroupName=deed.id,
                ForceDelete=True,
            )

    def gone(self, deed: Deed) -> bool:
        """Once its instances are."""
        return self._found(deed) is None
