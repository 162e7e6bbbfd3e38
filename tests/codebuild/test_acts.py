"""Builds are started, stopped and retried at AWS: once, as it was seen, by who may."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from apps.codebuild.models import Build, Project
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from apps.deeds.offers import about
from tests.acting import Acting, acting, effect_of, form_of
from tests.deeds.making import performed
from tests.sandbox.shapes import project as declared

__all__ = ["acting"]

pytestmark = pytest.mark.django_db
DONE, REFUSED, UNKNOWN = Deed.Outcome.DONE, Deed.Outcome.REFUSED, Deed.Outcome.UNKNOWN
KINDS = ("codebuild.project", "codebuild.build")
# The acts that are held here to being done once; see `tests.deeds.test_faults`.
HELD = ("codebuild.start", "codebuild.stop", "codebuild.retry")


@pytest.fixture
def client(acting: Acting) -> Any:
    return acting.aws("codebuild")


@pytest.fixture
def project(acting: Acting, client: Any) -> Project:
    """A project of CodeCommit, mirrored."""
    source = acting.aws("codecommit")
    source.create_repository(repositoryName="web")
    files = [{"filePath": "a.txt", "fileContent": b"a"}]
    source.create_commit(repositoryName="web", branchName="main", putFiles=files)
    client.create_project(
        **declared(
            source={"type": "CODECOMMIT", "location": "https://example.com/v1/repos/web"},
            cache={"type": "LOCAL", "modes": ["LOCAL_SOURCE_CACHE"]},
        )
    )
    acting.sweep(*KINDS)
    row = Project.objects.get()
    acting.hold(row)
    return row


@pytest.fixture
def build(acting: Acting, client: Any, project: Project) -> Build:
    """A build of it that runs, mirrored."""
    client.start_build(projectName="web", sourceVersion="main")
    acting.sweep(*KINDS)
    return Build.objects.get()


def builds(client: Any) -> list[dict[str, Any]]:
    """All builds, the newest first."""
    ids = client.list_builds()["ids"]
    found: list[dict[str, Any]] = client.batch_get_builds(ids=ids)["builds"] if ids else []
    return found


# --- Start ----------------------------------------------------------------------------------------


def test_a_build_is_started_with_what_was_said_and_leads_to_its_page(
    acting: Acting, client: Any, project: Project
):
    form = form_of(
        "codebuild.start",
        project,
        version="main",
        variables="MODE=fast = really\nTOKEN=secrets-manager:web/token\n\nP=parameter-store:/a/b",
        machine="BUILD_GENERAL1_LARGE",
        image="aws/codebuild/standard:6.0",
        minutes="15",
        no_cache="on",
    )
    assert form.is_valid(), form.errors
    deed = acting.do("codebuild.start", project, form.said())
    acting.clock.advance(10)
    (made,) = builds(client)
    assert (deed.outcome, deed.made["key"]) == (DONE, made["id"])
    assert deed.made["kind"] == "codebuild.build"
    assert about(deed)["Without the cache"] == "yes"
    assert "TOKEN: secrets-manager:web/token" in about(deed)["Environment variables"]
    assert deed.request_id
    assert made["sourceVersion"] == "main"
    assert len(made["resolvedSourceVersion"]) == 40
    environment = made["environment"]
    assert environment["environmentVariables"] == [
        {"name": "MODE", "value": "fast = really", "type": "PLAINTEXT"},
        {"name": "TOKEN", "value": "web/token", "type": "SECRETS_MANAGER"},
        {"name": "P", "value": "/a/b", "type": "PARAMETER_STORE"},
    ]
    assert environment["computeType"] == "BUILD_GENERAL1_LARGE"
    assert environment["image"] == "aws/codebuild/standard:6.0"
    assert made["timeoutInMinutes"] == 15
    assert made["cache"] == {"type": "NO_CACHE"}


def test_nothing_said_is_the_project_as_it_is(acting: Acting, client: Any, project: Project):
    form = form_of("codebuild.start", project)
    assert form.is_valid(), form.errors
    assert form.said() == {}
    assert acting.do("codebuild.start", project).outcome == DONE
    (made,) = builds(client)
    assert made["environment"]["environmentVariables"] == []
    assert made["cache"]["type"] == "LOCAL"


def test_a_worker_that_died_after_sending_leaves_one_build(
    acting: Acting, client: Any, project: Project
):
    deed = acting.do_and_die("codebuild.start", project, {"version": "main"})
    (made,) = builds(client)
    assert (deed.outcome, deed.made["key"]) == (DONE, made["id"])


def test_past_its_tokens_time_what_began_since_is_told_as_anybodys(
    acting: Acting, client: Any, project: Project
):
    deed = acting.ask("codebuild.start", project, {"version": "main"})
    client.start_build(projectName="web", sourceVersion="main")
    client.start_build(projectName="web")
    Deed.objects.filter(pk=deed.pk).update(begun_at=now() - timedelta(minutes=6))
    over = performed(deed)
    assert (over.outcome, over.made) == (UNKNOWN, {})
    # The one that this deed may have begun: the other builds another version.
    assert over.reason == (
        "Build web #1 has begun since, by this account's credentials; "
        "whether by this or by somebody else cannot be told."
    )
    assert len(builds(client)) == 2


def test_of_two_builds_nobody_knows_which_and_a_person_is_asked(
    acting: Acting, client: Any, project: Project
):
    deed = acting.ask("codebuild.start", project)
    for _ in range(2):
        client.start_build(projectName="web")
    Deed.objects.filter(pk=deed.pk).update(begun_at=now() - timedelta(minutes=6))
    over = performed(deed)
    assert over.outcome == UNKNOWN
    assert over.reason.startswith("Build web #2, Build web #1 have begun since")
    assert len(builds(client)) == 2


def test_a_project_that_was_changed_meanwhile_is_looked_at_first(
    acting: Acting, client: Any, project: Project
):
    deed = acting.ask("codebuild.start", project)
    acting.clock.advance(60)
    client.update_project(name="web", timeoutInMinutes=5)
    over = performed(deed)
    assert (over.outcome, builds(client)) == (REFUSED, [])
    assert "changed meanwhile" in over.reason


def test_a_project_that_is_gone_is_told(acting: Acting, client: Any, project: Project):
    deed = acting.ask("codebuild.start", project)
    client.delete_project(name="web")
    over = performed(deed)
    assert (over.outcome, over.reason) == (REFUSED, "CodeBuild has no such project any more.")


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("codebuild.start", "StartBuild"),
        ("codebuild.stop", "StopBuild"),
        ("codebuild.retry", "RetryBuild"),
    ],
)
def test_a_denial_is_told_with_the_statement_that_cures_it(
    acting: Acting, client: Any, project: Project, build: Build, name: str, operation: str
):
    if name == "codebuild.retry":
        client.stop_build(id=build.key)
        acting.sweep("codebuild.build")
        build.refresh_from_db()
    acting.deny("codebuild", operation)
    deed = acting.do(name, project if name == "codebuild.start" else build)
    assert deed.outcome == REFUSED
    assert f"codebuild:{operation}" in deed.cure
    assert len(builds(client)) == 1


@pytest.mark.parametrize(
    ("written", "field", "told"),
    [
        ({"version": "my branch"}, "version", "Give a branch, a tag or a commit, without spaces"),
        ({"variables": "just words"}, "variables", "Line 1 is no NAME=value"),
        ({"variables": "A=1\n1B=2"}, "variables", "Line 2 is no NAME=value"),
        ({"variables": "A=1\nA=2"}, "variables", "A is given twice"),
        ({"variables": "CODEBUILD_X=1"}, "variables", "CodeBuild's own"),
        ({"variables": "DB_PASSWORD=hunter2"}, "variables", "Put it into Secrets Manager"),
        ({"variables": "URL=https://me:hunter2@example.com/"}, "variables", "looks like a secret"),
        ({"variables": "OPTS=--password hunter2"}, "variables", "looks like a secret"),
        ({"image": "example.com/mine:1"}, "image", "Change the project for that"),
        ({"minutes": "2"}, "minutes", "no less than 5"),
        ({"minutes": "soon"}, "minutes", "Give a number of minutes"),
        ({"machine": "BUILD_LAMBDA_1GB"}, "machine", "Select a valid choice"),
    ],
)
def test_what_cannot_be_taken_is_said_with_what_to_do(
    project: Project, written: dict[str, str], field: str, told: str
):
    form = form_of("codebuild.start", project, **written)
    assert not form.is_valid()
    assert any(told in line for line in form.errors[field])


def test_what_comes_from_a_secret_in_the_project_is_not_replaced_by_plain_text(
    acting: Acting, client: Any, project: Project
):
    project.environment_variables = [
        {"name": "LICENCE", "type": "SECRETS_MANAGER", "reference": "web/licence"}
    ]
    assert not form_of("codebuild.start", project, variables="LICENCE=abc").is_valid()
    assert form_of("codebuild.start", project, variables="LICENCE=secrets-manager:b").is_valid()


def test_it_is_said_what_will_happen(project: Project):
    told = effect_of(
        "codebuild.start", project, version="feature/x", variables="MODE=fast", minutes=""
    )
    assert "A build of web begins with feature/x." in told
    assert "other values of MODE" in told
    assert "fast" not in told.replace("MODE", "")


def test_code_of_a_pull_request_is_pointed_out(project: Project):
    project.source_type = "GITHUB"
    assert "runs with the role" in effect_of("codebuild.start", project, version="pr/25")


def test_fields_are_those_that_mean_something(project: Project):
    project.source_type, project.environment_type = "NO_SOURCE", "LINUX_LAMBDA_CONTAINER"
    project.cache = {"type": "NO_CACHE"}
    assert set(form_of("codebuild.start", project).fields) == {
        *("mark", "seen", "why"),
        *("variables", "machine", "image"),
    }
    project.environment = {"fleet": {"fleet_arn": "arn:aws:codebuild:…"}}
    assert "machine" not in form_of("codebuild.start", project).fields


def test_what_a_pipeline_feeds_is_started_by_the_pipeline(project: Project):
    project.source_type = "CODEPIPELINE"
    assert "release a change" in str(ACTS.by_name["codebuild.start"].offered(project))


# --- Stop -----------------------------------------------------------------------------------------


def test_a_build_that_runs_is_stopped(acting: Acting, client: Any, build: Build):
    deed = acting.do("codebuild.stop", build)
    assert (deed.outcome, deed.told) == (DONE, "It is stopped.")
    assert builds(client)[0]["buildStatus"] == "STOPPED"


def test_a_worker_that_died_after_stopping_finds_it_stopped(
    acting: Acting, client: Any, build: Build
):
    over = acting.do_and_die("codebuild.stop", build)
    assert (over.outcome, over.told) == (UNKNOWN, "")
    assert over.reason == "It is stopped; whether by this or by somebody else cannot be told."
    assert builds(client)[0]["buildStatus"] == "STOPPED"


def test_what_somebody_stopped_meanwhile_is_as_it_was_to_be(
    acting: Acting, client: Any, build: Build
):
    deed = acting.ask("codebuild.stop", build)
    client.stop_build(id=build.key)
    over = performed(deed)
    assert (over.outcome, over.told) == (DONE, "It was stopped already.")


def test_what_is_over_by_now_is_not_stopped(acting: Acting, client: Any, build: Build):
    deed = acting.ask("codebuild.stop", build)
    acting.clock.advance(3600)
    over = performed(deed)
    assert (over.outcome, over.reason) == (
        REFUSED,
        "It is SUCCEEDED by now: there is nothing to stop.",
    )


# --- Retry ----------------------------------------------------------------------------------------


@pytest.fixture
def stopped(acting: Acting, client: Any, build: Build) -> Build:
    client.stop_build(id=build.key)
    acting.sweep(*KINDS)
    build.refresh_from_db()
    return build


def test_a_build_is_retried_with_what_it_was_made_of(acting: Acting, client: Any, stopped: Build):
    deed = acting.do("codebuild.retry", stopped)
    acting.clock.advance(10)
    again, first = builds(client)
    assert (deed.outcome, deed.made["key"]) == (DONE, again["id"])
    assert again["sourceVersion"] == first["sourceVersion"] == "main"
    assert len(again["resolvedSourceVersion"]) == 40


def test_a_worker_that_died_after_retrying_leaves_one_more(
    acting: Acting, client: Any, stopped: Build
):
    assert acting.do_and_die("codebuild.retry", stopped).outcome == DONE
    assert len(builds(client)) == 2


def test_a_build_that_aws_has_forgotten_is_not_retried(acting: Acting, client: Any, stopped: Build):
    Build.objects.filter(pk=stopped.pk).update(key="web:00000000-0000-4000-8000-000000000000")
    stopped.refresh_from_db()
    deed = acting.do("codebuild.retry", stopped)
    assert (deed.outcome, len(builds(client))) == (REFUSED, 1)
    assert "start a build of the project" in deed.reason


def test_it_is_offered_where_it_makes_sense(stopped: Build):
    offered = ACTS.by_name["codebuild.retry"].offered
    assert offered(stopped) == ""
    stopped.initiator = "codepipeline/shop"
    assert "retry the stage" in str(offered(stopped))
    stopped.initiator, stopped.build_batch_arn = "ada", "arn:aws:codebuild:…"
    assert "batch" in str(offered(stopped))
    stopped.state = "done"
    assert offered(stopped) is None
    assert ACTS.by_name["codebuild.stop"].offered(stopped) is None


def test_a_projects_page_offers_to_stop_what_runs(acting: Acting, client: Any, build: Build):
    assert build.project is not None
    (part,) = ACTS.parts["codebuild.project"](build.project)
    assert (part.kind, part.row, part.name) == ("codebuild.build", build, "Build #1")
