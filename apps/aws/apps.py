"""The AWS provider: accounts, regions, credentials, calls."""

from django.apps import AppConfig


class AwsConfig(AppConfig):
    """Registers the provider."""

    name = "apps.aws"
    verbose_name = "AWS"

    def ready(self) -> None:
        """Make scopes of accounts open through this room."""
        from apps.mirror.provider import PROVIDERS

        from .provider import AwsProvider

        PROVIDERS.register(AwsProvider())
