"""The head of a project: is the change out, and if not, why; since when, and by which change."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.codepipeline import digest
from apps.codepipeline.models import Pipeline
from apps.mirror.models import Operation, Sweep
from apps.mirror.state import State
from apps.projects.models import Project
from tests.factories import (
    hold,
    live_action,
    make_action,
    make_build,
    make_execution,
    make_pipeline,
    make_project,
    make_stage,
    make_user,
)
from tests.projects.making import DEPLOYING, make_alarm, make_deploying, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


@pytest.fixture
def project() -> Project:
    return make_project("Checkout", viewer=make_user("viewer", reads_everything=False))


@pytest.fixture
def reader(project: Project) -> Client:
    client = Client()
    client.force_login(project.memberships.get().user)
    return client


def head(reader: Client) -> dict[str, str]:
    """The lines of the head, as an open page fetches it, in words."""
    html = reader.get("/projects/checkout/head/", headers={"X-Live": "1"}).content.decode()
    lines = {}
    for name in ("because", "told-change", "told-beside"):
        [line] = re.findall(rf'<p class="{name}[^>]*>(.*?)</p>', html, re.DOTALL)
        lines[name] = " ".join(re.sub(r"<[^>]*>", " ", line).split())
    [pill] = re.findall(r"</svg>([^<]*)</span>", html.partition("<h1>")[2].partition("</h1>")[0])
    return {"pill": pill, **lines}


def minutes_ago(minutes: int) -> Any:
    return now() - timedelta(minutes=minutes)


def keep(pipeline: Pipeline) -> None:
    """Work the pipeline's columns out of its executions, as reconcile does."""
    columns = digest.pipelines([pipeline.pk])[pipeline.pk]
    Pipeline.objects.filter(pk=pipeline.pk).update(**columns)


def waiting_behind_a_newer_one(name: str = "checkout") -> Pipeline:
    """Its base image waits for Staging; a newer change is in Build."""
    pipeline = make_pipeline(name, definition=DEPLOYING)
    older = make_execution(
        pipeline,
        "InProgress",
        state=State.WAITING,
        summary="Bump the base image",
        author="mara",
        started_at=minutes_ago(9),
    )
    newer = make_execution(
        pipeline, "InProgress", summary="Log the request id", started_at=minutes_ago(1)
    )
    make_stage(pipeline, "Source", newer, "Succeeded", live_action("GitHub"))
    make_stage(pipeline, "Build", newer, "InProgress", live_action("Compile", "InProgress"))
    waits = live_action("Approve", "InProgress", state="waiting")
    make_stage(pipeline, "Staging", older, "InProgress", waits, state=State.WAITING)
    make_stage(pipeline, "Production", None, "", live_action("Deploy", ""))
    keep(pipeline)
    return pipeline


def test_beside_a_wait_stands_the_change_that_waits(reader: Client, project: Project):
    hold(project, waiting_behind_a_newer_one())
    told = head(reader)
    assert told["pill"] == "Waiting for approval"
    assert told["because"].endswith("by checkout · Staging")
    assert told["told-change"].startswith("Bump the base image")
    assert "Log the request id" not in told["told-change"]
    # What comes behind it is told apart, by what it does.
    assert told["told-beside"].startswith("Building")
    assert told["told-beside"].endswith("by checkout · Build : Log the request id")


def test_a_newer_change_is_named_as_coming_behind(reader: Client, project: Project):
    pipeline = waiting_behind_a_newer_one()
    pipeline.stages.filter(name="Build").update(state=State.DONE)
    pipeline.executions.filter(summary="Log the request id").update(state=State.UNKNOWN)
    hold(project, pipeline)
    assert "Log the request id" not in head(reader)["told-beside"]
    pipeline.executions.filter(summary="Log the request id").update(state=State.MOVING)
    keep(pipeline)
    assert head(reader)["told-beside"].endswith(": Log the request id")


def broken(name: str = "checkout") -> Pipeline:
    """Production failed twice; a third change waits before it, a fourth one is built."""
    pipeline = waiting_behind_a_newer_one(name)
    make_execution(pipeline, summary="Worked", started_at=minutes_ago(50))
    make_execution(pipeline, "Failed", summary="Drop the cache", started_at=minutes_ago(40))
    failed = make_execution(
        pipeline, "Failed", summary="Keep the basket", author="kai", started_at=minutes_ago(30)
    )
    action = live_action("Deploy", "Failed", error_message="The deployment failed")
    pipeline.stages.filter(name="Production").update(
        state=State.FAILED, status="Failed", execution_id=failed.key, actions=[action]
    )
    make_action(failed, "Production", "Deploy", "Failed", category="Deploy")
    keep(pipeline)
    return pipeline


