"""Flights: wire answers written from AWS's API documents, played to unchanged boto3 clients.

A flight stands where the network would: boto3 signs and serialises the call, botocore parses the
answer, nothing in between is replaced. A folder of answers holds one file an operation, named
`<service>.<Operation>.json`, with a list of

    {"when": {"name": "shop"}, "answer": {…}}

of which the first whose `when` is part of the call's parameters is played (a missing `when` fits
any call). Times are epoch seconds, or "now-600": so many seconds before the tests began, for what
is forgotten in time. An answer with a field that botocore's model does not know is a mistake in the
flight, unless it says `"unmodelled": true`. An operation that no answer fits fails the test.
"""

import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

import boto3
from botocore.awsrequest import AWSResponse

from apps.aws.calls import Reach
from apps.aws.failures import classify
from apps.aws.wire import client_config, quick_session
from apps.sandbox.wire import write_answer

ACCOUNT = "111122223333"
REGION = "eu-west-1"
# What flights put wherever a secret may stand: it must never be found behind the collectors.
PLANTED = "PLANTED-SECRET"
# Botocore's events carry the service's id, which for some is not what clients and IAM call it.
SERVICE_OF = {
    "cloudwatch-logs": "logs",
    "eventbridge": "events",
    "auto-scaling": "autoscaling",
    "elastic-load-balancing": "elb",
    "elastic-load-balancing-v2": "elbv2",
    "elastic-beanstalk": "elasticbeanstalk",
}
# Those are written as XML; the others take what JSON says.
XML = frozenset({"query", "ec2", "rest-xml"})
BEGAN = round(time.time())
AGO = re.compile(r"now-(\d+)")


@dataclass(frozen=True)
class Fault:
    """An error answer as AWS's JSON protocol sends it; `body` instead for what is no AWS error."""

    code: str = ""
    message: str = ""
    status: int = 400
    body: bytes | None = None
    content_type: str = "application/x-amz-json-1.1"

    @classmethod
    def page(cls, status: int = 500, text: str = "<h1>Internal Server Error</h1>") -> "Fault":
        """An HTML page where an AWS answer is expected."""
        html = f"<!doctype html>\n<html><title>{status}</title>{text}</html>"
        return cls(status=status, body=html.encode(), content_type="text/html")


@dataclass(frozen=True)
class Unmodelled:
    """An answer with fields that this version of botocore has never heard of."""

    answer: Mapping[str, Any]


Answer = Mapping[str, Any] | Fault | Unmodelled | Exception
Play = Answer | Callable[[Mapping[str, Any]], Answer]


class UnexpectedCallError(AssertionError):
    """A call that the flight has no answer for."""


