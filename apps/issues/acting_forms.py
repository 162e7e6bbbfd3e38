"""What a reader may do about an issue: the forms of its page, and what became of earlier ones."""

from typing import Any

from django.core.cache import cache

from apps.deeds.offers import deeds_on as deeds_of
from apps.projects.acting import project_for

from .acting import KEEPERS, Person
from .assignable import kept_people, known_people
from .forms import AssignForm, CommentForm, MoveForm
from .kinds import ISSUE
from .models import Issue, Tracker
from .tasks import read_people

# Whom the keeper names is asked for so often at most (seconds).
ASKED = 60


def people_of(tracker: Tracker | None) -> list[Person]:
    """Return whom the keeper named lately; else whom the mirror knows, and have it asked.

    Pages don't wait for the keeper: who opens the form first sees whom issues are assigned to now.
    """
    if tracker is None:
        return []
    known = kept_people(tracker)
    if known is None:
        if cache.add(f"issues:people-asked:{tracker.pk}", 1, timeout=ASKED):
            read_people.delay(tracker.pk)
        known = known_people(tracker)
    people = {str(one): Person(str(one), str(name)) for one, name in known}
    return sorted(people.values(), key=lambda one: (one.name.lower(), one.id))


def acts_on(user: Any, issue: Issue) -> dict[str, Any]:
    """Return the forms by which a reader may act: {} for who may not, or where nobody can.

    Where the site's switch is off, only `why_not` is told, and to nobody else.
    """
    if issue.gone_at is not None or issue.scope.provider not in KEEPERS.by_provider:
        return {}
    project = project_for(user, issue)
    if project is None:
        return {}
    why_not = KEEPERS.why_not(issue.scope)
    if why_not:
        return {"why_not": why_not}
    return {
        "project": project,
        "comment": CommentForm(auto_id="id_comment_%s"),
        "move": MoveForm(issue=issue, auto_id="id_move_%s") if issue.transitions else None,
        "assign": AssignForm(issue=issue, people=people_of(issue.tracker), auto_id="id_assign_%s"),
    }


def deeds_on(user: Any, issue: Issue) -> dict[str, Any]:
    """Return what of the deeds on an issue is still to be told, and whether something is to come.

    Who sees the issue sees what was asked for; only who may act is asked to decide.
    """
    told = deeds_of(user, ISSUE, issue, ())
    return {
        "deeds": told["deeds"],
        "deeds_move": told["moves"],
        "decides": bool(told["deeds"]) and project_for(user, issue) is not None,
    }
