"""Reads a site's refusals and broken connections: what happened, and what cures it; no Django."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import requests

from apps.mirror.masking import masked
from apps.mirror.provider import Failure, Health

from .answers import Answer

MOST = 1000
# How a site's own words for a failure are named, by those we know and by most others.
WORDS = ("message", "errorMessage", "error_description", "error", "detail")


class AddressRefusedError(ValueError):
    """An address may not be asked; the text says why and what to do."""


class TooLargeError(requests.RequestException):
    """An answer is longer than any that makes sense; reading it was given up."""


class UnsendableError(requests.RequestException):
    """Credentials have a character that no header of a request can carry. Its text tells none."""


class OutOfTimeError(Exception):
    """The budget of a sweep is spent; what was not read is read next time."""


class ElsewhereError(Exception):
    """A site sends us to another one, which does not get its credentials."""


class CircleError(Exception):
    """A list that names the same next page again, or never ends."""


class QuotaSpentError(Exception):
    """The site takes no more calls until `resets_at`, or the rest is kept for people."""

    def __init__(self, message: str, resets_at: datetime, *, code: str = "QuotaSpent") -> None:
        super().__init__(message)
        self.resets_at = resets_at
        self.code = code


class SuspendedError(Exception):
    """An operation that kept failing alike is not called again until the next sweep."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class NotIdentifiedError(Exception):
    """Credentials of which the site did not say whose they are are not used."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class SiteError(Exception):
    """A site answered that it will not do as it was asked.

    answer   what it said.      failure  what that means.
    """

    def __init__(self, answer: Answer, failure: Failure) -> None:
        super().__init__(failure.message)
        self.answer = answer
        self.failure = failure

    @property
    def status(self) -> int:
        """HTTP's status."""
        return self.answer.status


def said(answer: Answer) -> str:
    """Return a site's own words for what is wrong, in one line; "" where it has none.

    GitHub's `{message, errors: [{message}]}`, Jira's `{errorMessages: [text], errors: {field:
    text}}` or `[{message}]`, OAuth's `{error, error_description}`. A page of HTML tells nobody
    anything.
    """
    body = answer.body
    if isinstance(body, list):
        return _safe("; ".join(dict.fromkeys(_texts(body))))
    if isinstance(body, str):
        return "" if body.lstrip().startswith("<") else _safe(body)
    if not isinstance(body, Mapping):
        return ""
    found = [text for name in WORDS if isinstance(text := body.get(name), str) and text][:1]
    found += _texts(body.get("errorMessages"))
    found += _texts(body.get("errors"))
    return _safe("; ".join(dict.fromkeys(found)))


def _texts(told: Any) -> list[str]:
    if isinstance(told, str):
        return [told]
    if isinstance(told, Mapping):
        return [f"{name}: {text}" for name, text in told.items() if isinstance(text, str)]
    if not isinstance(told, list):
        return []
    texts = []
    for item in told:
        if isinstance(item, str):
            texts.append(item)
        elif isinstance(item, Mapping):
            one = item.get("message") or " ".join(
                str(item[name]) for name in ("resource", "field", "code") if name in item
            )
            texts.append(str(one))
    return [text for text in texts if text]


def _safe(text: object) -> str:
    return masked(" ".join(str(text).split())).strip()[:MOST]


def is_passing(error: BaseException) -> bool:
    """True where the same call may well succeed a moment later."""
    if refusal(error) is not None or isinstance(error, TooLargeError | UnsendableError):
        return False
    if isinstance(error, SiteError):
        return error.failure.health is Health.THROTTLED or error.status in (500, 502, 503, 504)
    return isinstance(error, requests.ConnectionError | requests.Timeout) and not isinstance(
        error, requests.exceptions.SSLError | requests.exceptions.ProxyError
    )


def was_not_sent(error: BaseException) -> bool:
    """True where it is certain that the site did nothing: a deed may be tried again."""
    if isinstance(error, QuotaSpentError | OutOfTimeError | SuspendedError | AddressRefusedError):
        return True
    if isinstance(error, SiteError):
        return error.failure.health is Health.THROTTLED
    return refusal(error) is not None or isinstance(
        error, requests.ConnectTimeout | UnsendableError
    )


