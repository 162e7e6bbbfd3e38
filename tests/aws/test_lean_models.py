"""AWS's models in less memory say all that botocore needs of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel

from apps.aws.models import Account
from apps.aws.policy import LISTENING, WRITE_OPERATIONS, read_operations
from apps.aws.session import make_session
from apps.aws.wire import SAID, LeanModels, quick_session

SERVICES = sorted({name.partition(":")[0] for name in (*read_operations(), *LISTENING)} | {"sts"})
KINDS = ("service-2", "paginators-1", "endpoint-rule-set-1")


def lean(service: str, kind: str) -> Any:
    session = quick_session(boto3.Session())
    return session._session.get_component("data_loader").load_service_model(service, kind)


def without_documentation(model: Any) -> Any:
    if isinstance(model, dict):
        return {
            name: without_documentation(value)
            for name, value in model.items()
            if not (name in SAID and isinstance(value, str))
        }
    if isinstance(model, list):
        return [without_documentation(one) for one in model]
    return model


def objects(model: Any) -> Iterator[Any]:
    if isinstance(model, dict):
        yield model
        for value in model.values():
            yield from objects(value)
    elif isinstance(model, list):
        for value in model:
            yield from objects(value)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_lacks_nothing_but_documentation(service: str, kind: str) -> None:
    whole = without_documentation(create_loader().load_service_model(service, kind))
    # botocore reads the documentation of these alone, when a client is made or called.
    for told in whole.get("clientContextParams", {}).values():
        told["documentation"] = ""
    held = lean(service, kind)
    if "operations" in held:
        operations = {
            name: {**told, "http": as_loaded(told["http"])}
            for name, told in held["operations"].items()
        }
        held = {**held, "operations": operations}
    assert held == whole


def as_loaded(http: dict[str, Any]) -> dict[str, Any]:
    """Where an operation is, before S3's client took the bucket out of the path, in the model."""
    told = dict(http)
    path = told.pop("authPath", told["requestUri"])
    return told | {"requestUri": path}


def test_a_lean_client_of_s3_calls_what_it_is_told_to(session: boto3.Session) -> None:
    s3 = session.client("s3", endpoint_url="http://127.0.0.1:9")
    asked = []
    s3.meta.events.register("before-send", lambda request, **_: asked.append(request.url) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        s3.get_object(Bucket="releases", Key="shop/7.zip")
    # The bucket is in the path: nobody resolves a name below an endpoint's.
    assert asked == ["http://127.0.0.1:9/releases/shop/7.zip"]


def test_a_model_is_held_without_documentation_in_plain_objects_that_share_names() -> None:
    model = lean("codepipeline", "service-2")
    every = list(objects(model))
    assert len(every) > 1000
    # Ordered ones take twice as much.
    assert {type(one) for one in every} == {dict}
    assert not [one for one in every if isinstance(one.get("documentation"), str)]
    kinds = [one["type"] for one in every if isinstance(one.get("type"), str)]
    assert len({id(kind) for kind in kinds}) == len(set(kinds))


def test_a_member_that_is_called_documentation_stays(tmp_path: Path) -> None:
    shape = {"type": "structure", "members": {"documentation": {"shape": "Text"}}}
    said = {"documentation": "What it is", "documentationUrl": "https://example.com"}
    tmp_path.joinpath("model.json").write_text(json.dumps({"shapes": {"Part": shape | said}}))
    assert LeanModels().load_file(str(tmp_path / "model")) == {"shapes": {"Part": shape}}
    assert LeanModels().load_file(str(tmp_path / "absent")) is None


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    account = Account(name="shop", method=Account.Method.KEYS, access_key_id="AKIA")
    return make_session(account, "eu-west-1")


@pytest.mark.parametrize("operation", read_operations())
def test_an_accounts_clients_know_what_is_called_as_aws_describes_it(
    session: boto3.Session, operation: str
) -> None:
    service, _, name = operation.partition(":")
    client: Any = session.client(service)  # type: ignore[call-overload]
    whole = ServiceModel(lean(service, "service-2"), service).operation_model(name)
    ours = client.meta.service_model.operation_model(name)
    for shape in ("input_shape", "output_shape"):
        assert described(getattr(ours, shape)) == described(getattr(whole, shape))
    assert [one.name for one in ours.error_shapes] == [one.name for one in whole.error_shapes]
    assert as_loaded(ours.http) == as_loaded(whole.http)


def described(shape: Any, above: tuple[str, ...] = ()) -> Any:
    """A shape with all that is in it; where it holds itself, its name."""
    if shape is None or shape.name in above:
        return shape and shape.name
    inside = dict(getattr(shape, "members", {}))
    inside |= {n: getattr(shape, n) for n in ("member", "key", "value") if hasattr(shape, n)}
    below = {name: described(one, (*above, shape.name)) for name, one in inside.items()}
    return (shape.name, shape.type_name, dict(shape.serialization), dict(shape.metadata), below)


def test_an_accounts_client_holds_no_operation_that_nobody_calls(session: boto3.Session) -> None:
    ec2 = session.client("ec2")
    every = {*read_operations(), *WRITE_OPERATIONS}
    called = {name for name in every if name.startswith("ec2:")}
    assert {f"ec2:{name}" for name in ec2.meta.service_model.operation_names} == called
    assert len(ec2.meta.service_model.shape_names) < 300
    # What is not mirrored is whole: queues, STS.
    assert hasattr(session.client("sqs"), "send_message")
