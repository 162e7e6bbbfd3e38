"""Celery's side of AWS: who we are, listening to events, tests and removals."""

from celery import shared_task
from celery.signals import worker_shutdown, worker_shutting_down

from .identity import accounts_to_identify, claim
from .identity import identify as identify_account
from .listen import LISTENERS, POLL_SECONDS, stop
from .purge import accounts_to_purge
from .purge import purge as purge_account
from .queue_trial import run as run_queue_trial
from .trial import run as run_trial


@shared_task(name="aws.identify")
def identify() -> None:
    """Ask GetCallerIdentity where it is not known, failed and is due, or is a while ago."""
    for account in accounts_to_identify():
        if claim(account):
            identify_account(account)


@shared_task(name="aws.listen_everywhere")
def listen_everywhere() -> None:
    """Every second: see to it that each queue has a listener."""
    LISTENERS.fill()


@shared_task(name="aws.trial")
def trial(token: str) -> None:
    """Test a connection that somebody waits for on a page."""
    run_trial(token)


@shared_task(name="aws.queue_trial")
def queue_trial(place_id: int, token: str) -> None:
    """Test a queue that somebody waits for on a page."""
    run_queue_trial(place_id, token)


@shared_task(name="aws.purge")
def purge(account_id: int) -> None:
    """Delete a removed account and its rows."""
    purge_account(account_id)


@shared_task(name="aws.resume_purges")
def resume_purges() -> None:
    """Every half minute: go on with removals that a stop or a crash cut off."""
    for account_id in accounts_to_purge():
        purge_account(account_id)


@worker_shutting_down.connect
def _stop_listening(**_signal: object) -> None:
    stop()


@worker_shutdown.connect
def _wait_for_listeners(**_signal: object) -> None:
    LISTENERS.join(POLL_SECONDS + 1)
