"""What runs on instances, as enhanced health tells of those of environments."""

from typing import Any

from apps.mirror.resource import Running

from .models import Instance

# https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_Deployment.html
DEPLOYED = "Deployed"


def deployed(instances: Any) -> Any:
    """Narrow instances to those whose last deployment went well, with their environments."""
    rows = instances.filter(deployment_status=DEPLOYED).exclude(version_label="")
    return rows.select_related("environment").only(
        "scope", "version_label", "deployment_time", "environment__key"
    )


def running(instance: Instance) -> Running:
    """Return the version by its label, and the environment that runs it."""
    return Running(
        what=f"version {instance.version_label}",
        by=f"environment {instance.environment.key}",
        url=instance.page_url,
        at=instance.deployment_time,
    )
