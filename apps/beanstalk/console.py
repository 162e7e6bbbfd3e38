"""Addresses of Elastic Beanstalk's pages in AWS's console; pure functions."""

from apps.aws.console import console, part


def environment_url(region: str, environment_id: str) -> str:
    """An environment's page; `environment_id` is AWS's "e-…"."""
    return console(
        region,
        f"elasticbeanstalk/home?region={part(region)}#/environment/dashboard"
        f"?environmentId={part(environment_id)}",
    )


def application_url(region: str, application: str) -> str:
    """An application's environments."""
    return console(
        region,
        f"elasticbeanstalk/home?region={part(region)}#/application/overview"
        f"?applicationName={part(application)}",
    )
