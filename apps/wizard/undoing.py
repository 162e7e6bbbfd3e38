"""Whether each step of an undo, of a look for edits and of a dropped plan has come to its end."""

from datetime import timedelta

from django.utils.timezone import now

from apps.aws.calls import Reach

from . import edits, emptying, halting, removing
from .models import STACK, Bootstrap, Creation
from .parts import PARTS, app_stack_id, stack_id
from .stacks import PLANNED, events_of, is_gone, moves, of_the_last, stack_of
from .steps import APP_AT, Back, Verdict, note_app_stack, note_resources, progress_of
from .troubles import Trouble, trouble_of

# Emptying and deleting a bucket that is written to meanwhile is repeated so often.
MOST_EMPTIED = 3
# An execution that stops is given so long before what it still waits for is looked at.
HUNG = timedelta(minutes=1)


def edits_found(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Whether AWS has compared; what was edited is kept."""
    _note_what_failed(bootstrap, reach)
    note_app_stack(bootstrap, reach)
    # Both are compared at the same time.
    compared = [edits.find(bootstrap, reach, part) for part in PARTS]
    if not all(compared):
        return False
    edits.take(bootstrap)
    return None


def _note_what_failed(bootstrap: Bootstrap, reach: Reach) -> None:
    """Write down what the stack has where that was never read to its end.

    Without it an undo would stop no pipeline and empty no bucket of it.
    """
    name = stack_id(bootstrap)
    if name and bootstrap.made_at is None and not is_gone(stack_of(reach, name)):
        note_resources(bootstrap, reach, name)


def edits_as_seen(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """What was edited after the person looked is not taken with the rest; nor what cannot be told.

    What AWS could not compare goes only where they saw which, and said so.
    """
    before, agreed = _names(bootstrap), _agreed(bootstrap)
    verdict = edits_found(bootstrap, reach)
    if verdict is not None:
        return verdict
    if since := _names(bootstrap) - before:
        return Trouble(
            f"Something was edited since you looked: {', '.join(sorted(since))}.",
            "Look at what stays, and undo it then.",
        )
    lost = {tuple(one) for one in bootstrap.preview[edits.UNCOMPARED]}
    if bootstrap.preview[edits.WHY] and (agreed is None or lost - agreed):
        names = ", ".join(sorted(one[0] for one in lost)) or "some of it"
        return Trouble(
            f"AWS could not compare {names} with what was made: {bootstrap.preview[edits.WHY]}",
            "Cure that and try again, or look at what goes and say there that it goes all the "
            "same. Nothing was taken away in this try.",
        )
    return None


def _names(bootstrap: Bootstrap) -> set[str]:
    of_app = {f"{one[0]} of {bootstrap.app_stack}" for one in bootstrap.edited_app}
    return {one[0] for one in bootstrap.edited} | of_app


def _agreed(bootstrap: Bootstrap) -> set[tuple[str, ...]] | None:
    """What a person let go though AWS could not compare it; None where they said nothing."""
    if not bootstrap.preview.get("despite"):
        return None
    return {tuple(one) for one in bootstrap.preview.get(edits.UNCOMPARED, ())}


def has_stack(bootstrap: Bootstrap) -> bool:
    """Whether the stack was made."""
    return bool(stack_id(bootstrap))


def has_edits(bootstrap: Bootstrap) -> bool:
    """Whether something was edited that a stack has."""
    return any(part.edited(bootstrap) and part.stack(bootstrap) for part in PARTS)


def kept(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Whether what was edited outlives its stack by now."""
    for part in PARTS:
        stack = stack_of(reach, part.stack(bootstrap)) if part.stack(bootstrap) else None
        if stack is not None and moves(stack):
            return False
    for part in removing.to_keep(reach, bootstrap):
        # The update went back.
        name = part.stack(bootstrap)
        stack = stack_of(reach, name) or {}
        return trouble_of(of_the_last(events_of(reach, name)), str(stack.get("StackStatus", "")))
    return None


def halted(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Wait for what still runs; what it deployed meanwhile goes, too."""
    if halting.running(reach, bootstrap, halting.RUNS, halting.STOPS):
        # What ran when it was stopped is over, and an approval beside it is not.
        long = now() - bootstrap.since > HUNG
        return Back("halt") if long and halting.hangs(reach, bootstrap) else False
    before = bootstrap.preview.get(APP_AT)
    note_app_stack(bootstrap, reach)
    # What was still brought out meanwhile was compared by nobody.
    return None if bootstrap.preview.get(APP_AT) == before else Back("edits")


def app_is_gone(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Whether the pipeline's own stack is gone."""
    return deleted(bootstrap, reach, app_stack_id(bootstrap))


def emptied(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Whether the buckets are empty; another bite where the last one took something."""
    some = emptying.taken(bootstrap.deed)
    bootstrap.preview = {**bootstrap.preview, "cleared": bootstrap.preview.get("cleared", 0) + some}
    if some and not emptying.is_empty(reach, bootstrap):
        return Back("empty")
    return None


def stack_gone(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Whether the stack is gone; back to its buckets where one was not empty."""
    verdict = deleted(bootstrap, reach, stack_id(bootstrap))
    if isinstance(verdict, Trouble) and "not empty" in verdict.why.lower():
        emptied = int(bootstrap.preview.get("emptied", 0)) + 1
        bootstrap.preview = {**bootstrap.preview, "emptied": emptied}
        if emptied < MOST_EMPTIED:
            # A build that still ran put something there meanwhile.
            return Back("empty")
    return verdict


def deleted(bootstrap: Bootstrap, reach: Reach, name: str) -> Verdict:
    """Whether a stack is gone, by its id."""
    stack = stack_of(reach, name) if name else None
    if stack is None:
        return None
    events = events_of(reach, name)
    called = str(stack["StackName"])
    # An undo deletes two stacks, one after the other: the rows of both stay told to its end.
    beside = [one for one in bootstrap.progress if one.get("stack", called) != called]
    rows = [{**one, "stack": called} for one in progress_of(events, called)]
    bootstrap.progress = [*beside, *rows]
    if is_gone(stack):
        return None
    if moves(stack):
        return False
    return trouble_of(of_the_last(events), stack["StackStatus"])


def repository_gone(bootstrap: Bootstrap, _reach: Reach) -> Verdict:
    """It is gone: write it down."""
    bootstrap.creations.filter(kind=removing.REPOSITORY).update(fate=Creation.Fate.REMOVED, why="")
    return None


def takes_repository(bootstrap: Bootstrap) -> bool:
    """Whether somebody asked that the repository goes, too."""
    return bootstrap.with_repository and bool(removing.repository_of(bootstrap))


def was_planned(bootstrap: Bootstrap) -> bool:
    """Whether a stack may be there: it is written down before it is planned."""
    return bootstrap.creations.filter(kind=STACK).exists()


def was_staged(bootstrap: Bootstrap) -> bool:
    """Whether the code's bucket may be there."""
    staged = bootstrap.creations.filter(kind="staging").exclude(fate=Creation.Fate.REMOVED)
    return staged.exists()


def dropped(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Whether a planned stack is gone; one that somebody created meanwhile is for an undo."""
    stack = removing.stack_of_plan(reach, bootstrap)
    if stack is None:
        return None
    if stack["StackStatus"] == PLANNED or moves(stack):
        return False
    name = str(stack["StackId"])
    if stack["StackStatus"].startswith("DELETE_"):
        return trouble_of(of_the_last(events_of(reach, name)), stack["StackStatus"])
    # An undo takes what is written down.
    note_resources(bootstrap, reach, name)
    return Trouble(
        f"The stack was created outside of the dashboard: it is {stack['StackStatus']}.",
        "Undo it: that takes away all that the stack made.",
    )
