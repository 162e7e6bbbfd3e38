"""The applications that templates begin with: their own tests pass, they run, and they answer."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from apps.wizard.blueprints.register import BLUEPRINTS, EC2, Blueprint
from apps.wizard.blueprints.rendering import mode_of, render

from .cases import answers

EVERY = pytest.mark.parametrize("blueprint", BLUEPRINTS.values(), ids=list(BLUEPRINTS))
NODE = shutil.which("node") or "node"
# How each is started on a team's machine, as its README says.
LOCALLY = {
    "beanstalk-node-service": [NODE, "src/server.mjs", "0"],
    "beanstalk-python-app": [sys.executable, "local.py", "--port", "0"],
    "ec2-python-app": [sys.executable, "local.py", "--port", "0"],
    "lambda-node-app": [NODE, "src/local.mjs", "0"],
    "lambda-python-service": [sys.executable, "-m", "service.local", "--port", "0"],
}
RUNNING = pytest.mark.parametrize("name", sorted(LOCALLY))
HOOKS = {"ApplicationStop", "BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"}


def written(blueprint: Blueprint, folder: Path) -> Path:
    """Write a repository as a team will have it."""
    for name, content in render(blueprint, answers(blueprint)).files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode_of(name))
    return folder


def alone() -> dict[str, str]:
    """Return an environment in which nothing of this project is known."""
    environment = {"PATH": os.environ["PATH"], "PROJECT": "shop-web", "LANG": "C.UTF-8"}
    return environment | {"PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def running(name: str, folder: Path) -> Iterator[str]:
    """Run an application in a repository; its address."""
    with subprocess.Popen(
        LOCALLY[name], cwd=folder, env=alone(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def ask(url: str, body: object = None, *, form: str = "") -> tuple[int, dict[str, str], str]:
    data = form.encode() if form else json.dumps(body).encode() if body is not None else None
    try:
        with urlopen(Request(url, data=data), timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except HTTPError as refused:
        return refused.code, dict(refused.headers), refused.read().decode()


@EVERY
def test_an_applications_own_tests_pass(blueprint, tmp_path):
    node = blueprint.language == "Node.js"
    command = [NODE, "--test"] if node else [sys.executable, "-m", "unittest", "-v"]
    done = subprocess.run(
        command,
        cwd=written(blueprint, tmp_path),
        env=alone(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    count = re.search(r"# pass (\d+)" if node else r"Ran (\d+) tests", said)
    assert count is not None
    assert int(count[1]) >= 10, said


@RUNNING
def test_an_application_says_that_it_is_well_and_refuses_what_is_not_there(name, tmp_path):
    with running(name, written(BLUEPRINTS[name], tmp_path)) as url:
        status, headers, body = ask(f"{url}/health")
        assert (status, json.loads(body)["status"]) == (200, "ok")
        assert json.loads(body)["project"] == "shop-web"
        assert {key.lower(): value for key, value in headers.items()}["x-content-type-options"]
        assert ask(f"{url}/nowhere")[0] == 404


def test_the_parcel_service_quotes(tmp_path):
    name = "lambda-python-service"
    with running(name, written(BLUEPRINTS[name], tmp_path)) as url:
        parcel = {"weight_kg": 1, "length_cm": 9, "width_cm": 9, "height_cm": 9, "zone": "world"}
        assert json.loads(ask(f"{url}/quotes", parcel)[2])["price"] == "24.00"
        assert ask(f"{url}/quotes", {**parcel, "zone": "moon"})[0] == 422


def test_the_reading_page_measures(tmp_path):
    name = "lambda-node-app"
    with running(name, written(BLUEPRINTS[name], tmp_path)) as url:
        assert "<form" in ask(f"{url}/")[2]
        status, _, body = ask(f"{url}/", form="text=One+two.")
        assert status == 200
        assert "<dd>2</dd>" in body


def test_the_meeting_page_shows_times(tmp_path):
    name = "beanstalk-python-app"
    with running(name, written(BLUEPRINTS[name], tmp_path)) as url:
        status, _, body = ask(f"{url}/?at=2026-03-02T15:00&zone=Europe/Berlin")
        assert status == 200
        assert "Mon 02 Mar, 14:00" in body


def test_the_service_of_working_days_counts(tmp_path):
    name = "beanstalk-node-service"
    with running(name, written(BLUEPRINTS[name], tmp_path)) as url:
        march = {"from": "2026-03-01", "to": "2026-03-31"}
        assert json.loads(ask(f"{url}/working-days/between", march)[2])["working"] == 22


@EVERY
def test_scripts_are_shell(blueprint, tmp_path):
    scripts = sorted(written(blueprint, tmp_path).rglob("*.sh"))
    assert bool(scripts) == (blueprint.target != "lambda")
    for script in scripts:
        text = script.read_text()
        assert text.startswith("#!/bin/bash\n# ")
        assert "\nset -eu\n" in text
        done = subprocess.run(["bash", "-n", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@EVERY
def test_the_builds_own_commands_are_shell(blueprint, tmp_path):
    buildspec = yaml.safe_load((written(blueprint, tmp_path) / "buildspec.yml").read_text())
    commands = [one for phase in buildspec["phases"].values() for one in phase["commands"]]
    assert commands
    for command in commands:
        done = subprocess.run(["sh", "-n", "-c", command], capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)


@EVERY
def test_a_build_tests_reports_caches_and_hands_on_what_there_is(blueprint, tmp_path):
    folder = written(blueprint, tmp_path)
    buildspec = yaml.safe_load((folder / "buildspec.yml").read_text())
    assert str(buildspec["version"]) == "0.2"
    assert set(buildspec["phases"]["install"]["runtime-versions"]) <= {"python", "nodejs"}
    report = buildspec["reports"]["tests"]
    assert report["file-format"] == "JUNITXML"
    where = f"{report['base-directory']}/{report['files'][0]}"
    tested = " ".join(buildspec["phases"]["pre_build"]["commands"])
    assert f"{where}" in tested
    assert buildspec["cache"]["paths"]
    made_by_the_build = {"packaged.yml", "wheels/**/*"}
    for pattern in set(buildspec["artifacts"]["files"]) - made_by_the_build:
        assert list(folder.glob(pattern.removesuffix("/**/*"))), pattern


@pytest.mark.parametrize(
    "blueprint", [one for one in BLUEPRINTS.values() if one.target == EC2], ids=lambda one: one.id
)
def test_every_lifecycle_hook_has_its_script_and_the_build_hands_it_on(blueprint, tmp_path):
    folder = written(blueprint, tmp_path)
    appspec = yaml.safe_load((folder / "appspec.yml").read_text())
    artifacts = yaml.safe_load((folder / "buildspec.yml").read_text())["artifacts"]["files"]
    assert set(appspec["hooks"]) == HOOKS
    assert {"appspec.yml", "scripts/**/*", "deploy/**/*"} <= set(artifacts)
    for (hook,) in appspec["hooks"].values():
        assert os.access(folder / hook["location"], os.X_OK)
        assert 0 < hook["timeout"] <= 300
        assert hook["runas"] == "root"


@EVERY
def test_what_is_installed_is_pinned(blueprint, tmp_path):
    for path in written(blueprint, tmp_path).glob("requirements*.txt"):
        for line in path.read_text().splitlines():
            assert line.startswith("#") or re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line), line


@EVERY
def test_a_readme_tells_of_files_that_are_there(blueprint, tmp_path):
    folder = written(blueprint, tmp_path)
    told = re.findall(r"^\| `([^`]+)`", (folder / "README.md").read_text(), re.MULTILINE)
    files = [path for path in told if not path.startswith(("GET ", "POST "))]
    assert "toolchain.yml" in files
    for path in files:
        assert (folder / path).exists(), path


@EVERY
def test_application_and_toolchain_agree_on_runtimes(blueprint, tmp_path):
    folder = written(blueprint, tmp_path)
    buildspec = yaml.safe_load((folder / "buildspec.yml").read_text())
    ((language, version),) = buildspec["phases"]["install"]["runtime-versions"].items()
    words = {"python": "Python", "nodejs": "Node.js"}
    if blueprint.runs is not None:
        assert blueprint.runs.runs == f"{words[language]} {version}"
    if (folder / "template.yml").exists():
        runtime = {"python": f"python{version}", "nodejs": f"nodejs{version}.x"}[language]
        assert f"Runtime: {runtime}\n" in (folder / "template.yml").read_text()
    install = folder / "scripts" / "before_install.sh"
    if install.exists() and "python3" in install.read_text():
        assert f"python{version}" in install.read_text()
