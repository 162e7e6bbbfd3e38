"""What people see across services: home, search, health, the pages' frame, and the stream."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The dashboard."""

    name = "apps.dashboard"