def test_what_waits_does_not_hide_that_production_is_broken(reader: Client, project: Project):
    pipeline = broken()
    assert Pipeline.objects.get().state == State.WAITING
    hold(project, pipeline)
    told = head(reader)
    assert told["pill"] == "Failing"
    assert told["because"].endswith("by checkout · Production")
    since = pipeline.executions.get(summary="Drop the cache").started_at
    assert f"since {since:%-d %b %Y, %H:%M} UTC" in told["because"]
    assert told["told-change"].startswith("Keep the basket")
    assert "kai" in told["told-change"]
    assert told["told-change"].endswith("first by Drop the cache")
    assert told["told-beside"].startswith("Waiting for approval")
    assert "Staging : Bump the base image · behind it Log the request id" in told["told-beside"]


def test_it_stays_broken_while_the_next_is_deployed_there_until_that_succeeds(
    reader: Client, project: Project
):
    pipeline = broken()
    hold(project, pipeline)
    run = pipeline.executions.get(summary="Log the request id")
    # The newest has come to where the others failed: no stage names them any more.
    pipeline.stages.update(state=State.DONE, execution_id=run.key)
    pipeline.stages.filter(name="Production").update(state=State.MOVING)
    pipeline.executions.filter(summary="Bump the base image").update(state=State.STOPPED)
    keep(pipeline)
    told = head(reader)
    assert told["pill"] == "Failing"
    assert told["because"].endswith("by checkout · Production")
    assert told["told-change"].startswith("Keep the basket")
    assert told["told-beside"].startswith("Deploying")
    assert told["told-beside"].endswith("by checkout · Production : Log the request id")
    pipeline.stages.update(state=State.DONE)
    pipeline.executions.filter(pk=run.pk).update(state=State.DONE, ended_at=now())
    keep(pipeline)
    told = head(reader)
    assert told["pill"] == "All is well"
    assert told["told-beside"] == "Nothing is broken, waits or moves."
    assert told["because"].startswith("Succeeded")
    assert told["told-change"].startswith("Log the request id")


def test_a_group_is_broken_until_a_deployment_succeeds(reader: Client, project: Project):
    group = make_group("basket", "InProgress")
    hold(project, group)
    assert head(reader)["pill"] == "Deploying"
    type(group).objects.filter(pk=group.pk).update(failing_since=minutes_ago(70))
    told = head(reader)
    assert told["pill"] == "Failing"
    assert told["because"].endswith("by basket / production · deployment")
    assert told["told-beside"].startswith("Deploying")


def test_beside_what_no_change_is_known_of_stands_the_newest(reader: Client, project: Project):
    hold(project, make_deploying("checkout", summary="Retry"), make_alarm("slow", "ALARM"))
    told = head(reader)
    assert told["pill"] == "Alarm"
    assert told["told-change"].startswith("Newest change Retry")


def test_its_lines_are_there_whether_anything_stands_in_them_or_not(
    reader: Client, project: Project
):
    hold(project, make_alarm("slow"))
    assert head(reader)["because"] == "What it holds is well."
    hold(project, make_pipeline("never-ran"))
    Project.objects.get().holdings.filter(kind="cloudwatch.alarm").delete()
    assert head(reader)["because"] == "What runs shows here by itself."


def test_it_says_what_the_list_counts_though_no_service_tells_of_it(
    reader: Client, project: Project
):
    build = make_build("nightly").project
    type(build).objects.filter(pk=build.pk).update(state=State.FAILED)
    hold(project, make_alarm("calm"), build)
    told = head(reader)
    assert told["pill"] == "Failed"
    assert told["because"].endswith("by nightly")
    page = reader.get("/projects/checkout/").text
    assert f'href="{build.get_absolute_url()}">nightly</a>' in page
    assert "codebuild.project" in page.partition('id="project-state"')[2].partition(">")[0]


def test_a_stage_whose_execution_was_not_read_yet_names_that_and_no_other(
    reader: Client, project: Project
):
    pipeline = make_deploying("checkout", "InProgress", summary="Another one")
    pipeline.stages.filter(name="Production").update(execution_id="0d98af53-0000-4000-8000-1")
    hold(project, pipeline)
    told = head(reader)
    assert told["because"].startswith("Deploying since ")
    assert told["told-change"] == "Execution 0d98af53"


def test_it_does_not_say_that_all_is_well_without_saying_what_cannot_be_read(
    reader: Client, project: Project
):
    pipeline = make_deploying("checkout")
    hold(project, pipeline)
    assert "read" not in head(reader)["told-beside"]
    sweeps = Sweep.objects.filter(scope=pipeline.scope, kind="codepipeline.pipeline")
    sweeps.update(last_success=now() - timedelta(hours=7))
    told = head(reader)
    assert (told["pill"], told["told-beside"][:22]) == ("All is well", "Of before: pipelines w")
    operations = Operation.objects.filter(scope=pipeline.scope, kind="codepipeline.pipeline")
    operations.update(health="denied", last_error=now(), error="AccessDenied")
    told = head(reader)
    assert told["told-beside"] == "Not all that it holds can be read now. See why"
