"""Prints the least IAM policy the dashboard needs, from the declarations of what it calls."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from apps.mirror.looks import LOOKS
from apps.mirror.resource import REGISTER

from .actions import action_of

if TYPE_CHECKING:
    from .models import Account


# GetCallerIdentity needs no permission.
LISTENING = (
    "sqs:GetQueueUrl",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
)
# (account, partition) -> the statements for what may be done in it besides reading. Whoever lets
# something be done adds itself.
WRITES: list[Callable[["Account", str], Iterable[Mapping[str, Any]]]] = []
# Operations that whatever is done makes, "service:Operation"; clients know no others.
WRITE_OPERATIONS: set[str] = set()


def read_operations() -> list[str]:
    """Return every AWS operation that sweeps and looks make, sorted."""
    operations: set[str] = set()
    for resource in REGISTER.of("aws"):
        operations.update(resource.calls)
    for look in LOOKS.of("aws"):
        operations.update(look.calls)
    return sorted(operations)


def listen_statement(*queues: str) -> dict[str, Any]:
    """Return the statement that allows to listen to queues, given by their ARNs."""
    return {
        "Sid": "ListenToEvents",
        "Effect": "Allow",
        "Action": sorted(LISTENING),
        "Resource": queues[0] if len(queues) == 1 else sorted(queues),
    }


def read_policy(queue_name: str, queues: Iterable[str] = ()) -> dict[str, Any]:
    """Return the policy document: one statement a service, those of looks, one for event queues.

    `queues` are their ARNs, where it is known which accounts and regions the policy is for; else
    it allows the queue of that name wherever the policy is put.
    """
    by_service: dict[str, list[str]] = defaultdict(list)
    said = [statement for look in LOOKS.of("aws") for statement in look.statements]
    apart = {action for statement in said for action in statement["Action"]}
    for action in sorted(set(map(action_of, read_operations())) - apart):
        by_service[action.partition(":")[0]].append(action)
    statements: list[dict[str, Any]] = [
        {
            "Sid": f"Read{service.title().replace('-', '')}",
            "Effect": "Allow",
            "Action": sorted(set(actions)),
            "Resource": "*",
        }
        for service, actions in sorted(by_service.items())
    ]
    statements += [dict(statement) for statement in said]
    statements.append(listen_statement(*(queues or [f"arn:*:sqs:*:*:{queue_name}"])))
    return {"Version": "2012-10-17", "Statement": statements}


def policy_of(account: "Account", queue_name: str, queues: Iterable[str], partition: str) -> Any:
    """Return the policy document for one account: for reading it, and for what is allowed there."""
    document = read_policy(queue_name, queues)
    for writes in WRITES:
        document["Statement"] += [dict(one) for one in writes(account, partition)]
    return document


def as_text(document: dict[str, Any]) -> str:
    """Return it as people paste it."""
    return json.dumps(document, indent=2)
