"""Hourly: forgets sessions that ended and one-time links that open nothing any more."""

from datetime import timedelta

from celery import shared_task
from django.core.management import call_command
from django.utils.timezone import now

from .models import SignInLink
from .sessions import forget_ended

# A used or expired link still says what it was for so long.
KEPT = timedelta(days=7)


@shared_task(name="people.housekeeping")
def housekeeping() -> None:
    """Delete what signs nobody in any more."""
    call_command("clearsessions")
    forget_ended()
    SignInLink.objects.filter(expires_at__lt=now() - KEPT).delete()
