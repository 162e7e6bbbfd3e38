"""Takes resources away, and ends what was done to a stack: what engine begins comes to this."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from apps.sandbox.cloudformation import nested
from apps.sandbox.cloudformation.model import DELETED, KIND, Resource, Stack, StackStore
from apps.sandbox.cloudformation.real import making
from apps.sandbox.cloudformation.template import conditions, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

#: Virtual seconds a resource takes.
_SECONDS = (3.0, 9.0)
_SLOW = {"AWS::ECS::Service": (25.0, 45.0), "AWS::EC2::Instance": (12.0, 20.0)}
USER = "User Initiated"


def soon(stack: Stack, deed: Callable[[], None]) -> None:
    """Do something in a moment."""
    chance = stack.place.world.chance(stack.id, "soon", len(stack.events))
    stack.place.world.scheduler.after(chance.uniform(0.5, 2.0), deed)


def seconds(stack: Stack, resource: Resource) -> float:
    """Virtual seconds that a resource takes."""
    chance = stack.place.world.chance(stack.id, resource.logical_id, len(stack.events))
    return chance.uniform(*_SLOW.get(resource.type, _SECONDS))


def failed_words(failed: dict[str, str]) -> str:
    """Name what failed: ``The following resource(s) failed to create: [Bucket, Role].``, say."""
    by_verb: dict[str, list[str]] = {}
    for name, verb in failed.items():
        by_verb.setdefault(verb.lower(), []).append(name)
    return " ".join(
        f"The following resource(s) failed to {verb}: [{', '.join(names)}]."
        for verb, names in by_verb.items()
    )


def sweep(stack: Stack, replaced: list[Resource], then: Callable[[], None]) -> None:
    """Take away what others stand in the place of, the newest first; what stays, stays."""
    if not replaced:
        then()
        return
    *rest, old = replaced
    following = functools.partial(sweep, stack, rest, then)
    if old.definition.get("UpdateReplacePolicy") == "Retain":
        stack.tell(old, "DELETE_SKIPPED")
        following()
        return
    stack.tell(old, "DELETE_IN_PROGRESS")

    def over(cause: str | None) -> None:
        stack.tell(old, "DELETE_FAILED" if cause else DELETED, cause or "")
        following()

    making.remove(stack, old, over)


def deleted(stack: Stack, failed: dict[str, str]) -> None:
    """A deletion is over; ``failed`` are those that would not go."""
    if failed:
        stack.deleted = None
        end(stack, "DELETE_FAILED", failed_words(failed))
        return
    stack.place.of(StackStore).bury(stack)
    end(stack, DELETED)


def above(name: str, needed: dict[str, set[str]]) -> set[str]:
    """The resources that need this one, directly or not."""
    found: set[str] = set()
    pending = [name]
    while pending:
        one = pending.pop()
        for other, names in needed.items():
            if one in names and other not in found:
                found.add(other)
                pending.append(other)
    return found


def _stays(resource: Resource, *, creating: bool) -> bool:
    """Whether its template says that it outlives its stack; ``creating``: its stack goes back."""
    policy = resource.definition.get("DeletionPolicy")
    kept = policy == "Retain" or (policy == "RetainExceptOnCreate" and not creating)
    return bool(kept and resource.physical_id)


def remove(
    stack: Stack,
    names: list[str],
    then: Callable[[dict[str, str]], None],
    acts: nested.Acts,
    *,
    creating: bool = False,
) -> None:
    """Delete resources one after the other; ``then`` gets those that would not go."""
    failed: dict[str, str] = {}

    def following(left: list[str]) -> None:
        if not left:
            then(failed)
            return
        name, *rest = left
        resource = stack.resources[name]
        if name in stack.left or _stays(resource, creating=creating):
            stack.tell(resource, "DELETE_SKIPPED")
            following(rest)
            return
        stack.tell(resource, "DELETE_IN_PROGRESS")

        def over(cause: str | None) -> None:
            cause = stack.stuck.pop(name, None) or cause
            stack.tell(resource, "DELETE_FAILED" if cause else DELETED, cause or "")
            if cause:
                failed[name] = "DELETE"
            following(rest)

        if resource.type == KIND and resource.physical_id:
            nested.remove(stack, resource, acts, over)
            return
        going: Callable[[], None] = functools.partial(over, None)
        if resource.physical_id and making.kind_of(stack, resource) is not None:
            going = functools.partial(making.remove, stack, resource, over)
        stack.place.world.scheduler.after(seconds(stack, resource) / 2, going)

    following(names)


def end(stack: Stack, status: str, reason: str = "") -> None:
    """An operation is over."""
    if status.endswith("COMPLETE") and status != DELETED:
        look_up = stack.lookup()
        told = conditions(stack.template, look_up)
        stack.resources = {
            name: one for name, one in stack.resources.items() if one.status != DELETED
        }
        stack.outputs = [
            {
                "OutputKey": name,
                "OutputValue": str(resolve(output.get("Value", ""), look_up, told)),
                "Description": str(output.get("Description", "")),
                "ExportName": str(resolve(output.get("Export", {}).get("Name", ""), look_up, told)),
            }
            for name, output in stack.template.get("Outputs", {}).items()
            if told.get(output.get("Condition", ""), True)
        ]
    stack.tell(None, status, reason)
    waiting, stack.on_end = stack.on_end, []
    for deed in waiting:
        deed(stack)
