"""The page of a project: what it tells, to whom, at which cost, and what becomes of bad input."""

import gzip
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_htmx
import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.cloudwatch import keep
from apps.cloudwatch.records import Points
from apps.codedeploy.models import Deployment
from apps.mirror.models import Link, Operation, Sweep
from apps.mirror.resource import REGISTER
from apps.projects.models import Project
from apps.projects.tiles import TILES
from apps.wiki.models import README, Page, Revision
from tests.beanstalk.making import make_environment
from tests.cloudformation.making import make_stack
from tests.factories import (
    hold,
    make_build,
    make_execution,
    make_parallel_pipeline,
    make_pipeline,
    make_project,
    make_user,
)
from tests.projects.making import (
    DEPLOYING,
    fail_by_build,
    fill,
    make_alarm,
    make_balancer,
    make_deploying,
    make_function,
    make_group,
    make_metric,
    make_service,
)
from tests.source.making import make_commit, make_repository

pytestmark = [pytest.mark.django_db, pytest.mark.sql]
# Three of them are the header's: what waits for the reader to be approved.
MOST_QUERIES = 33


@pytest.fixture
def viewer() -> Any:
    return make_user("viewer", reads_everything=False)


@pytest.fixture
def project(viewer: Any) -> Project:
    return make_project("Checkout", viewer=viewer, owner=make_user("mara", reads_everything=False))


@pytest.fixture
def reader(viewer: Any) -> Client:
    client = Client()
    client.force_login(viewer)
    return client


def asked(client: Client, path: str = "/projects/checkout/") -> list[str]:
    """What a page reads with nothing in the cache."""
    client.get(path)
    for alias in settings.CACHES:
        caches[alias].clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return [one["sql"] for one in captured if one["sql"].startswith("SELECT")]


def test_the_page_costs_as_much_with_few_rows_as_with_many(reader: Client, project: Project):
    for turn in range(3):
        fill(project, turn)
    few = asked(reader)
    for turn in range(3, 24):
        fill(project, turn)
    many = asked(reader)
    assert (len(many), len(few)) == (len(few), len(few)), "\n".join(many)
    assert len(few) <= MOST_QUERIES, "\n".join(one[:220] for one in few)


# --- who may -------------------------------------------------------------------------------------


