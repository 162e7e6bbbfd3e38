"""CodeDeploy mirrored: applications, deployment groups, deployments and their targets."""

from django.apps import AppConfig


class CodeDeployConfig(AppConfig):
    """The CodeDeploy service."""

    name = "apps.codedeploy"
    verbose_name = "CodeDeploy"
    # Where it stands in the navigation.
    face = "deployments"
    # Its lists there: what people come for stands first.
    lists = (
        "codedeploy:deployments",
        "codedeploy:deployment_groups",
        "codedeploy:deployment_configs",
        "codedeploy:on_premises_instances",
    )