@dataclass
class Flight:
    """What an account in a region answers, and what it was asked."""

    account: str = ACCOUNT
    region: str = REGION
    # (operation, parameters) in the order they were asked.
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _plays: dict[str, Play] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, operation: str, play: Play) -> "Flight":
        """Answer an operation so: a dict, a Fault, an exception, or what a function of its
        parameters returns. Replaces what was said before.
        """
        self._plays[operation] = play
        return self

    def script(self, operation: str, *plays: Answer) -> "Flight":
        """Answer an operation with each of these in turn, then with the last for ever."""
        left = list(plays)

        def next_one(_params: Mapping[str, Any]) -> Answer:
            return left.pop(0) if len(left) > 1 else left[0]

        return self.on(operation, next_one)

    def load(self, folder: Path) -> "Flight":
        """Add the answers of a folder."""
        for path in sorted(folder.glob("*.json")):
            service, operation = path.stem.split(".")
            entries = _dated(json.loads(path.read_text(encoding="utf-8")))
            self.on(f"{service}:{operation}", _chooser(path, entries))
        return self

    def reach(self, **options: Any) -> Reach:
        """Open a reach whose calls this flight answers; `options` are Reach's own."""
        return Reach(account=self.account, region=self.region, client=self.client, **options)

    def client(self, service: str) -> Any:
        """Return a real boto3 client whose requests come here."""
        with self._lock:
            if service not in self._clients:
                made = _session().client(
                    service,
                    region_name=self.region,
                    aws_access_key_id="testing",
                    aws_secret_access_key="testing",
                    config=client_config(timeout=1),
                )
                made.meta.events.register("before-send", self.answer)
                self._clients[service] = made
            return self._clients[service]

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """Return the parameters of each call of an operation."""
        return [params for name, params in self.asked if name == operation]

    def count(self) -> dict[str, int]:
        """Return how often each operation was called."""
        counts: dict[str, int] = defaultdict(int)
        for name, _ in self.asked:
            counts[name] += 1
        return dict(counts)

    @contextmanager
    def recorded(self) -> Any:
        """Yield the list of the calls made inside the block alone."""
        before, self.asked = self.asked, []
        try:
            yield self.asked
        finally:
            self.asked = before + self.asked

    def answer(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        """Botocore's "before-send" hook: what is returned here is what came over the wire."""
        _, service, name = event_name.split(".")
        service = SERVICE_OF.get(service, service)
        operation = f"{service}:{name}"
        client = self.client(service)
        params = _params(request, client.meta.service_model.operation_model(name))
        with self._lock:
            self.asked.append((operation, params))
            if operation not in self._plays:
                raise UnexpectedCallError(f"the flight has no {operation}({params})")
            play = self._plays[operation]
            said = play(params) if callable(play) else play
        if isinstance(said, Exception):
            raise said
        protocol = client.meta.service_model.resolved_protocol
        if isinstance(said, Fault):
            return _faulty(request.url, said, protocol)
        if isinstance(said, Unmodelled):
            said = said.answer
        elif service != "sts":
            _check(said, _output_shape(client, name), f"{operation} ")
        if protocol not in XML:
            body = json.dumps(said).encode()
        elif service == "sts":
            body = _query_answer(name, said)
        else:
            body = write_answer(service, name, protocol, dict(said), "6f5c1f0e").body
        return _response(request.url, 200, body, "application/x-amz-json-1.1")


def _chooser(path: Path, entries: Iterable[Mapping[str, Any]]) -> Play:
    def choose(params: Mapping[str, Any]) -> Answer:
        for entry in entries:
            if entry.get("when", {}).items() <= params.items():
                answer = entry["answer"]
                return Unmodelled(answer) if entry.get("unmodelled") else answer
        raise UnexpectedCallError(f"{path.name} has no answer to {params}")

    return choose


def _dated(value: Any) -> Any:
    """Return an answer with times before now as epoch seconds."""
    match value:
        case dict():
            return {key: _dated(item) for key, item in value.items()}
        case list():
            return [_dated(item) for item in value]
        case str() if ago := AGO.fullmatch(value):
            return BEGAN - int(ago.group(1))
    return value


_sessions: list[boto3.Session] = []


def _session() -> boto3.Session:
    if not _sessions:
        _sessions.append(quick_session(boto3.Session()))
    return _sessions[0]


def _params(request: Any, model: Any) -> dict[str, Any]:
    """Return what was asked, in the body or, by the REST protocols, in the address."""
    body = request.body or b""
    text = body.decode() if isinstance(body, bytes) else str(body)
    if text.startswith("{"):
        found: dict[str, Any] = json.loads(text)
        return found
    template, address = model.http.get("requestUri", "/").partition("?")[0], urlsplit(request.url)
    path = re.fullmatch(re.sub(r"\{(\w+)\+?\}", r"(?P<\1>.+?)", template), address.path)
    named = path.groupdict() if path else {}
    return {
        **{name: unquote(value) for name, value in named.items()},
        **dict(parse_qsl(address.query)),
        **dict(parse_qsl(text)),
    }


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterable[bytes]:
        yield self.read()


def _response(url: str, status: int, body: bytes, content_type: str) -> AWSResponse:
    headers = {
        "content-type": content_type,
        "x-amzn-requestid": "6f5c1f0e-0000-4000-8000-000000000001",
    }
    return AWSResponse(url, status, headers, _Raw(body))


def _faulty(url: str, fault: Fault, protocol: str) -> AWSResponse:
    body = fault.body
    if body is None and protocol in XML:
        code, text = escape(fault.code), escape(fault.message)
        said = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
        if protocol == "ec2":
            said = f"<Response><Errors>{said}</Errors><RequestID>6f5c1f0e</RequestID></Response>"
        else:
            said = f"<ErrorResponse>{said}<RequestId>6f5c1f0e</RequestId></ErrorResponse>"
        body = said.encode()
    elif body is None:
        body = json.dumps({"__type": fault.code, "message": fault.message}).encode()
    return _response(url, fault.status, body, fault.content_type)


def _query_answer(name: str, said: Mapping[str, Any]) -> bytes:
    """Return the XML of the query protocol for flat and nested members without lists."""

    def inner(values: Mapping[str, Any]) -> str:
        return "".join(
            f"<{key}>{inner(value) if isinstance(value, Mapping) else value}</{key}>"
            for key, value in values.items()
        )

    return (
        f"<{name}Response><{name}Result>{inner(said)}</{name}Result>"
        f"<ResponseMetadata><RequestId>6f5c1f0e</RequestId></ResponseMetadata></{name}Response>"
    ).encode()


def _output_shape(client: Any, name: str) -> Any:
    return client.meta.service_model.operation_model(name).output_shape


def _check(value: Any, shape: Any, where: str) -> None:
    """Fail where an answer holds what the model does not: a typo would pass for a missing field."""
    match shape.type_name:
        case "structure":
            unknown = value.keys() - shape.members.keys()
            if unknown:
                raise UnexpectedCallError(f"{where}has unmodelled {sorted(unknown)}")
            for key, item in value.items():
                _check(item, shape.members[key], f"{where}{key}.")
        case "list":
            for item in value:
                _check(item, shape.member, where)
        case "map":
            for item in value.values():
                _check(item, shape.value, where)


class FlownProvider:
    """AWS as a flight has it, for those who open scopes through the mirror."""

    name = "aws"

    def __init__(self, flight: Flight) -> None:
        self.flight = flight

    def open(self, scope: Any, *, urgent: bool = False) -> Reach:
        return self.flight.reach(name=scope.place)

    def classify(self, error: BaseException, operation: str = "") -> Any:
        return classify(error, operation)
