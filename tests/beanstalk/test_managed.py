"""What AWS does to environments by itself: read seldom, told with why it failed."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.beanstalk import collect
from apps.beanstalk.models import Environment, ManagedAction
from apps.beanstalk.records import EnvironmentRecord, managed_record
from apps.mirror.ask import Ask, Covered, Parent
from apps.mirror.models import Hint, Operation, Scope
from apps.mirror.reading import Reading
from apps.mirror.reconcile import Everything, Nothing, reconcile
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
    basic = make_environment("basic", health_status="")
    enhanced = make_environment("enhanced")
    among = REGISTER.get("beanstalk.managedaction").asked_among
    assert among is not None
    assert [row.pk for row in among(Environment.objects.all())] == [enhanced.pk]
    # But of what was to come there before, and is not over.
    make_managed(basic, "A-0", **FAILED)
    make_managed(basic, "A-1", gone_at=BEGAN)
    assert [row.pk for row in among(Environment.objects.all())] == [enhanced.pk]
    make_managed(basic, "A-2")
    assert set(among(Environment.objects.all())) == {basic, enhanced}


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


def action(number: int, status: str, **more: Any) -> dict[str, Any]:
    return {"ActionId": f"A-{number:02}", "ActionType": "PlatformUpdate", "Status": status, **more}


def over(number: int, status: str = "Completed") -> dict[str, Any]:
    return action(number, status, FinishedTime=BEGAN + timedelta(days=7 * number))


def told_of(scope: Scope) -> Any:
    """`read(coming, history)`: what both calls tell is swept, of every environment of the scope."""
    kind = REGISTER.get("beanstalk.managedaction")

    def read(coming: Any, history: Any) -> set[str]:
        flight = Flight()
        for call, member, said in (
            (ACTIONS, "ManagedActions", coming),
            (HISTORY, "ManagedActionHistoryItems", history),
        ):
            flight.on(call, said if isinstance(said, Fault) else {member: said})
        reading = Reading(resource=kind, scope=scope, reach=flight.reach(), at=now())
        reading.everything(deep=True)
        return {row.key.partition("/")[2] for row in ManagedAction.objects.filter(gone_at=None)}

    return read


@pytest.mark.django_db
def test_what_is_over_stays_when_aws_tells_of_ten_newer_ones(scope: Scope):
    row, read = make_environment(), told_of(scope)
    assert read([action(1, "Scheduled")], [over(0, "Failed")]) == {"A-00", "A-01"}
    newer = [over(number) for number in range(2, 12)]
    # The one that was to come, and is in neither list, is withdrawn.
    assert "A-01" not in read([action(12, "Scheduled")], newer)
    assert ManagedAction.objects.get(key__endswith="A-00").gone_at is None
    row.refresh_from_db()
    assert [one["id"] for one in row.managed] == ["A-12", "A-11", "A-00"]


@pytest.mark.django_db
def test_what_was_to_come_ends_when_an_environment_turns_to_basic_health(scope: Scope):
    row, read = make_environment(), told_of(scope)
    coming = [action(1, "Scheduled"), action(2, "Running"), action(3, "Unknown")]
    assert read(coming, [over(0, "Failed")]) == {"A-00", "A-01", "A-02", "A-03"}
    Environment.objects.filter(pk=row.pk).update(health_status="")
    refused = Fault("InvalidRequestException", "Managed actions are not supported.")
    assert read(refused, refused) == {"A-00"}
    assert ManagedAction.objects.get(key__endswith="A-02").state == "unknown"
    row.refresh_from_db()
    assert [one["id"] for one in row.managed] == ["A-00"]


@pytest.mark.django_db
def test_that_health_turned_basic_or_enhanced_asks_for_managed_actions_at_once(scope: Scope):
    make_environment()
    kind = REGISTER.get("beanstalk.environment")
    named = []
    for health in ("", "", "Ok", "Degraded"):
        record = EnvironmentRecord(key="loyalty-api", health_status=health)
        reconcile(kind, scope, [record], extent=Nothing())
        hints = Hint.objects.filter(kind="beanstalk.managedaction")
        named.append(list(hints.values_list("parent_key", flat=True)))
        hints.delete()
    assert named == [["loyalty-api"], [], ["loyalty-api"], []]


@pytest.mark.django_db
def test_what_was_to_come_ends_with_its_environment_and_what_is_over_stays(scope: Scope):
    row, read = make_environment(), told_of(scope)
    read([action(1, "Scheduled"), action(2, "Running")], [over(0, "Failed")])
    reconcile(REGISTER.get("beanstalk.environment"), scope, [], extent=Everything())
    row.refresh_from_db()
    assert row.gone_at is not None
    assert [one["id"] for one in row.managed] == ["A-00"]
    present = ManagedAction.objects.filter(gone_at=None)
    assert [one.key for one in present] == ["loyalty-api/A-00"]


@pytest.mark.django_db
def test_a_reading_under_way_does_not_bring_back_what_ended_with_its_environment(scope: Scope):
    make_environment()
    kind = REGISTER.get("beanstalk.managedaction")
    begun = now()
    coming = managed_record("loyalty-api", action(1, "Scheduled"))
    reconcile(kind, scope, [coming], extent=Nothing(), read_at=begun)
    # The environments' list was asked for before.
    before = begun - timedelta(seconds=1)
    Environment.objects.update(changed_at=before)
    environments = REGISTER.get("beanstalk.environment")
    reconcile(environments, scope, [], extent=Everything(), read_at=before)
    reconcile(kind, scope, [coming], extent=Nothing(), read_at=begun)
    assert not ManagedAction.objects.filter(gone_at=None).exists()
