"""Whatever order, however often, wherever cut off: reading ends in the rows that are outside."""

import random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.mirror import reading
from apps.mirror.due import take
from apps.mirror.models import Change, Sweep
from apps.mirror.reconcile import ChildrenOf, Everything, Nothing, reconcile
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps, run
from tests.mirror.rollback import rolled_back
from tests.mirror.toy import Box, BrokenError, Part

pytestmark = [pytest.mark.sql, pytest.mark.django_db]
MODELS = {"toy.box": Pipeline, "toy.part": Stage, "toy.run": Execution, "toy.step": Action}
STATUSES = {"Succeeded": "done", "Failed": "failed", "InProgress": "moving"}

checked = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
keys = st.sampled_from(["a", "b", "c", "d"])
boxes_outside = st.lists(
    st.builds(Box, key=keys, role_arn=st.sampled_from(["", "one", "two"])), max_size=8
)


def rows_of(model: Any) -> set[Any]:
    return {
        (row["key"], row["status"], row.get("role_arn", ""))
        for row in model.objects.present().values()
    }


@checked
@given(lists=st.lists(boxes_outside, min_size=1, max_size=4), seed=st.integers(0, 99))
def test_any_order_of_the_same_list_ends_in_the_same_rows(scope, boxes, lists, seed):
    with rolled_back():
        known: set[str] = set()
        for outside in lists:
            # Where a key comes twice the later one counts: only then does order matter.
            unique = list({box.key: box for box in outside}.values())
            shuffled = unique * 2
            random.Random(seed).shuffle(shuffled)
            reconcile(boxes, scope, shuffled, extent=Everything())
            known |= {box.key for box in unique}
            assert rows_of(Pipeline) == {(box.key, "", box.role_arn) for box in unique}
            # Nothing is ever deleted, and what is written is told.
            assert set(Pipeline.objects.values_list("key", flat=True)) == known
            told = Change.objects.count()
            reconcile(boxes, scope, unique, extent=Everything())
            assert Change.objects.count() == told


@checked
@given(
    outside=st.dictionaries(keys, st.sampled_from(sorted(STATUSES)), max_size=4),
    parts=st.lists(st.tuples(keys, st.sampled_from("xyz")), max_size=8, unique=True),
    covered=st.sets(keys),
)
def test_only_the_children_of_covered_parents_are_judged(scope, boxes, parts, outside, covered):
    resource = REGISTER.get("toy.part")
    with rolled_back():
        reconcile(boxes, scope, [Box(key=key) for key in "abcd"], extent=Everything())
        records = [Part(key=f"{box}/{name}", parent=box, name=name) for box, name in parts]
        reconcile(resource, scope, records, extent=ChildrenOf(frozenset("abcd")))
        left = [record for record in records if record.parent in outside]
        reconcile(resource, scope, left, extent=ChildrenOf(frozenset(covered)))
        expected = {r.key for r in records if r in left or r.parent not in covered}
        assert {key for key, _, _ in rows_of(Stage)} == expected
        assert Stage.objects.count() == len(records)


@checked
@given(data=st.data())
def test_readings_that_are_cut_off_anywhere_end_in_the_rows_that_are_outside(scope, world, data):
    """Change the world, read with failures, in any order; then read once in peace."""
    gulp = data.draw(st.sampled_from([1, 2, 400]))
    with rolled_back(), patch.object(reading, "GULP", gulp):
        for store in (world.boxes, world.parts, world.runs, world.steps):
            store.clear()
        draw = data.draw
        chance = random.Random(draw(st.integers(0, 2**16)))
        ensure_sweeps(scope)
        counts = dict.fromkeys(MODELS, 0)
        for _ in range(draw(st.integers(1, 5))):
            _change(world, chance)
            world.order = lambda found: chance.sample(found, len(found))
            world.unreadable = {name for name in world.boxes if chance.random() < 0.3}
            limit = chance.randint(0, 12)
            left = [limit]

            def cut_off(_kind: str, _key: str, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] < 0:
                    raise BrokenError()

            world.faults = cut_off if chance.random() < 0.6 else None
            for kind in chance.sample(list(MODELS), 4):
                _sweep(scope, kind)
            for kind, model in MODELS.items():
                count = model.objects.count()
                assert count >= counts[kind], "rows are never deleted"
                counts[kind] = count
        world.faults, world.unreadable, world.order = None, set(), sorted
        for _ in range(2):
            for kind in MODELS:
                _sweep(scope, kind)
        _assert_mirrors(world)
        told = Change.objects.count()
        for kind in MODELS:
            _sweep(scope, kind)
        assert Change.objects.count() == told


def _sweep(scope: Any, kind: str) -> None:
    row = Sweep.objects.get(scope=scope, kind=kind)
    assert take(row)
    run(row, whole=True)


def _change(world: Any, chance: random.Random) -> None:
    for _ in range(chance.randint(0, 4)):
        name = chance.choice("abc")
        status = chance.choice(sorted(STATUSES))
        match chance.randint(0, 5):
            case 0:
                world.box(name, role_arn=chance.choice(["one", "two"]))
            case 1 if name in world.boxes:
                del world.boxes[name]
            case 2 if name in world.boxes:
                world.part(name, chance.choice("xy"), status=status, state=STATUSES[status])
            case 3 if world.parts.get(name):
                world.parts[name].popitem()
            case 4 if name in world.boxes:
                world.run(name, f"{name}{chance.randint(0, 2)}", status, STATUSES[status])
            case 5 if world.runs.get(name):
                world.step(chance.choice(list(world.runs[name])), "s", status=status)


def _assert_mirrors(world: Any) -> None:
    assert rows_of(Pipeline) == {
        (box.key, _status(world, box.key), box.role_arn if isinstance(box.role_arn, str) else "")
        for box in world.boxes.values()
    }
    present = Stage.objects.present().filter(pipeline__gone_at=None)
    assert set(present.values_list("key", "status")) == {
        (part.key, part.status) for box in world.boxes for part in world.parts[box].values()
    }
    # Histories outlive what is outside.
    runs = dict(Execution.objects.values_list("key", "status"))
    for box in world.boxes:
        for run_ in world.runs[box].values():
            assert runs[run_.key] == run_.status
    steps = dict(Action.objects.values_list("key", "status"))
    for box in world.boxes:
        for run_ in world.runs[box]:
            for step in world.steps.get(run_, {}).values():
                assert steps[step.key] == step.status


def _status(world: Any, box: str) -> str:
    """The digest's: of the newest run."""
    runs = world.runs[box].values()
    return max(runs, key=lambda run_: run_.started_at).status if runs else ""


def test_an_empty_reading_of_nothing_changes_nothing(scope, boxes):
    assert not reconcile(boxes, scope, [], extent=Nothing()).changed
