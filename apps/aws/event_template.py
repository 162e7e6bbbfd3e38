"""The CloudFormation template that makes a place's event queue and the rules that fill it.

One template serves every account and region: who and where they are it learns from CloudFormation.
"""

import hashlib
import json
import re
import shlex
from typing import Any

from .models import Account
from .policy import LISTENING
from .queues import BAD_NAME, is_queue_name
from .rules import EventRule, event_rules
from .yaml_text import as_yaml

STACK = "codestar-dash-events"
# An event is a hint: one that is older says nothing that polling has not found meanwhile.
KEPT = 3600
# Received messages are deleted as soon as their hints are stored; time enough for slow answers.
HIDDEN = 60
LONGEST_POLL = 20
LONGEST_RULE_NAME = 64
# What the template itself cannot be longer than, where it is passed along rather than put in S3.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LONGEST_TEMPLATE = 51_200

PRINCIPAL = "DashboardPrincipal"
PRINCIPAL_ARN = r"arn:[a-z-]+:iam::\d{12}:(root|user/.+|role/.+)"
TAGS = {"application": "codestar-dash"}


def event_template(queue: str, *, principal: str = "") -> dict[str, Any]:
    """Return the template for a queue of this name.

    `principal` is the default of its parameter: who, besides whom the account's own policies allow
    it, may receive. Raises ValueError for what can be no standard queue's name or no principal.
    """
    if not is_queue_name(queue) or queue.endswith(".fifo"):
        raise ValueError(f"{BAD_NAME} A FIFO queue brings nothing here.")
    if principal and not re.fullmatch(PRINCIPAL_ARN, principal):
        raise ValueError(
            f"{principal[:100]} is no principal: give the ARN of an IAM role or user, like "
            "arn:aws:iam::111122223333:role/codestar-dash."
        )
    rules = {_logical(rule): rule for rule in event_rules()}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": (
            "CodeStar Dash: a queue and the EventBridge rules that tell it what changed in this "
            "account and region. Deploy it once in each."
        ),
        "Parameters": {
            PRINCIPAL: {
                "Type": "String",
                "Default": principal,
                "AllowedPattern": f"^$|^{PRINCIPAL_ARN}$",
                "ConstraintDescription": "the ARN of an IAM role or user, or nothing",
                "Description": (
                    "Role or user with which the dashboard receives. Leave it empty where a policy "
                    "of that role or user allows it already."
                ),
            }
        },
        "Conditions": {
            "HasPrincipal": {"Fn::Not": [{"Fn::Equals": [{"Ref": PRINCIPAL}, ""]}]},
        },
        "Resources": {
            "Queue": _queue(queue),
            **{logical: _rule(queue, rule) for logical, rule in rules.items()},
            "QueuePolicy": _queue_policy(list(rules)),
        },
        "Outputs": {
            "QueueUrl": {
                "Description": "Where the dashboard receives; its page Events takes it.",
                "Value": {"Ref": "Queue"},
            },
            "QueueArn": {
                "Description": "The same queue by its ARN.",
                "Value": {"Fn::GetAtt": ["Queue", "Arn"]},
            },
        },
    }


def as_file(template: dict[str, Any], *, form: str = "yaml", head: str = "") -> str:
    """Return a template as the text of a file, YAML (with `head` as comment) or JSON."""
    if form == "json":
        return json.dumps(template, indent=2) + "\n"
    comment = "".join(f"# {line}".rstrip() + "\n" for line in head.splitlines())
    return f"{comment}{as_yaml(template)}"


def head_of(account: str, region: str, command: str) -> str:
    """Return what stands above a template: where it belongs and how it is deployed."""
    where = f"account {account}" if account else "each account"
    place = region or "each region that is watched"
    return f"Deploy it in {where}, {place}:\n{command}\n"


def rule_name(queue: str, rule: EventRule) -> str:
    """Return the name of a rule of a queue: the same at each deployment, and short enough."""
    name = f"{queue}-{rule.name}"
    if len(name) <= LONGEST_RULE_NAME:
        return name
    mark = hashlib.sha256(queue.encode()).hexdigest()[:8]
    room = LONGEST_RULE_NAME - len(rule.name) - len(mark) - 2
    return f"{queue[: max(room, 0)]}-{mark}-{rule.name}"[:LONGEST_RULE_NAME]


def principal_for(account: Account) -> str:
    """Return who receives in an account, where its ARN is known for certain; else "".

    A role's session does not tell the role's path, and SQS refuses a principal that does not exist.
    """
    if account.method == Account.Method.ROLE:
        return account.role_arn
    found = re.fullmatch(PRINCIPAL_ARN, account.caller_arn)
    return account.caller_arn if found and not account.caller_arn.endswith(":root") else ""


def deploy_command(region: str, *, file: str, stack: str = STACK) -> str:
    """Return the AWS CLI's command that deploys a template's file in a region."""
    words = [
        f"aws cloudformation deploy --region {shlex.quote(region)}",
        f"--stack-name {shlex.quote(stack)}",
        f"--template-file {shlex.quote(file)}",
    ]
    words.append("--tags " + " ".join(f"{key}={value}" for key, value in TAGS.items()))
    return " \\\n  ".join(words)


def stack_for(queue: str) -> str:
    """Return the name of the stack that makes a queue: letters, digits and hyphens."""
    name = re.sub(r"[^A-Za-z0-9-]+", "-", queue).strip("-")
    return name if name[:1].isalpha() else f"{STACK}-{name}".rstrip("-")


def _queue(name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::SQS::Queue",
        # Whatever is in it is found by polling.
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "QueueName": name,
            "SqsManagedSseEnabled": True,
            "MessageRetentionPeriod": KEPT,
            "VisibilityTimeout": HIDDEN,
            "ReceiveMessageWaitTimeSeconds": LONGEST_POLL,
            "Tags": [{"Key": key, "Value": value} for key, value in TAGS.items()],
        },
    }


def _rule(queue: str, rule: EventRule) -> dict[str, Any]:
    what = "API calls (by CloudTrail)" if rule.of_calls else "events"
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Name": rule_name(queue, rule),
            "Description": f"CodeStar Dash: {what} of {rule.source}",
            "State": "ENABLED",
            "EventPattern": rule.pattern,
            # No InputPath and no InputTransformer: the envelope says which place an event is of.
            "Targets": [
                {
                    "Id": "queue",
                    "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "RetryPolicy": {"MaximumEventAgeInSeconds": KEPT, "MaximumRetryAttempts": 10},
                }
            ],
        },
    }


def _queue_policy(rules: list[str]) -> dict[str, Any]:
    """These rules may send, the principal may receive, and nobody may without encryption."""
    queue = {"Fn::GetAtt": ["Queue", "Arn"]}
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": "Queue"}],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "RulesSend",
                        "Effect": "Allow",
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": queue,
                        "Condition": {
                            "ArnEquals": {
                                "aws:SourceArn": [{"Fn::GetAtt": [rule, "Arn"]} for rule in rules]
                            }
                        },
                    },
                    {
                        "Fn::If": [
                            "HasPrincipal",
                            {
                                "Sid": "DashboardReceives",
                                "Effect": "Allow",
                                "Principal": {"AWS": {"Ref": PRINCIPAL}},
                                "Action": sorted(LISTENING),
                                "Resource": queue,
                            },
                            {"Ref": "AWS::NoValue"},
                        ]
                    },
                    {
                        "Sid": "NothingUnencrypted",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "sqs:*",
                        "Resource": queue,
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ],
            },
        },
    }


def _logical(rule: EventRule) -> str:
    return "Rule" + "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", rule.name))
