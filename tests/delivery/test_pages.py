"""Pages and panels of journeys: what they say, for whom, hostile text included."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.audit.models import Record
from apps.codepipeline.models import Execution
from apps.delivery import reading
from apps.delivery.models import Results, Telling
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Scope
from apps.source.models import Commit
from tests.delivery.making import make_line, make_pipeline, run
from tests.factories import hold, make_project, make_user
from tests.issues.making import make_issue, make_tracker
from tests.source.making import make_pull, make_repository, sha

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def viewer() -> Client:
    client = Client()
    client.force_login(make_user("viewer"))
    return client


def test_the_way_of_a_commit_tells_each_stage(viewer: Client):
    make_line(2)
    run(make_pipeline(), 2, to="Staging", status="Failed")
    page = viewer.get(f"/journeys/commit/{sha(1)}/").text
    assert "Not in production: failed in Staging: Stage" in page
    for stage in ("Source", "Build", "Staging", "Production"):
        assert f'<span class="strong break">{stage}</span>' in page
    assert "not yet" in page


def test_a_commit_that_nobody_knows_is_404(viewer: Client):
    assert viewer.get(f"/journeys/commit/{sha(1)}/").status_code == 404
    assert viewer.get("/journeys/commit/xyz/").status_code == 404


def test_a_pull_requests_page_and_panel(viewer: Client):
    repository, _ = make_line(1)
    pull = make_pull(repository, 7, source_commit=sha(1), merge_base="")
    page = viewer.get(f"/journeys/codecommit.pullrequest/{pull.pk}/").text
    assert "Pull request #7 is not merged yet" in page
    panel = viewer.get(
        f"/journeys/panel/codecommit.pullrequest/{pull.pk}/", headers={"HX-Request": "true"}
    ).text
    assert "Pull request #7 is not merged yet" in panel
    assert f'href="/journeys/codecommit.pullrequest/{pull.pk}/"' in panel
    # The page of the pull request fetches it by itself.
    assert (
        f"/journeys/panel/codecommit.pullrequest/{pull.pk}/"
        in viewer.get(pull.get_absolute_url()).text
    )


def test_the_page_of_an_execution_tells_where_its_commit_is(viewer: Client):
    make_line(2)
    pipeline = make_pipeline()
    execution = run(pipeline, 1, to="Staging", status="Failed")
    run(pipeline, 2)
    panel = f"/journeys/panel/codepipeline.execution/{execution.pk}/"
    assert panel in viewer.get(execution.get_absolute_url()).text
    told = viewer.get(panel, headers={"HX-Request": "true"}).text
    # The newer run brought it out, though this one failed.
    assert "In production" in told
    way = f"/journeys/commit/{sha(1)}/"
    assert f'href="{way}"' in told
    for kind, row in (
        ("codepipeline.execution", execution),
        ("codecommit.commit", Commit.objects.get(commit_id=sha(1))),
    ):
        answer = viewer.get(f"/journeys/{kind}/{row.pk}/")
        assert (answer.status_code, answer["Location"]) == (302, way), kind


def test_a_journey_stands_below_what_it_is_of(viewer: Client):
    repository, [commit] = make_line(1)
    pull = make_pull(repository, 7, source_commit=sha(1), merge_base="")
    issue = make_issue(make_tracker(), key="SHOP-12")
    run(make_pipeline(), 5)
    source = ["/source/", repository.get_absolute_url()]
    for path, above in (
        (f"/journeys/commit/{sha(1)}/", [*source, commit.get_absolute_url()]),
        (f"/journeys/codecommit.pullrequest/{pull.pk}/", [*source, pull.get_absolute_url()]),
        (f"/journeys/jira.issue/{issue.pk}/", ["/issues/", issue.get_absolute_url()]),
        # Executions alone tell of it.
        (f"/journeys/commit/{sha(5)}/", ["/"]),
    ):
        trail = (
            viewer.get(path).text.partition('aria-label="Breadcrumbs"')[2].partition("</nav>")[0]
        )
        assert re.findall(r'href="([^"]+)"', trail) == above, path
        assert "Journey</li>" in trail


@pytest.mark.parametrize("kind", ["codecommit.commit", "jira.issue"])
def test_hostile_names_in_the_trail_are_text(viewer: Client, kind: str):
    repository, [commit] = make_line(1)
    issue = make_issue(make_tracker(), key=HOSTILE)
    type(repository).objects.filter(pk=repository.pk).update(key=HOSTILE)
    row = commit if kind == "codecommit.commit" else issue
    page = viewer.get(f"/journeys/{kind}/{row.pk}/", follow=True).text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page.partition('aria-label="Breadcrumbs"')[2].partition("</nav>")[0]


@pytest.mark.parametrize("revision", ["", "YaMl0.versionOfS3", "sha256:0123456789abcdef"])
def test_an_execution_without_a_commit_of_git_shows_no_way(viewer: Client, revision: str):
    execution = run(make_pipeline(), 1)
    Execution.objects.update(revision_id=revision)
    panel = f"/journeys/panel/codepipeline.execution/{execution.pk}/"
    assert viewer.get(panel, headers={"HX-Request": "true"}).text.strip() == ""
    assert viewer.get(panel).status_code == 200
    assert viewer.get(f"/journeys/codepipeline.execution/{execution.pk}/").status_code == 404


def test_what_is_of_another_provider_is_not_there(viewer: Client):
    repository, _ = make_line(1)
    pull = make_pull(repository, 7, source_commit=sha(1), merge_base="")
    for path in ("/journeys/{}/{}/", "/journeys/panel/{}/{}/"):
        assert viewer.get(path.format("codecommit.pullrequest", pull.pk)).status_code == 200
        assert viewer.get(path.format("github.pullrequest", pull.pk)).status_code == 404


@pytest.mark.parametrize("kind", ["codepipeline.pipeline", "nothing.such"])
def test_what_goes_nowhere_has_no_journey(viewer: Client, kind: str):
    pipeline = make_pipeline()
    for path in (f"/journeys/{kind}/{pipeline.pk}/", f"/journeys/panel/{kind}/{pipeline.pk}/"):
        assert viewer.get(path).status_code == 404


def test_pipelines_that_are_too_many_to_follow_are_counted(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reading, "MOST_PIPELINES", 2)
    make_line(1)
    for number, name in enumerate(("shop", "shop-eu", "shop-us", "shop-ap")):
        run(make_pipeline(name), 1, at=10 + number)
    page = viewer.get(f"/journeys/commit/{sha(1)}/").text
    assert page.count('id="way-') == 2
    assert "and 2 other pipelines that took it" in page


def test_hostile_words_are_text(viewer: Client):
    _, [commit] = make_line(1)
    Commit.objects.filter(pk=commit.pk).update(message=HOSTILE, author_name=HOSTILE)
    execution = run(make_pipeline(), 1, to="Build", status="Failed", summary=HOSTILE)
    execution.actions.filter(stage="Build").update(error_message=f"{HOSTILE}\x1b[31m", name=HOSTILE)
    page = viewer.get(f"/journeys/commit/{sha(1)}/").text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page


def test_a_stranger_meets_the_same_404_as_for_nothing():
    _, [commit] = make_line(1)
    run(make_pipeline(), 1)
    stranger: Any = make_user("stranger", reads_everything=False)
    client = Client()
    client.force_login(stranger)
    paths = (
        f"/journeys/commit/{sha(1)}/",
        f"/journeys/codecommit.commit/{commit.pk}/",
        f"/journeys/panel/codecommit.commit/{commit.pk}/",
    )
    for path in paths:
        assert client.get(path).status_code == 404
    hold(make_project("Shop", viewer=stranger), commit.repository)
    assert client.get(paths[0]).status_code == 200


def make_github_repository(name: str) -> Any:
    scope, _ = Scope.objects.get_or_create(provider="github", place="x/1", account="github.com")
    return make_repository(name, scope)


# --- where results are told -----------------------------------------------------------------------


def test_an_owner_turns_it_on_and_it_is_recorded():
    owner: Any = make_user("owner", reads_everything=False)
    make_project("Shop", owner=owner)
    client = Client()
    client.force_login(owner)
    page = client.get("/projects/shop/results/").text
    assert "No GitHub site is connected yet" in page
    told = client.post("/projects/shop/results/", {"github": "on"}, follow=True).text
    assert "Results: GitHub on." in told
    [row] = Results.objects.all()
    assert (row.github, row.jira, row.edited_by) == (True, False, owner)
    record = Record.objects.filter(verb="project.results").get()
    assert record.told == "changed where results are told: GitHub on"
    assert (
        "Nothing was changed"
        in client.post("/projects/shop/results/", {"github": "on"}, follow=True).text
    )
    assert Record.objects.filter(verb="project.results").count() == 1


def test_what_was_given_up_says_why_and_is_tried_again():
    owner: Any = make_user("owner", reads_everything=False)
    pipeline = make_pipeline()
    repository = make_github_repository("example/shop")
    make_project("Shop", pipeline, repository, owner=owner)
    execution = run(pipeline, 1)
    row = Telling.objects.create(
        pipeline=pipeline,
        execution=execution,
        scope=repository.scope,
        channel="github.status",
        about="example/shop@1",
        wanted={"repository": "example/shop"},
        wanted_mark="x",
        given_up=True,
        attempts=9,
        trouble=f"No such commit {HOSTILE}",
    )
    client = Client()
    client.force_login(owner)
    page = client.get("/projects/shop/results/").text
    assert "Given up" in page
    assert "No such commit" in page
    assert HOSTILE not in page
    assert (
        "1 of them is tried again" in client.post("/projects/shop/results/again/", follow=True).text
    )
    row.refresh_from_db()
    assert (row.given_up, row.attempts) == (False, 0)


def test_what_another_project_of_the_pipeline_tells_is_its_own_business():
    """Neither its issues nor its repositories are shown, nor tried again, by owners of this one."""
    owner: Any = make_user("owner", reads_everything=False)
    pipeline = make_pipeline()
    jira = Scope.objects.create(provider="jira", place="j/1", account="jira.example.com")
    trackers = {
        prefix: Tracker.objects.create(scope=jira, key=prefix, prefix=prefix, arn=prefix)
        for prefix in ("SHOP", "HIDDEN")
    }
    for prefix, tracker in trackers.items():
        key = f"{prefix}-1"
        Issue.objects.create(scope=jira, key=key, arn=key, tracker=tracker)
    hidden = make_github_repository("hidden/shop")
    make_project("Shop", pipeline, trackers["SHOP"], owner=owner)
    make_project("Other", pipeline, trackers["HIDDEN"], hidden)
    execution = run(pipeline, 1)

    def told(channel: str, about: str, scope: Scope, **wanted: Any) -> Telling:
        return Telling.objects.create(
            pipeline=pipeline, execution=execution, scope=scope, channel=channel, about=about,
            wanted=wanted, wanted_mark="x", given_up=True, trouble=f"{about} is not known",
        )  # fmt: skip

    mine = told("jira.link", "SHOP-1", jira, issue="SHOP-1")
    both = told("jira.deployment", "Live by 0000", jira, issues=["HIDDEN-1", "SHOP-1"])
    Telling.objects.filter(pk=both.pk).update(trouble="Jira does not know HIDDEN-1.")
    others = [
        told("jira.link", "HIDDEN-1", jira, issue="HIDDEN-1"),
        told("github.status", "hidden/shop@1", hidden.scope, repository="hidden/shop"),
    ]
    client = Client()
    client.force_login(owner)
    page = client.get("/projects/shop/results/").text
    assert "SHOP-1 is not known" in page
    assert "Live: SHOP-1<" in page
    assert "HIDDEN" not in page
    assert "hidden/shop" not in page
    client.post("/projects/shop/results/again/")
    assert not Telling.objects.filter(pk__in=[mine.pk, both.pk], given_up=True).exists()
    assert Telling.objects.filter(pk__in=[one.pk for one in others], given_up=True).count() == 2


def test_repositories_that_the_pipeline_itself_names_are_shown():
    owner: Any = make_user("owner", reads_everything=False)
    source = {"name": "Source", "category": "Source"}
    pipeline = make_pipeline(
        definition=[
            {
                "name": "Source",
                "actions": [{**source, "configuration": {"FullRepositoryId": "Example/Shop"}}],
            }
        ]
    )
    make_project("Shop", pipeline, owner=owner)
    scope = make_github_repository("example/shop").scope
    Telling.objects.create(
        pipeline=pipeline, execution=run(pipeline, 1), scope=scope, channel="github.status",
        about="example/shop@1", wanted={"repository": "example/shop"}, wanted_mark="x",
    )  # fmt: skip
    client = Client()
    client.force_login(owner)
    assert "example/shop@1" in client.get("/projects/shop/results/").text
