"""A pretended AWS below botocore: answers what was put up, and remembers what was asked."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.httpsession import URLLib3Session
from botocore.session import get_session

IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AIDAEXAMPLE</UserId><Account>{account}</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>"""
STS_ERROR = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
<RequestId>r-2</RequestId></ErrorResponse>"""
# Names of services in signatures that are not botocore's.
SIGNED_AS = {"elasticloadbalancing": "elbv2", "monitoring": "cloudwatch"}
SIGNED = re.compile(r"/\d{8}/[^/]+/([^/]+)/aws4_request")

Answer = tuple[int, str | dict[str, Any]]


class _Raw(io.BytesIO):
    def stream(self, **_kwargs: Any) -> Any:
        yield self.read()


@dataclass
class PretendedAws:
    """`answers[operation]` or `answers[region, operation]` is (status, body), or an exception."""

    account: str = "111122223333"
    arn: str = "arn:aws:iam::111122223333:user/dashboard"
    answers: dict[Any, Answer | Exception] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    on_ask: Callable[[str], None] | None = None

    def deny(self, operation: str, code: str, message: str, region: str = "") -> None:
        """Answer one operation with an error of JSON services."""
        key: Any = (region, operation) if region else operation
        self.answers[key] = (400, {"__type": code, "message": message})

    def send(self, _session: Any, request: Any) -> AWSResponse:
        host = urlsplit(request.url).hostname or ""
        region = host.split(".")[1] if host.count(".") > 2 else ""
        operation = self._operation(request)
        self.asked.append((region, operation))
        if self.on_ask:
            self.on_ask(operation)
        found = self.answers.get((region, operation), self.answers.get(operation))
        if isinstance(found, Exception):
            raise found
        status, body = found or self._usual(request, operation)
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/xml" if isinstance(body, str) else "application/x-amz-json-1.1"
        return AWSResponse(
            request.url, status, HeadersDict({"content-type": kind}), _Raw(text.encode())
        )

    def _usual(self, request: Any, operation: str) -> Answer:
        """An account in which there is nothing: every list is empty."""
        if operation == "GetCallerIdentity":
            return 200, IDENTITY.format(arn=self.arn, account=self.account)
        service = _service(request)
        shape = service.operation_model(operation).output_shape
        lists = [
            member.serialization.get("name", name)
            for name, member in (shape.members if shape else {}).items()
            if member.type_name == "list"
        ]
        if service.resolved_protocol in ("query", "ec2"):
            inner = "".join(f"<{name}/>" for name in lists)
            if service.resolved_protocol == "query":
                inner = f"<{operation}Result>{inner}</{operation}Result>"
            return 200, f"<{operation}Response>{inner}</{operation}Response>"
        return 200, {name: [] for name in lists}

    def _operation(self, request: Any) -> str:
        target = request.headers.get("X-Amz-Target")
        if target:
            target = target.decode() if isinstance(target, bytes) else target
            return str(target.rpartition(".")[2])
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        told = parse_qs(body)
        if "Action" in told:
            return told["Action"][0]
        path = urlsplit(request.url).path
        service = _service(request)
        return next(
            name
            for name in service.operation_names
            if service.operation_model(name).http.get("requestUri") == path
            and service.operation_model(name).http.get("method") == request.method
        )


def _service(request: Any) -> Any:
    """The model of the service that a request is signed for."""
    signature = request.headers["Authorization"]
    text = signature.decode() if isinstance(signature, bytes) else str(signature)
    found = SIGNED.search(text)
    assert found, text
    return _model_of(SIGNED_AS.get(found[1], found[1]))


@cache
def _model_of(service: str) -> Any:
    return get_session().get_service_model(service)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> PretendedAws:
    aws = PretendedAws()
    monkeypatch.setattr(URLLib3Session, "send", lambda session, request: aws.send(session, request))
    monkeypatch.setattr("apps.aws.calls.FIRST_PAUSE", 0.0)
    return aws
