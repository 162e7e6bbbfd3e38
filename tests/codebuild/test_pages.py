"""Pages of projects and builds: for whom, at what cost, and what they never do."""

import base64
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.codebuild import digest, load
from apps.codebuild.lines import follower_of, store_of
from apps.codebuild.models import Build, Project
from apps.live.fragment import FRAGMENTS
from apps.mirror.state import State
from apps.mirror.visibility import VISIBILITY
from tests import factories

PHASES = [
    {"type": "QUEUED", "status": "SUCCEEDED", "state": "done", "seconds": 3, "contexts": []},
    {
        "type": "BUILD",
        "status": "FAILED",
        "state": "failed",
        "seconds": 60,
        "contexts": [{"code": "COMMAND_EXECUTION_ERROR", "message": "npm test"}],
    },
    {"type": "COMPLETED", "status": "", "state": "", "seconds": None, "contexts": []},
]


@pytest.fixture(autouse=True)
def _forgetful() -> Any:
    forget()
    yield
    forget()


def forget() -> None:
    """Empty every cache: pictures of rows have their own."""
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    return client


@pytest.fixture
def build(db: None) -> Build:
    """A failed build with its reason, and its project's columns as reconcile leaves them."""
    made = factories.make_build(
        "checkout-build",
        "FAILED",
        seconds=63,
        queued_seconds=3,
        initiator="codepipeline/checkout",
        source_version="refs/heads/main",
        phases=PHASES,
        failing_phase="BUILD",
        failing_message="COMMAND_EXECUTION_ERROR: npm test",
        excerpt="before\n\x1b[31mError: boom\x1b[0m",
        excerpt_line=41,
        excerpt_mark=1,
        logs={"group": "/builds/checkout", "stream": "8745", "cloudwatch_status": "ENABLED"},
    )
    tell_project(made)
    return made


def tell_project(build: Build) -> None:
    for pk, values in digest.projects([build.project_id]).items():
        Project.objects.filter(pk=pk).update(**values)


def paths(build: Build) -> list[str]:
    return [
        "/codebuild/",
        "/codebuild/builds/",
        f"/codebuild/projects/{build.project_id}/",
        f"/codebuild/builds/{build.pk}/",
        f"/codebuild/builds/{build.pk}/log/",
        f"/codebuild/builds/{build.pk}/log.txt",
    ]


def read_log(build: Build, lines: list[str], *, done: bool = True, note: Any = None) -> None:
    store = store_of(build.pk)
    contents = store.begin()
    store.extend(contents, lines)
    contents.done = done
    contents.say(note)
    store.save(contents)


def test_a_stranger_is_asked_to_sign_in_everywhere(build: Build, client: Client):
    for path in paths(build):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/accounts/login/")


def test_whoever_is_signed_in_sees_every_page(build: Build, viewer: Client):
    for path in paths(build):
        # A download that nobody has read yet is accepted, and comes.
        wanted = 202 if path.endswith("log.txt") else 200
        assert viewer.get(path).status_code == wanted, path


def test_rows_one_may_not_see_are_nowhere(
    build: Build, viewer: Client, monkeypatch: pytest.MonkeyPatch, queued: Any
):
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    monkeypatch.setattr(VISIBILITY.rule, "scopes", lambda user: Q(pk__in=[]))
    for path in paths(build)[:2]:
        page = viewer.get(path).text
        assert "checkout-build" not in page
        assert "111122223333" not in page
    for path in paths(build)[2:]:
        assert viewer.get(path).status_code == 404, path
    assert queued == []
    assert not follower_of(build.pk).watched


def test_pages_take_no_writes(build: Build, viewer: Client):
    for path in paths(build):
        assert viewer.post(path).status_code == 405, path


@pytest.mark.sql
@pytest.mark.parametrize("path", ["/codebuild/", "/codebuild/builds/", "/codebuild/projects/{}/"])
def test_queries_do_not_grow_with_the_rows(build: Build, viewer: Client, path: str):
    path = path.format(build.project_id)

    def count() -> int:
        forget()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert viewer.get(path).status_code == 200
        return len(queries)

    few = count()
    for n in range(12):
        tell_project(factories.make_build(f"service-{n}", "SUCCEEDED", seconds=n))
        factories.make_build("checkout-build", "SUCCEEDED", seconds=n)
    assert count() == few


def test_an_unchanged_list_is_not_sent_again(build: Build, viewer: Client):
    for path in paths(build)[:3]:
        etag = viewer.get(path).headers["ETag"]
        assert viewer.get(path, headers={"If-None-Match": etag}).status_code == 304
    factories.change(build, "codebuild.build")
    assert viewer.get("/codebuild/", headers={"If-None-Match": etag}).status_code == 200


