"""Finds the invocations that failed in a function's log, and the lines that say why; no Django.

Lambda keeps no list of invocations. Their log begins with START and ends with REPORT:
https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html, in JSON where it is set so:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apps.mirror.masking import masked, named_masked, without_private_keys

# What a failed invocation writes: an exception that nobody or somebody caught, or Lambda itself.
WORDS = (
    "ERROR",
    "Error",
    "Exception",
    "Traceback",
    "Task timed out",
    "Runtime exited",
    "Status: error",
    "Status: timeout",
    # The same of logs in JSON.
    '"status":"error"',
    '"status":"failure"',
    '"status":"timeout"',
)
PATTERN = " ".join('?"{}"'.format(words.replace('"', '\\"')) for words in WORDS)
# A message of a logger: "[ERROR] …", and in Node.js time, request id and level before it.
TELLS = re.compile(
    r"^\[?(?:ERROR|CRITICAL|FATAL)\b|\t(?:ERROR|FATAL)\t|^Traceback \(most recent call last\)"
    r"|^(?:[\w.]+\.)?\w*(?:Error|Exception)\b(?:: |$)|Task timed out after|Runtime exited"
)
MARK = re.compile(r"^(START|END|REPORT) RequestId: (\S+)")
PLATFORM = {"platform.start": "START", "platform.report": "REPORT"}
ENDED = re.compile(r"\bStatus: (error|timeout)\b")
TIMED_OUT = re.compile(r"Task timed out after")
# Lines of one invocation that are kept, of which so many before the one that tells; their length.
LINES, BEFORE, LONGEST = 24, 4, 500


@dataclass(slots=True)
class Invocation:
    """One invocation as its log tells it; times in milliseconds since the epoch."""

    request_id: str
    stream: str
    # Whether Lambda itself has named it: what a program calls its requests is no matter then.
    begun: bool = False
    at: int = 0
    status: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def mark(self) -> int | None:
        """Where the first line stands that tells an error."""
        return next((at for at, line in enumerate(self.lines) if TELLS.search(line)), None)

    @property
    def failed(self) -> bool:
        """Whether it ended badly, or wrote of an error."""
        return bool(self.status) or self.mark is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureRecord:
    """An invocation that failed; `status` is the word of its REPORT, error where it has none."""

    key: str
    parent: str
    arn: str
    status: str
    state: str
    request_id: str
    log_stream: str
    at: datetime
    lines: Any
    mark: int


def invocations(events: Iterable[Mapping[str, Any]]) -> Iterator[Invocation]:
    """Yield the invocations that events of log streams, oldest first, tell of."""
    running: dict[str, Invocation] = {}
    for event in events:
        stream, at = str(event.get("logStreamName") or ""), int(event.get("timestamp") or 0)
        word, request, lines, status = _read(str(event.get("message") or "").rstrip())
        current = running.get(stream)
        known = current is not None and (current.request_id == request or not request)
        if word == "START" or (
            not known and request and (word or not current or not current.begun)
        ):
            if current is not None:
                yield current
            current = running[stream] = Invocation(request, stream, begun=bool(word))
        if current is None:
            continue
        current.at = max(current.at, at)
        current.lines += lines
        current.status = current.status or status
        if word == "REPORT":
            yield running.pop(stream)
    yield from running.values()


def _read(message: str) -> tuple[str, str, list[str], str]:
    """Return (START, END, REPORT or "", request id, lines worth showing, status) of a message."""
    if message.startswith("{"):
        try:
            told = json.loads(message)
        except (ValueError, RecursionError):
            told = None
        if isinstance(told, dict):
            return _read_json(told)
    found = MARK.match(message)
    ended = ENDED.search(message) if found and found[1] == "REPORT" else None
    if found:
        return found[1], found[2], [], ended[1] if ended else ""
    timed_out = TIMED_OUT.search(message)
    return "", "", message.split("\n"), "timeout" if timed_out else ""


def _read_json(told: Mapping[str, Any]) -> tuple[str, str, list[str], str]:
    record = told.get("record")
    # Programs write records of their own, too.
    if isinstance(record, dict) and str(told.get("type")).startswith("platform."):
        status = str(record.get("status") or "")
        failed = status if status in ("error", "timeout", "failure") else ""
        word = PLATFORM.get(str(told.get("type")), "")
        return word, str(record.get("requestId") or ""), [], failed
    request = told.get("requestId") or told.get("AWSRequestId") or ""
    message = told.get("message")
    if isinstance(message, dict):
        told, message = {**told, **message}, message.get("errorMessage")
    error = told.get("errorType")
    said = f"{error}: {told.get('errorMessage') or message or ''}" if error else str(message or "")
    level = str(told.get("level") or "")
    head = f"[{level}] {said}" if level else said
    stack = told.get("stackTrace")
    more = [str(line).rstrip() for line in stack] if isinstance(stack, list) else []
    return "", str(request), [part for text in (head, *more) for part in text.split("\n")], ""


def failure_record(function: str, arn: str, found: Invocation) -> FailureRecord:
    """Return what is kept of an invocation that failed: the line that tells, and those around."""
    mark = found.mark or 0
    first = max(0, mark - BEFORE)
    # As one text before it is cut: a private key has many lines.
    whole = without_private_keys("\n".join(line[: 4 * LONGEST] for line in found.lines)).split("\n")
    lines = whole[first : first + LINES]
    return FailureRecord(
        key=f"{function}:{found.request_id}",
        parent=function,
        # AWS gives none; so does whoever invoked it and knows the request's id name it.
        arn=f"{arn}/{found.request_id}",
        status=found.status or "error",
        state="failed",
        request_id=found.request_id,
        log_stream=found.stream,
        at=datetime.fromtimestamp(found.at / 1000, UTC),
        # Masked before it is cut: half a key is a secret, too.
        lines=[named_masked(masked(line))[:LONGEST] for line in lines],
        mark=mark - first,
    )
