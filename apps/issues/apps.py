"""One shape for issues, whoever keeps them."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class IssuesConfig(AppConfig):
    """Issues, whoever keeps them."""

    name = "apps.issues"
    verbose_name = "Issues"
    # Where its pages stand in the navigation.
    face = "issues"

    def ready(self) -> None:
        """Stand in the activity, and find of which failures issues are made."""
        from . import activity  # noqa: F401 - registers itself

        autodiscover_modules("failing")
