"""The courses of the wizard, step by step: plan, make, drop a plan, look for edits, undo.

A step lets a deed be done, or only looks; then it is asked whether it has come to its end.
"""

from dataclasses import asdict, replace
from datetime import timedelta

from django.utils.timezone import now

from apps.aws.calls import Reach

from . import gathering, looking, pushable, pushing, removing, settling, undoing
from .models import STACK, Bootstrap, Creation
from .parts import OF_TOOLCHAIN, app_stack_id, bodies_of, stack_id
from .planning import describe_change_set, has_code, is_worked_out, note_stack
from .stacks import (
    COMPARED,
    PLANNED,
    events_of,
    is_gone,
    moves,
    of_the_last,
    stack_of,
)
from .steps import Step, Verdict, note_app_stack, note_resources, planned, progress_of
from .troubles import AGAIN, Trouble, cure_of, trouble_of

PLAN, MAKE, DROP, LOOK, UNDO = "plan", "make", "drop", "look", "undo"
# The mirror is waited for no longer: what it reads later is found by the project's tag.
GATHERED = timedelta(minutes=3)


# --- Planning -------------------------------------------------------------------------------------


def _looked(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    looking.choose_platform(reach, bootstrap)
    files, push = pushable.look(bootstrap)
    bootstrap.preview = {
        **bootstrap.preview,
        "checks": [*looking.look(reach, bootstrap), *map(asdict, files)],
        "push": push,
        "at": now().isoformat(),
    }
    return None


def _may_be_planned(bootstrap: Bootstrap) -> bool:
    """No change set is made where the stack's name is taken, or where it is not allowed."""
    hinders = ("Stack ", looking.PERMITTED)
    return not any(one["what"].startswith(hinders) for one in bootstrap.blocked)


def _another_plan(bootstrap: Bootstrap) -> None:
    bootstrap.preview = {**bootstrap.preview, "plans": bootstrap.tries_of_plan + 1}
    bootstrap.bodies = bodies_of(bootstrap)
    bootstrap.save(update_fields=["preview", "bodies"])
    planned(bootstrap, STACK, bootstrap.name)


def _described(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    found = describe_change_set(reach, bootstrap)
    if found is None:
        return Trouble("The change set is not there.", "Plan it again.")
    if not is_worked_out(found):
        return False
    # Whatever became of the change set, there is a stack now, which a dropped plan takes away.
    note_stack(bootstrap, found.get("StackId", ""))
    if found["Status"] != "CREATE_COMPLETE":
        why = str(found.get("StatusReason") or found["Status"])
        return Trouble(why, cure_of(why))
    note_stack(bootstrap, found.get("StackId", ""), Creation.Fate.MADE)
    bootstrap.preview = {
        **bootstrap.preview,
        "changes": [
            {
                "id": one["ResourceChange"]["LogicalResourceId"],
                "type": one["ResourceChange"]["ResourceType"],
                "action": one["ResourceChange"]["Action"],
            }
            for one in found["Changes"]
            if "ResourceChange" in one
        ],
    }
    return None


def _has_no_plan(bootstrap: Bootstrap) -> bool:
    """Whether none is worked out: its stack may be there before that."""
    own = bootstrap.creations.filter(kind=STACK, ident=bootstrap.name)
    return not own.filter(fate=Creation.Fate.MADE).exclude(name="").exists()


# --- Making ---------------------------------------------------------------------------------------


def _clears(bootstrap: Bootstrap) -> bool:
    return bool(bootstrap.preview.get("again"))


def _still_failed(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Nothing is cleared away that stands by now."""
    stack = stack_of(reach, stack_id(bootstrap)) if stack_id(bootstrap) else None
    if stack is None or stack["StackStatus"] not in COMPARED:
        return None
    bootstrap.preview = {**bootstrap.preview, "again": False}
    return True


def _cleared(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    if not _clears(bootstrap):
        return None
    name = stack_id(bootstrap)
    stack = stack_of(reach, name) if name else None
    if stack is not None and not is_gone(stack):
        if stack["StackStatus"] == "DELETE_FAILED":
            return trouble_of(of_the_last(events_of(reach, name)), stack["StackStatus"])
        return False
    if name:
        settling.of_stack(bootstrap, reach, OF_TOOLCHAIN)
    # What of it stayed by its own policy is in the way of another try, and holds nothing yet.
    Creation.objects.filter(bootstrap=bootstrap, kind=STACK).delete()
    bootstrap.preview = {**bootstrap.preview, "again": False}
    bootstrap.progress = []
    return None


def _to_be_created(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Whether the stack is still nothing but its plan: what is more is only watched."""
    stack = stack_of(reach, stack_id(bootstrap) or bootstrap.name)
    if is_gone(stack) or stack is None:
        return _plan_again(bootstrap, "The planned stack is not there any more.")
    if stack["StackStatus"] != PLANNED:
        return True
    found = describe_change_set(reach, bootstrap)
    if found is None or found.get("ExecutionStatus") != "AVAILABLE":
        return _plan_again(bootstrap, "The change set is not there any more.")
    return None


def _plan_again(bootstrap: Bootstrap, why: str) -> Trouble:
    bootstrap.preview = {**bootstrap.preview, "again": True}
    return Trouble(why, AGAIN)


def _watched(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Follow the stack's resources one by one, to its end."""
    name = stack_id(bootstrap) or bootstrap.name
    stack = stack_of(reach, name)
    if is_gone(stack) or stack is None:
        return _plan_again(bootstrap, "The stack was deleted meanwhile.")
    events = events_of(reach, name)
    bootstrap.progress = progress_of(events, bootstrap.name)
    if moves(stack):
        return False
    status = stack["StackStatus"]
    note_resources(bootstrap, reach, name)
    if status in COMPARED:
        # Made, and changed by somebody since, where nobody looked for long.
        return None
    bootstrap.preview = {**bootstrap.preview, "again": True}
    return trouble_of(events, status)


def _about_to_stage(bootstrap: Bootstrap) -> None:
    planned(bootstrap, "staging", bootstrap.staging, bootstrap.staging)


def _pushed(bootstrap: Bootstrap, _reach: Reach) -> Verdict:
    pushing.note(bootstrap)
    return None


def _unstaged(bootstrap: Bootstrap, _reach: Reach) -> Verdict:
    bootstrap.creations.filter(kind="staging").update(fate=Creation.Fate.REMOVED)
    return None


def _gathered(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    note_app_stack(bootstrap, reach)
    waited = now() - bootstrap.since > GATHERED
    return None if gathering.gather(bootstrap) or waited else False


PLAN_STEP = Step(
    name="plan",
    label="Planning the stack",
    act="wizard.plan",
    needed=_may_be_planned,
    before=_another_plan,
    over=_described,
)
UNSTAGE_STEP = Step(
    name="unstage",
    label="Removing the code's bucket",
    act="wizard.unstage",
    needed=undoing.was_staged,
    over=_unstaged,
)
COURSES: dict[str, tuple[Step, ...]] = {
    PLAN: (
        Step(name="look", label="Looking whether it can be made", over=_looked),
        PLAN_STEP,
    ),
    MAKE: (
        Step(
            name=removing.CLEARING,
            label="Clearing away what failed",
            act="wizard.remove",
            needed=_clears,
            stands=_still_failed,
            over=_cleared,
        ),
        replace(
            PLAN_STEP,
            name="replan",
            label="Planning the stack again",
            needed=_has_no_plan,
        ),
        Step(
            name="stage",
            label="Putting the code in place",
            act="wizard.stage",
            needed=has_code,
            before=_about_to_stage,
        ),
        # Before the stack: its pipeline runs as soon as it is made.
        Step(
            name="push",
            label="Putting the files into the repository",
            act="wizard.push",
            needed=pushing.pushes,
            before=pushing.about_to_push,
            over=_pushed,
        ),
        Step(
            name="create",
            label="Creating the stack",
            act="wizard.create",
            stands=_to_be_created,
            over=_watched,
        ),
        UNSTAGE_STEP,
        Step(name="gather", label="Reading what was made", over=_gathered),
    ),
    DROP: (
        Step(
            name="drop",
            label="Dropping the plan",
            act="wizard.drop",
            needed=undoing.was_planned,
            over=undoing.dropped,
        ),
    ),
    LOOK: (Step(name="edits", label="Looking for what was edited", over=undoing.edits_found),),
    UNDO: (
        Step(
            name="edits",
            label="Looking for what was edited",
            needed=undoing.has_stack,
            over=undoing.edits_as_seen,
        ),
        Step(
            name="halt",
            label="Stopping the pipeline",
            act="wizard.halt",
            needed=undoing.has_stack,
            over=undoing.halted,
        ),
        Step(
            name="keep",
            label="Keeping what was edited",
            act="wizard.keep",
            needed=undoing.has_edits,
            over=undoing.kept,
        ),
        Step(
            name="remove_app",
            label="Deleting the application's stack",
            act="wizard.remove_app",
            needed=lambda bootstrap: bool(app_stack_id(bootstrap)),
            over=undoing.app_is_gone,
        ),
        Step(
            name="empty",
            label="Emptying the buckets",
            act="wizard.empty",
            needed=undoing.has_stack,
            over=undoing.emptied,
        ),
        Step(
            name="remove",
            label="Deleting the stack",
            act="wizard.remove",
            needed=undoing.has_stack,
            over=undoing.stack_gone,
        ),
        Step(
            name="forget_code",
            label="Deleting the repository",
            act="wizard.forget_code",
            needed=undoing.takes_repository,
            over=undoing.repository_gone,
        ),
        UNSTAGE_STEP,
        Step(name="left", label="Looking at what is left", over=settling.settle),
    ),
}
