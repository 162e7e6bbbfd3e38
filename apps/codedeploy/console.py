"""Addresses of CodeDeploy's pages in AWS's console; pure functions."""

from apps.aws.console import console, part


def application_url(region: str, application: str) -> str:
    """An application's page."""
    return console(
        region, f"codesuite/codedeploy/applications/{part(application)}?region={part(region)}"
    )


def group_url(region: str, application: str, group: str) -> str:
    """A deployment group's page."""
    return console(
        region,
        f"codesuite/codedeploy/applications/{part(application)}/deployment-groups/{part(group)}"
        f"?region={part(region)}",
    )


def deployment_url(region: str, deployment: str) -> str:
    """A deployment's page; `deployment` is AWS's id."""
    return console(
        region, f"codesuite/codedeploy/deployments/{part(deployment)}?region={part(region)}"
    )


def on_premises_url(region: str) -> str:
    """The list of on-premises instances."""
    return console(region, f"codesuite/codedeploy/on-premises-instances?region={part(region)}")
