"""Does what is due: one kind in one scope at a time.

A sweep is cold (the whole list), hot (only what moves) or for hints (only what was named); `due`
says when, and holds the leases.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError
from django.utils.timezone import now

from . import known
from .asking import hint
from .due import (
    AFTER_TROUBLE,
    SOON,
    Went,
    after_reading,
    asked_nothing,
    came_back,
    heat,
    lease_beside,
    lease_of,
    may_ask,
    take,
    went_away,
)
from .lease import Lease
from .models import Change, Link, Scope, Sweep
from .outcomes import record_outcomes, record_trouble
from .provider import PROVIDERS, Health, Reach
from .reading import Reading
from .reconcile import Result
from .resource import REGISTER, Names, Resource
from .state import UNFINISHED

log = logging.getLogger(__name__)

OUR_FAULT = timedelta(minutes=1)
Progress = Callable[[Sweep], None]


def ensure_sweeps(scope: Scope) -> None:
    """Give a scope a sweep for each kind its provider has."""
    have = set(scope.sweeps.values_list("kind", flat=True))
    missing = [r.kind for r in REGISTER.of(scope.provider) if r.kind not in have]
    Sweep.objects.bulk_create(
        [Sweep(scope=scope, kind=kind) for kind in missing], ignore_conflicts=True
    )


@dataclass(slots=True)
class Done:
    """How a reading went: what it changed (None: nothing could be read), and if all was read."""

    result: Result | None
    whole: bool

    @property
    def missed(self) -> tuple[str, ...]:
        """Keys of the parents that were not read."""
        return () if self.result is None else self.result.missed


def run(sweep: Sweep, *, progress: Progress | None = None, whole: bool = False) -> Result | None:
    """Do a sweep this caller has taken: the whole list if due (or `whole`), else what moves.

    Never raises for what the outside does: it ends on the scope's health. Returns what changed,
    None where nothing could be read.
    """
    lease = lease_of(sweep)
    try:
        return _run(sweep, lease, progress, whole=whole)
    except IntegrityError:
        lease.free(due_at=now() + OUR_FAULT, hot_due_at=None)
        if _was_removed(sweep.scope):
            return None
        raise
    except BaseException:
        # Not even our own mistake, or being stopped, may keep a kind from being swept again.
        lease.free(due_at=now() + OUR_FAULT, hot_due_at=None)
        raise


def _run(sweep: Sweep, lease: Lease, progress: Progress | None, *, whole: bool) -> Result | None:
    sweep.refresh_from_db()
    at = now()
    scope = sweep.scope
    cold = whole or sweep.due_at <= at
    deep = cold and sweep.last_success is not None and sweep.deep_due_at <= at
    if not cold and (sweep.hot_due_at is None or sweep.hot_due_at > at):
        # Somebody else has just done it, while this was waiting for its turn.
        lease.free()
        return Result()
    if cold and _waits_for_others(sweep, lease, at, whole=whole):
        return None
    if not whole and not may_ask(scope):
        lease.free()
        return None

    def step(done: int, total: int) -> None:
        sweep.done, sweep.total = done, total
        lease.update(done=done, total=total)
        if sweep.last_success is None:
            note_scope_changed(scope)
        if progress:
            progress(sweep)

    def read(reading: Reading) -> Result | None:
        if not cold:
            return reading.what_moves()
        lease.update(done=0, total=None)
        return reading.everything(deep=deep, begin_with=sweep.resume_from, step=step)

    done = _read(sweep, at, lease, read, "deep" if deep else "cold" if cold else "hot")
    if done is None:
        lease.free(finished_at=now(), due_at=now() + AFTER_TROUBLE, hot_due_at=None)
        _first_sweep_is_over(scope)
        return None
    went = Went(cold=cold, deep=deep, whole=done.whole, missed=done.missed)
    lease.free(**after_reading(sweep, at, went))
    _first_sweep_is_over(scope)
    return done.result


def _was_removed(scope: Scope) -> bool:
    """Whether somebody removed the account or site meanwhile: what was read is nobody's now."""
    return not Scope.objects.filter(pk=scope.pk).exists()


def run_beside(sweep: Sweep) -> None:
    """Look at what moves while somebody else reads the whole of a kind; if nobody else does."""
    lease = lease_beside(sweep)
    if not lease.take():
        return
    at = now()
    done = None
    try:
        done = _read(sweep, at, lease, Reading.what_moves, "hot")
    except IntegrityError:
        if not _was_removed(sweep.scope):
            raise
    finally:
        went = Went(whole=done is not None and done.whole)
        lease.free(**after_reading(sweep, at, went))


