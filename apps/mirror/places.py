"""Names the places that scopes are of, as filters offer them."""

from collections.abc import Iterable

from .models import Scope


def places(scopes: Iterable[Scope], name: str) -> list[tuple[str, str]]:
    """Return (value, label) of each account or region among scopes, for a filter."""
    found: dict[str, str] = {}
    for scope in scopes:
        value = str(getattr(scope, name))
        if value:
            found.setdefault(value, scope.label if name == "account" and scope.label else value)
    return sorted(found.items(), key=lambda pair: (pair[1], pair[0]))
