"""Stacks in stacks: a resource that is made as a stack is, and fails as one does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudformation.model import DELETED, KIND, Resource, Stack, StackStore, Wanted
from apps.sandbox.cloudformation.template import fingerprint, parse
from apps.sandbox.operations import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.world import Place


@dataclass(frozen=True, slots=True)
class Acts:
    """What is done with stacks, handed in so that this need not import who does it."""

    create: Callable[[Stack, str], None]
    update: Callable[[Stack, Wanted, str], None]
    delete: Callable[[Stack], None]


def is_nested(definition: dict[str, Any]) -> bool:
    """Whether a resource is a stack."""
    return definition.get("Type") == KIND


def start(
    stack: Stack, resource: Resource, verb: str, acts: Acts, over: Callable[[str | None], None]
) -> None:
    """Create or update the stack that a resource is."""
    url = str(resource.properties.get("TemplateURL", ""))
    values = {name: str(value) for name, value in _parameters(resource).items()}
    try:
        body = body_at(stack.place, url)
        template = parse(body)
    except AwsError as error:
        said = error.message
        stack.place.world.scheduler.after(1, lambda: over(said))
        return
    values = {**defaults(template), **values}
    child = child_of(stack, resource)
    if verb == "CREATE" or child is None:
        child = _make(stack, resource, body, template, values)
        child.on_end.append(lambda ended: over(_cause(ended, "created")))
        acts.create(child, "")
        return
    wanted = Wanted(body, template, values)
    same = fingerprint([child.template, child.values]) == fingerprint([template, values])
    if same:
        stack.place.world.scheduler.after(1, lambda: over(None))
        return
    child.on_end.append(lambda ended: over(_cause(ended, "updated")))
    acts.update(child, wanted, "")


def _parameters(resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = resource.properties.get("Parameters", {})
    return found


def _make(
    stack: Stack, resource: Resource, body: str, template: dict[str, Any], values: dict[str, str]
) -> Stack:
    store = stack.place.of(StackStore)
    world = stack.place.world
    chance = world.chance(stack.id, resource.logical_id, len(stack.events))
    ending = "".join(chance.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=12))
    name = f"{stack.name}-{resource.logical_id}-{ending}"
    child = Stack(
        stack.place,
        name,
        store.new_id(name),
        body,
        template,
        world.now(),
        values=values,
        parent=stack,
        role=stack.role,
        tags=dict(stack.tags),
        capabilities=list(stack.capabilities),
        topics=list(stack.topics),
        disable_rollback=stack.disable_rollback,
        made_up=stack.made_up,
        actor=stack.actor,
        token=stack.token,
    )
    store.stacks[name] = child
    resource.physical_id = child.id
    stack.tell(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")
    return child


def _cause(child: Stack, what: str) -> str | None:
    """Why the parent's resource failed, told as soon as its stack begins to go back or ends."""
    if child.status.endswith("_COMPLETE") and "ROLLBACK" not in child.status:
        return None
    said = next((event.reason for event in child.events if event.reason.startswith("The foll")), "")
    return f"Embedded stack {child.id} was not successfully {what}: {said}".rstrip()


def child_of(stack: Stack, resource: Resource) -> Stack | None:
    """The stack that a resource is."""
    return stack.place.of(StackStore).find(resource.physical_id) if resource.physical_id else None


def defaults(template: dict[str, Any]) -> dict[str, str]:
    """The parameters' values where none is given."""
    return {
        name: str(parameter["Default"])
        for name, parameter in template.get("Parameters", {}).items()
        if "Default" in parameter
    }


def body_at(place: Place, url: str) -> str:
    """The template at a URL; raises AWS's ValidationError where there is none."""
    library = place.of(StackStore).library
    if url in library:
        return library[url]
    from moto.core.exceptions import ServiceException
    from moto.s3.models import s3_backends

    path = url.partition("://")[2].partition("/")[2]
    bucket, _, key = path.partition("/")
    host = url.partition("://")[2].partition("/")[0]
    if host.split(".")[0] not in ("s3", "") and ".s3" in host:
        bucket, key = host.split(".s3")[0], path
    try:
        found = s3_backends[place.account]["aws"].get_object(bucket, key)
    except (ServiceException, KeyError):
        found = None
    if found is None:
        raise AwsError("ValidationError", "S3 error: The specified key does not exist.")
    return bytes(found.value).decode("utf-8", "replace")


def settle(
    stack: Stack, resource: Resource, acts: Acts, back: Callable[[str | None], None]
) -> None:
    """Bring a nested stack back; one that failed has gone back by itself."""
    child = child_of(stack, resource)
    if child is None or child.status != "UPDATE_COMPLETE" or child.previous is None:
        back(None)
        return
    child.on_end.append(lambda ended: back(_cause(ended, "updated")))
    acts.update(child, child.previous, "")


def remove(
    stack: Stack, resource: Resource, acts: Acts, over: Callable[[str | None], None]
) -> None:
    """Delete the stack that a resource is."""
    child = child_of(stack, resource)
    if child is None or child.status == DELETED:
        over(None)
        return
    if child.moving:
        # It is on its way back from its own failure.
        child.on_end.append(lambda _: remove(stack, resource, acts, over))
        return

    def deleted(ended: Stack) -> None:
        over(None if ended.status == DELETED else ended.reason)

    child.on_end.append(deleted)
    acts.delete(child)
