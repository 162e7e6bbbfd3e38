"""Moves bootstraps on, step by step, whoever died in between.

Everything that is known of a course stands in the bootstrap's row and in its deeds, so whoever
claims the row goes on where it is: a closed browser and a dead worker change nothing.
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from django.db import transaction
from django.db.models import F, Q
from django.utils.dateparse import parse_datetime
from django.utils.timezone import now

from apps.aws.failures import is_passing, told_by
from apps.deeds import asking
from apps.deeds.acts import ACTS
from apps.deeds.at_aws import was_unsent
from apps.deeds.models import Deed
from apps.deeds.permits import account_of
from apps.deeds.rights import leave
from apps.mirror.provider import PROVIDERS, Failure
from apps.projects.told import called

from . import gathering
from .act import load, standings
from .blueprints.answers import BadAnswersError
from .courses import COURSES, DROP, LOOK, MAKE, PLAN, UNDO
from .edits import LOOKS
from .models import Bootstrap
from .steps import Back, Over, Step, Verdict
from .troubles import AGAIN, Trouble

log = logging.getLogger(__name__)

# Longer than what one step asks AWS for takes.
LEASE = timedelta(minutes=3)
BUDGET = 60.0
# What is kept of a bootstrap when a step was looked at.
KEPT = ("answers", "preview", "progress", "edited", "edited_app")
STATE = Bootstrap.State
LONGEST = 2000
UNCONNECTED = "The account is connected no more."
# The states that each course begins from; a plan, and its end, only where nothing else was begun.
FROM: dict[str, tuple[Bootstrap.State, ...]] = {
    PLAN: (STATE.DRAFT, STATE.READY, STATE.FAILED),
    MAKE: (STATE.READY,),
    DROP: (STATE.DRAFT, STATE.READY, STATE.FAILED),
    LOOK: (STATE.MADE, STATE.FAILED),
    UNDO: (STATE.MADE, STATE.FAILED),
}
ONLY_PLANNED = Q(made_at=None, course__in=("", PLAN, DROP))
# In `Bootstrap.preview`: {trouble, cure} of a look that failed itself.
UNLOOKED = "unlooked"
# What a look for edits puts back, so that what stood still can be gone on with.
STOOD = ("state", "course", "step", "trouble", "cure")
# In `Bootstrap.preview`: {why, cure, since, tries} of what fails in passing and is asked again.
LATER = "later"
# Seconds until then, each time longer.
PAUSES = (2, 5, 10, 20, 30, 60)
# What fails for so long does not pass: a person is told, and may do something else.
LASTS = timedelta(minutes=30)


def due(limit: int = 50) -> list[int]:
    """Return the bootstraps that are under way and that nobody is at.

    Those that were gone on with longest ago come first, so that what stands long starves nobody;
    what waits for a person's word on its deed is left out until that is said.
    """
    rows = Bootstrap.objects.filter(_free(now()), state=STATE.MOVING)
    rows = rows.exclude(deed__outcome=Deed.Outcome.UNKNOWN)
    order = F("claimed_until").asc(nulls_first=True), "since", "pk"
    return list(rows.order_by(*order).values_list("pk", flat=True)[:limit])


def _free(at: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lte=at)


def begin(bootstrap: Bootstrap, course: str, **values: Any) -> bool:
    """Begin a course where it may be; False where somebody was quicker, or it comes too late."""
    # As whoever says so saw it: each beginning counts one more.
    rows = Bootstrap.objects.filter(pk=bootstrap.pk, state__in=FROM[course], tries=bootstrap.tries)
    if course in (PLAN, DROP):
        rows = rows.filter(ONLY_PLANNED)
    preview = {**bootstrap.preview, "taken": [], "looked": False, "emptied": 0, "cleared": 0}
    preview[LOOKS] = {}
    preview["begun"] = now().isoformat()
    for name in (UNLOOKED, LATER):
        preview.pop(name, None)
    if course == LOOK:
        preview["despite"] = False
        # Nothing is changed by it, whatever comes of it.
        stood = {name: str(getattr(bootstrap, name)) for name in STOOD}
        preview["stood"] = {**stood, "taken": bootstrap.preview.get("taken", [])}
    begun = rows.update(
        preview=preview,
        state=STATE.MOVING,
        course=course,
        step=COURSES[course][0].name,
        since=now(),
        # Its deeds are none of an earlier course's: what was done then is done anew.
        tries=F("tries") + 1,
        deed=None,
        trouble="",
        cure="",
        claimed_until=None,
        **values,
    )
    return bool(begun)


def again(bootstrap: Bootstrap, who: Any) -> bool:
    """Go on from the step that failed, in the name of whoever says so."""
    rows = Bootstrap.objects.filter(
        pk=bootstrap.pk, state=STATE.FAILED, tries=bootstrap.tries
    ).exclude(course="")
    step = bootstrap.step
    if bootstrap.course == MAKE and bootstrap.preview.get("again"):
        # A stack that was rolled back, or is gone, is cleared away and planned again before it is
        # created. One of which nothing was read may be whole: that one is gone on with.
        step = COURSES[MAKE][0].name
    values: dict[str, Any] = {
        "state": STATE.MOVING,
        "step": step,
        "since": now(),
        "deed": None,
        "who": who,
    }
    forgotten = {"looked": False, LOOKS: {}, UNLOOKED: None, LATER: None}
    values["preview"] = {**bootstrap.preview, **forgotten}
    return bool(rows.update(tries=bootstrap.tries + 1, trouble="", cure="", **values))


def advance(pk: int) -> None:
    """Go on with a bootstrap as far as it goes now, if nobody else is at it."""
    at = now()
    mine = Bootstrap.objects.filter(_free(at), pk=pk, state=STATE.MOVING)
    if not mine.update(claimed_until=at + LEASE):
        return
    bootstrap = load(pk)
    assert bootstrap is not None
    try:
        while _step(bootstrap):
            pass
    finally:
        # It is free from then on; that tells, too, when it was last gone on with.
        Bootstrap.objects.filter(pk=pk, claimed_until=bootstrap.claimed_until).update(
            claimed_until=at + _pause(bootstrap)
        )


def _pause(bootstrap: Bootstrap) -> timedelta:
    """Return how long AWS, or who answers in its place, is left alone."""
    tries = int((bootstrap.preview.get(LATER) or {}).get("tries", 0))
    return timedelta(seconds=PAUSES[min(tries, len(PAUSES)) - 1]) if tries else timedelta(0)


def _step(bootstrap: Bootstrap) -> bool:
    """Take one step; whether the next may be taken at once."""
    steps = COURSES[bootstrap.course]
    place = next((at for at, one in enumerate(steps) if one.name == bootstrap.step), None)
    if place is None:
        _finish(bootstrap)
        return False
    step = steps[place]
    try:
        if not step.needed(bootstrap):
            return _next(bootstrap, step)
        asked = bootstrap.deed is not None and bootstrap.deed.act == step.act
        verdict = _read(bootstrap, step.stands) if step.act and not asked else None
        if verdict is None:
            if step.act and not _acted(bootstrap, step):
                return False
            verdict = True
        if verdict is True:
            verdict = _read(bootstrap, step.over)
        _note_taken(bootstrap, step)
    except BadAnswersError as error:
        _fail(bootstrap, Trouble(str(error), "Choose anew in a new project."))
        return False
    if verdict is False:
        _keep(bootstrap)
        return False
    if isinstance(verdict, Trouble):
        _fail(bootstrap, verdict)
        return False
    if isinstance(verdict, Back):
        return _keep(
            bootstrap, step=verdict.step, deed=None, since=now(), tries=bootstrap.tries + 1
        )
    return _next(bootstrap, step)


def _note_taken(bootstrap: Bootstrap, step: Step) -> None:
    taken = bootstrap.preview.get("taken", [])
    if step.name not in taken:
        bootstrap.preview = {**bootstrap.preview, "taken": [*taken, step.name]}


def _acted(bootstrap: Bootstrap, step: Step) -> bool:
    """Whether the deed of a step is done; it is asked for where it is not there yet."""
    deed = bootstrap.deed
    if deed is None or deed.act != step.act:
        _ask(bootstrap, step)
        return False
    if deed.outcome == Deed.Outcome.DONE:
        return True
    if deed.outcome in (Deed.Outcome.REFUSED, Deed.Outcome.FAILED):
        _fail(bootstrap, Trouble(deed.reason, deed.cure or AGAIN))
    return False


def _ask(bootstrap: Bootstrap, step: Step) -> None:
    """Ask for the deed of a step, in the name of whoever runs the wizard."""
    act, who = ACTS.by_name[step.act], bootstrap.who
    account = account_of(bootstrap.scope) if bootstrap.scope else None
    if who is None or account is None:
        why = "Whoever made it is gone." if who is None else UNCONNECTED
        _fail(bootstrap, Trouble(why, "Let an owner of the project go on with it."))
        return
    given = leave(act, standings(who, bootstrap), account)
    if given.standing is None:
        _fail(bootstrap, Trouble(given.why or "They may not do it any more.", AGAIN))
        return
    undoes = bootstrap.course == UNDO
    chosen = {
        "despite": bootstrap.preview.get("despite"),
        "with_repository": bootstrap.with_repository,
    }
    # The same step, tried the same time, is the same deed, whoever asks for it how often.
    mark = uuid5(bootstrap.mark, f"{bootstrap.course} {step.name} {bootstrap.tries}")
    with transaction.atomic():
        step.before(bootstrap)
        try:
            deed = asking.ask(
                act,
                bootstrap,
                who=who,
                who_name=called(who),
                standing=given.standing,
                said={name: True for name, one in chosen.items() if one} if undoes else {},
                why=str(bootstrap.preview.get("why", "")) if undoes else "",
                mark=mark,
            )
        except asking.OnItsWayError as error:
            deed = error.deed
        if not _keep(bootstrap, deed=deed):
            # Somebody else is at it by now, or it was begun anew: nothing of this is asked for.
            transaction.set_rollback(True)


def _read(bootstrap: Bootstrap, ask: Over) -> Verdict:
    """Ask AWS how a step stands; what fails in passing is asked again."""
    if bootstrap.scope is None:
        return Trouble(UNCONNECTED, "Connect the account again, or take away by hand what is left.")
    try:
        reach: Any = PROVIDERS.get("aws").open(bootstrap.scope, urgent=True)
        reach.budget = BUDGET
        verdict = ask(bootstrap, reach)
    except BadAnswersError:
        raise
    except Exception as error:
        failure = told_by(error)
        if is_passing(error) or was_unsent(error):
            log.info("wizard.later", extra={"bootstrap": bootstrap.pk, "error": failure.code})
            return _put_off(bootstrap, failure)
        log.exception("wizard.unread", extra={"bootstrap": bootstrap.pk, "step": bootstrap.step})
        return Trouble(failure.message, failure.cure or AGAIN)
    bootstrap.forget(LATER)
    return verdict


def _put_off(bootstrap: Bootstrap, failure: Failure) -> Verdict:
    """Have AWS asked again later, and say why; for as long as that may pass by itself."""
    before = bootstrap.preview.get(LATER) or {}
    since = parse_datetime(str(before.get("since", ""))) or now()
    if now() - since > LASTS:
        return Trouble(failure.message, failure.cure or AGAIN)
    told = {
        "why": failure.message[:LONGEST],
        "cure": failure.cure[:LONGEST],
        "since": since.isoformat(),
        "tries": int(before.get("tries", 0)) + 1,
    }
    bootstrap.preview = {**bootstrap.preview, LATER: told}
    return False


def _next(bootstrap: Bootstrap, step: Step) -> bool:
    steps = COURSES[bootstrap.course]
    at = steps.index(step) + 1
    following = steps[at].name if at < len(steps) else "over"
    # A deed of one step is none of the next.
    return _keep(bootstrap, step=following, deed=None, since=now())


def _keep(bootstrap: Bootstrap, **values: Any) -> bool:
    """Write down how far it is, where it is still ours."""
    told = {name: getattr(bootstrap, name) for name in KEPT}
    rows = Bootstrap.objects.filter(pk=bootstrap.pk, claimed_until=bootstrap.claimed_until)
    kept = bool(rows.update(**told, **values))
    for name, value in values.items():
        setattr(bootstrap, name, value)
    return kept


def _fail(bootstrap: Bootstrap, trouble: Trouble) -> None:
    bootstrap.forget(LATER)
    values = {"trouble": trouble.why[:LONGEST], "cure": trouble.cure[:LONGEST]}
    if bootstrap.course == LOOK and "stood" in bootstrap.preview:
        # What was made is so all the same; what stood still before can be gone on with.
        stood = _stood(bootstrap)
        bootstrap.preview = {**bootstrap.preview, UNLOOKED: values}
        values = stood
    _keep(bootstrap, **{"state": STATE.FAILED, **values})


def _stood(bootstrap: Bootstrap) -> dict[str, Any]:
    """Take out of the preview what a look put aside: {} for nothing."""
    preview = dict(bootstrap.preview)
    stood: dict[str, Any] = preview.pop("stood", None) or {}
    if stood:
        preview["taken"] = stood.pop("taken")
    bootstrap.preview = preview
    return stood


def _finish(bootstrap: Bootstrap) -> None:
    """A course is over."""
    at = now()
    match bootstrap.course:
        case "plan":
            planned = bool(bootstrap.preview.get("changes")) and not bootstrap.blocked
            _keep(bootstrap, state=STATE.READY if planned else STATE.DRAFT)
        case "make":
            _keep(bootstrap, state=STATE.MADE, made_at=at)
        case "look":
            stood = _stood(bootstrap)
            bootstrap.preview = {**bootstrap.preview, "looked": True}
            _keep(bootstrap, **{"state": STATE.MADE, **stood})
        case "drop":
            bootstrap.creations.all().delete()
            bootstrap.preview = bootstrap.forgotten
            _keep(bootstrap, state=STATE.DRAFT, takes=False)
        case "undo":
            if _keep(bootstrap, state=STATE.UNDONE, undone_at=at, takes=False):
                gathering.read_again(bootstrap)