def _read(
    sweep: Sweep, at: datetime, lease: Lease, read: Callable[[Reading], Result | None], how: str
) -> Done | None:
    """Open the scope, read, and say how it went; None where the scope could not be opened.

    `how` is for the log: deep, cold or hot.
    """
    resource, scope = sweep.resource, sweep.scope
    try:
        reach = PROVIDERS.get(scope.provider).open(scope)
    except Exception as error:  # noqa: BLE001 - whatever it is, the scope says so
        record_trouble(scope, resource, error)
        if PROVIDERS.get(scope.provider).classify(error).health is Health.UNREACHABLE:
            went_away(scope)
        return None
    began = time.monotonic()
    result: Result | None = None
    trouble: Exception | None = None
    try:
        result = read(
            Reading(resource=resource, scope=scope, reach=reach, at=at, alive=lease.renew)
        )
    except Exception as error:  # noqa: BLE001 - a failed list leaves its kind untouched
        trouble = error
    finally:
        reach.close()
    record_outcomes(scope, resource, reach.outcomes, trouble)
    _note_whether_it_answers(scope, reach, trouble)
    if result is not None:
        wake_others(resource, scope, result.changes)
    log.log(
        # The first time is news; after that the health page tells.
        logging.INFO if sweep.last_success is None else logging.DEBUG,
        "sweep",
        extra={
            "scope": scope.place,
            "kind": resource.kind,
            "how": how,
            "rows": result.seen if result else 0,
            "changes": len(result.changes) if result else 0,
            "ms": round((time.monotonic() - began) * 1000),
        },
    )
    return Done(result, whole=result is not None and result.was_read and not reach.spent)


def _note_whether_it_answers(scope: Scope, reach: Reach, trouble: Exception | None) -> None:
    """A scope in which nothing answers rests as a whole: hanging calls would hold every worker."""
    outcomes = list(reach.outcomes.values())
    if any(outcome.successes for outcome in outcomes):
        came_back(scope)
        return
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    if trouble is not None:
        failures.append(PROVIDERS.get(scope.provider).classify(trouble))
    if failures and all(failure.health is Health.UNREACHABLE for failure in failures):
        went_away(scope)
    elif failures:
        # It refuses, so it is there.
        came_back(scope)
    else:
        asked_nothing(scope)


def reread(
    scope: Scope,
    reach: Reach,
    kind: str,
    names: Sequence[Names],
    *,
    alive: Callable[[], None] = lambda: None,
) -> Result | None:
    """Read again just what is named. None where the outside failed (its health says how).

    `alive` is called while answers come.
    """
    resource = REGISTER.get(kind)
    reach.outcomes = {}
    result: Result | None
    try:
        reading = Reading(resource=resource, scope=scope, reach=reach, at=now(), alive=alive)
        result = reading.named(names)
    except Exception as error:  # noqa: BLE001 - told on the scope, like a sweep's failure
        if not _was_removed(scope):
            record_outcomes(scope, resource, reach.outcomes, error)
        return None
    record_outcomes(scope, resource, reach.outcomes)
    heat(resource, scope)
    return result


def _first_sweep_is_over(scope: Scope) -> None:
    """The first sweep of a scope is over when each kind was tried once, well or not."""
    if scope.first_swept_at is None and not scope.sweeps.filter(finished_at=None).exists():
        Scope.objects.filter(pk=scope.pk, first_swept_at=None).update(first_swept_at=now())
        note_scope_changed(scope)


def _waits_for_others(sweep: Sweep, lease: Lease, at: datetime, *, whole: bool) -> bool:
    """Let a kind wait for its parents' list; False where it need not.

    Where a list that it cannot do without failed, that is this kind's end for now, too.
    """
    resource, scope = sweep.resource, sweep.scope
    if known.parents_are_in(resource, scope):
        # What it can do without is waited for at its first reading only, unless somebody said now.
        if whole or sweep.last_success or not known.lists_may_come(resource, scope, at):
            return False
        lease.free(due_at=at + SOON)
        return True
    missing = scope.sweeps.filter(kind__in=known.needed_kinds(resource), last_success=None)
    if not missing.filter(finished_at=None).exists():
        lease.free(due_at=at + AFTER_TROUBLE, finished_at=now())
        _first_sweep_is_over(scope)
    else:
        lease.free(due_at=at + SOON)
    return True


