"""The wizard: how a project comes to be in an account."""

from django.apps import AppConfig


class WizardConfig(AppConfig):
    """Templates of whole projects, and what is made of them."""

    name = "apps.wizard"
    verbose_name = "Wizard"

    def ready(self) -> None:
        """Say what stays when a project is deleted."""
        from . import leaving  # noqa: F401 - registers itself
