"""What the wizard is asked for once more is done once more: no earlier deed stands for it."""

from typing import Any

import pytest

from apps.deeds import performing
from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.sandbox.server import SandboxServer
from apps.wizard import advancing
from apps.wizard.courses import DROP, LOOK, MAKE, PLAN, UNDO
from apps.wizard.models import Bootstrap
from tests.sandbox.conftest import Aws

from .making import began, drafted, run

pytestmark = pytest.mark.django_db
State = Bootstrap.State


def test_a_plan_that_was_dropped_is_planned_anew(maker: Any, scope: Scope):
    dropped = began(began(drafted(maker, scope), PLAN, takes=True), DROP)
    # Answers are given anew, which forgets what was found out.
    Bootstrap.objects.filter(pk=dropped.pk).update(preview={}, state=State.DRAFT)
    dropped.refresh_from_db()
    planned = began(dropped, PLAN, takes=True)
    assert (planned.state, planned.trouble) == (State.READY, "")
    assert began(planned, MAKE).state == State.MADE


def test_what_missed_a_permission_is_looked_at_again_once_it_is_there(
    maker: Any, scope: Scope, sandbox: SandboxServer
):
    fault = sandbox.faults.add("deny", service="iam", operation="CreateRole")
    blocked = began(drafted(maker, scope), PLAN, takes=True)
    assert blocked.state == State.DRAFT
    sandbox.faults.clear(fault.id)
    planned = began(blocked, PLAN, takes=True)
    assert (planned.state, planned.trouble) == (State.READY, ""), planned.preview["checks"]
    assert began(planned, MAKE).state == State.MADE


def test_an_undo_that_stood_still_deletes_anew_when_it_is_begun_anew(
    maker: Any, scope: Scope, sandbox: SandboxServer, picture: Any
):
    before = picture()
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    fault = sandbox.faults.add("deny", service="codepipeline", operation="DeletePipeline")
    stands = began(made, UNDO, with_repository=True)
    assert (stands.state, stands.step) == (State.FAILED, "remove")
    sandbox.faults.clear(fault.id)
    undone = began(stands, UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert picture() == before


# --- What could not be read -----------------------------------------------------------------------


def made_and_unread(planned: Bootstrap, sandbox: SandboxServer) -> Bootstrap:
    """The stack is created, and nobody may read what came of it."""
    faults: list[str] = []

    def before() -> None:
        planned.refresh_from_db()
        if planned.step == "create" and not faults:
            fault = sandbox.faults.add(
                "deny", service="cloudformation", operation="DescribeStackEvents"
            )
            faults.append(fault.id)

    assert advancing.begin(planned, MAKE)
    stands = run(planned, before=before)
    sandbox.faults.clear(faults[0])
    return stands


def stacks_of(aws: Aws, name: str = "shop-web") -> list[tuple[str, str]]:
    pages = aws("cloudformation").list_stacks()["StackSummaries"]
    return [(one["StackId"], one["StackStatus"]) for one in pages if one["StackName"] == name]


def test_a_stack_that_could_not_be_read_is_gone_on_with_and_not_deleted(
    maker: Any, scope: Scope, aws: Aws, sandbox: SandboxServer
):
    stands = made_and_unread(began(drafted(maker, scope), PLAN), sandbox)
    assert (stands.state, stands.step) == (State.FAILED, "create")
    before = stacks_of(aws)
    assert [status for _id, status in before] == ["CREATE_COMPLETE"]
    assert advancing.again(stands, maker)
    stands.refresh_from_db()
    made = run(stands)
    assert (made.state, made.trouble) == (State.MADE, "")
    assert stacks_of(aws) == before
    assert Deed.objects.filter(act="wizard.create").count() == 1


def test_a_stack_that_stands_is_cleared_away_by_nobody(
    maker: Any, scope: Scope, aws: Aws, sandbox: SandboxServer
):
    stands = made_and_unread(began(drafted(maker, scope), PLAN), sandbox)
    before = stacks_of(aws)
    # Somebody repaired in the console what had failed.
    Bootstrap.objects.filter(pk=stands.pk).update(preview={**stands.preview, "again": True})
    stands.refresh_from_db()
    assert advancing.again(stands, maker)
    stands.refresh_from_db()
    assert stands.step == "clear"
    # A deed that was asked for before that refuses, too.
    deed = Deed.objects.create(
        act="wizard.remove",
        kind="wizard.bootstrap",
        row_id=stands.pk,
        name="shop-web",
        scope=scope,
        who=maker,
    )
    performing.perform(deed.pk)
    deed.refresh_from_db()
    assert (deed.outcome, "nothing failed of it" in deed.reason) == ("refused", True)
    assert run(stands).state == State.MADE
    assert stacks_of(aws) == before


def test_a_planned_stack_that_is_gone_is_planned_anew(maker: Any, scope: Scope, aws: Aws):
    planned = began(drafted(maker, scope), PLAN)
    aws("cloudformation").delete_stack(StackName="shop-web")
    stands = began(planned, MAKE)
    assert (stands.state, stands.step) == (State.FAILED, "create")
    assert "not there any more" in stands.trouble
    assert advancing.again(stands, maker)
    stands.refresh_from_db()
    assert run(stands).state == State.MADE


def test_what_was_made_and_never_read_is_undone_whole(
    maker: Any, scope: Scope, aws: Aws, sandbox: SandboxServer, picture: Any
):
    before = picture()
    stands = made_and_unread(began(drafted(maker, scope), PLAN), sandbox)
    undone = began(began(stands, LOOK), UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert picture() == before
