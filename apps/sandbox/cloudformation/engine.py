"""Brings stacks up, changes and deletes them, resource by resource, and back where one fails."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudformation import nested
from apps.sandbox.cloudformation.causes import cause_of
from apps.sandbox.cloudformation.ending import (
    USER,
    above,
    deleted,
    end,
    failed_words,
    remove,
    seconds,
    soon,
    sweep,
)
from apps.sandbox.cloudformation.model import DELETED, KIND, Resource, Stack, Wanted
from apps.sandbox.cloudformation.physical import is_renamed, make_id
from apps.sandbox.cloudformation.real import making
from apps.sandbox.cloudformation.template import (
    Template,
    conditions,
    dependencies,
    fingerprint,
    resolve,
)
from apps.sandbox.cloudformation.values import referred

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.clock import Timer

_NOUNS = {"CREATE": "creation", "UPDATE": "update", "DELETE": "deletion"}


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
    #: What another was made in the place of, as it is until it is taken away.
    replaced: dict[str, Resource] = field(default_factory=dict)


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
    return found if stack.made_up else dict(referred(stack.place, found))


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
    soon(stack, functools.partial(_proceed, operation))


def _moved(stack: Stack, have: Resource, definition: dict[str, Any]) -> bool:
    if fingerprint(have.definition) != fingerprint(definition):
        return True
    # The same words may mean something else by now: a parameter has another value.
    now = worked_out(stack, stack.template, definition)
    return fingerprint(have.properties) != fingerprint(now)


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
    lasts = seconds(stack, resource)
    scheduler = stack.place.world.scheduler
    if verb == "CREATE":
        operation.running[name] = scheduler.after(
            lasts * 0.4, functools.partial(_initiate, operation, name, lasts * 0.6)
        )
    else:
        operation.running[name] = scheduler.after(lasts, functools.partial(_judge, operation, name))


def _initiate(operation: Operation, name: str, left: float) -> None:
    stack = operation.stack
    resource = stack.resources[name]
    cause = cause_of(stack, resource, "CREATE")
    if cause is None and making.kind_of(stack, resource) is not None:
        cause = making.create(stack, resource)
        if cause is not None:
            _over(operation, name, cause)
            return
        stack.tell(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        operation.running[name] = stack.place.world.scheduler.after(
            left, functools.partial(_await, operation, name)
        )
    elif cause is None or "signal" in cause:
        resource.physical_id = make_id(stack, resource)
        stack.tell(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        operation.running[name] = stack.place.world.scheduler.after(
            left, functools.partial(_over, operation, name, cause)
        )
    else:
        _over(operation, name, cause)


def _await(operation: Operation, name: str) -> None:
    """Wait until what was begun for real is over."""
    stack = operation.stack
    over = functools.partial(_over, operation, name)
    making.wait(stack, stack.resources[name], over)


_ANOTHER = "Requested update requires the creation of a new physical resource; hence creating one."


def _change(operation: Operation, name: str) -> None:
    """Change a resource for real, or make another in its place."""
    stack = operation.stack
    resource = stack.resources[name]
    definition, before = operation.old[name]
    if making.replaces(stack, resource, before):
        stack.tell(resource, "UPDATE_IN_PROGRESS", _ANOTHER)
        old = making.shadow(resource)
        old.definition, old.properties = definition, before
        operation.replaced[name] = old
        resource.physical_id, resource.attributes = "", {}
        cause = making.create(stack, resource)
        if cause is None:
            stack.tell(resource, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
    else:
        cause = making.update(stack, resource, before)
    if cause is None:
        _await(operation, name)
    else:
        _over(operation, name, cause)


def _judge(operation: Operation, name: str) -> None:
    stack = operation.stack
    resource = stack.resources[name]
    cause = cause_of(stack, resource, "UPDATE")
    if cause is None and making.kind_of(stack, resource) is not None:
        _change(operation, name)
        return
    if cause is None and is_renamed(resource):
        stack.tell(resource, "UPDATE_IN_PROGRESS", _ANOTHER)
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
        if verb == "UPDATE":
            _follow(operation, name)
    else:
        stack.tell(resource, f"{verb}_FAILED", cause)
        operation.failed[name] = verb
    _proceed(operation)


def _follow(operation: Operation, name: str) -> None:
    """What refers to a resource changes with it where that has another id or attribute now."""
    stack = operation.stack
    needed = dependencies(stack.template)
    for other, names in needed.items():
        have = stack.resources.get(other)
        if name not in names or other in operation.todo or have is None:
            continue
        if _moved(stack, have, stack.template["Resources"][other]):
            operation.todo[other] = "UPDATE"
            operation.old[other] = (have.definition, have.properties)
            operation.waits[other] = names & operation.todo.keys()


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
    stack, replaced = operation.stack, list(operation.replaced.values())
    if not operation.obsolete and not replaced:
        end(stack, f"{operation.verb}_COMPLETE")
        return
    stack.tell(None, f"{operation.verb}_COMPLETE_CLEANUP_IN_PROGRESS")
    done = functools.partial(end, stack, f"{operation.verb}_COMPLETE")
    remove(
        stack,
        operation.obsolete,
        lambda failed: sweep(stack, replaced, done),  # noqa: ARG005 - what stays, stays
        _acts(),
    )


def _go_back(operation: Operation) -> None:
    stack = operation.stack
    said = failed_words(operation.failed)
    if operation.verb == "CREATE":
        if stack.disable_rollback:
            end(stack, "CREATE_FAILED", said)
            return
        there = [name for name, one in stack.resources.items() if one.status != DELETED]
        if stack.on_failure == "DELETE":
            stack.tell(None, "DELETE_IN_PROGRESS", f"{said} Delete requested by user.")
            stack.deleted = stack.place.world.now()
            remove(stack, there[::-1], functools.partial(deleted, stack), _acts(), creating=True)
            return
        stack.tell(None, "ROLLBACK_IN_PROGRESS", f"{said} Rollback requested by user.")
        remove(
            stack,
            there[::-1],
            lambda failed: end(stack, _after_rollback(failed)),
            _acts(),
            creating=True,
        )
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
    changed = [name for name in changed if name in touched]
    restore(stack, operation.old, changed, made, operation.replaced)


def _after_rollback(failed: dict[str, str]) -> str:
    return "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE"


def restore(
    stack: Stack,
    old: dict[str, tuple[dict[str, Any], dict[str, Any]]],
    changed: list[str],
    made: list[str],
    replaced: dict[str, Resource],
) -> None:
    """Bring changed resources back to what they were, one after the other, and remove new ones."""
    if not changed:
        stack.tell(None, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        remove(
            stack,
            made[::-1],
            lambda failed: end(stack, "UPDATE_ROLLBACK_COMPLETE"),  # noqa: ARG005 - what stays, stays
            _acts(),
            creating=True,
        )
        return
    name, *rest = changed
    resource = stack.resources[name]
    stack.tell(resource, "UPDATE_IN_PROGRESS")

    def back(cause: str | None) -> None:
        stuck = stack.stuck.pop(name, None) or cause
        if stuck is not None:
            stack.tell(resource, "UPDATE_FAILED", stuck)
            # ContinueUpdateRollback goes on from here.
            stack.waiting = functools.partial(restore, stack, old, changed, made, replaced)
            end(stack, "UPDATE_ROLLBACK_FAILED", failed_words({name: "UPDATE"}))
            return
        resource.definition, resource.properties = old[name]
        stack.tell(resource, "UPDATE_COMPLETE")
        restore(stack, old, rest, made, replaced)

    if resource.type == KIND:
        nested.settle(stack, resource, _acts(), back)
    elif making.kind_of(stack, resource) is not None:
        _unchange(stack, resource, old[name][1], replaced.pop(name, None), back)
    else:
        stack.place.world.scheduler.after(
            seconds(stack, resource) / 2, functools.partial(back, None)
        )


def _unchange(
    stack: Stack,
    resource: Resource,
    properties: dict[str, Any],
    replaced: Resource | None,
    back: Callable[[str | None], None],
) -> None:
    """Bring a resource back for real: as it was, or what it took the place of in its stead."""
    new = making.shadow(resource)
    resource.properties = properties
    if replaced is None:
        cause = making.update(stack, resource, new.properties)
        if cause is None:
            making.wait(stack, resource, back)
        else:
            back(cause)
        return
    resource.physical_id, resource.attributes = replaced.physical_id, replaced.attributes
    if new.physical_id:
        making.remove(stack, new, lambda _: back(None))
    else:
        back(None)


def delete(stack: Stack) -> None:
    """Delete a stack and what is in it, the last made first."""
    stack.tell(None, "DELETE_IN_PROGRESS", USER)
    stack.deleted = stack.place.world.now()
    needed = dependencies(stack.template)
    there = [name for name, one in stack.resources.items() if one.status != DELETED]
    order = sorted(there, key=lambda name: len(above(name, needed)))
    soon(stack, functools.partial(remove, stack, order, functools.partial(deleted, stack), _acts()))
