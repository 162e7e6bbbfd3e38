"""Asks for another look, because somebody decided something."""

from celery import current_app
from django.core.cache import cache

# Up to which change was looked at; that it rests.
LOOKED_TO = "adoption:looked-to"
RESTS = "adoption:rests"


def propose_soon() -> None:
    """Let the task (`tasks.keep_proposing`) look at everything anew, at once."""
    cache.delete_many([LOOKED_TO, RESTS])
    current_app.send_task("adoption.propose")
