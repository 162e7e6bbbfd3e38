"""What sites are told of executions: what is wanted, told once, and again where it did not work."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from apps.codepipeline.models import Execution
from apps.delivery import tasks, telling
from apps.delivery.models import Results, Telling
from apps.delivery.wanted import note
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Link, Scope
from apps.mirror.provider import PROVIDERS, Failure, Health
from apps.sites.answers import Answer
from apps.sites.failures import QuotaSpentError, SiteError, classify
from apps.sites.models import Site
from apps.source.models import Repository
from tests import factories
from tests.delivery.making import make_line, make_pipeline, name_issue, run
from tests.factories import hold, make_project, make_user
from tests.source.making import make_commit, make_repository, sha

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


class Wire:
    """Stands for an open site: answers what it is told to, and keeps what it was asked."""

    spent = False

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.deployments: list[Any] = []
        self.errors: list[Exception] = []

    def send(self, operation: str, _verb: str, path: str, body: Any = None) -> Answer:
        self.asked.append((operation, path, body))
        if self.errors:
            raise self.errors.pop(0)
        return Answer(status=201, headers={}, body={"id": len(self.asked)}, url="")

    def get(self, operation: str, path: str, **params: Any) -> Answer:
        self.asked.append((operation, path, params))
        return Answer(status=200, headers={}, body=self.deployments, url="")

    def close(self) -> None:
        pass

    def open(self, _scope: Scope, **_more: Any) -> "Wire":
        return self

    classify = staticmethod(classify)

    def told(self) -> list[str]:
        return [operation for operation, _, _ in self.asked]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    one = Wire()
    monkeypatch.setattr(PROVIDERS, "by_name", dict.fromkeys(("github", "jira"), one))
    return one


def make_site(provider: str, **more: Any) -> Scope:
    host = f"{provider}.example.com"
    scope = Scope.objects.create(provider=provider, place=f"{host}/1", account=host)
    Site.objects.create(
        **{
            "provider": provider,
            "name": provider,
            "base_url": f"https://{provider}.example.com",
            "method": "token",
            "scope": scope,
            "may_write": True,
            **more,
        }
    )
    return scope


@pytest.fixture
def github() -> Scope:
    scope = make_site("github")
    repository = make_repository("example/shop", scope)
    make_commit(repository, 1)
    return scope


def pipeline_that_tells(**switches: bool) -> Any:
    """A pipeline of a project that holds the repositories at GitHub, too."""
    pipeline = make_pipeline()
    repositories = Repository.objects.filter(scope__provider="github")
    project = make_project("Shop", pipeline, *repositories)
    Results.objects.create(project=project, **switches)
    return pipeline


def again(execution: Execution, **columns: Any) -> None:
    Execution.objects.filter(pk=execution.pk).update(**columns)
    note([execution.pk])


def test_a_commit_gets_a_status_and_each_stage_a_deployment(github: Scope, wire: Wire):
    execution = run(pipeline_that_tells(github=True), 1)
    assert note([execution.pk]) == 3
    assert telling.tell() == 3
    sent = {operation: body for operation, _, body in wire.asked}
    assert sent["github:CreateCommitStatus"]["state"] == "success"
    assert sent["github:CreateCommitStatus"]["context"] == (
        "codestar-dash/shop (111122223333 eu-west-1)"
    )
    assert sent["github:CreateCommitStatus"]["target_url"].endswith(execution.get_absolute_url())
    assert sent["github:CreateDeployment"]["auto_merge"] is False
    made = [body["environment"] for one, _, body in wire.asked if one == "github:CreateDeployment"]
    assert sorted(made) == ["Production", "Staging"]
    paths = {path for _, path, _ in wire.asked}
    assert f"/repos/example/shop/statuses/{sha(1)}" in paths


def test_what_was_told_is_not_told_again(github: Scope, wire: Wire):
    execution = run(pipeline_that_tells(github=True), 1, to="Build", status="InProgress")
    note([execution.pk])
    assert telling.tell() == 1
    note([execution.pk])
    assert telling.tell() == 0
    again(execution, state="done", status="Succeeded")
    assert telling.tell() == 1
    states = [body["state"] for _, _, body in wire.asked]
    assert states == ["pending", "success"]


def test_one_that_two_workers_take_is_told_once(github: Scope, wire: Wire):
    execution = run(pipeline_that_tells(github=True), 1, to="Build", status="InProgress")
    note([execution.pk])
    [row] = Telling.objects.all()
    assert telling._tell_one(row.pk, wire, wire) == 1
    assert telling._tell_one(row.pk, wire, wire) == 0
    Telling.objects.update(told_mark="", leased_until=now() + timedelta(minutes=1))
    assert telling._tell_one(row.pk, wire, wire) == 0
    assert wire.told() == ["github:CreateCommitStatus"]


def test_a_deployment_that_was_made_before_is_found_and_not_made_again(github: Scope, wire: Wire):
    execution = run(pipeline_that_tells(github=True), 1, to="Staging", status="InProgress")
    note([execution.pk])
    wire.deployments = [
        {"id": 5, "payload": {}},
        {"id": 7, "payload": {"codestar-dash": execution.key}},
    ]
    telling.tell()
    assert "github:CreateDeployment" not in wire.told()
    assert "/repos/example/shop/deployments/7/statuses" in {path for _, path, _ in wire.asked}


def test_what_failed_in_passing_is_tried_again_later(github: Scope, wire: Wire):
    execution = run(pipeline_that_tells(github=True), 1, to="Build", status="InProgress")
    note([execution.pk])
    wire.errors = [ConnectionError("reset")]
    assert telling.tell() == 0
    [row] = Telling.objects.all()
    assert row.trouble
    assert not row.given_up
    assert row.due_at > now()
    assert telling.tell() == 0
    Telling.objects.update(due_at=now())
    assert telling.tell() == 1
    row.refresh_from_db()
    assert (row.trouble, row.attempts, row.is_told) == ("", 0, True)


def test_a_spent_quota_is_no_failure(github: Scope, wire: Wire):
    execution = run(pipeline_that_tells(github=True), 1, to="Build", status="InProgress")
    note([execution.pk])
    resets = now() + timedelta(minutes=30)
    wire.errors = [QuotaSpentError("The quota is spent", resets)]
    telling.tell()
    [row] = Telling.objects.all()
    assert (row.attempts, row.due_at, row.given_up) == (0, resets, False)


def test_what_is_gone_is_given_up_until_something_else_is_wanted(github: Scope, wire: Wire):
    execution = run(pipeline_that_tells(github=True), 1, to="Build", status="InProgress")
    note([execution.pk])
    gone = Failure(health=Health.GONE, message="No commit found")
    wire.errors = [SiteError(Answer(status=404, headers={}, body=None, url=""), gone)]
    telling.tell()
    assert Telling.objects.get().given_up
    assert telling.tell() == 0
    again(execution, state="failed", status="Failed")
    assert telling.tell() == 1


@pytest.mark.parametrize("switch", ["may_write", "paused"])
def test_a_site_that_may_not_be_written_is_told_nothing(github: Scope, wire: Wire, switch: str):
    Site.objects.update(**{switch: switch == "paused"})
    execution = run(pipeline_that_tells(github=True), 1)
    note([execution.pk])
    assert telling.tell() == 0
    assert wire.asked == []


def test_a_project_that_does_not_tell_wants_nothing(github: Scope):
    pipeline = make_pipeline()
    hold(make_project("Shop"), pipeline)
    assert note([run(pipeline, 1).pk]) == 0
    Results.objects.create(project=make_project("Other"), github=True, jira=True)
    assert note([run(pipeline, 1).pk]) == 0


# --- where at GitHub ------------------------------------------------------------------------------


def take(execution: Execution, arn: str) -> None:
    """Let an execution's source action have taken a commit at GitHub by its name."""
    action = execution.actions.get(stage="Source")
    Link.objects.create(
        from_kind="codepipeline.action",
        from_id=action.pk,
        relation="takes",
        to_kind="github.commit",
        to_arn=arn,
    )


