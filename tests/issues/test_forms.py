"""Forms of issues: who may send them, what a failure fills in, and that nothing sent is lost."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from django.utils.timezone import now

from apps.codepipeline.models import Execution
from apps.deeds.models import Deed
from apps.issues.doing import COMMENT
from apps.issues.failures import draft_of, fenced
from apps.issues.forms import LONGEST_TEXT
from apps.issues.models import Issue, Tracker
from apps.projects.models import Project
from tests import factories
from tests.factories import hold, link_runs, make_action, make_build, make_execution, make_pipeline

from .making import HOSTILE, Keeper, make_issue, make_site, make_tracker

pytestmark = pytest.mark.django_db
SHOP_100 = {"kind": "jira.issue", "key": "SHOP-100"}
EXCERPT = "compiling\n\x1b[31mERROR\x1b[0m cannot find basket.ts\nnpm ERR! code 1"


@pytest.fixture
def failed(project: Project) -> Execution:
    """An execution of the project whose build failed."""
    pipeline = make_pipeline("checkout")
    hold(project, pipeline)
    execution = make_execution(pipeline, "Failed", summary="Remember items\n\nSHOP-12")
    build = make_build(
        "checkout-build",
        "FAILED",
        failing_phase="BUILD",
        failing_message="exit status 1",
        excerpt=EXCERPT,
        excerpt_mark=1,
        ended_at=now(),
    )
    hold(project, build.project)
    action = make_action(execution, "Build", "Compile", "Failed", error_message="Build failed")
    link_runs("codepipeline.action", action, build)
    return execution


def about(row: Any, kind: str = "codepipeline.execution") -> str:
    return f"/issues/new/?about={kind}:{row.pk}"


def sent(tracker: Tracker, project: Project, **more: Any) -> dict[str, str]:
    return {
        "mark": str(uuid.uuid4()),
        "where": f"{project.pk}:{tracker.pk}:10001",
        "title": "Checkout failed",
        "text": "It broke.",
        "labels": "",
        **more,
    }


def filled(page: Any) -> dict[str, str]:
    """What the form of a page holds: title and text."""
    title = re.search(r'name="title" value="([^"]*)"', page.text)
    text = re.search(r'<textarea name="text"[^>]*>\n?(.*?)</textarea>', page.text, re.DOTALL)
    assert title
    assert text
    return {"title": title[1], "text": text[1]}


# --- Of a failure ---------------------------------------------------------------------------------


def test_a_failure_fills_in_what_failed_why_which_lines_which_commit_and_where(
    failed: Execution, browser_of: Any, keeper: Keeper
):
    page = browser_of("contributor").get(about(failed))
    assert page.status_code == 200
    form = filled(page)
    assert form["title"].startswith(f"Execution {failed.key[:8]} of pipeline checkout failed: ")
    for told in (
        "Build / Compile",
        "exit status 1",
        "ERROR cannot find basket.ts",
        "compiling",
        failed.revision_id,
        "Remember items",
        f"http://testserver/codepipeline/executions/{failed.pk}/",
    ):
        assert told in form["text"], told
    assert "\x1b" not in page.text
    assert "Bug" in page.text
    assert "Shop board · Checkout" in page.text


@pytest.mark.parametrize("kind", ["codebuild.build", "codepipeline.action"])
def test_issues_are_made_of_builds_and_actions_too(
    failed: Execution, browser_of: Any, keeper: Keeper, kind: str
):
    row = failed.actions.get() if kind == "codepipeline.action" else _build()
    form = filled(browser_of("contributor").get(about(row, kind)))
    assert "failed" in form["title"]
    assert "ERROR cannot find basket.ts" in form["text"]


def _build() -> Any:
    from apps.codebuild.models import Build

    return Build.objects.get()


def test_issues_are_made_of_deployments_too(project: Project, browser_of: Any, keeper: Keeper):
    from apps.codedeploy.models import Application, Deployment, DeploymentGroup

    scope = factories.make_scope()
    application = Application.objects.create(scope=scope, key="shop", arn="arn:aws:a:shop")
    group = DeploymentGroup.objects.create(
        scope=scope, key="shop/production", arn="arn:aws:g", application=application
    )
    row = Deployment.objects.create(
        scope=scope,
        key="d-1",
        arn="d-1",
        group=group,
        application_name="shop",
        group_name="production",
        status="Failed",
        state="failed",
        error_code="HEALTH_CONSTRAINTS",
        error_message="Too many instances failed.",
        cause="ValidateService: curl: (7) refused",
        revision={"commit_id": "a" * 40},
        completed_at=now(),
    )
    hold(project, application, group)
    form = filled(browser_of("contributor").get(about(row, "codedeploy.deployment")))
    title = "Deployment d-1 to shop / production failed: ValidateService: curl: (7) refused"
    assert form["title"] == title
    assert form["text"].count("curl: (7) refused") == 1
    assert "a" * 40 in form["text"]


def test_what_runs_elsewhere_and_is_nobodys_here_is_not_quoted(
    failed: Execution, project: Project, browser_of: Any, keeper: Keeper
):
    project.holdings.filter(kind="codebuild.project").delete()
    factories.begin_another()
    form = filled(browser_of("contributor").get(about(failed)))
    assert "compiling" not in form["text"]


def test_secrets_and_fences_in_a_log_do_no_harm(people: dict[str, Any], keeper: Keeper):
    leaked = "AKIA" + "ABCDEFGHIJKLMNOP"
    build = make_build(
        "checkout-build",
        "FAILED",
        failing_message="exit status 1",
        excerpt=f"```\n</textarea>{HOSTILE}\n{leaked}\npassword: hunter2\n````\n@everyone",
        excerpt_mark=0,
    )
    people["owner"].is_staff = True
    draft = draft_of(people["owner"], "codebuild.build", build, "http://testserver/x")
    assert leaked not in draft["text"]
    assert "hunter2" not in draft["text"]
    assert "\x1b" not in draft["text"]
    block = re.search(r"^(`{5,})\n(.*?)\n\1$", draft["text"], re.DOTALL | re.MULTILINE)
    assert block
    assert "@everyone" in block[2]


def test_a_block_is_ended_by_nothing_in_it():
    assert fenced("a\n```\nb").startswith("````\n")
    assert fenced("plain").startswith("```\n")


def test_hostile_words_of_a_failure_stay_words_in_the_form(
    project: Project, browser_of: Any, keeper: Keeper
):
    row = make_build("x", "FAILED", failing_message=f"</textarea>{HOSTILE}", excerpt=HOSTILE)
    hold(project, row.project)
    page = browser_of("contributor").get(about(row, "codebuild.build"))
    assert "<script>alert" not in page.text
    assert "&lt;/textarea&gt;" in page.text


def test_the_page_of_what_failed_offers_it_to_who_may(
    failed: Execution, browser_of: Any, keeper: Keeper
):
    panel = f"/issues/of/codepipeline.execution/{failed.pk}/"
    asks = {"HX-Request": "true"}
    assert panel in browser_of("viewer").get(f"/codepipeline/executions/{failed.pk}/").text
    for name in ("owner", "contributor"):
        assert "Create an issue" in browser_of(name).get(panel, headers=asks).text
    assert browser_of("viewer").get(panel, headers=asks).text.strip() == ""
    assert browser_of("stranger").get(panel).status_code == 404
    keeper.why_not = "Writing is off."
    assert "Create an issue" not in browser_of("owner").get(panel, headers=asks).text


def test_without_a_keeper_nothing_is_offered(failed: Execution, browser_of: Any, keeperless: None):
    panel = f"/issues/of/codepipeline.execution/{failed.pk}/"
    assert browser_of("owner").get(panel, headers={"HX-Request": "true"}).text.strip() == ""
    assert browser_of("owner").get(about(failed)).status_code == 404


def test_what_did_not_fail_offers_none(failed: Execution, browser_of: Any, keeper: Keeper):
    fine = make_execution(failed.pipeline)
    panel = f"/issues/of/codepipeline.execution/{fine.pk}/"
    assert browser_of("owner").get(panel, headers={"HX-Request": "true"}).text.strip() == ""


def test_each_action_that_failed_is_offered_and_lists_what_was_made_of_it(
    failed: Execution, tracker: Tracker, project: Project, browser_of: Any, keeper: Keeper
):
    first = failed.actions.get()
    second = make_action(failed, "Build", "Lint", "Failed")
    make_action(failed, "Build", "Unit", "Succeeded")
    panel = f"/issues/of/codepipeline.execution/{failed.pk}/"
    asks = {"HX-Request": "true"}
    client = browser_of("contributor")
    page = client.get(panel, headers=asks).text
    about_them = [f"?about=codepipeline.action:{one.pk}" for one in (first, second)]
    assert re.findall(r"\?about=codepipeline\.action:\d+", page) == about_them
    assert "Create an issue about Build / Lint of pipeline checkout" in page
    client.post(about(second, "codepipeline.action"), sent(tracker, project, title="Lint broke"))
    page = client.get(panel, headers=asks).text
    assert page.index("Build / Compile") < page.index("Build / Lint") < page.index("Lint broke")
    # Who may make none sees what was made, as far as its tracker is theirs to see, and no button.
    Deed.objects.update(
        outcome="done", made={"kind": "jira.issue", "key": "SHOP-100"}, ended_at=now()
    )
    make_issue(tracker, key="SHOP-100", title="Lint broke")
    page = browser_of("viewer").get(panel, headers=asks).text
    assert "SHOP-100" in page
    assert "Create an issue" not in page
    assert "Build / Compile" not in page


def test_the_page_of_a_pipeline_offers_what_failed_in_its_newest_run(
    failed: Execution, browser_of: Any, keeper: Keeper
):
    pipeline, asks = failed.pipeline, {"HX-Request": "true"}
    panel = f"/issues/of/codepipeline.pipeline/{pipeline.pk}/"
    client = browser_of("contributor")
    assert panel in client.get(pipeline.get_absolute_url()).text

    def offered() -> list[str]:
        return re.findall(r"\?about=([\w.:]+)", client.get(panel, headers=asks).text)

    type(pipeline).objects.update(latest_execution=failed)
    action = failed.actions.get()
    run = f"codepipeline.execution:{failed.pk}"
    assert offered() == [run, f"codepipeline.action:{action.pk}"]
    assert client.get(about(pipeline, "codepipeline.pipeline")).status_code == 404
    assert browser_of("viewer").get(panel, headers=asks).text.strip() == ""
    # A newer run that goes well takes its place, and the open page follows.
    type(pipeline).objects.update(latest_execution=make_execution(pipeline))
    assert offered() == []
    assert f'data-refetch="{panel}"' in client.get(panel, headers=asks).text


def test_an_action_is_offered_that_failed_in_what_still_runs_and_the_page_follows(
    failed: Execution, browser_of: Any, keeper: Keeper
):
    running = make_execution(failed.pipeline, "InProgress")
    panel = f"/issues/of/codepipeline.execution/{running.pk}/"
    asks = {"HX-Request": "true"}
    page = browser_of("contributor").get(panel, headers=asks).text
    assert f'data-refetch="{panel}"' in page
    assert 'data-topics="touched:codepipeline.execution"' in page
    assert "Create an issue" not in page
    assert browser_of("viewer").get(panel, headers=asks).text.strip() == ""
    again = make_action(running, "Build", "Compile", "Failed", started_at=now())
    assert f"codepipeline.action:{again.pk}" in browser_of("owner").get(panel, headers=asks).text
    # A retry that came after it stands for it.
    make_action(running, "Build", "Compile", "InProgress", started_at=now())
    assert "codepipeline.action" not in browser_of("owner").get(panel, headers=asks).text


# --- Sent -----------------------------------------------------------------------------------------


def test_an_issue_is_asked_for_and_its_page_says_how_it_ends(
    failed: Execution,
    tracker: Tracker,
    project: Project,
    browser_of: Any,
    keeper: Keeper,
    queued: Any,
    django_capture_on_commit_callbacks: Any,
):
    client = browser_of("contributor")
    body = sent(tracker, project, labels="build, checkout, build")
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(about(failed), body)
    deed = Deed.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, deed.get_absolute_url())
    assert deed.said == {
        "title": "Checkout failed",
        "text": "It broke.",
        "labels": ["build", "checkout"],
        "type": "10001",
    }
    assert (deed.kind, deed.row_id, deed.project) == ("issues.tracker", tracker.pk, project)
    assert (deed.about_kind, deed.about_id) == ("codepipeline.execution", failed.pk)
    assert ("deeds.perform", (deed.pk,)) in queued
    assert "On its way" in client.get(deed.get_absolute_url()).text
    Deed.objects.update(
        outcome="done", made={"kind": "jira.issue", "key": "SHOP-100"}, ended_at=now()
    )
    assert "SHOP-100" in client.get(deed.get_absolute_url()).text
    made = make_issue(tracker, key="SHOP-100")
    assert f"/issues/{made.pk}/" in client.get(deed.get_absolute_url()).text
    panel = f"/issues/of/codepipeline.execution/{failed.pk}/"
    assert "SHOP-100" in browser_of("viewer").get(panel).text
    assert "There is one about this already" in client.get(about(failed)).text


def test_what_is_being_sent_is_not_told_as_what_nobody_answered(
    tracker: Tracker, project: Project, browser_of: Any, keeper: Keeper
):
    client = browser_of("contributor")
    client.post("/issues/new/", sent(tracker, project))
    deed = Deed.objects.get()
    for values, told in (
        ({}, "On its way."),
        ({"begun_at": now()}, "It is being sent."),
        ({"looks": 1}, "It was sent, and no answer came: it is being looked for."),
    ):
        Deed.objects.update(**values)
        assert told in client.get(deed.get_absolute_url()).text


def test_the_same_form_sent_twice_is_one_issue(
    tracker: Tracker, project: Project, browser_of: Any, keeper: Keeper
):
    client, body = browser_of("contributor"), sent(tracker, project)
    first, second = client.post("/issues/new/", body), client.post("/issues/new/", body)
    assert first["Location"] == second["Location"]
    assert Deed.objects.count() == 1
    answer = browser_of("owner").post("/issues/new/", body)
    assert answer.status_code == 422
    assert "sent by somebody else" in answer.text


@pytest.mark.parametrize("mark", ["", "no-uuid", "\x00"])
def test_a_form_whose_mark_is_none_is_taken_all_the_same(
    tracker: Tracker, project: Project, browser_of: Any, keeper: Keeper, mark: str
):
    answer = browser_of("contributor").post("/issues/new/", sent(tracker, project, mark=mark))
    assert answer.status_code == 302
    assert Deed.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"title": ""}, "Give the issue a title"),
        ({"title": "\u202e\u200b"}, "Give the issue a title that can be seen"),
        ({"title": "x" * 256}, "255"),
        ({"text": "x" * (LONGEST_TEXT + 1)}, "30,001 letters; 30,000 is the most"),
        ({"labels": ",".join("abcdefghijk")}, "11 labels"),
        ({"labels": "two words"}, "labels with spaces"),
        ({"labels": "x" * 51}, "50 letters at most"),
        ({"where": "1:2:3"}, "Choose another"),
        ({"where": ""}, "Say where"),
    ],
)
def test_whatever_is_wrong_nothing_of_it_is_lost(
    tracker: Tracker,
    project: Project,
    browser_of: Any,
    keeper: Keeper,
    wrong: dict[str, str],
    told: str,
):
    body = sent(tracker, project, text="What I wrote <b>", **{}) | wrong
    page = browser_of("contributor").post("/issues/new/", body)
    assert page.status_code == 422
    assert told in page.text
    assert escape(body["text"]) in page.text
    if "title" not in wrong:
        assert "Checkout failed" in page.text
    assert not Deed.objects.exists()


def test_where_one_may_write_no_more_the_text_is_given_back(
    tracker: Tracker, project: Project, people: dict[str, Any], browser_of: Any, keeper: Keeper
):
    body = sent(tracker, project, text="A long story")
    project.memberships.filter(user=people["contributor"]).update(role="viewer")
    page = browser_of("contributor").post("/issues/new/", body)
    assert page.status_code == 422
    assert "A long story" in page.text
    assert "nowhere that you may make one" in page.text


def test_only_trackers_of_projects_where_one_works_are_offered(
    tracker: Tracker, project: Project, people: dict[str, Any], browser_of: Any, keeper: Keeper
):
    read = make_tracker("OPS")
    factories.make_project("Operations", read, viewer=people["contributor"])
    query = make_tracker("Urgent", query="priority = High")
    silent = make_tracker("owner/name", make_site("github", "github.com"), types=[])
    hold(project, query, silent)
    page = browser_of("contributor").get("/issues/new/").text
    assert "Shop board" in page
    for other in ("Ops board", "Urgent board", "Owner/name board"):
        assert other not in page
    body = sent(read, project)
    assert browser_of("contributor").post("/issues/new/", body).status_code == 422
    for name in ("viewer", "stranger"):
        assert browser_of(name).get("/issues/new/").status_code == 404, name


def test_an_issue_about_a_failure_begins_with_a_tracker_of_what_failed_and_no_other(
    failed: Execution,
    tracker: Tracker,
    project: Project,
    people: dict[str, Any],
    browser_of: Any,
    keeper: Keeper,
):
    earlier = make_tracker("ADS")
    factories.make_project("Advertising", earlier, contributor=people["contributor"])
    client = browser_of("contributor")
    assert places(client.get("/issues/new/"))[:2] == ["", "Choose…"]
    chosen = f"{project.pk}:{tracker.pk}:10001"
    action = failed.actions.get()
    for path in (about(failed), about(action, "codepipeline.action")):
        page = client.get(path)
        assert places(page)[:2] == [chosen, "Choose…"], path
        assert page.text.index("Shop board · Checkout") < page.text.index("Ads board · Advert")
    # Where its project has none, or has two of them, a person chooses.
    build = make_build("reports", "FAILED")
    factories.make_project("Reports", build.project, viewer=people["contributor"])
    assert places(client.get(about(build, "codebuild.build")))[0] == ""
    hold(project, make_tracker("PAY"))
    assert places(client.get(about(failed)))[0] == ""
    body = sent(tracker, project, where="")
    assert "Say where" in client.post(about(failed), body).text


def test_a_tracker_of_several_projects_is_offered_once_in_the_name_of_what_failed(
    failed: Execution,
    tracker: Tracker,
    project: Project,
    people: dict[str, Any],
    browser_of: Any,
    keeper: Keeper,
):
    alpha = factories.make_project("Alpha", tracker, contributor=people["contributor"])
    client = browser_of("contributor")
    for path, of in (("/issues/new/", alpha), (about(failed), project)):
        page = client.get(path)
        assert places(page) == [f"{of.pk}:{tracker.pk}:10001", "Choose…", *TYPES], path
        assert f"Shop board · {of}" in page.text
    hold(alpha, failed.pipeline)
    assert places(client.get(about(failed)))[0] == f"{alpha.pk}:{tracker.pk}:10001"
    # What is near comes first, though others hold it, too.
    factories.make_project("Zulu", tracker, make_tracker("ADS"), contributor=people["contributor"])
    assert places(client.get(about(failed)))[2:4] == list(TYPES)


TYPES = ("Shop board: Bug", "Shop board: Task")


def test_what_takes_no_bugs_is_chosen_only_with_its_one_type(
    tracker: Tracker, browser_of: Any, project: Project, keeper: Keeper
):
    client, start = browser_of("contributor"), f"{project.pk}:{tracker.pk}:"
    tracker.types = [{"id": "1", "name": "Epic"}, {"id": "2", "name": "Task"}]
    tracker.save()
    assert places(client.get("/issues/new/"))[0] == ""
    tracker.types = []
    tracker.save()
    assert places(client.get("/issues/new/"))[0] == start


def places(page: Any) -> list[str]:
    """Which place is chosen, "" for none, and what may be chosen."""
    options = re.findall(r'<option value="([^"]*)"( selected)?>([^<]*)</option>', page.text)
    chosen = next((value for value, picked, _ in options if picked), "")
    return [chosen, *(name for _, _, name in options)]


def test_the_preview_keeps_nothing_and_is_clean(project: Project, browser_of: Any, keeper: Keeper):
    page = browser_of("contributor").post("/issues/preview/", {"text": f"**Bold** {HOSTILE}"})
    assert "<strong>Bold</strong>" in page.text
    assert "<script>" not in page.text
    assert browser_of("viewer").post("/issues/preview/", {"text": "x"}).status_code == 404
    assert not Deed.objects.exists()


# --- On an issue ----------------------------------------------------------------------------------

ACTS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("comment", {"text": "Seen."}, {"text": "Seen."}),
    (
        "move",
        {"transition": "21", "before": "To Do"},
        {"transition": "21", "to": "In Progress", "before": "To Do"},
    ),
    (
        "assign",
        {"person": "", "before": "p-1"},
        {"person": "", "name": "", "before": "p-1"},
    ),
]


@pytest.mark.parametrize(("name", "body", "said"), ACTS)
def test_who_works_in_the_project_acts_and_nobody_else(
    issue: Issue,
    browser_of: Any,
    keeper: Keeper,
    name: str,
    body: dict[str, str],
    said: dict[str, Any],
):
    path = f"/issues/{issue.pk}/{name}/"
    for person in ("viewer", "stranger"):
        answer = browser_of(person).post(path, {**body, "mark": str(uuid.uuid4())})
        assert answer.status_code == 404, person
    assert Client().post(path).status_code == 302
    assert not Deed.objects.exists()
    for person in ("contributor", "owner"):
        answer = browser_of(person).post(path, {**body, "mark": str(uuid.uuid4())})
        assert answer.status_code == 302, answer.text
        assert answer["Location"] == f"/issues/{issue.pk}/#deeds"
    assert [deed.said for deed in Deed.objects.all()] == [said, said]
    assert "On its way" in browser_of("viewer").get(f"/issues/{issue.pk}/").text


@pytest.mark.parametrize(("name", "body", "said"), ACTS)
def test_where_writing_is_off_the_form_comes_back_with_why(
    issue: Issue,
    browser_of: Any,
    keeper: Keeper,
    name: str,
    body: dict[str, str],
    said: dict[str, Any],
):
    keeper.why_not = "Writing is off for this site."
    answer = browser_of("owner").post(
        f"/issues/{issue.pk}/{name}/", {**body, "mark": str(uuid.uuid4())}
    )
    assert answer.status_code == 422
    assert "Writing is off for this site." in answer.text
    assert escape(body.get("text", "")) in answer.text
    assert not Deed.objects.exists()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("move", {"transition": "21", "before": "Blocked"}),
        ("assign", {"person": "", "before": "p-9"}),
    ],
)
def test_who_saw_an_issue_otherwise_than_it_stands_looks_first(
    issue: Issue, browser_of: Any, keeper: Keeper, name: str, body: dict[str, str]
):
    body = {**body, "mark": str(uuid.uuid4())}
    answer = browser_of("owner").post(f"/issues/{issue.pk}/{name}/", body)
    assert answer.status_code == 409
    assert "by now. Look at it, and choose again." in answer.text
    assert not Deed.objects.exists()


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("comment", {"text": ""}, "Write something first"),
        ("comment", {"text": "\u200b \n"}, "Write something that can be seen"),
        ("comment", {"text": "x" * (LONGEST_TEXT + 1)}, "is the most"),
        ("move", {"transition": "99", "before": "To Do"}, "workflow does not allow that"),
        ("move", {"before": "To Do"}, "Say which state"),
        ("assign", {"person": "p-77", "before": "p-1"}, "Nobody of that name"),
    ],
)
def test_what_is_wrong_with_an_act_is_said_at_its_form(
    issue: Issue,
    browser_of: Any,
    keeper: Keeper,
    name: str,
    body: dict[str, str],
    told: str,
):
    answer = browser_of("owner").post(
        f"/issues/{issue.pk}/{name}/", {**body, "mark": str(uuid.uuid4())}
    )
    assert answer.status_code == 422
    assert told in answer.text
    assert not Deed.objects.exists()


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("comment", {"text": " "}, "id_comment_text"),
        ("move", {"transition": "99", "before": "To Do"}, "id_move_transition"),
        ("assign", {"person": "nobody-here", "before": "p-1"}, "id_assign_person"),
    ],
)
def test_a_refused_form_leads_to_what_is_wrong_and_its_address_to_the_issue(
    issue: Issue, browser_of: Any, keeper: Keeper, name: str, body: dict[str, str], field: str
):
    client, path = browser_of("contributor"), f"/issues/{issue.pk}/{name}/"
    page = client.post(path, body)
    assert page.status_code == 422
    focused = re.findall(r"<[^>]* autofocus[ >][^>]*>?", page.text)
    assert [f'id="{field}"' in tag for tag in focused] == [True]
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/issues/{issue.pk}/")
    assert browser_of("stranger").get(path).status_code == 404


def test_a_form_that_is_refused_can_be_sent_again_in_the_same_page(
    issue: Issue, browser_of: Any, keeper: Keeper
):
    mark = str(uuid.uuid4())
    page = browser_of("owner").post(
        f"/issues/{issue.pk}/move/", {"transition": "21", "before": "Blocked", "mark": mark}
    )
    now_seen = re.search(r'name="before" value="([^"]*)" id="id_move_before"', page.text)
    assert now_seen
    assert now_seen[1] == "To Do", "what the person sees now"


# --- What became of it ----------------------------------------------------------------------------


def test_an_unknown_deed_asks_who_may_decide(
    issue: Issue, project: Project, people: dict[str, Any], browser_of: Any, keeper: Keeper
):
    from apps.issues import asking

    said = {"text": "Seen."}
    deed = asking.ask(COMMENT, issue, said, who=people["owner"], project=project)
    Deed.objects.update(outcome="unknown", reason="No answer came.", begun_at=now())
    path = f"/deeds/{deed.pk}/decide/"
    for page in (f"/issues/{issue.pk}/", deed.get_absolute_url()):
        assert "It is not there: do it again" in browser_of("contributor").get(page).text
        assert "It is not there: do it again" not in browser_of("viewer").get(page).text
    assert browser_of("viewer").post(path, {"do": "again"}).status_code == 404
    assert browser_of("stranger").post(path, {"do": "again"}).status_code == 404
    assert browser_of("stranger").get(deed.get_absolute_url()).status_code == 404
    assert browser_of("contributor").post(path, {"do": "look"}).status_code == 302
    deed.refresh_from_db()
    assert deed.outcome == "waiting"
    told = browser_of("contributor").post(path, {"do": "again"}, follow=True).text
    assert "It is decided already" in told


def test_what_failed_says_why_and_gives_a_comment_back(
    issue: Issue, project: Project, people: dict[str, Any], browser_of: Any, keeper: Keeper
):
    from apps.issues import asking

    said = {"text": f"Mine {HOSTILE}"}
    asking.ask(COMMENT, issue, said, who=people["owner"], project=project)
    Deed.objects.update(outcome="refused", reason=f"Comments are locked {HOSTILE}", ended_at=now())
    page = browser_of("owner").get(f"/issues/{issue.pk}/").text
    assert "Comments are locked" in page
    assert "Mine" in page
    assert "<script>alert" not in page
    assert "\x1b" not in page


def test_what_was_done_stands_in_the_projects_activity(
    issue: Issue, project: Project, people: dict[str, Any], browser_of: Any, keeper: Keeper
):
    from apps.deeds import performing
    from apps.issues import asking

    said = {"text": "Seen."}
    deed = asking.ask(COMMENT, issue, said, who=people["owner"], project=project)
    performing.perform(deed.pk)
    page = browser_of("viewer").get("/projects/checkout/activity/").text
    assert "commented on SHOP-12" in page
    assert issue.reporter in page, "and when the issue was made"
