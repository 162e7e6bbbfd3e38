"""What a team writes about its project."""

from django.apps import AppConfig


class WikiConfig(AppConfig):
    """Pages of a project in Markdown."""

    name = "apps.wiki"
    verbose_name = "Wiki"

    def ready(self) -> None:
        """Stand in the activity, and let the page that deletes a project say what goes with it."""
        from apps.projects.goes import GOES

        from . import activity  # noqa: F401 - registers itself
        from .writing import goes_with

        GOES.append(goes_with)
