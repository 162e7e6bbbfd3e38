"""Jira mirrored: projects, queries and issues."""

from django.apps import AppConfig


class JiraConfig(AppConfig):
    """Jira."""

    name = "apps.jira"
    verbose_name = "Jira"

    def ready(self) -> None:
        """Let sites be connected as Jira, and deeds on issues be done there."""
        from apps.issues.acting import KEEPERS
        from apps.sites.kinds import SITES

        from .acting import JiraKeeper
        from .site import JIRA

        SITES.add(JIRA)
        KEEPERS.register("jira", JiraKeeper())
