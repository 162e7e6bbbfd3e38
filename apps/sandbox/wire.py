"""Speaks AWS's protocols from botocore's models: which operation, its members, its answer."""

from __future__ import annotations

import functools
import io
import json
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from apps.sandbox.operations import Answer, AwsError, Params

#: Codes that no service's model gives a status to. Everything else unknown is a 400.
_STATUS = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "InvalidClientTokenId": 403,
    "InvalidAccessKeyId": 403,
    "SlowDown": 503,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
}
#: The same thing has other names in the XML protocols.
_XML_NAMES = {
    "AccessDeniedException": "AccessDenied",
    "ThrottlingException": "Throttling",
    "ExpiredTokenException": "ExpiredToken",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "UnknownOperationException": "InvalidAction",
}
_EC2_NAMES = {
    "AccessDenied": "UnauthorizedOperation",
    "Throttling": "RequestLimitExceeded",
    "ExpiredToken": "RequestExpired",
    "InvalidClientTokenId": "AuthFailure",
}
_S3_NAMES = {
    "Throttling": "SlowDown",
    "InvalidClientTokenId": "InvalidAccessKeyId",
    "InvalidAction": "NotImplemented",
}


@dataclass(slots=True)
class Request:
    """One HTTP request as it came from the wire, body read."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    raw_uri: str = "/"
    client: str = "127.0.0.1"

    def wsgi(self) -> dict[str, Any]:
        """A fresh WSGI environment of this request, for moto."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(self.path, "latin-1"),
            "QUERY_STRING": self.query,
            "RAW_URI": self.raw_uri,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": self.headers.get("host", "").rpartition(":")[2] or "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.client,
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            if name == "content-type":
                environ["CONTENT_TYPE"] = value
            elif name not in ("content-length", "transfer-encoding"):
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ


