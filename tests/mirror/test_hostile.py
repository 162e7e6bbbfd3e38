"""Whatever the outside says is stored or trimmed; none of it stops a sweep."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.codepipeline.models import Pipeline, Stage
from apps.mirror.ask import LinkTo, Vanished
from apps.mirror.health import kind_health
from apps.mirror.hints import hint
from apps.mirror.models import Change, Hint, Link, Operation
from apps.mirror.outcomes import record_outcomes
from apps.mirror.provider import Failure, Health, Outcome
from apps.mirror.reconcile import ChildrenOf, Everything, Nothing, reconcile
from apps.mirror.resource import Names
from apps.mirror.text import storable, storable_json
from tests.mirror.rollback import rolled_back
from tests.mirror.toy import Box, Part

pytestmark = [pytest.mark.sql, pytest.mark.django_db]

NASTY = [
    "with\x00nul",
    "lone \ud800 surrogate",
    "half \udfff pair",
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "' OR 1=1; --",
    "x" * 100_000,
    "💥" * 3_000,
    "\u202eright to left",
    "\uffff\ufffe",
    " ",
    "",
]


@pytest.mark.parametrize("text", NASTY)
def test_any_text_is_stored_in_every_column_and_read_back_as_it_was_kept(scope, boxes, parts, text):
    kept = storable(text)
    named = Box(
        key=f"k{text}",
        arn=text,
        role_arn=text,
        tags={text: text, "deep": [{"list": (text, 1)}]},
        links=(LinkTo("uses", "toy.box", text),),
    )
    reconcile(boxes, scope, [named], extent=Everything())
    child = Part(key=f"c{text}", parent=f"k{text}", transition_reason=text, actions=[text])
    reconcile(parts, scope, [child], extent=Nothing())
    box, part = Pipeline.objects.get(), Stage.objects.get()
    assert box.key == f"k{kept}"[:512]
    assert box.role_arn == kept[:2048]
    assert box.tags == {kept: kept, "deep": [{"list": [kept, 1]}]}
    assert (part.pipeline, part.transition_reason, part.actions) == (box, kept, [kept])
    assert Link.objects.get().to_arn == kept[:2048]
    # Read again, nothing differs: what was trimmed is compared trimmed.
    assert not reconcile(boxes, scope, [named], extent=Everything()).changed
    extent = ChildrenOf(frozenset({box.key}))
    assert not reconcile(parts, scope, [child], extent=extent).changed
    # And it can vanish by the name it came with.
    assert reconcile(boxes, scope, [Vanished(f"k{text}")], extent=Nothing()).changed


def test_numbers_that_json_cannot_hold_are_null(scope, boxes):
    odd = Box(key="a", tags={"nan": float("nan"), "far": [float("inf")], "half": 0.5})
    reconcile(boxes, scope, [odd], extent=Everything())
    assert Pipeline.objects.get().tags == {"nan": None, "far": [None], "half": 0.5}
    assert not reconcile(boxes, scope, [odd], extent=Everything()).changed


def test_two_names_that_are_one_when_trimmed_are_one_row(scope, boxes):
    one, other = Box(key="n" * 512 + "1"), Box(key="n" * 512 + "2")
    assert reconcile(boxes, scope, [one, other], extent=Everything()).seen == 1
    assert Pipeline.objects.get().key == "n" * 512


@pytest.mark.parametrize("text", NASTY)
def test_a_failure_in_any_words_is_kept_on_the_scope(scope, boxes, text):
    failure = Failure(health=Health.DENIED, code=text, message=text, cure=text)
    outcome = Outcome(
        operation="toy:ListBoxes", failure=failure, failures=1, failed_at=datetime.now(UTC)
    )
    record_outcomes(scope, boxes, {"toy:ListBoxes": outcome})
    assert Operation.objects.get().error == storable(text)
    assert any(item.troubled for item in kind_health([scope]))


@pytest.mark.parametrize("text", NASTY)
def test_a_hint_in_any_words_is_kept(scope, text):
    hint(scope, [Names(kind="toy.part", parent=text), Names(kind="toy.box", key=text)])
    assert Hint.objects.count() == 2
    assert set(Hint.objects.values_list("parent_key", flat=True)) == {"", storable(text)[:512]}


texts = st.text(st.characters(exclude_categories=()), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(text=texts)
def test_storable_text_is_utf_8_without_nul_and_stays_as_it_is(text):
    kept = storable(text)
    kept.encode()
    assert "\x00" not in kept
    assert storable(kept) == kept


@given(value=json_values)
def test_storable_json_survives_the_way_through_a_strict_encoder(value):
    kept = storable_json(value)
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert storable_json(kept) == kept


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(key=texts.filter(bool), value=json_values, text=texts)
def test_any_answer_is_written_once_and_then_the_same(scope, boxes, key, value, text):
    with rolled_back():
        record = Box(key=key, tags={"value": value}, role_arn=text)
        reconcile(boxes, scope, [record], extent=Everything())
        written = Change.objects.count()
        reconcile(boxes, scope, [record], extent=Everything())
        assert Change.objects.count() == written == 1
