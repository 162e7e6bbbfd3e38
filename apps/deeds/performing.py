"""Does the deeds that people asked for, and never does one twice.

Whoever performs a deed claims it by a conditional UPDATE. That it is about to be sent is written
down first: what was sent and not answered is sent again where its mark makes that the same deed and
whoever asked still may, and looked for where not. What cannot be found is `unknown` and left to a
person, because its effect may still come.
"""

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from apps.mirror.asking import hint

from . import things, told
from .acts import Act, Done, LaterError, Moved, RefusedError, Untold
from .models import Deed
from .rights import leave_in_its_name

log = logging.getLogger(__name__)

# Longer than a call with all its retries takes.
LEASE = timedelta(minutes=5)
# When the effect of what nobody answered is looked for: at once, and as often again as there are.
LOOKS = (timedelta(seconds=2), timedelta(seconds=10), timedelta(seconds=45))
# What was never sent is tried so often, each time later, for about an hour.
PAUSES = (5, 15, 60, 300, 900, 1800)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_REASON = 2000
UNTOLD = "It was sent, no answer came, and what it was to do is not to be found yet."
NOT_AGAIN = f"{UNTOLD} It is not sent again: "
GONE = "It is not there any more."
UNDECLARED = "This version does not know how to do it any more."
MAY_NOT = "Whoever asked for it may not do it any more."


def due(limit: int = 100) -> list[int]:
    """Return the deeds that wait to be done and that nobody is at."""
    at = now()
    rows = Deed.objects.filter(_free(at), outcome=Deed.Outcome.WAITING, not_before__lte=at)
    return list(rows.order_by("not_before", "pk").values_list("pk", flat=True)[:limit])


def _free(at: Any) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lt=at)


def perform(deed_id: int) -> None:
    """Do a deed, if nobody else is at it and it is due."""
    at = now()
    mine = Deed.objects.filter(_free(at), pk=deed_id, outcome=Deed.Outcome.WAITING)
    if not mine.filter(not_before__lte=at).update(claimed_until=at + LEASE):
        return
    rows = Deed.objects.select_related("scope", "project", "who__profile")
    deed = rows.get(pk=deed_id)
    act, row = deed.declared, things.load(deed.kind, deed.row_id)
    if act is None or row is None:
        outcome = Deed.Outcome.REFUSED if deed.begun_at is None else Deed.Outcome.UNKNOWN
        _end(deed, row, outcome, reason=UNDECLARED if act is None else GONE)
    elif deed.begun_at is not None:
        _go_on(deed, act, row)
    elif why := _why_not(deed, act, row):
        _end(deed, row, Deed.Outcome.REFUSED, reason=why)
    else:
        _begin(deed, act, row)


def _why_not(deed: Deed, act: Act, row: Any) -> str:
    """Return why it may not be done by now: rights and permits may have changed since."""
    if deed.who is None or not deed.who.is_active:
        return MAY_NOT
    given = leave_in_its_name(deed, act, row)
    if given.standing is None:
        return given.why or MAY_NOT
    return ""


def _begin(deed: Deed, act: Act, row: Any) -> None:
    """Send it, where the thing stands as the person saw it."""
    try:
        stands = act.doer.stands(deed, row)
    except RefusedError as error:
        _refuse(deed, row, error)
        return
    except LaterError as error:
        _later(deed, row, error)
        return
    except Exception as error:  # noqa: BLE001 - nothing was sent yet
        log.warning("deeds.unread", extra={"deed": deed.pk, "error": type(error).__name__})
        _later(deed, row, LaterError(f"How it stands could not be read ({type(error).__name__})."))
        return
    if isinstance(stands, Moved):
        _end(deed, row, Deed.Outcome.REFUSED, reason=stands.told)
    elif stands is not None:
        _done(deed, row, stands)
    # From here on it may have been done, whatever becomes of this process.
    elif _keep(deed, begun_at=now(), again=False):
        _send(deed, act, row)


def _send(deed: Deed, act: Act, row: Any, *, once_more: bool = False) -> None:
    try:
        done = act.doer.send(deed, row)
    except RefusedError as error:
        if once_more:
            # Of what was sent before it, this says nothing.
            _look(deed, act, row)
        else:
            _refuse(deed, row, error)
    except LaterError as error:
        if not once_more:
            deed.begun_at = None
        _later(deed, row, error)
    except Exception as error:  # noqa: BLE001 - whatever it was, it may have been done
        log.warning("deeds.unsure", extra={"deed": deed.pk, "error": type(error).__name__})
        _look_later(deed, row)
    else:
        _done(deed, row, done)


