"""What of an account a person may choose from: its networks and its connections to GitHub.

Pages don't wait for AWS: a task reads them when an account was chosen, and they are kept for a
while. Where they could not be read, ids are typed.
"""

from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache

from apps.aws.failures import told_by
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS

KEPT = 900
# Seconds that what was read by half stands: its cure is looked for soon.
KEPT_TROUBLED = 30
# Seconds for all that is asked: workers have people's deeds to do. So long nobody else asks.
BUDGET = 30.0
ASKED = 60
MOST = 300


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is: (id, what it is called) each; `trouble` says why something was not read."""

    vpcs: list[tuple[str, str]] = field(default_factory=list)
    subnets: list[tuple[str, str]] = field(default_factory=list)
    connections: list[tuple[str, str]] = field(default_factory=list)
    trouble: str = ""


def _key(scope: Scope) -> str:
    return f"wizard:choices:{scope.pk}"


def choices_of(scope: Scope | None) -> Choices | None:
    """Return what was read lately; None where it is being read, or was long ago."""
    if scope is None:
        return Choices()
    found: Choices | None = cache.get(_key(scope))
    return found


def should_ask(scope: Scope) -> bool:
    """Whether a task is to be started: none was, or it has come to its end."""
    return bool(cache.add(f"{_key(scope)}:asked", 1, timeout=ASKED))


def read(scope: Scope) -> Choices:
    """Read them and keep them; what cannot be read is told, and typed."""
    found = _read(scope)
    cache.set(_key(scope), found, timeout=KEPT_TROUBLED if found.trouble else KEPT)
    cache.delete(f"{_key(scope)}:asked")
    return found


def _read(scope: Scope) -> Choices:
    try:
        reach: Any = PROVIDERS.get(scope.provider).open(scope, urgent=True)
    except Exception as error:  # noqa: BLE001 - an account that cannot be opened is told
        return Choices(trouble=_in_words(error))
    reach.budget = BUDGET
    told: dict[str, list[tuple[str, str]]] = {}
    troubles = []
    for name, one in (("vpcs", _vpcs), ("subnets", _subnets), ("connections", _connections)):
        try:
            told[name] = one(reach)[:MOST]
        except Exception as error:  # noqa: BLE001 - what was not read is typed
            troubles.append(_in_words(error))
    return Choices(**told, trouble=" ".join(dict.fromkeys(troubles)))


def _in_words(error: Exception) -> str:
    failure = told_by(error)
    return f"{failure.message} {failure.cure}".strip()


def _named(one: Any, ident: str, *more: str) -> tuple[str, str]:
    name = next((tag["Value"] for tag in one.get("Tags", ()) if tag["Key"] == "Name"), "")
    words = [word for word in (name, *more) if word]
    return ident, f"{ident} ({', '.join(words)})" if words else ident


def _vpcs(reach: Any) -> list[tuple[str, str]]:
    return [
        _named(one, one["VpcId"], one["CidrBlock"], "default" if one.get("IsDefault") else "")
        for page in reach.pages("ec2:DescribeVpcs")
        for one in page["Vpcs"]
    ]


def _subnets(reach: Any) -> list[tuple[str, str]]:
    return [
        _named(one, one["SubnetId"], one["AvailabilityZone"], one["CidrBlock"], one["VpcId"])
        for page in reach.pages("ec2:DescribeSubnets")
        for one in page["Subnets"]
    ]


def _connections(reach: Any) -> list[tuple[str, str]]:
    return [
        (one["ConnectionArn"], f"{one['ConnectionName']} ({one['ConnectionStatus'].lower()})")
        for page in reach.pages("codeconnections:ListConnections", ProviderTypeFilter="GitHub")
        for one in page["Connections"]
    ]
