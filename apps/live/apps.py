"""The bus and the fragments."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """Wakes open pages."""

    name = "apps.live"
