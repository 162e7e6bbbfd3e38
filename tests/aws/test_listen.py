"""Listening: a queue is found, its messages become hints, then they are deleted."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from django.db import OperationalError
from django.utils.timezone import now

from apps.aws import listen as listening
from apps.aws.listen import listen, places_to_listen
from apps.aws.models import Account, Arrival, Place
from apps.mirror.models import Hint, Scope
from tests.flight import ACCOUNT, REGION, Fault, Flight
from tests.mirror.events import by_sns, envelope, pipeline_event

pytestmark = pytest.mark.django_db
FIND, TAKE, DROP = "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessageBatch"
COUNT = "sqs:GetQueueAttributes"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/codestar-dash-events"


def message(event: Any, number: int = 1) -> dict[str, Any]:
    body = event if isinstance(event, str) else json.dumps(event)
    return {"MessageId": f"m-{number}", "ReceiptHandle": f"r-{number}", "Body": body}


@pytest.fixture
def place(db):
    owner = Account.objects.create(
        name="production", method=Account.Method.AMBIENT, account_id=ACCOUNT
    )
    scope = Scope.objects.create(
        provider="aws", place=f"{ACCOUNT}/{REGION}", account=ACCOUNT, region=REGION
    )
    return Place.objects.create(account=owner, region=REGION, scope=scope)


def another(number):
    """The id of one more place whose queue is known."""
    region = f"eu-west-{number + 10}"
    scope = Scope.objects.create(provider="aws", place=f"{ACCOUNT}/{region}", region=region)
    return Place.objects.create(
        account=Account.objects.get(), region=region, scope=scope, queue_url=QUEUE
    ).pk


@pytest.fixture
def queue(monkeypatch):
    """A queue that exists and is empty; hints are taken down and not followed."""
    flight = Flight()
    flight.on(FIND, {"QueueUrl": QUEUE}).on(TAKE, {}).on(DROP, {"Successful": [], "Failed": []})
    flight.on(COUNT, {"Attributes": {"ApproximateNumberOfMessages": "0"}})
    monkeypatch.setattr(listening, "reach_of", lambda *_args, **_options: flight.reach())
    monkeypatch.setattr("apps.aws.calls.FIRST_PAUSE", 0.0)
    monkeypatch.setattr(listening, "_stopping", False)
    flight.followed = []

    def follow(pk, *, alive):
        flight.followed.append((pk, dropped(flight)))

    monkeypatch.setattr(listening, "follow_hints", follow)
    return flight


def test_a_queue_is_found_by_its_name_and_polled_long(place, queue, settings):
    settings.EVENT_QUEUE_NAME = "our-events"
    assert listen(place.pk) == 0
    assert queue.calls(FIND) == [{"QueueName": "our-events"}]
    assert queue.calls(TAKE)[0] == {
        "QueueUrl": QUEUE,
        "MaxNumberOfMessages": 10,
        "MessageSystemAttributeNames": ["SentTimestamp"],
        "WaitTimeSeconds": 5,
    }
    place.refresh_from_db()
    assert (place.queue_url, place.listened_until) == (QUEUE, None)
    place.scope.refresh_from_db()
    assert place.scope.heard_at is not None


def dropped(queue):
    return [entry["ReceiptHandle"] for call in queue.calls(DROP) for entry in call["Entries"]]


def test_messages_become_hints_are_deleted_together_and_followed_at_once(place, queue):
    burst = [message(pipeline_event("shop"), 1), message(by_sns(pipeline_event("web")), 2)]
    queue.script(TAKE, {"Messages": burst}, {})
    assert listen(place.pk) == 2
    assert {row.parent_key for row in Hint.objects.all()} == {"shop", "web"}
    # What is stored is safe; while it is followed the queue may not send it once more.
    assert queue.followed == [(place.scope_id, ["r-1", "r-2"])]
    assert len(queue.calls(DROP)) == 1


def test_a_message_is_deleted_only_after_its_hints_are_stored(place, queue, monkeypatch):
    def broken(*_args):
        raise OperationalError("the database is away")

    monkeypatch.setattr(listening, "ingest", broken)
    queue.on(TAKE, {"Messages": [message(pipeline_event("shop"))]})
    listen(place.pk)
    assert not queue.calls(DROP)
    place.refresh_from_db()
    # The queue is still there: it is asked again soon, and not looked for again.
    assert place.queue_url == QUEUE
    assert place.listened_until is None
    assert timedelta(0) < place.rest_until - now() <= timedelta(seconds=10)


@pytest.mark.parametrize("body", ["", "no json", "[]", '{"detail": 7}', "[" * 50_000])
def test_a_message_nobody_can_read_is_deleted_and_harms_none(place, queue, body):
    messages = [message(body, 1), message(pipeline_event("shop"), 2)]
    queue.script(TAKE, {"Messages": messages}, {})
    assert listen(place.pk) == 2
    assert dropped(queue) == ["r-1", "r-2"]
    assert {row.parent_key for row in Hint.objects.all()} == {"shop"}


def test_a_message_of_another_account_is_deleted_and_hints_nothing(place, queue):
    foreign = {**pipeline_event("shop"), "account": "444455556666"}
    queue.script(TAKE, {"Messages": [message(foreign)]}, {})
    listen(place.pk)
    assert len(queue.calls(DROP)) == 1
    assert not Hint.objects.exists()
    assert queue.followed == []


def test_without_a_queue_polling_goes_on_and_it_is_looked_for_again_later(place, queue):
    queue.on(FIND, Fault("AWS.SimpleQueueService.NonExistentQueue", "no such queue"))
    assert listen(place.pk) == 0
    assert not queue.calls(TAKE)
    assert places_to_listen() == []
    Place.objects.update(queue_checked_at=now() - timedelta(minutes=16))
    assert places_to_listen() == [place.pk]


def test_a_queue_that_may_not_be_read_is_left_alone_for_a_while(place, queue):
    queue.on(TAKE, Fault("AccessDeniedException", "no"))
    assert listen(place.pk) == 0
    assert len(queue.calls(TAKE)) == 1
    assert places_to_listen() == []


def test_a_queue_that_has_trouble_is_not_given_up(place, queue):
    queue.on(TAKE, Fault("InternalFailure", status=500))
    listen(place.pk)
    place.refresh_from_db()
    assert place.queue_url == QUEUE
    assert places_to_listen() == []
    Place.objects.update(rest_until=now() - timedelta(seconds=1))
    assert places_to_listen() == [place.pk]


def test_a_queue_that_keeps_failing_rests_longer_each_time_until_it_answers(place, queue):
    queue.on(TAKE, Fault("InternalFailure", status=500))
    rests = []
    for _ in range(9):
        Place.objects.update(rest_until=None)
        listen(place.pk)
        place.refresh_from_db()
        rests.append(round((place.rest_until - now()).total_seconds()))
    assert rests == [10, 20, 40, 80, 160, 320, 640, 900, 900]
    queue.on(TAKE, {})
    Place.objects.update(rest_until=None)
    listen(place.pk)
    place.refresh_from_db()
    assert (place.unheard, place.rest_until) == (0, None)


def test_queues_that_cannot_be_reached_keep_no_other_from_being_heard(place, queue):
    dead = [another(number) for number in range(2 * listening.AT_ONCE)]
    queue.on(TAKE, EndpointConnectionError(endpoint_url="https://sqs.example.com"))
    for pk in dead:
        listen(pk)
    Place.objects.filter(pk=place.pk).update(listened_at=now())
    assert places_to_listen() == [place.pk]
    # When their rest is over they wait their turn: whoever was tried longest ago comes first.
    Place.objects.filter(pk__in=dead).update(rest_until=None)
    Place.objects.filter(pk=place.pk).update(listened_at=now() - timedelta(minutes=1))
    assert places_to_listen() == [place.pk, *dead]


def test_each_queue_has_a_thread_of_its_own_as_far_as_there_are_some(place, queue, monkeypatch):
    others = [another(number) for number in range(4)]
    begun, over = [], threading.Event()

    def slow(pk, make_room):
        begun.append(pk)
        over.wait(10)

    monkeypatch.setattr(listening, "listen", slow)
    listeners = listening.Listeners(at_once=3)
    assert listeners.fill() == 3
    assert listeners.fill() == 0
    assert listeners.crowded()
    over.set()
    listeners.join(5)
    assert not listeners.crowded()
    assert sorted(begun) == [place.pk, *others[:2]]


def test_who_listens_goes_on_where_no_other_queue_waits(place, queue):
    asked = []

    def make_room():
        asked.append(1)
        return len(asked) == 3

    listen(place.pk, make_room)
    assert len(queue.calls(TAKE)) == 3 * listening.TURNS


def test_listening_for_hours_is_no_failure(place, queue, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr("apps.aws.calls.time.monotonic", lambda: clock[0])

    def a_poll(_params):
        clock[0] += 5
        return {}

    queue.on(TAKE, a_poll)
    # A reach tells its age by the same clock.
    monkeypatch.setattr(
        listening, "reach_of", lambda *_args, **_more: queue.reach(_opened=clock[0])
    )
    turns = []

    def make_room():
        turns.append(1)
        return len(turns) == 60

    listen(place.pk, make_room)
    assert clock[0] >= 1000 + 1800
    place.refresh_from_db()
    assert (place.unheard, place.rest_until) == (0, None)


def test_who_lost_the_queue_to_another_leaves_it_to_them(place, queue):
    theirs = now() + timedelta(hours=1)

    def overtaken(_params):
        Place.objects.update(listened_until=theirs)
        return {}

    queue.on(TAKE, overtaken)
    listen(place.pk, lambda: False)
    assert len(queue.calls(TAKE)) == 1
    place.refresh_from_db()
    assert place.listened_until == theirs


def test_a_denial_is_told_on_the_scope_with_its_cure_until_it_is_over(place, queue):
    at = now()
    Scope.objects.update(events_at=at, last_event_at=at)
    queue.on(TAKE, Fault("AccessDeniedException", "not authorized to perform: sqs:ReceiveMessage"))
    listen(place.pk)
    scope = Scope.objects.get()
    assert scope.events_trouble["operation"] == "sqs:ReceiveMessage"
    # All that listening needs at once, and to this queue alone.
    assert scope.events_trouble["statement"] == {
        "Sid": "ListenToEvents",
        "Effect": "Allow",
        "Action": ["sqs:DeleteMessage", COUNT, FIND, TAKE],
        "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:codestar-dash-events",
    }
    # Polling is not slow any more, and yet it is known when the last event came.
    assert scope.events_at is None
    assert scope.last_event_at == at
    queue.on(TAKE, {})
    Place.objects.update(rest_until=None, queue_checked_at=None)
    listen(place.pk)
    assert Scope.objects.get().events_trouble == {}


def test_messages_that_may_not_be_deleted_are_told(place, queue):
    queue.on(TAKE, {"Messages": [message(pipeline_event("shop"))]})
    queue.on(DROP, Fault("AccessDeniedException", "no"))
    listen(place.pk)
    assert Scope.objects.get().events_trouble["operation"] == "sqs:DeleteMessageBatch"


def test_that_there_is_no_queue_is_no_trouble_and_that_nobody_may_look_for_it_is(place, queue):
    queue.on(FIND, Fault("AWS.SimpleQueueService.NonExistentQueue", "no such queue"))
    listen(place.pk)
    assert Scope.objects.get().events_trouble == {}
    queue.on(FIND, Fault("AccessDeniedException", "no"))
    Place.objects.update(queue_checked_at=None)
    listen(place.pk)
    assert Scope.objects.get().events_trouble["operation"] == "sqs:GetQueueUrl"


def test_one_listens_to_a_queue(place, queue):
    Place.objects.update(listened_until=now() + timedelta(minutes=1))
    assert places_to_listen() == []
    assert listen(place.pk) == 0
    assert queue.asked == []
    Place.objects.update(listened_until=now() - timedelta(seconds=1))
    assert places_to_listen() == [place.pk]


def test_nobody_listens_for_a_scope_that_was_switched_off_or_a_place_that_is_gone(place, queue):
    Scope.objects.update(enabled=False)
    assert places_to_listen() == []
    assert listen(987654321) == 0


def test_listening_makes_room_after_half_a_minute(place, queue):
    listen(place.pk)
    assert len(queue.calls(TAKE)) == listening.TURNS == 6


def test_a_process_that_stops_ends_with_the_poll_it_is_in(place, queue):
    def stops(_params):
        listening.stop()
        return {}

    queue.on(TAKE, stops)
    listen(place.pk)
    assert len(queue.calls(TAKE)) == 1
    assert listening.stopping()


# --- What arrives ---------------------------------------------------------------------------------

STARTED = "CodePipeline Pipeline Execution State Change"
CALLED = "AWS API Call via CloudTrail"


def api_call(operation, parameters, **detail):
    told = {"eventName": operation, "requestParameters": parameters, **detail}
    return envelope("aws.codepipeline", CALLED, told)


def newest():
    return {(row.place_id, row.source, row.detail_type): row.at for row in Arrival.objects.all()}


def test_when_the_newest_event_of_each_type_arrived_is_noted(place, queue):
    closed = api_call("DisableStageTransition", {"pipelineName": "shop", "stageName": "Deploy"})
    burst = [message(pipeline_event("shop"), 1), message(closed, 2)]
    queue.script(TAKE, {"Messages": burst}, {})
    listen(place.pk)
    first = newest()
    assert first.keys() == {
        (place.pk, "aws.codepipeline", STARTED),
        (place.pk, "aws.codepipeline", CALLED),
    }
    queue.script(TAKE, {"Messages": [message(pipeline_event("web"))]}, {})
    listen(place.pk)
    again, key = newest(), (place.pk, "aws.codepipeline", STARTED)
    assert again[key] > first[key]
    assert again.keys() == first.keys()


def test_events_nobody_hears_are_not_noted(place, queue):
    odd = [
        envelope("aws.batch", "Batch Job State Change", {"jobId": "j-1"}),
        api_call("PutApprovalResult", {"pipelineName": "shop"}),
        {**pipeline_event("shop"), "source": ["aws.codepipeline"]},
        {**pipeline_event("shop"), "detail-type": {"a": 1}},
    ]
    burst = [message(event, number) for number, event in enumerate(odd)]
    queue.script(TAKE, {"Messages": burst}, {})
    assert listen(place.pk) == 4
    assert newest() == {}


def test_events_of_another_place_that_is_swept_are_noted_as_its_own(place, queue):
    other = another(1)
    Scope.objects.filter(aws_place=other).update(place=f"{ACCOUNT}/eu-west-2")
    foreign = {**pipeline_event("shop"), "region": "eu-west-2"}
    queue.script(TAKE, {"Messages": [message(foreign)]}, {})
    listen(place.pk)
    assert newest().keys() == {(other, "aws.codepipeline", STARTED)}
    assert Place.objects.get(pk=place.pk).strangers == {}


@pytest.mark.parametrize(
    ("account", "region", "told"),
    [
        ("444455556666", "eu-west-1", True),
        (ACCOUNT, "us-east-1", True),
        ("nul\x00", "eu-west-1", False),
        ("\ud800", "eu-west-1", False),
        ({"a": 1}, "eu-west-1", False),
        (None, None, False),
        ("444455556666", "<script>", False),
        ("4" * 5000, "eu-west-1", False),
    ],
)
def test_a_place_nobody_sweeps_is_remembered_by_its_name_if_it_is_one(
    place, queue, account, region, told
):
    foreign = {**pipeline_event("shop"), "account": account, "region": region}
    queue.script(TAKE, {"Messages": [message(foreign)]}, {})
    assert listen(place.pk) == 1
    strangers = Place.objects.get(pk=place.pk).strangers
    assert list(strangers) == ([f"{account}/{region}"] if told else [])
    assert newest() == {}


def test_of_very_many_strangers_only_the_newest_are_remembered(place, queue):
    for start in range(0, 30, 10):
        burst = [
            message({**pipeline_event("shop"), "account": f"4444555566{number:02}"}, number)
            for number in range(start, start + 10)
        ]
        queue.script(TAKE, {"Messages": burst}, {})
        listen(place.pk)
    strangers = Place.objects.get(pk=place.pk).strangers
    assert set(strangers) == {f"4444555566{number}/{REGION}" for number in range(20, 30)}


# --- How far behind -------------------------------------------------------------------------------


def test_how_many_wait_and_for_how_long_they_had_is_told_after_each_round(place, queue):
    sent = now() - timedelta(minutes=5)
    late = message(pipeline_event("shop"))
    late["Attributes"] = {"SentTimestamp": str(int(sent.timestamp() * 1000))}
    queue.script(TAKE, {"Messages": [late]}, {})
    queue.on(COUNT, {"Attributes": {"ApproximateNumberOfMessages": "321"}})
    listen(place.pk)
    place.refresh_from_db()
    assert place.waiting == 321
    assert 299 <= place.waited <= 330
    assert place.counted_at is not None
    assert len(queue.calls(COUNT)) == 1
    # The next round hears nothing old.
    listen(place.pk)
    place.refresh_from_db()
    assert place.waited == 0


@pytest.mark.parametrize("sent", ["", "yesterday", "-5", "1e9", None])
def test_a_message_that_says_nothing_of_its_age_harms_none(place, queue, sent):
    odd = {**message(pipeline_event("shop")), "Attributes": {"SentTimestamp": str(sent)}}
    queue.script(TAKE, {"Messages": [odd]}, {})
    assert listen(place.pk) == 1
    assert Place.objects.get(pk=place.pk).waited == 0


def test_who_may_not_count_hears_everything_and_is_not_asked_all_the_time(place, queue):
    queue.on(COUNT, Fault("AccessDeniedException", "no"))
    queue.on(TAKE, {"Messages": [message(pipeline_event("shop"))]})
    assert listen(place.pk) == listening.TURNS
    place.refresh_from_db()
    assert (place.waiting, place.unheard, place.rest_until) == (None, 0, None)
    assert Scope.objects.get().events_trouble == {}
    listen(place.pk)
    assert len(queue.calls(COUNT)) == 1
    Place.objects.update(counted_at=now() - timedelta(minutes=16))
    queue.on(COUNT, {"Attributes": {"ApproximateNumberOfMessages": "3"}})
    listen(place.pk)
    assert Place.objects.get(pk=place.pk).waiting == 3


# --- Which queue ----------------------------------------------------------------------------------


def test_the_queue_that_a_person_named_is_looked_for(place, queue):
    Place.objects.update(queue_name="our-events")
    listen(place.pk)
    assert queue.calls(FIND) == [{"QueueName": "our-events"}]
    queue.on(TAKE, Fault("AccessDeniedException", "not authorized to perform: sqs:ReceiveMessage"))
    listen(place.pk)
    statement = Scope.objects.get().events_trouble["statement"]
    assert statement["Resource"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:our-events"


def test_a_queue_that_is_gone_is_told_and_looked_for_again_later(place, queue):
    listen(place.pk)
    queue.on(TAKE, Fault("AWS.SimpleQueueService.NonExistentQueue", "no such queue"))
    queue.on(FIND, Fault("AWS.SimpleQueueService.NonExistentQueue", "no such queue"))
    listen(place.pk)
    assert Scope.objects.get().events_trouble["health"] == "gone"
    Place.objects.update(rest_until=None, queue_checked_at=None)
    listen(place.pk)
    # It still is gone, which is another thing than never having been there.
    assert Scope.objects.get().events_trouble["health"] == "gone"


def test_once_the_queue_may_be_looked_for_its_absence_is_no_trouble_any_more(place, queue):
    queue.on(FIND, Fault("AccessDeniedException", "no"))
    listen(place.pk)
    assert Scope.objects.get().events_trouble["health"] == "denied"
    queue.on(FIND, Fault("AWS.SimpleQueueService.NonExistentQueue", "no such queue"))
    Place.objects.update(rest_until=None, queue_checked_at=None)
    listen(place.pk)
    assert Scope.objects.get().events_trouble == {}
