"""Whatever a queue holds, nothing breaks: it names rows by texts, or nothing."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.aws.arriving import note_arrivals
from apps.aws.events import event_in
from apps.aws.models import Account, Arrival, Place
from apps.mirror.ingest import ingest, is_heard, names_in
from apps.mirror.models import Hint, Scope
from apps.mirror.resource import REGISTER
from tests.mirror.rollback import rolled_back

HEARD = [heard for resource in REGISTER.of("aws") for heard in resource.events]
# Words that declarations look for, so that some of what is drawn gets past the first look.
MEMBERS = st.sampled_from(
    [
        "pipeline",
        "name",
        "project",
        "build-id",
        "requestParameters",
        "responseElements",
        "pipelineName",
        "resourceArn",
        "errorCode",
        "deploymentId",
        "repositories",
        "resources",
        "EnvironmentName",
    ]
) | st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def envelopes(draw: st.DrawFn) -> dict[str, Any]:
    """An envelope that some kind hears by its source and type, with a detail of any shape."""
    heard = draw(st.sampled_from(HEARD))
    detail = draw(st.dictionaries(MEMBERS, JSON, max_size=5) | JSON)
    if isinstance(detail, dict):
        detail |= {name: draw(st.sampled_from(values)) for name, values in heard.where.items()}
    return {
        "source": draw(st.just(heard.source) | JSON),
        "detail-type": draw(st.just(heard.detail_type) | JSON),
        "account": draw(st.sampled_from(["111122223333", "444455556666"]) | JSON),
        "region": draw(st.just("eu-west-1") | JSON),
        "detail": detail,
        "resources": draw(JSON),
    }


@settings(max_examples=300, deadline=None)
@given(envelope=envelopes())
def test_an_event_of_any_shape_names_texts_or_nothing(envelope):
    event = event_in(json.dumps(envelope))
    assert event is not None
    for names in names_in(event):
        assert isinstance(names.key, str)
        assert isinstance(names.parent, str)
    assert is_heard(event) in (True, False)


@settings(max_examples=200, deadline=None)
@given(body=st.text(max_size=200) | JSON.map(json.dumps))
def test_a_body_of_any_text_is_an_event_or_nothing(body):
    event = event_in(body)
    assert event is None or names_in(event) == [] or is_heard(event)


@pytest.mark.django_db
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=st.lists(envelopes(), max_size=10))
def test_a_batch_of_any_events_is_stored_as_hints_and_arrivals(db, sent):
    with rolled_back():
        scope = Scope.objects.create(
            provider="aws", place="111122223333/eu-west-1", account="111122223333"
        )
        account = Account.objects.create(name="a", method="keys", account_id="111122223333")
        place = Place.objects.create(account=account, region="eu-west-1", scope=scope)
        events = [event for one in sent if (event := event_in(json.dumps(one))) is not None]
        ingest("aws", events)
        note_arrivals(place, events)
        assert Hint.objects.count() <= 500
        declared = {(heard.source, heard.detail_type) for heard in HEARD}
        assert set(Arrival.objects.values_list("source", "detail_type")) <= declared
        place.refresh_from_db()
        assert set(place.strangers) <= {"444455556666/eu-west-1"}
