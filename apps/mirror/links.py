"""Reads and writes what rows name: links from a row to an ARN that may or may not be mirrored."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from .ask import LinkTo
from .known import path_to_asked
from .models import Link, Scope
from .resource import REGISTER
from .state import State
from .text import storable
from .visibility import VISIBILITY


def write_links(kind: str, wanted: Mapping[int, Sequence[LinkTo]], *, dry: bool = False) -> Any:
    """Make the links of these rows exactly `wanted`; return the ids of rows whose links differed.

    With `dry` nothing is written and the answer is whether anything would be.
    """
    if not wanted:
        return False if dry else set()
    have: dict[int, dict[tuple[str, str, str, bool], int]] = {}
    for link in Link.objects.filter(from_kind=kind, from_id__in=list(wanted)):
        name = (link.relation, link.to_kind, link.to_arn, link.owning)
        have.setdefault(link.from_id, {})[name] = link.pk
    changed: set[int] = set()
    fresh: list[Link] = []
    stale: list[int] = []
    for row_id, links in wanted.items():
        names = {_name_of(link) for link in links}
        known = have.get(row_id, {})
        if names == known.keys():
            continue
        changed.add(row_id)
        stale += [pk for name, pk in known.items() if name not in names]
        fresh += [
            Link(
                from_kind=kind,
                from_id=row_id,
                relation=relation,
                to_kind=to_kind,
                to_arn=to_arn,
                owning=owning,
            )
            for relation, to_kind, to_arn, owning in sorted(names - known.keys())
        ]
    if dry:
        return bool(changed)
    if stale:
        Link.objects.filter(pk__in=stale).delete()
    Link.objects.bulk_create(fresh, batch_size=500)
    return changed


def _name_of(link: LinkTo) -> tuple[str, str, str, bool]:
    # As the target's `arn` column holds it.
    return (link.relation, link.to_kind, storable(link.to)[:2048], link.owning)


def owners(kind: str, arns: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return (arn, kind, row id) of the rows that own these targets by a link."""
    if not arns:
        return []
    found = Link.objects.filter(to_kind=kind, to_arn__in=arns, owning=True)
    return list(found.values_list("to_arn", "from_kind", "from_id"))


def links_of(kind: str, ids: Iterable[int]) -> dict[int, list[Link]]:
    """Return what these rows name, by row id."""
    by_row: dict[int, list[Link]] = {}
    for link in Link.objects.filter(from_kind=kind, from_id__in=list(ids)).order_by("pk"):
        by_row.setdefault(link.from_id, []).append(link)
    return by_row


def linked_from(kind: str, arns: Iterable[str]) -> dict[str, list[Link]]:
    """Return what names these targets, by ARN."""
    by_arn: dict[str, list[Link]] = {}
    wanted = [arn for arn in arns if arn]
    for link in Link.objects.filter(to_kind=kind, to_arn__in=wanted).order_by("pk"):
        by_arn.setdefault(link.to_arn, []).append(link)
    return by_arn


def resolve(kind: str, arns: Iterable[str]) -> dict[str, Any]:
    """Return the mirrored rows of these ARNs; what is not mirrored is left out."""
    resource = REGISTER.by_kind.get(kind)
    wanted = [arn for arn in arns if arn]
    if resource is None or not wanted:
        return {}
    rows = resource.model._default_manager.filter(named(wanted)).select_related("scope")
    return by_name(rows, wanted)


# Some things are named without a part of their ARN that nobody told (a group by its name): "*"
# stands for it then, as in AWS's policies.
UNTOLD = "*"


def named(arns: Iterable[str]) -> Q:
    """Return the condition on rows that one of these ARNs names."""
    whole = [arn for arn in arns if UNTOLD not in arn]
    found = Q(arn__in=whole)
    for arn in set(arns) - set(whole):
        head, _, tail = arn.partition(UNTOLD)
        found |= Q(arn__startswith=head, arn__endswith=tail)
    return found


def by_name(rows: Iterable[Any], arns: Iterable[str]) -> dict[str, Any]:
    """Return rows by the ARNs that name them."""
    found = {row.arn: row for row in rows}
    for arn in arns:
        if UNTOLD in arn:
            head, _, tail = arn.partition(UNTOLD)
            whole = (one for one in found if UNTOLD not in one)
            fit = (one for one in whole if one.startswith(head) and one.endswith(tail))
            if (one := next(fit, None)) is not None:
                found[arn] = found[one]
    return found


