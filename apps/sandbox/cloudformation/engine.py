"""Brings stacks up, changes and deletes them, resource by resource, and back where one fails."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudformation import nested
from apps.sandbox.cloudformation.causes import cause_of
from apps.sandbox.cloudformation.model import DELETED, KIND, Resource, Stack, StackStore, Wanted
from apps.sandbox.cloudformation.physical import is_renamed, make_id
from apps.sandbox.cloudformation.template import (
    Template,
    conditions,
    dependencies,
    fingerprint,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.clock import Timer

#: Virtual seconds a resource takes.
_SECONDS = (3.0, 9.0)
_SLOW = {"AWS::ECS::Service": (25.0, 45.0), "AWS::EC2::Instance": (12.0, 20.0)}
_NOUNS = {"CREATE": "creation", "UPDATE": "update", "DELETE": "deletion"}
USER = "User Initiated"


@dataclass(slots=True, eq=False)
class Operation:
    """A creation or an update that is under way."""

    stack: Stack
    verb: str
    before: Wanted
    todo: dict[str, str] = field(default_factory=dict)
    waits: dict[str, set[str]] = field(default_factory=dict)
    running: dict[str, Timer | None] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    obsolete: list[str] = field(default_factory=list)
    old: dict[str, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)


def create(stack: Stack, reason: str = USER) -> None:
    """Bring a new stack up."""
    stack.tell(None, "CREATE_IN_PROGRESS", reason)
    _begin(Operation(stack, "CREATE", Wanted(stack.body, stack.template, stack.values)))


def update(stack: Stack, wanted: Wanted, reason: str = USER) -> None:
    """Change a stack into what is wanted."""
    before = Wanted(stack.body, stack.template, stack.values)
    stack.body, stack.template, stack.values = wanted.body, wanted.template, wanted.values
    stack.updated, stack.previous = stack.place.world.now(), before
    stack.tell(None, "UPDATE_IN_PROGRESS", reason)
    _begin(Operation(stack, "UPDATE", before))


def _acts() -> nested.Acts:
    return nested.Acts(create, update, delete)


def wanted_resources(stack: Stack, template: Template) -> dict[str, dict[str, Any]]:
    """The resources of a template whose conditions hold."""
    told = conditions(template, stack.lookup())
    return {
        name: resource
        for name, resource in template["Resources"].items()
        if told.get(resource.get("Condition", ""), True)
    }


def worked_out(stack: Stack, template: Template, definition: dict[str, Any]) -> dict[str, Any]:
    """A resource's properties with everything resolved."""
    look_up = stack.lookup()
    told = conditions(template, look_up)
    found: dict[str, Any] = resolve(definition.get("Properties", {}), look_up, told)
    return found


def _begin(operation: Operation) -> None:
    stack = operation.stack
    wanted = wanted_resources(stack, stack.template)
    needed = dependencies(stack.template)
    for name, definition in wanted.items():
        have = stack.resources.get(name)
        if have is None or have.status in (DELETED, "CREATE_FAILED"):
            operation.todo[name] = "CREATE"
        elif nested.is_nested(definition) or _moved(stack, have, definition):
            operation.todo[name] = "UPDATE"
            operation.old[name] = (have.definition, have.properties)
    operation.waits = {name: needed[name] & operation.todo.keys() for name in operation.todo}
    operation.obsolete = [
        name
        for name, have in stack.resources.items()
        if name not in wanted and have.status != DELETED
    ]
    _soon(stack, functools.partial(_proceed, operation))


def _moved(stack: Stack, have: Resource, definition: dict[str, Any]) -> bool:
    if fingerprint(have.definition) != fingerprint(definition):
        return True
    # The same words may mean something else by now: a parameter has another value.
    now = worked_out(stack, stack.template, definition)
    return fingerprint(have.properties) != fingerprint(now)


def _soon(stack: Stack, deed: Callable[[], None]) -> None:
    chance = stack.place.world.chance(stack.id, "soon", len(stack.events))
    stack.place.world.scheduler.after(chance.uniform(0.5, 2.0), deed)


