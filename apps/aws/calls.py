"""The few ways this project calls AWS, bounded in time, retries and concurrency; without Django."""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Any, Protocol, TypeVar

from botocore import xform_name
from botocore.exceptions import ClientError, PaginationError
from botocore.parsers import ResponseParserError

from apps.mirror.provider import Failure, Health, Outcome
from apps.mirror.together import Together

from .failures import (
    OutOfTimeError,
    SuspendedError,
    classify,
    error_code,
    is_passing,
    is_throttle,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

ATTEMPTS = 4
FIRST_PAUSE = 0.4
LONGEST_PAUSE = 8.0
MOST_PAGES = 10_000
# A list that comes back to one of so many tokens turns in a circle.
CIRCLE = 20
# An operation that fails alike this often in one sweep is not called again until the next.
PATIENCE = 3
# How far `Reach.each` reads ahead of its reader, in rounds of calls.
AHEAD = 4


def as_it_is(failure: Failure) -> Failure:
    """Judge nothing: for whoever knows no more of a failure than its answer told."""
    return failure


class Throttle(Protocol):
    """What a reach asks before and tells after each call; the mirror's is shared by all workers."""

    def before(self, api: str) -> float:
        """Return how many seconds to wait before calling `api`."""

    def throttled(self, api: str) -> None:
        """AWS asked to slow down."""

    def succeeded(self, api: str) -> None:
        """A call went through."""


class Unthrottled:
    """For tests, and for the few calls made while connecting an account."""

    def before(self, api: str) -> float:  # noqa: ARG002 - the protocol's
        """Return 0: never wait."""
        return 0.0

    def throttled(self, api: str) -> None:
        """Nothing is learned."""

    def succeeded(self, api: str) -> None:
        """Nothing is learned."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Stands for the result of a call of `Reach.each` that raised."""

    failure: Failure


class Fed(Iterator[T]):
    """Items for `Reach.each` that may grow while it works: what is fed comes next."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = deque(items)

    def feed(self, item: T) -> None:
        """Put an item before all others."""
        self._items.appendleft(item)

    def __next__(self) -> T:
        if not self._items:
            raise StopIteration
        return self._items.popleft()


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut items, in order, into what one call takes."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


@cache
def method_name(operation: str) -> str:
    """Return boto3's method of "service:Operation"."""
    return str(xform_name(operation.partition(":")[2]))


@dataclass(kw_only=True)
class Reach:
    """An open account and region. One sweep, one reach; its methods may be called from threads.

    client   service name -> boto3 client; cached by whoever opened the reach.
    budget   seconds after which calls raise `OutOfTimeError`.
    judge    has the last word on what a failure means: whoever opened the reach knows more.
    attempts how often a call is made at most, where it fails in a way that passes.
    """

    account: str
    region: str
    client: Callable[[str], Any]
    partition: str = "aws"
    throttle: Throttle = field(default_factory=Unthrottled)
    at_once: int = 8
    budget: float = 600.0
    attempts: int = ATTEMPTS
    name: str = ""
    judge: Callable[[Failure], Failure] = as_it_is
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    spent: bool = False
    _opened: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # Operation -> how it failed last, and how often alike in a row.
    _alike: dict[str, tuple[Failure, int]] = field(default_factory=dict)
    _under_way: set[Together[Any]] = field(default_factory=set)

    def call(self, operation: str, **params: Any) -> Any:
        """Make one call, e.g. `call("codepipeline:GetPipelineState", name="shop")`.

        Returns the parsed answer. Retries what passes (throttles, 5xx, broken connections) up to
        `attempts` with growing pauses. Raises botocore's ClientError or HTTPClientError,
        SuspendedError or OutOfTimeError.
        """
        return self._told(operation, params, frozenset())

    def call_unless(self, codes: frozenset[str], operation: str, **params: Any) -> Any | None:
        """Make a call that AWS refuses with one of these error codes where it does not apply.

        Returns None there: that is an answer, and no fault of the operation. Else as `call`.
        """
        return self._told(operation, params, codes)

    def _told(self, operation: str, params: Mapping[str, Any], unless: frozenset[str]) -> Any:
        try:
            return self._call(operation, params, unless)
        except Exception as error:
            if isinstance(error, OutOfTimeError):
                self.spent = True
                self.failed(operation, error)
            # For whoever tells on the scope what ended a reading.
            error.dash_operation = operation  # type: ignore[attr-defined]
            raise

    def _call(self, operation: str, params: Mapping[str, Any], unless: frozenset[str]) -> Any:
        self._refuse_suspended(operation)
        method = getattr(self.client(operation.partition(":")[0]), method_name(operation))
        for attempt in range(1, self.attempts + 1):
            self._wait(self.throttle.before(operation))
            began = time.monotonic()
            try:
                answer = method(**params)
            except Exception as raised:
                error = _unreadable(raised) or raised
                if error_code(error) in unless:
                    self._log(operation, began, error)
                    self._succeeded(operation)
                    return None
                if is_throttle(error):
                    self.throttle.throttled(operation)
                self._log(operation, began, error)
                if attempt == self.attempts or not is_passing(error):
                    self.failed(operation, error)
                    if error is raised:
                        raise
                    raise error from raised
                self._wait(_pause(attempt))
            else:
                self.throttle.succeeded(operation)
                self._log(operation, began, answer)
                self._succeeded(operation)
                return answer
        raise AssertionError("unreachable")

    def pages(self, operation: str, **params: Any) -> Iterator[Any]:
        """Yield each page of a list operation, following its paginator's tokens.

        A list that is cut off raises in the middle: who judges absence must read to the end. So
        does one that turns in circles (botocore's PaginationError).
        """
        service = operation.partition(":")[0]
        client = self.client(service)
        tokens = _tokens(client, method_name(operation))
        extra: dict[str, Any] = {}
        seen: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            page = self.call(operation, **params, **extra)
            yield page
            following = {
                sent: page[read] for sent, read in tokens.items() if page.get(read) is not None
            }
            if not any(following.values()):
                return
            if following in seen[-CIRCLE:]:
                raise PaginationError(message=f"{operation} answers the same token again")
            seen.append(following)
            extra = following
        raise PaginationError(message=f"{operation} has more than {MOST_PAGES} pages")

    def detail(self, operation: str, **params: Any) -> Any | None:
        """Make a call whose failure costs only some columns: it is told on the scope.

        Returns None where it failed.
        """
        try:
            return self.call(operation, **params)
        except Exception:  # noqa: BLE001 - every failure is classified and shown
            return None

    def each(self, items: Iterable[T], work: Callable[[T], Any]) -> Iterator[tuple[T, Any]]:
        """Run `work(item)` for each item, `at_once` at a time; yield pairs as they finish.

        The second of a pair is a `Failed` where the work raised. Reads ahead by no more than
        `AHEAD` times `at_once`: calls go on while the reader writes, and answers do not pile up
        where it is slow. `Fed` items may grow until the last pair was taken.
        """
        together = Together(work, self.at_once)
        self._under_way.add(together)
        rest = iter(items)
        under_way = 0
        try:
            while True:
                for item in islice(rest, self.at_once * AHEAD - under_way):
                    together.add(item)
                    under_way += 1
                if not under_way:
                    return
                item, result, error = together.take()
                under_way -= 1
                if error is None:
                    yield item, result
                elif isinstance(error, Exception):
                    yield item, Failed(classify(error))
                else:
                    raise error
        finally:
            together.stop()
            self._under_way.discard(together)

    def arn(self, service: str, resource: str) -> str:
        """Compose an ARN where a service documents the format and returns none."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def close(self) -> None:
        """Begin nothing more of what `each` has not begun yet."""
        while self._under_way:
            self._under_way.pop().stop()

    def _wait(self, seconds: float) -> None:
        if time.monotonic() - self._opened + seconds > self.budget:
            raise OutOfTimeError(f"the {self.budget:.0f} s of this sweep are spent")
        if seconds > 0:
            time.sleep(seconds)

    def _refuse_suspended(self, operation: str) -> None:
        with self._lock:
            found = self._alike.get(operation)
        if found is not None and found[1] >= PATIENCE:
            raise SuspendedError(found[0])

    def _succeeded(self, operation: str) -> None:
        with self._lock:
            outcome = self.outcomes.setdefault(operation, Outcome(operation=operation))
            outcome.succeeded_at = datetime.now(UTC)
            outcome.successes += 1
            self._alike.pop(operation, None)

    def failed(self, operation: str, error: BaseException) -> None:
        """Tell that an operation failed: a call raised it, or its answers make no sense."""
        failure = self.judge(classify(error, operation))
        with self._lock:
            outcome = self.outcomes.setdefault(operation, Outcome(operation=operation))
            if failure.health is Health.GONE:
                # One missing thing says nothing about the operation: it answered.
                outcome.succeeded_at = datetime.now(UTC)
                outcome.successes += 1
                return
            outcome.failed_at = datetime.now(UTC)
            outcome.failure = failure
            outcome.failures += 1
            last, times = self._alike.get(operation, (failure, 0))
            alike = last.code == failure.code
            self._alike[operation] = (failure, times + 1 if alike else 1)

    def _log(self, operation: str, began: float, answer: Any) -> None:
        level = logging.DEBUG
        said = answer
        if isinstance(answer, BaseException):
            gone = classify(answer, operation).health is Health.GONE
            level = logging.DEBUG if gone else logging.INFO
            said = answer.response if isinstance(answer, ClientError) else {}
        if not log.isEnabledFor(level):
            return
        metadata = said.get("ResponseMetadata", {}) if isinstance(said, Mapping) else {}
        failure = classify(answer, operation) if isinstance(answer, BaseException) else None
        log.log(
            level,
            "aws.call",
            extra={
                "scope": self.name or f"{self.account}/{self.region}",
                "api": operation,
                "request_id": metadata.get("RequestId", ""),
                "ms": round((time.monotonic() - began) * 1000),
                **({"error": failure.code, "health": failure.health.value} if failure else {}),
            },
        )


def _unreadable(error: Exception) -> ResponseParserError | None:
    """Name what botocore's parser stumbles over in an answer that is not AWS's."""
    if isinstance(error, KeyError | AttributeError | IndexError):
        return ResponseParserError("the answer is not of the operation's shape")
    return None


def _pause(attempt: int) -> float:
    ceiling: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, hides nothing


# Service, version of its API, method -> `_tokens`, to tell which botocore makes a class.
_known_tokens: dict[tuple[str, str, str], dict[str, str]] = {}


def _tokens(client: Any, method: str) -> dict[str, str]:
    """Return {input token: output token} of a list operation."""
    model = client.meta.service_model
    name = (model.service_name, model.api_version, method)
    found = _known_tokens.get(name)
    if found is None:
        found = _known_tokens[name] = _read_tokens(client, method)
    return found


def _read_tokens(client: Any, method: str) -> dict[str, str]:
    if not client.can_paginate(method):
        return {}
    config = client.get_paginator(method)._pagination_cfg
    sent, read = config["input_token"], config["output_token"]
    if isinstance(sent, str):
        return {sent: read}
    return dict(zip(sent, read, strict=True))
