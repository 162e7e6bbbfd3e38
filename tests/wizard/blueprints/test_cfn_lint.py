"""Every rendered template, and every template an application brings, is clean to cfn-lint."""

import pytest
from cfnlint.api import lint
from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.runner import Runner

from .cases import REGION, of_applications, toolchains

STRICT = ManualArgs(regions=[REGION], include_checks=["I"])
# Loading its rules takes longer than following them.
RULES = Runner(ConfigMixIn(**STRICT)).rules


def found(template: str) -> list[str]:
    """Return what cfn-lint says, down to its informations."""
    matches = lint(template, rules=RULES, config=STRICT)
    return [f"{one.linenumber}: {one.rule.id} {one.message}" for one in matches]


@pytest.mark.parametrize("name", list(toolchains()))
def test_a_toolchain_is_clean(name):
    assert found(toolchains()[name]) == []


@pytest.mark.parametrize("name", list(of_applications()))
def test_an_applications_own_template_is_clean(name):
    assert found(of_applications()[name]) == []


def test_a_mistake_would_be_found():
    toolchain = toolchains()["ec2-python-app-codecommit"]
    wrong = toolchain.replace("!GetAtt DeployRole.Arn", "!GetAtt NoSuchRole.Arn", 1)
    wrong = wrong.replace("Parameters:", "Parameters:\n  Unused:\n    Type: String", 1)
    said = "\n".join(found(wrong))
    assert "NoSuchRole" in said
    assert "W2001" in said
