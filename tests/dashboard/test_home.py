import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils.timezone import now

from apps.codepipeline.fragments import PIPELINE_ROW
from apps.codepipeline.models import Execution, Pipeline
from apps.dashboard import views
from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from tests.factories import (
    change,
    link_runs,
    make_action,
    make_build,
    make_execution,
    make_parallel_pipeline,
    make_pipeline,
    make_running_pipeline,
    make_scope,
    make_user,
    make_waiting_pipeline,
)

pytestmark = pytest.mark.django_db


def text_of(client: Client, path: str = "/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def names(html: str) -> list[str]:
    return re.findall(r'<a class="name" href="[^"]*">([^<]*)</a>', html)


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    answer = client.get("/?q=secret")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=")


@pytest.mark.sql
def test_what_is_broken_comes_first_then_what_waits_then_what_moves(signed_in: Client) -> None:
    make_running_pipeline("a-done", "Succeeded")
    make_running_pipeline("b-moving", "InProgress")
    make_running_pipeline("c-failed", "Failed")
    make_waiting_pipeline("d-waiting")
    assert names(text_of(signed_in)) == ["c-failed", "d-waiting", "b-moving", "a-done"]


def test_a_failed_pipeline_says_where_and_why_in_one_line(signed_in: Client) -> None:
    make_running_pipeline("orders", "Failed")
    html = text_of(signed_in)
    assert "<b>Build / Compile</b> JobFailed: Build terminated with state: FAILED" in html


def test_the_failing_build_explains_better_than_the_action(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders", "Failed")
    build = make_build(
        "orders-build", "FAILED", failing_phase="BUILD", failing_message="npm test: 1"
    )
    stage = pipeline.stages.get(name="Build")
    stage.actions = [{**stage.actions[0], "runs": build.arn}, *stage.actions[1:]]
    stage.save()
    link_runs("codepipeline.stage", stage, build)
    assert "npm test: 1" in text_of(signed_in)


def test_a_waiting_pipeline_says_for_whom_and_until_when(signed_in: Client) -> None:
    make_waiting_pipeline("ledger")
    html = text_of(signed_in)
    assert "Waits for approval" in html
    assert re.search(
        r"<b>Release manager</b> waits for approval, expires <time [^>]*>[^<]*</time>"
        r" · asked <time ",
        html,
    )


def test_the_clock_of_a_row_is_that_of_its_newest_execution(signed_in: Client) -> None:
    # An earlier execution waits for approval; the newest is over and runs no more.
    pipeline = make_waiting_pipeline("ledger")
    make_execution(pipeline, "Succeeded", started_at=now(), ended_at=now() + timedelta(seconds=41))
    Pipeline.objects.filter(pk=pipeline.pk).update(state=State.WAITING, status="InProgress")
    html = text_of(signed_in)
    assert "Waits for approval" in html
    assert "data-running" not in html
    assert ">41s</span>" in html
    Execution.objects.filter(pipeline=pipeline).update(state=State.UNKNOWN, ended_at=None)
    pipeline.refresh_from_db()
    change(pipeline, "codepipeline.pipeline")
    assert "data-running" not in text_of(signed_in)


@pytest.mark.sql
def test_an_approval_is_told_of_the_change_that_waits_not_of_the_newest(signed_in: Client) -> None:
    pipeline = make_waiting_pipeline("ledger")
    waiting = pipeline.latest_execution
    make_execution(
        pipeline, "InProgress", summary="The newest change", state=State.WAITING, started_at=now()
    )
    html = text_of(signed_in)
    assert ">The newest change</a>" in html
    assert re.search(
        rf' · for <a href="{waiting.get_absolute_url()}">{waiting.summary}</a></span>', html
    )


@pytest.mark.sql
def test_an_approval_of_a_parallel_pipeline_is_told_beside_a_newer_execution(
    signed_in: Client,
) -> None:
    pipeline = make_parallel_pipeline("previews")
    older = pipeline.executions.order_by("pk")[0]
    make_action(older, "Approve", "Product owner", "InProgress", state=State.WAITING)
    pipeline.executions.filter(pk=older.pk).update(state=State.WAITING, summary="Waits beside")
    html = text_of(signed_in)
    assert re.search(
        r"<b>Product owner</b> waits for approval[^\n]*"
        rf' · for <a href="{older.get_absolute_url()}">',
        html,
    )
    assert ">Waits beside</a>" in html


def test_a_change_that_a_disabled_transition_holds_back_says_so(signed_in: Client) -> None:
    pipeline = make_running_pipeline("storefront", "InProgress")
    newest = pipeline.latest_execution
    shut = pipeline.stages.filter(name="Deploy")
    shut.update(
        transition_enabled=False,
        transition_reason="Freeze <until> Monday",
        transition_changed_by="arn:aws:sts::111122223333:assumed-role/Admin/release-manager",
    )
    # A shut door that nobody stands before is no news.
    html = text_of(signed_in)
    assert "is held" not in html
    assert 'data-running="for {}"' in html
    shut.update(inbound_execution_ids=[newest.key])
    change(pipeline, "codepipeline.pipeline")
    html = text_of(signed_in)
    assert (
        "<b>Deploy</b> is held: transition disabled by release-manager"
        " \N{EN DASH} Freeze &lt;until&gt; Monday</span>"
    ) in html
    # What is held does no work that a clock could count.
    assert "data-running" not in html
    assert '<span class="sub">held</span>' in html


def test_an_earlier_change_that_is_held_leaves_the_newest_its_clock(signed_in: Client) -> None:
    pipeline = make_running_pipeline("storefront", "InProgress")
    pipeline.stages.filter(name="Deploy").update(
        transition_enabled=False,
        inbound_execution_ids=["0b6c1f2e-0000-4000-8000-123456789012"],
    )
    html = text_of(signed_in)
    assert "<b>Deploy</b> is held: transition disabled</span>" in html
    assert html.count('<td class="col-change">') == 1
    assert 'data-running="for {}"' in html


def test_a_strip_tells_every_stage_to_who_cannot_see_it(signed_in: Client) -> None:
    make_running_pipeline("orders", "Failed")
    assert 'aria-label="Source succeeded, Build failed, Deploy not run yet"' in text_of(signed_in)


def test_what_strips_look_like_is_told_below_them(signed_in: Client) -> None:
    assert "bar between" not in text_of(signed_in)
    make_running_pipeline("orders")
    html = text_of(signed_in)
    assert "pale: left so by an earlier execution" in html
    assert "bar between: the transition is disabled" in html


def test_a_parallel_pipeline_takes_its_strip_from_the_newest_execution(signed_in: Client) -> None:
    make_parallel_pipeline("previews")
    html = text_of(signed_in)
    assert 'aria-label="Source succeeded, Build failed"' in html
    assert "<b>Build / Compile</b> JobFailed" in html


@pytest.mark.sql
def test_search_and_filters_narrow_and_their_links_work_without_scripts(signed_in: Client) -> None:
    other = make_scope("444455556666", "us-east-1", label="platform")
    make_running_pipeline("orders", "Failed")
    make_running_pipeline("mailer", "Succeeded", scope=other)
    assert names(text_of(signed_in, "/?q=ORD")) == ["orders"]
    assert names(text_of(signed_in, "/?state=done")) == ["mailer"]
    assert names(text_of(signed_in, "/?account=444455556666&region=us-east-1")) == ["mailer"]
    assert names(text_of(signed_in, "/?account=444455556666&state=failed")) == []
    html = text_of(signed_in, "/?account=444455556666")
    chip = re.search(r'<a href="(\?[^"]*state=done[^"]*)"', html)
    assert chip
    assert names(text_of(signed_in, "/" + chip[1].replace("&amp;", "&"))) == ["mailer"]


def test_a_search_looks_into_the_newest_change_too(signed_in: Client) -> None:
    pipeline = make_pipeline("orders")
    make_execution(pipeline, summary="Retry idempotent charge", revision_id="abcdef0123456789")
    make_running_pipeline("mailer")
    assert names(text_of(signed_in, "/?q=idempotent")) == ["orders"]
    assert names(text_of(signed_in, "/?q=abcdef0")) == ["orders"]


@pytest.mark.sql
def test_chips_count_what_the_other_filters_leave(signed_in: Client) -> None:
    for number in range(3):
        make_running_pipeline(f"orders-{number}", "Failed")
    make_running_pipeline("mailer", "Succeeded")
    html = text_of(signed_in, "/?q=orders&part=counts")
    assert "All <b>3</b>" in html
    assert "Failed <b>3</b>" in html
    assert "Succeeded <b>" not in html


def test_a_filter_that_is_not_understood_is_named_and_left_out(signed_in: Client) -> None:
    make_running_pipeline("orders")
    html = text_of(signed_in, "/?state=%22%3E%3Cscript%3E&region=mars")
    assert names(html) == ["orders"]
    assert "“&quot;&gt;&lt;script&gt;” is no state" in html
    assert "“mars” is no region" in html


@pytest.mark.sql
def test_pages_follow_each_other_without_gap_or_repeat(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE", 4)
    east = make_scope("111122223333", "us-east-1")
    for number in range(5):
        make_running_pipeline(f"service-{number}", "Failed" if number % 2 else "Succeeded")
        # The same name in another region: keys alone do not order.
        make_running_pipeline(f"service-{number}", "Succeeded", scope=east)
    seen, path, pages = [], "/", 0
    while path:
        html = text_of(signed_in, path)
        seen += re.findall(r'id="pipeline-row-(\d+)"', html)
        onward = re.search(r'<a class="btn" href="([^"]*)" rel="next"', html)
        path = "/" + onward[1].replace("&amp;", "&") if onward else ""
        pages += 1
    expected = Pipeline.objects.for_dashboard().values_list("pk", flat=True)
    assert [int(pk) for pk in seen] == list(expected)
    assert pages == 3


def test_more_rows_cost_no_more_queries(signed_in: Client, queries: Callable[[str], int]) -> None:
    def one_of_each() -> None:
        make_running_pipeline("", "Failed")
        make_running_pipeline("", "InProgress")
        make_waiting_pipeline(f"waits-{Pipeline.objects.count()}")
        make_parallel_pipeline(f"parallel-{Pipeline.objects.count()}")

    one_of_each()
    few = queries("/")
    for _ in range(9):
        one_of_each()
    assert queries("/") == few


def test_an_unchanged_row_comes_from_the_cache_and_asks_nothing(
    signed_in: Client, queries: Callable[[str], int], django_assert_max_num_queries
) -> None:
    for _ in range(3):
        make_running_pipeline("", "Failed")
    cold = queries("/")
    with django_assert_max_num_queries(cold - 2):  # stages, and those in trouble
        signed_in.get("/")


def test_a_page_and_the_stream_show_the_same_bytes(signed_in: Client) -> None:
    rows = [make_running_pipeline("", status) for status in ("Failed", "InProgress", "Succeeded")]
    rows.append(make_parallel_pipeline("previews"))
    html = text_of(signed_in)
    cache.clear()
    for picture in PIPELINE_ROW.render([row.pk for row in rows]).values():
        assert picture in html


def test_a_changed_row_is_pictured_anew(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders", "InProgress")
    assert "In progress" in PIPELINE_ROW.render([pipeline.pk])[pipeline.pk]
    pipeline.refresh_from_db()
    pipeline.status, pipeline.state = "Succeeded", State.DONE
    pipeline.save()
    change(pipeline, "codepipeline.pipeline")
    assert "Succeeded" in PIPELINE_ROW.render([pipeline.pk])[pipeline.pk]


def test_hostile_names_and_messages_are_text(signed_in: Client) -> None:
    evil = "<script>alert(1)</script>\x1b[31mred\x1b[0m"
    pipeline = make_pipeline('<img src=x onerror="alert(2)">')
    make_execution(pipeline, summary=evil, author="<b>mallory</b>", revision_id='"><svg onload=1>')
    html = text_of(signed_in)
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "<b>mallory" not in html
    assert "<svg onload" not in html
    assert "\x1b" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;red" in html


def test_no_page_carries_inline_script_or_style(signed_in: Client) -> None:
    make_running_pipeline("orders", "Failed")
    html = text_of(signed_in)
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)
    policy = signed_in.get("/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_gone_pipelines_leave_the_list_and_keep_their_page(signed_in: Client) -> None:
    pipeline = make_running_pipeline("old-service")
    Pipeline.objects.update(gone_at=now())
    assert names(text_of(signed_in)) == []
    html = text_of(signed_in, pipeline.get_absolute_url())
    assert "AWS lists this pipeline no more" in html


def test_without_accounts_the_page_teaches_and_staff_gets_the_button(client: Client) -> None:
    client.force_login(make_user("viewer"))
    html = text_of(client)
    assert "No AWS account is connected" in html
    assert "/aws/accounts/new/" not in html
    client.force_login(make_user("owner", staff=True))
    assert "/aws/accounts/new/" in text_of(client)


def test_the_first_sweep_shows_how_far_each_kind_is(signed_in: Client) -> None:
    scope = make_scope(first_swept_at=None)
    Sweep.objects.filter(scope=scope, kind="codepipeline.pipeline").update(
        started_at=now(), finished_at=now()
    )
    Sweep.objects.filter(scope=scope, kind="codepipeline.execution").update(
        started_at=now(), done=120, total=500
    )
    html = text_of(signed_in, "/?part=progress")
    kinds = Sweep.objects.count()
    assert f"1 of {kinds} kinds are in" in html
    assert '<progress value="120" max="500" aria-label="executions">' in html
    assert "120 of 500" in html
    assert "Reading AWS for the first time" in text_of(signed_in)


def test_the_progress_vanishes_when_every_scope_was_swept(signed_in: Client) -> None:
    make_scope()
    assert text_of(signed_in, "/?part=progress").strip().startswith('<div id="progress" hidden')


def test_every_scope_says_how_old_its_rows_are_and_where_something_is_denied(
    signed_in: Client,
) -> None:
    fine, denied = make_scope(), make_scope("444455556666", "us-east-1")
    old = now() - timedelta(hours=3)
    Sweep.objects.filter(scope=denied).update(last_success=old)
    Operation.objects.filter(scope=denied).update(health="denied")
    html = text_of(signed_in)
    assert f'data-scope-age="{fine.pk}"' in html
    assert (
        f'<time datetime="{old:%Y-%m-%dT%H:%M:%S}Z" data-rel data-scope-age="{denied.pk}"' in html
    )
    assert html.count("not all of it") == 1


@pytest.mark.sql
def test_an_unchanged_page_is_answered_by_304(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    first = signed_in.get("/")
    again = signed_in.get("/", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304
    change(pipeline, "codepipeline.pipeline")
    assert signed_in.get("/", headers={"if-none-match": first["ETag"]}).status_code == 200


def test_the_page_names_what_it_wants_to_hear_of(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    noted = change(pipeline, "codepipeline.pipeline")
    html = text_of(signed_in)
    assert f'data-since="{noted.pk}"' in html
    topics = re.search(r'data-topics="([^"]*)"', html)
    assert topics
    assert set(topics[1].split()) == {
        f"pipeline-row:{pipeline.pk}",
        # For the counter in the head.
        "touched:codepipeline.action",
        "list:codepipeline.pipeline",
        "touched:codepipeline.pipeline",
        "touched:scope",
    }


def test_a_paused_account_stays_readable_and_says_since_when_it_is_not_swept(
    signed_in: Client,
) -> None:
    make_running_pipeline("orders")
    old = now() - timedelta(hours=3)
    Sweep.objects.update(last_success=old)
    Operation.objects.update(health="denied")
    Scope.objects.update(enabled=False, paused=True, label="production")
    html = text_of(signed_in)
    assert names(html) == ["orders"]
    assert "No AWS account is connected" not in html
    assert f'not swept since <time datetime="{old:%Y-%m-%dT%H:%M:%S}Z"' in html
    # Somebody wanted it so: nothing is in trouble.
    assert "not all of it" not in html


def test_an_account_that_could_not_be_identified_says_so_in_awss_words(signed_in: Client) -> None:
    scope = make_scope(first_swept_at=None)
    Scope.objects.update(enabled=False, account="", label="Credentials of this machine")
    assert "Reading AWS for the first time" in text_of(signed_in)
    for resource in REGISTER.of("aws"):
        Operation.objects.create(
            scope=scope,
            kind=resource.kind,
            operation=resource.calls[0],
            health="credentials",
            error="The SSO session has expired <b>",
            cure="Renew the credentials: aws sso login",
        )
    html = text_of(signed_in)
    assert "No AWS account is connected" not in html
    assert "Reading AWS for the first time" not in html
    assert "The SSO session has expired &lt;b&gt;. Renew the credentials: aws sso login" in html


def test_what_was_put_aside_is_nowhere(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    Scope.objects.update(enabled=False, parked=True)
    html = text_of(signed_in)
    assert "orders" not in html
    assert "No AWS account is connected" in html
    assert signed_in.get(pipeline.get_absolute_url()).status_code == 404
    assert pipeline.get_absolute_url() not in text_of(signed_in, "/search?q=orders")
    assert "111122223333" not in text_of(signed_in, "/health/")


@pytest.mark.parametrize(
    "edit", [{"label": "renamed"}, {"paused": True, "enabled": False}, {"parked": True}]
)
def test_an_edited_scope_makes_the_page_another_one(signed_in: Client, edit: Any) -> None:
    make_running_pipeline("orders")
    first = signed_in.get("/")
    Scope.objects.update(**edit, edited_at=now() + timedelta(seconds=1))
    assert signed_in.get("/", headers={"if-none-match": first["ETag"]}).status_code == 200


def test_a_page_turns_stale_without_anything_being_written(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_running_pipeline("orders")
    at = time.time()
    monkeypatch.setattr("apps.mirror.versions.time.time", lambda: at)
    first = signed_in.get("/")
    monkeypatch.setattr("apps.mirror.versions.time.time", lambda: at + 301)
    assert signed_in.get("/", headers={"if-none-match": first["ETag"]}).status_code == 200
