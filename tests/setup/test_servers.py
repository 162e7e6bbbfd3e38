"""The tests' own servers: private ones start, work, and leave nothing behind."""

import socket
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from tests import servers


def nothing_listens(url):
    place = urlsplit(url)
    with socket.socket() as client:
        return client.connect_ex((place.hostname, place.port)) != 0


@pytest.fixture
def only_packaged_servers(monkeypatch):
    """As on a machine without Debian's Postgres and Redis: the packages' binaries serve."""
    monkeypatch.setattr(servers, "DEBIAN_POSTGRES", servers.Path("/nowhere"))
    monkeypatch.setattr(servers.shutil, "which", lambda name: None)


def use_postgres(url):
    with servers.database(url) as fresh, psycopg.connect(fresh) as connection:
        connection.execute("CREATE TABLE seen (at timestamptz)")
        assert connection.execute("SELECT count(*) FROM seen").fetchone() == (0,)
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_database WHERE datname = %s", [urlsplit(fresh).path[1:]]
        ).fetchone()
    assert row == (0,)


def test_a_private_postgres_serves_and_is_gone_afterwards():
    with servers.private_postgres() as url:
        use_postgres(url)
    assert nothing_listens(url)


def test_the_packaged_postgres_serves_where_none_is_installed(only_packaged_servers):
    with servers.private_postgres() as url:
        use_postgres(url)
    assert nothing_listens(url)


def test_a_private_redis_serves_and_is_gone_afterwards():
    with servers.private_redis() as url, redis.Redis.from_url(url) as client:
        client.set("seen", 1)
        assert client.get("seen") == b"1"
    assert nothing_listens(url)


def test_the_packaged_redis_serves_where_none_is_installed(only_packaged_servers):
    with servers.private_redis() as url, redis.Redis.from_url(url) as client:
        assert client.ping()
    assert nothing_listens(url)


def test_a_redis_that_was_named_is_used(monkeypatch):
    with servers.private_redis() as url:
        monkeypatch.setenv("TEST_REDIS_URL", f"{url}/3")
        with servers.redis_server() as chosen:
            assert chosen == url


def test_a_postgres_that_was_named_but_does_not_answer_is_an_error(monkeypatch):
    port = servers.free_port()
    monkeypatch.setenv("TEST_DATABASE_URL", f"postgres://postgres@127.0.0.1:{port}/postgres")
    with pytest.raises(psycopg.OperationalError), servers.postgres():
        pass


def test_a_server_that_cannot_start_says_why(tmp_path):
    with (
        pytest.raises(RuntimeError, match="did not start: no such luck"),
        servers._running(
            ["/bin/sh", "-c", "echo no such luck; exit 1"],
            tmp_path,
            lambda: False,
            servers.signal.SIGTERM,
        ),
    ):
        pass
