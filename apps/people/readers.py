"""What every page shows of its reader: kept pages are other ones once it changed."""

import time
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest

from apps.live.bus import AUDIENCE, BUS


def _place(user: Any) -> str:
    return f"people:reader:{user.pk}"


def changed(user: Any) -> None:
    """A person's name, zone or rights are others now."""
    cache.set(_place(user), str(time.time_ns()), timeout=None)


def rights_changed(user: Any) -> None:
    """What a person may know of is another thing: open pages of theirs are asked about anew."""
    changed(user)
    transaction.on_commit(lambda: BUS.publish(AUDIENCE))


def version_of(request: HttpRequest) -> str:
    """When what pages show of the reader changed last, as far as is known."""
    return str(cache.get(_place(request.user), ""))
