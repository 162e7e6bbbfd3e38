"""What a load balancer is told."""

import pytest
from django.core.cache import cache
from django.test import Client

from apps.mirror.tasks import tick
from codestar_dash import pulse

pytestmark = [pytest.mark.django_db, pytest.mark.redis]


@pytest.fixture(autouse=True)
def an_old_process(monkeypatch):
    cache.clear()
    monkeypatch.setattr(pulse, "_began", pulse.time.monotonic() - 3600)


def test_a_process_that_answers_lives_and_asks_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Client().get("/healthz").json() == {"status": "ok"}


def test_without_a_tick_for_a_while_it_says_so_and_goes_on_serving_pages():
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["workers"] == "no tick lately"


def test_a_tick_that_ran_anywhere_is_told():
    tick.apply()
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["workers"]) == (200, "ok")


def test_a_tick_that_failed_is_none(monkeypatch):
    monkeypatch.setattr("apps.mirror.tasks.due_sweeps", lambda: 1 / 0)
    tick.apply()
    assert Client().get("/readyz").json()["workers"] == "no tick lately"


def test_a_young_process_is_given_time_for_its_first_tick(monkeypatch):
    monkeypatch.setattr(pulse, "_began", pulse.time.monotonic())
    assert Client().get("/readyz").json()["workers"] == "ok"


def test_a_database_that_is_away_is_not_ready(monkeypatch):
    monkeypatch.setattr("codestar_dash.probes._database", lambda: "unreachable")
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unready")
