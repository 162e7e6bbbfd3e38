"""How deeds are recorded, and what was allowed, in words."""

from typing import Any

from apps.audit.models import Outcome
from apps.audit.verbs import VERBS, Verb
from apps.audit.writing import record
from apps.aws.models import Account
from apps.aws.told import tell as tell_of_account
from apps.people.authors import author
from apps.projects.told import SUBJECT

from .acts import ACTIVITY
from .models import Deed

DECIDED = VERBS.add(
    Verb("deed.decided", "decided on what nobody knew: {what}", ACTIVITY, "circle-question-mark")
)
ALLOWED = VERBS.add(Verb("account.deeds", "set what may be done there: {what}", icon="shield"))

OUTCOMES = {
    Deed.Outcome.DONE: Outcome.DONE,
    Deed.Outcome.REFUSED: Outcome.REFUSED,
    Deed.Outcome.FAILED: Outcome.FAILED,
    Deed.Outcome.UNKNOWN: Outcome.UNKNOWN,
}


def tell(deed: Deed) -> None:
    """Record how a deed ended; call it in the transaction that ends it."""
    record(
        VERBS.of(deed.act),
        who=deed.who,
        name=deed.who_name,
        what=deed.declared.words(deed) if deed.declared else deed.name,
        subject=(SUBJECT, deed.project_id) if deed.project_id else None,
        subject_name=deed.project_name,
        outcome=OUTCOMES[Deed.Outcome(deed.outcome)],
        # What was so already is told before why: nobody did it by this.
        reason=deed.reason or (deed.begun_at is None and deed.told) or deed.why,
        detail={
            "deed": deed.pk,
            "act": deed.act,
            "on": f"{deed.kind}:{deed.row_id}",
            "place": deed.place,
            "role": deed.role,
            "request": deed.request_id,
            "made": deed.made.get("key", ""),
            "about": f"{deed.about_kind}:{deed.about_id}" if deed.about_kind else "",
        },
    )


def tell_decided(deed: Deed, by: Any, *, again: bool) -> None:
    """Record that somebody had an unknown deed looked for, or sent, once more."""
    record(
        DECIDED,
        **author(by),
        what=f"{deed.label}: {deed.name}, to be {'sent' if again else 'looked for'} again",
        subject=(SUBJECT, deed.project_id) if deed.project_id else None,
        subject_name=deed.project_name,
        detail={"deed": deed.pk, "act": deed.act},
    )


def tell_allowed(account: Account, by: Any, what: str) -> None:
    """Record that somebody changed what may be done in an account."""
    tell_of_account(account, ALLOWED, by, what)