def _go_on(deed: Deed, act: Act, row: Any) -> None:
    """Go on with what was sent and not answered; what a person decided on is looked for first."""
    repeats, begun = act.doer.repeats, deed.begun_at
    decided = deed.looked or deed.again
    if decided or repeats is None or begun is None or now() - begun >= repeats:
        _look(deed, act, row)
    elif why := _why_not(deed, act, row):
        _look(deed, act, row, untold=f"{NOT_AGAIN}{why}")
    else:
        _send(deed, act, row, once_more=True)


def _look(deed: Deed, act: Act, row: Any, *, untold: str = UNTOLD) -> None:
    """Look for the effect; `untold` is how it ends where that is never found."""
    try:
        done = act.doer.found(deed, row)
    except LaterError as error:
        _later(deed, row, error)
        return
    except Exception as error:  # noqa: BLE001 - nobody knows more than before
        log.warning("deeds.unseen", extra={"deed": deed.pk, "error": type(error).__name__})
        _look_later(deed, row, untold)
        return
    if isinstance(done, Untold) and not (deed.again and deed.reason == done.told):
        _end(deed, row, Deed.Outcome.UNKNOWN, reason=done.told)
    elif isinstance(done, Done):
        _done(deed, row, done)
    elif deed.again:
        # A person said so: it is not there, or is what they were told and say is not of this.
        deed.begun_at, deed.looks = None, 0
        _wait(deed, timedelta(0))
    else:
        _look_later(deed, row, untold)


def _look_later(deed: Deed, row: Any, untold: str = UNTOLD) -> None:
    if deed.looks >= len(LOOKS):
        _end(deed, row, Deed.Outcome.UNKNOWN, reason=untold)
        return
    deed.looks += 1
    _wait(deed, LOOKS[deed.looks - 1])


def _later(deed: Deed, row: Any, error: LaterError) -> None:
    if deed.tries >= len(PAUSES):
        if deed.begun_at is None:
            _end(deed, row, Deed.Outcome.FAILED, reason=str(error))
        else:
            _end(deed, row, Deed.Outcome.UNKNOWN, reason=UNTOLD)
        return
    pause = error.after or timedelta(seconds=PAUSES[deed.tries])
    deed.tries += 1
    deed.reason = str(error)[:LONGEST_REASON]
    _wait(deed, min(pause, LONGEST_PAUSE))


def _wait(deed: Deed, pause: timedelta) -> None:
    values = {name: getattr(deed, name) for name in ("begun_at", "looks", "tries", "reason")}
    _keep(deed, not_before=now() + pause, claimed_until=None, **values)


def _keep(deed: Deed, **values: Any) -> bool:
    """Write these down where the deed is still ours: of two that are at it one comes too late."""
    rows = Deed.objects.filter(pk=deed.pk, outcome=Deed.Outcome.WAITING)
    kept = bool(rows.filter(claimed_until=deed.claimed_until).update(**values))
    for name, value in values.items():
        setattr(deed, name, value)
    return kept


def _refuse(deed: Deed, row: Any, error: RefusedError) -> None:
    deed.request_id, deed.cure = error.request[:128], error.cure[:LONGEST_REASON]
    _end(deed, row, Deed.Outcome.REFUSED, reason=str(error))


def _done(deed: Deed, row: Any, done: Done) -> None:
    made = {"kind": done.kind, "key": done.key, "name": done.name, "url": done.url}
    deed.made = {name: value for name, value in made.items() if value}
    deed.request_id, deed.told = done.request[:128], done.told[:LONGEST_REASON]
    _end(deed, row, Deed.Outcome.DONE)


def _end(deed: Deed, row: Any, outcome: Deed.Outcome, reason: str = "") -> None:
    """Write down how it ended, and let what it is about be read again."""
    names = ("made", "request_id", "cure", "told", "begun_at")
    kept = {name: getattr(deed, name) for name in names}
    ended = {"outcome": outcome, "reason": reason[:LONGEST_REASON], "ended_at": now()}
    with transaction.atomic():
        if not _keep(deed, claimed_until=None, **ended, **kept):
            return
        told.tell(deed)
        # What was refused may have been so because the thing moved.
        reread(deed, row)


def reread(deed: Deed, row: Any) -> None:
    """Ask for a re-read of what a deed is about."""
    act = deed.declared
    if act is not None and row is not None and deed.scope is not None:
        hint(deed.scope, act.names(deed, row))
