"""Permission as IAM judges it: actions, resources, the text of a denial, and roles' trust."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

from apps.sandbox.operations import TRAITS, AwsError, Params

#: Operations whose permission has another name than the operation.
_ACTIONS = {
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "lambda:Invoke": "lambda:InvokeFunction",
}
#: API Gateway has an action for each of HTTP's methods.
_METHODS = {"Create": "POST", "Get": "GET", "Update": "PATCH", "Delete": "DELETE"}


#: Services that IAM calls by another name than boto3 does.
_PREFIXES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
}


def action_of(service: str, operation: str) -> str:
    """The IAM action that an operation needs: ``codepipeline:GetPipelineState``."""
    if service == "apigatewayv2":
        verb = next((verb for verb in _METHODS if operation.startswith(verb)), "Create")
        return f"apigateway:{_METHODS[verb]}"
    action = f"{_PREFIXES.get(service, service)}:{operation}"
    return _ACTIONS.get(action, action)


def operations_of(action: str) -> list[str]:
    """``service:Operation`` of the calls that an action allows, one of them by its own name."""
    return [action, *(operation for operation, needs in _ACTIONS.items() if needs == action)]


def resources_of(service: str, account: str, region: str, members: Params) -> list[str]:
    """The ARNs a call is about; ``*`` where the service knows no resource for it."""
    where = f"arn:aws:{service}:{region}:{account}:"
    if service in TRAITS:
        told = TRAITS[service].resources
        return told(where, members) if told is not None else ["*"]
    match service:
        case "iam":
            return [_of_iam(f"arn:aws:iam::{account}:", members)]
        case "kms":
            return [_of_kms(where, members)]
        case "sns" if arn := members.get("TopicArn") or members.get("Name"):
            return [str(arn) if str(arn).startswith("arn:") else f"{where}{arn}"]
        case "ssm" if name := members.get("Name"):
            return [f"{where}parameter/{str(name).lstrip('/')}"]
        case "sqs":
            url = str(members.get("QueueUrl", ""))
            owner, _, name = url.rpartition("/")
            owner = owner.rpartition("/")[2] or account
            return [f"arn:aws:sqs:{region}:{owner}:{name or members.get('QueueName', '*')}"]
        case "sts":
            return [str(members.get("RoleArn", "*"))]
        case "events":
            return [f"{where}rule/{members.get('Name') or members.get('Rule') or '*'}"]
    return ["*"]


def _of_iam(where: str, members: Params) -> str:
    path = str(members.get("Path") or "/")
    for member, kind in (
        ("RoleName", "role"),
        ("InstanceProfileName", "instance-profile"),
        ("PolicyName", "policy"),
        ("UserName", "user"),
        ("GroupName", "group"),
    ):
        if member in members:
            return f"{where}{kind}{path}{members[member]}"
    arn = members.get("PolicyArn") or members.get("PolicySourceArn")
    return str(arn or "*")


def _of_kms(where: str, members: Params) -> str:
    key = str(members.get("TargetKeyId") or members.get("KeyId") or "")
    if not key:
        return "*"
    if key.startswith("arn:"):
        return key
    return f"{where}{key}" if key.startswith("alias/") else f"{where}key/{key}"


def denial(arn: str, action: str, resource: str, *, explicit: bool = False) -> AwsError:
    """AWS's AccessDenied: who may not do what on which resource, and why."""
    why = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {action} action"
    )
    return AwsError(
        "AccessDeniedException",
        f"User: {arn} is not authorized to perform: {action} on resource: {resource} {why}",
    )


class Policy:
    """An IAM policy document that every caller is held to."""

    def __init__(self, document: dict[str, Any]) -> None:
        statements = document.get("Statement")
        if isinstance(statements, dict):
            statements = [statements]
        if not isinstance(statements, list):
            raise ValueError("an IAM policy has a Statement")
        for statement in statements:
            if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
                raise ValueError("each Statement has an Effect of Allow or Deny")
            if "Action" not in statement and "NotAction" not in statement:
                raise ValueError("each Statement has an Action or a NotAction")
        self.document, self._statements = document, statements

    @classmethod
    def from_file(cls, path: str | Path) -> Policy:
        """Read a policy document; raises OSError, or ValueError for what is no policy."""
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError("an IAM policy is a JSON object")
        return cls(document)

    def check(self, arn: str, action: str, resources: list[str]) -> None:
        """Raise AWS's AccessDenied for the first resource on which ``action`` is not allowed."""
        for resource in resources:
            decided = self.decides(action, resource)
            if decided != "allowed":
                raise denial(arn, action, resource, explicit=decided == "explicitDeny")

    def decides(self, action: str, resource: str) -> str:
        """``allowed``, ``explicitDeny`` or ``implicitDeny``, as IAM's simulator says it."""
        effects = {s["Effect"] for s in self._statements if _applies(s, action, resource)}
        if "Deny" in effects:
            return "explicitDeny"
        return "allowed" if "Allow" in effects else "implicitDeny"


def _applies(statement: dict[str, Any], action: str, resource: str) -> bool:
    if "Action" in statement:
        if not _any(statement["Action"], action, ignore_case=True):
            return False
    elif _any(statement["NotAction"], action, ignore_case=True):
        return False
    if "NotResource" in statement:
        return not _any(statement["NotResource"], resource)
    return _any(statement.get("Resource", "*"), resource)


def _any(patterns: str | list[str], value: str, *, ignore_case: bool = False) -> bool:
    if isinstance(patterns, str):
        patterns = [patterns]
    return any(wildcard(pattern, ignore_case).fullmatch(value) for pattern in patterns)


@functools.cache
def wildcard(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """IAM's ``*`` and ``?`` as a regular expression."""
    text = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.compile(text, re.IGNORECASE | re.DOTALL if ignore_case else re.DOTALL)
