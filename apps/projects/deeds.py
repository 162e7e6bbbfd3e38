"""What people do to projects and their members: each whole or not at all, refused in a sentence."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from apps.people.models import hash_of

from . import told
from .generations import begin_another
from .models import Invitation, Membership, Project
from .roles import Role
from .slugs import slug_for

# How long an invitation opens.
GOOD_FOR = timedelta(days=7)
TRIES = 5
NAMED_SO = "Another project has this name. Give it another one."
LAST_OWNER = (
    "This is the project's last owner: without one nobody could look after it. Make somebody else "
    "an owner first."
)


class RefusedError(Exception):
    """Why something is not done, in a sentence for whoever wanted it."""


class OvertakenError(Exception):
    """Somebody changed it meanwhile: `newest` is how it is now."""

    def __init__(self, newest: Any) -> None:
        super().__init__("overtaken")
        self.newest = newest


def create(user: Any, values: Mapping[str, Any], *, by_itself: bool = False) -> Project:
    """Make a project whose owner is this user, or `by_itself` where they were not asked.

    Raises RefusedError where they know another one of the name.
    """
    if Project.named(values["name"], user).exists():
        raise RefusedError(NAMED_SO)
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                project = Project.objects.create(slug=slug_for(values["name"], user), **values)
                Membership.objects.create(project=project, user=user, role=Role.OWNER)
                told.tell(project, told.MADE, None if by_itself else user)
                begin_another()
        except IntegrityError:
            # Two made one at once: the other has the place in addresses.
            continue
        return project
    raise RefusedError("Several projects were made at this moment. Try again.")


def edit(
    project: Project, values: Mapping[str, Any], *, base: str | None = None, by: Any = None
) -> None:
    """Change what a project says of itself, for who saw it as it was at `base` (`stamp_of`).

    base  None where nobody looked at it first. Raises OvertakenError where somebody changed it
          since, and RefusedError where it is there no more; nothing is written then.
    """
    with transaction.atomic():
        found = Project.objects.select_for_update().order_by().filter(pk=project.pk).first()
        if found is None:
            raise RefusedError("The project was deleted meanwhile.")
        if base is not None and stamp_of(found) != base:
            raise OvertakenError(found)
        changed = [name for name, value in values.items() if getattr(found, name) != value]
        Project.objects.filter(pk=project.pk).update(**values, edited_at=now())
        if changed:
            told.tell(found, told.EDITED, by, _changed(found, values, changed))
        begin_another()


def stamp_of(project: Project) -> str:
    """What tells one version of a project's settings from the next."""
    return project.edited_at.isoformat()


def _changed(project: Project, values: Mapping[str, Any], changed: Sequence[str]) -> str:
    parts = [f"its {name}" for name in changed if name != "name"]
    if "name" in changed:
        parts.insert(0, f"its name from {project.name} to {values['name']}")
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def delete(project: Project, *, by: Any = None) -> None:
    """Delete a project with what people wrote and agreed here; nothing in AWS is touched."""
    with transaction.atomic():
        gone, _ = Project.objects.filter(pk=project.pk).delete()
        if gone:
            told.tell(project, told.DELETED, by)
        begin_another()


def _owners(project: Project) -> Sequence[int]:
    """The users who own a project and can come in.

    Nobody else changes its members until the transaction ends.
    """
    list(Project.objects.select_for_update().filter(pk=project.pk).order_by())
    rows = Membership.objects.filter(project=project, role=Role.OWNER, user__is_active=True)
    return list(rows.values_list("user", flat=True))


def _member(project: Project, user_id: int) -> Membership | None:
    rows = Membership.objects.filter(project=project, user=user_id)
    return rows.select_related("user__profile").first()


def set_role(project: Project, user_id: int, role: Role, *, by: Any = None) -> None:
    """Give a member another role. Raises RefusedError for the last owner, or no member."""
    with transaction.atomic():
        if role is not Role.OWNER and list(_owners(project)) == [user_id]:
            raise RefusedError(LAST_OWNER)
        known = _member(project, user_id)
        if known is None:
            raise RefusedError("They are in this project no longer.")
        if known.role != role:
            Membership.objects.filter(pk=known.pk).update(role=role)
            what = f"{told.called(known.user)} from {known.role} to {role}"
            told.tell(project, told.ROLE, by, what, detail={"user": user_id, "role": role})
        begin_another()


def remove(project: Project, user_id: int, *, by: Any = None) -> None:
    """Take somebody out of a project; pages of it that they have open end at once."""
    with transaction.atomic():
        if list(_owners(project)) == [user_id]:
            raise RefusedError(LAST_OWNER)
        known = _member(project, user_id)
        if known is not None:
            known.delete()
            left = by is not None and by.pk == user_id
            verb, name = (told.LEFT, "") if left else (told.REMOVED, told.called(known.user))
            what = known.role if left else f"{name} ({known.role})"
            told.tell(project, verb, by, what, detail={"user": user_id, "role": known.role})
        begin_another()


def add(project: Project, user: Any, role: Role, *, by: Any = None) -> None:
    """Put somebody into a project. Raises RefusedError where they are in it."""
    try:
        with transaction.atomic():
            Membership.objects.create(project=project, user=user, role=role)
            what = f"{told.called(user)} as {role}"
            told.tell(project, told.ADDED, by, what, detail={"user": user.pk, "role": role})
            begin_another()
    except IntegrityError:
        raise RefusedError(
            f"{user.get_username()} is in this project already. Change the role in the list."
        ) from None


def invite(project: Project, by: Any, role: Role, note: str = "") -> str:
    """Return the token of a new invitation: the only time that it can be had."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        made = Invitation.objects.create(
            project=project,
            role=role,
            note=note,
            token_hash=hash_of(token),
            created_by=by,
            expires_at=now() + GOOD_FOR,
        )
        told.tell(project, told.INVITED, by, _words(made), detail={"invitation": made.pk})
    return token


def _words(invitation: Invitation) -> str:
    return invitation.role + (f", for {invitation.note}" if invitation.note else "")


def join(invitation: Invitation, user: Any) -> Role:
    """Use an invitation up and return what the user is in the project now.

    Whoever is in it keeps the higher role, and the link is used up all the same. Raises
    RefusedError where somebody was quicker, or its time is over.
    """
    with transaction.atomic():
        usable = Invitation.open().filter(pk=invitation.pk)
        if not usable.update(used_at=now(), used_by=user):
            raise RefusedError("This invitation was used already, or its time is over.")
        role = Role(invitation.role)
        known, fresh = Membership.objects.get_or_create(
            project_id=invitation.project_id, user=user, defaults={"role": role}
        )
        detail = {"invitation": invitation.pk, "role": role}
        if fresh:
            told.tell(invitation.project, told.JOINED, user, role, detail=detail)
        elif Role(known.role).rank < role.rank:
            Membership.objects.filter(pk=known.pk).update(role=role)
            told.tell(invitation.project, told.RAISED, user, role, detail=detail)
        else:
            role = Role(known.role)
        begin_another()
    return role


def withdraw(project: Project, invitation_id: int, *, by: Any = None) -> None:
    """Let an invitation open nothing any more."""
    with transaction.atomic():
        found = Invitation.open().filter(project=project, pk=invitation_id).first()
        if found is not None and Invitation.open().filter(pk=found.pk).delete()[0]:
            told.tell(project, told.WITHDREW, by, _words(found), detail={"invitation": found.pk})