def as_(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("path", ["", "head/", "layout/", "tiles/pipelines/", "tiles/no-such/"])
def test_a_stranger_is_told_that_there_is_no_such_project(project: Project, path: str):
    stranger = as_(make_user("stranger", reads_everything=False))
    answers = [
        stranger.get(f"/projects/{slug}/{path}", headers={"X-Live": "1"})
        for slug in ("checkout", "never-was")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert Client().get(f"/projects/checkout/{path}")["Location"].startswith("/accounts/login/")


def test_who_reads_everything_reads_it_and_settings_are_the_owner_s(project: Project, viewer: Any):
    shown = {
        name: as_(user).get("/projects/checkout/").content.decode()
        for name, user in {
            "all": make_user("auditor"),
            "staff": make_user("admin", staff=True),
            "viewer": viewer,
            "owner": project.memberships.get(role="owner").user,
        }.items()
    }
    assert {name for name, html in shown.items() if "/checkout/settings/" in html} == {
        "staff",
        "owner",
    }
    assert all("/checkout/team/" in html for html in shown.values())


# --- what it tells -------------------------------------------------------------------------------


def page_of(reader: Client, path: str = "/projects/checkout/") -> str:
    answer = reader.get(path)
    assert answer.status_code == 200
    html: str = answer.content.decode()
    assert " style=" not in html
    return html


def tile(reader: Client, name: str) -> str:
    """A tile as an open page fetches it."""
    answer = reader.get(f"/projects/checkout/tiles/{name}/", headers={"X-Live": "1"})
    assert answer.status_code == 200, name
    return " ".join(answer.content.decode().split())


def test_the_head_says_what_is_broken_since_when_and_by_which_change(
    reader: Client, project: Project
):
    failed = make_deploying("checkout", "Failed", summary="Retry the charge", author="mara")
    hold(project, failed, make_deploying("basket"), make_service("payments"))
    html = page_of(reader)
    assert ">Failed</span>" in html
    head = html.partition('id="project-state"')[2].partition("project-nav")[0]
    assert f'href="{failed.get_absolute_url()}">checkout</a> · Production' in head
    assert "acme/shop" in head
    assert "owned by" in head
    assert "111122223333 · eu-west-1" in head


@pytest.mark.parametrize(
    ("status", "word"),
    [("Failed", "Failed"), ("InProgress", "Deploying"), ("Succeeded", "All is well")],
)
def test_the_one_state_is_the_worst_of_all(
    reader: Client, project: Project, status: str, word: str
):
    hold(project, make_deploying("basket"), make_deploying("checkout", status), make_alarm("slow"))
    html = page_of(reader)
    assert f"</svg>{word}</span>" in html.partition("<h1>")[2].partition("</h1>")[0]


def test_an_alarm_makes_a_project_red_whose_pipelines_work(reader: Client, project: Project):
    hold(project, make_deploying("checkout"), make_alarm("too-slow", "ALARM"))
    head = page_of(reader).partition('id="project-state"')[2].partition("</div>")[0]
    assert "</svg>Alarm</span>" in head
    assert ">too-slow</a> · alarm" in head


def test_a_failed_board_quotes_what_it_ran(reader: Client, project: Project):
    failed = make_deploying("checkout", "Failed")
    build = fail_by_build(failed)
    hold(project, failed, build.project)
    told = tile(reader, "pipelines")
    assert "Production / Deploy failed" in told
    assert "npm test exited with 1" in told
    assert f'href="{build.get_absolute_url()}"' in told


def test_what_it_ran_is_not_told_where_it_is_another_project_s(reader: Client, project: Project):
    failed = make_deploying("checkout", "Failed")
    fail_by_build(failed)
    hold(project, failed)
    told = tile(reader, "pipelines")
    assert "npm test" not in told
    assert "The deployment failed" in told


def test_what_failed_or_moves_is_unfolded_and_the_rest_are_lines(reader: Client, project: Project):
    rows = [make_deploying(f"quiet-{turn:02}") for turn in range(12)]
    loud = make_deploying("loud", "InProgress")
    hold(project, loud, *rows)
    told = tile(reader, "pipelines")
    assert told.count('class="board"') == 1
    assert f'id="project-board-{loud.pk}"' in told
    assert told.count('class="pipe-line"') == 8
    assert "4 more pipelines" in told


def test_of_several_quiet_pipelines_the_one_that_ran_last_is_unfolded(
    reader: Client, project: Project
):
    old = make_deploying("old", started_at=now() - timedelta(days=2))
    new = make_deploying("new")
    hold(project, old, new)
    told = tile(reader, "pipelines")
    assert f'id="project-board-{new.pk}"' in told
    assert f'id="project-line-{old.pk}"' in told


def test_commits_say_how_far_they_have_come(reader: Client, project: Project):
    repository = make_repository("shop")
    old, new, fresh = (
        make_commit(repository, 10 + turn, committed_at=now() - timedelta(minutes=30 - turn))
        for turn in range(3)
    )
    pipeline = make_deploying("checkout", "InProgress", new.commit_id)
    make_execution(pipeline, started_at=now() - timedelta(hours=2), revision_id=old.commit_id)
    hold(project, pipeline, repository)
    lines = tile(reader, "commits").split('class="commit"')
    by_title = {one.title: next(li for li in lines if one.title in li) for one in (old, new, fresh)}
    assert "Production 48 %" in by_title[new.title]
    assert by_title[new.title].count("stage-chip st-ok") == 1
    assert by_title[old.title].count("stage-chip st-ok before") == 2
    assert "In no execution yet" in by_title[fresh.title]


def test_deployments_say_what_runs_where_since_when_and_by_which_execution(
    reader: Client, project: Project
):
    pipeline = make_deploying("checkout", summary="Retry the charge")
    group = make_group("basket", "InProgress")
    Link.objects.create(
        from_kind="codepipeline.stage",
        from_id=pipeline.stages.get(name="Production").pk,
        relation="runs",
        to_kind="codedeploy.deployment",
        to_arn=group.latest_deployment.arn,
        owning=True,
    )
    stack = make_stack("shop")
    hold(
        project,
        pipeline,
        group,
        make_service("payments"),
        make_function("resize"),
        make_environment("loyalty"),
        stack,
        make_stack("shop-nested", nested_in=stack),
    )
    told = tile(reader, "deployments")
    assert told.index("basket / production") < told.index("payments")
    assert group.latest_deployment.revision_id[:7] in told
    assert f'href="{pipeline.latest_execution.get_absolute_url()}"' in told
    assert "2 of 2 tasks" in told
    assert "payments:7" in told
    assert "version 12" in told
    assert ">v1<" in told
    assert "shop-nested" not in told


def test_the_id_that_stands_on_a_deployment_is_found(reader: Client, project: Project):
    bundle = {"type": "S3", "bucket": "b", "key": "k.zip", "version": "y3k.9nc4", "etag": "6t79V3h"}
    group = make_group("basket")
    Deployment.objects.update(revision=bundle, revision_id="b/k.zip")
    hold(project, group)
    told = tile(reader, "deployments")
    assert f">{group.latest_deployment.key}</code>" in told
    found = reader.get("/search", {"q": group.latest_deployment.key}).content.decode()
    assert f'href="{group.latest_deployment.get_absolute_url()}"' in found


def test_many_of_what_runs_are_bounded(reader: Client, project: Project):
    hold(project, *(make_service(f"service-{turn:02}") for turn in range(40)))
    told = tile(reader, "deployments")
    assert told.partition("<details")[0].count("ECS service") == 12
    assert "28 more" in told


def test_alarms_are_bounded_red_first(reader: Client, project: Project):
    rows = [make_alarm(f"calm-{turn:03}") for turn in range(200)]
    hold(project, make_alarm("zz-red", "ALARM"), *rows)
    told = tile(reader, "alarms")
    assert "1 in alarm" in told
    assert told.index("zz-red") < told.index("calm-000")
    assert told.count('id="alarm-line-') == 7
    assert "194 more alarms" in told


def test_builds_show_a_strip_and_rows(reader: Client, project: Project):
    builds = [make_build("checkout", seconds=60 + turn, ended_at=now()) for turn in range(20)]
    hold(project, builds[0].project)
    told = tile(reader, "builds")
    assert told.partition("<table")[0].count("<rect") == 20
    assert told.count('id="build-row-') == 8
    assert "100 % green" in told


def test_metrics_are_drawn_with_what_came_out_in_the_range_that_was_asked_for(
    reader: Client, project: Project
):
    row = make_metric("web")
    end = now().replace(second=0, microsecond=0)
    values = tuple((int((end - timedelta(minutes=n)).timestamp()), 5.0) for n in range(180, 0, -1))
    keep.keep_points(row.scope, {row.key: Points(end - timedelta(hours=3), end, 60, values)})
    ended = now() - timedelta(minutes=40)
    pipeline = make_deploying("checkout", started_at=ended - timedelta(minutes=5), ended_at=ended)
    hold(project, row, pipeline)
    html = page_of(reader, "/projects/checkout/?range=1h").partition('id="tile-metrics"')[2]
    html = html.partition("</section>")[0]
    assert "Load balancer web" in html
    assert 'class="chart-mark st-ok"' in html
    assert 'aria-current="true" title="1 hour"' in html
    assert "range=1h" in html.partition(">")[0]
    answer = reader.get("/projects/checkout/?range=%22onload%3D")
    assert 'aria-current="true" title="6 hours"' in answer.content.decode()


def test_endpoints_are_of_the_web_alone_and_say_not_where_one_comes_from(
    reader: Client, project: Project
):
    outputs = [
        {"key": "Url", "value": "https://shop.example.com/cart"},
        {"key": "Evil", "value": "javascript:alert(1)"},
        {"key": "Worse", "value": 'https://shop.example.com/"onclick="alert(1)'},
        {"key": "Secret", "value": "https://admin:hunter2@shop.example.com/"},
        {"key": "Table", "value": "orders"},
        {
            "key": "CloneUrl",
            "value": "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/shop",
        },
        {
            "key": "Pipeline",
            "value": "https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/shop/view",
        },
        {"key": "Ours", "value": "https://git-codecommit.example.com/"},
    ]
    internal = make_balancer("inside", scheme="internal")
    hold(
        project,
        make_stack("shop", outputs=outputs),
        make_environment("loyalty"),
        make_environment("mailer", tier_name="Worker"),
        make_balancer("web"),
        internal,
    )
    told = tile(reader, "endpoints")
    assert 'href="https://shop.example.com/cart" rel="noreferrer"' in told
    assert "http://loyalty.eu-west-1.elasticbeanstalk.com" in told
    assert "http://web.eu-west-1.elb.amazonaws.com" in told
    assert "https://git-codecommit.example.com/" in told
    for absent in (
        "javascript:",
        "onclick",
        "hunter2",
        "orders",
        "mailer",
        "inside.",
        "repos",
        "console",
    ):
        assert absent not in told, absent


def test_the_readme_begins_on_the_page(reader: Client, project: Project):
    assert "Write the README" not in tile(reader, "wiki")
    owner = project.memberships.get(role="owner").user
    assert "Write the README" in tile(as_(owner), "wiki")
    page = Page.objects.create(project=project, slug=README, title="README")
    text = "Call **us** <script>alert(1)</script>"
    page.newest = Revision.objects.create(page=page, number=1, title="README", text=text)
    page.save()
    told = tile(reader, "wiki")
    assert "<strong>us</strong>" in told
    assert "<script" not in told


def test_what_others_wrote_is_shown_as_text(reader: Client, project: Project):
    evil = '<img src=x onerror="alert(1)">\u202e'
    pipeline = make_deploying("checkout", "Failed", summary=evil, author=evil, commit="a" * 40)
    stage = pipeline.stages.get(name="Production")
    stage.actions = [{**stage.actions[0], "error_message": evil}]
    stage.save()
    hold(
        project,
        pipeline,
        make_alarm(evil, "ALARM", state_reason=evil),
        make_group("x", strip=[{"name": evil, "state": "moving", "status": evil}]),
        make_stack("shop", outputs=[{"key": evil, "value": f"https://{evil}"}]),
        make_service(evil),
    )
    Project.objects.filter(pk=project.pk).update(
        name=evil, description=evil, tags=[evil], links=[{"label": evil, "url": "javascript:1"}]
    )
    html = page_of(reader)
    assert "<img" not in html
    assert "javascript:" not in html


# --- what is there not, or cannot be read --------------------------------------------------------


def test_what_the_project_lacks_has_no_tile(reader: Client, project: Project):
    hold(project, make_alarm("slow"))
    html = page_of(reader)
    shown = {name for name in TILES.by_name if f'id="tile-{name}"' in html}
    assert shown == {"alarms", "team", "wiki"}
    gone = reader.get("/projects/checkout/tiles/pipelines/", headers={"X-Live": "1"})
    assert (gone.status_code, gone.content) == (200, b"")


def test_an_empty_project_teaches(reader: Client, project: Project):
    assert "Nothing belongs to this project yet" in page_of(reader)
    owner = as_(project.memberships.get(role="owner").user)
    told = page_of(owner).partition("Nothing belongs")[2].partition("</section")[0]
    assert "/projects/checkout/resources/" in told
    assert "/projects/checkout/team/" in told


def refuse(kind: str) -> None:
    call = REGISTER.get(kind).calls[0]
    Operation.objects.filter(kind=kind, operation=call).update(
        health="denied",
        code="AccessDenied",
        error="not authorized to perform this",
        cure="Allow it.",
        last_success=None,
    )
    Sweep.objects.filter(kind=kind).update(last_success=None)


def test_a_denied_kind_says_so_in_its_tile_and_leads_to_health(reader: Client, project: Project):
    hold(project, make_alarm("slow"), make_deploying("checkout"))
    refuse("cloudwatch.alarm")
    told = tile(reader, "alarms")
    assert "Alarms of 111122223333 · eu-west-1 cannot be read" in told
    assert "cloudwatch:DescribeAlarms" in told
    assert "/health/#scope-" in told
    assert "slow" in told
    assert "scope" in told.partition("data-refetch-on=")[2].partition(">")[0]
    assert "cannot be read" not in tile(reader, "pipelines")


def test_a_first_reading_that_is_under_way_says_so(reader: Client, project: Project):
    hold(project, make_alarm("slow"))
    Operation.objects.filter(kind="cloudwatch.alarm").delete()
    Sweep.objects.filter(kind="cloudwatch.alarm").update(last_success=None, finished_at=None)
    assert "Being read for the first time: alarms" in tile(reader, "alarms")


def test_what_was_read_long_ago_says_so(reader: Client, project: Project):
    hold(project, make_alarm("slow"))
    at = now() - timedelta(hours=5)
    Sweep.objects.filter(kind="cloudwatch.alarm").update(last_success=at)
    assert "Old: alarms were read last" in tile(reader, "alarms")


def test_a_tile_that_fails_keeps_no_other_from_being_shown(
    reader: Client, project: Project, monkeypatch: pytest.MonkeyPatch
):
    hold(project, make_alarm("slow"), make_deploying("checkout"))

    def broken(_: Any) -> Any:
        raise ValueError("what nobody thought of")

    monkeypatch.setitem(TILES.by_name, "alarms", replace(TILES.by_name["alarms"], load=broken))
    html = page_of(reader)
    assert html.count("This tile could not be drawn") == 1
    assert "what nobody thought of" not in html
    assert 'class="board"' in html


def test_a_tile_without_a_frame_says_its_name_where_it_fails(
    reader: Client, project: Project, monkeypatch: pytest.MonkeyPatch
):
    hold(project, make_deploying("checkout"))
    hidden = '<div class="sec-head vh"><h2 id="tile-delivery-h">'
    assert hidden in page_of(reader)

    def broken(_: Any) -> Any:
        raise ValueError("what nobody thought of")

    monkeypatch.setitem(TILES.by_name, "delivery", replace(TILES.by_name["delivery"], load=broken))
    html = page_of(reader)
    assert hidden not in html
    assert '<section class="tile sec card" id="tile-delivery"' in html


def test_a_pipeline_that_never_ran_is_told_nothing_of_a_newest_execution(
    reader: Client, project: Project
):
    hold(project, make_pipeline("fresh", definition=DEPLOYING))
    assert "this is what the newest execution did" not in page_of(reader)
    hold(project, make_parallel_pipeline("beside"))
    assert "this is what the newest execution did" in page_of(reader)


def test_a_tile_s_address_leads_a_browser_to_the_page(reader: Client, project: Project):
    answer = reader.get("/projects/checkout/tiles/alarms/?range=1h")
    assert answer["Location"] == "/projects/checkout/?range=1h#tile-alarms"
    assert reader.get("/projects/checkout/head/")["Location"] == "/projects/checkout/"


def test_scripts_and_styles_of_the_page_are_small():
    root = Path(settings.BASE_DIR) / "static"
    html = (Path(settings.BASE_DIR) / "templates" / "base.html").read_text()
    names = re.findall(r"{% static '([^']+\.(?:css|js))' %}", html)
    names += ["css/project.css", "js/layout.js"]
    script = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
    every = [*(root / name for name in names), script]
    size = sum(len(gzip.compress(one.read_bytes(), 6)) for one in every)
    assert size < 120_000, size