def _proceed(operation: Operation) -> None:
    """Start what may start; end when nothing is left, or go back when something has failed."""
    if operation.failed:
        _cancel(operation)
        _go_back(operation)
        return
    started = operation.running.keys() | set(operation.done)
    ready = [
        name
        for name in operation.todo
        if name not in started and operation.waits[name] <= set(operation.done)
    ]
    for name in ready:
        operation.running[name] = None
    for name in ready:
        if not operation.failed:
            _start(operation, name)
    if not operation.running and not operation.failed:
        _complete(operation)


def _start(operation: Operation, name: str) -> None:
    stack, verb = operation.stack, operation.todo[name]
    definition = stack.template["Resources"][name]
    resource = stack.resources.get(name)
    if resource is None or verb == "CREATE":
        resource = stack.resources[name] = Resource(name, str(definition["Type"]))
    resource.definition = definition
    resource.properties = worked_out(stack, stack.template, definition)
    resource.type = str(definition["Type"])
    stack.tell(resource, f"{verb}_IN_PROGRESS")
    if resource.type == KIND:
        nested.start(stack, resource, verb, _acts(), functools.partial(_over, operation, name))
        return
    seconds = _seconds(stack, resource)
    scheduler = stack.place.world.scheduler
    if verb == "CREATE":
        operation.running[name] = scheduler.after(
            seconds * 0.4, functools.partial(_initiate, operation, name, seconds * 0.6)
        )
    else:
        operation.running[name] = scheduler.after(
            seconds, functools.partial(_judge, operation, name)
        )


def _seconds(stack: Stack, resource: Resource) -> float:
    chance = stack.place.world.chance(stack.id, resource.logical_id, len(stack.events))
    return chance.uniform(*_SLOW.get(resource.type, _SECONDS))


