"""Jira's deployments panel: what it is told of executions, once, in order, and what it rejects."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils.timezone import now

from apps.codepipeline.models import Action, Execution
from apps.delivery import channels, telling
from apps.delivery.environments import environment_type
from apps.delivery.models import Channel, Results, Telling
from apps.delivery.wanted import note
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Scope
from apps.mirror.provider import Failure, Health
from apps.projects.roles import Role
from apps.sites.answers import Answer
from apps.sites.failures import SiteError
from apps.sites.models import Site
from apps.source.models import Commit
from tests.delivery.making import make_line, make_pipeline, name_issue, run
from tests.delivery.test_results import Wire, again, make_issue, make_site, wire  # noqa: F401
from tests.factories import hold, make_project
from tests.source.making import sha

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


class Panel:
    """Stands for the open panel: keeps what it was told, and answers what it is told to."""

    spent = False

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.errors: list[Exception] = []
        self.unknown: list[str] = []

    def submit(self, deployment: Any) -> list[str]:
        if self.errors:
            raise self.errors.pop(0)
        self.told.append(deployment)
        return self.unknown

    def close(self) -> None:
        pass

    def states(self) -> list[tuple[str, str]]:
        return [(one["environment"]["displayName"], one["state"]) for one in self.told]


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Panel:
    one = Panel()
    monkeypatch.setattr(channels, "open_panel", lambda _site: one)
    return one


@pytest.fixture
def jira(wire: Wire) -> Scope:  # noqa: F811
    return make_site("jira", method="cloud", client_id="client", client_secret="secret")


@pytest.fixture
def pipeline(jira: Scope) -> Any:
    """One that tells, of a team whose second commit names two issues of that Jira."""
    _, commits = make_line(3)
    made = make_pipeline()
    project = make_project("Shop", made)
    for key in ("SHOP-12", "SHOP-7"):
        name_issue(commits[1], key)
        issue = make_issue(jira, key)
    hold(project, issue.tracker)
    Results.objects.create(project=project, jira=True)
    run(made, 1)
    return made


def moved(execution: Execution, stage: str, **columns: Any) -> None:
    Action.objects.filter(execution=execution, stage=stage).update(**columns)
    note([execution.pk])


def test_each_stage_that_brings_it_out_is_a_deployment_of_all_its_issues(
    pipeline: Any,
    panel: Panel,
    wire: Wire,  # noqa: F811
):
    execution = run(pipeline, 3, status="InProgress")
    assert note([execution.pk]) == 2
    assert telling.tell() == 2
    staging, production = sorted(panel.told, key=lambda one: one["environment"]["id"], reverse=True)
    assert panel.states() == [("Staging", "successful"), ("Production", "in_progress")]
    assert staging["environment"] == {"id": "staging", "displayName": "Staging", "type": "staging"}
    assert production["environment"]["type"] == "production"
    assert staging["associations"] == [
        {"associationType": "issueIdOrKeys", "values": ["SHOP-12", "SHOP-7"]}
    ]
    assert staging["pipeline"]["id"] == pipeline.arn
    assert staging["pipeline"]["url"].endswith(pipeline.get_absolute_url())
    assert staging["url"].endswith(execution.get_absolute_url())
    assert staging["displayName"] == f"shop {execution.key[:8]}"
    assert staging["description"] == "Change 3"
    ended = Action.objects.get(execution=execution, stage="Staging").last_update
    assert staging["lastUpdated"] == ended.isoformat(timespec="seconds")
    # No link besides.
    assert wire.asked == []
    assert set(Telling.objects.values_list("channel", flat=True)) == {Channel.PANEL}


def test_states_are_told_as_they_move_and_their_numbers_only_grow(pipeline: Any, panel: Panel):
    execution = run(pipeline, 3, to="Staging", status="InProgress")
    note([execution.pk])
    telling.tell()
    assert telling.tell() == 0
    note([execution.pk])
    assert telling.tell() == 0
    for state in ("waiting", "failed", "stopped", "unknown", "done"):
        moved(execution, "Staging", state=state)
        assert telling.tell() == 1
    assert [state for _, state in panel.states()] == [
        "in_progress",
        "pending",
        "failed",
        "cancelled",
        "unknown",
        "successful",
    ]
    numbers = [one["updateSequenceNumber"] for one in panel.told]
    assert numbers == sorted(set(numbers))
    assert len({one["deploymentSequenceNumber"] for one in panel.told}) == 1


def test_numbers_grow_even_where_a_clock_is_set_back(
    pipeline: Any, panel: Panel, monkeypatch: pytest.MonkeyPatch
):
    execution = run(pipeline, 3, to="Staging", status="InProgress")
    note([execution.pk])
    telling.tell()
    monkeypatch.setattr(telling.time, "time", lambda: 1_000.0)
    moved(execution, "Staging", state="done")
    telling.tell()
    first, second = (one["updateSequenceNumber"] for one in panel.told)
    assert second == first + 1


def test_a_later_execution_has_a_greater_number_however_early_it_was_read(
    pipeline: Any, panel: Panel
):
    name_issue(Commit.objects.get(commit_id=sha(3)), "SHOP-12")
    newer = run(pipeline, 3, to="Staging", at=60)
    older = run(pipeline, 2, to="Staging", at=20)
    note([newer.pk, older.pk])
    telling.tell()
    numbers = {one["displayName"]: one["deploymentSequenceNumber"] for one in panel.told}
    assert len(numbers) == 2
    assert numbers[f"shop {older.key[:8]}"] < numbers[f"shop {newer.key[:8]}"]


def test_a_stage_is_done_when_all_that_it_brings_out_is(pipeline: Any, panel: Panel):
    definition = [dict(stage) for stage in pipeline.definition]
    staging = definition[2]
    staging["actions"] = [*staging["actions"], {**staging["actions"][0], "name": "Second"}]
    pipeline.definition = definition
    pipeline.save()
    execution = run(pipeline, 3, to="Staging", status="Succeeded")
    again(execution, state="moving", status="InProgress")
    telling.tell()
    assert panel.states() == [("Staging", "in_progress")]


def test_what_a_rollback_took_back_is_told_so(pipeline: Any, panel: Panel):
    execution = run(pipeline, 3, at=20)
    note([execution.pk])
    telling.tell()
    panel.told.clear()
    back = run(pipeline, 1, at=30, execution_type="ROLLBACK", rollback_of="an-earlier-one")
    Action.objects.filter(execution=back).exclude(stage="Production").delete()
    note([back.pk])
    telling.tell()
    assert panel.states() == [("Production", "rolled_back")]


def test_two_workers_tell_it_once(pipeline: Any, panel: Panel):
    execution = run(pipeline, 3, to="Staging")
    note([execution.pk])
    [row] = Telling.objects.all()
    assert telling._tell_one(row.pk, panel, wire_of_nobody()) == 1
    assert telling._tell_one(row.pk, panel, wire_of_nobody()) == 0
    Telling.objects.update(told_mark="", leased_until=now() + timedelta(minutes=1))
    assert telling._tell_one(row.pk, panel, wire_of_nobody()) == 0
    assert len(panel.told) == 1


def wire_of_nobody() -> Any:
    return Wire()


def refused(health: Health, message: str) -> SiteError:
    return SiteError(Answer(status=202), Failure(health=health, message=message, cure="Look."))


def test_a_rejection_is_given_up_in_words_until_a_person_or_a_change_says_otherwise(
    pipeline: Any, panel: Panel
):
    execution = run(pipeline, 3, to="Staging", status="InProgress")
    note([execution.pk])
    panel.errors = [refused(Health.UNSUPPORTED, "Jira rejected the deployment: no such state.")]
    telling.tell()
    row = Telling.objects.get()
    assert row.given_up
    assert row.trouble == "Jira rejected the deployment: no such state. Look."
    assert telling.tell() == 0
    moved(execution, "Staging", state="done")
    assert telling.tell() == 1
    row.refresh_from_db()
    assert (row.given_up, row.trouble, row.is_told) == (False, "", True)


def test_what_fails_in_passing_is_tried_again_with_a_greater_number(pipeline: Any, panel: Panel):
    note([run(pipeline, 3, to="Staging").pk])
    panel.errors = [refused(Health.UNREACHABLE, "No answer")]
    telling.tell()
    row = Telling.objects.get()
    assert (row.given_up, row.attempts) == (False, 1)
    Telling.objects.update(due_at=now())
    assert telling.tell() == 1
    assert panel.told[0]["updateSequenceNumber"] > row.sequence


def test_issues_that_jira_does_not_know_are_shown_and_tried_again_by_a_person(
    pipeline: Any, panel: Panel, client: Any, django_user_model: Any
):
    note([run(pipeline, 3, to="Staging").pk])
    panel.unknown = ["SHOP-7"]
    assert telling.tell() == 1
    row = Telling.objects.get()
    assert row.is_told_in_part
    assert row.trouble == "Jira does not know SHOP-7."
    owner = django_user_model.objects.create_user("owner", "owner@example.com", "pw")
    project = Results.objects.get().project
    project.memberships.create(user=owner, role=Role.OWNER)
    client.force_login(owner)
    page = client.get(reverse("results:results", args=[project.slug])).content.decode()
    assert "Told in part" in page
    assert "Jira does not know SHOP-7." in page
    assert "Staging: SHOP-12, SHOP-7<" in page
    panel.unknown = []
    client.post(reverse("results:again", args=[project.slug]))
    assert telling.tell() == 1
    row.refresh_from_db()
    assert (row.is_told, row.trouble) == (True, "")
    first, second = (one["updateSequenceNumber"] for one in panel.told)
    assert second > first


def test_an_owner_reads_of_no_issue_that_they_may_not_know_of(
    pipeline: Any, panel: Panel, client: Any, django_user_model: Any
):
    note([run(pipeline, 3, to="Staging").pk])
    panel.unknown = ["SHOP-7"]
    assert telling.tell() == 1
    hidden = Issue.objects.get(key="SHOP-7")
    Issue.objects.filter(pk=hidden.pk).update(
        tracker=Tracker.objects.create(scope=hidden.scope, key="QM")
    )
    owner = django_user_model.objects.create_user("owner", "owner@example.com", "pw")
    project = Results.objects.get().project
    project.memberships.create(user=owner, role=Role.OWNER)
    client.force_login(owner)
    page = client.get(reverse("results:results", args=[project.slug])).content.decode()
    assert "Staging: SHOP-12<" in page
    assert "SHOP-7" not in page


def test_without_credentials_it_is_the_link(pipeline: Any, panel: Panel, wire: Wire):  # noqa: F811
    Site.objects.update(client_id="", client_secret="")
    note([run(pipeline, 3).pk])
    assert telling.tell() == 2
    assert wire.told() == ["jira:CreateRemoteLink"] * 2
    assert panel.told == []


def test_a_data_center_has_no_panel(pipeline: Any, panel: Panel, wire: Wire):  # noqa: F811
    Site.objects.update(method="pat")
    note([run(pipeline, 3).pk])
    telling.tell()
    assert wire.told() == ["jira:CreateRemoteLink"] * 2


def test_a_link_from_before_there_were_credentials_is_told_to_its_end(
    pipeline: Any,
    panel: Panel,
    wire: Wire,  # noqa: F811
):
    Site.objects.update(client_id="")
    execution = run(pipeline, 3, to="Staging", status="InProgress")
    note([execution.pk])
    [first, second] = Telling.objects.order_by("pk")
    telling._tell_one(first.pk, wire, wire)
    Site.objects.update(client_id="client")
    # The other one was never made: it is dropped.
    telling.tell()
    assert not Telling.objects.filter(pk=second.pk).exists()
    assert wire.told() == ["jira:CreateRemoteLink"]
    again(execution, state="done", status="Succeeded")
    telling.tell()
    assert wire.asked[-1][2]["object"]["status"]["resolved"] is True
    assert panel.states() == [("Staging", "in_progress")]
    # The next execution makes none.
    note([run(pipeline, 2, at=50).pk])
    telling.tell()
    assert wire.told() == ["jira:CreateRemoteLink"] * 2


def test_credentials_that_are_gone_are_told_as_the_reason(pipeline: Any):
    note([run(pipeline, 3, to="Staging").pk])
    Site.objects.update(client_secret="")
    telling.tell()
    row = Telling.objects.get()
    assert row.given_up
    assert "no client credentials any more" in row.trouble


def test_what_nobody_switched_on_tells_the_simulated_jira_alone(pipeline: Any, panel: Panel):
    Results.objects.update(by_itself=True)
    execution = run(pipeline, 3, to="Staging")
    assert note([execution.pk]) == 0
    Site.objects.update(managed=True)
    assert note([execution.pk]) == 1


def test_a_person_who_turns_a_switch_answers_for_all_of_them(
    pipeline: Any, client: Any, django_user_model: Any
):
    Results.objects.update(by_itself=True)
    project = Results.objects.get().project
    owner = django_user_model.objects.create_user("owner", "owner@example.com", "pw")
    project.memberships.create(user=owner, role=Role.OWNER)
    client.force_login(owner)
    path = reverse("results:results", args=[project.slug])
    assert "The sandbox switched it on" in client.get(path).content.decode()
    client.post(path, {"jira": "on", "github": "on"})
    row = Results.objects.get()
    assert (row.jira, row.github, row.by_itself, row.edited_by) == (True, True, False, owner)
    assert "The sandbox switched it on" not in client.get(path).content.decode()


@pytest.mark.parametrize("switch", ["may_write", "paused"])
def test_a_site_that_may_not_be_written_is_told_nothing(pipeline: Any, panel: Panel, switch: str):
    Site.objects.update(**{switch: switch == "paused"})
    note([run(pipeline, 3).pk])
    assert telling.tell() == 0
    assert panel.told == []


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("production", ["Production", "prod", "PROD", "DeployToProd", "prod-eu-1", "Live", "PRD"]),
        ("staging", ["Staging", "stg", "pre-prod", "PreProduction", "preprod", "Stage", "stage-2"]),
        ("testing", ["Test", "QA", "uat", "TestStage", "deploy_integration", "Testing2"]),
        ("development", ["Dev", "development", "DevStage", "dev-01"]),
        (
            "unmapped",
            ["Deploy", "", "non-prod", "NonProd", "Release", "Product", "Latest", "DevAndProd"],
        ),
    ],
)
def test_an_environment_has_the_type_that_its_name_says(kind: str, names: list[str]):
    assert {name: environment_type(name) for name in names} == dict.fromkeys(names, kind)


def test_where_a_stage_says_nothing_its_actions_do():
    assert environment_type("Deploy", "DeployToProd") == "production"
    assert environment_type("Staging", "DeployToProd") == "staging"
