"""Who did what."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Keeps who did what, when, on what, and how that ended."""

    name = "apps.audit"
    verbose_name = "Audit"
