"""Asks a site whose credentials it was given; until it says so, nothing of it is read."""

from dataclasses import replace
from datetime import timedelta

from django.utils.timezone import now

from apps.mirror.provider import Failure, Health

from .failures import classify
from .kinds import SITES
from .models import Site
from .opening import judge_of, reach_of

# Who failed is not asked again for so long: each kind of a scope would.
REST = timedelta(seconds=20)


def find_out(site: Site) -> Failure | None:
    """Ask who we are; write it, or why the site did not say and the cure of that.

    Nothing is written where other credentials were given meanwhile. Returns the failure.
    """
    kind = SITES.get(site.provider)
    if site.identity_error and site.identity_asked_at and now() - site.identity_asked_at < REST:
        return known_trouble(site)
    row = Site.objects.filter(pk=site.pk, edition=site.edition)
    try:
        reach = reach_of(site, attempts=2, budget=60.0)
        whose = kind.identify(reach)
    except Exception as error:  # noqa: BLE001 - any failure is told on the page
        failure = judge_of(site)(classify(error, kind.asks))
        failure = replace(failure, operation=failure.operation or kind.asks)
        row.update(
            identity_error=failure.message or failure.code,
            identity_cure=failure.cure,
            identity_health=failure.health.value,
            identity_asked_at=now(),
        )
        return failure
    asked_at = now()
    row.update(
        identity=whose.identity[:255],
        identity_error="",
        identity_cure="",
        identity_health="",
        identified_at=asked_at,
        identity_asked_at=asked_at,
    )
    site.identity, site.identified_at, site.identity_error = whose.identity, asked_at, ""
    return None


def known_trouble(site: Site) -> Failure:
    """Return what was wrong when the site was asked a moment ago."""
    return Failure(
        health=Health(site.identity_health or Health.CREDENTIALS),
        code="NotIdentified",
        message=site.identity_error,
        cure=site.identity_cure,
        operation=SITES.get(site.provider).asks,
    )
