"""Projects and teams: what belongs together, and who may know of it."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ProjectsConfig(AppConfig):
    """Projects, their members and their resources."""

    name = "apps.projects"
    verbose_name = "Projects"

    def ready(self) -> None:
        """Put the rule in force of who sees what, and find the tiles of every installed app."""
        from apps.live.fragment import FRAGMENTS
        from apps.mirror.listener import ROOMS
        from apps.mirror.visibility import VISIBILITY

        from . import own_tiles, sight

        ROOMS["project"] = sight.is_in
        VISIBILITY.rule = rule = sight.ByProjects()
        FRAGMENTS.told_to = rule.generation
        autodiscover_modules("tiles")
        own_tiles.declare()