def statuses() -> list[str]:
    return sorted(Telling.objects.filter(channel="github.status").values_list("about", flat=True))


def test_forks_and_mirrors_of_others_are_not_written_to(github: Scope):
    pipeline = pipeline_that_tells(github=True)
    fork = make_repository("others/shop", github)
    make_commit(fork, 1)
    make_project("Others", fork)
    note([run(pipeline, 1, to="Build").pk])
    assert statuses() == [f"example/shop@{sha(1)}"]


def test_what_the_pipeline_takes_by_its_name_is_written_to(github: Scope):
    repository = make_repository("example/web", github, arn="example/web")
    make_commit(repository, 7, arn=f"example/web#{sha(7)}")
    pipeline = make_pipeline()
    Results.objects.create(project=make_project("Shop", pipeline), github=True)
    execution = run(pipeline, 7, to="Build")
    note([execution.pk])
    assert statuses() == []
    take(execution, f"example/web#{sha(7)}")
    note([execution.pk])
    assert statuses() == [f"example/web@{sha(7)}"]


def test_a_name_that_two_hosts_have_is_neithers(github: Scope):
    elsewhere = Scope.objects.create(provider="github", place="ghe/1", account="ghe")
    for scope in (github, elsewhere):
        repository = make_repository("example/web", scope, arn="example/web")
        make_commit(repository, 7, arn=f"example/web#{sha(7)}")
    pipeline = make_pipeline()
    project = make_project("Shop", pipeline)
    Results.objects.create(project=project, github=True)
    execution = run(pipeline, 7, to="Build")
    take(execution, f"example/web#{sha(7)}")
    note([execution.pk])
    assert statuses() == []
    hold(project, repository)
    note([execution.pk])
    assert [one.scope for one in Telling.objects.all()] == [elsewhere]


