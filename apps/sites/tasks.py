"""Celery's side of sites: tests, removals, and what may be forgotten."""

from celery import shared_task

from .memory import trim
from .models import Site
from .purge import forget_deliveries, sites_to_purge
from .purge import purge as purge_site
from .trial import run as run_trial


@shared_task(name="sites.trial")
def trial(token: str) -> None:
    """Test a connection that somebody waits for on a page."""
    run_trial(token)


@shared_task(name="sites.purge")
def purge(site_id: int) -> None:
    """Delete a removed site and its rows."""
    purge_site(site_id)


@shared_task(name="sites.resume_purges")
def resume_purges() -> None:
    """Every half minute: go on with removals that a stop or a crash cut off."""
    for site_id in sites_to_purge():
        purge_site(site_id)


@shared_task(name="sites.housekeeping")
def housekeeping() -> None:
    """Every hour: forget what is remembered of answers beyond its room, and old deliveries."""
    forget_deliveries()
    for site_id in Site.objects.values_list("pk", flat=True):
        trim(site_id)
