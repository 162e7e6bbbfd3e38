"""The rule of who sees what: administrators everything, members what their projects hold.

A row is seen where a project of the reader holds it or one that it belongs to: a pipeline's
executions and actions with the pipeline. The conditions are subqueries on `Holding`, so they cost
no query of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.db.models import Model, Q

from apps.mirror.linked import lineage
from apps.mirror.resource import REGISTER
from apps.mirror.visibility import Pair
from apps.people.rights import narrowed_to, sees_everything

from .generations import MEMO
from .models import Holding, Project

BATCH = 500


def is_in(user: Any, project_id: int) -> bool:
    """Whether a user may know of a project: what its open pages ask when memberships change."""
    return bool(Project.objects.visible_to(user).filter(pk=project_id).exists())


@cache
def _paths(model: type[Model]) -> Mapping[str, frozenset[str]]:
    """The kinds that rows of a model are seen with, by the column path that leads to them."""
    found: dict[str, set[str]] = {}
    for resource in REGISTER:
        if resource.model is model:
            for path, kind in lineage(resource):
                if REGISTER.get(kind).in_projects:
                    found.setdefault(path, set()).add(kind)
    return {path: frozenset(kinds) for path, kinds in found.items()}


def _held(model: type[Model], **which: Any) -> Q:
    found = Q(pk__in=[])
    for path, kinds in _paths(model).items():
        held = Holding.objects.filter(kind__in=kinds, **which)
        found |= Q(**{f"{path}__in": held.values("row_id")})
    return found


def _whose(user: Any) -> dict[str, Any]:
    """Which holdings count for somebody who does not see everything."""
    only = narrowed_to(user)
    return {"project__memberships__user": user} if only is None else {"project": only}


class ByProjects:
    """The rule; see `apps.mirror.visibility.Rule`."""

    def rows(self, user: Any, model: type[Model]) -> Q:
        """What projects of the user hold, and what belongs to it."""
        if not user.is_authenticated or not user.is_active:
            return Q(pk__in=[])
        if sees_everything(user):
            return Q()
        return _held(model, **_whose(user))

    def scopes(self, user: Any) -> Q:
        """Where projects of the user have something."""
        if not user.is_authenticated or not user.is_active:
            return Q(pk__in=[])
        if sees_everything(user):
            return Q()
        held = Holding.objects.filter(**_whose(user))
        return Q(pk__in=held.values("scope"))

    def gathered(self, user: Any) -> Sequence[tuple[str, str]]:
        """The projects that the user may know of, by place and name."""
        return list(Project.objects.visible_to(user).values_list("slug", "name"))

    def within(self, value: str, model: type[Model]) -> Q:
        """What a project holds, and what belongs to it."""
        return _held(model, project__slug=value)

    def scopes_within(self, user: Any, value: str) -> Q:
        """Where a project has something, for who may know of the project."""
        known = Project.objects.visible_to(user).filter(slug=value)
        return Q(pk__in=Holding.objects.filter(project__in=known).values("scope"))

    def tells(
        self, pairs: Iterable[Pair], read: Mapping[tuple[str, int], Any] | None = None
    ) -> Mapping[Pair, bool]:
        """Whether every project that holds the first holds the second, or what it belongs to."""
        wanted = list(dict.fromkeys(pairs))
        found = holders({row for pair in wanted for row in pair}, MEMO.held(), read)
        return {(one, other): found[one] <= found[other] for one, other in wanted}

    def generation(self, user: Any = None) -> str:
        """The number of the last change of who is where and what is held, and whose it is."""
        whose = "" if user is None else f" {int(sees_everything(user))}"
        return f"{MEMO.number()}{whose}"


def holders(
    rows: Iterable[tuple[str, int]],
    held: Mapping[tuple[str, int], frozenset[int]],
    read: Mapping[tuple[str, int], Any] | None = None,
) -> dict[tuple[str, int], frozenset[int]]:
    """Return the projects that hold each row, or what it belongs to; a query a kind at most.

    held  (kind, row id) -> the projects that hold just that row.
    read  rows that were read already: those that name all that they belong to are not asked for.
    """
    found = {row: held.get(row, frozenset()) for row in rows}
    by_kind: dict[str, list[int]] = {}
    for kind, pk in found if held else ():
        by_kind.setdefault(kind, []).append(pk)
    for kind, ids in by_kind.items():
        resource = REGISTER.by_kind.get(kind)
        above = [] if resource is None else list(lineage(resource))[1:]
        if resource is None or not above:
            continue
        paths = [path for path, _ in above]
        if read and len(paths) == 1:
            for pk in [one for one in ids if (kind, one) in read]:
                ancestor = getattr(read[kind, pk], f"{paths[0]}_id")
                found[kind, pk] |= held.get((above[0][1], ancestor), frozenset())
            ids = [one for one in ids if (kind, one) not in read]
        for start in range(0, len(ids), BATCH):
            some = resource.model._default_manager.filter(pk__in=ids[start : start + BATCH])
            for pk, *ancestors in some.values_list("pk", *paths):
                for (_, above_kind), ancestor in zip(above, ancestors, strict=True):
                    found[kind, pk] |= held.get((above_kind, ancestor), frozenset())
    return found
