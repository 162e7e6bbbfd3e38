"""Who may do what to a thing: by their role in a project that has it, and what is allowed there."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q

from apps.aws.models import Account, Place
from apps.people.rights import is_administrator, narrowed_to
from apps.projects.acting import held_by, working_in
from apps.projects.models import Holding, Membership, Project
from apps.projects.roles import Role

from .acts import Act
from .models import Deed, Permit
from .permits import account_of, is_named, named_of, why_not
from .things import THINGS

ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is in a project that has a thing; None for one that is only being made."""

    project: Project | None
    role: Role
    # What is kept of a deed: an administrator need not be in the project.
    called: str


def standings(user: Any, kind: str, row: Any) -> list[Standing]:
    """Return what a user is in each project that has a thing; [] for who may only look.

    Projects stand in the order in which they came by it. Two queries, whatever their number. They
    ask the database and no memory of it: who was taken out a moment ago acts no more.
    """
    if not user.is_authenticated or not user.is_active or narrowed_to(user) is not None:
        return []
    if kind in THINGS.by_kind:
        return THINGS.by_kind[kind].standings(user, row)
    held = held_by(row).order_by("added_at", "pk").values_list("project", flat=True)
    return standings_in(user, list(dict.fromkeys(held)))


def standings_in(user: Any, order: Sequence[int]) -> list[Standing]:
    """Return what a user is in each of these projects, in this order; an administrator owns all."""
    projects = Project.objects.in_bulk(order)
    roles: dict[int, Role] = {}
    for project, role in Membership.objects.filter(user=user.pk, project__in=order).values_list(
        "project", "role"
    ):
        roles[project] = Role(role)
    administers = is_administrator(user)
    found = []
    for pk in order:
        mine = roles.get(pk)
        if administers and mine is not Role.OWNER:
            found.append(Standing(projects[pk], Role.OWNER, ADMINISTRATOR))
        elif mine is not None:
            found.append(Standing(projects[pk], mine, mine.value))
    return found


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether somebody may do an act: in whose name, or why not.

    standing  None where they may not.
    why       "" where they may, or where no role of theirs would do: then they hear nothing of it.
    """

    standing: Standing | None
    why: str = ""


def leave(
    act: Act,
    found: Sequence[Standing],
    account: Account | None,
    named: Callable[[Permit, Project], bool] = is_named,
) -> Leave:
    """Judge an act by what somebody is in the projects that have the thing.

    Where several would do, the first that the account lets act. `account` is None where the thing
    lies in none of AWS; what is done outside of AWS takes no account's permit. `named`: whether a
    permit names a project, see `permits.why_not`.
    """
    able = [one for one in found if one.role.rank >= act.needed.rank]
    if not able:
        return Leave(None)
    if account is None or not act.calls:
        return Leave(able[0])
    reasons = []
    for one in able:
        why = why_not(act, account, one.project, named)
        if not why:
            return Leave(one)
        reasons.append(why)
    return Leave(None, reasons[0])


def leave_of(user: Any, act: Act, row: Any) -> Leave:
    """Judge an act on a thing for a user, by the database alone."""
    return leave(act, standings(user, act.kind, row), account_of(row.scope))


def leave_in_its_name(deed: Deed, act: Act, row: Any) -> Leave:
    """Judge a deed for whoever asked for it, in the name of the project in which they did.

    That another project of theirs would do says nothing: it was asked for in the first one's name.
    """
    found = standings(deed.who, act.kind, row)
    # In no name at all is what makes a project, until there is one.
    if deed.project_id is not None or deed.project_name:
        found = [
            one for one in found if one.project is not None and one.project.pk == deed.project_id
        ]
    return leave(act, found, account_of(row.scope))


def whys_not(user: Any, act: Act, *, kind: str, scopes: Mapping[int, int]) -> dict[int, str]:
    """Return why a user may not do an act where a role of theirs would do: {row id: sentence}.

    kind    of what projects hold; `scopes` is {row id: its scope's id}.
    The same as `leave` says one by one, for many in six queries.
    """
    held = Holding.objects.shown().filter(kind=kind, row_id__in=scopes).order_by("added_at", "pk")
    holders: dict[int, list[int]] = defaultdict(list)
    for row, project in held.values_list("row_id", "project"):
        holders[row].append(project)
    every = list(dict.fromkeys(pk for some in holders.values() for pk in some))
    mine = {one.project.pk: one for one in standings_in(user, every) if one.project is not None}
    places = Place.objects.select_related("account__permit").filter(scope__in=scopes.values())
    accounts = {one.scope_id: one.account for one in places}
    named = named_of(mine)
    told = {
        row: leave(act, [mine[pk] for pk in some if pk in mine], accounts.get(scopes[row]), named)
        for row, some in holders.items()
    }
    return {row: one.why for row, one in told.items() if one.why}


def where_it_may_be_done(user: Any, acts: Sequence[Act], *, kind: str, column: str) -> Q:
    """Return which rows a user may do any of these acts on, for filtering a query of them.

    kind    of what projects hold, to which the rows belong by `column`: "execution__pipeline".
    The same as `leave` judges one by one, for many in one query, and one more for what is allowed.
    """
    may = Q(pk__in=[])
    permits = list(Permit.objects.values_list("pk", "acts"))
    for needed in dict.fromkeys(act.needed for act in acts):
        names = {act.name for act in acts if act.needed is needed}
        able = [pk for pk, allowed in permits if names & set(allowed)]
        held = Holding.objects.shown().filter(
            kind=kind, row_id=OuterRef(column), project__in=working_in(user, needed)
        )
        # What lies in no account of AWS takes no permit.
        places = Place.objects.filter(scope=OuterRef("scope")).order_by()
        free = ~Exists(places) | Exists(
            places.filter(account__permit__in=able, account__permit__everyone=True)
        )
        named = held.filter(
            project__permits__in=able,
            project__permits__account__places__scope=OuterRef("scope"),
        )
        may |= Q(Exists(held) & free) | Q(Exists(named))
    return may
