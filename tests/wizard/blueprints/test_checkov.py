"""Every rendered template passes checkov, but for what waivers.toml explains."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from .cases import of_applications, toolchains
from .waivers import WAIVERS, checks

ROOT = Path(__file__).parents[3]
CHECKOV = ROOT / ".setup" / "checkov" / "bin" / "checkov"


def failed(folder: Path, templates: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return the checks that fail, with the resource, of templates given by name.

    It runs once for all of them, and reaches for nothing outside of this machine.
    """
    for name, text in templates.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    command = [CHECKOV, "--directory", folder, "--framework", "cloudformation"]
    command += ["--compact", "--quiet", "--skip-download", "--output", "json"]
    # Whatever the machine is set to must not decide; and a way out would be a mistake.
    nowhere = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LOG_LEVEL": "ERROR", **nowhere}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 20 * len(templates)
    return {(one["check_id"], one["resource"]) for one in report["results"]["failed_checks"]}


@pytest.mark.timeout(300)
def test_templates_pass_but_for_what_is_explained(tmp_path):
    templates = {**toolchains(), **of_applications()}
    templates["wrong"] = toolchains()["lambda-node-app-codecommit"].replace(
        "EnableKeyRotation: true", "EnableKeyRotation: false"
    )
    # That a mistake is found is told by the same run.
    mistake = ("CKV_AWS_7", "AWS::KMS::Key.Key")
    found = failed(tmp_path, templates)
    assert found - checks() == {mistake}
    assert checks() - found == set(), "these waivers are not needed any more"


def test_every_waiver_says_why():
    for kind, waivers in WAIVERS.items():
        for waiver in waivers:
            assert len(waiver["reason"]) > 30, (kind, waiver)
