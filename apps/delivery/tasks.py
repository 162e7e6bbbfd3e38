"""Celery's side of what leaves the house, and of trackers that commits name."""

from celery import shared_task

from . import wanted
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


@shared_task(name="delivery.catch_up")
def catch_up(project_id: int) -> None:
    """When a project begins to tell: note how what it told of before, and what runs, fares now."""
    wanted.catch_up(project_id)
