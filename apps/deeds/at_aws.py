"""How an act is done at AWS: opens the account, and reads what its answers mean for a deed."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore import exceptions as boto

from apps.aws.calls import Reach
from apps.aws.failures import (
    OutOfTimeError,
    SuspendedError,
    http_status,
    is_passing,
    is_throttle,
    told_by,
)
from apps.mirror.provider import PROVIDERS, Failure

from .acts import Done, LaterError, Moved, RefusedError, UnsureError, Untold

if TYPE_CHECKING:
    from .models import Deed

# For everything that one deed asks; a person waits for it.
BUDGET = 60.0
# The connection never stood, so nothing was sent.
NEVER_SENT = (
    boto.ConnectTimeoutError,
    boto.EndpointConnectionError,
    boto.ProxyConnectionError,
    boto.SSLError,
)
# What keeps a request from being made at all, and does not pass by itself.
UNSENT = (
    boto.ParamValidationError,
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.UnauthorizedSSOTokenError,
    boto.ProfileNotFound,
)
Sends = Callable[[Reach, "Deed", Any], Done]
Looks = Callable[[Reach, "Deed", Any], Done | Untold | None]
Stands = Callable[[Reach, "Deed", Any], Moved | Done | None]
Prepares = Callable[[Reach, "Deed", Any], Any]


def _as_seen(_reach: Reach, _deed: "Deed", _row: Any) -> None:
    """Nothing is looked at before: AWS refuses by itself what does not go."""


def _nothing(_reach: Reach, _deed: "Deed", _row: Any) -> None:
    """Nothing has to be read for what is sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AtAws:
    """Does an act by calls to AWS.

    sends    makes the call, once, and no other: what fails there may have been done.
    finds    looks for the effect of what was sent and not answered; None for no effect, `Untold`
             where it may be somebody else's.
    judges   says whether the thing stands as it was seen, by what AWS says now.
    prepares reads what is sent with it, which `sends` finds as `deed.ready`; raises RefusedError
             where that is not to be had. It is no part of what is sent again by its mark.
    repeats  how long AWS takes the deed's mark for the same request.
    """

    sends: Sends
    finds: Looks
    judges: Stands = _as_seen
    prepares: Prepares = _nothing
    repeats: timedelta | None = None

    def __post_init__(self) -> None:
        if self.repeats is not None and self.prepares is not _nothing:
            raise ValueError("what is sent again by its mark has nothing read for it")

    def stands(self, deed: "Deed", row: Any) -> Moved | Done | None:
        """See `Doer`."""
        if self.judges is _as_seen and self.prepares is _nothing:
            return None
        with _reading(deed) as reach:
            stands = self.judges(reach, deed, row)
            if stands is None:
                deed.ready = self.prepares(reach, deed, row)
            return stands

    def send(self, deed: "Deed", row: Any) -> Done:
        """See `Doer`."""
        with _sending(deed) as reach:
            return self.sends(reach, deed, row)

    def found(self, deed: "Deed", row: Any) -> Done | Untold | None:
        """See `Doer`."""
        with _reading(deed) as reach:
            return self.finds(reach, deed, row)


def request_of(answer: Any) -> str:
    """Return AWS's id of the request that was answered, "" where it tells none."""
    told = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
    return str(told.get("RequestId", ""))


def _open(deed: "Deed") -> Reach:
    if deed.scope is None:
        raise RefusedError("The account is not connected any more.")
    try:
        reach: Any = PROVIDERS.get(deed.scope.provider).open(deed.scope, urgent=True)
    except Exception as error:
        # Nothing was sent: what fails in passing is sent later.
        raise _read_in_vain(error, told_by(error)) from error
    reach.budget = BUDGET
    opened: Reach = reach
    return opened


@contextmanager
def _asking(reach: Reach, meaning: Callable[[Exception, Failure], Exception]) -> Iterator[Reach]:
    """Let AWS's errors be what they mean for a deed."""
    try:
        yield reach
    except (RefusedError, LaterError, UnsureError):
        raise
    except Exception as error:
        raise meaning(error, reach.judge(told_by(error))) from error


def _reading(deed: "Deed") -> AbstractContextManager[Reach]:
    """Nothing is done by what is asked here: what failed in passing may be asked again."""
    return _asking(_open(deed), _read_in_vain)


def _sending(deed: "Deed") -> AbstractContextManager[Reach]:
    """What is asked here is asked once: whether it was done may be open afterwards."""
    reach = _open(deed)
    reach.attempts = 1
    return _asking(reach, _sent_in_vain)


def _read_in_vain(error: Exception, failure: Failure) -> Exception:
    if is_passing(error) or was_unsent(error):
        return LaterError(failure.message)
    return _told(failure, error)


def _sent_in_vain(error: Exception, failure: Failure) -> Exception:
    if is_throttle(error) or was_unsent(error):
        return LaterError(failure.message)
    refused = isinstance(error, boto.ClientError) and 400 <= http_status(error) < 500
    if refused or isinstance(error, UNSENT):
        return _told(failure, error)
    return UnsureError(failure.message)


def was_unsent(error: Exception) -> bool:
    """Whether nothing came to AWS, for now: the connection never stood, or none was opened."""
    return isinstance(error, (*NEVER_SENT, OutOfTimeError, SuspendedError))


def _told(failure: Failure, error: BaseException) -> RefusedError:
    cure = failure.cure
    if failure.statement:
        cure = f"{cure}\n{json.dumps(dict(failure.statement), indent=2)}"
    request = ""
    if isinstance(error, boto.ClientError):
        request = request_of(error.response)
    return RefusedError(failure.message, cure, request)
