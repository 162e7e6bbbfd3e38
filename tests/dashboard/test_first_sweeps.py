"""What pages say while nothing was read yet, and where nothing can be."""

from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.mirror.health import kind_health
from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.resource import REGISTER
from tests.factories import make_running_pipeline, make_scope, make_user

pytestmark = pytest.mark.django_db
WHO = "sts:GetCallerIdentity"


def text_of(client: Client, path: str = "/") -> str:
    return client.get(path).content.decode()


def waiting_scope(region: str = "eu-west-1", label: str = "production", **more: Any) -> Scope:
    """A scope that waits for its account's number."""
    scope = make_scope(region=region, first_swept_at=None)
    Scope.objects.filter(pk=scope.pk).update(enabled=False, label=label, account="", **more)
    scope.refresh_from_db()
    return scope


def blocked_by(scope: Scope, health: str = "unreachable", **more: str) -> None:
    told = {
        "error": 'Could not connect to the endpoint URL: "https://aws.example.com/"',
        "cure": "Check that this machine reaches the endpoint.",
        **more,
    }
    for resource in REGISTER.of("aws"):
        Operation.objects.create(
            scope=scope,
            kind=resource.kind,
            operation=WHO,
            health=health,
            last_error=now(),
            **told,
        )


@pytest.mark.parametrize("health", ["unreachable", "failing", "credentials", "denied"])
def test_a_scope_that_cannot_begin_is_no_first_sweep_whatever_keeps_it(
    signed_in: Client, health: str
) -> None:
    blocked_by(waiting_scope(), health)
    html = text_of(signed_in)
    assert "Reading AWS for the first time" not in html
    assert "waits its turn" not in html


def test_one_bad_account_does_not_keep_a_panel_above_the_pipelines_of_others(
    signed_in: Client,
) -> None:
    make_running_pipeline("orders")
    blocked_by(waiting_scope("us-east-1", "second"))
    html = text_of(signed_in)
    assert "Reading AWS for the first time" not in html
    assert "AWS cannot be read" not in html


def test_where_others_are_read_an_account_that_cannot_begin_is_one_line(signed_in: Client) -> None:
    make_scope("444455556666", "us-east-1", first_swept_at=None)
    blocked_by(waiting_scope("eu-west-1", "second"))
    blocked_by(waiting_scope("us-west-2", "second"))
    html = text_of(signed_in, "/?part=progress")
    assert html.count("second cannot be read:") == 1
    assert "How to cure it" in html
    kinds = len(REGISTER.of("aws"))
    assert f"0 of {kinds} kinds are in" in html


def test_many_kinds_that_wait_are_one_line_for_each_scope(signed_in: Client) -> None:
    make_scope("111122223333", "eu-west-1", first_swept_at=None)
    make_scope("444455556666", "us-east-1", first_swept_at=None)
    html = text_of(signed_in, "/?part=progress")
    kinds = len(REGISTER.of("aws"))
    assert html.count(f"{kinds} kinds wait<") == 2
    assert html.count("<li>") == 2


def test_an_account_that_is_being_asked_says_so_instead_of_waiting_its_turn(
    signed_in: Client,
) -> None:
    waiting_scope()
    html = text_of(signed_in, "/?part=progress")
    assert "being identified" in html
    assert "waits its turn" not in html


def test_home_says_that_aws_cannot_be_read_and_why_where_nothing_was_read(client: Client) -> None:
    scope = waiting_scope(label="Credentials of this machine")
    blocked_by(scope, "credentials", error="Unable to locate credentials", cure="Set AWS_PROFILE.")
    client.force_login(make_user("release-manager", staff=True))
    html = text_of(client)
    assert "<h2>AWS cannot be read</h2>" in html
    assert "Unable to locate credentials <b>Cure:</b> Set AWS_PROFILE." in html
    assert "No pipelines in the connected accounts" not in html
    assert 'href="/aws/accounts/">' in html


def test_a_kind_that_is_denied_first_does_not_end_the_first_sweep_of_the_others(
    signed_in: Client,
) -> None:
    scope = make_scope(first_swept_at=None)
    Operation.objects.create(
        scope=scope, kind="codebuild.project", operation="codebuild:ListProjects", health="denied"
    )
    assert "Reading AWS for the first time" in text_of(signed_in)