def refusal(error: BaseException | None) -> AddressRefusedError | None:
    """Return our own refusal to connect, however libraries wrapped it."""
    for _ in range(10):
        if error is None or isinstance(error, AddressRefusedError):
            return error
        reason = getattr(error, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        if inner is None and error.args and isinstance(error.args[0], BaseException):
            inner = error.args[0]
        error = inner or error.__cause__
    return None


EXPIRED = (
    "Give the connection a new token on its page: this one is wrong, has expired or was revoked."
)
UNEXPECTED = "This was not expected. The log has the details; the rows are kept."
BY_STATUS = {
    401: (Health.CREDENTIALS, EXPIRED),
    403: (
        Health.DENIED,
        "Give the token the permission that this call needs, or the user it belongs to a role that "
        "may read it.",
    ),
    404: (Health.GONE, "It was deleted or moved, or this token may not see it; rows are kept."),
    410: (Health.GONE, "It was deleted; its rows are kept."),
    429: (
        Health.THROTTLED,
        "The site asked to slow down. Everybody here waits as long as it said; nothing needs to be "
        "done.",
    ),
    501: (Health.UNSUPPORTED, "This site does not know the call; what it tells stays empty."),
}


def is_limited(answer: Answer) -> bool:
    """Whether a site refuses for the sake of its pace or quota.

    GitHub says so with 403, too: by a count that is spent, by Retry-After, or ("secondary rate
    limit", once "abuse detection") by its words alone.
    """
    if answer.status == 429:
        return True
    if answer.status != 403:
        return False
    told = said(answer).lower()
    return (
        answer.headers.get("x-ratelimit-remaining") == "0"
        or "retry-after" in answer.headers
        or "rate limit" in told
        or "abuse detection" in told
    )


def told_by_answer(answer: Answer) -> Failure:
    """Say what an answer that is no success means, as far as its status tells."""
    message = said(answer)
    code = f"HTTP{answer.status}"
    if is_limited(answer):
        health, cure = BY_STATUS[429]
        return Failure(health=health, code="RateLimit", message=message or code, cure=cure)
    if known := BY_STATUS.get(answer.status):
        health, cure = known
        return Failure(health=health, code=code, message=message or code, cure=cure)
    if is_page(answer):
        return UNREADABLE
    if answer.status >= 500:
        cure = "The site has trouble with this call; it is tried again."
    else:
        cure = "The site refuses this call as it is made; see the message."
    return Failure(health=Health.FAILING, code=code, message=message or code, cure=cure)


def is_page(answer: Answer) -> bool:
    """Whether a page for people came where an answer for programs was asked for."""
    kind = answer.headers.get("content-type", "")
    return "text/html" in kind or (
        isinstance(answer.body, str) and answer.body.lstrip()[:1] == "<" and "json" not in kind
    )


UNREADABLE = Failure(
    health=Health.FAILING,
    code="UnreadableAnswer",
    message="The site answered with a page for people, not with an answer for programs.",
    cure="Check the address of this connection: a proxy or a login page answers there.",
)


def clock(at: datetime) -> str:
    """Return a moment as failures tell it: "14:05 UTC"."""
    return f"{at.astimezone(UTC):%H:%M} UTC"


def classify(error: BaseException, operation: str = "") -> Failure:
    """Say what an exception means and what cures it. `operation` is "provider:Operation"."""
    at_fault = str(getattr(error, "dash_operation", "")) or operation
    if isinstance(error, SiteError | SuspendedError | NotIdentifiedError):
        failure = error.failure
    else:
        failure = _told_by_type(error)
    return replace(failure, operation=failure.operation or at_fault)


def _told_by_type(error: BaseException) -> Failure:
    name, message = type(error).__name__, _safe(error) or type(error).__name__
    if refused := refusal(error):
        return Failure(
            health=Health.UNREACHABLE,
            code="AddressRefused",
            message=_safe(refused),
            cure="Connect the site by an address on the public internet, or have whoever runs this "
            "dashboard allow the host by ALLOWED_ENDPOINTS and start it again.",
        )
    if isinstance(error, QuotaSpentError):
        return Failure(
            health=Health.THROTTLED,
            code=error.code,
            message=message,
            cure="Nothing needs to be done: reading goes on when calls are taken again, at "
            f"{clock(error.resets_at)}. Webhooks spare calls; so does choosing less to read.",
        )
    for types, health, code, cure in BY_TYPE:
        if isinstance(error, types):
            return Failure(health=health, code=code or name, message=message, cure=cure)
    # What code of nobody's making says may quote whatever it was given, credentials too.
    return Failure(
        health=Health.FAILING,
        code=name,
        message=f"The dashboard broke at this ({name}).",
        cure=UNEXPECTED,
        ours=True,
    )


# Narrow types before those they belong to.
BY_TYPE: list[tuple[Any, Health, str, str]] = [
    (
        UnsendableError,
        Health.CREDENTIALS,
        "Unsendable",
        "Copy the token once more, all of it and nothing around it, and give it to the connection.",
    ),
    (
        OutOfTimeError,
        Health.THROTTLED,
        "OutOfTime",
        "There is more to read than the site's pace lets through in this time. The next reading "
        "goes on where this one stopped.",
    ),
    (
        ElsewhereError,
        Health.FAILING,
        "SentElsewhere",
        "Connect the site by the address that it has now: its credentials go nowhere else.",
    ),
    (
        CircleError,
        Health.FAILING,
        "Circle",
        "The site's pages lead in a circle; it is tried again. Its rows are kept.",
    ),
    (
        TooLargeError,
        Health.FAILING,
        "TooLarge",
        "Choose less to read on the connection's page; rows are kept.",
    ),
    (
        requests.exceptions.SSLError,
        Health.UNREACHABLE,
        "Certificate",
        "The site's certificate is not trusted here. Have whoever runs this dashboard trust its "
        "authority (REQUESTS_CA_BUNDLE), or renew the certificate.",
    ),
    (
        requests.exceptions.ProxyError,
        Health.UNREACHABLE,
        "Proxy",
        "Check the proxy of this machine (HTTPS_PROXY, NO_PROXY).",
    ),
    (
        requests.ReadTimeout,
        Health.UNREACHABLE,
        "NoAnswer",
        "The site takes a connection and does not answer in time. It is asked again with the next "
        "sweep; nothing is lost.",
    ),
    (
        requests.RequestException,
        Health.UNREACHABLE,
        "Unreachable",
        "Check that this machine reaches the site (name, network, proxy). It is asked again; "
        "nothing is lost.",
    ),
]
