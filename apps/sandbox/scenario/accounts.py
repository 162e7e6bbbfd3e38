"""What every scenario has in its accounts: users, roles, a queue and the rules that fill it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from apps.sandbox.scenario import listening

if TYPE_CHECKING:
    from apps.sandbox.world import World

ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("eu-west-1", "us-east-1")
USERS = ("dashboard", "release-manager", "checkout-developer")

#: In each account; trusts account 111122223333 and, from there, only who knows the external id.
ROLE = "codestar-dash-read"
EXTERNAL_ID = "sandbox-external-id"
#: In each account; trusts account 111122223333 without an external id.
OPEN_ROLE = "codestar-dash-open"


def furnish(world: World) -> None:
    """Make them through moto's backends, as boto3 would."""
    from moto.iam.models import iam_backends

    for account in ACCOUNTS:
        iam = iam_backends[account]["aws"]
        for user in USERS:
            iam.create_user("us-east-1", user)
        for role, condition in (
            (ROLE, {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}),
            (OPEN_ROLE, None),
        ):
            statement = {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNTS[0]}:root"},
                "Action": "sts:AssumeRole",
                **({"Condition": condition} if condition else {}),
            }
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.create_role(role, document, "/", None, "Read access for the dashboard", [], "3600")
        for region in REGIONS:
            listening.furnish(world, account, region)
