"""What people decide about proposals and what a project holds: each whole or not at all.

All of them hold the same lock as the task that works the proposals out, and move its stamp: what
was worked out before a decision is thrown away.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.timezone import now

from apps.mirror.resource import REGISTER
from apps.projects.deeds import RefusedError, create
from apps.projects.follow import leaving
from apps.projects.generations import begin_another
from apps.projects.models import Holding, Membership, Project
from apps.projects.roles import Role
from apps.projects.tasks import follow_soon
from apps.projects.told import tell

from . import told
from .models import (
    Accepted,
    Adoption,
    Decided,
    Declined,
    Proposal,
    ProposedRow,
    Row,
    Shape,
    digest_of,
)
from .soon import propose_soon

BATCH = 500
GONE = "Somebody was quicker: this was accepted, put together with another or ignored already."
MOVED = (
    "Other resources belong to this by now than the page showed. Nothing was done; look once more."
)


def _decide() -> None:
    """Begin a decision: nobody else decides until the transaction ends."""
    Adoption.locked()
    Adoption.objects.filter(pk=1).update(stamp=F("stamp") + 1)
    transaction.on_commit(propose_soon)


def _found(pk: int, version: int | None) -> Proposal:
    """Return a proposal that is open. Raises RefusedError where it is not as its reader saw it."""
    found = Proposal.objects.open().filter(pk=pk).first()
    if found is None:
        raise RefusedError(GONE)
    if version is not None and found.version != version:
        raise RefusedError(MOVED)
    return found


def accept(  # noqa: PLR0913 - what may be said of it
    pk: int,
    user: Any,
    *,
    version: int | None = None,
    name: str = "",
    chosen: Collection[int] | None = None,
    into: Project | None = None,
    by_itself: bool = False,
) -> Project:
    """Make a proposal a project that `user` owns, or put it into one that is there.

    chosen  ids of its `ProposedRow`s; None for all that is its alone. What was its alone and is
            not chosen is not proposed to that project again.
    Raises RefusedError.
    """
    with transaction.atomic():
        _decide()
        proposal = _found(pk, version)
        if by_itself and not Proposal.objects.adopt_themselves().filter(pk=pk).exists():
            raise RefusedError("Somebody decided about this: it waits for them.")
        rows = list(proposal.rows.all())
        taken = [
            one for one in rows if (one.pk in chosen if chosen is not None else not one.shared)
        ]
        if not taken:
            raise RefusedError("Choose at least one resource.")
        project = proposal.project or into
        if project is None:
            called = name or str(proposal)
            project = create(user, {"name": called}, by_itself=by_itself)
        else:
            # It may be deleted at this moment.
            project = Project.objects.select_for_update().filter(pk=project.pk).first()
            if project is None:
                raise RefusedError("The project was deleted meanwhile.")
        # Who only adds to their project says nothing of whose the rest is.
        _hold(project, taken, user if not by_itself else None)
        left = [one for one in rows if one not in taken and not one.shared]
        _bar(project, [one.row for one in left], user)
        by = None if by_itself else user
        tell(project, told.ACCEPTED, by, told.in_words(taken), detail={"rows": len(taken)})
        if left:
            tell(project, told.DECLINED, by, told.number(left), detail={"rows": len(left)})
        if proposal.project_id is None:
            Accepted.objects.update_or_create(
                digest=proposal.digest,
                defaults={
                    "project": project,
                    "by_itself": by_itself,
                    "by": by,
                    "at": now(),
                },
            )
        _put_away(proposal)
        begin_another()
        transaction.on_commit(follow_soon)
    return project


def _hold(project: Project, rows: Iterable[ProposedRow], user: Any) -> None:
    wanted = list(rows)
    # What followed something is here by itself now.
    for one in wanted:
        if REGISTER.get(one.kind).goes_with or REGISTER.get(one.kind).seen_with:
            Holding.objects.filter(
                project=project, kind=one.kind, row_id=one.row_id, how=Holding.How.FOLLOWS
            ).delete()
    Holding.objects.bulk_create(
        [
            Holding(
                project=project,
                kind=one.kind,
                row_id=one.row_id,
                scope_id=one.scope_id,
                how=Holding.How.ADOPTED,
                why=one.why,
                added_by=user,
            )
            for one in wanted
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    Decided.remember(one.row for one in wanted)
    _unbar(project, [one.row for one in wanted])


def _bar(project: Project, rows: Collection[Row], user: Any) -> None:
    Decided.remember(rows)
    Declined.objects.bulk_create(
        [Declined(project=project, kind=kind, row_id=row_id, by=user) for kind, row_id in rows],
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def _unbar(project: Project, rows: Iterable[Row]) -> None:
    by_kind: dict[str, list[int]] = {}
    for kind, row_id in rows:
        by_kind.setdefault(kind, []).append(row_id)
    for kind, ids in by_kind.items():
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            Declined.objects.filter(project=project, kind=kind, row_id__in=some).delete()


def _remember(*proposals: Proposal) -> None:
    """Keep that a person decided about what these have."""
    Decided.remember(
        (kind, row_id)
        for kind, row_id in ProposedRow.objects.filter(
            proposal__in=proposals, shared=[]
        ).values_list("kind", "row_id")
    )


def _put_away(proposal: Proposal) -> None:
    """Delete a proposal, and what was put together by hand for it."""
    if proposal.shape_id is not None:
        Shape.objects.filter(pk=proposal.shape_id).delete()
    proposal.delete()


def decline(pk: int, user: Any, *, version: int | None = None) -> Project:
    """Say that what seems to belong to a project does not; it is not proposed to it again."""
    with transaction.atomic():
        _decide()
        proposal = _found(pk, version)
        if proposal.project is None:
            raise RefusedError(GONE)
        rows = list(proposal.rows.all())
        _bar(proposal.project, [one.row for one in rows], user)
        tell(proposal.project, told.DECLINED, user, told.number(rows), detail={"rows": len(rows)})
        proposal.delete()
    return proposal.project


def ignore(pk: int, user: Any) -> Proposal:
    """Show a proposal among the ignored ones only, however its resources come and go."""
    with transaction.atomic():
        _decide()
        proposal = _found(pk, None)
        if proposal.project_id is not None:
            raise RefusedError("What seems to belong to a project is declined, not ignored.")
        _remember(proposal)
        Proposal.objects.filter(pk=pk).update(ignored_at=now(), ignored_by=user)
        told.tell(proposal, told.IGNORED, user, str(proposal))
    return proposal


def propose_again(pk: int, user: Any) -> Proposal:
    """Take back that a proposal is ignored."""
    with transaction.atomic():
        _decide()
        proposal = Proposal.objects.filter(pk=pk).exclude(ignored_at=None).first()
        if proposal is None:
            raise RefusedError("It is not ignored any more.")
        _remember(proposal)
        Proposal.objects.filter(pk=pk).update(ignored_at=None, ignored_by=None)
        told.tell(proposal, told.AGAIN, user, str(proposal))
    return proposal


def rename(pk: int, name: str) -> Proposal:
    """Give a proposal a name before it is a project."""
    with transaction.atomic():
        _decide()
        proposal = _found(pk, None)
        _remember(proposal)
        Proposal.objects.filter(pk=pk).update(own_name=name)
        if proposal.shape_id is not None:
            Shape.objects.filter(pk=proposal.shape_id).update(name=name)
    return proposal


def split(pk: int, user: Any, chosen: Collection[int], *, version: int | None, name: str) -> Any:
    """Make a proposal of its own of some resources of one; return it. Raises RefusedError."""
    with transaction.atomic():
        _decide()
        proposal = _found(pk, version)
        rows = list(proposal.rows.all())
        moved = [one for one in rows if one.pk in chosen]
        stay = [one for one in rows if one.pk not in chosen and not one.shared]
        if proposal.project_id is not None:
            raise RefusedError(GONE)
        if not moved or not stay:
            raise RefusedError("Tick the resources to split off, and leave some that stay.")
        rest = _shape_of(proposal, user)
        shape = Shape.objects.create(name=name, made_by=user, family=rest.family)
        shape.take(one.row for one in moved)
        # What stays is kept together by hand, too, or else the part would have all of it again by
        # what hangs together: where no pipeline claims a thing, whatever was put together comes
        # first.
        rest.take((one.row for one in stay), {one.row: one.why for one in stay})
        Proposal.objects.filter(pk=proposal.pk).update(
            anchor=rest.anchor, digest=digest_of(rest.anchor)
        )
        other = Proposal.objects.create(
            anchor=shape.anchor, digest=digest_of(shape.anchor), name=name, own_name=name
        )
        for one in moved:
            one.proposal, one.shared = other, []
        ProposedRow.objects.bulk_update(moved, ["proposal", "shared"], batch_size=BATCH)
        _recount(other, proposal)
        _remember(other, proposal)
        told.tell(other, told.SPLIT, user, f"{told.in_words(moved)} of {proposal} as {name}")
    return other


def _shape_of(proposal: Proposal, user: Any) -> Shape:
    """Return what keeps a proposal together by hand, a new one where nothing did."""
    shape = Shape.objects.filter(pk=proposal.shape_id or 0).first()
    if shape is None:
        shape = Shape.objects.create(name=str(proposal), made_by=user)
    if not shape.family:
        shape.family = shape.pk
        shape.save(update_fields=["family"])
    return shape


def merge(pk: int, other_pk: int, user: Any, *, version: int | None = None) -> Proposal:
    """Make one proposal of two; it keeps the first one's name. Raises RefusedError."""
    with transaction.atomic():
        _decide()
        one, other = _found(pk, version), _found(other_pk, None)
        if one.pk == other.pk or one.project_id is not None or other.project_id is not None:
            raise RefusedError("Choose another proposal to put it together with.")
        _remember(one, other)
        shape = Shape.objects.create(name=str(one), made_by=user)
        _join_families(shape, one, other)
        rows = list(ProposedRow.objects.filter(proposal__in=[one, other]).order_by("pk"))
        shape.take(
            (row.row for row in rows if not row.shared),
            {row.row: row.why for row in rows if row.proposal_id == one.pk},
        )
        for proposal in (one, other):
            if proposal.shape_id is not None:
                Shape.objects.filter(pk=proposal.shape_id).delete()
        mine = {row.row for row in rows if row.proposal_id == one.pk}
        moved = [row for row in rows if row.proposal_id == other.pk and row.row not in mine]
        ProposedRow.objects.filter(pk__in=[row.pk for row in moved]).update(proposal=one)
        Proposal.objects.filter(pk=other.pk).delete()
        Proposal.objects.filter(pk=one.pk).update(
            anchor=shape.anchor, digest=digest_of(shape.anchor), own_name=str(one)
        )
        _recount(one)
        told.tell(one, told.MERGED, user, f"{one} and {other}")
    return one


