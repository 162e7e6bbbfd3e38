"""What people let be done outside: a row first, then a call."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class DeedsConfig(AppConfig):
    """Deeds: every write to AWS that a person asked for."""

    name = "apps.deeds"
    verbose_name = "Deeds"

    def ready(self) -> None:
        """Stand in the activity of projects and in the policy, and find what can be done."""
        from apps.audit.kept import keep

        from . import activity, policy  # noqa: F401 - register themselves

        post_migrate.connect(keep, sender=self)
        autodiscover_modules("act")
