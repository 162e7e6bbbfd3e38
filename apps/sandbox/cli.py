"""The sandbox's command line: ``manage.py sandbox`` and ``python -m apps.sandbox`` are the same."""

from __future__ import annotations

import argparse
import importlib
import logging
import signal
import sys
import threading
from pathlib import Path

from apps.sandbox import lifeline, scenario
from apps.sandbox.policy import Policy
from apps.sandbox.server import SandboxServer

MISSING_MOTO = (
    "The sandbox needs moto: install the project's sandbox extra "
    "(pip install 'moto==5.2.5' flask flask-cors openapi-spec-validator)."
)
DEFAULT_SPEED = 6.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sandbox's options to a parser."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--port", type=int, default=5700, help="port, 0 picks a free one (default: 5700)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of everything that looks random (default: 1)"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=DEFAULT_SPEED,
        help="virtual seconds per real second; 1 is real time, 0 immediate (default: 6)",
    )
    parser.add_argument(
        "--scenario", default="default", help="default, quiet, empty or bulk:<number of pipelines>"
    )
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE.json",
        help="refuse every action this IAM policy does not allow",
    )
    parser.add_argument(
        "--throttle",
        type=float,
        metavar="RATE",
        help="allow RATE calls a second per account, region and service",
    )
    parser.add_argument(
        "--latency", type=float, metavar="MS", help="answer every call MS milliseconds later"
    )
    parser.add_argument(
        "--deny",
        action="append",
        default=[],
        metavar="SERVICE:OPERATION",
        help="refuse an operation, wildcards allowed (codebuild:List*); may be repeated",
    )
    parser.add_argument(
        "--die-with-parent",
        action="store_true",
        help="stop when standard input closes or the parent process ends",
    )


def main(arguments: list[str] | None = None) -> int:
    """Run with command-line arguments; answers the exit code."""
    parser = argparse.ArgumentParser(
        prog="sandbox", description="A simulated, living AWS account on loopback."
    )
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; answers the exit code.

    What is wrong is said in one line on standard error, with an exit code of 1.
    """
    try:
        server = _server(options)
    except ValueError as error:
        return _complain(str(error))
    logging.basicConfig(level=logging.WARNING, format="sandbox: %(message)s", stream=sys.stderr)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: over.set())
    if options.die_with_parent:
        lifeline.tie_to_parent(over)
    try:
        # Only the sandbox extra brings moto and flask; find out before they are really needed.
        importlib.import_module("moto.moto_server.werkzeug_app")
    except ImportError:
        return _complain(MISSING_MOTO)
    try:
        server.start()
    except OSError as error:
        return _complain(
            f"Cannot listen on {options.host}:{options.port}: {error.strerror or error}."
        )
    print(f"sandbox listening on {server.url}", flush=True)  # noqa: T201
    over.wait()
    server.stop()
    return 0


def _server(options: argparse.Namespace) -> SandboxServer:
    """The server that the options describe, with its faults on; raises ValueError."""
    if options.speed < 0:
        raise ValueError("--speed is 0 or more.")
    if not scenario.is_known(options.scenario):
        raise ValueError(scenario.unknown(options.scenario))
    try:
        policy = Policy.from_file(options.policy).document if options.policy else None
    except (OSError, ValueError) as error:
        raise ValueError(f"The policy {options.policy} cannot be used: {error}") from None
    server = SandboxServer(
        seed=options.seed,
        speed=options.speed,
        scenario=options.scenario,
        host=options.host,
        port=options.port,
        policy=policy,
    )
    if options.throttle is not None:
        server.faults.add("throttle", rate=options.throttle)
    if options.latency is not None:
        server.faults.add("latency", seconds=options.latency / 1000)
    for denied in options.deny:
        service, colon, operation = denied.partition(":")
        if not (service and colon and operation):
            raise ValueError(f"--deny takes SERVICE:OPERATION, not {denied!r}.")
        server.faults.add("deny", service=service, operation=operation)
    return server


def _complain(line: str) -> int:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
    return 1
