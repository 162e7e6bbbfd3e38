"""Where a project may be made by what an administrator allowed, and what is lacking there."""

from collections.abc import Iterable
from typing import Any

from apps.aws.models import Account, Place
from apps.aws.queues import queue_arn, queue_of
from apps.deeds.acts import ACTS, Act
from apps.deeds.permits import account_of, named_of, permit_url, why_not
from apps.mirror.models import Scope
from apps.people.rights import is_administrator
from apps.projects.acting import working_in
from apps.projects.models import Project
from apps.projects.roles import Role

from .deeds import BUNDLE, GROUP


def acts() -> list[Act]:
    """Return the acts of which making a project and undoing it consists."""
    return [act for act in ACTS.by_name.values() if act.bundle == BUNDLE]


def lacking(account: Account, project: Project | None) -> str:
    """Return what an administrator has still to allow in an account, in a sentence; "" for nothing.

    Half of it would plan what nobody may make, or make what nobody may undo.
    """
    every, named = acts(), named_of([] if project is None else [project.pk])
    whys = {act.label: why for act in every if (why := why_not(act, account, project, named))}
    if not whys:
        return ""
    if len(whys) == len(every):
        return next(iter(whys.values()))
    return (
        f"Of the wizard's acts these are not allowed in account {account.name}: "
        f"{', '.join(whys)}. An administrator allows them at Accounts → {account.name} → What may "
        f"be done → {GROUP}: saved once more there, “{BUNDLE}” takes them all."
    )


def owned_by(user: Any) -> Any:
    """Return the projects in which somebody may make things: those that they own."""
    return working_in(user, Role.OWNER)


def permit_page(user: Any, scope: Scope | None) -> str:
    """Return the page on which that is changed; "" for who cannot."""
    account = account_of(scope) if scope is not None else None
    return permit_url(account) if account is not None and is_administrator(user) else ""


def places_for(user: Any, projects: Iterable[Project | None]) -> list[Place]:
    """Return the places in which one of these projects (None: a new one) may do some of it.

    What is lacking there is said once it is chosen.
    """
    among = list(projects)
    if not user.is_active:
        return []
    every, named = acts(), named_of(one.pk for one in among if one is not None)
    return [
        one
        for one in _places().filter(account__paused=False)
        if any(not why_not(act, one.account, project, named) for project in among for act in every)
    ]


def at_rest() -> list[str]:
    """Return the names of accounts that are paused: nothing is made there meanwhile."""
    places = _places().filter(account__paused=True)
    return list(dict.fromkeys(one.account.name for one in places))


def queue_at(place: Place) -> str:
    """Return the ARN of the queue that is told of events in a place.

    "" for none: without one there is nobody to tell, and the dashboard polls.
    """
    if not place.queue_url:
        return ""
    return queue_arn(place.account.account_id, place.region, queue_of(place))


def _places() -> Any:
    rows = Place.objects.select_related("account__permit", "scope")
    rows = rows.filter(wanted=True, account__parked_at=None, account__removed_at=None)
    return rows.exclude(account__account_id="").order_by("account__name", "region")
