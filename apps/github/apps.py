"""GitHub mirrored: repositories, branches, commits, pull requests and issues."""

from django.apps import AppConfig


class GithubConfig(AppConfig):
    """GitHub."""

    name = "apps.github"
    verbose_name = "GitHub"
    # Where it stands in the navigation.
    face = "source"

    def ready(self) -> None:
        """Let GitHub be connected, its scopes be opened by the mirror, and issues be written."""
        from apps.issues.acting import KEEPERS
        from apps.sites.kinds import SITES

        from .acting import GithubKeeper
        from .connecting import GITHUB

        SITES.add(GITHUB)
        KEEPERS.register("github", GithubKeeper())
