"""Webhooks: signed over the raw body, taken once, hints alone; everything else is refused alike."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from apps.mirror.models import Hint, Scope
from apps.mirror.sealed import reveal
from apps.sites.connect import pause, rotate_webhook_secret
from apps.sites.hooks import MOST_BYTES
from apps.sites.models import Delivery, Site
from apps.sites.purge import announce, forget_deliveries
from tests.flown import queued  # noqa: F401 - nothing runs by itself
from tests.sites.people import jira_site

pytestmark = pytest.mark.django_db
BODY = {"webhookEvent": "jira:issue_updated", "issue": {"id": "10012", "key": "SHOP-12"}}


@pytest.fixture
def site() -> Site:
    made = jira_site()
    made.refresh_from_db()
    return made


def sent(site: Site, body: Any = BODY, **how: Any) -> Any:
    """Post a webhook as Jira does; `how` names what is different."""
    raw = how.get("raw", json.dumps(body).encode())
    secret = how.get("secret", reveal(site.webhook_secret))
    sign = hmac.new(secret.encode(), how.get("signed", raw), hashlib.sha256).hexdigest()
    headers = {
        "X-Hub-Signature": how.get("signature", f"sha256={sign}"),
        "X-Atlassian-Webhook-Identifier": how.get("delivery", "8a4f2c"),
    }
    path = how.get("path", reverse("hook", args=["jira", site.pk]))
    browser = Client(enforce_csrf_checks=True)
    return browser.post(path, raw, content_type="application/json", headers=headers)


def test_a_signed_body_is_taken_and_names_what_to_read_again(site):
    response = sent(site)
    assert (response.status_code, response.content) == (202, b"Taken.\n")
    hint = Hint.objects.get()
    assert (hint.kind, hint.row_key, hint.scope_id) == ("jira.issue", "SHOP-12", site.scope_id)
    scope = Scope.objects.get(pk=site.scope_id)
    assert scope.last_event_at is not None
    assert scope.heard_at is not None


def test_a_moved_issue_is_named_by_both_of_its_keys(site):
    moved = {"items": [{"field": "Key", "fromString": "OLD-3", "toString": "SHOP-12"}]}
    sent(site, {**BODY, "changelog": moved})
    assert sorted(Hint.objects.values_list("row_key", flat=True)) == ["OLD-3", "SHOP-12"]


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "another"},
        {"secret": ""},
        {"signature": ""},
        {"signature": "sha256="},
        {"signature": "sha1=abc"},
        {"signature": "sha256=ü"},
        {"signed": b"{}"},
        {"path": "/hooks/jira/999999/"},
        {"path": "/hooks/gitea/1/"},
    ],
)
def test_what_that_site_did_not_sign_is_refused_as_what_is_not_there(site, how):
    response = sent(site, **how)
    assert (response.status_code, response.content) == (404, b"There is nothing here.\n")
    assert not Hint.objects.exists()
    assert not Delivery.objects.exists()


def test_the_signature_is_over_the_raw_body(site):
    spaced = json.dumps(BODY, indent=3).encode()
    assert sent(site, raw=spaced).status_code == 202


@pytest.mark.parametrize("how", [{}, {"delivery": "8a4f2d"}, {"delivery": ""}])
def test_a_replay_is_refused_whatever_id_it_is_given(site, how):
    """The body is signed; the delivery's id is not."""
    assert sent(site).status_code == 202
    Hint.objects.all().delete()
    assert sent(site, **how).status_code == 409
    assert not Hint.objects.exists()
    assert sent(site, {**BODY, "timestamp": 1764400000001}).status_code == 202
    # Of another site it is another delivery.
    other = jira_site(name="Other")
    other.refresh_from_db()
    assert sent(other).status_code == 202


def test_deliveries_are_forgotten_when_nobody_sends_them_again(site):
    sent(site)
    Delivery.objects.update(at=now() - timedelta(days=8))
    sent(site, {**BODY, "timestamp": 1})
    kept = Delivery.objects.latest("pk")
    assert forget_deliveries() == 1
    assert list(Delivery.objects.all()) == [kept]


@pytest.mark.parametrize("raw", [b"", b"no json", b"[]", b"7", b"payload=%7B%7D", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(site, raw):
    assert sent(site, raw=raw).status_code == 400


def test_a_body_is_read_as_far_as_makes_sense(site):
    assert sent(site, raw=b" " * (MOST_BYTES + 1)).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"webhookEvent": "jira:version_released"},
        {"webhookEvent": 7},
        {"webhookEvent": "jira:issue_updated"},
        {"webhookEvent": "jira:issue_updated", "issue": {"key": None}},
        {"webhookEvent": "jira:issue_updated", "issue": {"key": {"a": 1}}},
        {"webhookEvent": "jira:issue_updated", "issue": {"key": "A\x00B-1"}},
    ],
)
def test_what_names_nothing_harms_nothing(site, body):
    assert sent(site, body).status_code == 202


def test_a_rotated_secret_refuses_what_the_old_one_signed(site):
    old = reveal(site.webhook_secret)
    fresh = rotate_webhook_secret(site, by="administrator")
    assert sent(site, secret=old).status_code == 404
    assert sent(site, secret=fresh).status_code == 202


def test_a_paused_site_takes_its_webhooks_and_hints_nothing(site):
    pause(site, by="administrator")
    assert sent(site).status_code == 202
    assert not Hint.objects.exists()


def test_a_removed_site_is_not_there_any_more(site):
    announce(site, by="administrator")
    assert sent(site).status_code == 404


def test_nothing_but_a_post_is_taken(site):
    path = reverse("hook", args=["jira", site.pk])
    for method in ("get", "put", "delete", "head"):
        assert getattr(Client(), method)(path).status_code == 405
