"""The api room."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers with Django."""

    name = "apps.api"
