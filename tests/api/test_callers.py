"""Who may read the API, and JSON whatever goes wrong."""

import hashlib
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils.timezone import now

from apps.api.models import ApiToken
from apps.mirror.models import Scope
from tests.api.conftest import Program, make_pipeline

pytestmark = pytest.mark.django_db

PATHS = ["pipelines", "pipelines/1", "executions/x", "builds", "scopes", "rows", "openapi.json"]


def _make(*args: str) -> str:
    out = StringIO()
    call_command("api_token", *args, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_token_alone_and_it_opens_the_api(user: Any) -> None:
    token = _make("wallboard", "--user", "release-manager")
    assert token.count("\n") == 1
    assert Program(token.strip()).json("pipelines") == {"items": [], "next_cursor": None}


def test_no_column_holds_the_token(token: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM api_apitoken")
        kept = repr(cursor.fetchall())
    assert token not in kept
    assert token[16:] not in kept
    assert hashlib.sha256(token.encode()).hexdigest() in kept


def test_an_unknown_user_is_told_what_to_do(db: None) -> None:
    with pytest.raises(CommandError, match=r"No user is named nobody\. Make one with"):
        _make("wallboard", "--user", "nobody")


def test_a_token_needs_somebody_whose_rights_it_has(db: None) -> None:
    with pytest.raises(CommandError, match="--user USER"):
        _make("wallboard")


def test_a_name_that_is_taken_needs_replace_and_the_old_token_stops(user: Any, token: str) -> None:
    with pytest.raises(CommandError, match="add --replace"):
        _make("wallboard", "--user", "release-manager")
    Program(token).json("pipelines")
    new = _make("wallboard", "--user", "release-manager", "--replace").strip()
    Program(new).json("pipelines")
    Program(token).json("pipelines", status=401)


def test_a_revoked_token_opens_nothing_and_frees_its_name(user: Any, token: str) -> None:
    call_command("api_token", "wallboard", "--revoke", stderr=StringIO())
    Program(token).json("pipelines", status=401)
    Program(_make("wallboard", "--user", "release-manager").strip()).json("pipelines")
    with pytest.raises(CommandError, match=r"No token is named other\. Known: wallboard"):
        call_command("api_token", "other", "--revoke")


def test_a_token_of_somebody_switched_off_opens_nothing(user: Any, token: str) -> None:
    get_user_model().objects.update(is_active=False)
    Program(token).json("pipelines", status=401)
    with pytest.raises(CommandError, match="switched off"):
        _make("other", "--user", "release-manager")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic cmVsZWFzZS1tYW5hZ2VyOng=", "Bearer \x7f"],
)
def test_without_a_valid_token_everything_is_401_as_json(
    scope: Scope, path: str, header: str
) -> None:
    make_pipeline(scope)
    response = Client(headers={"Authorization": header} if header else {}).get(f"/api/v1/{path}")
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorized"
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert b"shop" not in response.content


def test_a_stranger_learns_of_no_address_and_no_method(db: None) -> None:
    assert Client().get("/api/nothing").status_code == 401
    assert Client().post("/api/v1/pipelines").status_code == 401


def test_a_signed_in_browser_may_read_from_our_own_pages(user: Any) -> None:
    browser = Client()
    browser.force_login(user)
    assert browser.get("/api/v1/pipelines").status_code == 200
    for site, status in (("same-origin", 200), ("none", 200), ("cross-site", 401)):
        response = browser.get("/api/v1/pipelines", headers={"Sec-Fetch-Site": site})
        assert response.status_code == status, site
    assert browser.post("/api/v1/pipelines").status_code == 401


def test_a_wrong_token_is_refused_even_from_a_signed_in_browser(user: Any) -> None:
    browser = Client()
    browser.force_login(user)
    response = browser.get("/api/v1/pipelines", headers={"Authorization": "Bearer wrong"})
    assert response.status_code == 401


def test_its_last_use_is_noted_at_most_once_a_minute(
    program: Program, django_assert_num_queries: Any
) -> None:
    program.json("pipelines")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    # The token, what is put aside, whether its user reads everything, the pipelines.
    with django_assert_num_queries(4):
        program.json("pipelines")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=now() - timedelta(seconds=61))
    program.json("pipelines")
    assert ApiToken.objects.get().last_used_at >= first


@pytest.mark.parametrize(
    "path",
    ["/api/", "/api/v1/", "/api/v1", "/api/v2/pipelines", "/api/v1/pipelines/x", "/api/v1/x"],
)
def test_an_address_that_does_not_exist_is_404_as_json(program: Program, path: str) -> None:
    response = program.get(path)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written(program: Program, method: str) -> None:
    response = getattr(program, method)("/api/v1/pipelines")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert response["Allow"] == "GET"


def test_a_mistake_of_ours_is_500_as_json_and_tells_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("apps.api.pipelines.page_of", broken)
    response = program.get("/api/v1/pipelines")
    assert response.status_code == 500
    assert response.json()["code"] == "failed"
    assert b"hunter2" not in response.content
    assert "api.failed" in [record.message for record in caplog.records]


@pytest.mark.parametrize("path", ["/api/v1/pipelines", "/api/v1/openapi.json", "/api/nothing"])
def test_a_database_that_is_away_is_500_as_json(
    program: Program, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any) -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr("apps.api.callers._by_token", away)
    response = program.get(path)
    assert response.status_code == 500
    assert response.json()["code"] == "failed"


def test_an_answer_may_be_kept_and_asked_about(program: Program, scope: Scope) -> None:
    make_pipeline(scope)
    response = program.get("/api/v1/pipelines")
    assert response["Cache-Control"] == "private, no-cache"
    assert "Authorization" in response["Vary"]
    same = program.get("/api/v1/pipelines", headers={"If-None-Match": response["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    make_pipeline(scope, "other")
    other = program.get("/api/v1/pipelines", headers={"If-None-Match": response["ETag"]})
    assert other.status_code == 200