def test_the_commits_of_every_source_get_their_status(github: Scope):
    templates = make_repository("example/templates", github)
    make_commit(templates, 40)
    pipeline = pipeline_that_tells(github=True)
    revisions = [{"action": "App", "id": sha(1)}, {"action": "Templates", "id": sha(40)}]
    note([run(pipeline, 1, to="Build", revisions=revisions).pk])
    assert statuses() == [f"example/shop@{sha(1)}", f"example/templates@{sha(40)}"]


def test_pipelines_of_one_name_in_two_regions_are_told_apart(github: Scope, wire: Wire):
    near = pipeline_that_tells(github=True)
    far = make_pipeline(scope=factories.make_scope(region="us-east-1"))
    hold(Results.objects.get().project, far)
    note([run(one, 1, to="Build").pk for one in (near, far)])
    telling.tell()
    contexts = {body["context"] for _, _, body in wire.asked}
    assert len(contexts) == 2


def test_what_is_brought_out_again_is_a_deployment_of_its_own(github: Scope, wire: Wire):
    make_commit(Repository.objects.get(), 2)
    pipeline = pipeline_that_tells(github=True)
    for number, at in ((1, 10), (2, 20), (1, 30)):
        note([run(pipeline, number, to="Staging", at=at).pk])
        telling.tell()
    made = [body for one, _, body in wire.asked if one == "github:CreateDeployment"]
    assert [body["ref"] for body in made] == [sha(1), sha(2), sha(1)]
    assert [body["production_environment"] for body in made] == [False] * 3


def test_a_deployment_that_comes_late_is_not_made_after_a_newer_one(github: Scope, wire: Wire):
    make_commit(Repository.objects.get(), 2)
    pipeline = pipeline_that_tells(github=True)
    older, newer = (run(pipeline, one, to="Staging", at=10 * one) for one in (1, 2))
    note([older.pk])
    Telling.objects.filter(channel="github.deployment").update(due_at=now() + timedelta(minutes=1))
    note([newer.pk])
    telling.tell()
    Telling.objects.update(due_at=now())
    telling.tell()
    made = [body["ref"] for one, _, body in wire.asked if one == "github:CreateDeployment"]
    assert made == [sha(2)]


# --- Jira -----------------------------------------------------------------------------------------


def make_issue(scope: Scope, key: str = "SHOP-12") -> Issue:
    tracker, _ = Tracker.objects.get_or_create(
        scope=scope, key="SHOP", defaults={"name": "Shop", "prefix": "SHOP", "arn": "SHOP"}
    )
    return Issue.objects.create(scope=scope, key=key, arn=key, tracker=tracker)


@pytest.fixture
def jira(wire: Wire) -> Scope:
    return make_site("jira")


