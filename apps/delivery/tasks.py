"""Celery's side of what leaves the house, and of trackers that commits name."""

from celery import shared_task

from .telling import follow
from .trackers import link_by_themselves, tell_by_themselves


@shared_task(name="delivery.tell")
def tell() -> None:
    """Every five seconds: tell sites what became of executions, where projects want that."""
    follow()


@shared_task(name="delivery.link_trackers")
def link_trackers() -> None:
    """Every ten seconds: link the trackers that commits name, where adoption asks nobody."""
    link_by_themselves()
    tell_by_themselves()
