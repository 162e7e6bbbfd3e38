"""Does the deeds that people asked for on issues, and never does one twice.

    form ──ask──▶ Deed ──perform──▶ keeper ──▶ record and keyed re-read

Whoever performs a deed claims it by a conditional UPDATE. That it is about to be sent is written
down first: what was sent and not answered is looked for before anything else, and what cannot be
found is `unknown` and left to a person, because its effect may still come.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from apps.mirror.asking import hint
from apps.mirror.resource import REGISTER, Names

from . import told
from .acting import KEEPERS, Draft, Keeper, LaterError, Made, RefusedError
from .models import Deed, Issue
from .rights import project_for
from .signed import signed

log = logging.getLogger(__name__)

# Longer than a call with all its retries takes.
LEASE = timedelta(minutes=5)
# When the effect of what nobody answered is looked for: at once, and as often again as there are.
LOOKS = (timedelta(seconds=2), timedelta(seconds=10), timedelta(seconds=45))
# What was never sent is tried so often, each time later, for about an hour.
PAUSES = (5, 15, 60, 300, 900, 1800)
LONGEST_PAUSE = timedelta(hours=1)
# Clocks differ, and the keeper's tells when something was made.
BEFORE = timedelta(minutes=5)
LONGEST_REASON = 2000
UNTOLD = "It was sent, no answer came, and what it was to do is not to be found yet."


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
    rows = Deed.objects.select_related("issue__scope", "tracker__scope", "project", "who__profile")
    deed = rows.get(pk=deed_id)
    on: Any = deed.on
    keeper = KEEPERS.by_provider.get(on.scope.provider)
    why = _why_not(deed) if deed.begun_at is None else ""
    if keeper is None or why:
        _end(deed, Deed.Outcome.FAILED, reason=why or KEEPERS.why_not(on.scope))
    elif deed.begun_at is not None:
        _look(deed, keeper)
    else:
        _send(deed, keeper)


def _why_not(deed: Deed) -> str:
    """Return why it may not be done by now: rights and switches may have changed since."""
    on: Any = deed.on
    if deed.who is None or not deed.who.is_active or project_for(deed.who, on) is None:
        return "Whoever asked for it may not do it any more."
    return KEEPERS.why_not(on.scope)


def _send(deed: Deed, keeper: Keeper) -> None:
    instead = _before(deed, keeper)
    if instead is not None:
        instead()
        return
    # From here on it may have been done, whatever becomes of this process.
    if not _keep(deed, begun_at=now()):
        return
    try:
        made = _do(deed, keeper)
    except RefusedError as error:
        _end(deed, Deed.Outcome.FAILED, reason=str(error))
    except LaterError as error:
        deed.begun_at = None
        _later(deed, error)
    except Exception as error:  # noqa: BLE001 - whatever it was, it may have been done
        log.warning("issues.unsure", extra={"deed": deed.pk, "error": type(error).__name__})
        _look_later(deed)
    else:
        _done(deed, made)


def _before(deed: Deed, keeper: Keeper) -> Callable[[], None] | None:
    """Return what to do instead of sending, None where the issue stands as the person saw it."""
    if deed.what not in (Deed.What.TRANSITION, Deed.What.ASSIGN) or deed.issue is None:
        return None
    try:
        stands = keeper.standing(deed.issue)
    except RefusedError as error:
        reason = str(error)
        return lambda: _end(deed, Deed.Outcome.FAILED, reason=reason)
    except LaterError as error:
        later = error
        return lambda: _later(deed, later)
    except Exception as error:  # noqa: BLE001 - nothing was sent yet
        unsure = LaterError(f"{type(error).__name__}: how the issue stands could not be read.")
        return lambda: _later(deed, unsure)
    if _there(deed, stands):
        return lambda: _done(deed, Made())
    now_at = stands.status if deed.what == Deed.What.TRANSITION else stands.assignee_id
    if now_at != deed.said.get("before", now_at):
        words = {
            Deed.What.TRANSITION: f"It is {stands.status} by now: somebody moved it meanwhile.",
            Deed.What.ASSIGN: "Somebody assigned it to somebody else meanwhile.",
        }[Deed.What(deed.what)]
        return lambda: _end(deed, Deed.Outcome.FAILED, reason=words)
    return None


def _do(deed: Deed, keeper: Keeper) -> Made:
    said, what = deed.said, deed.what
    if what == Deed.What.CREATE and deed.tracker is not None:
        draft = Draft(
            title=said["title"],
            text=signed(said["text"], deed.who),
            type=said.get("type", ""),
            labels=said.get("labels", ()),
        )
        return keeper.create(deed.tracker, draft, deed.bears)
    assert deed.issue is not None
    if what == Deed.What.COMMENT:
        return keeper.comment(deed.issue, signed(said["text"], deed.who), deed.bears)
    if what == Deed.What.TRANSITION:
        keeper.transition(deed.issue, said["transition"])
    else:
        keeper.assign(deed.issue, said["person"])
    return Made()


def _there(deed: Deed, stands: Any) -> bool:
    if deed.what == Deed.What.TRANSITION:
        return bool(stands.status == deed.said["to"])
    return bool(stands.assignee_id == deed.said["person"])


def _found(deed: Deed, keeper: Keeper) -> Made | None:
    """Return what came of a deed that was sent, None where nothing is to be found."""
    since = (deed.begun_at or deed.asked_at) - BEFORE
    if deed.what == Deed.What.CREATE and deed.tracker is not None:
        return keeper.made(deed.tracker, deed.bears, since)
    assert deed.issue is not None
    if deed.what == Deed.What.COMMENT:
        return keeper.said(deed.issue, deed.bears, since)
    return Made() if _there(deed, keeper.standing(deed.issue)) else None


def _look(deed: Deed, keeper: Keeper) -> None:
    """Look for the effect of what was sent and not answered."""
    try:
        made = _found(deed, keeper)
    except LaterError as error:
        _later(deed, error)
        return
    except Exception as error:  # noqa: BLE001 - nobody knows more than before
        log.warning("issues.unseen", extra={"deed": deed.pk, "error": type(error).__name__})
        _look_later(deed)
        return
    if made is not None:
        _done(deed, made)
    elif deed.said.get("again"):
        # A person said so: it is not there, now it is sent anew.
        deed.begun_at, deed.said = None, {**deed.said, "again": False}
        deed.looks = 0
        _wait(deed, timedelta(0))
    else:
        _look_later(deed)


def _look_later(deed: Deed) -> None:
    if deed.looks >= len(LOOKS):
        _end(deed, Deed.Outcome.UNKNOWN, reason=UNTOLD)
        return
    deed.looks += 1
    _wait(deed, LOOKS[deed.looks - 1])


def _later(deed: Deed, error: LaterError) -> None:
    if deed.tries >= len(PAUSES):
        if deed.begun_at is None:
            _end(deed, Deed.Outcome.FAILED, reason=str(error))
        else:
            _end(deed, Deed.Outcome.UNKNOWN, reason=UNTOLD)
        return
    pause = error.after or timedelta(seconds=PAUSES[deed.tries])
    deed.tries += 1
    deed.reason = str(error)[:LONGEST_REASON]
    _wait(deed, min(pause, LONGEST_PAUSE))


def _wait(deed: Deed, pause: timedelta) -> None:
    kept = ("begun_at", "looks", "tries", "reason", "said")
    values = {name: getattr(deed, name) for name in kept}
    _keep(deed, not_before=now() + pause, claimed_until=None, **values)


def _keep(deed: Deed, **values: Any) -> bool:
    """Write these down where the deed is still ours: of two that are at it one comes too late."""
    rows = Deed.objects.filter(pk=deed.pk, outcome=Deed.Outcome.WAITING)
    kept = bool(rows.filter(claimed_until=deed.claimed_until).update(**values))
    for name, value in values.items():
        setattr(deed, name, value)
    return kept


def _done(deed: Deed, made: Made) -> None:
    deed.made_key, deed.made_url = made.key[:512], made.url[:1024]
    _end(deed, Deed.Outcome.DONE)


def _end(deed: Deed, outcome: Deed.Outcome, reason: str = "") -> None:
    """Write down how it ended, and let what it is about be read again."""
    made = {"made_key": deed.made_key, "made_url": deed.made_url}
    ended = {"outcome": outcome, "reason": reason[:LONGEST_REASON], "ended_at": now()}
    with transaction.atomic():
        if not _keep(deed, claimed_until=None, **ended, **made):
            return
        told.tell(deed)
        if outcome != Deed.Outcome.FAILED:
            reread(deed)


def reread(deed: Deed) -> None:
    """Ask for a re-read of what a deed is about, and of what it made."""
    on: Any = deed.on
    key = deed.issue.key if deed.issue is not None else deed.made_key
    mine = [one for one in REGISTER.kinds_in(Issue) if _in(on.scope, one)]
    hint(on.scope, [Names(kind=kind, key=key) for kind in mine if key])


def _in(scope: Any, kind: str) -> bool:
    return bool(REGISTER.get(kind).provider == scope.provider)
