"""Reads CodePipeline's kinds through the mirror, and asks the collectors alone."""

from collections.abc import Iterable
from typing import Any

from apps.mirror.ask import Ask, Parent
from apps.mirror.due import take
from apps.mirror.models import Scope, Sweep
from apps.mirror.reconcile import Result
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps, run

KINDS = (
    "codepipeline.pipeline",
    "codepipeline.stage",
    "codepipeline.execution",
    "codepipeline.action",
)


def sweep(scope: Scope, *kinds: str) -> dict[str, Result | None]:
    """Sweep these kinds whole (all four unless named), parents first."""
    ensure_sweeps(scope)
    results = {}
    for kind in kinds or KINDS:
        row = Sweep.objects.get(scope=scope, kind=kind)
        assert take(row)
        results[kind] = run(row, whole=True)
    return results


def parent(
    name: str = "checkout", definition: Any = (), version: int = 1, variables: Any = ()
) -> Parent:
    """A pipeline of which this version of the definition was read."""
    fields = {
        "definition": list(definition),
        "described": f"{version} 2026-01-05T09:00:00+00:00",
        "variables": list(variables),
    }
    return Parent(key=name, fields=fields)


def ask_children(*names: str, finished: Iterable[str] = (), **more: Any) -> Ask:
    known = frozenset(finished)
    return Ask(
        parents=tuple(parent(name) for name in names or ("checkout",)),
        finished=lambda keys: frozenset(keys) & known,
        **more,
    )


def collect(kind: str, reach: Any, ask: Ask) -> list[Any]:
    return list(REGISTER.get(kind).collect(reach, ask))
