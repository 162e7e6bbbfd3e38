"""Which of the things that reasons name are a project's to name.

A reason is a path, and a step of it may be in no project: never ticked, or taken out since. Who is
in the project sees that there is such a step, and not what it is called.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.mirror.resource import REGISTER
from apps.projects.models import Holding

from .shown import in_words

Name = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Reasons:
    """Says reasons in words; `held` is (project, kind, name) of what each project holds."""

    held: frozenset[Name]

    def of(self, holding: Holding) -> str:
        """Why a row is in its project, naming what that holds alone."""
        return in_words(holding.why, lambda kind, name: self._may(holding.project_id, kind, name))

    def _may(self, project: int, kind: str, name: str) -> bool:
        # What is mirrored nowhere is no row that anybody could hold: a repository at its host.
        if kind not in REGISTER.by_kind:
            return True
        return any((project, kind, one) in self.held for one in _names(name))


def reasons_for(holdings: Iterable[Holding]) -> Reasons:
    """Return the reasons of these holdings; a query for each kind that they name, and one."""
    wanted: dict[str, set[str]] = {}
    projects = set()
    for one in holdings:
        projects.add(one.project_id)
        for _, kind, name in _steps(one.why):
            if kind in REGISTER.by_kind:
                wanted.setdefault(kind, set()).update(_names(name))
    called: dict[tuple[str, int], set[str]] = {}
    for kind, names in wanted.items():
        model = REGISTER.get(kind).model
        columns = sorted({one.name for one in model._meta.get_fields()} & {"key", "name"})
        which = Q()
        for column in columns:
            which |= Q(**{f"{column}__in": names})
        rows = model._default_manager.filter(which).order_by()
        for pk, *told in rows.values_list("pk", *columns):
            called[kind, pk] = {str(one) for one in told} & names
    return Reasons(frozenset(_held(projects, called)))


def _held(projects: set[int], called: dict[tuple[str, int], set[str]]) -> Iterable[Name]:
    which = Q(pk__in=[])
    for kind in {kind for kind, _ in called}:
        which |= Q(kind=kind, row_id__in=[pk for one, pk in called if one == kind])
    rows = Holding.objects.shown().filter(which, project__in=projects).order_by()
    for project, kind, row_id in rows.values_list("project_id", "kind", "row_id"):
        yield from ((project, kind, name) for name in called[kind, row_id])


def _steps(why: Any) -> Iterable[tuple[str, str, str]]:
    for step in why if isinstance(why, list) else ():
        if isinstance(step, list) and len(step) == 3:
            words, kind, name = map(str, step)
            yield words, kind, name


def _names(told: str) -> list[str]:
    """Return what a thing may be called of which this is told: "shop, stage Deploy" is "shop"."""
    parts = told.split(", ")
    return [", ".join(parts[:number]) for number in range(1, len(parts) + 1)]
