"""What AWS does to environments by itself: read seldom, told with why it failed."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.beanstalk import collect
from apps.beanstalk.models import Environment, ManagedAction
from apps.mirror.ask import Ask, Covered, Parent
from apps.mirror.models import Operation, Scope
from apps.mirror.resource import REGISTER
from tests import factories
from tests.flight import PLANTED, Fault, Flight

from .making import BEGAN, make_environment, make_managed

ACTIONS = "elasticbeanstalk:DescribeEnvironmentManagedActions"
HISTORY = "elasticbeanstalk:DescribeEnvironmentManagedActionHistory"
FAILED: dict[str, Any] = {
    "status": "Failed",
    "state": "failed",
    "finished_at": BEGAN,
    "failure_type": "PermissionsError",
    "failure_description": "Access denied <b>here</b>",
}


def flown(actions: Any, history: Any) -> list[Any]:
    flight = Flight().on(ACTIONS, actions).on(HISTORY, history)
    return list(collect.managed_actions(flight.reach(), Ask(parents=(Parent(key="shop-web"),))))


def test_one_that_is_in_both_lists_is_still_to_come():
    action = {"ActionId": "A-1", "ActionType": "PlatformUpdate"}
    found = flown(
        {"ManagedActions": [{**action, "Status": "Running"}]},
        {"ManagedActionHistoryItems": [{**action, "Status": "Unknown"}]},
    )
    assert [one.status for one in found if not isinstance(one, Covered)] == ["Running"]
    assert found[-1] == Covered("shop-web")


def test_basic_health_has_none_and_that_is_no_fault():
    refused = Fault("InvalidRequestException", "Managed actions are not supported.")
    assert flown(refused, refused) == [Covered("shop-web")]


def test_a_denial_leaves_what_was_read_and_says_so():
    denied = Fault("AccessDenied", "not authorized")
    assert flown(denied, {}) == []


@pytest.mark.django_db
def test_from_answers_to_a_row_the_environment_keeps_what_comes_and_what_failed(
    sweep: Any, full: Flight
):
    sweep(full)
    row = Environment.objects.exclude(managed=[]).get()
    assert [(one["id"], one["state"]) for one in row.managed] == [
        ("PlatformUpdate-2026-01-08", ""),
        ("PlatformUpdate-2026-01-01", "failed"),
    ]
    assert row.managed[1]["why"].startswith(
        "A permission is missing: Access denied at https://***@"
    )
    assert PLANTED not in str(list(ManagedAction.objects.values()))
    assert ManagedAction.objects.count() == 3
    assert not Operation.objects.filter(operation=ACTIONS).exclude(health="ok").exists()


@pytest.mark.django_db
def test_those_with_basic_health_are_not_asked_about(scope: Scope):
    make_environment("basic", health_status="")
    enhanced = make_environment("enhanced")
    among = REGISTER.get("beanstalk.managedaction").asked_among
    assert among is not None
    assert [row.pk for row in among(Environment.objects.all())] == [enhanced.pk]


@pytest.mark.django_db
def test_the_page_tells_when_and_why_it_failed_and_nothing_where_there_is_none():
    client = Client()
    client.force_login(factories.make_user("reader"))
    row = make_environment()
    assert "Managed updates" not in client.get(row.get_absolute_url()).text
    make_managed(row, "A-1", window_start=BEGAN + timedelta(days=7), description="To 4.3.1")
    make_managed(row, "A-0", **FAILED)
    # One that is older and went well is neither to come nor the newest.
    older = BEGAN - timedelta(days=7)
    make_managed(row, "A", status="Completed", state="done", finished_at=older)
    Environment.objects.filter(pk=row.pk).update(version=row.version + 1)
    page = client.get(row.get_absolute_url()).text
    assert page.index("To 4.3.1") < page.index("A permission is missing")
    assert "A permission is missing: Access denied &lt;b&gt;here" in page
    assert "window begins" in page
    assert page.count("Platform update") + page.count("PlatformUpdate") == 2


@pytest.mark.django_db
def test_one_that_went_well_since_stands_before_what_failed():
    row = make_environment()
    make_managed(row, "A-0", **FAILED)
    later = BEGAN + timedelta(days=7)
    make_managed(row, "A-1", status="Completed", state="done", finished_at=later)
    row.refresh_from_db()
    assert [one["id"] for one in row.managed] == ["A-1", "A-0"]


@pytest.mark.django_db
def test_one_whose_status_aws_does_not_know_is_still_to_come():
    row = make_environment()
    make_managed(row, "A-0", status="Completed", state="done", finished_at=BEGAN)
    make_managed(row, "A-1", status="Unknown", state="unknown")
    row.refresh_from_db()
    assert [one["id"] for one in row.managed] == ["A-1", "A-0"]
