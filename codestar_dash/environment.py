"""Reads settings from the environment, remembering each one so that none goes undocumented."""

import os
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

READ: set[str] = set()
HIGHEST_PORT = 65535


def text(name: str, default: str = "") -> str:
    """Return a variable, or the default where it is unset or empty."""
    READ.add(name)
    return os.environ.get(name, "").strip() or default


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated variable as a list without empty items."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def _converted(
    name: str, default: T, convert: Callable[[str], T], wanted: str, *, shown: bool = True
) -> T:
    value = text(name)
    if not value:
        return default
    try:
        return convert(value)
    except ValueError:
        given = f"={value!r}" if shown else ""
        raise ImproperlyConfigured(f"{name}{given} is not {wanted}") from None


def number(name: str, default: int) -> int:
    """Return a whole number; ImproperlyConfigured says which variable is not one."""
    return _converted(name, default, int, "a whole number")


def port(name: str, default: int) -> int:
    """Return a port, 0 (any free one) among them; ImproperlyConfigured where there is none such."""

    def convert(value: str) -> int:
        if not 0 <= int(value) <= HIGHEST_PORT:
            raise ValueError(value)
        return int(value)

    return _converted(name, default, convert, f"a port (a number up to {HIGHEST_PORT})")


def pace(name: str) -> float | None:
    """Return a number of 0 or more, None where unset; ImproperlyConfigured for anything else."""

    def convert(value: str) -> float | None:
        # Not the ValueError of infinities and NaN, which float() takes.
        if not 0 <= float(value) < float("inf"):
            raise ValueError(value)
        return float(value)

    return _converted(name, None, convert, "a number of 0 or more")


def url(name: str, schemes: tuple[str, ...]) -> str:
    """Return an address with one of these schemes, "" where unset."""

    def convert(value: str) -> str:
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(value)
        return value

    # The value may hold a password.
    return _converted(name, "", convert, f"an address like {schemes[0]}://…", shown=False)


def host_and_origin(address: str) -> tuple[list[str], list[str]]:
    """Return what ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS hold for an address; empty for none."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host:
        return [], []
    return [f"[{host}]" if ":" in host else host], [f"{parts.scheme}://{parts.netloc}"]


def switch(name: str, default: bool = False) -> bool:
    """Return on/off; ImproperlyConfigured where it is neither."""

    def convert(value: str) -> bool:
        known = {"1": True, "true": True, "on": True, "yes": True}
        known |= {"0": False, "false": False, "off": False, "no": False}
        try:
            return known[value.lower()]
        except KeyError:
            raise ValueError(value) from None

    return _converted(name, default, convert, "one of on, off")


def scenario(name: str, default: str) -> str:
    """Return a scenario of the sandbox by name; ImproperlyConfigured lists them."""

    def convert(value: str) -> str:
        words, (many, _, count) = ("default", "quiet", "empty"), value.partition(":")
        if value not in words and not (many == "bulk" and count.isascii() and count.isdigit()):
            raise ValueError(value)
        return value

    return _converted(name, default, convert, "default, quiet, empty or bulk:<number>")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """Return one of the allowed words; ImproperlyConfigured lists them."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}")
    return value
