"""What goes over the wire: how clients are configured, and how their answers are read."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from boto3 import Session
from botocore import xform_name
from botocore.config import Config
from botocore.loaders import Loader, create_loader
from botocore.parsers import ResponseParserError
from dateutil import parser as dates

XHTML = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<(!doctype\s+)?html", re.IGNORECASE)


def utc(value: Any) -> datetime:
    """Parse what AWS calls a timestamp, straight to UTC (botocore's own goes by local time)."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    try:
        seconds = float(value)
    except ValueError:
        # Where London is local time, "GMT" would be British Summer Time in July.
        parsed = dates.parse(value, tzinfos={"GMT": UTC})
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    return datetime.fromtimestamp(seconds, UTC)


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


@cache
def _models() -> Loader:
    return create_loader()


def quick_session(session: Session) -> Session:
    """Make a session cheap: times parsed as UTC, AWS's models loaded once for all sessions.

    Parsing small answers then costs less than half, opening a region less than a third.
    """
    core = session._session
    core.register_component("data_loader", _models())
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
