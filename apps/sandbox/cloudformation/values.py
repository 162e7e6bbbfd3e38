"""What a template's parameters are worth, by their types: lists, and what Systems Manager holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.sandbox.world import Place

_STORED = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_NAMED = re.compile(r"\{\{resolve:ssm:([^}:]+)(?::\d+)?\}\}")


def typed(place: Place, declared: dict[str, Any], value: str) -> Any:
    """A parameter's value: a list for the types that are one, what its name leads to for others."""
    kind = str(declared.get("Type", "String"))
    stored = _STORED.fullmatch(kind)
    if stored is not None:
        kind, value = stored.group(1), parameter(place, value) or value
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [part.strip() for part in value.split(",")] if value else []
    return value


def parameter(place: Place, name: str) -> str | None:
    """What Systems Manager has under a name, those among it that AWS keeps for everybody."""
    from moto.ssm.models import ssm_backends

    found = ssm_backends[place.account][place.region].get_parameter(name)
    return str(found.value) if found is not None else None


def referred(place: Place, value: Any) -> Any:
    """``{{resolve:ssm:…}}`` in properties replaced by what it leads to."""
    if isinstance(value, str):
        return _NAMED.sub(lambda match: parameter(place, match.group(1)) or match.group(0), value)
    if isinstance(value, list):
        return [referred(place, one) for one in value]
    if isinstance(value, dict):
        return {name: referred(place, one) for name, one in value.items()}
    return value
