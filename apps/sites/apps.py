"""Sites with a token: what connections to GitHub and Jira share."""

from django.apps import AppConfig


class SitesConfig(AppConfig):
    """Sites that are read with a token."""

    name = "apps.sites"
    verbose_name = "Sites"

    def ready(self) -> None:
        """Make scopes of sites open through this room, whichever kinds are added."""
        from .kinds import SITES
        from .provider import SiteProvider

        SITES.provider = SiteProvider
