import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.resource import REGISTER
from tests.factories import make_scope
from tests.issues.making import make_site

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
    assert "from being read as they should" in html
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


# --- One statement for each cause -----------------------------------------------------------------


def notes(html: str) -> list[str]:
    """What the notes of the page's cards say first."""
    return re.findall(
        r'<div class="sec-body tight">\s*<div class="note[^>]*>.*?<p class="strong">(.*?)</p>',
        html,
        re.S,
    )


def deny(scope: Scope, operation: str, message: str = "") -> None:
    Operation.objects.filter(scope=scope, operation=operation).update(
        health="denied",
        code="AccessDeniedException",
        error=message or f"not authorized to perform {operation}",
        cure=f"Allow {operation} to the credentials of this account.",
        statement={"Effect": "Allow", "Action": [operation], "Resource": "*"},
    )


def test_what_the_policy_lacks_is_one_cause_with_one_statement(signed_in: Client) -> None:
    scope = make_scope()
    lacking = ["codebuild:ListProjects", "codebuild:ListBuilds", "codedeploy:ListDeployments"]
    for operation in lacking:
        deny(scope, operation)
    html = page(signed_in)
    assert notes(html) == ["The policy lacks these 3 actions"]
    assert html.count("Allow these actions to the credentials of this account.") == 1
    statement = re.search(r'aria-label="IAM statement">(.*?)</pre>', html, re.S)
    assert statement is not None
    assert all(f"&quot;{operation}&quot;" in statement[1] for operation in lacking)
    assert re.search(r"<b>codedeploy</b>.*<code[^>]*>ListDeployments</code>", html)


def test_refused_credentials_are_told_once_whatever_each_service_calls_it(
    signed_in: Client,
) -> None:
    scope = make_scope()
    for number, row in enumerate(Operation.objects.filter(scope=scope)):
        row.health, row.code, row.cure = "credentials", "ExpiredToken", "Give new ones."
        row.error = f"expired, says service {number}"
        row.save()
    html = page(signed_in)
    (told,) = notes(html)
    assert told.startswith("Nothing can be read: Credentials refused")
    assert html.count("Give new ones.") == 1


def test_denials_that_are_lifted_by_others_are_told_apart(signed_in: Client) -> None:
    scope = make_scope()
    deny(scope, "codebuild:ListProjects")
    forbidden = ("codedeploy:ListDeployments", "ecs:ListClusters")
    for operation in forbidden:
        Operation.objects.filter(scope=scope, operation=operation).update(
            health="denied",
            code="AccessDeniedException",
            cure=f"A service control policy forbids {operation}. Ask the organisation.",
        )
    told = notes(page(signed_in))
    assert len(told) == 2
    assert any("Build projects: Denied at" in one for one in told)
    assert any("at 2 operations" in one for one in told)


def test_throttles_are_one_cause_and_come_after_what_is_denied(signed_in: Client) -> None:
    scope = make_scope()
    for operation, code in (
        ("codepipeline:ListPipelines", "ThrottlingException"),
        ("elbv2:DescribeTargetHealth", "Throttling"),
    ):
        Operation.objects.filter(scope=scope, operation=operation).update(
            health="throttled", code=code, cure="Wait."
        )
    deny(scope, "ecs:ListClusters")
    denied, throttled = notes(page(signed_in))
    assert "Denied at" in denied
    assert throttled == "2 kinds: Throttled at 2 operations"


def test_failures_that_say_different_things_are_different_causes(signed_in: Client) -> None:
    scope = make_scope()
    for operation in ("codebuild:ListProjects", "ecs:ListClusters"):
        Operation.objects.filter(scope=scope, operation=operation).update(
            health="failing", code="InternalFailure", error=f"{operation} broke"
        )
    assert len(notes(page(signed_in))) == 2


# --- Why a list is empty --------------------------------------------------------------------------


def empty(client: Client, path: str = "/codedeploy/") -> str:
    found = re.search(r'<div class="empty.*?</section>', client.get(path).content.decode(), re.S)
    assert found is not None
    return found[0]


def test_only_where_all_was_read_there_are_none(signed_in: Client) -> None:
    make_scope()
    assert "No deployment yet" in empty(signed_in)


def test_an_empty_list_says_what_is_denied_and_its_cure(signed_in: Client) -> None:
    scope = make_scope()
    deny(scope, "codedeploy:ListDeployments")
    html = empty(signed_in)
    assert "No deployment yet" not in html
    assert "Cannot be read: denied" in html
    assert "Allow codedeploy:ListDeployments to the credentials of this account." in html
    assert f'href="/health/#scope-{scope.pk}"' in html


def test_where_another_region_was_read_it_says_so(signed_in: Client) -> None:
    make_scope()
    deny(make_scope(region="us-east-1"), "codedeploy:ListDeployments")
    html = empty(signed_in)
    assert "Not everything can be read" in html
    assert "Where it was read, there is none." in html


@pytest.mark.parametrize(
    ("health", "words"),
    [
        ("unsupported", "Not offered here"),
        ("failing", "Cannot be read: failing"),
        ("throttled", "Cannot be read: throttled"),
        ("credentials", "Cannot be read: credentials refused"),
    ],
)
def test_an_empty_list_says_each_other_reason(signed_in: Client, health: str, words: str) -> None:
    make_scope()
    Operation.objects.filter(kind="codedeploy.deployment").update(health=health)
    assert words in empty(signed_in)


def test_an_empty_list_that_was_not_read_yet_says_so(signed_in: Client) -> None:
    make_scope(first_swept_at=None)
    assert "Not read yet" in empty(signed_in)


def test_what_waits_for_its_parents_is_told_by_their_trouble(signed_in: Client) -> None:
    scope = make_scope()
    Sweep.objects.filter(kind__startswith="ecs.").update(last_success=None)
    Operation.objects.filter(kind="ecs.service").delete()
    deny(scope, "ecs:ListClusters")
    assert "<code>ecs:ListClusters</code>" in empty(signed_in, "/ecs/")


def test_without_an_account_an_empty_list_says_that(signed_in: Client) -> None:
    assert "No AWS account is connected" in empty(signed_in)


@pytest.mark.parametrize("kind", [r.kind for r in REGISTER if r.listed])
def test_every_list_tells_why_it_is_empty(signed_in: Client, kind: str) -> None:
    resource = REGISTER.get(kind)
    scope = make_scope() if resource.provider == "aws" else make_site(resource.provider)
    Sweep.objects.filter(kind=kind).update(last_success=None)
    deny(scope, resource.calls[0])
    assert 'class="empty unread"' in empty(signed_in, reverse(resource.listed))


def test_an_unreachable_network_is_cured_once_and_not_once_for_each_service(
    signed_in: Client,
) -> None:
    make_scope()
    for row in Operation.objects.all():
        service = row.operation.partition(":")[0]
        row.health, row.code = "unreachable", "EndpointConnectionError"
        row.cure = f"Check the network, and that {service} exists in the region."
        row.save()
    html = page(signed_in)
    assert html.count("<b>Cure:</b>") == 1
    assert "that each of these services exists in the region" in html


def test_of_one_service_the_cure_names_it(signed_in: Client) -> None:
    make_scope()
    Operation.objects.filter(kind="codebuild.build").update(
        health="unreachable",
        code="EndpointConnectionError",
        cure="Check the network, and that codebuild exists in the region.",
    )
    assert "that codebuild exists in the region" in page(signed_in)
