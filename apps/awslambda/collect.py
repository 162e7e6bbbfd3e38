"""Reads functions, versions and aliases from Lambda; no Django.

https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
"""

from collections.abc import Iterator

from apps.aws.calls import Failed, Reach
from apps.mirror.ask import Ask, Covered, Parent, Vanished
from apps.mirror.provider import Health

from .records import (
    AliasRecord,
    FunctionRecord,
    VersionRecord,
    alias_record,
    function_record,
    version_record,
)


def functions(reach: Reach, ask: Ask) -> Iterator[FunctionRecord | Vanished]:
    """Yield every function of the region with its configuration, or those named by `ask.keys`.

    ListFunctions gives at most 50 a page, whatever it is asked for.
    """
    if ask.keys is None:
        for page in reach.pages("lambda:ListFunctions"):
            yield from (function_record(one) for one in page.get("Functions", ()))
        return
    for name, answer in reach.each(
        ask.keys, lambda key: reach.call("lambda:GetFunctionConfiguration", FunctionName=key)
    ):
        if not isinstance(answer, Failed):
            yield function_record(answer)
        elif answer.failure.health is Health.GONE:
            yield Vanished(name)


def versions(reach: Reach, ask: Ask) -> Iterator[VersionRecord | Covered]:
    """Yield the published versions of each function: a call a function (50 versions a page)."""

    def read(function: Parent) -> list[VersionRecord | None]:
        return [
            version_record(function.key, one)
            for page in reach.pages("lambda:ListVersionsByFunction", FunctionName=function.key)
            for one in page.get("Versions", ())
        ]

    for function, found in reach.each(ask.parents, read):
        if not isinstance(found, Failed):
            yield from filter(None, found)
            yield Covered(function.key)


def aliases(reach: Reach, ask: Ask) -> Iterator[AliasRecord | Covered]:
    """Yield the aliases of each function, with their weights: a call a function."""

    def read(function: Parent) -> list[AliasRecord]:
        return [
            alias_record(function.key, one)
            for page in reach.pages("lambda:ListAliases", FunctionName=function.key)
            for one in page.get("Aliases", ())
        ]

    for function, found in reach.each(ask.parents, read):
        if not isinstance(found, Failed):
            yield from found
            yield Covered(function.key)
