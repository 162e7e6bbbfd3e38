"""Reads templates, JSON or YAML with its short forms, and resolves what they refer to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from apps.sandbox.cloudformation import sam
from apps.sandbox.operations import AwsError
from apps.sandbox.tagged import Tagged

#: A template as a mapping, intrinsic functions in their long form.
Template = dict[str, Any]
#: ``("Ref", name, "")``, ``("GetAtt", name, attribute)``, ``("FindInMap", map, "key.second")``.
Lookup = Callable[[str, str, str], Any]

_IN_TEXT = re.compile(r"\$\{([^!][^}]*)\}")


def refused(text: str) -> AwsError:
    """CloudFormation's one code for whatever is wrong with a call."""
    return AwsError("ValidationError", text)


def parse(body: str) -> Template:
    """The template, checked as far as CloudFormation checks it before it begins."""
    try:
        parsed = (
            json.loads(body) if body.lstrip().startswith("{") else yaml.load(body, Loader=Tagged)  # noqa: S506 - a SafeLoader with tags of its own
        )
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise refused(f"Template format error: {_first_line(error)}") from None
    if not isinstance(parsed, dict):
        raise refused("Template format error: unsupported structure.")
    return _judged(parsed)


def _judged(parsed: Template) -> Template:
    resources = parsed.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise refused("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise refused(
                f"Template format error: [/Resources/{name}] Every Resources object must contain "
                "a Type member."
            )
    if sam.TRANSFORM in transforms_of(parsed):
        parsed = sam.expand(parsed)
        resources = parsed["Resources"]
    known = {*resources, *parsed.get("Parameters", {})}
    unknown = sorted(
        {
            name
            for section in ("Resources", "Outputs")
            for name in references(parsed.get(section, {}))
        }
        - known
    )
    if unknown:
        raise refused(
            f"Template format error: Unresolved resource dependencies [{', '.join(unknown)}] in "
            "the Resources block of the template"
        )
    if circle := _circle(dependencies(parsed)):
        raise refused(f"Circular dependency between resources: [{', '.join(circle)}]")
    return parsed


def transforms_of(template: Template) -> list[str]:
    """The macros that a template names; one that was already expanded names none."""
    named = template.get("Transform") or []
    return [named] if isinstance(named, str) else [str(one) for one in named]


def _circle(needed: Mapping[str, set[str]]) -> list[str]:
    """The resources that wait for each other, none where all is well."""
    left = dict(needed)
    while ready := [name for name, names in left.items() if not names & left.keys()]:
        for name in ready:
            del left[name]
    return sorted(left)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def references(value: Any) -> Iterator[str]:
    """The names that a part of a template refers to, without AWS's own (``AWS::Region``)."""
    for kind, name, _ in _references(value):
        if not name.startswith("AWS::") and kind:
            yield name


def _references(value: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, Mapping):
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Ref" and isinstance(argument, str):
                yield ("Ref", argument, "")
                return
            if name == "Fn::GetAtt":
                yield ("GetAtt", *_attribute(argument))
                return
            if name == "Fn::Sub":
                yield from _in_text(argument)
                return
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _attribute(argument: Any) -> tuple[str, str]:
    parts = argument.split(".", 1) if isinstance(argument, str) else [*map(str, argument), ""]
    return parts[0], parts[1] if len(parts) > 1 else ""


def _in_text(argument: Any) -> Iterator[tuple[str, str, str]]:
    text, given = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
    yield from _references(given)
    for name in _IN_TEXT.findall(str(text)):
        if name not in given:
            base, _, attribute = name.partition(".")
            yield ("GetAtt", base, attribute) if attribute else ("Ref", base, "")


def dependencies(template: Template) -> dict[str, set[str]]:
    """Which resources must be there before each resource."""
    resources = template["Resources"]
    found = {}
    for name, resource in resources.items():
        explicit = resource.get("DependsOn", [])
        named = {explicit} if isinstance(explicit, str) else set(explicit)
        found[name] = {
            other
            for part in ("Properties", "UpdatePolicy")
            for other in (*named, *references(resource.get(part, {})))
            if other in resources and other != name
        }
    return found


def conditions(template: Template, look_up: Lookup) -> dict[str, bool]:
    """Each condition's value."""
    told: dict[str, bool] = {}

    def judge(value: Any) -> bool:
        if isinstance(value, Mapping) and len(value) == 1:
            (name, argument), *_ = value.items()
            match name:
                case "Condition":
                    if argument not in told:
                        told[argument] = False
                        told[argument] = judge(template.get("Conditions", {}).get(argument, False))
                    return told[argument]
                case "Fn::Equals":
                    one, other = (resolve(item, look_up) for item in argument)
                    return str(one) == str(other)
                case "Fn::Not":
                    return not judge(argument[0])
                case "Fn::And":
                    return all(judge(item) for item in argument)
                case "Fn::Or":
                    return any(judge(item) for item in argument)
        return bool(value)

    for name in template.get("Conditions", {}):
        judge({"Condition": name})
    return told


def resolve(value: Any, look_up: Lookup, told: Mapping[str, bool] | None = None) -> Any:
    """A part of a template with its functions worked out; what cannot be known stays a name."""
    if isinstance(value, list):
        every = (resolve(item, look_up, told) for item in value)
        return [item for item in every if item != _NOTHING]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        (name, argument), *_ = value.items()
        if name == "Ref" or name.startswith("Fn::"):
            return _call(name, argument, look_up, told or {})
    every = ((name, resolve(item, look_up, told)) for name, item in value.items())
    return {name: item for name, item in every if item != _NOTHING}


_NOTHING = {"Ref": "AWS::NoValue"}


def _call(name: str, argument: Any, look_up: Lookup, told: Mapping[str, bool]) -> Any:
    match name:
        case "Ref" if argument == "AWS::NoValue":
            return _NOTHING
        case "Ref":
            return look_up("Ref", str(argument), "")
        case "Fn::GetAtt":
            return look_up("GetAtt", *_attribute(argument))
        case "Fn::Sub":
            return _substituted(argument, look_up, told)
        case "Fn::If":
            chosen = argument[1] if told.get(argument[0]) else argument[2]
            return resolve(chosen, look_up, told)
        case "Fn::GetAZs":
            region = look_up("Ref", "AWS::Region", "")
            return [f"{region}{zone}" for zone in "abc"]
        case "Fn::FindInMap":
            table, key, second = (str(resolve(one, look_up, told)) for one in argument[:3])
            return look_up("FindInMap", table, f"{key}.{second}")
        case "Fn::Base64":
            return base64.b64encode(str(resolve(argument, look_up, told)).encode()).decode()
        case "Fn::Join" | "Fn::Select" | "Fn::Split":
            return _listed(name, argument[0], resolve(argument[1], look_up, told), look_up)
    return resolve(argument, look_up, told)


def _listed(name: str, first: Any, value: Any, look_up: Lookup) -> Any:
    parts = value if isinstance(value, list) else [value]
    if name == "Fn::Join":
        return str(first).join(map(str, parts))
    if name == "Fn::Split":
        return str(value).split(str(first))
    at = int(resolve(first, look_up))
    return parts[at] if at < len(parts) else str(value)


def _substituted(argument: Any, look_up: Lookup, told: Mapping[str, bool]) -> str:
    text, given = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in given:
            return str(resolve(given[name], look_up, told))
        base, _, attribute = name.partition(".")
        return str(look_up("GetAtt" if attribute else "Ref", base, attribute))

    return _IN_TEXT.sub(value, str(text)).replace("${!", "${")


def fingerprint(value: Any) -> str:
    """What tells two parts of templates apart."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
