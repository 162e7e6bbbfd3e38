"""Lambda mirrored: functions, their versions and aliases."""

from django.apps import AppConfig


class LambdaConfig(AppConfig):
    """The Lambda service."""

    name = "apps.awslambda"
    verbose_name = "Lambda"
    # Where it stands in the navigation.
    face = "infrastructure"
