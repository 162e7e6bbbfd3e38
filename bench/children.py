"""Child processes of measurements, each with a data folder and a database of its own."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.result import Result, read
from tests import servers
from tests.whole.program import ROOT, environment


@contextlib.contextmanager
def database(vendor: str) -> Iterator[dict[str, str]]:
    """Settings of an empty database, gone when the block ends."""
    if vendor == "sqlite":
        yield {}
        return
    with servers.postgres() as server, servers.database(server) as url:
        yield {"DATABASE_URL": url}


def results_of(module: str, *arguments: str, **settings: str) -> list[Result]:
    """Run a measurement to its end and return what it told."""
    with tempfile.TemporaryDirectory(prefix="csd-bench-") as data:
        child = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=environment(Path(data), **settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    found = [result for line in child.stdout.splitlines() if (result := read(line))]
    if child.returncode != 0 or not found:
        raise RuntimeError(f"{module} {' '.join(arguments)} ended with {child.returncode}")
    return found


class Asked:
    """A child that measures whenever it is asked, by a line on its stdin."""

    def __init__(self, module: str, *arguments: str, **settings: str) -> None:
        self._data = tempfile.TemporaryDirectory(prefix="csd-bench-", ignore_cleanup_errors=True)
        self._child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=environment(Path(self._data.name), **settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if line.strip() != "ready":
            raise RuntimeError(f"a measurement did not begin: {line!r}")

    def ask(self, what: str) -> float:
        """Seconds."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(f"{what}{os.linesep}")
        self._child.stdin.flush()
        return float(json.loads(self._child.stdout.readline()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.communicate()
        self._data.cleanup()
