import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.mirror.models import Operation, Scope
from apps.mirror.resource import REGISTER
from tests.factories import make_scope

pytestmark = pytest.mark.django_db
STATEMENT = {"Effect": "Allow", "Action": ["codepipeline:GetPipelineState"], "Resource": "*"}


def page(client: Client) -> str:
    return client.get("/health/").content.decode()


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    assert client.get("/health/")["Location"].startswith("/accounts/login/")


def test_a_denied_operation_shows_its_error_its_cure_and_the_statement(signed_in: Client) -> None:
    scope = make_scope()
    Operation.objects.filter(scope=scope, operation="codepipeline:GetPipelineState").update(
        health="denied",
        code="AccessDeniedException",
        error="not authorized <b>at all</b>",
        cure="Allow it in the role's policy.",
        statement=STATEMENT,
    )
    html = page(signed_in)
    assert "Stages: Denied at <code>codepipeline:GetPipelineState</code>" in html
    assert "not authorized &lt;b&gt;at all&lt;/b&gt;" in html
    assert "Allow it in the role&#x27;s policy." in html
    assert "&quot;codepipeline:GetPipelineState&quot;" in html
    assert "<b>1 kind</b> cannot be read as they should" in html


def test_trouble_comes_first(signed_in: Client) -> None:
    make_scope("111122223333", "eu-west-1")
    broken = make_scope("444455556666", "us-east-1")
    Operation.objects.filter(scope=broken).update(health="credentials")
    html = page(signed_in)
    order = re.findall(r'<section class="card sec" id="scope-(\d+)"', html)
    assert order[0] == str(broken.pk)


def test_a_paused_scope_is_shown_as_such_and_is_no_trouble(signed_in: Client) -> None:
    scope = make_scope()
    Operation.objects.update(health="denied")
    Scope.objects.update(enabled=False, paused=True)
    html = page(signed_in)
    assert f'id="scope-{scope.pk}"' in html
    assert '<span class="chip">Paused</span>' in html
    assert "cannot be read as they should" not in html


def test_a_region_without_the_service_is_a_fact_and_no_trouble(signed_in: Client) -> None:
    make_scope()
    Operation.objects.update(health="not_opted_in", last_success=None)
    html = page(signed_in)
    assert "Region not opted in" in html
    assert "Everything that is swept can be read." in html


def test_a_region_that_was_read_before_and_is_no_more_is_trouble(signed_in: Client) -> None:
    make_scope()
    Operation.objects.update(health="not_opted_in", last_success=now() - timedelta(days=1))
    html = page(signed_in)
    assert "cannot be read as they should" in html
    assert "Everything that is swept can be read." not in html


def test_it_says_whether_events_arrive(signed_in: Client) -> None:
    make_scope()
    assert "No events arrive" in page(signed_in)
    Scope.objects.update(events_at=now() - timedelta(minutes=1))
    assert "Events arrive from the account and region" in page(signed_in)


def test_nothing_swept_teaches(signed_in: Client) -> None:
    assert "Nothing is swept yet" in page(signed_in)


def test_more_scopes_cost_no_more_queries(queries: Callable[[str], int]) -> None:
    make_scope()
    few = queries("/health/")
    for region in ("us-east-1", "us-west-2", "eu-north-1", "ap-south-1"):
        make_scope(region=region)
    assert queries("/health/") == few


def test_the_part_that_refreshes_itself_is_the_part_of_the_page(signed_in: Client) -> None:
    make_scope()
    part = signed_in.get("/health/?part=scopes").content.decode().strip()
    assert part.startswith('<div id="scopes" data-refetch="/health/?part=scopes"')
    assert part in page(signed_in)


def test_each_operation_says_when_it_failed_last(signed_in: Client) -> None:
    make_scope()
    at = now() - timedelta(minutes=7)
    denied = Operation.objects.filter(operation="codepipeline:GetPipelineState")
    denied.update(health="denied", last_error=at)
    assert f'failed <time datetime="{at:%Y-%m-%dT%H:%M:%S}Z"' in page(signed_in)


def test_without_events_it_tells_how_often_it_asks(signed_in: Client) -> None:
    make_scope()
    assert REGISTER.get("codebuild.build").cadence.cold == timedelta(minutes=1)
    assert REGISTER.get("codebuild.project").cadence.cold == timedelta(minutes=5)
    told = "What runs shows within a minute, an edited build project within five."
    assert told in page(signed_in)
