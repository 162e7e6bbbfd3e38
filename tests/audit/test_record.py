"""Who did what is kept as it was told then, in the transaction that did it, and without secrets."""

import logging
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from apps.audit import writing
from apps.audit.models import Outcome, Record
from apps.audit.verbs import VERBS, Verb
from apps.audit.writing import SecretError, record
from tests.factories import make_user

pytestmark = pytest.mark.django_db

STOPPED = Verb("test.stopped", "stopped {what}", icon="octagon-x")


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VERBS.by_name, STOPPED.name, STOPPED)


def test_it_is_told_as_it_was_though_who_did_it_is_gone():
    user = make_user("ada")
    record(STOPPED, who=user, name="Ada Lovelace", what="build shop:1", subject=("project", 3))
    user.delete()
    kept = Record.objects.get()
    assert (kept.who, str(kept)) == (None, "Ada Lovelace: stopped build shop:1")
    assert (kept.subject_kind, kept.subject_id, kept.outcome) == ("project", 3, Outcome.DONE)
    assert kept.icon == "octagon-x"
    assert str(record(STOPPED, what="it")) == "by itself: stopped it"


@pytest.mark.parametrize(
    ("outcome", "told"),
    [("refused", "stopped shop: was refused"), ("failed", "stopped shop: failed")],
)
def test_what_was_not_done_says_so_and_why(outcome: str, told: str):
    kept = record(STOPPED, what="shop", outcome=Outcome(outcome), reason="Access denied")
    assert (kept.told, kept.reason) == (told, "Access denied")


def test_an_outcome_that_is_none_is_refused_by_the_database():
    with pytest.raises(IntegrityError), transaction.atomic():
        Record.objects.create(verb="test.stopped", outcome="perhaps")


def test_hostile_words_are_kept_as_text():
    kept = record(STOPPED, name="{who}" * 60, what="{what} {0} %s <b>" + "x" * 400)
    kept.refresh_from_db()
    assert kept.told.startswith("stopped {what} {0} %s <b>xxx")
    assert (len(kept.what), len(kept.who_name)) == (300, 150)
    assert kept.what.endswith("…")


@pytest.mark.parametrize(
    "detail",
    [
        {"secret_key": "x"},
        {"token": "x"},
        {"given": {"Password": "x"}},
        {"rows": [{"privateKey": "x"}]},
        {"Authorization": "x"},
    ],
)
def test_what_is_called_like_a_secret_is_kept_nowhere(detail: dict[str, Any]):
    with pytest.raises(SecretError):
        record(STOPPED, detail=detail)
    assert not Record.objects.exists()


def test_what_is_undone_is_neither_kept_nor_logged(
    caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
):
    caplog.set_level(logging.INFO, writing.__name__)
    user = make_user("ada")
    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                record(STOPPED, who=user)
                raise RuntimeError("the deed failed")
        except RuntimeError:
            pass
    assert not Record.objects.exists()
    assert not caplog.records
    with django_capture_on_commit_callbacks(execute=True):
        kept = record(STOPPED, who=user, subject=("project", 3))
    [line] = caplog.records
    told = (line.message, line.verb, line.by, line.subject, line.outcome, line.record)
    assert told == ("audit.recorded", "test.stopped", user.pk, "project:3", "done", kept.pk)


def test_the_newest_of_a_subject_are_found_by_an_index():
    plan = Record.objects.about("project", 3).order_by("-at", "-pk")[:50].explain()
    if connection.vendor == "sqlite":
        assert "record_of_subject" in plan
        assert "TEMP B-TREE" not in plan
    plan = Record.objects.about("project").order_by("-at", "-pk")[:50].explain()
    if connection.vendor == "sqlite":
        assert "record_of_kind" in plan
        assert "TEMP B-TREE" not in plan


def test_a_verb_is_declared_once_and_one_that_is_gone_can_be_read():
    with pytest.raises(ValueError, match="declared twice"):
        VERBS.add(STOPPED)
    assert VERBS.of("room.gone").told("x") == "room gone x"
