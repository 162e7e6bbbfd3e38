"""Slows down who guesses: so many tries in so many minutes, for an account and for an address.

Counted in the cache, so one count holds for every process that shares a Redis; without Redis there
is one process. A try is counted before it is looked at and given back when it was right: tries that
come at the same moment count, too.
"""

import hashlib
import ipaddress
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from allauth.core.exceptions import ImmediateHttpResponse
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = logging.getLogger(__name__)

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` wrong tries within `seconds` of the first of them."""

    name: str
    most: int
    seconds: int

    def count(self, who: str) -> int:
        """Count one try; return how many seconds to wait where it is one too many, else 0."""
        place, until = self._place(who, begin=True)
        cache.add(place, 0, timeout=self.seconds)
        try:
            tries = cache.incr(place)
        except ValueError:  # its time was over between the two lines
            return 0
        return max(1, math.ceil(until - time.time())) if tries > self.most else 0

    def give_back(self, who: str) -> None:
        """It was right: as if it had not been tried."""
        place, _ = self._place(who)
        try:
            cache.decr(place)
        except ValueError:
            return

    def _place(self, who: str, *, begin: bool = False) -> tuple[str, float]:
        """Where tries are counted now, and until when. Each time that passes has its own count."""
        kept = hashlib.sha256(who.encode()).hexdigest()[:32]
        clock, at = f"limit:{self.name}:{kept}", time.time()
        if begin and cache.add(clock, at + self.seconds, timeout=self.seconds):
            return f"{clock}:{at + self.seconds}", at + self.seconds
        until = cache.get(clock)
        if begin and (until is None or until <= at):
            until = at + self.seconds
            cache.set(clock, until, timeout=self.seconds)
        return f"{clock}:{until}", float(until or 0)


# A password is guessed for one account, or for many from one place. Offices share an address.
PASSWORD = Limit("password", 5, 5 * MINUTE)
ADDRESS = Limit("address", 30, 5 * MINUTE)
# Six digits: five tries in a quarter of an hour find one in five years.
CODE = Limit("code", 5, 15 * MINUTE)
# Nobody guesses these; whoever tries keeps no process busy. What is right is never refused.
LINK = Limit("link", 20, 5 * MINUTE)
TOKEN = Limit("token", 60, 5 * MINUTE)


def asker_of(request: HttpRequest) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address a request comes from, None where the server was told none."""
    given = request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(given.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def address_of(request: HttpRequest) -> str:
    """Where a request comes from as it is counted: IPv6 by the network a household gets."""
    address = asker_of(request)
    if address is None:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)


@contextmanager
def slowed(request: HttpRequest, limit: Limit, who: str) -> Iterator["Try"]:
    """Look at a secret inside; call `right()` on what it gives where it was right.

    Raises what answers 429 where there were too many tries.
    """
    address = address_of(request)
    wait = ADDRESS.count(address) or limit.count(who)
    if wait:
        log.warning("people.slowed", extra={"limit": limit.name, "address": address})
        raise ImmediateHttpResponse(refusal(request, wait))
    yield Try(address, limit, who)


@dataclass(frozen=True, slots=True)
class Try:
    """One try that was counted."""

    address: str
    limit: Limit
    who: str

    def right(self) -> None:
        """Take it back: only what was wrong counts."""
        ADDRESS.give_back(self.address)
        self.limit.give_back(self.who)


def in_words(seconds: int) -> str:
    """How long to wait, as people say it."""
    if seconds < MINUTE:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    minutes = -(-seconds // MINUTE)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def refusal(request: HttpRequest, seconds: int) -> HttpResponse:
    """429: how long to wait, and what to do meanwhile."""
    context = {"wait": in_words(seconds)}
    response = render(request, "people/too_often.html", context, status=429)
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response


def too_often(request: HttpRequest) -> HttpResponse:
    """What allauth's own limits answer, e.g. for changing a password; they all last a minute."""
    return refusal(request, MINUTE)
