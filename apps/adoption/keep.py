"""Works out anew what is proposed and writes what differs; a decision in between comes first."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from apps.projects.models import Generation

from .engine import Proposed, propose
from .models import Adoption, Proposal, ProposedRow, Row, digest_of
from .rows import Known, read_world

BATCH = 500


def renew() -> bool:
    """Bring the proposals up to date; False where somebody decided something meanwhile."""
    before = (Adoption.here().stamp, _generation())
    world, known = read_world()
    proposed = propose(world)
    claimed = {member.node for one in proposed for member in one.members} | set(world.held)
    left: dict[str, int] = {}
    for node in world.things.keys() - claimed:
        left[node[0]] = left.get(node[0], 0) + 1
    plan = _plan(proposed, known)
    with transaction.atomic():
        adoption = Adoption.locked()
        if (adoption.stamp, _generation()) != before:
            return False
        plan.write()
        Adoption.objects.filter(pk=1).update(found_at=now(), left_over=dict(sorted(left.items())))
    return True


def _generation() -> int:
    return Generation.objects.filter(pk=1).values_list("number", flat=True).first() or 0


@dataclass(slots=True)
class Plan:
    """What differs from what is written. Only decisions write besides, and they move the stamp."""

    gone: list[int] = field(default_factory=list)
    fresh: list[Proposal] = field(default_factory=list)
    changed: dict[int, dict[str, Any]] = field(default_factory=dict)
    stale_rows: list[int] = field(default_factory=list)
    fresh_rows: list[ProposedRow] = field(default_factory=list)

    def write(self) -> None:
        """Write it, in as few statements as there are batches and changed proposals."""
        for model, ids in ((Proposal, self.gone), (ProposedRow, self.stale_rows)):
            for start in range(0, len(ids), BATCH):
                model._default_manager.filter(pk__in=ids[start : start + BATCH]).delete()
        for pk, values in self.changed.items():
            Proposal.objects.filter(pk=pk).update(**values)
        Proposal.objects.bulk_create(self.fresh, batch_size=BATCH)
        ProposedRow.objects.bulk_create(self.fresh_rows, batch_size=BATCH)


def _plan(proposed: Sequence[Proposed], known: Known) -> Plan:
    there = {one.digest: one for one in Proposal.objects.order_by("pk")}
    rows: dict[int, dict[Row, ProposedRow]] = {one.pk: {} for one in there.values()}
    for held in ProposedRow.objects.order_by("pk").iterator(BATCH):
        rows.setdefault(held.proposal_id, {})[held.row] = held
    wanted = {digest_of(one.anchor): one for one in proposed}
    _carry_over(there, rows, wanted, known)
    plan = Plan()
    plan.gone = [
        one.pk for digest, one in there.items() if digest not in wanted and one.ignored_at is None
    ]
    for digest, one in wanted.items():
        row = there.get(digest)
        if row is None:
            row = Proposal(project_id=one.project, **_values(one))
            plan.fresh.append(row)
        came, went, moved = _rows(row, rows.get(row.pk, {}), one, known)
        plan.fresh_rows += came
        plan.stale_rows += went
        if row.pk is not None and (changed := _changed(row, one, moved=moved)):
            plan.changed[row.pk] = changed
    return plan


def _values(one: Proposed) -> dict[str, Any]:
    return {
        "anchor": one.anchor,
        "digest": digest_of(one.anchor),
        "name": one.name,
        "certain": len(one.certain),
        # What somebody put together is meant to be a project.
        "alone": one.alone and not one.anchor.startswith("shape:"),
    }


def _changed(row: Proposal, one: Proposed, *, moved: bool) -> dict[str, Any]:
    changed = {name: value for name, value in _values(one).items() if getattr(row, name) != value}
    if moved:
        changed |= {"version": row.version + 1, "changed_at": now()}
    return changed


def _rows(
    proposal: Proposal, have: dict[Row, ProposedRow], one: Proposed, known: Known
) -> tuple[list[ProposedRow], list[int], bool]:
    """Return rows to write, ids of rows to delete, and whether others are proposed than were."""
    came: list[ProposedRow] = []
    went: list[int] = []
    kept: set[Row] = set()
    moved = False
    for member in one.members:
        row, scope = known.rows[member.node]
        kept.add(row)
        name = known.things[member.node].name
        there = have.get(row)
        shared = list(member.shared)
        if there is not None:
            if (there.name, there.why, there.shared) == (name, member.why, shared):
                continue
            went.append(there.pk)
        moved = moved or there is None or bool(there.shared) != bool(shared)
        came.append(
            ProposedRow(
                proposal=proposal,
                kind=row[0],
                row_id=row[1],
                scope_id=scope,
                name=name,
                why=member.why,
                shared=shared,
            )
        )
    lost = [there.pk for row, there in have.items() if row not in kept]
    return came, went + lost, bool(have) and (moved or bool(lost))


def _carry_over(
    there: dict[str, Proposal],
    rows: dict[int, dict[Row, ProposedRow]],
    wanted: dict[str, Proposed],
    known: Known,
) -> None:
    """Let a proposal whose anchor went go on as the one that has most of its resources now."""
    lost = [one for digest, one in there.items() if digest not in wanted and one.project_id is None]
    new = [digest for digest, one in wanted.items() if digest not in there and one.project is None]
    if not lost or not new:
        return
    owner = {
        known.rows[member.node][0]: digest for digest in new for member in wanted[digest].certain
    }
    for one in lost:
        certain = [row for row, held in rows[one.pk].items() if not held.shared]
        shares: dict[str, int] = {}
        for row in certain:
            if row in owner:
                shares[owner[row]] = shares.get(owner[row], 0) + 1
        best = min(shares, key=lambda digest: (-shares[digest], digest), default="")
        if best and shares[best] * 2 > len(certain) and best not in there:
            del there[one.digest]
            there[best] = one


def timed() -> tuple[bool, float]:
    """Return what `renew` answers, and how long it took in seconds."""
    began = time.monotonic()
    done = renew()
    return done, time.monotonic() - began
