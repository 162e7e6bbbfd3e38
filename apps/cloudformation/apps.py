"""CloudFormation mirrored: stacks, their events, resources and change sets."""

from django.apps import AppConfig


class CloudFormationConfig(AppConfig):
    """The CloudFormation service."""

    name = "apps.cloudformation"
    verbose_name = "CloudFormation"
    # Where it stands in the navigation.
    face = "infrastructure"
