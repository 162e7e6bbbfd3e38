"""What people do to issues, in words, as it is recorded and stands in the activity of projects."""

from apps.audit.models import Outcome
from apps.audit.verbs import VERBS, Verb
from apps.audit.writing import record
from apps.people.models import profile_of
from apps.projects.told import SUBJECT

from .models import Deed

GROUP = "Issues"

MADE = VERBS.add(Verb("issue.made", "created issue {what}", GROUP, "circle-plus"))
SAID = VERBS.add(Verb("issue.said", "commented on {what}", GROUP, "message-square"))
MOVED = VERBS.add(Verb("issue.moved", "moved {what}", GROUP, "arrow-right-left"))
GIVEN = VERBS.add(Verb("issue.given", "assigned {what}", GROUP, "user-check"))

BY_WHAT = {
    Deed.What.CREATE: MADE,
    Deed.What.COMMENT: SAID,
    Deed.What.TRANSITION: MOVED,
    Deed.What.ASSIGN: GIVEN,
}
OUTCOMES = {
    Deed.Outcome.DONE: Outcome.DONE,
    Deed.Outcome.FAILED: Outcome.FAILED,
    Deed.Outcome.UNKNOWN: Outcome.UNKNOWN,
}
NOBODY = "nobody"


def tell(deed: Deed) -> None:
    """Record how a deed ended, in its own words; of texts only that they were written."""
    record(
        BY_WHAT[Deed.What(deed.what)],
        who=deed.who,
        name=profile_of(deed.who).name if deed.who else "",
        what=in_words(deed),
        subject=(SUBJECT, deed.project.pk) if deed.project else None,
        subject_name=deed.project.name if deed.project else "",
        outcome=OUTCOMES[Deed.Outcome(deed.outcome)],
        reason=deed.reason,
        detail={
            "deed": deed.pk,
            "issue": deed.issue.key if deed.issue else deed.made_key,
            "tracker": deed.tracker.key if deed.tracker else "",
            "about": f"{deed.about_kind}:{deed.about_id}" if deed.about_kind else "",
        },
    )


def in_words(deed: Deed) -> str:
    """Return what a deed was done with: "SHOP-12 to In Review"."""
    what, said = Deed.What(deed.what), deed.said
    if what == Deed.What.CREATE:
        return f"{deed.made_key or f'in {deed.tracker}'}: {said.get('title', '')}"
    key = deed.issue.key if deed.issue else ""
    if what == Deed.What.TRANSITION:
        return f"{key} to {said.get('to', '')}"
    if what == Deed.What.ASSIGN:
        return f"{key} to {said.get('name') or NOBODY}"
    return key