@dataclass(slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@functools.cache
def service_model(service: str) -> Any:
    """Return botocore's ServiceModel of ``service``; raises LookupError where it has none."""
    from botocore.exceptions import UnknownServiceError
    from moto.core.utils import get_service_model

    try:
        return get_service_model(service)
    except UnknownServiceError:
        raise LookupError(service) from None


@functools.cache
def operation_model(service: str, name: str) -> Any:
    """Botocore's OperationModel; raises LookupError when there is none."""
    model = service_model(service)
    if name not in model.operation_names:
        raise LookupError(name)
    return model.operation_model(name)


#: What classic load balancers' API says of itself: it is signed for like the one of today.
_CLASSIC = b"Version=2012-06-01"


def service_of(signing_name: str, request: Request) -> str:
    """The botocore service that a request is for."""
    if signing_name == "elasticloadbalancing" and _CLASSIC in request.body:
        return "elb"
    if signing_name == "apigateway" and request.path.startswith("/v2/"):
        return "apigatewayv2"
    return service_named(signing_name)


@functools.cache
def service_named(signing_name: str) -> str:
    """The botocore service behind a SigV4 signing name (``monitoring`` → ``cloudwatch``)."""
    return {"monitoring": "cloudwatch", "email": "ses", "elasticloadbalancing": "elbv2"}.get(
        signing_name, signing_name
    )


def protocol_of(service: str, headers: dict[str, str]) -> str:
    """``json``, ``query``, ``ec2``, ``rest-json`` or ``rest-xml``: what a request is written in."""
    if "x-amz-target" in headers:
        return "json"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return "ec2" if service == "ec2" else "query"
    try:
        metadata = service_model(service).metadata
    except LookupError:
        return "json"
    known = metadata.get("protocols") or [metadata["protocol"]]
    return next((p for p in known if p in ("rest-json", "rest-xml", "query", "json")), "json")


def operation_name(service: str, protocol: str, request: Request) -> str | None:
    """The operation a request asks for, or None when it names none that the model has."""
    if protocol == "json":
        return request.headers.get("x-amz-target", "").rpartition(".")[2] or None
    if protocol in ("query", "ec2"):
        form = parse_qs(request.body.decode("utf-8", "replace") or request.query)
        return form.get("Action", [None])[0]
    return _routed(service, request)


def _routed(service: str, request: Request) -> str | None:
    from moto.core.request import Request as MotoRequest
    from moto.core.routing import get_service_router
    from werkzeug.exceptions import HTTPException

    service_model(service)
    try:
        found, _ = get_service_router(service).match(MotoRequest(request.wsgi()))
    except (HTTPException, NotImplementedError):
        return None
    return str(found.name)


def read_members(service: str, operation: str, protocol: str, request: Request) -> Params:
    """The request's members; raises AwsError(SerializationException) for what cannot be read."""
    if protocol == "json":
        try:
            members = json.loads(request.body or b"{}")
        except ValueError:
            raise AwsError(
                "SerializationException", "Could not parse the request body as JSON"
            ) from None
        if not isinstance(members, dict):
            raise AwsError(
                "SerializationException", "Start of structure or map found where not expected."
            )
        return members
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.request import Request as MotoRequest
    from moto.core.routing import get_service_router

    moto_request = MotoRequest(request.wsgi())
    _, uri_params = get_service_router(service).match(moto_request)
    parser = PROTOCOL_PARSERS[protocol](operation_model(service, operation))
    parsed: Params = parser.parse(
        {
            "method": moto_request.method,
            "values": moto_request.values,
            "headers": moto_request.headers,
            "body": moto_request.get_data(),
            "url_path": moto_request.path,
            "url_params": uri_params,
        }
    )
    return parsed


def write_answer(
    service: str, operation: str, protocol: str, answer: Answer, request_id: str
) -> Reply:
    """The answer on the wire, shaped by the operation's output model."""
    model = operation_model(service, operation)
    if protocol == "json":
        shape = model.output_shape
        body = json.dumps(to_json(shape, answer)).encode() if shape is not None else b"{}"
        version = service_model(service).metadata.get("jsonVersion", "1.1")
        return Reply(200, [("Content-Type", f"application/x-amz-json-{version}")], body)
    from moto.core.serialize import SerializationContext, get_serializer_class

    written = get_serializer_class(service, protocol)(
        operation_model=model, context=SerializationContext(request_id)
    ).serialize(answer)
    text = written["body"]
    return Reply(
        written["status_code"],
        list(written["headers"].items()),
        text.encode() if isinstance(text, str) else text,
    )


def to_json(shape: Any, value: Any) -> Any:
    """Write ``value`` as the JSON protocol writes ``shape``: no None, times as epoch seconds.

    Raises TypeError for a member that AWS's model does not have: the sandbox never invents one.
    """
    kind = shape.type_name
    if kind == "structure":
        members = shape.members
        written = {}
        for name, item in value.items():
            if item is None:
                continue
            if name not in members:
                raise TypeError(f"{shape.name} has no member {name}")
            written[name] = to_json(members[name], item)
        return written
    if kind == "list":
        return [to_json(shape.member, item) for item in value]
    if kind == "map":
        return {key: to_json(shape.value, item) for key, item in value.items()}
    if kind == "timestamp":
        return round(value, 3)
    return value


def write_error(service: str, protocol: str, error: AwsError, request_id: str) -> Reply:
    """An error as the protocol words it; the HTTP status is the model's where it knows the code."""
    code = error.code
    if protocol in ("query", "rest-xml", "ec2"):
        code = _XML_NAMES.get(code, code)
        names = {"rest-xml": _S3_NAMES, "ec2": _EC2_NAMES}.get(protocol, {})
        code = names.get(code, code)
        return _xml_error(protocol, code, error, request_id)
    body = {"__type": code, "message": error.message, **error.members}
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
    return Reply(error.status or _status(service, code), headers, json.dumps(body).encode())


def _xml_error(protocol: str, code: str, error: AwsError, request_id: str) -> Reply:
    status = error.status or _STATUS.get(code, 400)
    inner = f"<Code>{escape(code)}</Code><Message>{escape(error.message)}</Message>"
    if protocol == "rest-xml":
        text = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    elif protocol == "ec2":
        text = (
            f"<Response><Errors><Error>{inner}</Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    else:
        fault = "Receiver" if status >= 500 else "Sender"
        text = (
            f"<ErrorResponse><Error><Type>{fault}</Type>{inner}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return Reply(status, [("Content-Type", "text/xml")], f'<?xml version="1.0"?>\n{text}'.encode())


def _status(service: str, code: str) -> int:
    if code in _STATUS:
        return _STATUS[code]
    from botocore.model import NoShapeFoundError

    try:
        shape = service_model(service).shape_for(code)
    except (LookupError, NoShapeFoundError):
        return 400
    return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
