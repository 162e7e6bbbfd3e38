"""Which projects there seem to be, found by what hangs together and accepted by people."""

from django.apps import AppConfig


class AdoptionConfig(AppConfig):
    """Proposals, what was decided about them, and resources that are linked by hand."""

    name = "apps.adoption"
    verbose_name = "Adoption"
