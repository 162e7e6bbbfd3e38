"""Lets a page in by the reader's role in its project; a stranger is told that there is none."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from apps.people.rights import is_administrator

from .models import Project
from .roles import Role, at_least


@dataclass(frozen=True, slots=True)
class Here:
    """A project as one reader meets it: `role` is "" for an administrator who is not in it."""

    project: Project
    role: str
    administrator: bool

    def may(self, needed: Role) -> bool:
        """Whether the reader may do what takes this role; administrators may do all."""
        return self.administrator or at_least(self.role, needed)

    @property
    def edits(self) -> bool:
        """Whether they may write and lay out."""
        return self.may(Role.CONTRIBUTOR)

    @property
    def owns(self) -> bool:
        """Whether they may change who is in it, and what it is."""
        return self.may(Role.OWNER)


def here(request: HttpRequest, slug: str, needed: Role = Role.VIEWER) -> Here:
    """Return the project of an address for this reader.

    Raises Http404 where there is none that they may know of, or where their role does not do: what
    they cannot open has no link for them either.
    """
    rows = Project.objects.visible_to(request.user).with_role_of(request.user.pk)
    found: Any = get_object_or_404(rows, slug=slug)
    met = Here(found, found.role, is_administrator(request.user))
    # Who reads everything reads projects, too, without being in them.
    if needed is not Role.VIEWER and not met.may(needed):
        raise Http404("This takes another role.")
    return met
