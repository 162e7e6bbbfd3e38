"""Starts everything in one process: checks, migrations, first sign-in, AWS, worker, web server."""

import asyncio
import errno
import fcntl
import logging
import os
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection

from . import environment as env
from .embedded import EmbeddedCelery
from .logs import redact
from .memory import few_arenas
from .sandbox import SandboxChild, SandboxError, check_settings

log = logging.getLogger(__name__)
Say = Callable[[str], None]

GRACE = 2


class StartError(Exception):
    """A reason not to start, in one line that says what to do."""


def run_everything(say: Say) -> None:
    """Start, serve until a signal, stop everything within ten seconds.

    Raises StartError, and SystemExit where worker or beat ended by themselves.
    """
    few_arenas()
    died = threading.Event()
    told: list[int] = []

    def go_on() -> None:
        # Python ignores what is raised in a finaliser or a callback: a signal may be lost there.
        if signal.SIGINT in told:
            raise KeyboardInterrupt
        if told:
            raise SystemExit(1 if died.is_set() else 0)

    def end(number: int, _frame: object) -> None:
        told.append(number)
        go_on()

    def die(line: str) -> None:
        died.set()
        say(line)
        os.kill(os.getpid(), signal.SIGTERM)

    # uvicorn raises the signal once more when it has stopped; the rest must still be put away then.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    check_folder(Path(settings.DATA_DIR))
    claimed = claim_folder(Path(settings.DATA_DIR))
    listening = take_port(settings.HOST, settings.PORT)
    # What can be refused at once is, before a minute may go into making tables.
    check_redis()
    check_aws()
    prepare_database()
    prepare_static()
    base_url = site_url(listening.getsockname()[1])
    tell_where(claimed, base_url)
    sandbox = SandboxChild(on_death=say)
    celery = EmbeddedCelery(on_death=die)
    try:
        go_on()
        connect_aws(sandbox, say, f"http://127.0.0.1:{listening.getsockname()[1]}")
        go_on()
        celery.start()
        go_on()
        # Not before all is up: a start that fails would have printed a link to nowhere.
        first_sign_in(base_url, say)
        go_on()
        serve(listening, base_url, say)
    finally:
        celery.stop()
        sandbox.stop()
        claimed.close()
        say("Stopped.")


def site_url(port: int) -> str:
    """Return the address people open, where this process listens on `port`."""
    host = "127.0.0.1" if settings.HOST in ("0.0.0.0", "::", "") else settings.HOST  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return settings.SITE_URL.rstrip("/") or f"http://{host}:{port}"


def check_folder(folder: Path) -> None:
    """Raise StartError where the data folder cannot be written."""
    try:
        # Passwords' hashes and sessions are in it.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"The data folder {folder} cannot be written ({error.strerror}). "
            "Make it writable or set CODESTAR_DASH_DATA to another folder."
        ) from None


def claim_folder(folder: Path) -> IO[str]:
    """Return the file whose lock this process holds until it ends, however it ends.

    StartError where another has it: a second one would point the accounts at its own sandbox, and
    take the first one's leases from it.
    """
    try:
        lock = (folder / "running").open("a+")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().partition("\n")[0].strip()
        lock.close()
        raise StartError(
            f"A dashboard runs in {folder} already (process {owner or 'unknown'}). Stop it first, "
            "or set CODESTAR_DASH_DATA to another folder."
        ) from None
    except OSError as error:
        raise StartError(
            f"The data folder {folder} cannot be locked ({error.strerror}). "
            "Set CODESTAR_DASH_DATA to a folder on a local disk."
        ) from None
    tell_where(lock, "")
    return lock


def tell_where(lock: IO[str], base_url: str) -> None:
    """Write beside our process's number where we are reached; see `apps.people.accounts`."""
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n{base_url}\n")
    lock.flush()


def take_port(host: str, port: int) -> socket.socket:
    """Return a listening socket; StartError where somebody else has the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # At once, or a second start could still take the port before we serve.
        listening.listen(128)
    except OSError as error:
        listening.close()
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise StartError(
                f"HOST={host} is no address of this machine ({error.strerror}). "
                "Use one that is, or leave it out: make up HOST=127.0.0.1"
            ) from None
        raise StartError(
            f"Port {port} on {host} cannot be used ({error.strerror}). "
            "Stop what listens there, or start with another one: make up PORT=8001"
        ) from None
    listening.set_inheritable(False)
    return listening


def prepare_database() -> None:
    """Bring the database to this release; StartError where it cannot be opened or is broken."""
    where = settings.DATABASES["default"]["NAME"]
    try:
        if connection.vendor == "sqlite":
            keep_to_ourselves(Path(where))
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA quick_check(1)")
                found = cursor.fetchone()
            if found != ("ok",):
                raise StartError(
                    f"The database {where} is damaged ({found[0]}). Restore a copy, or move the "
                    "file away to begin with an empty one."
                )
        call_command("migrate", verbosity=0, interactive=False)
    except (OperationalError, DatabaseError, sqlite3.Error) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        if connection.vendor == "sqlite":
            raise StartError(
                f"The database {where} cannot be used ({reason}). Check the file; a broken one can "
                "be moved away to begin with an empty one."
            ) from None
        raise StartError(
            f"The database of DATABASE_URL cannot be used ({redact(reason)}). Start it, or correct "
            "DATABASE_URL; without it everything is kept in a SQLite file."
        ) from None


def keep_to_ourselves(file: Path) -> None:
    """Let nobody else on this machine read the database; SQLite's other files follow its mode."""
    try:
        file.touch(mode=0o600)
        file.chmod(0o600)
    except OSError as error:
        # Somebody else's file, or a file system without modes: whether it works, SQLite says.
        log.warning("database.mode", extra={"file": str(file), "error": error.strerror})


