"""Finds what actions and stages started, for pictures that readers share."""

from collections import defaultdict
from collections.abc import Mapping
from functools import partial

from apps.mirror.links import explain_then, links_of, resolve, same_account, url_of
from apps.mirror.models import Scope

from .board import Ran


def started_by(
    kinds: Mapping[str, Mapping[int, Scope]],
) -> dict[tuple[str, int], list[tuple[str, Ran]]]:
    """Return what rows started, by (kind, row id): (ARN, its page and why it failed).

    kinds  kind -> row id -> the row's scope. What was started in another account is left out: the
           pictures are shared between readers (docs/decisions/0005-links-in-shared-fragments.md).
    """
    links = {
        (kind, row_id): [link for link in found if link.relation == "runs"]
        for kind, scopes in kinds.items()
        for row_id, found in links_of(kind, scopes).items()
    }
    arns: dict[str, set[str]] = defaultdict(set)
    for found in links.values():
        for link in found:
            arns[link.to_kind].add(link.to_arn)
    rows = {arn: (kind, row) for kind in arns for arn, row in resolve(kind, arns[kind]).items()}
    told: dict[str, Ran] = {}
    started: dict[tuple[str, int], list[tuple[str, Ran]]] = defaultdict(list)
    for (kind, row_id), found in links.items():
        for link in found:
            to_kind, row = rows.get(link.to_arn, ("", None))
            if row is None or not same_account(row.scope, kinds[kind][row_id]):
                continue
            if link.to_arn not in told:
                why = partial(explain_then, to_kind, row)
                told[link.to_arn] = Ran(label=str(row), url=url_of(to_kind, row), why=why)
            started[kind, row_id].append((link.to_arn, told[link.to_arn]))
    return started