def note_scope_changed(scope: Scope) -> None:
    """Let open pages know that a scope's progress or health moved.

    That is no mirrored row, so there is no Change that would tell.
    """
    from apps.live.bus import BUS

    BUS.publish("scope", str(scope.pk))


def wake_others(resource: Resource, scope: Scope, changes: Sequence[Change]) -> None:
    """Hint the kinds that a change here wakes: executions when a stage moved, children of new rows.

    And the children of what a changed row does something to, where they heed that.

    A kind that was never read to its end is woken by what moves only: the rest is in its own first
    sweep, and asking for both would double the calls of a first sync.
    """
    if not changes:
        return
    read = set(scope.sweeps.exclude(last_success=None).values_list("kind", flat=True))
    names = [
        *_neighbours(resource, changes, read),
        *_children_of_new(resource, changes, read),
        *_children_that_heed(resource, scope, changes, read),
    ]
    hint(scope, names)


def _neighbours(
    resource: Resource, changes: Sequence[Change], read: Collection[str]
) -> Iterator[Names]:
    if not resource.wakes or resource.asked_by is None:
        return
    states = _states_by_parent(resource, changes)
    moving = {key for key, found in states.items() if found & set(UNFINISHED)}
    for kind in resource.wakes:
        for key in states if kind in read else moving:
            yield Names(kind=kind, parent=key)


def _children_of_new(
    resource: Resource, changes: Sequence[Change], read: Collection[str]
) -> Iterator[Names]:
    """What has just been made must not wait until the lists of its children are due.

    Nor must what moved on, where its children do with it.
    """
    fresh = (Change.Verb.APPEARED, Change.Verb.RETURNED)
    for child in REGISTER.children(resource.kind):
        if child.kind in read:
            stamp = (child.parent_stamp or ("",))[0]
            for change in changes:
                if change.verb in fresh or stamp in change.after:
                    yield Names(kind=child.kind, parent=change.key)


def _children_that_heed(
    resource: Resource, scope: Scope, changes: Sequence[Change], read: Collection[str]
) -> Iterator[Names]:
    """Name the children of rows that something is done to by rows of a kind which changed here.

    What is over when it is first seen did nothing just now.
    """
    ids = [
        change.row_id
        for change in changes
        if change.verb == Change.Verb.CHANGED or change.after.get("state") in UNFINISHED
    ]
    for child in REGISTER:
        if not child.heeds or child.asked_by is None or child.kind not in read or not ids:
            continue
        above = known.rows_of(REGISTER.get(child.asked_by), scope)
        for start in range(0, len(ids), 500):
            links = Link.objects.filter(
                from_kind=resource.kind,
                from_id__in=ids[start : start + 500],
                to_kind=child.asked_by,
                relation__in=child.heeds,
            )
            named = above.filter(arn__in=links.values("to_arn")).values_list("key", flat=True)
            yield from (Names(kind=child.kind, parent=key) for key in named)


def changed_parents_of(resource: Resource, changes: Sequence[Change]) -> set[str]:
    """Return the keys of the parents (as they are asked for) whose children changed."""
    return set(_states_by_parent(resource, changes)) if resource.asked_by else set()


def _states_by_parent(resource: Resource, changes: Sequence[Change]) -> dict[str, set[str]]:
    path = f"{known.path_to_asked(resource)}__key"
    ids = [change.row_id for change in changes]
    states: dict[str, set[str]] = {}
    for start in range(0, len(ids), 500):
        rows = resource.model._default_manager.filter(pk__in=ids[start : start + 500])
        for key, state in rows.values_list(path, "state"):
            states.setdefault(key, set()).add(state)
    return states


def sweep_scope(
    scope: Scope, *, progress: Progress | None = None
) -> Iterator[tuple[Sweep, Result | None]]:
    """Sweep every kind of a scope now, in this process; yields each as it ends."""
    ensure_sweeps(scope)
    order = list(REGISTER.by_kind)
    for sweep in sorted(scope.sweeps.filter(kind__in=order), key=lambda s: order.index(s.kind)):
        if not take(sweep):
            sweep.refresh_from_db()
            yield sweep, None
            continue
        result = run(sweep, progress=progress, whole=True)
        sweep.refresh_from_db()
        yield sweep, result
