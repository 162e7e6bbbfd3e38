"""GitHub as its own OpenAPI description has it, served by Prism; cut down to what is called here.

The whole description takes Prism half a minute to read; the calls that are made here, a second.
"""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MODULES = Path(__file__).parents[2] / "node_modules"
DESCRIPTION = MODULES / "@octokit/openapi/generated/api.github.com.json"
PRISM = MODULES / ".bin/prism"
WAIT_SECONDS = 60


def operation_of(operation_id: str) -> str:
    """Return what an operation is called here: "repos/list-for-org" is "github:ReposListForOrg"."""
    return "github:" + "".join(part.capitalize() for part in re.split("[/-]", operation_id))


def described(operations: set[str]) -> dict[str, Any]:
    """Return GitHub's description of these operations alone, with the components they name."""
    whole = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    paths: dict[str, Any] = {}
    for path, verbs in whole["paths"].items():
        kept = {
            verb: told
            for verb, told in verbs.items()
            if isinstance(told, dict) and operation_of(told.get("operationId", "")) in operations
        }
        if kept:
            paths[path] = kept
    paths = _mended(paths)
    components: dict[str, Any] = {}
    ahead = [paths]
    seen: set[str] = set()
    while ahead:
        for name in set(re.findall(r'"#/components/([^"]+)"', json.dumps(ahead.pop()))) - seen:
            seen.add(name)
            group, _, key = name.partition("/")
            components.setdefault(group, {})[key] = whole["components"][group][key]
            ahead.append(components[group][key])
    return {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "paths": paths,
        "components": components,
    }


def _mended(value: Any) -> Any:
    """Let examples that say `value: {$ref}` be what they refer to, as the others are."""
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = value.get("value")
    if isinstance(inner, dict) and str(inner.get("$ref")).startswith("#/components/examples/"):
        return inner
    return {name: _mended(item) for name, item in value.items()}


@contextmanager
def served(description: dict[str, Any], folder: Path) -> Iterator[str]:
    """Serve a description by Prism; yield its address."""
    path = folder / "github.json"
    path.write_text(json.dumps(description), encoding="utf-8")
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
            urllib.request.urlopen(f"http://127.0.0.1:{port}/user", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Prism does not start: {log.read_text(errors='replace')[-2000:]}")
