"""The mirror: finds what the services declare once every app is loaded."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class MirrorConfig(AppConfig):
    """Discovers `resources`, `looks`, `fragments`, `find` and `panels` of every installed app."""

    name = "apps.mirror"

    def ready(self) -> None:
        """Import the declarations; their modules register themselves."""
        autodiscover_modules("resources")
        autodiscover_modules("looks")
        autodiscover_modules("fragments")
        autodiscover_modules("find")
        autodiscover_modules("panels")
