"""CodeDeploy's hook scripts, run in order and again, with stand-ins for a machine's programs."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from apps.wizard.blueprints.register import BLUEPRINTS, EC2
from apps.wizard.blueprints.rendering import mode_of, render

from .cases import answers

ON_EC2 = pytest.mark.parametrize(
    "blueprint", [one for one in BLUEPRINTS.values() if one.target == EC2], ids=lambda one: one.id
)
# The order in which CodeDeploy runs them, before and after it copies the files.
# https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
BEFORE = ("ApplicationStop", "BeforeInstall")
AFTER = ("AfterInstall", "ApplicationStart", "ValidateService")
REAL = ("bash", "chmod", "cp", "install", "ln", "mkdir", "mv", "readlink", "rm", "cat")
STAND_INS = {
    "dnf": 'echo "dnf $*" >>"$SAID"',
    "nginx": 'echo "nginx $*" >>"$SAID"',
    "systemctl": 'echo "systemctl $*" >>"$SAID"',
    "curl": 'echo "curl $*" >>"$SAID"; [ ! -e "$NO_ANSWER" ]',
    "sleep": "exit 0",
    # python3.13 -m venv venv
    "python3.13": 'mkdir -p "$3/bin" && cp "$STAND_INS/pip" "$3/bin/pip"',
    "pip": 'echo "pip $*" >>"$SAID"',
}


class Machine:
    """An instance: its folders, what was said to its programs, and what CodeDeploy does on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.said = folder / "said"
        self.no_answer = folder / "no-answer"
        for name in ("bin", "opt", "etc/systemd/system", "etc/nginx/conf.d"):
            (folder / name).mkdir(parents=True)
        for tool in REAL:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        for name, script in STAND_INS.items():
            path = self.bin / name
            path.write_text(f"#!/bin/bash\n{script}\n")
            path.chmod(0o755)

    def here(self, text: str) -> str:
        """Return a script as if this machine's folder were its root."""
        for place in ("/opt/", "/etc/"):
            text = text.replace(place, f"{self.folder}{place}")
        return text

    def deploy(self, files: dict[str, bytes], number: int) -> subprocess.CompletedProcess[str]:
        """Deploy a revision as CodeDeploy does; the first hook that failed, or the last one."""
        appspec = yaml.safe_load(files["appspec.yml"])
        revision = self.folder / f"revision-{number}"
        for name, content in files.items():
            path = revision / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.here(content.decode()).encode())
            path.chmod(mode_of(name))
        done = self.hooks(appspec, revision, number, BEFORE if number > 1 else BEFORE[1:])
        if done.returncode:
            return done
        (destination,) = (one["destination"] for one in appspec["files"])
        shutil.copytree(revision, self.here(f"{destination}/"), dirs_exist_ok=True)
        return self.hooks(appspec, revision, number, AFTER)

    def hooks(self, appspec, revision, number, names) -> subprocess.CompletedProcess[str]:
        for name in names:
            (hook,) = appspec["hooks"][name]
            done = subprocess.run(
                [revision / hook["location"]],
                env={
                    "PATH": str(self.bin),
                    "SAID": str(self.said),
                    "STAND_INS": str(self.bin),
                    "NO_ANSWER": str(self.no_answer),
                    "DEPLOYMENT_ID": f"d-{number}",
                },
                cwd="/",
                capture_output=True,
                text=True,
                timeout=30,
            )
            if done.returncode:
                break
        return done


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def files_of(blueprint) -> dict[str, bytes]:
    return dict(render(blueprint, answers(blueprint)).files)


@ON_EC2
def test_a_revision_is_deployed_as_often_as_one_likes(blueprint, machine):
    files = files_of(blueprint)
    for number in (1, 2, 3):
        done = machine.deploy(files, number)
        assert (done.returncode, done.stderr) == (0, "")
    assert (machine.folder / "etc/nginx/conf.d/app.conf").exists()
    said = machine.said.read_text()
    assert said.count("dnf install -y -q nginx") == 3
    assert "reload-or-restart nginx.service" in said


@ON_EC2
def test_what_the_new_revision_no_longer_has_is_gone(blueprint, machine):
    files = files_of(blueprint)
    old = "site/old.html" if "site/index.html" in files else "meeting/old.py"
    assert machine.deploy({**files, old: b"old"}, 1).returncode == 0
    assert (machine.folder / "opt/app" / old).exists()
    assert machine.deploy(files, 2).returncode == 0
    assert not (machine.folder / "opt/app" / old).exists()


@ON_EC2
def test_a_deployment_whose_application_does_not_answer_fails_and_says_so(blueprint, machine):
    machine.no_answer.touch()
    done = machine.deploy(files_of(blueprint), 1)
    assert done.returncode == 1
    assert "attempt 10: no answer yet" in done.stderr
    assert done.stderr.strip().endswith(".")


def test_the_static_page_turns_to_a_release_at_once_and_keeps_the_one_before(machine):
    blueprint = BLUEPRINTS["ec2-static-page"]
    for number in (1, 2, 3):
        assert machine.deploy(files_of(blueprint), number).returncode == 0
    app = machine.folder / "opt/app"
    assert app.readlink() == machine.folder / "opt/releases/d-3"
    assert sorted(one.name for one in (machine.folder / "opt/releases").iterdir()) == ["d-2", "d-3"]


def test_the_application_is_installed_from_the_wheels_that_were_tested(machine):
    assert machine.deploy(files_of(BLUEPRINTS["ec2-python-app"]), 1).returncode == 0
    (pip,) = (line for line in machine.said.read_text().splitlines() if line.startswith("pip"))
    assert "--no-index --find-links wheels -r requirements.txt" in pip
    unit = (machine.folder / "etc/systemd/system/app.service").read_text()
    assert "application:application" in unit