def test_an_issue_that_a_commit_names_gets_one_link_that_follows(jira: Scope, wire: Wire):
    issue = make_issue(jira)
    _, commits = make_line(3)
    name_issue(commits[1], "SHOP-12")
    pipeline = make_pipeline()
    project = make_project("Shop", pipeline)
    hold(project, issue.tracker)
    Results.objects.create(project=project, jira=True)
    run(pipeline, 1)
    execution = run(pipeline, 3, to="Production", status="Waiting")
    note([execution.pk])
    assert telling.tell() == 1
    [(operation, path, body)] = wire.asked
    assert (operation, path) == (
        "jira:CreateRemoteLink",
        "/rest/api/2/issue/SHOP-12/remotelink",
    )
    assert body["globalId"] == f"codestar-dash:{pipeline.arn}"
    assert body["object"]["status"]["resolved"] is False
    again(execution, state="done", status="Succeeded")
    telling.tell()
    assert wire.asked[-1][2]["object"]["status"]["resolved"] is True
    assert Telling.objects.count() == 1


def test_an_older_execution_does_not_overwrite_what_a_newer_one_said(jira: Scope, wire: Wire):
    issue = make_issue(jira)
    _, commits = make_line(2)
    for commit in commits:
        name_issue(commit, "SHOP-12")
    pipeline = make_pipeline()
    project = make_project("Shop", pipeline)
    hold(project, issue.tracker)
    Results.objects.create(project=project, jira=True)
    older = run(pipeline, 1, to="Build", status="Failed")
    newer = run(pipeline, 2)
    note([newer.pk])
    note([older.pk])
    assert Telling.objects.get().execution == newer


def test_issues_of_what_was_out_before_are_not_touched(jira: Scope, wire: Wire):
    issue = make_issue(jira)
    _, commits = make_line(2)
    name_issue(commits[0], "SHOP-12")
    pipeline = make_pipeline()
    project = make_project("Shop", pipeline)
    hold(project, issue.tracker)
    Results.objects.create(project=project, jira=True)
    run(pipeline, 1)
    assert note([run(pipeline, 2).pk]) == 0


def test_issues_of_trackers_of_others_are_not_touched(jira: Scope, wire: Wire):
    make_issue(jira)
    _, commits = make_line(1)
    name_issue(commits[0], "SHOP-12")
    assert note([run(pipeline_that_tells(jira=True), 1).pk]) == 0


# --- the switch -----------------------------------------------------------------------------------


def test_what_waits_is_not_told_once_the_project_tells_no_more(github: Scope, wire: Wire):
    execution = run(pipeline_that_tells(github=True, jira=True), 1, to="Build", status="InProgress")
    note([execution.pk])
    Results.objects.update(github=False)
    assert telling.tell() == 0
    [row] = Telling.objects.all()
    assert telling._tell_one(row.pk, wire, wire) == 0
    assert wire.asked == []
    Results.objects.update(github=True)
    assert telling.tell() == 1


def test_another_project_of_the_pipeline_goes_on_telling(github: Scope, wire: Wire):
    pipeline = pipeline_that_tells(github=True)
    Results.objects.create(project=make_project("Second", pipeline), github=True)
    note([run(pipeline, 1, to="Build", status="InProgress").pk])
    Results.objects.filter(project__name="Shop").update(github=False)
    assert telling.tell() == 1


def test_what_nobody_switched_on_is_told_to_what_a_start_of_ours_connected_alone(
    github: Scope, wire: Wire
):
    execution = run(pipeline_that_tells(github=True), 1, to="Build", status="InProgress")
    note([execution.pk])
    Results.objects.update(by_itself=True)
    assert telling.tell() == 0
    Site.objects.update(managed=True)
    assert telling.tell() == 1


def test_who_switches_on_again_tells_how_it_is_and_not_how_it_was(
    github: Scope, wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tasks.catch_up, "delay", tasks.catch_up)
    pipeline = pipeline_that_tells(github=True)
    execution = run(pipeline, 1, to="Build", status="InProgress")
    note([execution.pk])
    telling.tell()
    project = Results.objects.get().project
    owner = make_user("owner", reads_everything=False)
    project.memberships.create(user=owner, role="owner")
    client = Client()
    client.force_login(owner)
    address = reverse("results:results", args=[project.slug])
    client.post(address, {})
    assert not Results.objects.get().github
    Execution.objects.filter(pk=execution.pk).update(state="done", status="Succeeded")
    client.post(address, {"github": "on"})
    telling.tell()
    states = [body["state"] for _, _, body in wire.asked]
    assert states == ["pending", "success"]
