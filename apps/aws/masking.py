"""Addresses that services pass on, without what opens something; no Django."""

from urllib.parse import urlsplit, urlunsplit

from apps.mirror.masking import URL_LOGIN, masked


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
