"""Lets deeds on issues be done: rows of `apps.deeds`, which its tasks do; see `doing`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.deeds import asking
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from apps.deeds.rights import Standing, standings
from apps.people.models import profile_of
from apps.projects.models import Project

from .models import Issue, Tracker


def may(
    user: Any, name: str, on: Issue | Tracker, project: Project | None = None
) -> Standing | None:
    """Return in whose name somebody may do an act, of a project's alone where one is given.

    None where they may not.
    """
    act = ACTS.by_name[name]
    able = (one for one in standings(user, act.kind, on) if one.role.rank >= act.needed.rank)
    return next((one for one in able if project is None or one.project == project), None)


def ask(  # noqa: PLR0913 - what a deed is
    name: str,
    on: Issue | Tracker,
    said: Mapping[str, Any],
    *,
    who: Any,
    project: Project | None = None,
    mark: UUID | None = None,
    about: tuple[str, int, str] | None = None,
) -> Deed:
    """Let something be done; the caller saw to it that the person may.

    A form that was sent twice is one deed: its mark tells. Raises ValueError where the mark is
    somebody else's.
    """
    standing = may(who, name, on, project)
    if standing is None:
        raise ValueError("This takes another role.")
    return asking.ask(
        ACTS.by_name[name],
        on,
        who=who,
        who_name=profile_of(who).name,
        standing=standing,
        said=said,
        mark=mark,
        about=about,
    )
