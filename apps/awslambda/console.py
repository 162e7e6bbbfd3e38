"""Addresses of Lambda's pages in AWS's console; pure functions."""

from apps.aws.console import console, part


def function_url(region: str, name: str, tab: str = "code") -> str:
    """A function's page; `tab` is "code", "versions" or "aliases"."""
    return console(
        region,
        f"lambda/home?region={part(region)}#/functions/{part(name)}?tab={part(tab)}",
    )


def version_url(region: str, name: str, version: str) -> str:
    """A version's or alias's page."""
    kind = "versions" if version.isdecimal() else "aliases"
    return console(
        region, f"lambda/home?region={part(region)}#/functions/{part(name)}/{kind}/{part(version)}"
    )
