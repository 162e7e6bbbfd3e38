"""Lets deeds be done: a row first, which a task does; see `performing`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.timezone import now

from . import things
from .acts import Act
from .models import Deed, Within, new_mark
from .performing import LOOKS
from .rights import Standing
from .tasks import perform_deed
from .told import tell, tell_decided


class MarkTakenError(ValueError):
    """The mark of a form is another person's deed, or one of another kind."""


class OnItsWayError(ValueError):
    """The same is being done to the same thing already: `deed` is that."""

    def __init__(self, deed: Deed) -> None:
        super().__init__(f"{deed.label} is on its way already.")
        self.deed = deed


def ask(  # noqa: PLR0913 - what a deed is
    act: Act,
    row: Any,
    *,
    who: Any,
    standing: Standing,
    who_name: str,
    said: Mapping[str, Any] | None = None,
    seen: Mapping[str, Any] | None = None,
    why: str = "",
    mark: UUID | None = None,
    about: tuple[str, int, str] | None = None,
) -> Deed:
    """Let something be done; the caller saw to it that the person may.

    about  (kind, id, what people call it) of what failed, for which it is done.
    A form that was sent twice is one deed: its mark tells. Raises MarkTakenError where the mark is
    somebody else's, OnItsWayError where another one is at the same thing.
    """
    values = {
        "act": act.name,
        "kind": act.kind,
        "row_id": row.pk,
        "name": act.called(row)[:300],
        "scope": row.scope,
        "place": place_of(row.scope),
        "project": standing.project,
        "project_name": standing.project.name if standing.project else "",
        "who": who,
        "who_name": who_name[:150],
        "role": standing.called,
        "why": why,
        "said": dict(said or {}),
        "seen": dict(seen or {}),
        "alone": act.alone,
        "about_kind": about[0] if about else "",
        "about_id": about[1] if about else None,
        "about_name": about[2][:300] if about else "",
    }
    mark = mark or new_mark()
    try:
        with transaction.atomic():
            deed, fresh = Deed.objects.get_or_create(mark=mark, defaults=values)
            if fresh:
                above = [one for one in things.within(act.kind, row) if one != (act.kind, row.pk)]
                Within.objects.bulk_create(
                    Within(deed=deed, kind=kind, row_id=pk) for kind, pk in above
                )
                soon(deed)
    except IntegrityError:
        first = Deed.objects.filter(
            act=act.name, kind=act.kind, row_id=row.pk, outcome=Deed.Outcome.WAITING, alone=True
        ).first()
        if first is None:
            raise
        raise OnItsWayError(first) from None
    if deed.who_id != who.pk or (deed.act, deed.row_id) != (act.name, row.pk):
        raise MarkTakenError("This mark is another one's.")
    return deed


def place_of(scope: Any) -> str:
    """Return where something is, in words: "111122223333 · eu-west-1"."""
    if scope is None:
        return ""
    words = (scope.account or scope.place, scope.region)
    return " · ".join(word for word in words if word)[:200]


def withdraw(deed: Deed, why: str) -> bool:
    """End a deed that nobody is at and that was never sent; False for any other."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=now())
    rows = Deed.objects.filter(free, pk=deed.pk, outcome=Deed.Outcome.WAITING, begun_at=None)
    with transaction.atomic():
        ended = rows.update(outcome=Deed.Outcome.REFUSED, reason=why, ended_at=now())
        if ended:
            deed.refresh_from_db()
            tell(deed)
    return bool(ended)


def look_again(deed: Deed, by: Any = None) -> bool:
    """Look once more for what an unknown deed was to do; False where it is no longer unknown.

    Nothing is sent, even while AWS would take the deed's mark for the same request.
    """
    return _from_unknown(deed, by)


def do_again(deed: Deed, by: Any = None) -> bool:
    """Send an unknown deed once more, because a person says that it had no effect.

    The effect is looked for once more first; see `performing`.
    """
    return _from_unknown(deed, by, again=True)


def settle(deed: Deed, *, done: bool, by: str) -> bool:
    """End an unknown deed as a person says that it ended; False where it is no longer unknown."""
    outcome = Deed.Outcome.DONE if done else Deed.Outcome.FAILED
    words = f"{by} looked, and says that it was {'done' if done else 'not done'}."
    rows = Deed.objects.filter(pk=deed.pk, outcome=Deed.Outcome.UNKNOWN)
    with transaction.atomic():
        settled = rows.update(
            outcome=outcome,
            told=words if done else "",
            reason="" if done else words,
            ended_at=now(),
        )
        if settled:
            deed.refresh_from_db()
            tell(deed)
    return bool(settled)


def _from_unknown(deed: Deed, by: Any, *, again: bool = False) -> bool:
    rows = Deed.objects.filter(pk=deed.pk, outcome=Deed.Outcome.UNKNOWN)
    try:
        with transaction.atomic():
            taken = rows.update(
                outcome=Deed.Outcome.WAITING,
                # What they were told stands there: where it still does, it is sent all the same.
                reason=deed.reason if again else "",
                ended_at=None,
                # Who says that it had no effect is not kept waiting for it.
                looks=len(LOOKS) if again else 0,
                not_before=now(),
                claimed_until=None,
                again=again,
                looked=not again,
            )
            if taken:
                tell_decided(deed, by, again=again)
                soon(deed)
    except IntegrityError:
        # Another one of the same is on its way: this one waits for its end.
        return False
    return bool(taken)


def soon(deed: Deed) -> None:
    """Have a worker do it as soon as it is certain."""
    transaction.on_commit(lambda: perform_deed.delay(deed.pk))
