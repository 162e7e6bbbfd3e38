"""CodePipeline mirrored: pipelines, their stages, executions and actions."""

from django.apps import AppConfig


class CodePipelineConfig(AppConfig):
    """The CodePipeline service."""

    name = "apps.codepipeline"
    verbose_name = "CodePipeline"
    # Where it stands in the navigation.
    face = "pipelines"
