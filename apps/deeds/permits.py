"""What may be done in an account, and in which projects' names: only what somebody allowed."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import now

from apps.aws.models import Account, Place
from apps.mirror.models import Scope
from apps.projects.models import Project

from .acts import ACTS, Act
from .models import Permit
from .told import tell_allowed

READ_ONLY = "Account {name} is only read: an administrator has not allowed anything to be done."
AT_REST = "Account {name} is paused or taken off: its credentials are not used, for deeds either."
NOT_THIS = "An administrator has not allowed this in account {name}."
NOT_NEW = (
    "An administrator has not allowed projects that are only being made to act in account {name}: "
    "choose a project that may, or have “every project” allowed."
)
NOT_HERE = "An administrator has not allowed project {project} to act in account {name}."


def account_of(scope: Scope) -> Account | None:
    """Return the account that a scope belongs to; None where it is none of AWS."""
    place = Place.objects.select_related("account__permit").filter(scope=scope).first()
    return None if place is None else place.account


def caller_in(scope: Scope) -> str:
    """Return the ARN of our credentials in a place, "" where nobody knows it."""
    account = account_of(scope)
    return "" if account is None else account.caller_arn


def is_named(permit: Permit, project: Project) -> bool:
    """Whether a permit names a project; asks the database."""
    return bool(permit.projects.filter(pk=project.pk).exists())


def named_of(projects: Iterable[int]) -> Callable[[Permit, Project], bool]:
    """Return the same as `is_named` for these projects, all read at once."""
    rows = Permit.projects.through.objects.filter(project__in=list(projects))
    pairs = frozenset(rows.values_list("permit", "project"))
    return lambda permit, project: (permit.pk, project.pk) in pairs


def why_not(
    act: Act,
    account: Account,
    project: Project | None,
    named: Callable[[Permit, Project], bool] = is_named,
) -> str:
    """Return why an act is not allowed in an account for a project; "" where it is.

    named  whether a permit names a project: who judges many has them read before (`named_of`).
    """
    if account.paused or account.parked_at or account.removed_at:
        return AT_REST.format(name=account.name)
    permit = permit_of(account)
    if permit is None or not permit.acts:
        return READ_ONLY.format(name=account.name)
    if act.name not in permit.acts:
        return NOT_THIS.format(name=account.name)
    if permit.everyone:
        return ""
    if project is None:
        return NOT_NEW.format(name=account.name)
    if not named(permit, project):
        return NOT_HERE.format(name=account.name, project=project.name)
    return ""


def permit_of(account: Account) -> Permit | None:
    """Return what is allowed there; None where it is only read."""
    found: Any = getattr(account, "permit", None)
    return found if isinstance(found, Permit) else None


def permit_url(account: Account) -> str:
    """Path of the page on which an administrator allows it."""
    return reverse("deeds:permit", args=[account.pk])


def allowed_acts(permit: Permit | None) -> list[Act]:
    """Return the acts that a permit names and that are declared."""
    if permit is None:
        return []
    return [act for act in ACTS.by_name.values() if act.name in permit.acts]


def allow(  # noqa: PLR0913 - what a permit is
    account: Account,
    acts: Iterable[str],
    *,
    everyone: bool,
    projects: Iterable[int],
    by: Any,
    by_itself: bool = False,
) -> Permit:
    """Write down what may be done in an account; where that is nothing, it is only read."""
    names = [name for name in ACTS.by_name if name in set(acts)]
    with transaction.atomic():
        kept, _ = Permit.objects.update_or_create(
            account=account,
            defaults={
                "acts": names,
                "everyone": everyone,
                "by_itself": by_itself,
                "edited_at": now(),
            },
        )
        kept.projects.set([] if everyone else Project.objects.filter(pk__in=list(projects)))
        tell_allowed(account, by, in_words(kept))
    return kept


def in_words(permit: Permit) -> str:
    """Return what is allowed, in words: "Release change, Stop for every project"."""
    acts = [act.label for act in allowed_acts(permit)]
    if not acts:
        return "nothing, it is only read"
    whose = (
        "every project"
        if permit.everyone
        else ", ".join(permit.projects.values_list("name", flat=True))
    )
    return f"{', '.join(acts)} for {whose}"