def _join_families(shape: Shape, *proposals: Proposal) -> None:
    """Let a shape be of the family of what these were split off from, all of them of one."""
    numbers = [one.shape_id for one in proposals if one.shape_id is not None]
    families = Shape.objects.filter(pk__in=numbers).exclude(family=0)
    several = sorted(families.values_list("family", flat=True).distinct())
    if several:
        Shape.objects.filter(family__in=several).update(family=several[0])
        Shape.objects.filter(pk=shape.pk).update(family=several[0])


def unshape(pk: int) -> Proposal:
    """Propose what was put together, or split off, as it was found; all parts of what was split."""
    with transaction.atomic():
        _decide()
        proposal = _found(pk, None)
        shape = Shape.objects.filter(pk=proposal.shape_id or 0).first()
        if shape is None:
            raise RefusedError("It is as it was found.")
        parts = Shape.objects.filter(family=shape.family).exclude(family=0) | Shape.objects.filter(
            pk=shape.pk
        )
        for part in Proposal.objects.filter(digest__in=[digest_of(one.anchor) for one in parts]):
            _put_away(part)
    return proposal


def _recount(*proposals: Proposal) -> None:
    for one in proposals:
        certain = ProposedRow.objects.filter(proposal=one, shared=[]).count()
        Proposal.objects.filter(pk=one.pk).update(
            certain=certain, version=F("version") + 1, changed_at=now()
        )


