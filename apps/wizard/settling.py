"""Writes down what became of each thing when everything is undone: by what AWS says of it.

Of a deleted stack AWS tells resources and events by its id, for 90 days.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from apps.aws.calls import Reach

from .models import STACK, Bootstrap, Creation
from .parts import OF_APP, OF_TOOLCHAIN, PARTS, Part
from .pushing import COMMIT
from .removing import HANDLE, REPOSITORY, has_ours, repository_of
from .stacks import events_of, is_gone, resources_of, stack_of
from .steps import Verdict

GONE, SKIPPED = "DELETE_COMPLETE", "DELETE_SKIPPED"
THEIRS = "the files stay in {name}, which is your team's"
HOLDS_CODE = "it holds your code: delete {name} in CodeCommit when you need it no more"
LATER = "AWS deletes the key after its waiting period of 7 to 30 days"
KEPT = "the stack's template keeps it"
UNTOLD = "AWS does not tell what became of it: look whether it is still there"
STANDS = "it is still there ({status}): delete it in CloudFormation"
# What a function has of versions goes with it, though SAM has its template keep them.
VERSION, FUNCTION = "AWS::Lambda::Version", "AWS::Lambda::Function"
Fate = Creation.Fate


@dataclass(frozen=True, slots=True)
class Told:
    """What AWS says of a resource of a stack: its type, its name and how it ended."""

    kind: str
    name: str
    status: str


def settle(bootstrap: Bootstrap, reach: Reach) -> Verdict:
    """Write it down; looked at once more, it is the same. Raises botocore's errors."""
    for part in PARTS:
        if part.stack(bootstrap):
            of_stack(bootstrap, reach, part)
    # A plan that never became one, or that AWS never answered.
    _end(bootstrap.creations.filter(kind=STACK, name=""), Fate.REMOVED)
    _end(bootstrap.creations.filter(kind=COMMIT, name=""), Fate.REMOVED)
    for commit in bootstrap.creations.filter(kind=COMMIT).exclude(name=""):
        why = THEIRS.format(name=commit.ident)
        _end(bootstrap.creations.filter(pk=commit.pk), Fate.LEFT, why)
    repository = repository_of(bootstrap)
    if repository:
        there = has_ours(reach, bootstrap)
        rows = bootstrap.creations.filter(kind=REPOSITORY)
        why = HOLDS_CODE.format(name=repository) if there else ""
        _end(rows, Fate.LEFT if there else Fate.REMOVED, why)
    return None


def of_stack(bootstrap: Bootstrap, reach: Reach, part: Part) -> None:
    """Write down what became of one stack and of all that it had. Raises botocore's errors."""
    name = part.stack(bootstrap)
    stack = stack_of(reach, name)
    told = {} if stack is None else _told(reach, name)
    own = bootstrap.creations.filter(kind=STACK, name=name)
    if stack is None or is_gone(stack):
        _end(own, Fate.REMOVED)
    else:
        _end(own, Fate.LEFT, STANDS.format(status=stack["StackStatus"]))
    _of_its_resources(bootstrap, part, told)


def _told(reach: Reach, name: str) -> dict[str, Told]:
    """Return what AWS says of all that a stack ever had, by logical id."""
    found = {
        str(one["LogicalResourceId"]): Told(
            str(one["ResourceType"]),
            str(one.get("PhysicalResourceId") or ""),
            str(one["ResourceStatus"]),
        )
        for one in resources_of(reach, name)
    }
    before: dict[str, Told] = {}
    for one in events_of(reach, name):
        # What was taken out of the stack by an update is in none of its lists any more.
        before[str(one["LogicalResourceId"])] = Told(
            str(one["ResourceType"]),
            str(one.get("PhysicalResourceId") or ""),
            str(one["ResourceStatus"]),
        )
    return {**before, **found}


def _of_its_resources(bootstrap: Bootstrap, part: Part, told: dict[str, Told]) -> None:
    edited = {logical: what for logical, _type, what in part.edited(bootstrap)}
    known = _known(bootstrap) if part is OF_TOOLCHAIN else {}
    for logical, one in known.items():
        if one.kind == REPOSITORY:
            continue
        became = told.get(logical)
        status = became.status if became else ""
        if status == GONE:
            why = LATER if one.kind == "AWS::KMS::Key" else ""
            _end(bootstrap.creations.filter(pk=one.pk), Fate.REMOVED, why)
        elif status == SKIPPED:
            why = edited.get(logical, KEPT)
            _end(bootstrap.creations.filter(pk=one.pk), Fate.LEFT, why)
        else:
            _end(bootstrap.creations.filter(pk=one.pk), Fate.LEFT, UNTOLD)
    left = dict(_left(told, bootstrap))
    for logical, of in left.items():
        if logical in known:
            continue
        if of.kind == VERSION and not any(one.kind == FUNCTION for one in left.values()):
            continue
        ident = f"{bootstrap.app_stack}/{logical}" if part is OF_APP else logical
        Creation.objects.update_or_create(
            bootstrap=bootstrap,
            kind=of.kind,
            ident=ident[:255],
            defaults={"name": of.name, "fate": Fate.LEFT, "why": edited.get(logical, KEPT)},
        )


def _known(bootstrap: Bootstrap) -> dict[str, Creation]:
    """Return what was written down of the toolchain and not gone before, by logical id."""
    rows = bootstrap.creations.exclude(fate=Fate.REMOVED).exclude(kind__in=(STACK, "staging"))
    return {one.ident: one for one in rows if "/" not in one.ident}


def _left(told: dict[str, Told], bootstrap: Bootstrap) -> Iterator[tuple[str, Told]]:
    names = (bootstrap.name, bootstrap.app_stack)
    for logical, one in told.items():
        stack = logical in names and one.kind == "AWS::CloudFormation::Stack"
        if one.status == SKIPPED and not stack and not logical.startswith(HANDLE):
            yield logical, one


def _end(rows: QuerySet[Creation], fate: Creation.Fate, why: str = "") -> None:
    rows.update(fate=fate, why=why)
