"""A vendor's API as its own description has it, served by Prism; and a reach that is held to it.

Prism refuses what the description does not know, and answers with its examples. What it lets pass,
parameters that are not described, `Held` refuses.
"""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.sites.reach import Reach

from .vendors import Described, operations

PRISM = Path(__file__).parents[1] / "node_modules/.bin/prism"
WAIT_SECONDS = 60


@dataclass(frozen=True)
class Called:
    """One way to call an operation."""

    verb: str
    path: re.Pattern[str]
    parameters: frozenset[str]


def calls(described: Described) -> dict[str, list[Called]]:
    """Return how each operation that is described is called, by its id."""
    found: dict[str, list[Called]] = {}
    for path, verb, told in operations(described):
        template = re.sub(r"\\\{\w+\\\}", ".+", re.escape(path))
        listed = [*described["paths"][path].get("parameters", []), *told.get("parameters", [])]
        names = {_parameter(described, one)["name"] for one in listed if _in_query(described, one)}
        called = Called(verb.upper(), re.compile(template), frozenset(names))
        found.setdefault(told["operationId"], []).append(called)
    return found


def _parameter(described: Described, told: Described) -> Described:
    name = told.get("$ref")
    return described["components"]["parameters"][name.rpartition("/")[2]] if name else told


def _in_query(described: Described, told: Described) -> bool:
    return bool(_parameter(described, told)["in"] == "query")


class NotDescribedError(AssertionError):
    """A call that the vendor's description does not have so, or that Prism refused."""


@dataclass(kw_only=True)
class Held(Reach):
    """A reach whose calls must be those that are described, and succeed.

    known  operation, as we call it → how it may be called.
    made   the operations that were called.
    """

    known: Mapping[str, list[Called]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    def _sent(
        self,
        operation: str,
        verb: str,
        url: str,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any,
    ) -> Any:
        path = url.removeprefix(self.base_url).partition("?")[0]
        fitting = [
            one
            for one in self.known.get(operation, ())
            if one.verb == verb and one.path.fullmatch(path)
        ]
        if not fitting:
            raise NotDescribedError(f"{operation} is not called by {verb} {path}")
        strangers = set(params).difference(*(one.parameters for one in fitting))
        if strangers:
            raise NotDescribedError(f"{operation} knows no {', '.join(sorted(strangers))}")
        answer = super()._sent(operation, verb, url, params, headers, body)
        if answer.status >= 300:
            raise NotDescribedError(f"{operation} {verb} {path}: {answer.status} {answer.body}")
        self.made.add(operation)
        return answer


@contextmanager
def served(described: Described, folder: Path) -> Iterator[str]:
    """Serve a description by Prism; yield its address."""
    path = folder / "described.json"
    path.write_text(json.dumps(described), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "prism.log").open("wb") as log:
        process = subprocess.Popen(
            [PRISM, "mock", "--host", "127.0.0.1", "--port", str(port), str(path)],
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(process, port, folder / "prism.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Prism does not start: {log.read_text(errors='replace')[-2000:]}")