@pytest.mark.parametrize("health", ["failing", "unreachable", "credentials"])
def test_a_scope_with_a_number_that_cannot_be_opened_is_blocked_too(
    signed_in: Client, health: str
) -> None:
    blocked_by(make_scope(first_swept_at=None), health)
    html = text_of(signed_in)
    assert "Reading AWS for the first time" not in html
    assert "<h2>AWS cannot be read</h2>" in html


def test_where_all_was_tried_and_denied_home_does_not_say_that_there_is_no_pipeline(
    signed_in: Client,
) -> None:
    make_scope()
    Sweep.objects.update(last_success=None)
    Operation.objects.update(
        health="denied", last_success=None, error="is not authorized", cure="Allow it."
    )
    html = text_of(signed_in)
    assert "<h2>AWS cannot be read</h2>" in html
    assert "is not authorized <b>Cure:</b> Allow it." in html


def test_the_last_line_tells_one_cause_once_of_what_was_read_before(signed_in: Client) -> None:
    scope = make_scope()
    Operation.objects.filter(scope=scope).update(last_success=None, health="not_tried")
    blocked_by(scope)
    html = text_of(signed_in)
    assert "not all of it" not in html
    assert "Check that this machine reaches the endpoint." in html


def test_the_last_line_tells_one_cause_once(signed_in: Client) -> None:
    blocked_by(waiting_scope())
    html = text_of(signed_in)
    assert "not all of it" not in html
    assert "Check that this machine reaches the endpoint." in html


# --- Health -------------------------------------------------------------------------------------


def test_health_is_not_green_while_nothing_was_read(signed_in: Client) -> None:
    waiting_scope()
    html = text_of(signed_in, "/health/")
    assert "Everything that is swept can be read." not in html
    assert "Nothing was read yet of 1 account and region." in html
    assert 'class="note st-idle"' in html
    assert "read not read yet" not in html.partition("<footer")[0]


def test_health_says_of_how_many_nothing_was_read_where_others_were(signed_in: Client) -> None:
    make_scope("444455556666", "us-east-1")
    waiting_scope()
    html = text_of(signed_in, "/health/")
    assert "Nothing was read yet of 1 of 2 accounts and regions." in html


def test_health_counts_causes_and_tells_each_once(signed_in: Client) -> None:
    scope = waiting_scope()
    blocked_by(scope)
    kinds = len(REGISTER.of("aws"))
    html = text_of(signed_in, "/health/")
    assert f"<b>1 cause</b> keeps <b>{kinds} kinds</b> from being read" in html
    assert (
        html.count(f'<p class="strong">Nothing can be read: Unreachable at <code>{WHO}</code>') == 1
    )


def test_one_cause_in_two_regions_of_an_account_is_one(signed_in: Client) -> None:
    for region in ("eu-west-1", "us-east-1"):
        blocked_by(waiting_scope(region))
    kinds = 2 * len(REGISTER.of("aws"))
    assert f"<b>1 cause</b> keeps <b>{kinds} kinds</b>" in text_of(signed_in, "/health/")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("NoCredentialsError", "No credentials"),
        ("AnotherAccount", "Another account"),
        ("ConnectedTwice", "Connected twice"),
        ("InvalidClientTokenId", "Credentials refused"),
    ],
)
def test_health_says_refused_only_where_something_was_refused(
    signed_in: Client, code: str, word: str
) -> None:
    blocked_by(waiting_scope(), "credentials", code=code)
    html = text_of(signed_in, "/health/")
    assert f"Nothing can be read: {word} at" in html
    assert ("Credentials refused" in html) == (code == "InvalidClientTokenId")


def test_what_kept_a_kind_from_being_begun_is_past_once_it_was_read() -> None:
    scope = make_scope()
    blocked_by(scope)
    assert all(kind.operation == WHO for kind in kind_health([scope]))
    Sweep.objects.update(last_success=now())
    assert not any(kind.troubled for kind in kind_health([scope]))
