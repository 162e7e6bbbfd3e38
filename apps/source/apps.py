"""One shape for repositories, branches, commits and pull requests, whoever hosts them."""

from django.apps import AppConfig


class SourceConfig(AppConfig):
    """Source code, whoever hosts it."""

    name = "apps.source"
    verbose_name = "Source"
    # Where its pages stand in the navigation.
    face = "source"
