"""The last line of every page: how old its rows are, what cannot be read, and where the cure is."""

import itertools
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.aws.models import Account, Place
from apps.mirror.causes import causes_of, root_of
from apps.mirror.health import kind_health, kind_troubles, scope_ages
from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.provider import Health
from apps.mirror.resource import REGISTER
from apps.mirror.visibility import VISIBILITY
from apps.mirror.working import KEY, just_begun, note_tick
from tests.factories import make_build, make_running_pipeline, make_scope
from tests.issues.making import make_issue, make_site, make_tracker

pytestmark = pytest.mark.django_db


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def foot(html: str) -> str:
    return html[html.index('<footer class="wrap foot">') :]


@pytest.fixture
def pages() -> dict[str, str]:
    """Every page that shows mirrored rows, by the service whose rows they are."""
    pipeline, build = make_running_pipeline("orders", "Failed"), make_build()
    return {
        "/": "",
        "/search?q=orders": "",
        pipeline.get_absolute_url(): "codepipeline",
        f"/codepipeline/{pipeline.pk}/executions/": "codepipeline",
        pipeline.latest_execution.get_absolute_url(): "codepipeline",
        "/codebuild/": "codebuild",
        "/codebuild/builds/": "codebuild",
        build.get_absolute_url(): "codebuild",
        build.project.get_absolute_url(): "codebuild",
    }


def test_every_page_tells_how_old_it_is_and_goes_on_telling(
    signed_in: Client, pages: dict[str, str]
) -> None:
    scope = make_scope()
    for path in pages:
        html = text_of(signed_in, path)
        # The very age that heartbeats bring.
        at = scope_ages([scope])[scope.pk]
        assert at
        age = f'<time datetime="{at:%Y-%m-%dT%H:%M:%S}Z" data-rel data-scope-age="{scope.pk}">'
        assert age in foot(html), path
        if 'data-topics="' in html:
            assert "touched:scope" in html.split('data-topics="')[1].split('"')[0].split(), path


def test_silence_of_events_vouches_only_for_what_they_tell_wholly() -> None:
    at, ago = now(), now() - timedelta(minutes=4)
    scope = make_scope(heard_at=at)
    often = Q(kind__in=["codepipeline.stage", "ec2.targetgroup"])
    Sweep.objects.exclude(often).update(last_success=None)
    Sweep.objects.update(events_at=at)
    Sweep.objects.filter(kind="codepipeline.stage").update(last_success=ago)
    Sweep.objects.filter(kind="ec2.targetgroup").update(last_success=at)
    assert scope_ages([scope]) == {scope.pk: at}
    # That targets were registered was heard, and how they fare would not have been.
    Sweep.objects.filter(kind="ec2.targetgroup").update(last_success=ago)
    assert scope_ages([scope]) == {scope.pk: ago}


def test_what_is_denied_is_named_on_the_pages_of_its_service(
    signed_in: Client, pages: dict[str, str]
) -> None:
    scope = make_scope()
    for service, operation in (
        ("codepipeline", "codepipeline:GetPipelineState"),
        ("codebuild", "codebuild:ListBuilds"),
    ):
        Operation.objects.update(health="ok")
        Operation.objects.filter(operation=operation).update(health="denied")
        for path, shown in pages.items():
            told = foot(text_of(signed_in, path))
            if shown in ("", service):
                assert f"not all of it: <code>{operation}</code> denied" in told, path
                assert f'href="/health/#scope-{scope.pk}"' in told, path
            else:
                assert "not all of it" not in told, path


def test_a_page_of_one_scope_tells_of_no_other(signed_in: Client) -> None:
    elsewhere = make_scope("444455556666", "us-east-1")
    pipeline = make_running_pipeline("orders")
    assert "us-east-1" not in foot(text_of(signed_in, pipeline.get_absolute_url()))
    assert "us-east-1" in foot(text_of(signed_in, "/codebuild/builds/"))
    assert elsewhere.region in text_of(signed_in, f"/ages?scope={elsewhere.pk}")


