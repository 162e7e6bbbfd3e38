"""What goes over the wire: how clients are configured, and how their answers are read."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import IO, Any

import boto3
from boto3 import Session
from botocore import xform_name
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.parsers import ResponseParserError
from dateutil import parser as dates

XHTML = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<(!doctype\s+)?html", re.IGNORECASE)


def utc(value: Any) -> datetime:
    """Parse what AWS calls a timestamp, straight to UTC (botocore's own goes by local time)."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if value[10:11] == "T" and (parsed := _iso_8601(value)):
        return parsed
    try:
        seconds = float(value)
    except ValueError:
        # Where London is local time, "GMT" would be British Summer Time in July.
        return _in_utc(dates.parse(value, tzinfos={"GMT": UTC}))
    return datetime.fromtimestamp(seconds, UTC)


def _iso_8601(value: str) -> datetime | None:
    """Parse what most XML says; dateutil takes a hundred times as long and understands the rest."""
    try:
        return _in_utc(datetime.fromisoformat(value))
    except ValueError:
        return None


def _in_utc(parsed: datetime) -> datetime:
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def plain(value: Any) -> Any:
    """Return an answer as JSON holds it: times as ISO text, bytes as text, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value


def snake(value: Any) -> Any:
    """Return AWS's structure as JSON (see `plain`) with snake_case names."""
    if isinstance(value, Mapping):
        return {xform_name(str(name)): snake(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [snake(item) for item in value]
    return plain(value)


def client_config(*, timeout: float = 20, pool: int = 16) -> Config:
    """Return the configuration of every client: we retry ourselves, so botocore does not."""
    return Config(
        connect_timeout=min(5.0, timeout),
        read_timeout=timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=pool,
        # The usual one is put together anew for each call, twice: a tenth of what a call costs.
        user_agent=f"codestar-dash Boto3/{boto3.__version__}",
        # The endpoint is a field of the account; AWS_ENDPOINT_URL must not bend every account's.
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]
        # Signing a checksum of what we only read is work for nothing.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


# Documentation of models is for `help()`: a third of what they hold.
SAID = frozenset({"documentation", "documentationUrl"})
# Texts of models up to so long are names, of types and shapes, and said again and again.
NAME = 80


class LeanModels(JSONFileLoader):
    """Reads AWS's models into little memory: without documentation, each name held once.

    `operations` are all that are called ("service:Operation"); of a service among them a model
    holds those and the shapes they need: EC2 has 830, and each client a method for each.
    """

    def __init__(self, operations: Iterable[str] = ()) -> None:
        self._called: dict[str, set[str]] = {}
        for operation in operations:
            service, _, name = operation.partition(":")
            self._called.setdefault(service, set()).add(name)

    def load_file(self, file_path: str) -> Any:
        """Return what is in a file, given without its ending; None where there is none."""
        model = super().load_file(file_path)
        # …/ec2/2016-11-15/service-2
        *_, service, _version, kind = Path("-", "-", file_path).parts
        called = self._called.get(service)
        return _only(called, model) if model and called and kind == "service-2" else model

    def _load_file(self, full_path: str, open_method: Callable[[str, str], IO[bytes]]) -> Any:
        if not Path(full_path).is_file():
            return None
        with open_method(full_path, "rb") as file:
            model = json.loads(file.read(), object_pairs_hook=_lean)
        # Of these botocore wants it, or no client of S3 works.
        for told in model.get("clientContextParams", {}).values():
            told["documentation"] = ""
        return model


def _lean(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of a model; a member of a shape that is called documentation stays."""
    return {
        sys.intern(name): sys.intern(value) if type(value) is str and len(value) <= NAME else value
        for name, value in pairs
        if not (name in SAID and isinstance(value, str))
    }


def _only(called: set[str], model: dict[str, Any]) -> dict[str, Any]:
    """Return a service's model with these operations and the shapes that they lead to."""
    operations = {name: told for name, told in model["operations"].items() if name in called}
    shapes: dict[str, Any] = {}
    wanted = set(_shapes_in(operations))
    while wanted:
        name = wanted.pop()
        shapes[name] = model["shapes"][name]
        wanted.update(set(_shapes_in(shapes[name])) - shapes.keys())
    return {**model, "operations": operations, "shapes": shapes}


def _shapes_in(told: Any) -> Iterator[str]:
    if isinstance(told, list):
        for one in told:
            yield from _shapes_in(one)
    elif isinstance(told, dict):
        if isinstance(told.get("shape"), str):
            yield told["shape"]
        for one in told.values():
            yield from _shapes_in(one)


@cache
def models(operations: frozenset[str] = frozenset()) -> Loader:
    """Return AWS's models, loaded once for all sessions; see `LeanModels`."""
    loader = create_loader()
    loader.file_loader = LeanModels(operations)
    return loader


def quick_session(session: Session, operations: frozenset[str] = frozenset()) -> Session:
    """Make a session cheap: times parsed as UTC, AWS's models loaded once for all sessions.

    Parsing small answers then costs less than half, opening a region less than a third. Clients
    have no other `operations` ("service:Operation") of the services named there.
    """
    core = session._session
    core.register_component("data_loader", models(operations))
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=utc)
    session.events.register("after-call", refuse_pages)
    return session


def refuse_pages(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Raise ResponseParserError where a success holds no AWS answer (a login page, a proxy's).

    botocore takes any text for an answer that says nothing, and then everything would be gone.
    """
    expected = model.output_shape.members if model.output_shape else ()
    if http_response.status_code >= 300 or not expected or parsed.keys() - {"ResponseMetadata"}:
        return
    protocol = model.service_model.resolved_protocol
    if not _speaks(protocol, http_response):
        raise ResponseParserError(f"the answer is none of the protocol {protocol}")


def _speaks(protocol: str, response: Any) -> bool:
    """Whether an answer that names nothing is at least of the protocol."""
    if protocol.startswith("rest-") and not response.content:
        return True
    if protocol in ("json", "rest-json"):
        try:
            return isinstance(json.loads(response.content), dict)
        except ValueError:
            return False
    if protocol == "smithy-rpc-v2-cbor":
        return bool(response.headers.get("smithy-protocol") == "rpc-v2-cbor")
    # XML: botocore has parsed it, and a well-formed page is XML, too.
    return not XHTML.match(response.content)
