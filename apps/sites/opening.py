"""Opens sites as reaches; keeps each one's wire until its credentials change."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from apps.mirror.provider import Failure, Health
from apps.mirror.sealed import reveal
from apps.mirror.throttle import SharedThrottle

from .answers import Access, Wire
from .kinds import SITES
from .memory import SiteMemory
from .models import Site
from .quota import SharedQuota
from .reach import Judge, Reach, as_it_is


@dataclass(frozen=True, slots=True)
class _Door:
    stamp: str
    wire: Wire


SANDBOX_ENDED = (
    "What the start command started at this address does not answer any more. Stop the dashboard "
    "and start it again."
)
# By the site, and which of its doors: "" is its own API.
_doors: dict[tuple[int, str], _Door] = {}
_lock = threading.Lock()
# Connections do not outlive a fork.
os.register_at_fork(after_in_child=_doors.clear)


def access_of(site: Site) -> Access:
    """Return what opens a site, in the clear. What `make up` set up may be on this machine."""
    return Access(
        base_url=site.base_url,
        method=site.method,
        user=site.user,
        secret=reveal(site.secret),
        app_id=site.app_id,
        installation_id=site.installation_id,
        timeout=float(settings.CALL_TIMEOUT),
        guarded=not site.managed,
    )


def wire_of(site: Site) -> Wire:
    """Return a site's wire: the cached one, a new one for new credentials."""
    kind = SITES.get(site.provider)
    return kept_wire(site, "", site.stamp, lambda: kind.wire(access_of(site)))


def kept_wire(site: Site, door: str, stamp: str, make: Callable[[], Wire]) -> Wire:
    """Return the wire of one of a site's doors: the cached one, a new one for another stamp.

    One of a site that is not stored yet is the caller's to close.
    """
    if site.pk is None:
        return make()
    with _lock:
        found = _doors.get((site.pk, door))
        if found is not None and found.stamp == stamp:
            return found.wire
        made = make()
        _doors[site.pk, door] = _Door(stamp, made)
    return made


def forget(site_id: int) -> None:
    """Drop a site's wires: its credentials changed, or it is gone."""
    with _lock:
        for known in [one for one in _doors if one[0] == site_id]:
            del _doors[known]


def judge_of(site: Site) -> Judge:
    """Return who has the last word on failures of a site."""
    return _sandboxed if site.managed else as_it_is


def _sandboxed(failure: Failure) -> Failure:
    """What `make up` started and does not answer any more is cured by another start alone."""
    if failure.health is Health.UNREACHABLE:
        return replace(failure, cure=SANDBOX_ENDED)
    return failure


def reach_of(site: Site, *, urgent: bool = False, **options: Any) -> Reach:
    """Open a site as it is connected; `options` are the reach's own.

    One that is not stored yet (a test of what was entered) has neither pace nor memory.
    """
    kind = SITES.get(site.provider)
    if site.pk is not None:
        options = {
            "throttle": SharedThrottle(str(site.scope_id), urgent=urgent),
            "quota": SharedQuota(site.pk, urgent=urgent),
            "memory": SiteMemory(site.pk, site.edition),
            **options,
        }
    return Reach(
        provider=site.provider,
        base_url=site.base_url,
        wire=wire_of(site),
        method=site.method,
        selection=site.selection,
        headers=kind.headers,
        read=kind.read,
        next_page=kind.next_page,
        judge=judge_of(site),
        at_once=settings.CALLS_AT_ONCE,
        name=site.host,
        **options,
    )
