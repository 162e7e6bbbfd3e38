"""What is looked at before a project is made is judged as IAM judges it."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from apps.aws.calls import Reach
from apps.aws.models import Account
from apps.deeds.acts import ACTS
from apps.deeds.policy import statements
from apps.mirror.models import Scope
from apps.wizard import looking
from apps.wizard.blueprints.register import BLUEPRINTS
from apps.wizard.deeds import GROUP
from tests.wizard.blueprints.cases import ACCOUNT, REGION

from .making import drafted

pytestmark = pytest.mark.django_db


class Policy(Reach):
    """An account whose credentials may do what these statements allow, and nothing else."""

    def __init__(self, allowed: list[dict[str, Any]]) -> None:
        super().__init__(account=ACCOUNT, region=REGION, client=lambda _service: None)
        self.allowed = allowed
        self.asked_for: set[str] = set()

    def call(self, operation: str, **params: Any) -> Any:
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
        assert (operation, params) == ("iam:GetRole", {"RoleName": "dash"})
        return {"Role": {"RoleName": "dash", "Arn": f"arn:aws:iam::{ACCOUNT}:role/team/dash"}}

    def pages(self, operation: str, **params: Any) -> Any:
        assert operation == "iam:SimulatePrincipalPolicy"
        self.asked_for.add(params["PolicySourceArn"])
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
        resources = params.get("ResourceArns") or ["*"]
        yield {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalDecision": "allowed" if self.allows(action, one) else "implicitDeny",
                }
                for action in params["ActionNames"]
                for one in resources
            ]
        }

    def allows(self, action: str, resource: str) -> bool:
        return any(
            action in one["Action"] and any(fnmatchcase(resource, arn) for arn in _arns(one))
            for one in self.allowed
        )


def _arns(statement: dict[str, Any]) -> list[str]:
    found = statement["Resource"]
    return [found] if isinstance(found, str) else found


def printed(account: str = ACCOUNT) -> list[dict[str, Any]]:
    """The statements that the page of what may be done prints for the whole wizard."""
    acts = [act for act in ACTS.by_name.values() if act.group == GROUP]
    return statements(acts, account)


@pytest.mark.parametrize("blueprint", sorted(BLUEPRINTS))
def test_the_statement_that_is_printed_is_enough(blueprint: str, maker: Any, scope: Scope):
    chosen = drafted(maker, scope, blueprint)
    (check,) = looking._allowed(Policy(printed()), chosen)
    assert check.ok, check.told


def test_a_statement_for_another_account_is_not(maker: Any, scope: Scope):
    (check,) = looking._allowed(Policy(printed("444455556666")), drafted(maker, scope))
    assert check.ok is False
    assert "codepipeline:CreatePipeline" in check.told or "more" in check.told


def test_a_session_may_what_its_role_may_wherever_that_lies(
    maker: Any, scope: Scope, account: Account
):
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/dash/codestar-dash"
    Account.objects.filter(pk=account.pk).update(caller_arn=session)
    policy = Policy(printed())
    (check,) = looking._allowed(policy, drafted(maker, scope))
    assert check.ok, check.told
    assert policy.asked_for == {f"arn:aws:iam::{ACCOUNT}:role/team/dash"}
