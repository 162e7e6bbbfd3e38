"""The pages on events: who sees them, what each state of a queue says, and how it is set up."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.aws import queue_trial, tasks
from apps.aws.connect import connect
from apps.aws.event_template import event_template
from apps.aws.models import Account, Arrival, Place
from apps.aws.policy import listen_statement
from apps.mirror.models import Scope, Sweep
from tests.aws.people import administrator, staff, stranger, viewer
from tests.flight import Fault, Flight

__all__ = ["administrator", "staff", "stranger", "viewer"]
pytestmark = pytest.mark.django_db

ROLE = "arn:aws:iam::111122223333:role/codestar-dash"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/codestar-dash-events"
ARN = "arn:aws:sqs:eu-west-1:111122223333:codestar-dash-events"
PIPELINES = "aws.codepipeline"
STARTED = "CodePipeline Pipeline Execution State Change"
CALLS = "AWS API Call via CloudTrail"


@pytest.fixture(autouse=True)
def clean() -> None:
    cache.clear()


@pytest.fixture
def place() -> Place:
    """A place whose queue was found and answers."""
    connected()
    Place.objects.update(queue_url=QUEUE, queue_checked_at=now(), waiting=0, waited=0.2)
    Scope.objects.update(heard_at=now())
    return Place.objects.get()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """Tasks are only noted."""
    noted: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr(
        "celery.app.task.Task.delay", lambda task, *args: noted.append((task.name, args))
    )
    return noted


def connected(name: str = "production", account: str = "111122223333", **more: Any) -> Account:
    given = {
        "method": Account.Method.ROLE,
        "role_arn": f"arn:aws:iam::{account}:role/codestar-dash",
        "regions": ["eu-west-1"],
    }
    return connect(name=name, account_id=account, **{**given, **more})


def html(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def page(client: Client, place: Place) -> str:
    response = client.get(f"/aws/events/{place.pk}/")
    assert response.status_code == 200
    return html(response)


def arrived(place: Place, source: str = PIPELINES, detail_type: str = STARTED, **ago: int) -> None:
    at = now() - timedelta(**ago)
    Arrival.objects.create(place=place, source=source, detail_type=detail_type, at=at)
    Scope.objects.filter(pk=place.scope_id).update(events_at=at, last_event_at=at)


# --- Who ------------------------------------------------------------------------------------------

PATHS = ["", "{pk}/", "{pk}/template.yaml", "{pk}/template.json"]


@pytest.mark.parametrize("path", PATHS)
def test_staff_and_administrators_see_them(staff, administrator, place, path):
    for client in (staff, administrator):
        assert client.get(f"/aws/events/{path.format(pk=place.pk)}").status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_to_viewers_they_do_not_exist_and_strangers_sign_in(viewer, stranger, place, path):
    address = f"/aws/events/{path.format(pk=place.pk)}"
    assert viewer.get(address).status_code == 404
    assert stranger.get(address).status_code == 302


@pytest.mark.parametrize("path", ["queue/", "test/"])
def test_nobody_else_changes_or_tests_a_queue(viewer, stranger, place, asked, path):
    address = f"/aws/events/{place.pk}/{path}"
    assert viewer.post(address, {"queue": "theirs"}).status_code == 404
    assert stranger.post(address, {"queue": "theirs"}).status_code == 302
    assert asked == []
    assert Place.objects.get().queue_name == ""


@pytest.mark.parametrize("path", ["987654/", "987654/template.yaml", "{pk}/template.exe"])
def test_what_is_not_there_is_not_found(staff, place, path):
    assert staff.get(f"/aws/events/{path.format(pk=place.pk)}").status_code == 404


# --- How it fares ---------------------------------------------------------------------------------


def test_without_accounts_the_list_says_what_would_be_there(staff):
    assert "No account is connected" in html(staff.get("/aws/events/"))


def test_not_set_up(staff, place):
    Place.objects.update(queue_url="")
    assert "Not set up" in html(staff.get("/aws/events/"))
    told = page(staff, place)
    assert "Events are not set up here" in told
    assert "aws cloudformation deploy --region eu-west-1" in told


def test_not_looked_for_yet(staff, place):
    Place.objects.update(queue_url="", queue_checked_at=None)
    assert "Queue is looked for" in html(staff.get("/aws/events/"))
    assert "is being looked for" in page(staff, place)


def test_listening_and_no_event_yet(staff, place):
    assert "Listening, no event yet" in html(staff.get("/aws/events/"))
    assert "no event has come yet" in page(staff, place)


def test_events_arriving_and_of_which_sources(staff, place):
    arrived(place, minutes=1)
    arrived(place, "aws.codebuild", "CodeBuild Build State Change", minutes=2)
    listed = html(staff.get("/aws/events/"))
    assert "Events arrive" in listed
    assert '<span class="chip">aws.codepipeline</span>' in listed
    told = page(staff, place)
    assert re.search(rf"{STARTED}</td><td [^>]*><time", told)
    assert re.search(r"CodePipeline Stage Execution State Change</td><td [^>]*>none yet", told)


def test_listening_and_quiet(staff, place):
    arrived(place, hours=3)
    assert "Listening, quiet" in html(staff.get("/aws/events/"))
    assert "nothing was told for an hour" in page(staff, place)


@pytest.mark.parametrize("behind", [{"waiting": 5000}, {"waited": 600.0}])
def test_behind(staff, place, behind):
    arrived(place, minutes=1)
    Place.objects.update(**behind)
    assert "Behind" in html(staff.get("/aws/events/"))
    told = page(staff, place)
    assert "More arrives than is taken" in told
    assert ("about 5000 messages wait" if "waiting" in behind else "had waited 10m") in told


def trouble(health: str, code: str, **more: Any) -> None:
    told = {"operation": "sqs:ReceiveMessage", "health": health, "code": code, "error": "<b>no</b>"}
    Scope.objects.update(events_trouble={**told, "cure": "Allow it.", "statement": None, **more})


def test_denied_with_the_statement_that_cures_it(staff, place):
    trouble("denied", "AccessDenied", statement=listen_statement(ARN))
    for told in (html(staff.get("/aws/events/")), page(staff, place)):
        assert "Denied" in told
        assert "&lt;b&gt;no&lt;/b&gt;" in told
        assert "sqs:GetQueueAttributes" in told
        assert f"&quot;Resource&quot;: &quot;{ARN}&quot;" in told


def test_a_queue_that_is_gone(staff, place):
    trouble("gone", "AWS.SimpleQueueService.NonExistentQueue")
    Place.objects.update(queue_url="")
    assert "Queue gone" in html(staff.get("/aws/events/"))
    assert "Deploy the template again" in page(staff, place)


def test_it_says_when_it_was_asked_and_what_came_of_it(staff, place):
    Place.objects.update(queue_checked_at=None)
    Scope.objects.update(heard_at=None)
    assert "never" in html(staff.get("/aws/events/"))
    at = now() - timedelta(minutes=3)
    trouble("denied", "AccessDenied", operation="sqs:GetQueueUrl", at=at.isoformat())
    for path in ("/aws/events/", f"/aws/events/{place.pk}/"):
        page = html(staff.get(path))
        assert f"{at:%Y-%m-%dT%H:%M:%S}Z" in page
        assert "denied at <code>sqs:GetQueueUrl</code>" in page


def test_any_other_trouble(staff, place):
    trouble("unreachable", "EndpointConnectionError")
    assert "In trouble" in html(staff.get("/aws/events/"))
    assert "Allow it." in page(staff, place)


def test_a_region_that_is_not_swept(staff, place):
    trouble("denied", "AccessDenied")
    Scope.objects.update(enabled=False)
    listed = html(staff.get("/aws/events/"))
    assert "Not swept" in listed
    assert "sqs:ReceiveMessage" not in listed
    assert "nobody listens" in page(staff, place)


def test_events_that_come_through_another_places_queue(staff, place):
    Place.objects.update(queue_url="")
    arrived(place, minutes=1)
    assert "through the queue of another account or region" in page(staff, place)


def test_what_came_through_another_queue_says_nothing_of_the_one_that_is_entered(
    staff, place, asked
):
    arrived(place, minutes=1)
    executions = Sweep.objects.filter(scope=place.scope, kind="codepipeline.execution")
    executions.update(events_at=now(), last_success=now(), due_at=now() + timedelta(minutes=100))
    assert "Events arrive." in page(staff, place)
    staff.post(f"/aws/events/{place.pk}/queue/", {"queue": "no-such-queue"})
    assert "is being looked for" in page(staff, place)
    # Until it tells something, everything is polled in time.
    assert executions.get().due_at < now() + timedelta(minutes=11)
    Place.objects.update(queue_checked_at=now())
    assert "there is no queue <code" in page(staff, place)
    Place.objects.update(
        queue_url=f"https://sqs.eu-west-1.amazonaws.com/{place.account.account_id}/q"
    )
    assert "The queue answers; no event has come yet." in page(staff, place)


def test_a_queue_that_cannot_be_is_told_above_the_page(staff, place):
    answer = staff.post(
        f"/aws/events/{place.pk}/queue/",
        {"queue": "https://sqs.us-east-1.amazonaws.com/111122223333/codestar-dash-events"},
    )
    told = html(answer)
    assert answer.status_code == 422
    assert told.index("Nothing was saved") < told.index('id="state"')


def test_places_nobody_sweeps_are_named_while_they_send(staff, place):
    Place.objects.update(
        strangers={
            "444455556666/eu-west-1": now().isoformat(),
            "999900001111/eu-west-1": (now() - timedelta(days=3)).isoformat(),
        }
    )
    told = page(staff, place)
    assert "places nobody sweeps" in told
    assert "444455556666/eu-west-1" in told
    assert "999900001111" not in told


def test_that_no_api_call_was_told_is_said_where_other_events_arrive(staff, place):
    assert "a trail records" not in page(staff, place)
    arrived(place, minutes=1)
    assert "a trail records" in page(staff, place)
    arrived(place, PIPELINES, CALLS, minutes=1)
    assert "a trail records" not in page(staff, place)


def test_that_counting_is_not_allowed_is_said(staff, place):
    Place.objects.update(waiting=None, counted_at=now())
    assert "<code>sqs:GetQueueAttributes</code> is not allowed" in page(staff, place)


def test_the_list_asks_a_constant_number_of_queries(staff, place, django_assert_num_queries):
    arrived(place, minutes=1)
    with CaptureQueriesContext(connection) as few:
        staff.get("/aws/events/")
    for number in range(5):
        account = connected(f"more-{number}", f"44445555666{number}", regions=["eu-west-1"])
        arrived(account.places.get(), minutes=number)
    with django_assert_num_queries(len(few)):
        staff.get("/aws/events/")


def test_a_part_alone_is_asked_for_by_what_is_live(staff, place):
    listed = html(staff.get("/aws/events/?part=list"))
    assert listed.startswith('<section class="card sec" id="events"')
    state = html(staff.get(f"/aws/events/{place.pk}/?part=state"))
    assert state.startswith('<div id="state"')


def test_accounts_and_health_lead_here(staff, place):
    assert 'href="/aws/events/"' in html(staff.get("/aws/accounts/"))
    account = html(staff.get(f"/aws/accounts/{place.account_id}/"))
    assert f'href="/aws/events/{place.pk}/"' in account
    trouble("denied", "AccessDenied")
    assert 'href="/aws/events/"' in html(staff.get("/health/"))


# --- Setting it up --------------------------------------------------------------------------------


def test_the_template_is_shown_and_downloaded_with_who_receives(staff, place):
    expected = event_template("codestar-dash-events", principal=ROLE)
    for form in ("yaml", "json"):
        response = staff.get(f"/aws/events/{place.pk}/template.{form}")
        assert yaml.safe_load(response.content) == expected
        assert f'filename="codestar-dash-events.{form}"' in response["Content-Disposition"]
    assert "QueuePolicy" in page(staff, place)
    assert f'<code class="break">{ROLE}</code> receive' in page(staff, place)


def test_where_who_receives_is_not_certain_the_statement_is_shown(staff):
    account = connected(
        method=Account.Method.KEYS, role_arn="", access_key_id="AKID", secret_access_key="s"
    )
    assert f"&quot;Resource&quot;: &quot;{ARN}&quot;" in page(staff, account.places.get())


def test_the_console_is_that_of_the_region(staff, place):
    link = "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1"
    assert f"{link}#/stacks/create" in page(staff, place)


def test_the_policy_of_an_account_names_its_own_queues(staff, place):
    told = html(staff.get(f"/aws/accounts/{place.account_id}/"))
    assert f"&quot;Resource&quot;: &quot;{ARN}&quot;" in told


def test_another_queue_is_listened_to_from_now_on(staff, place):
    trouble("gone", "AWS.SimpleQueueService.NonExistentQueue")
    response = staff.post(
        f"/aws/events/{place.pk}/queue/", {"queue": ARN.replace("codestar-dash", "our")}
    )
    assert response.status_code == 302
    place.refresh_from_db()
    assert (place.queue_name, place.queue_url, place.queue_checked_at) == ("our-events", "", None)
    assert Scope.objects.get().events_trouble == {}
    assert "our-events" in page(staff, place)
    # The usual one again: what EVENT_QUEUE_NAME says from then on.
    staff.post(f"/aws/events/{place.pk}/queue/", {"queue": QUEUE})
    place.refresh_from_db()
    assert place.queue_name == ""


def test_a_queue_of_another_place_is_refused_and_nothing_is_saved(staff, place):
    response = staff.post(
        f"/aws/events/{place.pk}/queue/", {"queue": ARN.replace("eu-west-1", "us-east-1")}
    )
    assert response.status_code == 422
    assert "That queue is in us-east-1" in html(response)
    place.refresh_from_db()
    assert (place.queue_name, place.queue_url) == ("", QUEUE)


def test_a_fifo_queue_may_be_listened_to_and_has_no_template(staff, place):
    staff.post(f"/aws/events/{place.pk}/queue/", {"queue": "our.fifo"})
    assert "a FIFO queue" in page(staff, place)
    assert staff.get(f"/aws/events/{place.pk}/template.yaml").status_code == 404


# --- Does it answer? ------------------------------------------------------------------------------

FIND, COUNT, TAKE = "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"
POLICY = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "*"}
    ]
}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Flight:
    flight = Flight().on(FIND, {"QueueUrl": QUEUE}).on(TAKE, {})
    attributes = {"ApproximateNumberOfMessages": "7", "Policy": json.dumps(POLICY)}
    flight.on(COUNT, {"Attributes": attributes})
    monkeypatch.setattr(queue_trial, "reach_of", lambda *_args, **_options: flight.reach())
    return flight


def run_test(client: Client, place: Place, asked: list[Any]) -> str:
    """Begin a test, let the worker run it, and return the page afterwards."""
    response = client.post(f"/aws/events/{place.pk}/test/")
    (name, args) = asked[-1]
    assert name == "aws.queue_trial"
    assert "Asking" in html(client.get(response["Location"]))
    tasks.queue_trial(*args)
    return html(client.get(response["Location"]))


def test_a_queue_that_answers(staff, place, asked, queue):
    Place.objects.update(rest_until=now() + timedelta(minutes=10), unheard=5)
    told = run_test(staff, place, asked)
    assert "The queue answers; about 7 messages wait." in told
    # Nothing is taken: what is received is there for whoever listens.
    assert queue.calls(TAKE)[0]["VisibilityTimeout"] == 0
    # Who listens need not wait any longer.
    place.refresh_from_db()
    assert (place.rest_until, place.unheard) == (None, 0)


@pytest.mark.parametrize("policy", ["", "{}", "no json", "[]", '{"Statement": {"Effect": "Deny"}}'])
def test_a_queue_that_eventbridge_may_not_send_to(staff, place, asked, queue, policy):
    queue.on(COUNT, {"Attributes": {"Policy": policy}})
    told = run_test(staff, place, asked)
    assert ("may not send to it" in told) is (policy not in ("no json", "[]"))


def test_a_queue_that_is_not_there(staff, place, asked, queue):
    queue.on(FIND, Fault("AWS.SimpleQueueService.NonExistentQueue", "no such queue"))
    told = run_test(staff, place, asked)
    assert "does not answer as it should" in told
    assert "Deploy the template below" in told
    assert not queue.calls(TAKE)


def test_a_queue_that_may_not_be_read(staff, place, asked, queue):
    queue.on(TAKE, Fault("AccessDenied", "not authorized to perform: sqs:receivemessage"))
    told = run_test(staff, place, asked)
    assert "does not answer as it should" in told
    assert f"&quot;Resource&quot;: &quot;{ARN}&quot;" in told


def test_a_test_belongs_to_its_place_and_grows_old(staff, place, asked, queue):
    token = queue_trial.begin(place)
    assert queue_trial.report_of(place.pk + 1, token) is None
    assert "over half an hour old" in html(staff.get(f"/aws/events/{place.pk}/?test=other"))
    gone = staff.get(f"/aws/events/{place.pk}/?part=test&test=other")
    assert gone["HX-Redirect"] == f"/aws/events/{place.pk}/"
    running = html(staff.get(f"/aws/events/{place.pk}/?part=test&test={token}"))
    assert running.startswith('<div id="test" hx-get=')
    assert queue_trial.run(place.pk, "other") is None


def test_a_test_that_no_worker_takes_says_so(staff, place, monkeypatch):
    token = queue_trial.begin(place)
    monkeypatch.setattr(queue_trial, "NO_WORKER_AFTER", -1)
    assert "Is the worker running?" in html(staff.get(f"/aws/events/{place.pk}/?test={token}"))
