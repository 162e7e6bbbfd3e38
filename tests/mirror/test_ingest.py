"""Events name what to re-read and are nothing more: lost, doubled, malformed or foreign."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.aws.events import event_in, event_of
from apps.codepipeline.models import Stage
from apps.mirror import ingest as ingesting
from apps.mirror.due import take
from apps.mirror.hints import follow_hints
from apps.mirror.models import Hint, Scope, Sweep
from apps.mirror.provider import Failure, Health
from apps.mirror.resource import Names
from apps.mirror.sweep import ensure_sweeps, run
from tests.mirror.events import build_event, by_sns, pipeline_event
from tests.mirror.events import envelope as enveloped
from tests.mirror.rollback import rolled_back

pytestmark = [pytest.mark.sql, pytest.mark.django_db]


def names_in(envelope: dict[str, Any]) -> list[Names]:
    return ingesting.names_in(event_of(envelope))


def ingest(provider: str, envelopes: list[dict[str, Any]]) -> set[int]:
    return ingesting.ingest(provider, [event_of(envelope) for envelope in envelopes])


@pytest.fixture
def place(db: Any) -> Scope:
    return Scope.objects.create(
        provider="aws",
        place="111122223333/eu-west-1",
        account="111122223333",
        region="eu-west-1",
    )


def pending() -> set[tuple[str, str, str]]:
    return {(row.kind, row.parent_key, row.row_key) for row in Hint.objects.all()}


# --- What an event names --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "kinds"),
    [
        ("Pipeline", {"codepipeline.stage", "codepipeline.execution"}),
        ("Stage", {"codepipeline.stage", "codepipeline.execution"}),
        ("Action", {"codepipeline.stage", "codepipeline.action"}),
    ],
)
def test_an_event_of_a_pipeline_names_its_children(what, kinds):
    names = names_in(pipeline_event("checkout", what))
    assert {name.kind for name in names} == kinds
    assert {name.parent for name in names} == {"checkout"}


@pytest.mark.parametrize("what", ["State", "Phase"])
def test_an_event_of_a_build_names_the_build(what):
    key = "checkout-build:8745a7a9-c340-456a-9166-edf953571bee"
    assert names_in(build_event(key, what)) == [Names(kind="codebuild.build", key=key)]


# --- Bodies ---------------------------------------------------------------------------------------


def test_a_body_is_an_envelope_bare_or_wrapped_by_sns():
    event = pipeline_event("checkout")
    assert event_in(json.dumps(event)) == event_of(event)
    assert event_in(by_sns(event)) == event_of(event)
    assert event_of(event) == ingesting.Event(
        place="111122223333/eu-west-1",
        source="aws.codepipeline",
        type="CodePipeline Pipeline Execution State Change",
        detail={"resources": [], **event["detail"]},
    )


def test_what_an_event_is_about_is_told_beside_its_detail():
    arn = "arn:aws:ecs:eu-west-1:111122223333:service/default/shop"
    event = event_of(enveloped("aws.ecs", "ECS Service Action", {"a": 1}, resources=[arn]))
    assert event.detail == {"a": 1, "resources": [arn]}
    # A detail's own word counts.
    own = enveloped("aws.x", "X", {"resources": {"mine": 1}}, resources=[arn])
    assert event_of(own).detail == {"resources": {"mine": 1}}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "[]",
        "null",
        "7",
        '"text"',
        '{"Message": "no json"}',
        '{"Message": 7}',
        '{"Message": null}',
        '{"Message": "[]"}',
        "[" * 100_000,
        '{"Message": "' + "[" * 100_000 + '"}',
        "{" * 5,
        "\x00",
        "9" * 10_000,
    ],
)
def test_a_body_that_is_no_envelope_is_nothing(body):
    assert event_in(body) is None


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"detail": None},
        {"detail": []},
        {"detail": "text"},
        enveloped("aws.codepipeline", "CodePipeline Pipeline Execution State Change", {}),
        enveloped("aws.codebuild", "CodeBuild Build State Change", {"project-name": "x"}),
        enveloped("aws.batch", "Batch Job State Change", {"jobId": "j-1"}),
        enveloped("aws.codepipeline", "CodePipeline Weather Change", {"pipeline": "checkout"}),
        enveloped("com.example", "CodePipeline Pipeline Execution State Change", {"pipeline": "c"}),
        *(
            enveloped(
                "aws.codepipeline",
                "CodePipeline Pipeline Execution State Change",
                {"pipeline": odd},
            )
            for odd in (None, 7, ["checkout"], {"name": "checkout"}, True)
        ),
        {**pipeline_event("checkout"), "source": ["aws.codepipeline"]},
        {**pipeline_event("checkout"), "detail-type": {}},
    ],
)
def test_an_event_that_names_nothing_readable_leaves_no_trace(place, event):
    assert ingest("aws", [event]) == set()
    assert not Hint.objects.exists()
    place.refresh_from_db()
    assert place.events_at is None


def test_a_malformed_event_does_not_keep_its_neighbours_back(place):
    odd = enveloped(
        "aws.codepipeline", "CodePipeline Stage Execution State Change", {"pipeline": 7}
    )
    assert ingest("aws", [odd, pipeline_event("checkout")]) == {place.pk}
    assert ("codepipeline.stage", "checkout", "") in pending()


@pytest.mark.parametrize("name", ["nul\x00", "\ud800", "x" * 5000, "<b>"])
def test_an_event_may_name_a_pipeline_in_any_words(place, name):
    assert ingest("aws", [pipeline_event(name)]) == {place.pk}
    assert Hint.objects.count() == 2


# --- Whose ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "foreign",
    [
        {"account": "444455556666"},
        {"region": "us-east-1"},
        {"account": None},
        {"account": {"a": 1}},
        {"account": "nul\x00"},
        {"account": "\ud800"},
    ],
)
def test_events_of_an_account_or_region_that_is_not_swept_are_dropped(place, foreign):
    assert ingest("aws", [{**pipeline_event("checkout"), **foreign}]) == set()
    assert not Hint.objects.exists()


def test_events_of_a_scope_that_was_switched_off_are_dropped(place):
    Scope.objects.update(enabled=False)
    assert ingest("aws", [pipeline_event("checkout")]) == set()


def test_a_scope_of_another_provider_with_that_name_hears_nothing(place):
    Scope.objects.update(provider="toy")
    assert ingest("aws", [pipeline_event("checkout")]) == set()


def test_a_burst_is_one_hint_a_kind_and_says_that_events_flow(place):
    burst = [pipeline_event("checkout", what) for what in ("Pipeline", "Stage", "Action")] * 50
    assert ingest("aws", burst) == {place.pk}
    assert pending() == {
        ("codepipeline.stage", "checkout", ""),
        ("codepipeline.execution", "checkout", ""),
        ("codepipeline.action", "checkout", ""),
    }
    place.refresh_from_db()
    assert place.events_at is not None
    assert place.last_event_at == place.events_at


def test_events_nobody_listens_to_do_not_slow_polling_down(place):
    ingest("aws", [enveloped("aws.codecommit", "CodeCommit Repository State Change", {})])
    place.refresh_from_db()
    assert place.events_at is None


# --- Any order, any number ------------------------------------------------------------------------


def toy_event(box: str) -> dict[str, Any]:
    return enveloped("toy", "Toy Changed", {"box": box}, account="shelf", region="toy")


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_doubled_shuffled_and_lost_events_end_in_the_same_rows(scope, world, data):
    with rolled_back():
        Scope.objects.filter(pk=scope.pk).update(place="shelf/toy")
        world.boxes.clear()
        world.parts.clear()
        names = ["a", "b", "c"]
        for name in names:
            world.box(name)
            world.part(name, "1", status="0", state="moving")
        ensure_sweeps(scope)
        for kind in ("toy.box", "toy.part"):
            row = Sweep.objects.get(kind=kind)
            take(row)
            run(row, whole=True)
        events: list[dict[str, Any]] = []
        for turn in range(data.draw(st.integers(1, 6))):
            name = data.draw(st.sampled_from(names))
            world.part(name, "1", status=str(turn + 1), state="moving")
            events.append(toy_event(name))
        sent = data.draw(st.permutations(events * data.draw(st.integers(1, 3))))
        heard = {event["detail"]["box"] for event in events}
        while sent:
            cut = data.draw(st.integers(1, len(sent)))
            ingest("toy", sent[:cut])
            sent = sent[cut:]
            if data.draw(st.booleans()):
                follow_hints(scope.pk)
        follow_hints(scope.pk)
        rows = dict(Stage.objects.values_list("pipeline__key", "status"))
        for name in heard:
            assert rows[name] == world.parts[name][f"{name}/1"].status
        assert not Hint.objects.filter(echo=False).exists()


# --- Events that cease ----------------------------------------------------------------------------


def test_what_events_put_off_is_due_in_its_own_time_again_when_they_cease(place: Scope) -> None:
    ensure_sweeps(place)
    at = now()
    later = at + timedelta(minutes=100)
    Sweep.objects.update(events_at=at, last_success=at - timedelta(minutes=5), due_at=later)
    refused = Failure(health=Health.THROTTLED, code="Throttling", operation="sqs:ReceiveMessage")
    ingesting.events_ceased(place.pk, refused)
    due = dict(Sweep.objects.values_list("kind", "due_at"))
    # Every ten minutes, and five of them are over; every minute, so it is late.
    assert timedelta(minutes=4) < due["codepipeline.execution"] - at < timedelta(minutes=6)
    assert due["codepipeline.stage"] - at < timedelta(seconds=10)
    # What events tell of in part alone was never put off.
    assert due["ec2.instance"] == later
    assert not Sweep.objects.exclude(events_at=None).exists()
    # Going on to cease puts nothing forward.
    Sweep.objects.update(due_at=later)
    ingesting.events_ceased(place.pk, refused)
    assert set(Sweep.objects.values_list("due_at", flat=True)) == {later}
