"""What people do to projects and who is in them, in words, as it is recorded and read."""

from collections.abc import Mapping
from typing import Any

from apps.audit.models import Outcome, Record
from apps.audit.verbs import VERBS, Verb
from apps.audit.writing import record
from apps.people.models import profile_of

from .models import Project

# What records of projects are about.
SUBJECT = "project"
# What the activity of a project is narrowed by.
TEAM, RESOURCES = "Team", "Resources"

MADE = VERBS.add(Verb("project.made", "made the project", TEAM, "folder-plus"))
EDITED = VERBS.add(Verb("project.edited", "changed {what}", TEAM, "pencil"))
DELETED = VERBS.add(Verb("project.deleted", "deleted the project", TEAM, "trash-2"))
ADDED = VERBS.add(Verb("project.added", "added {what}", TEAM, "user-plus"))
JOINED = VERBS.add(Verb("project.joined", "joined as {what}", TEAM, "user-plus"))
RAISED = VERBS.add(Verb("project.raised", "became {what} by an invitation", TEAM, "user-plus"))
ROLE = VERBS.add(Verb("project.role", "changed the role of {what}", TEAM, "user-cog"))
REMOVED = VERBS.add(Verb("project.removed", "removed {what}", TEAM, "user-minus"))
LEFT = VERBS.add(Verb("project.left", "left, having been {what}", TEAM, "log-out"))
INVITED = VERBS.add(Verb("project.invited", "made an invitation: {what}", TEAM, "link"))
WITHDREW = VERBS.add(Verb("project.withdrew", "withdrew an invitation: {what}", TEAM, "x"))


def tell(  # noqa: PLR0913 - what may be said of it
    project: Project,
    verb: Verb,
    by: Any,
    what: str = "",
    *,
    outcome: Outcome = Outcome.DONE,
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
) -> Record:
    """Record what `by` did to a project; None for what the house did by itself."""
    return record(
        verb,
        who=by,
        name="" if by is None else called(by),
        what=what,
        subject=(SUBJECT, project.pk),
        subject_name=project.name,
        outcome=outcome,
        reason=reason,
        detail=detail,
    )


def called(user: Any) -> str:
    """What somebody is called now."""
    name: str = profile_of(user).name
    return name
