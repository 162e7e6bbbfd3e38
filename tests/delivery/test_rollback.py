"""The planner of rollbacks: what AWS will accept, why not the others, and what would go back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.aws.models import Account
from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.delivery.rollback import Plan, plan
from apps.projects.models import Project
from tests.deeds.making import connected, permitted
from tests.delivery.making import act, make_line, make_pipeline, name_issue, run
from tests.factories import hold, make_project, make_user
from tests.issues.making import make_issue, make_tracker
from tests.source.making import sha

pytestmark = pytest.mark.django_db
# After the day since which AWS keeps what a rollback takes.
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def pipeline() -> Pipeline:
    return make_pipeline(pipeline_version=12)


def ran(pipeline: Pipeline, number: int, version: int | None = 12, **more: Any) -> Execution:
    """An execution of the commit of a number that went to production, an hour after the other."""
    found = run(pipeline, number, started_at=DAY + timedelta(hours=number), **more)
    found.actions.update(pipeline_version=version)
    return found


def stands(execution: Execution, state: str = "done") -> None:
    """Let an execution be the last that came to production."""
    Stage.objects.filter(pipeline=execution.pipeline, name="Production").update(
        execution_id=execution.key, state=state
    )


def planned(user: Any, pipeline: Pipeline, stage: str = "Production") -> Plan:
    found = plan(user, Pipeline.objects.get(pk=pipeline.pk), stage)
    assert found is not None
    return found


def page(user: Any, pipeline: Pipeline, stage: str = "Production") -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(f"/codepipeline/{pipeline.pk}/stages/{stage}/rollback/")
    assert answer.status_code == 200
    return answer.text


def test_what_would_go_back_is_what_stands_there_and_not_in_the_other(
    reader: Any, pipeline: Pipeline
):
    _, commits = make_line(4)
    make_issue(make_tracker(), key="SHOP-3")
    name_issue(commits[2], "SHOP-3")
    good, newer, newest = (ran(pipeline, number) for number in (1, 3, 4))
    stands(newest)
    told = planned(reader, pipeline)
    assert (told.stands, told.held, told.why) == (newest, True, "")
    assert [one.execution for one in told.accepted] == [newer, good]
    nearer, further = told.accepted
    assert [row.commit_id for row in nearer.commits] == [sha(4)]
    assert [row.commit_id for row in further.commits] == [sha(4), sha(3), sha(2)]
    assert [[issue.key for issue in one.issues] for one in told.accepted] == [[], ["SHOP-3"]]
    assert [(one.execution, one.why) for one in told.refused] == [
        (newest, "It is what stands there now.")
    ]
    text = page(reader, pipeline)
    assert "3 commits would go back" in text
    assert "1 commit would go back" in text
    assert "SHOP-3" in text


def test_what_failed_is_undone_by_the_one_before_it(reader: Any, pipeline: Pipeline):
    make_line(3)
    good, bad = ran(pipeline, 1), ran(pipeline, 3, status="Failed")
    stands(bad, "failed")
    told = planned(reader, pipeline)
    assert (told.stands, told.held) == (bad, False)
    assert [one.execution for one in told.accepted] == [good]
    assert [row.commit_id for row in told.accepted[0].commits] == [sha(3), sha(2)]
    assert [one.why for one in told.refused] == ["It did not come through: Ship failed."]


def test_a_stage_was_come_through_though_a_later_one_failed(reader: Any, pipeline: Pipeline):
    make_line(2)
    failed = ran(pipeline, 1, status="Failed")
    stage = Stage.objects.get(name="Staging")
    Stage.objects.filter(pk=stage.pk).update(execution_id="another", state="done")
    told = planned(reader, pipeline, "Staging")
    assert [one.execution for one in told.accepted] == [failed]


def test_a_stage_whose_other_actions_never_ran_was_not_come_through(
    reader: Any, pipeline: Pipeline
):
    stopped = ran(pipeline, 1, status="Failed")
    stopped.actions.filter(name="Ship").delete()
    [one] = planned(reader, pipeline).refused
    assert one.why == "It did not come through: not all of its actions ran."


def test_the_last_try_counts(reader: Any, pipeline: Pipeline):
    retried = ran(pipeline, 1, status="Failed")
    act(retried, "Production", "Ship", "Deploy", "Succeeded", 9)
    assert [one.execution for one in planned(reader, pipeline).accepted] == [retried]


@pytest.mark.parametrize(
    ("more", "version", "why"),
    [
        ({"execution_type": "ROLLBACK"}, 12, "It is a rollback itself."),
        ({}, 11, "It ran by version 11 of the pipeline's structure, which is 12 by now."),
        ({"status": "InProgress"}, 12, "It did not come through: Approve is still running."),
        ({"status": "Waiting"}, 12, "It did not come through: Approve waits for approval."),
    ],
)
def test_what_aws_will_not_accept_says_why(
    reader: Any, pipeline: Pipeline, more: dict[str, Any], version: int, why: str
):
    ran(pipeline, 1, version, **more)
    told = planned(reader, pipeline)
    assert (told.accepted, [one.why for one in told.refused]) == ([], [why])
    assert why.replace("'", "&#x27;") in page(reader, pipeline)


def test_what_began_before_aws_kept_what_it_takes_is_not_accepted(reader: Any, pipeline: Pipeline):
    old = ran(pipeline, 1)
    Execution.objects.filter(pk=old.pk).update(started_at=datetime(2024, 1, 31, tzinfo=UTC))
    [one] = planned(reader, pipeline).refused
    assert "before February 2024" in one.why


def test_where_nobody_kept_the_structure_it_is_told_by_when_it_was_changed(
    reader: Any, pipeline: Pipeline
):
    before, after = ran(pipeline, 1, None), ran(pipeline, 3, None)
    Pipeline.objects.update(updated=DAY + timedelta(hours=2))
    told = planned(reader, pipeline)
    assert [one.execution for one in told.accepted] == [after]
    assert [(one.execution, one.why) for one in told.refused] == [
        (before, "It began before the pipeline's structure was changed.")
    ]


@pytest.mark.parametrize("state", ["moving", "waiting"])
def test_a_stage_that_runs_is_not_rolled_back_now(reader: Any, pipeline: Pipeline, state: str):
    good, running = ran(pipeline, 1), ran(pipeline, 2, status="InProgress")
    stands(running, state)
    told = planned(reader, pipeline)
    assert "It is running" in told.why
    assert [one.execution for one in told.accepted] == [good]
    assert "It cannot be rolled back now" in page(reader, pipeline)


def test_a_source_stage_a_parallel_pipeline_and_one_that_is_gone_never_are(
    reader: Any, pipeline: Pipeline
):
    ran(pipeline, 1)
    assert "takes sources" in planned(reader, pipeline, "Source").why
    Pipeline.objects.update(execution_mode="PARALLEL")
    told = planned(reader, pipeline)
    assert ("PARALLEL" in told.why, told.accepted, told.refused) == (True, (), ())
    Pipeline.objects.update(execution_mode="QUEUED", gone_at=now())
    assert "no more" in planned(reader, pipeline).why


def test_a_rollback_that_stands_there_is_compared_by_what_it_brought_back(
    reader: Any, pipeline: Pipeline
):
    make_line(4)
    first, second = ran(pipeline, 1), ran(pipeline, 3)
    back = ran(
        pipeline,
        4,
        execution_type="ROLLBACK",
        rollback_of=first.key,
        revision_id="",
        revisions=[],
    )
    stands(back)
    told = planned(reader, pipeline)
    forward = next(one for one in told.accepted if one.execution == second)
    assert (forward.commits, [row.commit_id for row in forward.again]) == ([], [sha(3), sha(2)])
    assert "2 commits would come again" in page(reader, pipeline)


def test_nothing_to_go_back_to_is_told(reader: Any, pipeline: Pipeline):
    assert "There is none to go back to" in page(reader, pipeline)


def test_a_stage_that_is_not_there_and_a_pipeline_one_may_not_see_are_404(pipeline: Pipeline):
    project = make_project("shop", pipeline)
    asked = f"/codepipeline/{pipeline.pk}/stages/Production/rollback/"
    for name, expected in (("viewer", 200), ("contributor", 200), ("owner", 200), ("", 404)):
        user = make_user(name or "stranger", reads_everything=False)
        if name:
            project.memberships.create(user=user, role=name)
            hold(project)
        client = Client()
        client.force_login(user)
        assert client.get(asked).status_code == expected, name
        assert client.get(asked.replace("Production", "Nowhere")).status_code == 404


def test_a_pipelines_page_leads_there_from_each_stage_but_the_first(
    reader: Any, pipeline: Pipeline
):
    client = Client()
    client.force_login(reader)
    text = client.get(pipeline.get_absolute_url()).text
    found = [
        stage
        for stage in ("Source", "Build", "Staging", "Production")
        if f'href="/codepipeline/{pipeline.pk}/stages/{stage}/rollback/"' in text
    ]
    assert found == ["Build", "Staging", "Production"]


def test_the_number_of_queries_does_not_grow(reader: Any, pipeline: Pipeline):
    _, commits = make_line(9)
    tracker = make_tracker()
    for number in (2, 3):
        make_issue(tracker, key=f"SHOP-{number}")
        name_issue(commits[number - 1], f"SHOP-{number}")

    def queries() -> int:
        page(reader, pipeline)
        with CaptureQueriesContext(connection) as made:
            page(reader, pipeline)
        return len(made)

    ran(pipeline, 1)
    stands(ran(pipeline, 9))
    few = queries()
    for number in range(2, 8):
        ran(pipeline, number)
    Action.objects.update(error_message="none")
    assert queries() == few


# --- Done from the plan ---------------------------------------------------------------------------


@pytest.fixture
def owner(pipeline: Pipeline) -> Any:
    """An owner of the project that has the pipeline, in whose account everything is allowed."""
    found = make_user("owner", reads_everything=False)
    contributor = make_user("contributor", reads_everything=False)
    make_project("Shop", pipeline, owner=found, contributor=contributor)
    permitted(connected(pipeline.scope))
    return found


def test_each_that_aws_accepts_leads_to_the_page_that_asks(owner: Any, pipeline: Pipeline):
    make_line(3)
    good, bad = ran(pipeline, 1), ran(pipeline, 3)
    stands(bad)
    stage = Stage.objects.get(name="Production")
    path = f"/deeds/ask/codepipeline.rollback/{stage.pk}/?to={good.key}"
    assert f'href="{path}"' in page(owner, pipeline)
    assert "/deeds/ask/" not in page(get_user_model().objects.get(username="contributor"), pipeline)
    client = Client()
    client.force_login(owner)
    asks = client.get(path)
    assert asks.context["form"]["to"].value() == good.key
    assert "means nothing to this page" not in asks.text
    assert "means nothing to this page" in client.get(f"{path}&colour=red").text
    assert [value for value, _ in asks.context["form"].fields["to"].choices] == [good.key]


def test_the_page_that_asks_says_what_goes_back(owner: Any, pipeline: Pipeline):
    repository, commits = make_line(4)
    tracker = make_tracker()
    issue = make_issue(tracker, key="SHOP-3")
    name_issue(commits[2], "SHOP-3")
    hold(Project.objects.get(), repository, tracker)
    good, newest = ran(pipeline, 2), ran(pipeline, 4)
    stands(newest)
    stage = Stage.objects.get(name="Production")
    path = f"/deeds/ask/codepipeline.rollback/{stage.pk}/"
    client = Client()
    client.force_login(owner)
    told = "\n".join(client.get(path, {"to": good.key}).context["effect"])
    assert "2 commits go back: " in told
    assert commits[3].title in told
    assert commits[2].title in told
    assert f"goes the work on {issue.key}." in told
    # Nobody is told of commits and issues that they may not know of.
    Project.objects.get().holdings.exclude(kind="codepipeline.pipeline").delete()
    told = "\n".join(client.get(path, {"to": good.key}).context["effect"])
    assert commits[3].title not in told
    assert "SHOP-3" not in told
    # Nor is anything told of what nobody may choose.
    told = "\n".join(client.get(path, {"to": newest.key}).context["effect"])
    assert "of the execution that you choose." in told


def test_what_is_only_read_says_so(owner: Any, pipeline: Pipeline):
    make_line(3)
    good, bad = ran(pipeline, 1), ran(pipeline, 3)
    stands(bad)
    permitted(Account.objects.get(), [])
    text = page(owner, pipeline)
    assert good.key[:8] in text
    assert "is only read" in text
    assert "/deeds/ask/" not in text
