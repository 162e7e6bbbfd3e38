"""What a test runs in: a database, servers and a browser of its own, and no outside world."""

import asyncio
import os
import socket

import psycopg
import pytest
import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from pytest_socket import SocketConnectBlockedError

from tests.browser import axe_violations

GOOD_PAGE = "<html lang=en><title>A</title><main><h1>A</h1></main></html>"


@pytest.mark.sql
@pytest.mark.django_db
def test_the_database_is_the_one_this_run_is_for():
    name = str(connection.settings_dict["NAME"])
    if os.environ.get("DATABASE_URL"):
        assert connection.vendor == "postgresql"
        assert name.startswith("test_")
    else:
        assert connection.vendor == "sqlite"
        # A file, as in real life; in memory SQLite has no WAL and other locks.
        assert name.endswith("test.sqlite3")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)


@pytest.mark.redis
def test_the_cache_is_the_one_this_run_is_for(worker_id):
    backend = settings.CACHES["default"]["BACKEND"]
    if settings.REDIS_URL:
        assert backend.endswith("RedisCache")
        number = 1 if worker_id == "master" else 1 + int(worker_id.removeprefix("gw"))
        assert settings.REDIS_URL.endswith(f"/{number}")
    else:
        assert backend.endswith("LocMemCache")
    cache.set("surroundings", worker_id)
    assert cache.get("surroundings") == worker_id


def test_the_outside_world_is_out_of_reach():
    with (
        pytest.warns(UserWarning, match="A test tried to use socket"),
        pytest.raises(SocketConnectBlockedError),
        socket.socket() as client,
    ):
        client.connect(("192.0.2.1", 443))


def test_no_credentials_of_the_person_at_the_keyboard_are_seen():
    seen = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    assert seen["AWS_ACCESS_KEY_ID"] == "testing"
    assert seen.keys() <= {
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SHARED_CREDENTIALS_FILE",
    }


def test_a_test_may_have_a_postgres_and_a_redis_of_its_own(postgres_url, redis_url):
    with psycopg.connect(postgres_url) as fresh:
        tables = fresh.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchone() == (0,)
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


@pytest.mark.django_db
def test_a_browser_test_sees_its_own_rows(page):
    get_user_model().objects.create(username="viewer")
    page.set_content(GOOD_PAGE)
    assert page.title() == "A"
    assert get_user_model().objects.filter(username="viewer").exists()


def test_axe_finds_what_is_wrong_and_nothing_else(page):
    page.set_content(GOOD_PAGE)
    assert axe_violations(page) == []
    page.set_content(GOOD_PAGE.replace(" lang=en", "").replace("<h1>", '<img src="a"><h1>'))
    assert {line.split(" ")[0] for line in axe_violations(page)} == {"html-has-lang", "image-alt"}


async def test_a_coroutine_runs_beside_the_browser():
    """In whatever order they come, playwright's loop is not left on the thread."""
    assert await asyncio.sleep(0, "ran") == "ran"
