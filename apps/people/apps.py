"""Who uses the dashboard: profiles, how people come in, their sessions, and who they are."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """People."""

    name = "apps.people"

    def ready(self) -> None:
        """A new password ends the other sessions; pages that are kept know of their reader."""
        from apps.live.conditional import READERS

        from . import readers, sessions

        sessions.connect()
        if readers.version_of not in READERS:
            READERS.append(readers.version_of)
