"""Runs the simulated AWS account as a child process that cannot outlive this one."""

import importlib.util
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings

READY = "sandbox listening on "
START_WITHIN = 60


class SandboxError(Exception):
    """Why the sandbox does not run, in one line."""


class SandboxChild:
    """The child: started once, stopped with its parent, however that ends."""

    def __init__(self, on_death: Callable[[str], None]) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._on_death = on_death
        self._stopping = False

    def start(self) -> str:
        """Return the address once it listens. Raises SandboxError.

        Where it ends by itself later, `on_death` gets one line that says so and what to do.
        """
        check_settings()
        command = [
            sys.executable,
            "-m",
            "apps.sandbox",
            "--port",
            str(settings.SANDBOX_PORT),
            "--seed",
            str(settings.SANDBOX_SEED),
            "--scenario",
            settings.SANDBOX_SCENARIO,
            "--die-with-parent",
        ]
        if settings.SANDBOX_SPEED is not None:
            command += ["--speed", str(settings.SANDBOX_SPEED)]
        if settings.SANDBOX_POLICY:
            # The child runs in the project's folder, wherever this was started.
            command += ["--policy", str(Path(settings.SANDBOX_POLICY).absolute())]
        # The child's credentials are nobody's: not even by mistake may it reach a real account.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            cwd=Path(settings.BASE_DIR),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        killer = threading.Timer(START_WITHIN, self._process.kill)
        killer.start()
        try:
            line = self._process.stdout.readline()
            while line and not line.startswith(READY):
                line = self._process.stdout.readline()
        finally:
            killer.cancel()
        if not line:
            _, errors = self._process.communicate()
            said = [error for error in errors.splitlines() if error.strip()]
            reason = f" ({said[-1].strip().rstrip('.')})" if said else ""
            raise SandboxError(
                f"The sandbox did not start{reason}. AWS=none starts the dashboard without it."
            )
        for stream, passed_on in ((self._process.stdout, None), (self._process.stderr, sys.stderr)):
            threading.Thread(
                target=_drain, args=(stream, passed_on), daemon=True, name="sandbox-output"
            ).start()
        threading.Thread(
            target=self._watch, args=(self._process,), daemon=True, name="sandbox-watch"
        ).start()
        return line.removeprefix(READY).strip()

    def _watch(self, process: "subprocess.Popen[str]") -> None:
        status = process.wait()
        if not self._stopping:
            how = f"by signal {-status}" if status < 0 else f"with exit code {status}"
            self._on_death(
                f"The sandbox ended {how}. Pages keep what it showed; nothing of it moves any "
                "more. Stop and start again for a new one."
            )

    def stop(self) -> None:
        """End the child; kills it where it does not end by itself in two seconds."""
        self._stopping = True
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(2)


def check_settings() -> None:
    """Raise SandboxError, with what to do, where the child could not start so."""
    if importlib.util.find_spec("moto") is None:
        raise SandboxError(
            "The sandbox needs the extra packages of requirements/sandbox.txt: "
            "use make up, or start with AWS=real or AWS=none."
        )
    if settings.SANDBOX_PORT:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", settings.SANDBOX_PORT))
            except OSError as error:
                raise SandboxError(
                    f"SANDBOX_PORT={settings.SANDBOX_PORT} cannot be used ({error.strerror}). "
                    "Choose another, or leave it out for a free one."
                ) from None
    if settings.SANDBOX_POLICY:
        try:
            Path(settings.SANDBOX_POLICY).read_bytes()
        except OSError as error:
            raise SandboxError(
                f"SANDBOX_POLICY={settings.SANDBOX_POLICY} cannot be read ({error.strerror}). "
                "Name a file with an IAM policy, or leave it out to deny nothing."
            ) from None


def _drain(stream: Any, passed_on: TextIO | None) -> None:
    for line in stream:
        if passed_on is not None:
            passed_on.write(line)
