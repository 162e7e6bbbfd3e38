"""Who did what."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    """Keeps who did what, when, on what, and how that ended."""

    name = "apps.audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Let the database keep what was recorded as it was."""
        from .kept import keep

        post_migrate.connect(keep, sender=self)
