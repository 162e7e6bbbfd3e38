import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.dashboard import views
from tests.factories import make_build, make_execution, make_pipeline

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


def found(client: Client, words: str, **headers: str) -> str:
    answer = client.get("/search", {"q": words}, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    assert client.get("/search?q=orders")["Location"].startswith("/accounts/login/")


def test_pipelines_are_found_by_words_of_their_name(signed_in: Client) -> None:
    pipeline = make_pipeline("orders-api-production")
    make_pipeline("mailer")
    html = found(signed_in, "prod orders")
    assert pipeline.get_absolute_url() in html
    assert "mailer" not in html


def test_executions_are_found_by_id_sha_and_message(signed_in: Client) -> None:
    execution = make_execution(
        make_pipeline("orders"), summary="Retry idempotent charge", revision_id="abc1234" + "0" * 33
    )
    for words in (execution.key, execution.key[:8], "abc1234", "ABC1234", "idempotent charge"):
        assert execution.get_absolute_url() in found(signed_in, words), words


def test_builds_are_found_by_id_uuid_and_sha(signed_in: Client) -> None:
    build = make_build("orders-build", resolved_source_version="fedcba9" + "1" * 33)
    uuid = build.key.partition(":")[2]
    for words in (build.key, uuid, uuid[:10], "fedcba9", "orders-build"):
        assert build.get_absolute_url() in found(signed_in, words), words


def test_htmx_gets_the_list_alone_and_others_the_page(signed_in: Client) -> None:
    make_pipeline("orders")
    quick = found(signed_in, "orders", **{"hx-request": "true"})
    assert "<html" not in quick
    assert "All that was found" in quick
    assert "<html" in found(signed_in, "orders")


@pytest.mark.parametrize("words", ["", " ", "x", "%", "a" * 5000, "' OR 1=1 --"])
def test_odd_words_find_nothing_and_break_nothing(signed_in: Client, words: str) -> None:
    make_execution(make_pipeline("orders"))
    assert "/codepipeline/executions/" not in found(signed_in, words)


def test_characters_that_databases_refuse_are_left_out(signed_in: Client) -> None:
    pipeline = make_pipeline("orders")
    assert pipeline.get_absolute_url() in found(signed_in, "\x00ord\x1bers")
    assert signed_in.get("/", {"q": "\x00", "account": "\x00"}).status_code == 200


def test_what_is_asked_for_is_shown_as_text(signed_in: Client) -> None:
    assert "<script>alert" not in found(signed_in, "<script>alert(1)</script>")


def test_a_page_of_finds_that_is_full_says_so(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MANY", 2)
    pipeline = make_pipeline("orders")
    for number in range(2):
        make_execution(pipeline, summary=f"Retry charge {number}")
    assert "narrow" not in found(signed_in, "charge")
    make_execution(pipeline, summary="Retry charge once more")
    html = found(signed_in, "charge")
    assert html.count("<li><a href") == 2
    assert "The 2 newest are shown; more words narrow them." in html
    for name in ("orders-a", "orders-b"):
        make_pipeline(name)
    assert "The first 2 are shown; more words narrow them." in found(signed_in, "orders")


def test_one_character_is_told_from_how_many_on_searching_begins(signed_in: Client) -> None:
    make_pipeline("xylophone")
    for words in ("x", " x ", "x\x00"):
        html = found(signed_in, words)
        assert "Found for" not in html
        assert "searching begins at 2 characters" in html
        quick = found(signed_in, words, **{"hx-request": "true"})
        assert "Searching begins at 2 characters." in quick
    assert "Found for" in found(signed_in, "xy")
    assert "Enter 2 characters or more" in found(signed_in, " ")


@pytest.mark.parametrize("words", ["a " * 100, "%_" * 100, "\\" * 200, '"' * 200, "é" * 200])
def test_hostile_words_cost_what_others_do(signed_in: Client, words: str) -> None:
    make_execution(make_pipeline("orders"))
    with CaptureQueriesContext(connection) as plain:
        found(signed_in, "orders")
    with CaptureQueriesContext(connection) as hostile:
        found(signed_in, words)
    assert len(hostile) <= len(plain)


def test_of_many_that_match_few_are_shown(signed_in: Client) -> None:
    for number in range(views.MANY + 5):
        make_pipeline(f"orders-{number:02d}")
    html = found(signed_in, "orders")
    assert len(set(re.findall(r'href="(/codepipeline/\d+/)"', html))) == views.MANY
    assert "more words narrow them" in html
