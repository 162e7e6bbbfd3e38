"""Loads what pages and fragments of functions show, in a number of queries rows don't change."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

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
    """Functions with their aliases, and the versions that are newest or that aliases serve."""
    functions = Function.objects.select_related("scope").filter(pk__in=ids)
    aliases: dict[int, list[Alias]] = {pk: [] for pk in ids}
    for alias in Alias.objects.present().filter(function__in=ids).order_by("name", "pk"):
        aliases[alias.function_id].append(alias)
    found = list(functions)
    failures = _newest_failures(ids)
    missing = missing_in(
        {one.scope_id for one in found},
        aliases="awslambda.alias",
        versions="awslambda.version",
        failures="awslambda.failure",
    )
    contexts = {}
    for one in found:
        versions = _versions(one, aliases[one.pk])
        contexts[one.pk] = {
            **missing[one.scope_id].context(),
            "function": one,
            "why": why(one),
            "aliases": aliases[one.pk],
            "versions": versions,
            "shown_versions": {str(row["version"].number) for row in versions},
            "failures": failures[one.pk],
        }
    return contexts


def _newest_failures(ids: Sequence[int]) -> dict[int, list[Failure]]:
    """Return the newest failed invocations of each function."""
    newest: dict[int, list[Failure]] = {pk: [] for pk in ids}
    place = Window(RowNumber(), partition_by=F("function"), order_by=["-at", "-pk"])
    rows = Failure.objects.filter(function__in=ids).annotate(place=place)
    for one in rows.filter(place__lte=FAILURES).order_by("place"):
        newest[one.function_id].append(one)
    return newest


def _versions(function: Function, aliases: Sequence[Alias]) -> list[dict[str, Any]]:
    rows = Version.objects.present().filter(function=function).order_by("-number")
    served = {number for alias in aliases for number in alias.served}
    # What an alias serves may be older than the newest ones: it is what matters most.
    newest = rows.filter(
        Q(pk__in=list(rows.values_list("pk", flat=True)[:VERSIONS])) | Q(number__in=served)
    )
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
