"""Reads AWS's denials: which action is missing, which policy says so, and who can change that.

Nothing here knows Django. The words are those of
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

import re

from apps.mirror.provider import Failure, Health

from .actions import action_of

ACTION = re.compile(r"not authorized to perform:\s+([\w-]+:\w+)")
EXPLICIT = re.compile(r"with an explicit deny in an? ([\w -]{3,40}?(?:policy|boundary))")
IMPLICIT = re.compile(r"because no ([\w -]{3,40}?(?:policy|boundary)) allows")
OURS = "identity-based policy"
# Who can lift what a policy of that kind forbids. An Allow beside it changes nothing.
LIFTS = {
    "service control policy": "Whoever runs the AWS organisation has to lift it for this account.",
    "resource control policy": "Whoever runs the AWS organisation has to lift it for this account.",
    "permissions boundary": "Whoever set the boundary of this user or role has to widen it.",
    "session policy": "Whoever hands out these temporary credentials (AssumeRole, SSO) has to "
    "widen the policy they come with.",
    "resource-based policy": "Whoever owns the resource has to change the policy on it.",
    "vpc endpoint policy": "Whoever runs the network has to change the policy of its VPC endpoint.",
}
SOMEBODY = "Whoever set it has to change it."
TRUST = (
    "The role refuses us. Its trust policy must allow this principal to assume it, with the "
    "external id shown on the account's page."
)


def denial(code: str, message: str, operation: str) -> Failure:
    """Name the action AWS says is missing, and what would allow it.

    A statement is given only where it would cure: not where some other policy forbids the action.
    """
    denied = ACTION.search(message)
    action = denied.group(1) if denied else action_of(operation)
    explicit, implicit = EXPLICIT.search(message), IMPLICIT.search(message)
    kind = (explicit or implicit or [OURS, OURS])[1]
    health = Health.CREDENTIALS if action == "sts:AssumeRole" else Health.DENIED
    if explicit and kind == OURS:
        cure = (
            f"A policy of these credentials denies {action} in so many words: take that Deny "
            "statement out, an Allow beside it changes nothing."
        )
    elif health is Health.CREDENTIALS and kind in (OURS, "resource-based policy"):
        cure = TRUST
    elif kind != OURS:
        verb = "forbids" if explicit else "does not allow"
        cure = f"A {kind} {verb} {action}. {LIFTS.get(kind.lower(), SOMEBODY)}"
    elif health is Health.DENIED:
        return Failure(
            health=health,
            code=code,
            message=message,
            cure=f"Allow {action} to the credentials of this account.",
            statement={"Effect": "Allow", "Action": [action], "Resource": "*"},
        )
    return Failure(health=health, code=code, message=message, cure=cure)
