"""CodeDeploy's applications, groups and configurations, and Elastic Beanstalk.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codedeploy-deploymentgroup.html
"""

from __future__ import annotations

from typing import Any

from apps.sandbox.cloudformation.real.kinds import (
    Deed,
    FailedError,
    Kind,
    Properties,
    kind,
    quietly,
)
from apps.sandbox.inside import RefusedError


@kind("AWS::CodeDeploy::Application")
class Application(Kind):
    """An application."""

    replacing = frozenset({"ApplicationName", "ComputePlatform"})

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("ApplicationName", 100)
        deed.send(
            "codedeploy",
            "CreateApplication",
            deed.properties,
            less=("ApplicationName",),
            applicationName=name,
        )
        deed.made(name)

    def update(self, deed: Deed, before: Properties) -> None:
        """Its tags, which the sandbox leaves."""

    def delete(self, deed: Deed) -> None:
        """With its groups."""
        quietly(deed, "codedeploy", "DeleteApplication", applicationName=deed.id)


@kind("AWS::CodeDeploy::DeploymentConfig")
class DeploymentConfig(Kind):
    """A configuration."""

    replacing = frozenset(
        {
            "DeploymentConfigName",
            "ComputePlatform",
            "MinimumHealthyHosts",
            "TrafficRoutingConfig",
            "ZonalConfig",
        }
    )

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("DeploymentConfigName", 100)
        deed.send(
            "codedeploy",
            "CreateDeploymentConfig",
            deed.properties,
            less=("DeploymentConfigName",),
            deploymentConfigName=name,
        )
        deed.made(name)

    def delete(self, deed: Deed) -> None:
        """One that a group uses stays."""
        quietly(deed, "codedeploy", "DeleteDeploymentConfig", deploymentConfigName=deed.id)


@kind("AWS::CodeDeploy::DeploymentGroup")
class DeploymentGroup(Kind):
    """A deployment group."""

    replacing = frozenset({"ApplicationName"})
    passes = ("ServiceRoleArn",)

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("DeploymentGroupName", 100)
        deed.send(
            "codedeploy",
            "CreateDeploymentGroup",
            self._told(deed),
            less=("DeploymentGroupName", "Deployment"),
            deploymentGroupName=name,
        )
        deed.made(name)

    def _told(self, deed: Deed) -> Properties:
        told = dict(deed.properties)
        for member, inner, group in (
            ("Ec2TagSet", "Ec2TagSetList", "Ec2TagGroup"),
            ("OnPremisesTagSet", "OnPremisesTagSetList", "OnPremisesTagGroup"),
        ):
            if member in told:
                sets = told[member].get(inner) or ()
                told[member] = {inner: [one[group] for one in sets]}
        return told

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """All of it; a group that is renamed keeps its id."""
        told = {name: one for name, one in self._told(deed).items() if name != "Deployment"}
        name = str(told.pop("DeploymentGroupName", deed.id))
        told.pop("Tags", None)
        more: dict[str, Any] = {"newDeploymentGroupName": name} if name != deed.id else {}
        deed.send(
            "codedeploy", "UpdateDeploymentGroup", told, currentDeploymentGroupName=deed.id, **more
        )
        deed.made(name)

    def delete(self, deed: Deed) -> None:
        """What it deployed stays."""
        quietly(
            deed,
            "codedeploy",
            "DeleteDeploymentGroup",
            applicationName=str(deed.given("ApplicationName")),
            deploymentGroupName=deed.id,
        )


@kind("AWS::ElasticBeanstalk::Application")
class BeanstalkApplication(Kind):
    """An application of Elastic Beanstalk."""

    replacing = frozenset({"ApplicationName"})

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("ApplicationName", 100)
        deed.send(
            "elasticbeanstalk",
            "CreateApplication",
            deed.properties,
            less=("ApplicationName",),
            ApplicationName=name,
        )
        deed.made(name)

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - one thing can change
        """What is said of it."""
        said = str(deed.given("Description", ""))
        deed.call(
            "elasticbeanstalk", "UpdateApplication", ApplicationName=deed.id, Description=said
        )

    def delete(self, deed: Deed) -> None:
        """With its versions; environments are in the way."""
        quietly(deed, "elasticbeanstalk", "DeleteApplication", ApplicationName=deed.id)


@kind("AWS::ElasticBeanstalk::ApplicationVersion")
class ApplicationVersion(Kind):
    """A version of an application."""

    replacing = frozenset({"ApplicationName", "SourceBundle"})

    def create(self, deed: Deed) -> None:
        """It goes by its label."""
        label = deed.named("", 100)
        deed.send(
            "elasticbeanstalk", "CreateApplicationVersion", deed.properties, VersionLabel=label
        )
        deed.made(label)

    def update(self, deed: Deed, before: Properties) -> None:
        """What is said of it, which the sandbox leaves."""

    def delete(self, deed: Deed) -> None:
        """Its bundle stays."""
        quietly(
            deed,
            "elasticbeanstalk",
            "DeleteApplicationVersion",
            ApplicationName=str(deed.given("ApplicationName")),
            VersionLabel=deed.id,
        )


@kind("AWS::ElasticBeanstalk::Environment")
class Environment(Kind):
    """An environment; it takes minutes to launch, to update and to terminate."""

    replacing = frozenset({"ApplicationName", "EnvironmentName", "CNAMEPrefix"})

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("EnvironmentName", 40)
        told = deed.send(
            "elasticbeanstalk",
            "CreateEnvironment",
            deed.properties,
            less=("EnvironmentName",),
            EnvironmentName=name,
        )
        deed.made(name, EndpointURL=f"awseb-{told['EnvironmentId']}", Id=told["EnvironmentId"])

    def settled(self, deed: Deed) -> bool:
        """Ready; one that has come to nothing says so."""
        told = self._found(deed)
        if told is None or told["Status"] in ("Terminating", "Terminated"):
            raise FailedError(f"Environment {deed.id} was terminated.")
        if told["Status"] != "Ready":
            return False
        if not deed.resource.attributes.get("EndpointURL", "").endswith(".elb.amazonaws.com"):
            deed.made(deed.id, EndpointURL=told.get("EndpointURL") or told.get("CNAME") or "")
        return True

    def _found(self, deed: Deed) -> dict[str, Any] | None:
        told = deed.call(
            "elasticbeanstalk",
            "DescribeEnvironments",
            EnvironmentNames=[deed.id],
            IncludeDeleted=False,
        )
        found: list[dict[str, Any]] = told["Environments"]
        return found[0] if found else None

    def update(self, deed: Deed, before: Properties) -> None:
        """Its version and settings; what pipelines deployed since stays."""
        less = {"EnvironmentName", "ApplicationName", "CNAMEPrefix", "Tags", "TemplateName"}
        less |= {one for one in deed.properties if deed.properties[one] == before.get(one)}
        deed.send(
            "elasticbeanstalk",
            "UpdateEnvironment",
            deed.properties,
            less=less,
            EnvironmentName=deed.id,
        )

    def delete(self, deed: Deed) -> None:
        """With its instances."""
        if self._found(deed) is None:
            return
        try:
            deed.call("elasticbeanstalk", "TerminateEnvironment", EnvironmentName=deed.id)
        except RefusedError as error:
            if "No Environment found" not in error.message:
                raise

    def gone(self, deed: Deed) -> bool:
        """Once it is terminated."""
        told = self._found(deed)
        return told is None or told["Status"] == "Terminated"
