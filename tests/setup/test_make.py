"""The make targets and the CI script: what they pass on, and how they end."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest


@pytest.fixture
def checkout(project_root, tmp_path):
    """The Makefile beside a set-up that has nothing to do and a python that tells what it got."""
    folder = tmp_path / "a checkout"
    (folder / "setup").mkdir(parents=True)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".ci").mkdir()
    shutil.copy(project_root / "Makefile", folder)
    shutil.copy(project_root / ".ci" / "run", folder / ".ci")
    (folder / "screens").mkdir()
    write_program(folder / "setup" / "ensure", 'echo "ensure $1"')
    write_program(folder / "screens" / "install", 'echo "install"')
    return folder


def write_program(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def run(command, folder, **environment):
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        command,
        cwd=folder,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("on_the_command_line", [True, False])
def test_up_passes_its_variables_on(checkout, on_the_command_line):
    write_program(checkout / ".venv" / "bin" / "python", 'echo "$* on $HOST:$PORT with $AWS"')
    asked = {"PORT": "9001", "HOST": "0.0.0.0", "AWS": "real"}
    if on_the_command_line:
        result = run(["make", "up", *(f"{k}={v}" for k, v in asked.items())], checkout)
    else:
        result = run(["make", "up"], checkout, **asked)
    assert result.stdout.splitlines() == [
        "ensure run",
        "manage.py up on 0.0.0.0:9001 with real",
    ]
    assert result.returncode == 0


def test_up_leaves_what_was_not_asked_for_unset(checkout):
    write_program(
        checkout / ".venv" / "bin" / "python", 'echo "${PORT-none} ${HOST-none} ${AWS-none}"'
    )
    assert run(["make", "up"], checkout).stdout.splitlines()[-1] == "none none none"


@pytest.mark.parametrize("target", ["up", "test", "check", "bench", "screenshots", "lighthouse"])
def test_a_failure_is_a_failure_of_make(checkout, target):
    write_program(checkout / ".venv" / "bin" / "python", "exit 3")
    write_program(checkout / "setup" / "check", "exit 3")
    assert run(["make", target], checkout).returncode != 0


@pytest.mark.parametrize("target", ["up", "test", "check", "bench", "screenshots", "lighthouse"])
def test_nothing_runs_after_a_set_up_that_failed(checkout, target):
    write_program(checkout / "setup" / "ensure", "echo npm is missing >&2; exit 1")
    write_program(checkout / ".venv" / "bin" / "python", "echo ran")
    result = run(["make", target], checkout)
    assert result.returncode != 0
    assert "ran" not in result.stdout
    assert result.stderr.splitlines()[0] == "npm is missing"


def test_ctrl_c_reaches_the_program_and_make_waits_for_it(checkout):
    write_program(
        checkout / ".venv" / "bin" / "python",
        "trap 'sleep 0.3; echo tidied; exit 0' INT\n: >started\nwhile :; do sleep 0.05; done",
    )
    make = subprocess.Popen(
        ["make", "up"],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        # In a shell's background job SIGINT is ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 30
        while not (checkout / "started").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(make.pid, signal.SIGINT)  # as a terminal does: to everything in the foreground
        output, _ = make.communicate(timeout=30)
        assert "tidied" in output
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(make.pid, signal.SIGKILL)
        make.wait()


@pytest.mark.parametrize(
    ("check", "test", "status", "closing"),
    [
        (0, 0, 0, ["checks passed", "5 passed, 0 failed"]),
        (1, 0, 1, ["checks FAILED", "5 passed, 0 failed"]),
        (0, 1, 1, ["checks passed", "4 passed, 1 failed"]),
        (1, 1, 1, ["checks FAILED", "4 passed, 1 failed"]),
    ],
)
def test_ci_runs_both_to_their_end_and_closes_with_the_total(
    checkout, check, test, status, closing
):
    write_program(checkout / "setup" / "check", f"exit {check}")
    write_program(
        checkout / ".venv" / "bin" / "python",
        f'mkdir -p .setup; echo "{closing[1]}" | tee .setup/test-summary; exit {test}',
    )
    result = run([checkout / ".ci" / "run"], checkout)
    assert result.returncode == status
    assert result.stdout.splitlines()[-2:] == closing


def test_ci_fails_where_the_tests_never_came_to_a_total(checkout):
    write_program(checkout / "setup" / "check", "exit 0")
    write_program(checkout / ".venv" / "bin" / "python", "exit 0")
    (checkout / ".setup").mkdir()
    (checkout / ".setup" / "test-summary").write_text("9 passed, 0 failed\n")
    result = run([checkout / ".ci" / "run"], checkout)
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == "the tests did not come to an end"


def test_clean_keeps_the_data(checkout):
    for folder in ("var", "build", "node_modules", "static/vendor", "static/house"):
        (checkout / folder).mkdir(parents=True)
    assert run(["make", "clean"], checkout).returncode == 0
    assert sorted(path.name for path in checkout.iterdir() if path.is_dir()) == [
        ".ci",
        "screens",
        "setup",
        "static",
        "var",
    ]
    assert [path.name for path in (checkout / "static").iterdir()] == ["house"]