def set_tag_key(tag_key: str) -> None:
    """Say which tag tells whose a resource is, "" for none."""
    with transaction.atomic():
        _decide()
        Adoption.objects.filter(pk=1).update(tag_key=tag_key)


def link(project: Project, user: Any, rows: Sequence[tuple[str, Any]]) -> int:
    """Let a project hold rows; return how many it did not hold before. The caller saw to sight."""
    with transaction.atomic():
        _decide()
        made = []
        for kind, row in rows:
            holding, fresh = Holding.objects.get_or_create(
                project=project,
                kind=kind,
                row_id=row.pk,
                defaults={
                    "scope_id": row.scope_id,
                    "how": Holding.How.LINKED,
                    "added_by": user,
                },
            )
            if not fresh and holding.how == Holding.How.FOLLOWS:
                Holding.objects.filter(pk=holding.pk).update(
                    how=Holding.How.LINKED, added_by=user, added_at=now()
                )
                fresh = True
            if fresh:
                made.append((kind, row.pk))
        Decided.remember((kind, row.pk) for kind, row in rows)
        _unbar(project, [(kind, row.pk) for kind, row in rows])
        for kind, row_id in made:
            detail = {"kind": kind, "row": row_id}
            tell(project, told.LINKED, user, told.name_of(kind, row_id), detail=detail)
        if made:
            begin_another()
            transaction.on_commit(follow_soon)
    return len(made)


def unlink(project: Project, user: Any, kind: str, row_id: int) -> bool:
    """Take a row out of a project; it is not proposed to it again by itself."""
    gone_with_it = leaving(project, (kind, row_id))
    with transaction.atomic():
        _decide()
        held = Holding.objects.filter(project=project, kind=kind, row_id=row_id)
        gone, _ = held.exclude(how=Holding.How.FOLLOWS).delete()
        if not gone:
            return False
        _bar(project, [(kind, row_id)], user)
        detail = {"kind": kind, "row": row_id}
        tell(project, told.UNLINKED, user, told.name_of(kind, row_id), detail=detail)
        # What goes with it leaves with it, whether or not a worker runs.
        gone_with_it.go()
        begin_another()
        transaction.on_commit(follow_soon)
    return True


def let_in(project: Project, users: Iterable[Any], role: Role) -> None:
    """Put users into a project who are not in it."""
    Membership.objects.bulk_create(
        [Membership(project=project, user=user, role=role) for user in users],
        ignore_conflicts=True,
    )
