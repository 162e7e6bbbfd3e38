"""The inbox of approvals: what waits, for whom, what it would release, and the counter of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.delivery.approvals import approvals, stages_after, with_all
from apps.delivery.waiting import how_many_wait_for, to_decide, waiting
from apps.issues.models import Tracker
from apps.mirror.models import Link, Scope
from apps.projects.roles import Role
from tests import factories
from tests.deeds.making import connected, permitted
from tests.delivery.making import STAGES, at, make_line, make_pipeline, name_issue, point, run
from tests.factories import hold, make_project, make_user
from tests.issues.making import make_issue, make_tracker
from tests.projects.making import make_alarm
from tests.source.making import make_pull, sha

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>\x1b[31m"


def ask(pipeline: Pipeline, number: int, **more: Any) -> Action:
    """An execution of the commit of a number that waits for approval before production."""
    execution = run(pipeline, number, status="Waiting")
    action = execution.actions.get(name="Approve")
    Action.objects.filter(pk=action.pk).update(
        **{"provider": "Manual", "run_order": 1, "expires_at": now() + timedelta(days=6), **more}
    )
    return Action.objects.get(pk=action.pk)


def issue(key: str) -> Any:
    """An issue of this key."""
    tracker = Tracker.objects.filter(key=key.partition("-")[0]).first()
    return make_issue(tracker or make_tracker(key.partition("-")[0]), key=key)


def told(user: Any) -> list[Any]:
    return approvals(user, list(with_all(waiting(user))))


def page(user: Any, address: str = "/approvals/") -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.text


@pytest.fixture
def people() -> dict[str, Any]:
    """Who is in the project that has the pipeline called shop, and who is in none."""
    project = make_project("shop")
    found = {"stranger": make_user("stranger", reads_everything=False)}
    for role in ("viewer", "contributor", "owner"):
        found[role] = make_user(role, reads_everything=False)
        project.memberships.create(user=found[role], role=Role(role))
    found["administrator"] = make_user("administrator", staff=True)
    found["project"] = project
    return found


def test_an_approval_tells_what_it_would_release_over_what_runs_there(reader: Any):
    make_line(5)
    pipeline = make_pipeline()
    stands = run(pipeline, 2)
    ask(pipeline, 5)
    (one,) = told(reader)
    assert [row.commit_id for row in one.commits] == [sha(5), sha(4), sha(3)]
    assert (one.out, one.instead) == (["Production"], stands)
    assert (one.taken_back, one.change.unread) == ([], False)


def test_issues_are_those_that_what_it_releases_names(reader: Any):
    repository, commits = make_line(4)
    pipeline = make_pipeline()
    run(pipeline, 1)
    ask(pipeline, 4)
    for key, row in (("SHOP-1", commits[0]), ("SHOP-3", commits[2])):
        issue(key)
        name_issue(row, key)
    pull = make_pull(repository, 7, source_commit=sha(4), merge_base="", merged=True)
    issue("SHOP-4")
    name_issue(pull, "SHOP-4")
    (one,) = told(reader)
    assert [issue.key for issue in one.issues] == ["SHOP-3", "SHOP-4"]


def test_an_older_change_would_take_back_what_runs_there(reader: Any):
    _, commits = make_line(4)
    issue("SHOP-4")
    name_issue(commits[3], "SHOP-4")
    pipeline = make_pipeline()
    ask(pipeline, 2)
    run(pipeline, 4, at=40)
    (one,) = told(reader)
    assert (one.commits, [row.commit_id for row in one.taken_back]) == ([], [sha(4), sha(3)])
    assert [issue.key for issue in one.issues_back] == ["SHOP-4"]
    assert "Would take back" in page(reader)


def test_a_rollback_stands_there_with_what_it_brought_back(reader: Any):
    make_line(4)
    pipeline = make_pipeline()
    good = run(pipeline, 1)
    back = run(pipeline, 3, at=30, revision_id="", revisions=[], rollback_of=good.key)
    back.actions.exclude(stage="Production").delete()
    ask(pipeline, 4)
    (one,) = told(reader)
    assert one.instead == back
    assert [row.commit_id for row in one.commits] == [sha(4), sha(3), sha(2)]


def test_what_was_not_read_is_not_guessed(reader: Any):
    make_line(3)
    pipeline = make_pipeline()
    run(pipeline, 3, revision_id="f" * 40)
    ask(pipeline, 3)
    (one,) = told(reader)
    assert (one.change.unread, one.commits) == (True, [])
    assert "Which commits is not known" in page(reader)


def test_nothing_runs_there_yet(reader: Any):
    make_line(3)
    ask(make_pipeline(), 3)
    (one,) = told(reader)
    assert (one.instead, one.change.unread) == (None, False)
    assert "Nothing is known to run there yet" in page(reader)


def test_the_first_to_expire_comes_first_and_what_never_does_last(reader: Any):
    pipeline = make_pipeline("a")
    late = ask(pipeline, 1, expires_at=now() + timedelta(days=3))
    never = ask(make_pipeline("b"), 1, expires_at=None)
    soon = ask(make_pipeline("c"), 1, expires_at=now() + timedelta(hours=2))
    over = ask(make_pipeline("d"), 1, expires_at=now() - timedelta(minutes=1))
    found = told(reader)
    assert [one.action for one in found] == [over, soon, late, never]
    assert [(one.overdue, one.soon) for one in found] == [
        (True, True),
        (False, True),
        (False, False),
        (False, False),
    ]
    text = page(reader)
    assert "data-left" in text
    assert "nobody knows when it expires" in text
    assert "Expired" in text


def test_what_waits_no_more_is_not_there(reader: Any):
    pipeline = make_pipeline()
    over = ask(pipeline, 1)
    Execution.objects.filter(pk=over.execution_id).update(state="stopped", status="Stopped")
    gone = ask(make_pipeline("gone"), 1)
    Pipeline.objects.filter(pk=gone.execution.pipeline_id).update(gone_at=now())
    assert told(reader) == []
    assert "Nothing waits for approval" in page(reader)


def test_newer_executions_are_told_with_the_one_that_waits_to_enter_first(reader: Any):
    make_line(6)
    pipeline = make_pipeline()
    ask(pipeline, 3)
    coming = run(pipeline, 4, to="Build", status="InProgress")
    enters = run(pipeline, 5, to="Staging", status="InProgress")
    run(pipeline, 2, to="Staging", status="InProgress", at=1)
    Stage.objects.filter(name="Production").update(inbound_execution_ids=[enters.key])
    (one,) = told(reader)
    assert [(newer.execution, newer.enters) for newer in one.newer] == [
        (enters, True),
        (coming, False),
    ]
    assert one.replaces
    assert "waits to enter Production" in page(reader)
    Pipeline.objects.update(execution_mode="QUEUED")
    assert not told(reader)[0].replaces
    assert "one after the other" in page(reader)
    # Executions side by side are in nobody's way.
    Pipeline.objects.update(execution_mode="PARALLEL")
    assert told(reader)[0].newer == []


def test_the_last_try_of_each_test_is_told_with_its_build_and_reports(reader: Any):
    pipeline = make_pipeline()
    action = ask(pipeline, 1)
    arn = "arn:aws:codebuild:eu-west-1:111122223333:report/shop-tests:1"
    counts = {"SUCCEEDED": 312, "FAILED": 10, "SKIPPED": 4}
    names = [f"cart / test {n} {HOSTILE}" for n in range(10)]
    report = {"arn": arn, "type": "TEST", "status": "FAILED", "counts": counts, "failed": names}
    build = factories.make_build(report_arns=[arn], reports=[report])
    compiled = action.execution.actions.get(name="Build")
    factories.make_action(
        action.execution, "Build", "Lint", "Failed", category="Test", started_at=at(0)
    )
    factories.make_action(
        action.execution, "Build", "Lint", "Succeeded", category="Test", started_at=at(90)
    )
    Link.objects.create(
        from_kind="codepipeline.action",
        from_id=compiled.pk,
        relation="runs",
        to_kind="codebuild.build",
        to_arn=build.arn,
    )
    (one,) = told(reader)
    assert [(test.action.name, test.action.state) for test in one.tests] == [
        ("Lint", "done"),
        ("Build", "done"),
    ]
    assert (one.tests[1].ran.row, one.tests[1].reports) == (build, ["shop-tests"])
    text = page(reader)
    assert "shop-tests" in text
    assert "312 passed, 10 failed, 4 skipped" in text
    assert "cart / test 0" in text
    assert "and 2 more" in text
    assert "<script>alert" not in text
    # What no build ran says nothing of reports, what wrote none says so.
    assert "no test reports" not in text
    type(build).objects.update(report_arns=[], reports=[])
    assert "no test reports" in page(reader)


def test_alarms_are_those_of_the_pipelines_projects_that_are_red_now(people: dict[str, Any]):
    pipeline = make_pipeline()
    ask(pipeline, 1)
    red, green, other = (make_alarm(name) for name in ("red", "green", "other"))
    for alarm, state in ((red, "failed"), (green, "done"), (other, "failed")):
        type(alarm).objects.filter(pk=alarm.pk).update(state=state)
    hold(people["project"], pipeline, red, green)
    hold(make_project("elsewhere"), other)
    (one,) = told(people["viewer"])
    assert [alarm.key for alarm in one.alarms] == ["red"]
    assert "none of its projects" not in page(people["viewer"])


def test_hostile_text_is_text(reader: Any):
    link = "javascript:alert(1)"
    ask(
        make_pipeline(),
        1,
        configuration={"CustomData": HOSTILE, "ExternalEntityLink": link},
    )
    Execution.objects.update(summary=HOSTILE, author=HOSTILE, trigger_detail=HOSTILE)
    text = page(reader)
    assert "<script>alert" not in text
    assert "\x1b" not in text
    assert 'href="javascript' not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    Action.objects.update(configuration={"ExternalEntityLink": "https://example.com/release/7"})
    assert 'href="https://example.com/release/7"' in page(reader)


def test_who_sees_it_and_who_may_decide_it(people: dict[str, Any]):
    pipeline = make_pipeline()
    hold(people["project"], pipeline)
    action = ask(pipeline, 1)
    seen = {name: "Approve" in page(people[name]) for name in people if name != "project"}
    assert seen == {
        "stranger": False,
        "viewer": True,
        "contributor": True,
        "owner": True,
        "administrator": True,
    }
    may = {name: list(to_decide(people[name])) for name in people if name != "project"}
    assert may == {
        "stranger": [],
        "viewer": [],
        "contributor": [action],
        "owner": [action],
        "administrator": [action],
    }
    assert "It is decided by contributors" in page(people["viewer"])
    assert "It is decided by contributors" not in page(people["owner"])
    assert "No approval that waits fits" in page(people["viewer"], "/approvals/?whose=me")
    assert "Approve" in page(people["owner"], "/approvals/?whose=me")


def test_why_it_cannot_be_decided_here_is_said_to_whose_role_would_do(people: dict[str, Any]):
    pipeline = make_pipeline()
    hold(people["project"], pipeline)
    ask(pipeline, 1)
    account = connected(pipeline.scope)
    read_only = f"Account {account.name} is only read: an administrator has not allowed anything"
    for name in ("contributor", "administrator"):
        assert read_only in page(people[name])
        assert "It is decided by contributors" not in page(people[name])
    # It is no affair of who may do nothing anyway.
    assert read_only not in page(people["viewer"])
    permitted(account, ["codepipeline.approve"], projects=[])
    named = f"has not allowed project shop to act in account {account.name}"
    assert named in page(people["owner"])
    other = make_project("billing", pipeline, owner=people["owner"])
    permitted(account, ["codepipeline.approve"], projects=[other])
    assert named not in page(people["owner"])
    assert "Approve" in page(people["owner"], "/approvals/?whose=me")
    assert named in page(people["contributor"])
    assert "billing" not in page(people["contributor"])


def test_who_works_in_another_project_does_not_decide(people: dict[str, Any]):
    pipeline = make_pipeline()
    hold(people["project"], pipeline)
    ask(pipeline, 1)
    other = make_project("other")
    other.memberships.create(user=people["viewer"], role=Role.OWNER)
    assert how_many_wait_for(people["viewer"]) == 0
    # Until that one has the pipeline, too.
    hold(other, pipeline)
    assert how_many_wait_for(people["viewer"]) == 1


def test_every_page_counts_what_waits_for_its_reader(people: dict[str, Any]):
    pipeline = make_pipeline()
    hold(people["project"], pipeline)
    ask(pipeline, 1)
    ask(pipeline, 2)
    for path in ("/", "/projects/", "/approvals/", "/people/me/"):
        text = page(people["contributor"], path)
        mark = text[text.index('id="approvals-waiting"') :][:600]
        assert "<span>2</span>" in mark, path
        assert "approvals wait for you" in mark
        assert " hidden>" not in mark.partition("</svg>")[0]
        assert "touched:codepipeline.action" in text or path == "/people/me/"
    mark = page(people["viewer"], "/approvals/?part=count")
    assert " hidden>" in mark
    assert "data-refetch-on" in mark
    assert "<span>2</span>" in page(people["owner"], "/approvals/?part=count")


def test_the_counter_says_one_as_people_do(people: dict[str, Any]):
    pipeline = make_pipeline()
    hold(people["project"], pipeline)
    ask(pipeline, 1)
    mark = page(people["owner"], "/approvals/?part=count")
    assert '<span>1</span><span class="vh"> approval waits for you</span>' in mark


def test_a_scope_that_is_put_aside_has_none(reader: Any):
    ask(make_pipeline(), 1)
    Scope.objects.update(parked=True)
    assert told(reader) == []


def test_filters_narrow_the_list(reader: Any):
    ask(make_pipeline("first"), 1)
    ask(make_pipeline("second"), 1)
    text = page(reader, "/approvals/?q=second")
    assert ("second" in text, ">first<" in text) == (True, False)
    assert "No approval that waits fits" in page(reader, "/approvals/?q=third")


def count_queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as made:
        assert client.get(path).status_code == 200
    return len(made)


@pytest.mark.parametrize("path", ["/approvals/", "/approvals/?part=count", "/"])
def test_the_number_of_queries_does_not_grow(path: str, people: dict[str, Any]):
    client = Client()
    client.force_login(people["contributor"])

    def another(name: str) -> None:
        repository, commits = make_line(4, name)
        pipeline = make_pipeline(name)
        run(pipeline, 1)
        action = ask(pipeline, 4)
        run(pipeline, 4, to="Build", status="InProgress", at=99)
        build = factories.make_build(f"{name}-build")
        Link.objects.create(
            from_kind="codepipeline.action",
            from_id=action.execution.actions.get(name="Build").pk,
            relation="runs",
            to_kind="codebuild.build",
            to_arn=build.arn,
        )
        issue(f"{name.upper()}-1")
        name_issue(commits[3], f"{name.upper()}-1")
        alarm = make_alarm(f"{name}-red")
        type(alarm).objects.filter(pk=alarm.pk).update(state="failed")
        hold(people["project"], pipeline, alarm, repository, build)

    another("one")
    few = count_queries(client, path)
    for name in ("two", "three", "four", "five"):
        another(name)
    assert count_queries(client, path) == few


@pytest.mark.parametrize(
    ("order", "stages", "out"),
    [
        (1, STAGES, ["Production"]),
        (2, STAGES, []),
        (None, STAGES, ["Production"]),
    ],
)
def test_an_approval_comes_before_what_runs_after_it_alone(order: Any, stages: Any, out: Any):
    action = ask(make_pipeline(definition=stages), 1, run_order=order)
    assert stages_after(action) == out


def test_where_people_deploy_by_a_build_it_is_the_pipelines_goal_that_is_compared():
    stages = [
        factories.stage_definition("Ask", factories.action_definition("Approve", "Approval")),
        factories.stage_definition("Production", factories.action_definition("Ship", "Build")),
    ]
    pipeline = make_pipeline(definition=stages)
    action = ask(pipeline, 1)
    Action.objects.filter(pk=action.pk).update(stage="Ask")
    assert stages_after(Action.objects.get(pk=action.pk)) == ["Production"]
    Action.objects.filter(pk=action.pk).update(stage="Removed")
    assert stages_after(Action.objects.get(pk=action.pk)) == []


def test_it_is_reached_from_the_navigation(reader: Any):
    text = page(reader, "/")
    assert '<a href="/approvals/">Approvals</a>' in text
    assert '<a href="/approvals/" aria-current="page">Approvals</a>' in page(reader)


def test_point_moves_no_approval(reader: Any):
    make_line(3)
    pipeline = make_pipeline()
    ask(pipeline, 2)
    point(make_line(1, "other")[0], main=1)
    assert len(told(reader)) == 1
