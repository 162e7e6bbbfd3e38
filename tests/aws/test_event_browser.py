"""The pages on events in a real browser: a test is followed to its end; axe is content."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from apps.aws import queue_trial, tasks
from apps.aws.connect import connect
from apps.aws.models import Account, Arrival, Place
from apps.aws.policy import listen_statement
from apps.mirror.models import Scope
from tests.aws.test_connect_browser import signed_in
from tests.browser import axe_violations, troubles_of
from tests.flight import Fault, Flight

__all__ = ["signed_in"]
pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/codestar-dash-events"
ARN = "arn:aws:sqs:eu-west-1:111122223333:codestar-dash-events"


def made() -> Place:
    """Two regions: one where events arrive and strangers send, one that is denied."""
    account = connect(
        name="production",
        method=Account.Method.ROLE,
        regions=["eu-west-1", "us-east-1"],
        account_id="111122223333",
        role_arn="arn:aws:iam::111122223333:role/codestar-dash",
    )
    good, bad = account.places.order_by("region")
    Place.objects.filter(pk=good.pk).update(
        queue_url=QUEUE,
        queue_checked_at=now(),
        waiting=3,
        waited=0.4,
        strangers={"444455556666/eu-west-1": now().isoformat()},
    )
    Arrival.objects.create(
        place=good,
        source="aws.codepipeline",
        detail_type="CodePipeline Stage Execution State Change",
        at=now() - timedelta(minutes=2),
    )
    trouble = {
        "operation": "sqs:ReceiveMessage",
        "health": "denied",
        "code": "AccessDenied",
        "error": "User: arn:aws:sts::111122223333:assumed-role/codestar-dash/codestar-dash is not "
        f"authorized to perform: sqs:receivemessage on resource: {ARN}",
        "cure": "Allow sqs:ReceiveMessage to the credentials of this account.",
        "statement": listen_statement(ARN),
    }
    Scope.objects.filter(pk=bad.scope_id).update(events_trouble=trouble)
    return good


def test_they_read_well_and_fit_the_screen(signed_in: Page, live_server: Any) -> None:
    place, page = made(), signed_in
    for path in ("", *(f"{one.pk}/" for one in place.account.places.all())):
        page.goto(f"{live_server.url}/aws/events/{path}")
        page.locator("details.fold").evaluate_all("folds => folds.forEach(f => { f.open = true })")
        assert troubles_of(page) == [], path


def test_the_page_follows_a_test_of_the_queue_to_its_end(
    signed_in: Page, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, page = made(), signed_in
    asked: list[Any] = []
    monkeypatch.setattr("celery.app.task.Task.delay", lambda _task, *args: asked.append(args))
    flight = Flight().on("sqs:GetQueueUrl", {"QueueUrl": QUEUE})
    flight.on("sqs:GetQueueAttributes", {"Attributes": {"ApproximateNumberOfMessages": "2"}})
    flight.on("sqs:ReceiveMessage", Fault("AccessDenied", "no"))
    monkeypatch.setattr(queue_trial, "reach_of", lambda *_args, **_options: flight.reach())
    page.goto(f"{live_server.url}/aws/events/{place.pk}/")
    page.get_by_role("button", name="Ask the queue").click()
    expect(page.get_by_text("Asking")).to_be_visible()
    page.evaluate("window.stayed = true")
    tasks.queue_trial(*asked[0])
    expect(page.locator("#test")).to_contain_text("does not answer as it should")
    assert page.evaluate("window.stayed")
    assert axe_violations(page) == []


def test_a_wrong_queue_is_told_beside_the_field(signed_in: Page, live_server: Any) -> None:
    place, page = made(), signed_in
    page.goto(f"{live_server.url}/aws/events/{place.pk}/")
    page.get_by_role("textbox", name="Queue").fill(ARN.replace("eu-west-1", "us-east-1"))
    page.get_by_role("button", name="Listen to this queue").click()
    told = "That queue is in us-east-1"
    expect(page.get_by_role("alert").get_by_text(told)).to_be_visible()
    expect(page.get_by_role("region", name="Which queue").get_by_text(told)).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("textbox", name="Queue").fill("our-events")
    page.get_by_role("button", name="Listen to this queue").click()
    expect(page.get_by_text("are taken from the queue our-events")).to_be_visible()


def test_the_template_is_downloaded(signed_in: Page, live_server: Any) -> None:
    place, page = made(), signed_in
    page.goto(f"{live_server.url}/aws/events/{place.pk}/")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download YAML").click()
    assert coming.value.suggested_filename == "codestar-dash-events.yaml"
