"""The sandbox room."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """Registers with Django."""

    name = "apps.sandbox"
