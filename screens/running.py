"""The dashboard that is looked at: on the sandbox, or on states that were made for it."""

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import requests

from tests.servers import free_port
from tests.whole.program import Program, collect_static, run, until

NAME, PASSWORD = "screens", "screens-password-1"
COOKIE = "sessionid"
# After the first sweeps: what they woke is read, and the sandbox's week has gone on.
SETTLED = float(os.environ.get("SETTLED", "45"))
FIRST_SWEEPS = 300


@dataclass
class Dashboard:
    """A running dashboard, who is signed in there, and the paths of what can be looked at."""

    address: str
    cookie: str
    paths: dict[str, str]

    def url(self, path: str) -> str:
        """The whole address of a path."""
        return urljoin(self.address, path)


def sign_in(address: str) -> str:
    """Sign in through the form; return the session's cookie."""
    with requests.Session() as person:
        url = urljoin(address, "accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', person.get(url).text)
        assert token is not None
        form = {"login": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token.group(1)}
        person.post(url, data=form, timeout=30).raise_for_status()
        return str(person.cookies[COOKIE])


def say(text: str) -> None:
    """Tell who waits."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def on_the_sandbox() -> Iterator[Dashboard]:
    """`make up` with a data folder and a port of its own, once the first sweeps are over."""
    collect_static()
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        say("starting the dashboard on the sandbox")
        command = [sys.executable, "manage.py", "up"]
        settings = {"PORT": str(port), "AWS": "sandbox"}
        person = {"DJANGO_SUPERUSER_USERNAME": NAME, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        with Program(command, data, **settings, **person) as program:
            program.wait_for(r"CodeStar Dash is at", FIRST_SWEEPS)
            cookie = sign_in(address)
            say("waiting for the first sweeps")
            until(lambda: _swept(address, cookie), FIRST_SWEEPS, "end of the first sweeps", 2)
            until(lambda: _adopted(address, cookie), FIRST_SWEEPS, "adopted project", 2)
            time.sleep(SETTLED)
            yield Dashboard(address, cookie, _made(data, "screens.things"))


@contextmanager
def on_made_states() -> Iterator[Dashboard]:
    """The pages alone, without workers: nobody reads anew what was made for the pictures."""
    collect_static()
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        say("starting the dashboard on made states")
        done = run(data, "migrate", "-v0", seconds=300)
        assert done.returncode == 0, done.stderr
        paths = _made(data, "screens.states")
        command = [sys.executable, "-m", "uvicorn", "screens.undrawn:application"]
        settings = {"DJANGO_SETTINGS_MODULE": "codestar_dash.settings"}
        with Program([*command, "--port", str(port), "--lifespan", "off"], data, **settings):
            until(lambda: _answers(address), FIRST_SWEEPS, "page of the sign-in", 0.5)
            yield Dashboard(address, sign_in(address), paths)


def _answers(address: str) -> bool:
    """Whether the server is there."""
    try:
        return requests.get(urljoin(address, "accounts/login/"), timeout=10).ok
    except requests.ConnectionError:
        return False


def _swept(address: str, cookie: str) -> bool:
    """Whether pipelines are there and home tells of no first sweep any more."""
    with requests.Session() as person:
        person.cookies.set(COOKIE, cookie)
        pipelines = person.get(urljoin(address, "api/v1/pipelines"), timeout=30).json()
        progress = person.get(urljoin(address, "?part=progress"), timeout=30).text
    return bool(pipelines["items"]) and 'id="progress" hidden' in progress


def _adopted(address: str, cookie: str) -> bool:
    """Whether what hangs together is in projects."""
    with requests.Session() as person:
        person.cookies.set(COOKIE, cookie)
        return bool(person.get(urljoin(address, "api/v1/projects"), timeout=30).json()["items"])


def _made(data: Path, module: str) -> dict[str, str]:
    """Run a module that makes or finds what is looked at, and prints paths by name."""
    settings = {"DJANGO_SETTINGS_MODULE": "codestar_dash.settings"}
    with Program([sys.executable, "-m", module], data, **settings) as program:
        found = program.wait_for(r"(?m)^paths (\{.*\})$")
        paths: dict[str, str] = json.loads(found.group(1))
        return paths