def test_a_failed_build_says_why_first(build: Build, viewer: Client):
    page = viewer.get(f"/codebuild/builds/{build.pk}/").text
    assert page.index("Why it failed: Build") < page.index("Phases")
    assert "COMMAND_EXECUTION_ERROR: npm test" in page
    assert f'<a class="log-number" href="#log-{build.pk}-L42" tabindex="-1">42</a>' in page
    assert '<li class="log-line is-error">' in page
    assert '<span class="a-31">Error: boom</span>' in page
    assert "Completed" not in page


def test_a_build_links_to_what_started_it(build: Build, viewer: Client):
    pipeline = factories.make_running_pipeline("checkout", "Failed")
    execution = pipeline.latest_execution
    action = factories.make_action(execution, "Build", "Compile", "Failed")
    factories.link_runs("codepipeline.action", action, build)
    # The stage names the same build, and has no page that one could go to.
    factories.link_runs("codepipeline.stage", pipeline.stages.get(name="Build"), build)
    page = viewer.get(f"/codebuild/builds/{build.pk}/").text
    assert f'href="{execution.get_absolute_url()}#action-{action.pk}"' in page
    assert page.count(">checkout · Build / Compile</a>") == 1
    assert 'href=""' not in page


def test_a_build_does_not_tell_of_a_pipeline_in_another_project(build: Build, viewer: Client):
    pipeline = factories.make_running_pipeline("their-checkout")
    action = factories.make_action(pipeline.latest_execution, "Build", "Compile")
    factories.link_runs("codepipeline.action", action, build)
    path = f"/codebuild/builds/{build.pk}/"
    assert "their-checkout" in viewer.get(path).text
    project = factories.make_project("Ours", build.project)
    assert "their-checkout" not in viewer.get(path).text
    factories.hold(project, pipeline)
    assert "their-checkout" in viewer.get(path).text


def test_queries_do_not_grow_with_what_started_a_build(
    build: Build, django_assert_num_queries: Any
):
    def start(number: int) -> None:
        execution = factories.make_execution(factories.make_pipeline(f"p{number}"))
        action = factories.make_action(execution, "Build", "Compile")
        factories.link_runs("codepipeline.action", action, build)

    start(1)
    with CaptureQueriesContext(connection) as few:
        assert len(load.build_head([build.pk])[build.pk]["starters"]) == 1
    for number in range(2, 6):
        start(number)
    with django_assert_num_queries(len(few)):
        assert len(load.build_head([build.pk])[build.pk]["starters"]) == 5


def test_lists_show_what_was_built_and_how_long_it_took(build: Build, viewer: Client):
    page = viewer.get("/codebuild/builds/").text
    assert ">main</span>" in page
    assert "1m 03s" in page
    assert build.resolved_source_version[:7] in page
    projects = viewer.get("/codebuild/").text
    assert 'aria-label="Duration of the newest 1 build, usually 1m 03s"' in projects


def test_the_page_and_the_stream_have_the_same_bytes(build: Build, viewer: Client):
    pages = {
        "build-row": viewer.get("/codebuild/builds/").text,
        "build-head": viewer.get(f"/codebuild/builds/{build.pk}/").text,
        "project-row": viewer.get("/codebuild/").text,
        "project-head": viewer.get(f"/codebuild/projects/{build.project_id}/").text,
        "project-facts": viewer.get(f"/codebuild/projects/{build.project_id}/").text,
        "build-facts": viewer.get(f"/codebuild/builds/{build.pk}/").text,
        "build-log-bar": viewer.get(f"/codebuild/builds/{build.pk}/").text,
        "project-builds": viewer.get(f"/codebuild/projects/{build.project_id}/").text,
    }
    for name, page in pages.items():
        fragment = FRAGMENTS.by_name[name]
        pk = build.pk if fragment.of == "codebuild.build" else build.project_id
        for again in ("rendered for the stream", "from the cache"):
            html = fragment.render([pk])[pk]
            assert html in page, (name, again)
            assert f'id="{fragment.element_id(pk)}"' in html
            assert f"{name}:{pk}" in page


