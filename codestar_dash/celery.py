"""The Celery application: Redis in production, in this very process when embedded."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_init

from .memory import few_arenas

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codestar_dash.settings")

app = Celery("codestar_dash")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def _note_ticks(**_signal: object) -> None:
    """Let web processes know that this one's clock ticks."""
    from . import pulse  # noqa: F401 - connects itself


@setup_logging.connect
def _leave_logging_alone(**_signal: object) -> None:
    """Logging is what the settings say (LOG_LEVEL, LOG_FORMAT), in workers and beat, too."""


@worker_init.connect
def _keep_small(**_signal: object) -> None:
    """A worker of its own has as many threads as one that is embedded."""
    few_arenas()
