"""Takes events from the queue of each account and region: long polls, keeps hints, deletes.

EventBridge sends to one SQS queue per account and region (see queues.py for its name). That there
is none is no fault: polling goes on. One that may not be read is told on the scope.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils.timezone import now

from apps.mirror.hints import follow_hints
from apps.mirror.ingest import events_ceased, events_heard, events_silent, ingest
from apps.mirror.lease import Lease, free
from apps.mirror.provider import Failure, Health

from .arriving import Round, note_arrivals
from .calls import Reach
from .events import event_in
from .failures import told_by
from .models import Place
from .policy import listen_statement
from .queues import queue_arn, queue_of
from .reaching import reach_of

log = logging.getLogger(__name__)

# Threads of a process that wait for queues. They cost next to nothing and are not the workers', so
# that neither sweeps nor queues wait for each other.
AT_ONCE = 32
POLL_SECONDS = 5
# Where others wait for a thread, whoever listened for so many polls makes room.
TURNS = 6
LEASE = timedelta(seconds=150)
LOOK_FOR_QUEUE_EVERY = timedelta(minutes=15)
# After a failure, doubled with each further one.
REST = timedelta(seconds=10)
LONGEST_REST = timedelta(minutes=15)
FIND = "sqs:GetQueueUrl"
LOST = (Health.DENIED, Health.GONE, Health.NOT_OPTED_IN, Health.UNSUPPORTED)


def places_to_listen() -> list[int]:
    """Return the places whose queue somebody should listen to now, the longest untried first.

    What rests after a failure is not among them, and keeps nobody else from being heard.
    """
    at = now()
    unknown = Q(queue_url="") & (
        Q(queue_checked_at=None) | Q(queue_checked_at__lt=at - LOOK_FOR_QUEUE_EVERY)
    )
    places = _awake(at).filter(
        free("listened_until", at), unknown | ~Q(queue_url=""), scope__enabled=True
    )
    order = F("listened_at").asc(nulls_first=True)
    return list(places.order_by(order, "pk").values_list("pk", flat=True))


def listen(place_id: int, make_room: Callable[[], bool] = lambda: True) -> int:
    """Listen to a place's queue for half a minute; return how many messages came.

    Goes on for as long as `make_room` does not say that another queue waits for this thread. Where
    somebody listens already, it does nothing.
    """
    at = now()
    lease = Lease(_awake(at).filter(pk=place_id), "listened_until", LEASE)
    if not lease.take(listened_at=at):
        return 0
    # From now on only the scope may end it, not a rest.
    lease = Lease(
        Place.objects.filter(pk=place_id, scope__enabled=True),
        "listened_until",
        LEASE,
        held=lease.until,
    )
    heard = 0
    left: dict[str, object] = {}
    try:
        while not stopping():
            place = Place.objects.select_related("account__base", "scope").get(pk=place_id)
            # Each has a budget of time: one for half a minute, not one for ever.
            reach = reach_of(place.account, place.region, scope_id=place.scope_id)
            if not place.queue_url and not _find_queue(place, reach):
                break
            told = Round()
            for _ in range(TURNS):
                if stopping() or not lease.update():
                    return heard
                heard += _turn(place, reach, lease, told)
            left = {"unheard": 0, "rest_until": None, **told.counted(place, reach)}
            if make_room() or not lease.update(**left):
                break
    except Exception as error:  # noqa: BLE001 - polling is the backstop; said on the scope
        left = _after(place_id, error)
    finally:
        lease.free()
        if left:
            Place.objects.filter(pk=place_id).update(**left)
    return heard


def _awake(at: datetime) -> "QuerySet[Place]":
    """Places that do not rest."""
    return Place.objects.filter(Q(rest_until=None) | Q(rest_until__lt=at))


def _after(place_id: int, error: Exception) -> dict[str, object]:
    """Return what is noted of a failure: a rest, and whether the queue is looked for anew."""
    failure = told_by(error)
    log.info("events.unheard", extra={"place": place_id, "error": failure.code})
    place = Place.objects.select_related("account").filter(pk=place_id).first()
    failures = 0
    if place is not None:
        failures = place.unheard
        events_ceased(place.scope_id, _curable(failure, place))
    rest = min(LONGEST_REST, REST * 2 ** min(failures, 10))
    noted: dict[str, object] = {"rest_until": now() + rest, "unheard": min(failures + 1, 1000)}
    if failure.health in LOST:
        # Hammering it helps nobody; it is looked for anew, later.
        noted |= {"queue_url": "", "queue_checked_at": now()}
    return noted


def _curable(failure: Failure, place: Place) -> Failure:
    """Return a denial with the one statement that allows all of listening, to this queue alone."""
    if failure.statement is None:
        return failure
    arn = queue_arn(place.account.account_id, place.region, queue_of(place))
    return replace(failure, statement=listen_statement(arn))


def _find_queue(place: Place, reach: Reach) -> bool:
    Place.objects.filter(pk=place.pk).update(queue_checked_at=now())
    try:
        found = reach.call(FIND, QueueName=queue_of(place))
    except Exception as error:  # noqa: BLE001 - most accounts have none at first
        failure = told_by(error)
        log.info("events.no_queue", extra={"scope": place.scope.place, "error": failure.code})
        if failure.health is not Health.GONE:
            # That there is no queue is a choice; that nobody may look for it is told.
            events_ceased(place.scope_id, _curable(failure, place))
        elif place.scope.events_trouble.get("operation") == FIND:
            events_silent(place.scope_id)
        return False
    place.queue_url = found["QueueUrl"]
    Place.objects.filter(pk=place.pk).update(queue_url=place.queue_url)
    return True


def _turn(place: Place, reach: Reach, lease: Lease, told: Round) -> int:
    """Receive at most ten messages, keep what they name, delete them, follow what they name."""
    _rest_connection()
    answer = reach.call(
        "sqs:ReceiveMessage",
        QueueUrl=place.queue_url,
        MaxNumberOfMessages=10,
        MessageSystemAttributeNames=["SentTimestamp"],
        WaitTimeSeconds=POLL_SECONDS,
    )
    events_heard(place.scope_id)
    messages = answer.get("Messages", [])
    if not messages:
        return 0
    told.received(messages)
    events = [event for message in messages if (event := event_in(message["Body"])) is not None]
    # Hints are rows: once they are stored, nothing is lost with the messages.
    hinted = ingest("aws", events)
    note_arrivals(place, events)
    reach.call(
        "sqs:DeleteMessageBatch",
        QueueUrl=place.queue_url,
        Entries=[
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
        ],
    )
    for scope_id in hinted:
        follow_hints(scope_id, alive=lease.renew)
    return len(messages)


def _rest_connection() -> None:
    """Hold no connection to the database while a long poll waits."""
    if not connection.in_atomic_block:
        connection.close()


class Listeners:
    """The threads of this process that wait for queues, one a queue."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self.at_once = at_once
        self._threads: dict[int, threading.Thread] = {}
        self._lock = threading.Lock()

    def fill(self) -> int:
        """Give each queue that nobody listens to a thread, as far as there are some; how many."""
        started = 0
        for place_id in places_to_listen():
            with self._lock:
                if stopping() or len(self._threads) >= self.at_once:
                    break
                if place_id in self._threads:
                    continue
                # A daemon: what is cut off in its poll is received again by the next process.
                thread = threading.Thread(
                    target=self._work, args=(place_id,), name=f"listen-{place_id}", daemon=True
                )
                self._threads[place_id] = thread
            thread.start()
            started += 1
        return started

    def crowded(self) -> bool:
        """Whether a queue waits for a thread and there is none left."""
        return len(self._threads) >= self.at_once and bool(places_to_listen())

    def join(self, seconds: float) -> None:
        """Wait for the polls that are under way."""
        deadline = time.monotonic() + seconds
        for thread in list(self._threads.values()):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, place_id: int) -> None:
        try:
            listen(place_id, make_room=self.crowded)
        except Exception:
            log.exception("events.listener_died", extra={"place": place_id})
        finally:
            connection.close()
            with self._lock:
                self._threads.pop(place_id, None)


LISTENERS = Listeners()

_stopping = False


def stopping() -> bool:
    """Whether this process is being stopped: a long poll then is the last one."""
    return _stopping


def stop() -> None:
    """Tell listeners to end after the poll they are in."""
    global _stopping
    _stopping = True
