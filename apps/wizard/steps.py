"""What a step of the wizard's courses is, and what of AWS's answers several of them read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.aws.calls import Reach

from .models import STACK, Bootstrap, Creation
from .removing import REPOSITORY
from .stacks import is_gone, resources_of, stack_of
from .troubles import Trouble

# In `Bootstrap.preview`: when the application's stack was last changed, as it was seen.
APP_AT = "app_at"


@dataclass(frozen=True, slots=True)
class Back:
    """That a step has to be gone back to."""

    step: str


# None: it has come to its end. False: not yet.
Verdict = None | bool | Trouble | Back
Over = Callable[[Bootstrap, Reach], Verdict]


def _at_once(_bootstrap: Bootstrap, _reach: Reach) -> Verdict:
    return None


def _always(_bootstrap: Bootstrap) -> bool:
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step.

    name    kept in `Bootstrap.step`.
    label   what is being done, for the progress: "Creating the stack".
    act     name of the deed that is asked for; "" where it only looks.
    needed  whether it is taken at all.
    stands  how it stands before its deed is asked for: None to ask for it, True where it is done
            already and only to be judged, anything else as `over` has it.
    before  what is written down before it begins: what it is about to make.
    over    whether it has come to its end.
    """

    name: str
    label: str
    act: str = ""
    needed: Callable[[Bootstrap], bool] = _always
    stands: Over = _at_once
    before: Callable[[Bootstrap], None] = field(default=lambda _bootstrap: None)
    over: Over = _at_once


def planned(bootstrap: Bootstrap, kind: str, ident: str, name: str = "") -> None:
    """Write down that something is about to be made."""
    Creation.objects.get_or_create(
        bootstrap=bootstrap, kind=kind, ident=ident, defaults={"name": name}
    )


def progress_of(events: Sequence[Any], stack: str) -> list[dict[str, str]]:
    """Return how each resource stands by the events of a stack, in the order they began."""
    found: dict[str, dict[str, str]] = {}
    for event in events:
        logical = str(event["LogicalResourceId"])
        if logical == stack and event["ResourceType"] == "AWS::CloudFormation::Stack":
            continue
        before = found.get(logical, {})
        if before.get("status", "").endswith("_FAILED") and before["reason"] and not begins(event):
            # What failed stays told while it is cleared away.
            continue
        found[logical] = {
            "id": logical,
            "type": str(event["ResourceType"]),
            "status": str(event["ResourceStatus"]),
            "reason": str(event.get("ResourceStatusReason", ""))[:500],
            "at": event["Timestamp"].isoformat(),
        }
    return list(found.values())


def begins(event: Any) -> bool:
    """Whether something is tried anew: what failed before is over then."""
    return str(event["ResourceStatus"]) in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")


def _has_our_role(bootstrap: Bootstrap, stack: Mapping[str, Any]) -> bool:
    role = str(stack.get("RoleARN") or "").rpartition("/")[2]
    return bool(role) and bootstrap.creations.filter(kind="AWS::IAM::Role", name=role).exists()


def note_app_stack(bootstrap: Bootstrap, reach: Reach) -> None:
    """Write down the stack that the pipeline makes, once it is there.

    Its role tells it from one of that name that somebody else made.
    """
    name = bootstrap.app_stack
    stack = stack_of(reach, name) if name else None
    if name and stack is not None and not is_gone(stack) and _has_our_role(bootstrap, stack):
        Creation.objects.update_or_create(
            bootstrap=bootstrap,
            kind=STACK,
            ident=name,
            defaults={"name": stack["StackId"], "fate": Creation.Fate.MADE},
        )
        told = [
            [one["LogicalResourceId"], one["ResourceType"]] for one in resources_of(reach, name)
        ]
        at = str(stack.get("LastUpdatedTime") or stack["CreationTime"])
        bootstrap.preview = {**bootstrap.preview, "app": told, APP_AT: at}


def note_resources(bootstrap: Bootstrap, reach: Reach, name: str) -> None:
    """Write down everything that the stack made, with its name in AWS."""
    for one in resources_of(reach, name):
        # What could not be created is none of ours: the name may be somebody else's.
        none = one["ResourceStatus"] in ("CREATE_FAILED", "DELETE_COMPLETE")
        gone = none or not one.get("PhysicalResourceId")
        Creation.objects.update_or_create(
            bootstrap=bootstrap,
            kind=one["ResourceType"],
            ident=one["LogicalResourceId"],
            defaults={
                "name": _named(bootstrap, one),
                "fate": Creation.Fate.REMOVED if gone else Creation.Fate.MADE,
                "why": "",
            },
        )


def _named(bootstrap: Bootstrap, one: Any) -> str:
    """What people call it: CloudFormation knows a repository by a UUID that nothing else takes."""
    if one["ResourceType"] == REPOSITORY:
        return bootstrap.chosen.repository_name
    return str(one.get("PhysicalResourceId", ""))
