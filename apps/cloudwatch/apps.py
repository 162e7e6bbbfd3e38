"""CloudWatch mirrored: alarms, metrics, and log groups looked at on demand."""

from django.apps import AppConfig


class CloudWatchConfig(AppConfig):
    """The CloudWatch service."""

    name = "apps.cloudwatch"
    verbose_name = "CloudWatch"
    # Where it stands in the navigation.
    face = "monitoring"
