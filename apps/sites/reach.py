"""The few ways this project calls a site, bounded in time, retries and concurrency; without Django.

Collectors are given a `Reach`. It asks through the wire of the site's kind, remembers what bears an
ETag (an unchanged answer costs no quota), keeps the site's pace, and says of each operation how it
fared.
"""

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urljoin

from apps.mirror.provider import Failure, Health, Outcome
from apps.mirror.together import Together

from .answers import Answer, Wire, origin
from .bounds import Boundless, Forgetful, Memory, Quota, Throttle
from .failures import (
    UNREADABLE,
    CircleError,
    ElsewhereError,
    OutOfTimeError,
    QuotaSpentError,
    SiteError,
    SuspendedError,
    classify,
    is_page,
    is_passing,
    told_by_answer,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

ATTEMPTS = 4
FIRST_PAUSE = 0.4
LONGEST_PAUSE = 8.0
MOST_PAGES = 2_000
MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# An operation that fails alike this often in one sweep is not called again until the next.
PATIENCE = 3
# How far `Reach.each` reads ahead of its reader, in rounds of calls.
AHEAD = 4
JSON = "application/json"

Read = Callable[[Answer, str], Failure | None]
Judge = Callable[[Failure], Failure]
# (path, parameters, answer) -> path and parameters of the next page, None where it was the last.
NextPage = Callable[[str, Mapping[str, Any], Answer], "tuple[str, Mapping[str, Any]] | None"]


@dataclass(frozen=True, slots=True)
class Failed:
    """Stands for the result of a call of `Reach.each` that raised."""

    failure: Failure


def as_it_is(failure: Failure) -> Failure:
    """Judge nothing."""
    return failure


def nothing_more(_answer: Answer, _operation: str) -> None:
    """Know no more of an answer than its status tells."""


def one_page(_path: str, _params: Mapping[str, Any], _answer: Answer) -> None:
    """Know of no further page."""


@dataclass(kw_only=True)
class Reach:
    """An open site. One sweep, one reach; its methods may be called from threads.

    `path` is the rest of an address behind `base_url` ("/rest/api/3/myself"), or a whole address of
    the same site; parameters that are None are left out.

    read       what the site's kind knows of an answer besides its status; has the first word.
    next_page  how the site's lists go on.
    judge      has the last word on what a failure means: whoever opened the reach knows more.
    budget     seconds after which calls raise OutOfTimeError.
    attempts   how often a call is made at most, where it fails in a way that passes.
    """

    provider: str
    base_url: str
    wire: Wire
    method: str = ""
    selection: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=lambda: {"Accept": JSON})
    read: Read = nothing_more
    next_page: NextPage = one_page
    throttle: Throttle = field(default_factory=Boundless)
    quota: Quota = field(default_factory=Boundless)
    memory: Memory = field(default_factory=Forgetful)
    at_once: int = 8
    judge: Judge = as_it_is
    budget: float = 600.0
    attempts: int = ATTEMPTS
    name: str = ""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    spent: bool = False
    _opened: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # Operation -> how it failed last, and how often alike in a row.
    _alike: dict[str, tuple[Failure, int]] = field(default_factory=dict)
    _under_way: set[Together[Any]] = field(default_factory=set)

    # --- Reading ----------------------------------------------------------------------------------

    def get(self, operation: str, path: str, **params: Any) -> Answer:
        """Read once, e.g. `get("jira:GetIssue", "/rest/api/3/issue/SHOP-1", fields="*all")`.

        Retries what passes (throttles, 5xx, broken connections) up to `attempts` with growing
        pauses. Raises SiteError, requests' exceptions, QuotaSpentError, SuspendedError,
        ElsewhereError or OutOfTimeError.
        """
        return self._asked(operation, path, params)

    def get_unless(
        self, statuses: frozenset[int], operation: str, path: str, **params: Any
    ) -> Answer:
        """Read what the site refuses with one of these statuses where it does not apply.

        Returns that answer, too (see its `ok` and `status`): it is no fault of the operation.
        """
        return self._asked(operation, path, params, unless=statuses)

    def query(
        self,
        operation: str,
        path: str,
        body: Any,
        *,
        unless: frozenset[int] = frozenset(),
    ) -> Answer:
        """Read by a POST that changes nothing (GraphQL, a long search); as `get_unless`."""
        return self._asked(operation, path, {}, verb="POST", body=body, unless=unless)

    def pages(
        self,
        operation: str,
        path: str,
        *,
        unless: frozenset[int] = frozenset(),
        **params: Any,
    ) -> Iterator[Answer]:
        """Yield each page of a list. One that is cut off raises in the middle.

        One that is refused with one of the statuses `unless` is the last.
        """
        at: tuple[str, Mapping[str, Any]] = (path, params)
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            answer = self._asked(operation, at[0], at[1], unless=unless)
            yield answer
            following = self.next_page(at[0], at[1], answer) if answer.ok else None
            if following is None:
                return
            name = json.dumps(following, sort_keys=True, default=str)
            if name in seen:
                break
            seen.add(name)
            at = following
        error = CircleError(f"{operation} never comes to an end: {len(seen)} pages were read.")
        self.failed(operation, error)
        raise self._noted(error, operation)

    def detail(self, operation: str, path: str, **params: Any) -> Answer | None:
        """Read what costs only some columns where it fails, which is told on the scope.

        Returns None then.
        """
        try:
            return self.get(operation, path, **params)
        except Exception:  # noqa: BLE001 - every failure is classified and shown
            return None

    def each(self, items: Iterable[T], work: Callable[[T], Any]) -> Iterator[tuple[T, Any]]:
        """Run `work(item)` for each item, `at_once` at a time; yield pairs as they finish.

        The second of a pair is a `Failed` where the work raised. Reads ahead by no more than
        `AHEAD` times `at_once`.
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

    # --- Deeds ------------------------------------------------------------------------------------

    def send(self, operation: str, verb: str, path: str, body: Any = None, **params: Any) -> Answer:
        """Change something; asked once, because asking twice may do it twice.

        Raises as `get`; `failures.was_not_sent(error)` says whether it is certain that the site did
        nothing.
        """
        return self._asked(operation, path, params, verb=verb, body=body, attempts=1)

    def close(self) -> None:
        """Begin nothing more of what `each` has not begun yet. The wire belongs to all."""
        while self._under_way:
            self._under_way.pop().stop()

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
            alike = (last.code, last.health) == (failure.code, failure.health)
            self._alike[operation] = (failure, times + 1 if alike else 1)

    def troubled(self, operation: str, failure: Failure) -> None:
        """Tell of one thing that somebody must cure, though the operation as such works.

        Its kind is in trouble on the health page; the operation goes on being called.
        """
        with self._lock:
            outcome = self.outcomes.setdefault(operation, Outcome(operation=operation))
            outcome.failed_at = datetime.now(UTC)
            outcome.failure = replace(failure, operation=failure.operation or operation)
            outcome.failures += 1

    # --- How --------------------------------------------------------------------------------------

    def _asked(  # noqa: PLR0913 - all by name
        self,
        operation: str,
        path: str,
        params: Mapping[str, Any],
        *,
        verb: str = "GET",
        body: Any = None,
        unless: frozenset[int] = frozenset(),
        attempts: int = 0,
    ) -> Answer:
        """Ask as often as it takes; note on what is raised which operation it was."""
        with self._lock:
            found = self._alike.get(operation)
        if found is not None and found[1] >= PATIENCE:
            raise self._noted(SuspendedError(found[0]), operation)
        url, attempts = self._address(path), attempts or self.attempts
        asked = {name: value for name, value in params.items() if value is not None}
        for attempt in range(1, attempts + 1):
            began = time.monotonic()
            try:
                self._wait(self.quota.before(operation))
                self._wait(self.throttle.before(operation))
                answer = self._once(operation, verb, url, asked, body, unless)
            except Exception as error:  # noqa: BLE001 - raised again
                self._log(operation, began, error)
                over = isinstance(error, OutOfTimeError | QuotaSpentError)
                if attempt < attempts and not over and is_passing(error):
                    try:
                        self._wait(_pause(attempt))
                        continue
                    except OutOfTimeError as late:
                        error, over = late, True
                if over:
                    self.spent = True
                self.failed(operation, error)
                raise self._noted(error, operation) from None
            self._log(operation, began, answer)
            self._succeeded(operation)
            return answer
        raise AssertionError("unreachable")

    def _once(  # noqa: PLR0913 - one call
        self,
        operation: str,
        verb: str,
        url: str,
        params: Mapping[str, Any],
        body: Any,
        unless: frozenset[int],
    ) -> Answer:
        headers, known, name = dict(self.headers), None, ""
        if verb == "GET":
            name = json.dumps([url, params, headers], sort_keys=True, default=str)
            known = self.memory.recall(name)
            if known is not None:
                headers["If-None-Match"] = known.etag
        answer = self._sent(operation, verb, url, params, headers, body)
        if answer.status == 304 and known is not None:
            self.quota.told(operation, answer, limited=False)
            self.throttle.succeeded(operation)
            return known
        failure = self._failure_of(answer, operation, unless)
        limited = failure is not None and failure.health is Health.THROTTLED
        self.quota.told(operation, answer, limited=limited)
        if failure is not None:
            if limited:
                self.throttle.throttled(operation)
            raise SiteError(answer, failure)
        self.throttle.succeeded(operation)
        if verb == "GET" and answer.ok and answer.etag:
            self.memory.keep(name, answer)
        return answer

    def _sent(  # noqa: PLR0913 - one call
        self,
        operation: str,
        verb: str,
        url: str,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any,
    ) -> Answer:
        """Send, and follow redirects of what is read, within the site alone."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = self.wire.send(verb, url, params=params, headers=headers, body=body)
            if answer.status not in REDIRECTS or "location" not in answer.headers:
                return replace(answer, url=answer.url or url)
            to = urljoin(url, answer.headers["location"])
            if verb != "GET" or origin(to) != origin(self.base_url):
                where = origin(to)[1] or "another place"
                raise ElsewhereError(f"{operation} is answered by a redirect to {where}.")
            url, params = to, {}
        raise ElsewhereError(f"{operation} is redirected again and again.")

    def _failure_of(self, answer: Answer, operation: str, unless: frozenset[int]) -> Failure | None:
        """Say what is wrong with an answer; None where nothing is, or it may be so."""
        told = self.read(answer, operation)
        if told is not None:
            return replace(told, operation=told.operation or operation)
        if answer.ok:
            return replace(UNREADABLE, operation=operation) if is_page(answer) else None
        if answer.status in unless and not is_page(answer):
            return None
        return replace(told_by_answer(answer), operation=operation)

    def _address(self, path: str) -> str:
        """Return the whole address of a path; ElsewhereError where it is another site's."""
        url = path if "://" in path else f"{self.base_url}{path}"
        if origin(url) != origin(self.base_url):
            raise ElsewhereError(f"{origin(url)[1] or 'An address'} is not this site.")
        return url

    def _wait(self, seconds: float) -> None:
        if time.monotonic() - self._opened + seconds > self.budget:
            raise OutOfTimeError(f"the {self.budget:.0f} s of this sweep are spent")
        if seconds > 0:
            time.sleep(seconds)

    def _succeeded(self, operation: str) -> None:
        with self._lock:
            outcome = self.outcomes.setdefault(operation, Outcome(operation=operation))
            outcome.succeeded_at = datetime.now(UTC)
            outcome.successes += 1
            self._alike.pop(operation, None)

    def _noted(self, error: Exception, operation: str) -> Exception:
        """Note on an exception which operation it ended: whoever tells on the scope needs it."""
        error.dash_operation = operation  # type: ignore[attr-defined]
        return error

    def _log(self, operation: str, began: float, answer: Answer | BaseException) -> None:
        failure = classify(answer, operation) if isinstance(answer, BaseException) else None
        gone = failure is not None and failure.health is Health.GONE
        level = logging.INFO if failure is not None and not gone else logging.DEBUG
        if not log.isEnabledFor(level):
            return
        told = answer.answer if isinstance(answer, SiteError) else answer
        headers = told.headers if isinstance(told, Answer) else {}
        log.log(
            level,
            "site.call",
            extra={
                "scope": self.name or self.base_url,
                "api": operation,
                "request_id": headers.get("x-github-request-id") or headers.get("x-arequestid", ""),
                "ms": round((time.monotonic() - began) * 1000),
                **({"error": failure.code, "health": failure.health.value} if failure else {}),
            },
        )


def _pause(attempt: int) -> float:
    ceiling: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, hides nothing