def check_redis() -> None:
    """Raise StartError where a Redis is set and does not answer."""
    if not settings.REDIS_URL:
        return
    import redis

    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5).ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise StartError(
            f"The Redis of REDIS_URL cannot be used ({redact(str(error))}). "
            "Start it, correct REDIS_URL, or leave it unset to run without Redis."
        ) from None


def check_aws() -> None:
    """Raise StartError where what AWS= asks for cannot be connected, as far as settings tell."""
    from apps.aws.failures import EndpointRefusedError

    from .connecting import UnknownRegionError, ambient_endpoint, ambient_regions

    try:
        match settings.AWS_MODE:
            case "sandbox":
                check_settings()
            case "real":
                ambient_regions()
                ambient_endpoint()
    except EndpointRefusedError as error:
        raise StartError(f"AWS_ENDPOINT_URL cannot be used. {error}") from None
    except (SandboxError, UnknownRegionError) as error:
        raise StartError(str(error)) from None


def prepare_static() -> None:
    """Gather static files where `make` has not done so."""
    root = Path(settings.STATIC_ROOT)
    if not (root / "staticfiles.json").exists():
        call_command("collectstatic", verbosity=0, interactive=False)


def first_sign_in(base_url: str, say: Say) -> None:
    """Make the first administrator, with the name and password of DJANGO_SUPERUSER_* if given.

    Whoever has no password and never came in gets a one-time link.
    """
    from django.contrib.auth import get_user_model

    from apps.people.accounts import make_sign_in_link

    users = get_user_model().objects
    name = env.text("DJANGO_SUPERUSER_USERNAME")
    password = env.text("DJANGO_SUPERUSER_PASSWORD")
    email = env.text("DJANGO_SUPERUSER_EMAIL")
    if name and password:
        if not users.filter(username=name).exists():
            users.create_superuser(name, email, password)
            say(f"Made the administrator {name}.")
        return
    known = users.filter(username=name) if name else users.filter(is_superuser=True, is_active=True)
    administrator = known.order_by("pk").first()
    if administrator is None:
        administrator = users.create_superuser(name or "admin", email, None)
        say(f"Made the administrator {administrator.username}.")
    if administrator.last_login is None and administrator.is_active:
        say(f"Sign in once with: {make_sign_in_link(administrator, base_url)}")


def connect_aws(sandbox: SandboxChild, say: Say, ours: str) -> None:
    """Connect what AWS= asks for; accounts and sites connected on the pages stay as they are.

    ours  where the sandbox finds us.
    """
    from apps.aws.places import AlreadyConnectedError

    from .connecting import (
        ask_anew,
        connect_ambient,
        connect_sandbox,
        disconnect_ambient,
        disconnect_sandbox,
        finish_removals,
        release_leases,
    )
    from .own_sites import connect_sites, disconnect_sites

    if not settings.REDIS_URL:
        release_leases()
    finish_removals()
    try:
        match settings.AWS_MODE:
            case "sandbox":
                url = sandbox.start()
                disconnect_ambient()
                connect_sandbox(url)
                connect_sites(url, ours)
                say(f"Sandbox: a simulated AWS at {url}")
            case "real":
                disconnect_sandbox()
                disconnect_sites()
                connect_ambient()
            case _:
                disconnect_sandbox()
                disconnect_sites()
                disconnect_ambient()
        ask_anew()
    except (SandboxError, AlreadyConnectedError) as error:
        raise StartError(str(error)) from None


class StreamClosingServer(uvicorn.Server):
    """Ends open streams by itself when it is told to stop, so that nobody waits for them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving; pages see their stream end and try again until we are back."""
        from apps.mirror.tail import TAIL

        TAIL.close()
        await super().shutdown(sockets)


def serve(listening: socket.socket, base_url: str, say: Say) -> None:
    """Serve until SIGINT or SIGTERM; open streams are cut after two seconds."""
    config = uvicorn.Config(
        "codestar_dash.asgi:application",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        server_header=False,
        proxy_headers=settings.HTTPS,
    )
    server = StreamClosingServer(config)

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        if server.started:
            say(f"CodeStar Dash is at {base_url}/ (Ctrl-C stops it)")
        await serving

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        log.info("stopping")