def test_a_page_tells_of_no_place_in_which_none_of_its_rows_is_read(signed_in: Client) -> None:
    make_scope("444455556666", "us-east-1")
    make_issue(make_tracker("SHOP", make_site(label="Jira of the shop")))
    for path, told in (
        ("/codebuild/builds/", ["us-east-1"]),
        ("/issues/", ["Jira of the shop"]),
        ("/", ["us-east-1", "Jira of the shop"]),
        ("/ages?service=nothing.such", ["us-east-1", "Jira of the shop"]),
    ):
        line = text_of(signed_in, path).rpartition('class="ages"')[2]
        found = [one for one in ("us-east-1", "Jira of the shop") if one in line]
        assert found == told, path


def working(seconds: float, ticked: float = 0.0) -> None:
    """Work began so many seconds ago, and ticked last so many ago."""
    at = time.time()
    cache.set(KEY, (at - seconds, at - ticked), timeout=None)


def test_what_was_read_long_ago_says_so(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    Sweep.objects.update(last_success=now() - timedelta(hours=2))
    working(3600)
    assert "that is long ago" in foot(text_of(signed_in, pipeline.get_absolute_url()))


def test_just_after_a_start_what_is_old_is_being_read_again_and_not_called_stale(
    signed_in: Client,
) -> None:
    pipeline = make_running_pipeline("orders")
    Sweep.objects.update(last_success=now() - timedelta(hours=2))
    working(20)
    told = foot(text_of(signed_in, pipeline.get_absolute_url()))
    assert "from before this start; it is being read again" in told
    assert "that is long ago" not in told


def test_where_nobody_works_what_is_old_is_stale_once_a_process_can_know(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = make_running_pipeline("orders")
    Sweep.objects.update(last_success=now() - timedelta(hours=2))
    working(3600, ticked=600)
    monkeypatch.setattr("apps.mirror.working._began", time.monotonic() - 3600)
    assert "that is long ago" in foot(text_of(signed_in, pipeline.get_absolute_url()))


def test_a_gap_between_two_ticks_is_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.mirror.working._began", time.monotonic() - 3600)
    working(3600, ticked=1)
    note_tick()
    assert not just_begun(timedelta(minutes=5))
    working(3600, ticked=600)
    note_tick()
    assert just_begun(timedelta(minutes=5))


def test_accounts_an_account_health_and_the_foot_tell_one_age(
    signed_in: Client, member: Any
) -> None:
    account = Account.objects.create(name="Shop", account_id="111122223333", method="ambient")
    scope = make_scope()
    Place.objects.create(account=account, scope=scope, region=scope.region)
    # One kind was read just now, another that is read often a while ago.
    Sweep.objects.update(last_success=now())
    Sweep.objects.filter(kind="codepipeline.stage").update(
        last_success=now() - timedelta(minutes=3)
    )
    at = scope_ages([scope])[scope.pk]
    assert at
    assert now() - at > timedelta(minutes=2)
    told = f'<time datetime="{at:%Y-%m-%dT%H:%M:%S}Z" data-rel data-scope-age="{scope.pk}">'
    member.is_staff = True
    member.save()
    for path in ("/aws/accounts/", f"/aws/accounts/{account.pk}/", "/health/", "/codebuild/"):
        html = text_of(signed_in, path)
        assert told in html, path
        assert "Last read" not in html, path


def test_what_was_not_read_yet_says_so_without_a_stutter(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    Sweep.objects.update(last_success=None)
    told = foot(text_of(signed_in, pipeline.get_absolute_url()))
    assert f': <time data-rel data-scope-age="{pipeline.scope_id}">not read yet</time>' in told
    assert "read <time" not in text_of(signed_in, "/health/")


def test_refused_credentials_and_their_cure_are_two_sentences(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    Operation.objects.filter(operation="codepipeline:ListPipelines").update(
        health="credentials",
        error="Unable to locate credentials",
        cure="Give the account a role or a key.",
    )
    told = foot(text_of(signed_in, pipeline.get_absolute_url()))
    assert ". Unable to locate credentials. Give the account a role or a key. <a" in told


def test_an_open_page_fetches_the_very_line_it_has(
    signed_in: Client, pages: dict[str, str]
) -> None:
    for path in pages:
        html = text_of(signed_in, path)
        address = html.split('id="ages"')[1].split('data-refetch="')[1].split('"')[0]
        assert text_of(signed_in, address.replace("&amp;", "&")).strip() in html, path


def test_scopes_one_may_not_know_of_have_no_age(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = make_scope()
    monkeypatch.setattr(VISIBILITY.rule, "scopes", lambda user: Q(pk__in=[]))
    assert "eu-west-1" not in text_of(signed_in, f"/ages?scope={scope.pk}")


@pytest.mark.parametrize("query", ["scope=x", "scope=99999999999999999999", "service=<b>"])
def test_an_odd_address_is_answered(signed_in: Client, query: str) -> None:
    make_scope()
    assert "<b>" not in text_of(signed_in, f"/ages?{query}")


def test_a_page_that_is_kept_by_the_browser_is_not_kept_past_a_denial(signed_in: Client) -> None:
    pipeline, build = make_running_pipeline("orders"), make_build()
    for path in (pipeline.get_absolute_url(), build.project.get_absolute_url()):
        Operation.objects.update(health="ok")
        first = signed_in.get(path)
        assert signed_in.get(path, headers={"if-none-match": first["ETag"]}).status_code == 304
        Operation.objects.update(health="denied", last_error=now())
        assert signed_in.get(path, headers={"if-none-match": first["ETag"]}).status_code == 200


def test_more_scopes_cost_no_more_queries(queries: Callable[[str], int], member: Any) -> None:
    make_build()
    few = queries("/codebuild/builds/")
    for region in ("us-east-1", "us-west-2", "eu-north-1"):
        make_scope(region=region)
    assert queries("/codebuild/builds/") == few


@pytest.mark.parametrize("path", ["/", "/health/", "/codebuild/builds/"])
def test_a_page_asks_once_how_everything_fares(signed_in: Client, path: str) -> None:
    """For the mark in the navigation and its foot what fails alone; all where its lines tell it."""
    make_running_pipeline("orders")
    make_build()
    with CaptureQueriesContext(connection) as asked:
        assert signed_in.get(path).status_code == 200
    found = [one["sql"] for one in asked.captured_queries]
    found = [sql for sql in found if 'ORDER BY "mirror_operation"' in sql]
    whole = ['"health" IN' not in sql for sql in found]
    assert whole == [path == "/health/"]


@pytest.mark.parametrize("paused", [False, True])
def test_what_is_troubled_is_told_alike_by_those_who_read_all_and_what_fails_alone(
    paused: bool,
) -> None:
    scope = make_scope()
    make_scope(region="us-east-1")
    calls = [(one.kind, call) for one in REGISTER.of("aws") for call in one.calls]
    long_ago = now() - timedelta(days=1)
    for place, (health, (kind, call)) in enumerate(zip(itertools.cycle(Health), calls)):
        Operation.objects.update_or_create(
            scope=scope,
            kind=kind,
            operation=call if place % 5 else "sts:AssumeRole",
            defaults={
                "health": health,
                "last_success": long_ago if place % 3 else None,
                "last_error": long_ago if place % 2 else now(),
            },
        )
    Scope.objects.filter(pk=scope.pk).update(paused=paused)
    scopes = list(Scope.objects.all())
    every = [item for item in kind_health(scopes) if item.troubled]
    assert bool(every) is not paused

    def told(items: Any) -> Any:
        return [(root_of(one), one.scope, one.kind, one.operation, one.sweep) for one in items]

    assert told(kind_troubles(scopes)) == told(every)
    assert [one.failed for one in causes_of(kind_troubles(scopes))] == [
        one.failed for one in causes_of(every)
    ]


def test_being_throttled_is_told_calmly(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    slow = {"health": "throttled", "cure": "Nothing needs to be done."}
    Operation.objects.filter(kind__startswith="codepipeline").update(**slow)
    told = foot(text_of(signed_in, pipeline.get_absolute_url()))
    assert "AWS asks to slow down, so what is new comes later." in told
    assert "st-wait" in told
    assert "st-bad" not in told
    health = text_of(signed_in, "/health/")
    assert '<p class="note st-wait">' in health
    assert "<b>AWS asks to slow down.</b>" in health
    # Something else beside it is not covered up.
    Operation.objects.filter(operation="codepipeline:GetPipelineState").update(health="denied")
    told = foot(text_of(signed_in, pipeline.get_absolute_url()))
    assert "<code>codepipeline:GetPipelineState</code> denied" in told
    assert '<p class="note st-bad">' in text_of(signed_in, "/health/")
