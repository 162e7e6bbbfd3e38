"""Gathers what fails by the one thing that causes it, so that forty kinds are one card."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .health import GRAVITY, KindHealth
from .models import Operation
from .provider import Health
from .resource import REGISTER

# What a cure says in place of the service, where it is the same for several.
ANY = "each of these services"


def cause_of(kind: KindHealth) -> tuple[str, ...]:
    """Return what two kinds share where one thing keeps both from being read."""
    return kind.operation, kind.state, kind.code, kind.error, kind.cure


def root_of(kind: KindHealth) -> tuple[str, ...]:
    """Return what kinds share where one cure helps them all, whatever each of them called.

    Every action that the policy lacks is one cause; so is whatever else is cured alike. What failed
    in words of its own is a cause of its own.
    """
    if kind.state == Health.DENIED:
        if kind.statement:
            return (kind.state,)
        # The cure names the action, and is the same for the next one.
        return kind.state, _without_action(kind)
    if kind.state == Health.FAILING:
        return kind.state, kind.code, kind.error, kind.cure
    if kind.state == Health.UNREACHABLE:
        # The cure names the service, and the network is the same for all of them.
        return kind.state, _for_any_service(kind)
    if kind.state == Health.THROTTLED:
        # Each protocol has a code of its own for it.
        return kind.state, kind.cure
    return kind.state, kind.code, kind.cure


def _for_any_service(kind: KindHealth) -> str:
    """Return a kind's cure as it reads for every service it would be said of."""
    service = re.escape(kind.operation.partition(":")[0])
    return re.sub(rf"\b{service}\b", ANY, kind.cure) if service else kind.cure


def _without_action(kind: KindHealth) -> str:
    name = kind.operation.partition(":")[2]
    return " ".join(word for word in kind.cure.split() if not name or name not in word)


@dataclass(slots=True)
class Concerned:
    """What of one service a cause concerns: labels of kinds, and the calls that failed."""

    service: str
    labels: list[str]
    calls: list[str]


@dataclass(slots=True)
class Cause:
    """One thing that keeps kinds of a scope from being read; `first` tells it for all.

    everything  whether it keeps every kind of the scope from being read.
    """

    first: KindHealth
    kinds: list[KindHealth]
    everything: bool = False

    @property
    def failed(self) -> list[Operation]:
        """The operations that failed so, each once."""
        found: dict[str, Operation] = {}
        for kind in self.kinds:
            for row in kind.operations:
                alike = bool(row.statement) == bool(self.first.statement)
                if row.health == self.first.state and alike:
                    found.setdefault(row.operation, row)
        return [found[name] for name in sorted(found)]

    @property
    def lacking(self) -> list[str]:
        """The actions that the policy lacks, [] where that is not the cause."""
        if self.first.state != Health.DENIED or not self.first.statement:
            return []
        found: set[str] = set()
        for row in self.failed:
            actions = (row.statement or {}).get("Action", ())
            found.update([actions] if isinstance(actions, str) else actions)
        return sorted(found)

    @property
    def statement(self) -> Mapping[str, Any] | None:
        """What allows all that is lacking, in one."""
        if self.first.statement is None or not self.lacking:
            return self.first.statement
        return {**self.first.statement, "Action": self.lacking}

    @property
    def cures(self) -> list[str]:
        """What helps; a few cures, where they differ by service."""
        if len(self.lacking) > 1:
            return ["Allow these actions to the credentials of this account."]
        alike: dict[str, list[str]] = {}
        for kind in self.kinds:
            if kind.cure:
                alike.setdefault(_for_any_service(kind), []).append(kind.cure)
        # What differs by the service's name alone is one cure.
        return [cures[0] if len(set(cures)) == 1 else told for told, cures in alike.items()][:3]

    @property
    def concerned(self) -> list[Concerned]:
        """The kinds, and the calls or actions that failed, by service."""
        found: dict[str, Concerned] = {}
        for kind in self.kinds:
            service = REGISTER.get(kind.kind).calls[0].partition(":")[0]
            of = found.setdefault(service, Concerned(service, [], []))
            if kind.label not in of.labels:
                of.labels.append(kind.label)
        for call in self.lacking or [row.operation for row in self.failed]:
            service, _, name = call.partition(":")
            if name:
                found.setdefault(service, Concerned(service, [], [])).calls.append(name)
        return sorted(found.values(), key=lambda one: one.service)


def causes_of(kinds: Iterable[KindHealth], every: int = 0) -> list[Cause]:
    """Return what keeps these kinds of a scope, which has `every`, from being read, each once.

    The gravest comes first.
    """
    found: dict[tuple[str, ...], Cause] = {}
    for kind in kinds:
        found.setdefault(root_of(kind), Cause(kind, [])).kinds.append(kind)
    for cause in found.values():
        cause.everything = len(cause.kinds) == every
    return sorted(found.values(), key=lambda one: GRAVITY.index(Health(one.first.state)))
