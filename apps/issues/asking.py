"""Lets deeds on issues be done: a row first, which a task does; see `deeds`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from apps.projects.models import Project

from .deeds import LOOKS
from .models import Deed, Issue, Tracker
from .tasks import perform_deed


def ask(  # noqa: PLR0913 - what a deed is
    what: Deed.What,
    on: Issue | Tracker,
    said: Mapping[str, Any],
    *,
    who: Any,
    project: Project | None,
    mark: UUID | None = None,
    about: tuple[str, int, str] | None = None,
) -> Deed:
    """Let something be done; the caller saw to it that the person may.

    A form that was sent twice is one deed: its mark tells. Raises ValueError where the mark is
    somebody else's.
    """
    kind, row_id, name = about or ("", None, "")
    values = {
        "what": what,
        "who": who,
        "project": project,
        "issue": on if isinstance(on, Issue) else None,
        "tracker": on if isinstance(on, Tracker) else on.tracker,
        "said": dict(said),
        "about_kind": kind,
        "about_id": row_id,
        "about_name": name[:300],
    }
    with transaction.atomic():
        if mark is None:
            deed, fresh = Deed.objects.create(**values), True
        else:
            deed, fresh = Deed.objects.get_or_create(mark=mark, defaults=values)
        if deed.who_id != who.pk:
            raise ValueError("This mark is another one's.")
        if fresh:
            _soon(deed)
    return deed


def look_again(deed: Deed) -> bool:
    """Look once more for what an unknown deed was to do; False where it is no longer unknown."""
    return _from_unknown(deed)


def do_again(deed: Deed) -> bool:
    """Send an unknown deed once more, because a person says that it had no effect.

    The effect is looked for once more first; see `perform`.
    """
    return _from_unknown(deed, again=True)


def _from_unknown(deed: Deed, *, again: bool = False) -> bool:
    rows = Deed.objects.filter(pk=deed.pk, outcome=Deed.Outcome.UNKNOWN)
    # Who says that it had no effect is not kept waiting for it.
    looks = len(LOOKS) if again else 0
    with transaction.atomic():
        taken = rows.update(
            outcome=Deed.Outcome.WAITING,
            reason="",
            ended_at=None,
            looks=looks,
            not_before=now(),
            claimed_until=None,
            said={**deed.said, "again": again},
        )
        if taken:
            _soon(deed)
    return bool(taken)


def _soon(deed: Deed) -> None:
    transaction.on_commit(lambda: perform_deed.delay(deed.pk))