@pytest.mark.sql
def test_hostile_names_are_shown_as_text(viewer: Client, db: None):
    evil = '<script>alert("x")</script>'
    made = factories.make_build(
        "evil",
        "FAILED",
        initiator=evil,
        source_version=evil,
        failing_phase="BUILD",
        failing_message=evil,
        excerpt=evil,
        excerpt_mark=0,
        source_location=evil,
        buildspec=f"{evil}\n{evil}",
        image=evil,
        environment_variables=[{"name": evil, "type": "PARAMETER_STORE", "reference": evil}],
        report_arns=[evil],
        phases=[{**PHASES[1], "contexts": [{"code": evil, "message": evil}]}],
        logs={"group": evil, "stream": evil, "s3_location": f"{evil}/{evil}"},
    )
    Project.objects.filter(pk=made.project_id).update(
        description=evil,
        source_location=evil,
        webhook={"branch_filter": evil, "filter_groups": [[{"type": evil, "pattern": evil}]]},
        tags={evil: evil},
        recent=[{"id": 1, "name": evil, "state": "failed", "status": evil, "seconds": 1}],
    )
    read_log(made, [evil], note={"state": "failed", "title": evil, "text": evil, "cure": evil})
    for path in paths(made)[:5]:
        page = viewer.get(path).text
        assert "<script>alert" not in page
        assert "alert(" in page
        assert 'style="' not in page


def test_values_of_plaintext_variables_have_no_place_on_the_page(build: Build, viewer: Client):
    Build.objects.update(
        environment_variables=[
            {"name": "STAGE", "type": "PLAINTEXT", "reference": ""},
            {"name": "LICENCE", "type": "PARAMETER_STORE", "reference": "/shared/licence"},
        ]
    )
    page = viewer.get(f"/codebuild/builds/{build.pk}/").text
    assert re.search(r"STAGE</code>\s*<span[^>]*>value not read", page)
    assert "/shared/licence" in page


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.sql
def test_a_list_is_narrowed_by_state_place_and_words(build: Build, viewer: Client):
    elsewhere = factories.make_scope("444455556666", "us-east-1")
    other = factories.make_build("payments", "SUCCEEDED", scope=elsewhere)
    tell_project(other)
    for path in ("/codebuild/builds/", "/codebuild/"):
        for query in (
            "state=failed",
            "account=111122223333",
            "region=eu-west-1",
            "q=checkout",
            "q=CHECK+build",
        ):
            page = viewer.get(f"{path}?{query}").text
            assert f"{'build' if 'builds' in path else 'project'}-row-" in page
            assert f"/codebuild/builds/{build.pk}/" in page, query
            assert f"/codebuild/builds/{other.pk}/" not in page, query
    assert "No build fits" in viewer.get("/codebuild/builds/?q=nothing").text
    found = viewer.get(f"/codebuild/builds/?q={build.resolved_source_version[:10]}").text
    assert f"/codebuild/builds/{build.pk}/" in found


