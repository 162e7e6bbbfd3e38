"""The vendors' own OpenAPI descriptions: where set-up puts them, and what they allow.

GitHub's are in the npm package @octokit/openapi. Jira's are in the PyPI package jira-as, which
bears the files that Atlassian publishes, unchanged; nothing of it is imported. See
docs/contracts.md.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

Described = dict[str, Any]

VERBS = ("get", "put", "post", "delete", "patch")
ROOT = "urn:vendor"


def github(edition: str = "api.github.com") -> Described:
    """Return GitHub's description of an edition: "api.github.com", "ghes-3.19"."""
    folder = Path(__file__).parents[1] / "node_modules/@octokit/openapi/generated"
    return _read(folder / f"{edition}.json")


def jira(part: str = "platform") -> Described:
    """Return Atlassian's description of Jira Cloud: "platform" (REST v3), "software"."""
    path = distribution("jira-as").locate_file(f"jira_as/specs/jira-{part}-swagger-v3.json")
    return _read(Path(str(path)))


def _read(path: Path) -> Described:
    described: Described = json.loads(path.read_text(encoding="utf-8"))
    return described


def operations(described: Described) -> Iterator[tuple[str, str, Described]]:
    """Yield (path, verb, operation) of all that is described."""
    for path, verbs in described["paths"].items():
        for verb in VERBS:
            if verb in verbs:
                yield path, verb, verbs[verb]


def cut(whole: Described, keep: Callable[[str], bool]) -> Described:
    """Return the operations whose ids are kept alone, with the components they name.

    Prism reads that in a second; a whole description takes it half a minute.
    """
    paths: Described = {}
    for path, verb, told in operations(whole):
        if keep(told.get("operationId", "")):
            # What holds for all verbs of a path.
            shared = {"parameters": whole["paths"][path].get("parameters", [])}
            paths.setdefault(path, shared)[verb] = told
    paths = _mended(paths)
    components: Described = {}
    schemes = whole.get("components", {}).get("securitySchemes")
    if schemes:
        components["securitySchemes"] = schemes
    ahead: list[Any] = [paths]
    seen: set[str] = set()
    while ahead:
        for name in set(re.findall(r'"#/components/([^"]+)"', json.dumps(ahead.pop()))) - seen:
            seen.add(name)
            group, _, key = name.partition("/")
            components.setdefault(group, {})[key] = _mended(whole["components"][group][key])
            ahead.append(components[group][key])
    return {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "paths": paths,
        "components": components,
    }


def _mended(value: Any) -> Any:
    """Return a part of a description without what Prism stumbles over.

    Some of GitHub's examples say `value: {$ref}` instead of what they refer to; Atlassian's are the
    JSON in a text. And a schema that may be null
    but has no type is none for Prism's validator: it would let every body pass, in silence.
    """
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = value.get("value")
    if isinstance(inner, dict) and str(inner.get("$ref")).startswith("#/components/examples/"):
        return inner
    made = {name: _mended(item) for name, item in value.items()}
    example = made.get("example")
    alone = set(made) <= {"schema", "example", "examples"}
    if alone and isinstance(example, str) and example.startswith(("{", "[")):
        made["example"] = json.loads(example)
    if made.get("nullable") is True and "type" not in made:
        del made["nullable"]
        return {"anyOf": [made, {"enum": [None]}]}
    return made


class Contract:
    """Holds what is said to a description.

    slips  operation → schema of its answer, where the description itself is wrong.
    """

    def __init__(self, described: Described, slips: Mapping[str, Any] | None = None) -> None:
        document = DRAFT4.create_resource(described)
        self._registry: Registry[Any] = Registry().with_resource(ROOT, document)
        self._slips = slips or {}
        self.operations = {told["operationId"]: told for _, _, told in operations(described)}
        self.webhooks: Described = described.get("x-webhooks", {})

    def complaints(self, operation: str, status: int, body: Any) -> list[str]:
        """Return what an answer has that is not allowed."""
        responses = self.operations[operation]["responses"]
        if str(status) not in responses:
            return [f"{operation} answers {status}, not one of {sorted(responses)}"]
        content = responses[str(status)].get("content", {})
        if "application/json" not in content:
            return [f"{operation} has a body"] if body not in (None, "") else []
        schema = self._slips.get(operation, content["application/json"].get("schema", {}))
        if not schema:
            return []
        return [f"{operation}: {told}" for told in self.wrong(schema, body)]

    def delivery(self, event: str, payload: Any) -> list[str]:
        """Return what a webhook's payload has that is not allowed.

        `event` is what its header names ("pull_request").
        """
        action = payload.get("action") if isinstance(payload, Mapping) else None
        name = "-".join(
            filter(None, (event.replace("_", "-"), str(action or "").replace("_", "-")))
        )
        told = self.webhooks.get(name)
        if told is None:
            return [f"{name} is no webhook"]
        schema = told["post"]["requestBody"]["content"]["application/json"]["schema"]
        return [f"{name}: {told}" for told in self.wrong(schema, payload)]

    def wrong(self, schema: Any, value: Any) -> list[str]:
        """Return what a schema of the description does not allow in a value."""
        validator = OAS30Validator(_absolute(schema), registry=self._registry)
        return [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(value)
            if not (error.instance is None and _may_be_null(error))
        ]


def without_false_examples(described: Described) -> Described:
    """Return a description whose examples of answers are as it says; Prism makes up the others."""
    contract = Contract(described)
    for _, _, operation in operations(described):
        for answer in operation["responses"].values():
            told = answer.get("content", {}).get("application/json", {})
            if "example" in told and contract.wrong(told.get("schema", {}), told["example"]):
                del told["example"]
    return described


def parts_of(schema: Any, *, closed: bool = True) -> Any:
    """Return a description in which nothing is required, and nothing is there that is not named.

    What is put together of several schemas stays open.
    """
    if isinstance(schema, list):
        return [parts_of(one, closed=closed) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        name: parts_of(value, closed=closed and name not in ("allOf", "anyOf", "oneOf"))
        for name, value in schema.items()
        if not (name == "required" and isinstance(value, list))
    }
    plain = isinstance(made.get("properties"), dict) and not {"allOf", "anyOf", "oneOf"} & set(made)
    if closed and plain:
        made.setdefault("additionalProperties", False)
    return made


def component(name: str) -> dict[str, str]:
    """Return the schema that a description calls so."""
    return {"$ref": f"#/components/schemas/{name}"}


def _may_be_null(error: Any) -> bool:
    """Version 3.0 of OpenAPI wants null among an enumeration's values; GitHub's leaves it out."""
    return error.validator == "enum" and bool(error.schema.get("nullable"))


def _absolute(schema: Any) -> Any:
    """Return a schema with references into the whole description."""
    if isinstance(schema, dict):
        return {
            name: f"{ROOT}{value}" if name == "$ref" else _absolute(value)
            for name, value in schema.items()
            if name != "discriminator"
        }
    return [_absolute(one) for one in schema] if isinstance(schema, list) else schema
