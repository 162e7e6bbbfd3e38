"""The sandbox as a process: it says where it listens or what is wrong, and goes when told."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from apps.sandbox import cli
from apps.sandbox.process import SandboxFailedError, SandboxProcess

from .conftest import Aws


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_a_child_serves_a_scenario_and_obeys_its_options(tmp_path):
    policy = tmp_path / "policy.json"
    allowed = {"Effect": "Allow", "Action": ["codepipeline:List*", "codebuild:*"], "Resource": "*"}
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    options = (
        "--scenario",
        "bulk:3",
        "--speed",
        "0",
        "--seed",
        "5",
        "--policy",
        str(policy),
        "--deny",
        "codebuild:ListBuilds",
        "--latency",
        "1",
        "--throttle",
        "500",
    )
    with SandboxProcess(*options) as sandbox:
        aws = Aws(sandbox.url)
        assert len(aws("codepipeline").list_pipelines()["pipelines"]) == 3
        aws("codebuild").list_projects()
        for refused in (aws("codebuild").list_builds, aws("logs").describe_log_groups):
            with pytest.raises(Exception, match="not authorized to perform"):
                refused()
        assert sandbox.control("GET", "")["seed"] == 5
        assert {fault["kind"] for fault in sandbox.control("GET", "faults")["faults"]} == {
            "deny",
            "latency",
            "throttle",
        }
        pid = sandbox.pid
    assert gone(pid)


def test_a_busy_port_is_one_clear_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            SandboxFailedError, match=f"Cannot listen on 127.0.0.1:{port}: Address already in use."
        ) as said:
            SandboxProcess("--port", str(port), "--scenario", "empty").start()
    assert len(str(said.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--policy", "/nowhere.json"), "The policy /nowhere.json cannot be used"),
        (("--deny", "everything"), "--deny takes SERVICE:OPERATION"),
        (("--scenario", "lunch"), "no scenario 'lunch'"),
        (("--speed", "-1"), "--speed is 0 or more"),
    ],
)
def test_wrong_options_are_one_clear_line(options, line, capsys):
    assert cli.main(list(options)) == 1
    said = capsys.readouterr()
    assert line in said.err
    assert (len(said.err.splitlines()), said.out) == (1, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_at_once_with_code_zero(number):
    sandbox = SandboxProcess("--scenario", "empty").start()
    began = time.monotonic()
    os.kill(sandbox.pid, number)
    assert sandbox._child.wait(timeout=10) == 0
    assert time.monotonic() - began < 5
    sandbox._child.communicate()


def test_it_dies_with_its_parent():
    """The parent is killed without a chance to clean up."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time; from apps.sandbox.process import SandboxProcess;"
            "s = SandboxProcess('--scenario', 'empty').start();"
            "print(s.pid, flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(parent.stdout.readline())
    assert not gone(pid)
    parent.kill()
    parent.communicate()
    assert wait_until(lambda: gone(pid))


def test_it_goes_when_its_standard_input_ends():
    sandbox = SandboxProcess("--scenario", "empty").start()
    sandbox._child.stdin.close()
    assert sandbox._child.wait(timeout=10) == 0
    sandbox._child.stdout.close()
    sandbox._child.stderr.close()


def test_manage_py_runs_the_same_sandbox():
    child = subprocess.Popen(
        [
            sys.executable,
            "manage.py",
            "sandbox",
            "--port",
            "0",
            "--scenario",
            "empty",
            "--die-with-parent",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = child.stdout.readline()
        assert line.startswith("sandbox listening on http://127.0.0.1:"), line + child.stderr.read()
        with urllib.request.urlopen(line.split()[-1] + "/_sandbox/", timeout=10) as answer:
            assert json.load(answer)["speed"] == 6
    finally:
        child.terminate()
        child.communicate(timeout=10)


def test_without_moto_it_says_what_to_install():
    code = (
        "import sys; sys.modules['moto'] = None\n"
        "from apps.sandbox.cli import main; sys.exit(main(['--port', '0']))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert said.returncode == 1
    assert said.stderr.startswith("The sandbox needs moto: install")
    assert len(said.stderr.splitlines()) == 1


def test_the_sandbox_needs_neither_django_nor_the_dashboard():
    code = (
        "import sys\n"
        "from apps.sandbox.server import SandboxServer\n"
        "with SandboxServer(scenario='default'): pass\n"
        "print([m for m in sys.modules if m.partition('.')[0] in ('django', 'codestar_dash')\n"
        "       or (m.startswith('apps.') and not m.startswith('apps.sandbox'))])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.strip() == "[]"
