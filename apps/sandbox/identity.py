"""What IAM lacks in moto: AWS's own policies when they are asked for, and its simulator."""

from __future__ import annotations

import functools
import json
from typing import Any

from apps.sandbox import rolepolicy
from apps.sandbox.operations import Answer, Call, NotOursError, Params, operation
from apps.sandbox.principals import Principal

_AWS = "arn:aws:iam::aws:policy/"


@functools.cache
def _of_aws() -> dict[str, Any]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    found: dict[str, Any] = json.loads(aws_managed_policies_data)
    return found


def _bring(account: str, arn: str) -> None:
    """Put one of AWS's own policies into the account, as moto leaves all of them out."""
    if not arn.startswith(_AWS):
        return
    from moto.iam.models import AWSManagedPolicy, iam_backends

    backend = iam_backends[account]["aws"]
    told = _of_aws().get(arn.rpartition("/")[2])
    if arn in backend.managed_policies or told is None:
        return
    policy = AWSManagedPolicy.from_data(arn.rpartition("/")[2], account, "us-east-1", told)
    backend.managed_policies[policy.arn] = policy


@operation("iam", "AttachRolePolicy")
@operation("iam", "AttachUserPolicy")
@operation("iam", "AttachGroupPolicy")
@operation("iam", "GetPolicy")
@operation("iam", "GetPolicyVersion")
def of_policy(call: Call, params: Params) -> Answer:
    """The policy is there before moto is asked."""
    _bring(call.account, str(params["PolicyArn"]))
    raise NotOursError


@operation("iam", "SimulatePrincipalPolicy")
def simulate(call: Call, params: Params) -> Answer:
    """Whether the caller, or a role, may do what is named: as the calls themselves would answer."""
    source = str(params["PolicySourceArn"])
    role = rolepolicy.role_of(source) if source != call.caller.arn else None
    actor = (
        Principal(call.account, source, role.id, "", role.name) if role is not None else call.caller
    )
    door = call.world.door
    assert door is not None
    resources = params.get("ResourceArns") or ["*"]
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": door.decides(actor, call.place, action, resource),
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
        for action in params["ActionNames"]
        for resource in resources
    ]
    return {"EvaluationResults": results, "IsTruncated": False}