def _initiate(operation: Operation, name: str, left: float) -> None:
    stack = operation.stack
    resource = stack.resources[name]
    cause = cause_of(stack, resource, "CREATE")
    if cause is None or "signal" in cause:
        resource.physical_id = make_id(stack, resource)
        stack.tell(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        operation.running[name] = stack.place.world.scheduler.after(
            left, functools.partial(_over, operation, name, cause)
        )
    else:
        _over(operation, name, cause)


def _judge(operation: Operation, name: str) -> None:
    stack = operation.stack
    resource = stack.resources[name]
    cause = cause_of(stack, resource, "UPDATE")
    if cause is None and is_renamed(resource):
        said = (
            "Requested update requires the creation of a new physical resource; hence creating one."
        )
        stack.tell(resource, "UPDATE_IN_PROGRESS", said)
        resource.physical_id = make_id(stack, resource)
    _over(operation, name, cause)


def _over(operation: Operation, name: str, cause: str | None) -> None:
    """A resource is there, or has failed because of ``cause``."""
    if name not in operation.running:
        return
    stack, verb = operation.stack, operation.todo[name]
    del operation.running[name]
    resource = stack.resources[name]
    if cause is None:
        stack.tell(resource, f"{verb}_COMPLETE")
        operation.done.append(name)
    else:
        stack.tell(resource, f"{verb}_FAILED", cause)
        operation.failed[name] = verb
    _proceed(operation)


def _cancel(operation: Operation) -> None:
    """What is still under way is given up."""
    stack = operation.stack
    for name, timer in list(operation.running.items()):
        if timer is not None:
            timer.cancel()
        verb = operation.todo[name]
        stack.tell(stack.resources[name], f"{verb}_FAILED", f"Resource {_NOUNS[verb]} cancelled")
        operation.failed[name] = verb
    operation.running.clear()


def _complete(operation: Operation) -> None:
    stack = operation.stack
    if not operation.obsolete:
        end(stack, f"{operation.verb}_COMPLETE")
        return
    stack.tell(None, f"{operation.verb}_COMPLETE_CLEANUP_IN_PROGRESS")
    remove(
        stack,
        operation.obsolete,
        lambda failed: end(stack, f"{operation.verb}_COMPLETE"),  # noqa: ARG005 - what stays, stays
    )


def _go_back(operation: Operation) -> None:
    stack = operation.stack
    said = failed_words(operation.failed)
    if operation.verb == "CREATE":
        if stack.disable_rollback:
            end(stack, "CREATE_FAILED", said)
            return
        stack.tell(None, "ROLLBACK_IN_PROGRESS", f"{said} Rollback requested by user.")
        there = [name for name, one in stack.resources.items() if one.status != DELETED]
        remove(stack, there[::-1], lambda failed: end(stack, _after_rollback(failed)))
        return
    if stack.disable_rollback:
        end(stack, "UPDATE_FAILED", said)
        return
    stack.tell(None, "UPDATE_ROLLBACK_IN_PROGRESS", said)
    before = operation.before
    stack.body, stack.template, stack.values = before.body, before.template, before.values
    changed = [name for name in operation.todo if name in operation.old]
    touched = {*operation.done, *operation.failed}
    made = [
        name
        for name, verb in operation.todo.items()
        if verb == "CREATE" and name in touched and name in stack.resources
    ]
    restore(stack, operation.old, [name for name in changed if name in touched], made)


def _after_rollback(failed: dict[str, str]) -> str:
    return "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE"


def failed_words(failed: dict[str, str]) -> str:
    """Name what failed: ``The following resource(s) failed to create: [Bucket, Role].``, say."""
    by_verb: dict[str, list[str]] = {}
    for name, verb in failed.items():
        by_verb.setdefault(verb.lower(), []).append(name)
    return " ".join(
        f"The following resource(s) failed to {verb}: [{', '.join(names)}]."
        for verb, names in by_verb.items()
    )


def restore(
    stack: Stack,
    old: dict[str, tuple[dict[str, Any], dict[str, Any]]],
    changed: list[str],
    made: list[str],
) -> None:
    """Bring changed resources back to what they were, one after the other, and remove new ones."""
    if not changed:
        stack.tell(None, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        remove(stack, made[::-1], lambda failed: end(stack, "UPDATE_ROLLBACK_COMPLETE"))  # noqa: ARG005 - what stays, stays
        return
    name, *rest = changed
    resource = stack.resources[name]
    stack.tell(resource, "UPDATE_IN_PROGRESS")

    def back(cause: str | None) -> None:
        stuck = stack.stuck.pop(name, None) or cause
        if stuck is not None:
            stack.tell(resource, "UPDATE_FAILED", stuck)
            # ContinueUpdateRollback goes on from here.
            stack.waiting = functools.partial(restore, stack, old, changed, made)
            end(stack, "UPDATE_ROLLBACK_FAILED", failed_words({name: "UPDATE"}))
            return
        resource.definition, resource.properties = old[name]
        stack.tell(resource, "UPDATE_COMPLETE")
        restore(stack, old, rest, made)

    if resource.type == KIND:
        nested.settle(stack, resource, _acts(), back)
    else:
        stack.place.world.scheduler.after(
            _seconds(stack, resource) / 2, functools.partial(back, None)
        )


def delete(stack: Stack) -> None:
    """Delete a stack and what is in it, the last made first."""
    stack.tell(None, "DELETE_IN_PROGRESS", USER)
    stack.deleted = stack.place.world.now()
    needed = dependencies(stack.template)
    there = [name for name, one in stack.resources.items() if one.status != DELETED]
    order = sorted(there, key=lambda name: len(_above(name, needed)))

    def over(failed: dict[str, str]) -> None:
        if failed:
            stack.deleted = None
            end(stack, "DELETE_FAILED", failed_words(failed))
            return
        stack.place.of(StackStore).bury(stack)
        end(stack, DELETED)

    _soon(stack, functools.partial(remove, stack, order, over))


def _above(name: str, needed: dict[str, set[str]]) -> set[str]:
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


def remove(stack: Stack, names: list[str], then: Callable[[dict[str, str]], None]) -> None:
    """Delete resources one after the other; ``then`` gets those that would not go."""
    failed: dict[str, str] = {}

    def following(left: list[str]) -> None:
        if not left:
            then(failed)
            return
        name, *rest = left
        resource = stack.resources[name]
        if resource.definition.get("DeletionPolicy") == "Retain" and resource.physical_id:
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
            nested.remove(stack, resource, _acts(), over)
        else:
            seconds = _seconds(stack, resource) / 2
            stack.place.world.scheduler.after(seconds, functools.partial(over, None))

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
