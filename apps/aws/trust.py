"""The trust policy a role needs so that this dashboard may assume it."""

import re
from typing import Any

from .models import Account

NOBODY_YET = "arn:{partition}:iam::<the account of this dashboard>:root"
ASSUMED = re.compile(
    r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/"
)


def trust_policy(external_id: str, principal: str, *, partition: str = "aws") -> dict[str, Any]:
    """Return the policy that lets `principal` assume the role, with the external id alone.

    A principal that is not known yet is in the role's own partition at least.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": principal or NOBODY_YET.format(partition=partition)},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ],
    }


def principal_of(base: Account | None) -> str:
    """Return the ARN of who assumes roles: the base's caller, or this machine's; "" unknown.

    A session of a role is named by its role, which is what a trust policy names (a role's path is
    the one thing an ARN of STS does not tell: add it by hand).
    """
    if base is None:
        here = Account.objects.filter(
            method=Account.Method.AMBIENT, parked_at=None, removed_at=None
        )
        base = here.exclude(caller_arn="").first()
    arn = base.caller_arn if base else ""
    session = ASSUMED.match(arn)
    if session is None:
        return arn
    return f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}"


def partition_of_arn(arn: str) -> str:
    """Return the partition an ARN is in, "" where it is none."""
    parts = arn.split(":")
    return parts[1] if len(parts) > 2 and parts[0] == "arn" else ""
