"""Celery's side of the wizard."""

from datetime import timedelta

from celery import shared_task
from django.core.cache import cache
from django.utils.timezone import now

from apps.mirror.models import Scope

from . import advancing, choices
from .models import Bootstrap

# A draft without an answer is kept so long for whoever began it.
UNTOUCHED = timedelta(days=3)


@shared_task(name="wizard.advance")
def advance(pk: int) -> None:
    """Go on with one bootstrap."""
    cache.delete(f"queued:bootstrap:{pk}")
    advancing.advance(pk)


@shared_task(name="wizard.resume")
def resume() -> None:
    """Every few seconds: go on with what is under way, those of a process that died among them."""
    for pk in advancing.due():
        if cache.add(f"queued:bootstrap:{pk}", 1, timeout=20):
            advance.delay(pk)


@shared_task(name="wizard.tidy")
def tidy() -> None:
    """Every few hours: forget drafts that nobody answered anything in for days."""
    Bootstrap.objects.untouched().filter(begun_at__lt=now() - UNTOUCHED).delete()


@shared_task(name="wizard.read_choices")
def read_choices(scope_id: int) -> None:
    """Read what of an account a person may choose from."""
    scope = Scope.objects.filter(pk=scope_id).first()
    if scope is not None:
        choices.read(scope)
