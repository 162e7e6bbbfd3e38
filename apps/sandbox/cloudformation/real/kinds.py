"""The register of resource types that are made for real, and what each is handed to do its work.

A type is one class with ``create``, ``update`` and ``delete``, which call the same operations as
any client, as whoever acts for the stack: its role, or who asked for it. A type that is not here is
made up (see ``physical``): it has a name and nothing behind it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from apps.sandbox import wire
from apps.sandbox.cloudformation.physical import generated
from apps.sandbox.cloudformation.template import conditions, resolve
from apps.sandbox.inside import Inside, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from apps.sandbox.cloudformation.model import Resource, Stack
    from apps.sandbox.principals import Principal

#: A resource's properties, everything in them resolved.
Properties = dict[str, Any]
K = TypeVar("K", bound="type[Kind]")


class NotValidError(Exception):
    """Properties that the type does not have, or not like this; the text is the schema's."""


class FailedError(Exception):
    """What was begun did not come to a good end; the text says why."""


class Deed:
    """One resource at its turn: its properties, its name, and calls in its stack's name."""

    def __init__(self, stack: Stack, resource: Resource, actor: Principal | None = None) -> None:
        self.stack, self.resource, self.place = stack, resource, stack.place
        self.properties: Properties = resource.properties
        self._inside = Inside(stack.place, actor or stack.acting)
        self.actor = self._inside.actor

    @property
    def id(self) -> str:
        """The physical id, once there is one."""
        return self.resource.physical_id

    def made(self, physical_id: str, **attributes: Any) -> None:
        """It is there from now on: its id, and what ``Fn::GetAtt`` tells of it."""
        self.resource.physical_id = physical_id
        self.resource.attributes = {**self.resource.attributes, **attributes}

    def given(self, name: str, default: Any = None) -> Any:
        """One of its properties."""
        return self.properties.get(name, default)

    def named(self, member: str, most: int = 64, *, lower: bool = False) -> str:
        """The name that the template gives, or one made up as CloudFormation makes them up."""
        if name := self.properties.get(member):
            return str(name)
        made = generated(self.stack, self.resource, most)
        return made.lower() if lower else made

    def resolved(self, part: Any) -> Any:
        """Another part of the template, everything in it resolved."""
        look_up = self.stack.lookup()
        return resolve(part, look_up, conditions(self.stack.template, look_up))

    def tags(self) -> dict[str, str]:
        """The stack's tags, and its own over them."""
        own = self.properties.get("Tags") or {}
        if isinstance(own, list):
            own = {str(tag["Key"]): str(tag["Value"]) for tag in own}
        return {**self.stack.tags, **{str(key): str(value) for key, value in own.items()}}

    def call(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation; raises RefusedError."""
        return self._inside.call(service, operation, **members)

    def send(
        self,
        service: str,
        operation: str,
        properties: Mapping[str, Any],
        *,
        less: Iterable[str] = (),
        **more: Any,
    ) -> dict[str, Any]:
        """Call an operation with properties fitted to its members, tags among them."""
        shape = wire.operation_model(service, operation).input_shape
        wanted = {name: one for name, one in properties.items() if name not in {*less, "Tags"}}
        members = fit(shape, wanted, "#")
        return self.call(service, operation, **members, **self._tagged(shape), **more)

    def _tagged(self, shape: Any) -> dict[str, Any]:
        tags = self.tags()
        for name, member in shape.members.items() if tags else ():
            if name.lower() == "tags":
                if member.type_name == "map":
                    return {name: tags}
                words = list(member.member.members)
                key = next(word for word in words if word.lower().endswith("key"))
                value = next(word for word in words if word.lower().endswith("value"))
                return {name: [{key: one, value: other} for one, other in tags.items()]}
        return {}


class Kind:
    """What a type of resource does at its turn."""

    #: Properties whose change makes another resource of it.
    replacing: frozenset[str] = frozenset()
    #: Properties that name a role which the resource's service is given.
    passes: tuple[str, ...] = ()

    def create(self, deed: Deed) -> None:
        """Make it and say so (``deed.made``) as soon as it is there."""
        raise NotImplementedError

    def update(self, deed: Deed, before: Properties) -> None:
        """Change what is there into what the properties say."""

    def delete(self, deed: Deed) -> None:
        """Take it away; that it is gone already is no error."""
        raise NotImplementedError

    def settled(self, deed: Deed) -> bool:  # noqa: ARG002 - most are at once
        """Whether what was begun is over; raises FailedError where it went wrong."""
        return True

    def gone(self, deed: Deed) -> bool:  # noqa: ARG002 - most are at once
        """Whether what was deleted has come to its end."""
        return True


KINDS: dict[str, Kind] = {}


def kind(*names: str) -> Callable[[K], K]:
    """Register a type: ``@kind("AWS::S3::Bucket")``."""

    def register(made: K) -> K:
        for name in names:
            KINDS[name] = made()
        return made

    return register


def pass_roles(made: Kind, deed: Deed, before: Properties) -> None:
    """Refuse to give a service a role that whoever acts may not pass; raises RefusedError."""
    door = deed.place.world.door
    for member in made.passes:
        arn = str(deed.given(member) or "")
        if not arn or arn == str(before.get(member) or "") or door is None:
            continue
        actor = deed.actor
        if door.decides(actor, deed.place, "iam:PassRole", arn) != "allowed":
            text = (
                f"User: {actor.arn} is not authorized to perform: iam:PassRole on resource: {arn} "
                "because no identity-based policy allows the iam:PassRole action"
            )
            raise RefusedError("iam", "AccessDenied", text, 403)


def quietly(deed: Deed, service: str, operation: str, **members: Any) -> None:
    """Call what takes something away; that it is not there is as good."""
    try:
        deed.call(service, operation, **members)
    except RefusedError as error:
        if not error.missing:
            raise


# -- properties as an operation wants them --------------------------------------------------------


def fit(shape: Any, value: Any, where: str) -> Any:
    """Properties as a shape of AWS's model has them: names in its case, numbers as numbers.

    Raises NotValidError for what the shape does not have.
    """
    match shape.type_name:
        case "structure":
            return _structure(shape, value, where)
        case "list":
            items = value if isinstance(value, list) else [value]
            return [fit(shape.member, one, f"{where}/{at}") for at, one in enumerate(items)]
        case "map":
            if not isinstance(value, dict):
                raise NotValidError(f"{where}: expected type: JSONObject, found: {_kind(value)}")
            return {str(key): fit(shape.value, one, f"{where}/{key}") for key, one in value.items()}
        case "string":
            return _text(value)
        case "integer" | "long":
            return _number(int, value, where)
        case "float" | "double":
            return _number(float, value, where)
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        case "blob":
            return value.encode() if isinstance(value, str) else value
    return value


def _structure(shape: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotValidError(f"{where}: expected type: JSONObject, found: {_kind(value)}")
    known = {name.lower(): name for name in shape.members}
    fitted = {}
    for name, one in value.items():
        member = known.get(name.lower())
        if member is None:
            raise NotValidError(f"{where}: extraneous key [{name}] is not permitted")
        fitted[member] = fit(shape.members[member], one, f"{where}/{name}")
    lacking = [one for one in shape.required_members if one not in fitted]
    if lacking and where != "#":
        name = lacking[0][0].upper() + lacking[0][1:]
        raise NotValidError(f"{where}: required key [{name}] not found")
    return fitted


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _number(kind_of: type[int] | type[float], value: Any, where: str) -> int | float:
    try:
        return kind_of(value)
    except (TypeError, ValueError):
        raise NotValidError(f"{where}: expected type: Number, found: {_kind(value)}") from None


def _kind(value: Any) -> str:
    return {dict: "JSONObject", list: "JSONArray", bool: "Boolean"}.get(type(value), "String")
