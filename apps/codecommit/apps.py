"""CodeCommit mirrored: repositories, branches, commits and pull requests."""

from django.apps import AppConfig


class CodeCommitConfig(AppConfig):
    """The CodeCommit service."""

    name = "apps.codecommit"
    verbose_name = "CodeCommit"
    # Where it stands in the navigation.
    face = "source"
