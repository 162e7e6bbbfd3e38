"""CodeBuild mirrored: projects and their builds, with logs looked at on demand."""

from django.apps import AppConfig


class CodeBuildConfig(AppConfig):
    """The CodeBuild service."""

    name = "apps.codebuild"
    verbose_name = "CodeBuild"
    # Where it stands in the navigation.
    face = "builds"
    # Its lists there: what people come for stands first.
    lists = ("codebuild:builds", "codebuild:projects")
