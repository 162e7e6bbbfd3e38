"""Calls the sandbox's own operations from within, as one of AWS's services calls another.

The request is written by botocore, goes through the front door without a socket, and is judged
there as every other: who may do it, which faults strike it, what it may say.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from apps.sandbox.principals import Principal
from apps.sandbox.wire import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.sandbox.world import Place


class RefusedError(Exception):
    """What a service answered instead: its code, its words, the HTTP status."""

    def __init__(self, service: str, code: str, message: str, status: int) -> None:
        super().__init__(f"{service}: {code}: {message}")
        self.service, self.code, self.message, self.status = service, code, message, status

    @property
    def missing(self) -> bool:
        """Whether it says that there is no such thing."""
        return self.status == 404 or any(
            part in self.code for part in ("NotFound", "NoSuch", "DoesNotExist", "NonExistent")
        )


class _Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """All of it at once."""
        yield self.read()


class Inside:
    """One place, seen by ``actor``: ``Inside(place, actor).call("iam", "CreateRole", …)``."""

    def __init__(self, place: Place, actor: Principal | None = None) -> None:
        self.place = place
        self.actor = actor or owner(place.account)

    def call(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        """The answer's members; raises RefusedError."""
        from botocore.exceptions import ClientError, ParamValidationError

        client = _client(service, self.place.region)
        method = _method(operation)
        _ACTING.append((self.place, self.actor))
        try:
            answer: dict[str, Any] = getattr(client, method)(**members)
        except ClientError as error:
            told = error.response
            status = int(told.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
            code, message = told["Error"].get("Code", ""), told["Error"].get("Message", "")
            raise RefusedError(service, str(code), str(message), status) from None
        except ParamValidationError as error:
            raise RefusedError(service, "ValidationException", str(error), 400) from None
        finally:
            _ACTING.pop()
        return answer


def owner(account: str) -> Principal:
    """The account itself, where nobody in particular acts."""
    return Principal(account, f"arn:aws:iam::{account}:root", account, account)


#: Who is calling, the innermost last. All this happens under the world's lock.
_ACTING: list[tuple[Place, Principal]] = []


@functools.cache
def _session() -> Any:
    import botocore.session

    return botocore.session.Session()


@functools.cache
def _client(service: str, region: str) -> Any:
    from botocore.config import Config

    client = _session().create_client(
        service,
        region_name=region,
        endpoint_url="http://inside.sandbox",
        aws_access_key_id="INSIDE",
        aws_secret_access_key="inside",  # noqa: S106 - nobody checks it
        config=Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    client.meta.events.register("before-send", _send)
    return client


@functools.cache
def _method(operation: str) -> str:
    from botocore import xform_name

    return str(xform_name(operation))


def _send(request: Any, **_: Any) -> Any:
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders

    place, actor = _ACTING[-1]
    door = place.world.door
    assert door is not None
    split = urlsplit(request.url)
    raw = split.path + (f"?{split.query}" if split.query else "")
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    headers["host"] = place.world.address.partition("://")[2]
    body = request.body
    if body is None:
        body = b""
    elif isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes | bytearray):
        body = body.read()
    asked = Request(request.method, split.path, split.query, headers, bytes(body), raw)
    reply = door.aws(asked, actor)
    told = HTTPHeaders.from_pairs(reply.headers)
    return AWSResponse(request.url, reply.status, told, _Raw(reply.body))
