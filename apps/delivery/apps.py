"""Follows a change across services: its journey, and what is told of it elsewhere."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """The way of a change."""

    name = "apps.delivery"
    verbose_name = "Delivery"
