"""Starts the dashboard's programs as people do, in child processes that cannot outlive the test."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urljoin

import psutil
import requests

from tests.servers import free_port

DATABASE = "codestar-dash.sqlite3"
ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")

# How long something may take to show that is only a matter of time, in seconds: a machine that
# runs other tests beside takes several times what it takes alone.
PATIENCE = 240.0

LINK = re.compile(r"Sign in once with: (\S+)")


def until(look: Callable[[], T], seconds: float, what: str, pause: float = 0.1) -> T:
    """Look until there is something to see; AssertionError names what never came."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"after {seconds} s still no {what}: last {found!r}"
        time.sleep(pause)


def environment(data: Path, **more: str) -> dict[str, str]:
    """What a program gets: nothing of the surroundings but what every program needs.

    Credentials are nobody's, and boto3 is kept from looking for any.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "HOME": str(data),
        "CODESTAR_DASH_DATA": str(data),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        **more,
    }


def run(
    data: Path, *arguments: str, seconds: float = 240, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def collect_static() -> None:
    """Have static files ready before two tests start programs that would both gather them."""
    gathered = ROOT / "build" / "static" / "staticfiles.json"
    with Path(tempfile.gettempdir(), f"codestar-dash-static-{os.getuid()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(
            path.stat().st_mtime
            for folder in (ROOT / "static", *(ROOT / "apps").glob("*/static"))
            for path in folder.rglob("*")
        )
        if gathered.exists() and gathered.stat().st_mtime > newest:
            return
        with tempfile.TemporaryDirectory() as data:
            done = run(Path(data), "collectstatic", "--noinput", "-v0", seconds=120)
        assert done.returncode == 0, done.stderr


def migrated() -> Path:
    """A database that has every table and no row, made once for all tests of these migrations."""
    migrations = sorted((ROOT / "apps").glob("*/migrations/*.py"))
    told = hashlib.sha256(b"".join(path.read_bytes() for path in migrations)).hexdigest()[:16]
    place = Path(tempfile.gettempdir(), f"codestar-dash-database-{os.getuid()}-{told}")
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            with tempfile.TemporaryDirectory() as data:
                done = run(Path(data), "migrate", "-v0", seconds=120)
                assert done.returncode == 0, done.stderr
                made = shutil.move(Path(data, DATABASE), place.with_suffix(".new"))
                Path(made).rename(place)
    return place


class Program:
    """A child process whose output is kept in a file, so that a full pipe never stops it."""

    def __init__(self, command: list[str], data: Path, **more: str) -> None:
        self.command, self.data = command, data
        self.environment = environment(data, **more)
        self.log = Path(tempfile.mkstemp(prefix="csd-", suffix=".log")[1])
        self.kept: str | None = None
        self.process: subprocess.Popen[bytes]

    def start(self) -> Self:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    @property
    def output(self) -> str:
        """What it wrote on stdout and stderr so far, or in all."""
        return self.kept if self.kept is not None else self.log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self.process.pid

    def family(self) -> list[psutil.Process]:
        """The process and everything it started."""
        try:
            me = psutil.Process(self.pid)
            return [me, *me.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def wait_for(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str]:
        """Wait until the output matches; AssertionError shows it where the program ended first."""

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.output)
            assert found or self.process.poll() is None, f"it ended:\n{self.output[-4000:]}"
            return found

        try:
            return until(look, seconds, f"line that matches {pattern!r}", 0.05)
        except AssertionError:
            sys.stderr.write(self.output[-4000:])
            raise

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """End it and whatever it left behind; safe to call twice."""
        family = self.family()
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self.kept = self.output
        self.log.unlink(missing_ok=True)
        if error is not None:
            sys.stderr.write(f"--- {' '.join(self.command[1:4])}\n{self.kept[-6000:]}")


class Up(Program):
    """`manage.py up` on a free port.

    first  whether it begins without a database, as on a new machine; else with an empty one, which
           spares each test the ten seconds in which tables are made.
    """

    def __init__(self, data: Path, *, first: bool = False, **more: str) -> None:
        self.port = free_port()
        database = data / DATABASE
        if not first and not database.exists() and "DATABASE_URL" not in more:
            data.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(migrated(), database)
        super().__init__(
            [sys.executable, "manage.py", "up"], data, **{"PORT": str(self.port), **more}
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_it_serves(self, seconds: float = PATIENCE) -> None:
        self.wait_for(rf"CodeStar Dash is at http://127\.0\.0\.1:{self.port}/", seconds)

    @property
    def sandbox_url(self) -> str:
        return self.wait_for(r"Sandbox: a simulated AWS at (\S+)")[1]

    def client(self) -> "Client":
        """Somebody signed in through the one-time link, once the program serves."""
        self.wait_until_it_serves()
        return sign_in(self.url, self.wait_for(LINK.pattern)[1])


class Client(requests.Session):
    """A browser's cookies without its pictures; paths are relative to the dashboard."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.trust_env = False

    def request(self, method: str, url: str, **more: Any) -> requests.Response:  # type: ignore[override]
        return super().request(method, urljoin(self.url, url), **{"timeout": 20, **more})

    def submit(self, path: str, **fields: str) -> requests.Response:
        """Open a page and send its form."""
        self.get(path)
        return self.post(
            path,
            data={"csrfmiddlewaretoken": self.cookies["csrftoken"], **fields},
            headers={"Origin": self.url, "Referer": urljoin(self.url, path)},
        )


def sign_in(url: str, link: str) -> Client:
    """Open a one-time link and press its button, as a browser does."""
    client = Client(url)
    answer = client.submit(link)
    assert answer.status_code == 200, answer.text
    assert [step.status_code for step in answer.history] == [302]
    return client


def items(client: Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """Every item of a list of the API, page by page."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        given = params | ({"cursor": cursor} if cursor else {})
        answer = client.get(f"/api/v1/{path}", params=given)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return found


@contextlib.contextmanager
def temporary_data() -> Iterator[Path]:
    """A data folder for programs that several tests share."""
    with tempfile.TemporaryDirectory(prefix="csd-data-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