def names_of(arn: str) -> list[str]:
    """Return the ARNs that may name a row with this one: itself, and with any part untold."""
    parts = re.split("([:/])", arn)
    return [
        arn,
        *(
            "".join((*parts[:at], UNTOLD, *parts[at + 1 :]))
            for at in range(0, len(parts), 2)
            if parts[at]
        ),
    ]


def sources(links: Iterable[Link]) -> dict[tuple[str, int], Any]:
    """Return the rows that links come from, with their parents, by (kind, id); one query a kind."""
    ids: dict[str, set[int]] = {}
    for link in links:
        ids.setdefault(link.from_kind, set()).add(link.from_id)
    rows: dict[tuple[str, int], Any] = {}
    for kind, wanted in ids.items():
        resource = REGISTER.by_kind.get(kind)
        if resource is not None:
            above = [path_to_asked(resource)] if resource.asked_by else []
            found = resource.model._default_manager.select_related("scope", *filter(None, above))
            rows |= {(kind, pk): row for pk, row in found.in_bulk(wanted).items()}
    return rows


def started_by(kind: str, rows: Iterable[Any]) -> dict[str, list[dict[str, str]]]:
    """Return what started these rows and has a page, by ARN: [{label, url}].

    What not all readers of a row may know of is left out: the picture is shared between them
    (docs/decisions/0011-links-in-shared-pictures.md). What has no page (a stage) names again what
    its actions started.
    """
    by_arn = {row.arn: row.pk for row in rows}
    links = [
        link
        for found in linked_from(kind, by_arn).values()
        for link in found
        if link.relation == "runs" and has_pages(link.from_kind)
    ]
    starters = sources(links)
    tells = VISIBILITY.rule.tells(
        ((kind, by_arn[link.to_arn]), (link.from_kind, link.from_id)) for link in links
    )
    told: dict[str, list[dict[str, str]]] = {}
    for link in links:
        row = starters.get((link.from_kind, link.from_id))
        pair = ((kind, by_arn[link.to_arn]), (link.from_kind, link.from_id))
        if row is None or not tells[pair]:
            continue
        entry = {"label": str(row), "url": url_of(link.from_kind, row)}
        if entry not in told.setdefault(link.to_arn, []):
            told[link.to_arn].append(entry)
    return told


def has_pages(kind: str) -> bool:
    """Whether rows of a kind have pages."""
    resource = REGISTER.by_kind.get(kind)
    return resource is not None and resource.url is not None


def same_account(one: Scope, other: Scope) -> bool:
    """Whether two places lie in the same account."""
    own, theirs = one.account or one.place, other.account or other.place
    return (one.provider, own) == (other.provider, theirs)


def url_of(kind: str, row: Any) -> str:
    """Return the path of a row's page, "" where its kind has none."""
    resource = REGISTER.by_kind.get(kind)
    return resource.url(row) if resource is not None and resource.url else ""


def explain_of(kind: str, row: Any) -> str:
    """Return why a row failed, in a few lines, "" where it did not or nobody knows."""
    resource = REGISTER.by_kind.get(kind)
    return resource.explain(row) if resource is not None and resource.explain else ""


def explain_then(
    kind: str, row: Any, since: datetime | None = None, until: datetime | None = None
) -> str:
    """Return why what was done with a row between two moments failed; see `Resource.explain_then`.

    What does one thing and then is over (a build, a deployment) says so whenever it is asked.
    """
    resource = REGISTER.by_kind.get(kind)
    if resource is not None and resource.explain_then is not None:
        return resource.explain_then(row, since, until)
    return explain_of(kind, row) if row.state == State.FAILED else ""


def unexplained(
    kind: str, row: Any, since: datetime | None = None, until: datetime | None = None
) -> str:
    """Return what was not read that would say why something failed then; "" where all was."""
    resource = REGISTER.by_kind.get(kind)
    if resource is None or resource.unexplained is None:
        return ""
    return resource.unexplained(row, since, until)
