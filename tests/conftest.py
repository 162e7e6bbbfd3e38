"""What every test runs in: no outside world, a throw-away database, servers and a browser."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from django.apps import apps
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import TransactionTestCase

from apps.audit.kept import Kept, unguard
from apps.aws.session import called
from apps.live.fragment import FRAGMENT_CACHE
from apps.mirror import tail
from apps.projects.generations import MEMO
from tests import servers
from tests.browser import browser, chromium_and_loop, page

__all__ = ["browser", "chromium_and_loop", "page"]

# Whatever the person at the keyboard may reach, the tests reach nothing of it.
for name in list(os.environ):
    if name.startswith("AWS_") or name.lower() in {"http_proxy", "https_proxy", "all_proxy"}:
        del os.environ[name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "eu-west-1",
}

# Pages link static files by their plain names: the tests need no collected ones.
settings.STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
)
# Every browser of a test has middleware of its own, which would look at each static file first.
settings.WHITENOISE_AUTOREFRESH = True
# How long an example takes is the machine's, on which others run: no test is one of time.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")
# A test's follower of the log of changes must not go on in the next one's database.
tail.IDLE = 0.0
# Django's own permissions, which nothing here asks for, would be made anew after each test that
# commits: half of what emptying the tables takes.
post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")


def _emptied(self: TransactionTestCase) -> None:
    """Empty the tables after a test that committed, those of what is kept too.

    On Postgres that is TRUNCATE, which no trigger of a row sees; on SQLite it is DELETE.
    """
    kept = [one for one in apps.get_models() if issubclass(one, Kept)]
    if connection.vendor != "sqlite" or not any(one.objects.exists() for one in kept):
        _empty(self)
        return
    for one in kept:
        unguard(connection, one)
    # The signal after it puts the guards back.
    _empty(self)


_empty, TransactionTestCase._fixture_teardown = TransactionTestCase._fixture_teardown, _emptied
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_finish() -> None:
    """Look for rubbish less often: it took an eighth of the processor time of pages and sweeps."""
    gc.collect()
    # Modules and collected tests stay to the end.
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite runs from a file, as in real life: WAL, one writer, several threads."""
    default = settings.DATABASES["default"]
    if default["ENGINE"].endswith("sqlite3"):
        folder = tmp_path_factory.mktemp("database")
        default.setdefault("TEST", {})["NAME"] = str(folder / "test.sqlite3")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A Postgres server's URL, for tests that start programs of their own."""
    with servers.postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh Postgres database's URL, dropped after the test."""
    with servers.database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A Redis server's URL without a database number."""
    with servers.redis_server() as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str, worker_id: str) -> Iterator[str]:
    """An empty Redis database's URL, emptied again after the test."""
    # Past those that on_servers.py hands out.
    number = 8 if worker_id == "master" else 8 + int(worker_id.removeprefix("gw"))
    url = servers.with_path(redis_server, str(number))
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture(scope="session", autouse=True)
def _what_is_called() -> None:
    """Asked once a process: not first by a test that puts other kinds into the register."""
    called()


@pytest.fixture(autouse=True)
def _no_pictures_of_other_tests() -> Iterator[None]:
    """Rows of two tests have the same numbers; a picture drawn in one is not shown in the next."""
    MEMO.begin()
    yield
    caches[FRAGMENT_CACHE].clear()


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout that is being tested."""
    return Path(__file__).resolve().parent.parent
