"""Addresses that nobody gave out: every list answers its first page, on both databases."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.factories import make_build, make_running_pipeline, make_user


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


PLACES: dict[str, Any] = {
    "infinity": encoded('[Infinity, "a", 1]'),
    "not a number": encoded('[NaN, "a", 1]'),
    "too deep": encoded("[" * 2900),
    "year 1 ahead of UTC": encoded(json.dumps(["0001-01-01T00:00:00+14:00", 1])),
    "year 9999 behind UTC": encoded(json.dumps(["9999-12-31T23:59:59-14:00", 1])),
    "no zone": encoded(json.dumps(["2026-01-01T00:00:00", 1])),
    "a day": encoded(json.dumps(["2026-01-01", 1])),
    "too large a key": encoded(json.dumps(["2026-01-01T00:00:00Z", 2**63])),
    "too large a number": encoded(json.dumps([2**63, "a", 1])),
    "many digits": encoded("[" + "9" * 2800 + ', "a", 1]'),
    "a NUL": encoded(json.dumps([1, "\0", 1])),
    "half a character": encoded('[1, "\\ud800", 1]'),
    "true for one": encoded('[true, "a", true]'),
    "an object": encoded("{}"),
    "nothing": encoded("null"),
    "of yesteryear": '[1,"a",1]',
    "of yesteryear with a time": "0001-01-01T00:00:00+14:00~1",
    "no base64": "é~%",
    "NUL itself": "\0",
    "endless": "A" * 100_000,
}


@pytest.fixture
def viewer(client: Client, db: None) -> Iterator[Client]:
    cache.clear()
    client.force_login(make_user("checkout-developer"))
    # A fault is to be an answer here as it is for browsers.
    client.raise_request_exception = False
    yield client
    # Other tests have rows of the same numbers.
    cache.clear()


@pytest.mark.sql
@pytest.mark.parametrize("after", PLACES.values(), ids=PLACES)
def test_a_place_that_nobody_gave_out_is_the_first_page(viewer: Client, after: str) -> None:
    pipeline, build = make_running_pipeline("orders"), make_build("orders")
    for path, shown in (
        ("/", f"pipeline-row-{pipeline.pk}"),
        (f"/codepipeline/{pipeline.pk}/executions/", f"pipeline-executions-{pipeline.pk}"),
        ("/codebuild/", f"project-row-{build.project_id}"),
        ("/codebuild/builds/", f"build-row-{build.pk}"),
        (f"/codebuild/projects/{build.project_id}/", f"project-builds-{build.project_id}"),
    ):
        answer = viewer.get(path, {"after": after})
        assert answer.status_code == 200, path
        html = answer.content.decode()
        assert shown in html, path
        assert not re.search(r'<a class="btn"[^>]*>(First page|Newest)', html), path


@pytest.mark.sql
@pytest.mark.parametrize("path", ["/", "/codebuild/", "/codebuild/builds/", "/search"])
def test_words_hold_nothing_that_a_database_refuses(viewer: Client, path: str) -> None:
    make_running_pipeline("orders")
    make_build("orders")
    for name in ("q", "state", "account", "region"):
        for words in ("\0", "or\0ders", "\x1b[2J", "a" * 70_000, "%_\\"):
            assert viewer.get(path, {name: words}).status_code == 200, (name, words[:20])
