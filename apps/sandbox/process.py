"""The sandbox as a child process: the same account as SandboxServer, in a process of its own.

It ends with its parent, however the parent ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

_ROOT = Path(__file__).resolve().parents[2]
_READY = "sandbox listening on "


class SandboxFailedError(Exception):
    """The child said what was wrong instead of listening."""


class SandboxProcess:
    """``with SandboxProcess("--scenario", "default") as sandbox: sandbox.url``.

    Arguments are those of the command line; the port is a free one unless ``--port`` is among them.
    """

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments if "--port" in arguments else (*arguments, "--port", "0")
        self.url = ""

    def start(self) -> Self:
        """Start the child and wait until it listens; raises SandboxFailedError when it does not."""
        command = [sys.executable, "-m", "apps.sandbox", "--die-with-parent", *self.arguments]
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line.startswith(_READY):
            _, errors = self._child.communicate(timeout=10)
            raise SandboxFailedError((line + errors).strip())
        self.url = line.removeprefix(_READY).strip()
        return self

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the control path and return its JSON.

        So ``control("POST", "faults", {"kind": "deny"})`` switches a fault on.
        """
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}/_sandbox/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    def stop(self) -> None:
        """End the child and wait for it."""
        self._child.terminate()
        try:
            self._child.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
