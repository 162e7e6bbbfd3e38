"""Simulated STS: who am I, and AssumeRole with the role's trust policy and external id judged."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from apps.sandbox.operations import Answer, AwsError, Call, Params, operation
from apps.sandbox.policy import wildcard
from apps.sandbox.principals import Principal, Session

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: Call, _params: Params) -> Answer:
    """The caller; everybody may ask."""
    return {"UserId": call.caller.user_id, "Account": call.caller.account, "Arn": call.caller.arn}


@operation("sts", "AssumeRole")
def assume_role(call: Call, params: Params) -> Answer:
    """Temporary credentials in the role's account, if its trust policy lets the caller in."""
    arn, name = params["RoleArn"], params["RoleSessionName"]
    role = _role(arn)
    if role is None or not _trusts(
        _document(role.assume_role_policy_document), call.caller, params.get("ExternalId")
    ):
        raise AwsError(
            "AccessDenied",
            f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole "
            f"on resource: {arn}",
            status=403,
        )
    account = arn.split(":")[4]
    seconds = int(params.get("DurationSeconds", 3600))
    expires = time.time() + seconds
    key = "ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16))
    assumed = f"arn:aws:sts::{account}:assumed-role/{arn.rpartition('/')[2]}/{name}"
    token = secrets.token_urlsafe(96)
    session = Session(Principal(account, assumed, f"{role.id}:{name}", key), token, expires)
    call.world.directory.open_session(session)
    return {
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": secrets.token_urlsafe(30),
            "SessionToken": token,
            "Expiration": datetime.fromtimestamp(expires, UTC).replace(tzinfo=None),
        },
        "AssumedRoleUser": {"AssumedRoleId": session.principal.user_id, "Arn": assumed},
        "PackedPolicySize": 1,
    }


def _role(arn: str) -> Any:
    from moto.iam.models import iam_backends

    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        raise AwsError("ValidationError", f"{arn} is invalid")
    return next(
        (role for role in iam_backends[parts[4]]["aws"].get_roles() if role.arn == arn), None
    )


def _document(text: str | dict[str, Any]) -> dict[str, Any]:
    return (
        text
        if isinstance(text, dict)
        else json.loads(unquote(text) if text.startswith("%7B") else text)
    )


def _trusts(document: dict[str, Any], caller: Principal, external_id: str | None) -> bool:
    statements = document.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        actions = statement.get("Action", [])
        named = any(
            wildcard(action, True).fullmatch("sts:AssumeRole")
            for action in ([actions] if isinstance(actions, str) else actions)
        )
        if (
            statement.get("Effect") == "Allow"
            and named
            and _is_principal(statement.get("Principal"), caller)
        ):
            wanted = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
            allowed = [wanted] if isinstance(wanted, str) else wanted
            if allowed is None or external_id in allowed:
                return True
    return False


def _is_principal(principal: Any, caller: Principal) -> bool:
    if principal == "*":
        return True
    named = (principal or {}).get("AWS", [])
    root = f"arn:aws:iam::{caller.account}:root"
    return any(
        one in ("*", caller.account, caller.arn, root)
        for one in ([named] if isinstance(named, str) else named)
    )
