"""Addresses and tags that services pass on, without what opens something; no Django."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from apps.mirror.masking import MASK, URL_LOGIN, masked, sounds_secret


def tags_of(told: Iterable[Mapping[str, Any]] | Mapping[str, Any] | None) -> dict[str, str]:
    """Return tags as `{key: value}`, what may be a secret masked.

    told  `[{Key, Value}]` or `[{key, value}]`, as services differ, or a mapping.
    """
    if isinstance(told, Mapping):
        pairs = [(key, value) for key, value in told.items()]
    else:
        pairs = [
            (tag.get("Key", tag.get("key")), tag.get("Value", tag.get("value")))
            for tag in told or ()
        ]
    return {str(key or ""): _tag(str(key or ""), str(value or "")) for key, value in pairs}


def _tag(key: str, value: str) -> str:
    return MASK if value and sounds_secret(key) else masked(value)


def address(url: str) -> str:
    """Return an address that still opens: without user name and password, its query masked."""
    return masked(URL_LOGIN.sub(r"\1", url) if "@" in url else url)


def without_login(url: str) -> str:
    """Return a source's address without user name, password or query: all may carry tokens."""
    if "://" not in url:
        return url
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return URL_LOGIN.sub(r"\1", url)
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
