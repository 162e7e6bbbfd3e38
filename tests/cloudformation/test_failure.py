"""The first failure of an operation is its cause, whatever else failed or was cancelled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from apps.cloudformation.failure import Failure, first_failure, operations
from apps.cloudformation.records import EventRecord
from apps.cloudformation.states import change_set_state_of, state_of

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1"
NESTED = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop-Network-1/2"
KIND = "AWS::CloudFormation::Stack"
BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)


def own(second: int, status: str, reason: str = "") -> EventRecord:
    return told(second, "shop", status, reason, KIND, STACK)


def told(
    second: int,
    name: str,
    status: str,
    reason: str = "",
    kind: str = "AWS::S3::Bucket",
    physical: str = "x",
) -> EventRecord:
    return EventRecord(
        key=f"{second}-{name}-{status}",
        parent=STACK,
        at=BEGAN + timedelta(seconds=second),
        status=status,
        logical_id=name,
        resource_type=kind,
        physical_id=physical,
        reason=reason,
    )


def cause(*events: EventRecord) -> Failure | None:
    return first_failure(operations(reversed(events), STACK)[0], STACK)


def test_the_earliest_failure_is_the_cause_and_a_cancellation_is_none():
    found = cause(
        own(0, "CREATE_IN_PROGRESS", "User Initiated"),
        told(1, "Queue", "CREATE_FAILED", "Resource creation cancelled"),
        told(2, "Bucket", "CREATE_FAILED", "shop-artifacts already exists"),
        told(3, "Role", "CREATE_FAILED", "not authorized"),
        own(4, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Bucket]."),
        own(9, "ROLLBACK_COMPLETE"),
    )
    assert found is not None
    assert (found.logical_id, found.reason) == ("Bucket", "shop-artifacts already exists")
    assert found.event == "2-Bucket-CREATE_FAILED"


def test_what_failed_in_an_earlier_operation_is_not_its_cause():
    earlier = (
        own(0, "UPDATE_IN_PROGRESS", "User Initiated"),
        told(1, "Bucket", "UPDATE_FAILED", "no"),
        own(3, "UPDATE_ROLLBACK_COMPLETE"),
    )
    later = (own(10, "UPDATE_IN_PROGRESS"), own(12, "UPDATE_COMPLETE"))
    assert cause(*earlier, *later) is None
    assert cause(*earlier) is not None


def test_continuing_a_rollback_belongs_to_the_update_and_tells_what_was_in_its_way():
    found = cause(
        own(0, "UPDATE_IN_PROGRESS", "User Initiated"),
        told(1, "Function", "UPDATE_FAILED", "cannot be assumed"),
        own(2, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed"),
        told(3, "Queue", "UPDATE_FAILED", "Queue was deleted"),
        own(4, "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [Queue]"),
        own(9, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"),
        own(11, "UPDATE_ROLLBACK_COMPLETE"),
    )
    assert found is not None
    assert (found.logical_id, found.rollback) == ("Function", "Queue: Queue was deleted")


def test_a_nested_stack_that_failed_is_named():
    found = cause(
        own(0, "CREATE_IN_PROGRESS"),
        told(1, "Network", "CREATE_FAILED", "Embedded stack …", KIND, NESTED),
        own(2, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Network]."),
    )
    assert found is not None
    assert found.nested == NESTED


def test_where_nothing_in_it_failed_the_stacks_own_words_are_the_cause():
    found = cause(
        own(0, "UPDATE_IN_PROGRESS", "User Initiated"),
        told(1, "Bucket", "UPDATE_COMPLETE"),
        own(2, "UPDATE_ROLLBACK_IN_PROGRESS", "Alarm shop-errors is in ALARM state"),
        own(4, "UPDATE_ROLLBACK_COMPLETE"),
    )
    assert found is not None
    assert (found.logical_id, found.nested) == ("shop", "")
    assert found.reason == "Alarm shop-errors is in ALARM state"


def test_a_hook_says_what_it_found():
    hook = replace(
        told(1, "Bucket", "CREATE_IN_PROGRESS"),
        hook_status="HOOK_COMPLETE_FAILED",
        hook_reason="Buckets must be encrypted",
    )
    found = cause(
        own(0, "CREATE_IN_PROGRESS"),
        hook,
        told(2, "Bucket", "CREATE_FAILED", "The following hook(s) failed: [Example::Hook]"),
    )
    assert found is not None
    assert found.reason.endswith("[Example::Hook] Buckets must be encrypted")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("CREATE_COMPLETE", "done"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "moving"),
        ("ROLLBACK_IN_PROGRESS", "moving"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "moving"),
        ("ROLLBACK_COMPLETE", "failed"),
        ("UPDATE_ROLLBACK_COMPLETE", "failed"),
        ("UPDATE_ROLLBACK_FAILED", "failed"),
        ("IMPORT_ROLLBACK_FAILED", "failed"),
        ("DELETE_FAILED", "failed"),
        ("DELETE_COMPLETE", "stopped"),
        ("DELETE_SKIPPED", "stopped"),
        ("REVIEW_IN_PROGRESS", "waiting"),
        ("SOMETHING_NEW", "unknown"),
        ("SOMETHING_FAILED", "unknown"),
        ("", ""),
    ],
)
def test_every_status_has_a_state(status: str, state: str):
    assert state_of(status) == state


def test_every_status_of_awss_model_is_known():
    from botocore.session import get_session

    model = get_session().get_service_model("cloudformation")
    for shape in ("StackStatus", "ResourceStatus"):
        assert "unknown" not in {state_of(one) for one in model.shape_for(shape).enum}


@pytest.mark.parametrize(
    ("status", "execution", "reason", "state"),
    [
        ("CREATE_COMPLETE", "AVAILABLE", "", "waiting"),
        ("CREATE_IN_PROGRESS", "UNAVAILABLE", "", "moving"),
        ("FAILED", "UNAVAILABLE", "The submitted information didn't contain changes. …", "stopped"),
        ("FAILED", "UNAVAILABLE", "No updates are to be performed.", "stopped"),
        ("FAILED", "UNAVAILABLE", "Template error", "failed"),
        ("CREATE_COMPLETE", "EXECUTE_IN_PROGRESS", "", "moving"),
        ("CREATE_COMPLETE", "EXECUTE_COMPLETE", "", "done"),
        ("CREATE_COMPLETE", "EXECUTE_FAILED", "", "failed"),
        ("CREATE_COMPLETE", "OBSOLETE", "", "stopped"),
        ("SOMETHING_NEW", "AVAILABLE", "", "unknown"),
    ],
)
def test_every_change_set_has_a_state(status: str, execution: str, reason: str, state: str):
    assert change_set_state_of(status, execution, reason) == state
