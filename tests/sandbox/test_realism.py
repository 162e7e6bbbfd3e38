"""What the sandbox answers to each call of the dashboard is what AWS's own model allows."""

import importlib
import json
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from botocore.session import get_session

from apps.aws.policy import LISTENING, read_operations
from apps.sandbox.server import SandboxServer

from . import reading
from .conftest import Aws
from .test_scenario import PLACES

KINDS: dict[str, Any] = {
    "string": str,
    "blob": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "structure": dict,
    "map": dict,
    "list": list,
}


# What AWS answers though its model does not say so: events of a stack itself have its statuses.
BEYOND = {
    "ResourceStatus": {
        "REVIEW_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    }
}


def complaints(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Say where an answer, as it came over the wire, is not of this shape."""
    kind = shape.type_name
    if not isinstance(value, KINDS[kind]) or (kind in ("integer", "long") and value is True):
        yield f"{path} is {value!r}, no {kind}"
        return
    match kind:
        case "structure":
            yield from _of_structure(shape, value, path)
        case "list":
            for item in value:
                yield from complaints(shape.member, item, f"{path}[]")
        case "map":
            for name, item in value.items():
                yield from complaints(shape.key, name, f"{path} key")
                yield from complaints(shape.value, item, f"{path}.*")
        case "string":
            yield from _of_text(shape, value, path)


def _of_structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    yield from (f"{path}.{name} is unknown" for name in value.keys() - shape.members.keys())
    missing = set(shape.required_members) - value.keys()
    yield from (f"{path}.{name} is missing" for name in missing)
    for name in value.keys() & shape.members.keys():
        yield from complaints(shape.members[name], value[name], f"{path}.{name}")


def _of_text(shape: Any, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in {*shape.enum, *BEYOND.get(shape.name, ())}:
        yield f"{path} is {value!r}, none of {shape.enum}"
    longest = shape.metadata.get("max")
    if longest is not None and len(value) > longest:
        yield f"{path} has {len(value)} characters, more than {longest}"


def from_xml(operation: Any, body: bytes) -> Any:
    """Read an answer of the query protocols as the model says; what it knows not stays as text."""
    root = ElementTree.fromstring(body)
    shape = operation.output_shape
    wrapper = shape.serialization.get("resultWrapper") if shape else None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    found = root.find(wrapper) if wrapper else root
    return {} if found is None or shape is None else _element(shape, found)


def _element(shape: Any, element: Any) -> Any:
    kind = shape.type_name if shape is not None else ""
    text = element.text or ""
    match kind:
        case "structure":
            return _members(shape, element)
        case "list":
            return [_element(shape.member, item) for item in element]
        case "map":
            return {entry[0].text: _element(shape.value, entry[1]) for entry in element}
        case "integer" | "long":
            return int(text) if text.lstrip("-").isdecimal() else text
        case "double" | "float":
            return float(text)
        case "boolean":
            return {"true": True, "false": False}.get(text, text)
        case "timestamp":
            return datetime.fromisoformat(text).timestamp()
    return text


def _members(shape: Any, element: Any) -> dict[str, Any]:
    """Lists may be flat, with an element for each item right in the structure."""
    named = {
        member.serialization.get("name", name): (name, member)
        for name, member in shape.members.items()
    }
    read: dict[str, Any] = {}
    for child in element:
        name, member = named.get(child.tag, (child.tag, None))
        if (
            member is not None
            and member.type_name == "list"
            and member.serialization.get("flattened")
        ):
            read.setdefault(name, []).append(_element(member.member, child))
        elif child.tag not in ("ResponseMetadata", "requestId"):
            read[name] = _element(member, child)
    return read


class Listener:
    """Clients of the sandbox, whose every answer is kept as it came over the wire."""

    def __init__(self, url: str) -> None:
        self.aws = Aws(url)
        self.answers: dict[str, list[Any]] = defaultdict(list)

    def __call__(self, service: str, account: str, region: str) -> Any:
        client = self.aws(service, account, region)

        def keep(operation_model: Any, response_dict: Any, **_: Any) -> None:
            if response_dict["status_code"] >= 300:
                return
            name = f"{service}:{operation_model.name}"
            if operation_model.has_streaming_output:
                # What is in an object has no shape.
                self.answers[name].append({})
                return
            body = response_dict["body"] or b"{}"
            xml = body.lstrip().startswith(b"<")
            answer = from_xml(operation_model, body) if xml else json.loads(body)
            self.answers[name].append(answer)

        client.meta.events.register("before-parse", keep)
        return client


def read_everything(listener: Listener, account: str, region: str) -> None:
    """Make the calls that sweeps, looks and the event queue make, with all they lead to.

    Each service has its own in `reading/`.
    """
    for module in pkgutil.iter_modules(reading.__path__):
        importlib.import_module(f"{reading.__name__}.{module.name}").read(listener, account, region)


@pytest.fixture(scope="module")
def answers() -> dict[str, list[Any]]:
    """What the default scenario answers as it lives on, by operation; it stands still meanwhile."""
    with SandboxServer(seed=1, speed=6, scenario="default") as sandbox:
        listener = Listener(sandbox.url)
        sandbox.clock.hold()
        for _ in range(2):
            for account, region in PLACES:
                read_everything(listener, account, region)
            sandbox.clock.advance(400)
    return listener.answers


def test_every_call_of_the_dashboard_is_answered(answers: dict[str, list[Any]]):
    assert set(answers) == {*read_operations(), *LISTENING}


@pytest.mark.parametrize("operation", [*read_operations(), *LISTENING])
def test_every_answer_has_the_shape_of_awss_model(operation: str, answers: dict[str, list[Any]]):
    service, _, name = operation.partition(":")
    shape = get_session().get_service_model(service).operation_model(name).output_shape
    assert answers[operation]
    found = set()
    for answer in answers[operation] if shape else ():
        found |= {re.sub(r"\d+", "N", one) for one in complaints(shape, answer, name)}
    assert sorted(found) == []


def test_an_answer_in_xml_is_read_as_the_model_says_and_shows_what_that_knows_not():
    model = get_session().get_service_model("elasticbeanstalk")
    operation = model.operation_model("DescribeEnvironments")
    inner = "<EnvironmentNam>web</EnvironmentNam><AbortableOperationInProgress>yes"
    body = (
        "<DescribeEnvironmentsResponse xmlns='http://x/'><DescribeEnvironmentsResult><Environments>"
        f"<member>{inner}</AbortableOperationInProgress><DateCreated>2026-03-01T12:00:00Z"
        "</DateCreated></member></Environments></DescribeEnvironmentsResult>"
        "</DescribeEnvironmentsResponse>"
    )
    read = from_xml(operation, body.encode())
    assert read["Environments"][0]["DateCreated"] == 1772366400.0
    said = sorted(complaints(operation.output_shape, read, "It"))
    assert said == [
        "It.Environments[].AbortableOperationInProgress is 'yes', no boolean",
        "It.Environments[].EnvironmentNam is unknown",
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pipelines": [{"nome": "web"}]}, "ListPipelines.pipelines[].nome is unknown"),
        ({"pipelines": [{"name": 7}]}, "ListPipelines.pipelines[].name is 7, no string"),
        (
            {"pipelines": [{"pipelineType": "V9"}]},
            "ListPipelines.pipelines[].pipelineType is 'V9', none of ['V1', 'V2']",
        ),
        ({"pipelines": [{"name": "x" * 101}]}, "has 101 characters, more than 100"),
    ],
)
def test_an_answer_of_another_shape_is_told(wrong: dict[str, Any], said: str):
    model = get_session().get_service_model("codepipeline").operation_model("ListPipelines")
    assert any(said in one for one in complaints(model.output_shape, wrong, "ListPipelines"))


def test_a_missing_member_is_told():
    model = get_session().get_service_model("codepipeline").operation_model("GetPipeline")
    assert "GetPipeline.pipeline.stages is missing" in complaints(
        model.output_shape, {"pipeline": {"name": "web", "roleArn": "r"}}, "GetPipeline"
    )
