"""Finds what actions and stages started, for pictures that readers share."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial

from apps.mirror.links import explain_then, links_of, resolve, unexplained, url_of
from apps.mirror.visibility import VISIBILITY

from .board import Ran


def started_by(
    kinds: Mapping[str, Iterable[int]],
) -> dict[tuple[str, int], list[tuple[str, Ran]]]:
    """Return what rows started, by (kind, row id): (ARN, its page and why it failed).

    kinds  kind -> row ids. What not all readers of a row may know of is left out: the pictures are
           shared between them (docs/decisions/0011-links-in-shared-pictures.md).
    """
    links = {
        (kind, row_id): [link for link in found if link.relation == "runs"]
        for kind, ids in kinds.items()
        for row_id, found in links_of(kind, ids).items()
    }
    arns: dict[str, set[str]] = defaultdict(set)
    for found in links.values():
        for link in found:
            arns[link.to_kind].add(link.to_arn)
    rows = {arn: (kind, row) for kind in arns for arn, row in resolve(kind, arns[kind]).items()}
    tells = VISIBILITY.rule.tells(
        (by, (rows[link.to_arn][0], rows[link.to_arn][1].pk))
        for by, found in links.items()
        for link in found
        if link.to_arn in rows
    )
    told: dict[str, Ran] = {}
    started: dict[tuple[str, int], list[tuple[str, Ran]]] = defaultdict(list)
    for (kind, row_id), found in links.items():
        for link in found:
            to_kind, row = rows.get(link.to_arn, ("", None))
            if row is None or not tells[(kind, row_id), (to_kind, row.pk)]:
                continue
            if link.to_arn not in told:
                why = partial(explain_then, to_kind, row)
                told[link.to_arn] = Ran(
                    label=str(row),
                    url=url_of(to_kind, row),
                    why=why,
                    unread=partial(unexplained, to_kind, row),
                    scope=row.scope_id,
                )
            started[kind, row_id].append((link.to_arn, told[link.to_arn]))
    return started
