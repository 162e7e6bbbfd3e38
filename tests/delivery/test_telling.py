"""Telling many things at several sites: what one site refuses keeps nothing from the others."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from apps.delivery import channels, telling
from apps.delivery.models import Telling
from apps.delivery.wanted import note
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS, Failure, Health
from apps.sites.answers import Answer
from apps.sites.failures import QuotaSpentError, SiteError
from tests.delivery.making import run
from tests.delivery.test_results import (  # noqa: F401 - fixtures
    Wire,
    again,
    github,
    pipeline_that_tells,
    wire,
)

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


def test_what_waits_for_a_quota_lets_other_sites_go_first(
    github: Scope,  # noqa: F811
    wire: Wire,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    execution = run(pipeline_that_tells(github=True), 1)
    note([execution.pk])
    assert Telling.objects.count() == 3
    resets = now() + timedelta(minutes=30)
    wire.errors = [QuotaSpentError("The quota is spent", resets)]
    monkeypatch.setattr(wire, "spent", True)
    assert telling.tell() == 0
    assert len(wire.asked) == 1
    assert {row.due_at for row in Telling.objects.all()} == {resets}
    assert not Telling.objects.due().exists()


def test_a_site_that_cannot_be_opened_is_left_alone_for_a_while(
    github: Scope,  # noqa: F811
    wire: Wire,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    execution = run(pipeline_that_tells(github=True), 1)
    note([execution.pk])

    def shut(_scope: Scope) -> Any:
        raise ConnectionError("The app was revoked")

    with monkeypatch.context() as closed:
        closed.setattr(PROVIDERS.get("github"), "open", shut)
        telling.tell()
    rows = list(Telling.objects.all())
    assert all(row.trouble and row.attempts == 0 and not row.given_up for row in rows)
    assert all(row.due_at > now() + timedelta(minutes=4) for row in rows)
    Telling.objects.update(due_at=now())
    assert telling.tell() == 3


def test_what_is_wanted_meanwhile_is_not_given_up_with_what_was(
    github: Scope,  # noqa: F811
    wire: Wire,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    execution = run(pipeline_that_tells(github=True), 1, to="Build", status="InProgress")
    note([execution.pk])

    def refuse(_reach: Any, _row: Telling) -> channels.Told:
        again(execution, state="done", status="Succeeded")
        failure = Failure(health=Health.GONE, message="No such context")
        raise SiteError(Answer(status=404, headers={}, body=None, url=""), failure)

    with monkeypatch.context() as refusing:
        refusing.setitem(channels.CHANNELS, "github.status", refuse)
        assert telling.tell() == 0
    assert not Telling.objects.get().given_up
    assert telling.tell() == 1
    assert wire.asked[-1][2]["state"] == "success"


def test_what_arrives_late_is_told_over_again(
    github: Scope,  # noqa: F811
    wire: Wire,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    """A worker that was held up says "pending" after another said "success"."""
    execution = run(pipeline_that_tells(github=True), 1, to="Build", status="InProgress")
    note([execution.pk])
    tell = channels.CHANNELS["github.status"]

    def held_up(reach: Any, row: Telling) -> channels.Told:
        with monkeypatch.context() as other:
            other.setitem(channels.CHANNELS, "github.status", tell)
            Telling.objects.update(leased_until=now() - timedelta(seconds=1))
            again(execution, state="done", status="Succeeded")
            assert telling.tell() == 1
        return tell(reach, row)

    with monkeypatch.context() as slow:
        slow.setitem(channels.CHANNELS, "github.status", held_up)
        telling.tell()
    assert [body["state"] for _, _, body in wire.asked] == ["success", "pending"]
    assert telling.tell() == 1
    assert wire.asked[-1][2]["state"] == "success"
    assert telling.tell() == 0
