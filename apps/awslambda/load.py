"""Loads what pages and fragments of functions show, in a number of queries rows don't change."""

from collections.abc import Iterable, Sequence
from typing import Any

from apps.mirror.unread import missing_in

from .digest import why
from .models import Alias, Failure, Function, Version

# Versions that a function's page shows, the newest first.
VERSIONS = 20
# Failed invocations, the newest.
FAILURES = 5


def function_rows(functions: Iterable[Function]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of functions."""
    return {one.pk: {"function": one, "why": why(one)} for one in functions}


def function_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return function_rows(Function.objects.for_list().filter(pk__in=ids))


def function_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Functions with their aliases, and their newest versions with the aliases that serve them."""
    functions = Function.objects.select_related("scope").filter(pk__in=ids)
    aliases: dict[int, list[Alias]] = {pk: [] for pk in ids}
    for alias in Alias.objects.present().filter(function__in=ids).order_by("name", "pk"):
        aliases[alias.function_id].append(alias)
    found = list(functions)
    missing = missing_in(
        {one.scope_id for one in found},
        aliases="awslambda.alias",
        versions="awslambda.version",
        failures="awslambda.failure",
    )
    return {
        one.pk: {
            **missing[one.scope_id].context(),
            "function": one,
            "why": why(one),
            "aliases": aliases[one.pk],
            "versions": _versions(one, aliases[one.pk]),
            "failures": Failure.objects.filter(function=one)[:FAILURES],
        }
        for one in found
    }


def _versions(function: Function, aliases: Sequence[Alias]) -> list[dict[str, Any]]:
    newest = Version.objects.present().filter(function=function).order_by("-number")[:VERSIONS]
    return [
        {
            "version": version,
            "served": [
                {"name": alias.name, "share": share}
                for alias in aliases
                for number, share in alias.shares
                if number == str(version.number) and share > 0
            ],
            "is_latest_code": version.code_sha256 == function.code_sha256,
        }
        for version in newest
    ]
