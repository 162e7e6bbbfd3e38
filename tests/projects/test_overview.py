"""The list of projects says of each what is broken, what waits, and how its last days were."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.projects import views
from apps.projects.find import projects
from apps.projects.models import Project
from apps.projects.overview import DAYS, fares_of
from tests.cloudformation.making import make_stack
from tests.factories import (
    hold,
    make_build,
    make_execution,
    make_pipeline,
    make_project,
    make_running_pipeline,
    make_user,
    make_waiting_pipeline,
)
from tests.projects.making import make_alarm

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


@pytest.fixture
def viewer() -> Any:
    return make_user("viewer", reads_everything=False)


@pytest.fixture
def client(viewer: Any) -> Client:
    client = Client()
    client.force_login(viewer)
    return client


def ran(pipeline: Any, status: str, days_ago: float) -> None:
    row = make_execution(pipeline, status)
    row.started_at = now() - timedelta(days=days_ago)
    row.save()


def test_the_worst_of_what_it_holds_is_a_project_s_state(viewer: Any):
    good, bad = make_running_pipeline("good", "Succeeded"), make_running_pipeline("bad", "Failed")
    make_project("Well", good)
    make_project("Broken", good, bad, make_waiting_pipeline("waits"))
    make_project("Empty")
    broken, empty, well = fares_of(Project.objects.order_by("name"))
    assert (broken.state, well.state, empty.state) == ("failed", "done", "")
    assert [thing.name for thing in broken.named] == ["bad", "waits"]
    assert broken.counts["waiting"] == 1
    assert (empty.word, empty.holds) == ("Holds nothing yet", 0)


def test_its_last_days_are_counted(viewer: Any):
    pipeline = make_pipeline("checkout")
    for status, days_ago in (("Succeeded", 0.001), ("Failed", 3), ("Succeeded", 3), ("Failed", 30)):
        ran(pipeline, status, days_ago)
    make_project("Checkout", pipeline)
    [one] = fares_of(Project.objects.all())
    assert len(one.days) == DAYS
    ran_on = {day.on: (day.done, day.failed, day.state) for day in one.days if day.state}
    assert ran_on[(now() - timedelta(days=3)).date()] == (1, 1, "failed")
    assert len([day for day in one.days if day.state]) == 2
    assert [day.mixed for day in one.days if day.state] == [True, False]


def test_the_page_begins_with_what_is_broken_and_shows_only_one_s_own(client: Client, viewer: Any):
    make_project("A well", make_running_pipeline("good", "Succeeded"), viewer=viewer)
    make_project("Z broken", make_running_pipeline("bad", "Failed"), viewer=viewer)
    make_project("Theirs", make_running_pipeline("secret", "Failed"))
    html = client.get("/projects/").text
    assert html.index("Z broken") < html.index("A well")
    assert "Theirs" not in html
    assert "secret" not in html
    html = client.get("/projects/", {"state": "done"}).text
    assert "A well" in html
    assert "Z broken" not in html
    assert "No project fits" in client.get("/projects/", {"q": "nothing"}).text
    assert "is no state" in client.get("/projects/", {"state": "<b>"}).text


def test_whoever_is_in_none_is_told_what_one_is(client: Client):
    assert "You are in no project yet" in client.get("/projects/").text


def test_many_projects_cost_no_more(viewer: Any, django_assert_max_num_queries: Any):
    for number in range(25):
        build = make_build(f"b{number}", "FAILED")
        pipeline = make_running_pipeline(f"p{number}", "Failed")
        project = make_project(f"Project {number}", pipeline, viewer=viewer)
        hold(project, build.project)
    with django_assert_max_num_queries(10):
        assert len(fares_of(Project.objects.all())) == 25


def test_the_list_is_paged_and_what_is_broken_comes_first(
    client: Client, viewer: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(views, "PAGE", 2)
    broken = make_running_pipeline("bad", "Failed")
    # Of one state in the order of names, capitals or not.
    for name in ("Beta", "alpha", "Delta", "gamma"):
        make_project(name, viewer=viewer)
    make_project("Z broken", broken, viewer=viewer)
    told, after, asked = [], "", []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/projects/", {"after": after}).text
        asked.append(
            [one["sql"] for one in queries if 'FROM "codepipeline_execution"' in one["sql"]]
        )
        told += re.findall(r'class="name" href="[^"]+">([^<]+)<', page)
        after = (re.findall(r'after=([^"&]+)" rel="next"', page) or [""])[0]
        assert "All <b>5</b>" in page
    assert told == ["Z broken", "alpha", "Beta", "Delta", "gamma"]
    assert after == ""
    # Only the page on which something runs asks for executions.
    assert [bool(one) for one in asked] == [True, False, False]
    for cursor in ("x", "W10", "bnVsbA", "WzEsMiwzXQ", "WzEsImEiLHRydWVd", "é"):
        page = client.get("/projects/", {"after": cursor}).text
        assert "Z broken" in page


def test_runs_are_added_up_by_the_database(viewer: Any):
    pipeline = make_pipeline("checkout")
    for number in range(40):
        ran(pipeline, "Succeeded" if number % 2 else "Failed", 1 + number / 1000)
    make_project("Checkout", pipeline)
    with CaptureQueriesContext(connection) as queries:
        [one] = fares_of(Project.objects.all())
    assert sum(day.done + day.failed for day in one.days) == 40
    assert one.last == pipeline.executions.order_by("-started_at")[0].started_at
    [asked] = [one["sql"] for one in queries if 'FROM "codepipeline_execution"' in one["sql"]]
    assert "GROUP BY" in asked
    # Without a function around the column: an index serves.
    assert re.search(r'"started_at" >= ', asked)


def test_what_is_broken_stays_so_while_something_newer_waits_or_moves(client: Client, viewer: Any):
    waits, moves = make_waiting_pipeline("waits"), make_running_pipeline("moves", "InProgress")
    since = now() - timedelta(minutes=9)
    for row in (waits, moves):
        type(row).objects.filter(pk=row.pk).update(failing_since=since)
    make_project("A moves", moves, viewer=viewer)
    make_project("B waits", waits, viewer=viewer)
    make_project("C only waits", make_waiting_pipeline("calm"), viewer=viewer)
    moving, waiting, _ = fares_of(Project.objects.order_by("name"))
    assert [one.state for one in (moving, waiting)] == ["failed", "failed"]
    assert [(one.name, one.state, one.since) for one in waiting.things[:1]] == [
        ("waits", "failed", since)
    ]
    assert [one.state for one in waiting.things] == ["failed", "waiting"]
    html = " ".join(client.get("/projects/").text.split())
    for label, count in (("Failed", 2), ("Waiting", 2), ("In progress", 1)):
        assert f"{label} <b>{count}</b>" in html
    shown = client.get("/projects/", {"state": "waiting"}).text
    assert ("B waits" in shown, "C only waits" in shown, "A moves" in shown) == (True, True, False)


def test_what_never_ran_is_not_called_well(client: Client, viewer: Any):
    make_project("Alarm alone", make_alarm("slow"), viewer=viewer)
    make_project("Never ran", make_pipeline("new"), make_stack("shop"), viewer=viewer)
    make_project("Stands", make_stack("other"), viewer=viewer)
    make_project("Works", make_running_pipeline("old", "Succeeded"), viewer=viewer)
    told = {one.project.name: (one.state, one.word) for one in fares_of(Project.objects.all())}
    assert told["Alarm alone"] == told["Never ran"] == ("", "Nothing ran")
    assert told["Stands"] == told["Works"] == ("done", "All is well")
    html = client.get("/projects/").text
    assert '<span class="st st-idle' in html.partition("Never ran</a>")[2].partition("</div>")[0]
    assert "All is well <b>2</b>" in html


def test_an_administrator_s_cards_say_no_role(viewer: Any):
    project = make_project("Mine", viewer=viewer, owner=make_user("admin", staff=True))
    shown = {}
    for member in project.memberships.all():
        client = Client()
        client.force_login(member.user)
        shown[member.role] = client.get("/projects/").text
    assert "<span>Viewer</span>" in shown["viewer"]
    assert "<span>Owner</span>" not in shown["owner"]


def test_a_project_is_found_with_the_state_that_the_list_has(client: Client, viewer: Any):
    for number in range(4):
        rows = [make_running_pipeline(f"p{number}{n}", "Failed") for n in range(3)]
        build = make_build(f"b{number}").project
        make_project(f"Shop {number}", *rows, build, make_stack(f"s{number}"), viewer=viewer)
    with CaptureQueriesContext(connection) as queries:
        found = projects(viewer, "shop", 6)
    assert [(one.state, one.status) for one in found] == [("failed", "Failed")] * 4
    # One of these asks what the reader may see, one what is being undone.
    assert len(queries) == 5


def test_every_page_of_a_project_says_which_one_it_is_and_how_it_fares(client: Client, viewer: Any):
    project = make_project("Checkout", make_running_pipeline("bad", "Failed"), viewer=viewer)
    for path in ("team/", "wiki/", "activity/", "resources/", "layout/", "head/?of=tabs"):
        html = client.get(f"/projects/checkout/{path}", headers={"X-Live": "1"}).text
        sight = html.partition('id="project-sight"')[2].partition("</p>")[0]
        assert f'href="{project.get_absolute_url()}">Checkout</a>' in sight, path
        assert "</svg>Failed</span>" in sight, path
        if "<h1" in html:
            assert html.index('id="project-sight"') < html.index("<h1"), path