@pytest.mark.sql
def test_pages_of_a_list_hold_every_row_once(viewer: Client, db: None):
    started = now()
    made = [
        factories.make_build("shop", started_at=started - timedelta(minutes=n // 3))
        for n in range(120)
    ]
    query, seen = "", []
    for _ in range(10):
        page = viewer.get(f"/codebuild/builds/{query}").text
        seen += re.findall(r'<tr id="build-row-(\d+)"', page)
        following = re.search(r'href="(\?[^"]*after=[^"]+)" rel="next"', page)
        if following is None:
            break
        query = following.group(1).replace("&amp;", "&")
    assert sorted(map(int, seen)) == sorted(build.pk for build in made)


@pytest.mark.sql
def test_pages_of_projects_hold_every_row_once_broken_first(viewer: Client, db: None):
    for n in range(70):
        tell_project(factories.make_build(f"p-{n}", "FAILED" if n % 2 else "SUCCEEDED"))
    query, seen = "", []
    for _ in range(4):
        page = viewer.get(f"/codebuild/{query}").text
        seen += re.findall(r'class="name" href="[^"]+">(p-\d+)<', page)
        following = re.search(r'href="(\?[^"]*after=[^"]+)" rel="next"', page)
        if following is None:
            break
        query = following.group(1)
    assert len(seen) == len(set(seen)) == 70
    assert all(int(name[2:]) % 2 for name in seen[:35])


@pytest.mark.sql
@pytest.mark.parametrize(
    "place",
    [
        [],
        [1, 2],
        [None, None],
        [["at", "x"], 1],
        ["2026-01-01T00:00:00Z", 10**40],
        ["2026-01-01T00:00:00Z", "a\x00"],
        ["9999-99-99T00:00:00Z", 1],
        [10**30, "a", 1],
        [0, "a\x00", 1],
        {"a": 1},
    ],
)
def test_a_cursor_nobody_gave_out_is_the_first_page(build: Build, viewer: Client, place: Any):
    after = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    for path in ("/codebuild/builds/", "/codebuild/"):
        assert f"/codebuild/builds/{build.pk}/" in viewer.get(f"{path}?after={after}").text


@pytest.mark.parametrize("after", ["x", "%00", "A" * 5000])
def test_what_is_no_cursor_is_the_first_page(build: Build, viewer: Client, after: str):
    for path in ("/codebuild/builds/", "/codebuild/"):
        assert f"/codebuild/builds/{build.pk}/" in viewer.get(f"{path}?after={after}").text


def test_an_account_without_builds_is_told_what_would_be_here(viewer: Client):
    factories.make_scope()
    assert "No build yet" in viewer.get("/codebuild/builds/").text
    assert "codebuild:ListProjects" in viewer.get("/codebuild/").text


# --- logs -----------------------------------------------------------------------------------------


def test_opening_a_build_makes_somebody_read_its_log(build: Build, viewer: Client, queued: Any):
    page = viewer.get(f"/codebuild/builds/{build.pk}/").text
    assert [(name, args[0]) for name, args, _ in queued] == [("codebuild.follow_log", build.pk)]
    assert f'id="log-{build.pk}" data-next="0" data-done="false"' in page
    assert f"log:{build.pk}@0" in page


def test_what_was_read_of_a_log_stands_in_the_page(build: Build, viewer: Client):
    read_log(build, [f"line {n}" for n in range(60)])
    page = viewer.get(f"/codebuild/builds/{build.pk}/").text
    assert (
        f'data-next="60" data-done="true" data-refetch="/codebuild/builds/{build.pk}/log/"' in page
    )
    assert f'<li class="log-line is-error" id="log-{build.pk}-L42">' in page
    assert f"log:{build.pk}@60" in page


def test_a_long_log_comes_in_pieces_that_a_reader_without_scripts_can_follow(
    build: Build, viewer: Client
):
    read_log(build, [f"line {n}" for n in range(1_500)])
    page = viewer.get(f"/codebuild/builds/{build.pk}/log/").text
    assert 'data-next="1000" data-done="false"' in page
    assert f'href="/codebuild/builds/{build.pk}/log/?first=1000"' in page
    page = viewer.get(f"/codebuild/builds/{build.pk}/log/?first=1000").text
    assert ">line 1499<" in page
    assert ">line 999<" not in page
    assert viewer.get(f"/codebuild/builds/{build.pk}/log/?first=nonsense").status_code == 200


def test_the_live_page_fetches_the_panel_alone(build: Build, viewer: Client):
    read_log(build, ["one"])
    panel = viewer.get(f"/codebuild/builds/{build.pk}/log/", headers={"X-Live": "1"}).text
    assert "<html" not in panel
    assert f'id="log-{build.pk}"' in panel


def test_a_download_is_the_whole_log_as_plain_text(build: Build, viewer: Client):
    read_log(build, ["\x1b[31mred\x1b[0m <b>", "lone \ud800", *(f"line {n}" for n in range(3_000))])
    answer = viewer.get(f"/codebuild/builds/{build.pk}/log.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="checkout-build-')
    lines = answer.text.split("\n")
    assert lines[:3] == ["red <b>", "lone \ufffd", "line 0"]
    assert lines[-2:] == ["line 2999", ""]


def test_a_download_that_is_not_read_yet_waits_by_itself(build: Build, viewer: Client, queued: Any):
    answer = viewer.get(f"/codebuild/builds/{build.pk}/log.txt")
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "2")
    assert answer.headers["Refresh"] == "2"
    assert "is being read" in answer.text
    assert [name for name, _, _ in queued] == ["codebuild.follow_log"]
    # Half of a finished build's log is no download.
    read_log(build, ["one"], done=False)
    assert "1 lines so far" in viewer.get(f"/codebuild/builds/{build.pk}/log.txt").text


def test_a_running_builds_download_is_what_there_is(viewer: Client, db: None):
    build = factories.make_build("shop", "IN_PROGRESS")
    read_log(build, ["one"], done=False)
    assert viewer.get(f"/codebuild/builds/{build.pk}/log.txt").text == "one\n"


def test_a_log_that_cannot_be_read_says_so_and_waits_no_more(build: Build, viewer: Client):
    note = {"state": "failed", "title": "The log cannot be read", "text": "", "cure": "Allow it"}
    read_log(build, [], done=False, note=note)
    answer = viewer.get(f"/codebuild/builds/{build.pk}/log.txt")
    assert answer.status_code == 404
    assert "Refresh" not in answer.headers
    assert "Allow it" in answer.text
    page = viewer.get(f"/codebuild/builds/{build.pk}/").text
    assert "The log cannot be read" in page
    assert "Allow it" in page


def test_types_and_compute_are_told_in_the_words_of_aws(build: Build, viewer: Client):
    Build.objects.update(
        source_type="GITHUB_ENTERPRISE",
        environment_type="ARM_CONTAINER",
        compute_type="BUILD_GENERAL1_2XLARGE",
        artifacts={"type": "S3", "location": "artifacts"},
        cache={"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
    )
    page = viewer.get(f"/codebuild/builds/{build.pk}/").text
    for words in (
        ">GITHUB_ENTERPRISE<",
        ">ARM_CONTAINER · BUILD_GENERAL1_2XLARGE<",
        ">S3 artifacts<",
        ">LOCAL · LOCAL_DOCKER_LAYER_CACHE<",
    ):
        assert words in page, words


def test_filters_speak_as_home_does(build: Build, viewer: Client):
    factories.make_scope().__class__.objects.update(label="Shop: tools")
    factories.make_scope("444455556666", "us-east-1", label="Shop: production")
    for path in ("/codebuild/", "/codebuild/builds/"):
        page = viewer.get(path).text
        for words in (
            '<option value="done">Succeeded<',
            '<option value="moving">In progress<',
            "Shop: tools (111122223333)<",
            "Shop: production (444455556666)<",
        ):
            assert words in page, words


def test_a_build_that_nobody_can_be_asked_about_runs_no_more(viewer: Client, db: None):
    phases = [{**PHASES[1], "status": "IN_PROGRESS", "state": "moving", "start": now().isoformat()}]
    build = factories.make_build("shop", "IN_PROGRESS", phases=phases)
    assert "data-running" in viewer.get(f"/codebuild/builds/{build.pk}/").text
    Build.objects.update(state="unknown", version=build.version + 1)
    for path in (f"/codebuild/builds/{build.pk}/", "/codebuild/builds/"):
        page = viewer.get(path).text
        assert "Not known any more" in page
        assert "data-running" not in page
        assert "spin" not in page


def test_the_phases_to_come_have_their_places_from_the_start(viewer: Client, db: None):
    begun = [
        {"type": "SUBMITTED", "status": "SUCCEEDED", "state": "done", "seconds": 0, "contexts": []},
        {"type": "QUEUED", "status": "", "state": "moving", "seconds": None, "contexts": []},
    ]
    build = factories.make_build("orders-build", "IN_PROGRESS", phases=begun)
    html = viewer.get(build.get_absolute_url()).content.decode()
    drawn = re.findall(r'<li class="phase (st-\w+)">\s*<span class="phase-name">.*?</span>', html)
    names = re.findall(r'class="phase-name">.*?</svg></span>([^<]*)</span>', html)
    assert names == [
        "Submitted",
        "Queued",
        "Provisioning",
        "Download source",
        "Install",
        "Pre build",
        "Build",
        "Post build",
        "Upload artifacts",
        "Finalizing",
    ]
    assert drawn == ["st-ok", "st-run", *["st-idle"] * 8]
    Build.objects.filter(pk=build.pk).update(status="STOPPED", state=State.STOPPED)
    forget()
    html = viewer.get(build.get_absolute_url()).content.decode()
    assert html.count('class="phase-name"') == 2


def test_the_bar_of_a_running_build_is_as_tall_as_it_took_so_far(viewer: Client, db: None):
    for seconds in (100, 200):
        factories.make_build("orders-build", "SUCCEEDED", seconds=seconds)
    running = factories.make_build("orders-build", "IN_PROGRESS")
    Build.objects.filter(pk=running.pk).update(started_at=now() - timedelta(seconds=50))
    tell_project(running)
    html = viewer.get("/codebuild/").content.decode()
    [height, title] = re.findall(
        r'<rect class="st-run runs"[^>]* height="([\d.]+)"[^>]*><title>([^<]*)</title>', html
    )[0]
    assert 11 <= float(height) <= 13  # a quarter of 46
    assert re.search(r"In progress, 5\ds so far$", title)


def test_lists_name_the_command_that_failed_and_not_the_words_around_it(viewer: Client, db: None):
    said = "COMMAND_EXECUTION_ERROR: Error while executing command: npm test. Reason: exit status 1"
    build = factories.make_build(
        "orders-build", "FAILED", failing_phase="BUILD", failing_message=said
    )
    tell_project(build)
    for path in ("/codebuild/", "/codebuild/builds/"):
        html = viewer.get(path).content.decode()
        assert f'title="{said}"><b>Build</b> npm test: exit status 1</span>' in html, path
    assert said in viewer.get(build.get_absolute_url()).content.decode()
