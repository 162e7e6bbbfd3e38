"""What people decide about proposals and what projects hold, in words, as it is recorded."""

from typing import Any

from apps.audit.verbs import VERBS, Verb
from apps.audit.writing import record
from apps.mirror.resource import REGISTER
from apps.projects.told import RESOURCES, called

from .models import Proposal, ProposedRow
from .shown import plural, singular

# What records of what is no project yet are about.
SUBJECT = "proposal"

ACCEPTED = VERBS.add(Verb("adoption.accepted", "adopted {what}", RESOURCES, "folder-plus"))
DECLINED = VERBS.add(Verb("adoption.declined", "declined {what}", RESOURCES, "x"))
LINKED = VERBS.add(Verb("adoption.linked", "linked {what}", RESOURCES, "link"))
UNLINKED = VERBS.add(Verb("adoption.unlinked", "took {what} out", RESOURCES, "unlink"))
MERGED = VERBS.add(Verb("adoption.merged", "put {what} together", icon="merge"))
SPLIT = VERBS.add(Verb("adoption.split", "split {what} off", icon="split"))
IGNORED = VERBS.add(Verb("adoption.ignored", "ignored {what}", icon="eye-off"))
AGAIN = VERBS.add(Verb("adoption.again", "let {what} be proposed again", icon="undo-2"))


def tell(proposal: Proposal, verb: Verb, by: Any, what: str) -> None:
    """Record what `by` decided about what is no project yet."""
    record(
        verb,
        who=by,
        name="" if by is None else called(by),
        what=what,
        subject=(SUBJECT, proposal.pk),
        subject_name=str(proposal),
    )


def in_words(rows: list[ProposedRow]) -> str:
    """Return what several resources are called: "pipeline shop", or "2 pipelines, 1 alarm"."""
    if len(rows) == 1:
        return f"{singular(rows[0].kind)} {rows[0].name}"
    counts: dict[str, int] = {}
    for one in rows:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return ", ".join(
        f"{count} {plural(kind) if count > 1 else singular(kind)}" for kind, count in counts.items()
    )


def number(rows: list[ProposedRow]) -> str:
    """Return how many resources: what a project does not hold is not its members' to know."""
    return f"{len(rows)} resource{'s' if len(rows) > 1 else ''}"


def name_of(kind: str, row_id: int) -> str:
    """Return what a row is called; one that is mirrored no more by its kind alone."""
    resource = REGISTER.by_kind.get(kind)
    row = None if resource is None else resource.model._default_manager.filter(pk=row_id).first()
    return f"{singular(kind)} {row}" if row is not None else f"a {singular(kind)}"
