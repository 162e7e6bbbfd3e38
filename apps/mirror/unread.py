"""Says why a row's page may lack what belongs to the row: kinds that are not read in its scope.

What a list says beside its filters, a picture says where it would otherwise claim that there is
nothing. A picture is kept until its row changes, and no row changes where reading fails: so what
is unread is part of the picture's version.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .health import KindHealth, kind_health, why_unread
from .models import Scope
from .provider import Health


@dataclass(frozen=True, slots=True)
class Unread:
    """Why rows of a kind may be missing in a scope; see `templates/dashboard/unread.html`."""

    reasons: tuple[KindHealth, ...]
    # Of one scope: it is read there, or not.
    some: bool = False

    @property
    def state(self) -> str:
        """The `Health` of it, or "paused"."""
        first = self.reasons[0]
        return "paused" if first.scope.paused else first.state


@dataclass(frozen=True, slots=True)
class Missing:
    """What is unread in a scope, by the name that a template knows a kind by."""

    by_name: Mapping[str, Unread] = field(default_factory=dict)

    def context(self) -> dict[str, Any]:
        """What a picture's context takes: `unread.<name>`, and what tells one version of it."""
        return {"unread": dict(self.by_name), "unread_as": str(self)}

    def __str__(self) -> str:
        if not self.by_name:
            return ""
        told = [
            (name, one.state, reason.operation, reason.cure)
            for name, one in sorted(self.by_name.items())
            for reason in one.reasons
        ]
        return f"-{hashlib.sha256(repr(told).encode()).hexdigest()[:12]}"


def missing_in(scopes: Iterable[int], **wanted: str) -> dict[int, Missing]:
    """Return what is unread, by scope: `missing_in(ids, aliases="awslambda.alias")`.

    What only a detail call of a kind tells is named with that call: `checks="ec2.instance
    ec2:DescribeInstanceStatus"`. In three queries, however many scopes there are.
    """
    rows = Scope.objects.in_bulk(set(scopes))
    health = kind_health(rows.values())
    found: dict[int, dict[str, Unread]] = {pk: {} for pk in rows}
    for name, told in wanted.items():
        kind, _, operation = told.partition(" ")
        for pk, unread in found.items():
            of_scope = [item for item in health if item.scope.pk == pk]
            reasons = why_unread(of_scope, [kind]) or _details(of_scope, kind, operation)
            if reasons:
                unread[name] = Unread(tuple(reasons))
    return {pk: Missing(by_name) for pk, by_name in found.items()}


def _details(kinds: Iterable[KindHealth], kind: str, operation: str) -> list[KindHealth]:
    """Return how a kind fares by the detail call alone, [] where that works or was not needed."""
    return [
        replace(
            item,
            state=row.health,
            operation=row.operation,
            error=row.error,
            code=row.code,
            cure=row.cure,
            statement=row.statement,
        )
        for item in kinds
        if item.kind == kind
        for row in item.operations
        if row.operation == operation and row.health not in (Health.OK, Health.NOT_TRIED)
    ]
