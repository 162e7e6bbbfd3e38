"""The IAM statements for exactly the acts that are allowed, printed from their declarations."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from apps.aws.actions import action_of
from apps.aws.models import Account
from apps.aws.policy import WRITES, read_operations

from .acts import Act
from .permits import allowed_acts, permit_of

WHATEVER = "arn:{partition}:{service}:*:{account}:*"


def statements(acts: Iterable[Act], account: str, partition: str = "aws") -> list[dict[str, Any]]:
    """Return one statement for each set of resources, sorted; [] where nothing is allowed.

    What sweeps call is in the policy anyhow, and left out. `account` is the number, "*" for any.
    """
    acts = list(acts)
    read = set(read_operations())
    wanted: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for act in acts:
        if act.grants is not None:
            for arns, actions in act.grants(partition, account).items():
                wanted[arns].update(actions)
            continue
        for call in act.calls:
            if call in read:
                continue
            action = action_of(call)
            service = action.partition(":")[0]
            named = act.arns or (WHATEVER,)
            arns = tuple(
                sorted(
                    one.format(partition=partition, account=account, service=service)
                    for one in named
                )
            )
            wanted[arns].add(action)
    told: list[Mapping[str, Any]] = [
        {"Action": sorted(actions), "Resource": arns[0] if len(arns) == 1 else list(arns)}
        for arns, actions in sorted(wanted.items())
    ]
    for act in acts:
        told += [one for one in act.beyond(partition, account) if one not in told]
    return [{"Sid": f"Act{number}", "Effect": "Allow", **one} for number, one in enumerate(told, 1)]


def pages(acts: Iterable[Act]) -> dict[str, list[str]]:
    """Return where AWS tells what acts take beyond their own calls: page -> their labels."""
    told: dict[str, list[str]] = {}
    for act in acts:
        if act.beyond_page:
            told.setdefault(act.beyond_page, []).append(act.label)
    return told


def of_account(account: Account, partition: str) -> list[Mapping[str, Any]]:
    """Return the statements for what is allowed in an account."""
    number = account.account_id or "*"
    return [*statements(allowed_acts(permit_of(account)), number, partition)]


WRITES.append(of_account)
