"""ECS mirrored: clusters, services, their task definitions and deployments."""

from django.apps import AppConfig


class EcsConfig(AppConfig):
    """The ECS service."""

    name = "apps.ecs"
    verbose_name = "ECS"
    # Where it stands in the navigation.
    face = "infrastructure"
