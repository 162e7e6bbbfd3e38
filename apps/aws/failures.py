"""Reads boto3's exceptions: gone, denied, throttled, not opted in, not supported, unreachable.

Error codes: https://docs.aws.amazon.com/awssupport/latest/user/CommonErrors.html and each service's
model in botocore. Nothing here knows Django.
"""

import re
from dataclasses import replace
from typing import Any

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from apps.mirror.masking import masked
from apps.mirror.provider import Failure, Health

from .denials import denial

THROTTLES = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConcurrentModificationException",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
DENIALS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccessDeniedFault",
        "AuthorizationError",
        "AuthorizationErrorException",
        "NotAuthorized",
        "UnauthorizedException",
        "UnauthorizedOperation",
    }
)
CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
# What AWS answers to valid keys in a region that the account never opted in to, and to bad keys
# anywhere: the two are told apart by whether the same keys work at STS.
NOT_RECOGNISED = frozenset({"UnrecognizedClientException", "AuthFailure", "OptInRequired"})
UNSUPPORTED = frozenset(
    {
        "InvalidAction",
        "InvalidEndpointException",
        "NotImplemented",
        "UnknownOperation",
        "UnknownOperationException",
        "UnsupportedOperation",
        "UnsupportedOperationException",
    }
)
# Also what is not there yet: the targets of a deployment that has not started.
GONE = re.compile(
    r"(NotFound|DoesNotExist|NotStarted|NonExistentQueue|NoSuch\w+|ValidationError\.Gone)"
)
ABSENT = re.compile(r"\bdoes not exist\b|^No Environment found for ")
# What the services of the query protocol say to whatever is wrong with a call.
WHATEVER = ("ValidationError", "InvalidParameterValue")
SERVER_FAULTS = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceError",
        "ServiceFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)

MOST = 1000


class OutOfTimeError(Exception):
    """The budget of a sweep is spent; what was not read is read next time."""


class EndpointRefusedError(ValueError):
    """An endpoint may not be used; the text says why and what to do."""


class MetadataRefusedError(EndpointRefusedError):
    """An endpoint hands out this machine's own credentials: nobody can allow it."""


class NotIdentifiedError(Exception):
    """Credentials that were not proven to open the account they stand for are not used."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class SuspendedError(Exception):
    """An operation that kept failing alike is not called again until the next sweep."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def error_code(error: BaseException) -> str:
    """Return AWS's error code of a ClientError, "" for anything else."""
    if isinstance(error, boto.ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def http_status(error: BaseException) -> int:
    """Return the HTTP status of a ClientError, 0 for anything else."""
    if isinstance(error, boto.ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
    return 0


def is_throttle(error: BaseException) -> bool:
    """True where AWS asks to slow down."""
    return error_code(error) in THROTTLES or http_status(error) == 429


def refusal(error: BaseException) -> EndpointRefusedError | None:
    """Return our own refusal to connect, which botocore wraps like a broken connection."""
    inner = error.kwargs.get("error") if isinstance(error, boto.HTTPClientError) else error
    return inner if isinstance(inner, EndpointRefusedError) else None


def is_passing(error: BaseException) -> bool:
    """True where the same call may well succeed a moment later."""
    if refusal(error):
        return False
    if is_throttle(error) or isinstance(error, boto.HTTPClientError):
        return True
    if isinstance(error, boto.ClientError):
        # A bare number as code: the body was no AWS error (an HTML page, a proxy). A 500 of that
        # kind comes from a server that does not know the operation; asking again never helps.
        bare = error_code(error).isdigit()
        status = http_status(error)
        return status in (502, 503, 504) or (status >= 500 and not bare)
    return False


def _safe(text: object) -> str:
    """Return a message without anything a secret could be in.

    A rejected signature comes back with the whole canonical request, session token and all.
    """
    told = str(text).partition("The Canonical String")[0]
    return masked(told).strip()[:MOST]


def made_call(error: BaseException, operation: str) -> str:
    """Return the call that failed: credentials of a role are had by a call within another one."""
    inner = isinstance(error, boto.ClientError) and error.operation_name == "AssumeRole"
    return "sts:AssumeRole" if inner else operation


def classify(error: BaseException, operation: str = "") -> Failure:
    """Say what an exception means and what cures it. `operation` is "service:Operation"."""
    if isinstance(error, SuspendedError | NotIdentifiedError):
        return error.failure
    if isinstance(error, boto.ClientError):
        return _client_error(error, operation)
    code, message = type(error).__name__, _safe(error)
    if refused := refusal(error):
        code, message = "EndpointRefused", _safe(refused)
    elif isinstance(error, ResponseParserError):
        code = "UnreadableAnswer"
        message = "The endpoint answered something that is no AWS answer."
    health, cure = _told_by_type(error, operation.partition(":")[0] or "the service")
    return Failure(
        health=health, code=code, message=message or code, cure=cure, ours=cure is UNEXPECTED
    )


def told_by(error: BaseException, operation: str = "") -> Failure:
    """`classify`, with the operation that failed: a reach's calls note it on what they raise."""
    at_fault = str(getattr(error, "dash_operation", "")) or operation
    failure = classify(error, at_fault)
    # Who was not identified called nothing of the kind: the failure knows what was called.
    return replace(failure, operation=failure.operation or at_fault)


def _told_by_type(error: BaseException, service: str) -> tuple[Health, str]:
    """Return what an exception that is no answer of AWS means, and its cure."""
    for types, health, cure in BY_TYPE:
        if isinstance(error, types) and (types is not boto.HTTPClientError or not refusal(error)):
            exists = "" if service == "sts" else f", and that {service} exists in the region"
            return health, cure.format(exists=exists)
    if refused := refusal(error):
        metadata = isinstance(refused, MetadataRefusedError)
        return Health.UNREACHABLE, NO_AWS if metadata else REFUSED
    return Health.FAILING, UNEXPECTED


UNEXPECTED = "This was not expected. The log has the details; the rows are kept."
REFUSED = (
    "Give the account an endpoint on the public internet, or have whoever runs this dashboard "
    "allow the host by ALLOWED_ENDPOINTS and start it again: settings are read at the start."
)
NO_AWS = "Give the account another endpoint, or none to reach AWS itself."
# Narrow types before those they belong to.
BY_TYPE: list[tuple[Any, Health, str]] = [
    (
        # Refused, not resolved, too slow to connect, a certificate nobody trusts, a proxy.
        boto.ConnectionError,
        Health.UNREACHABLE,
        "Check that this machine reaches the endpoint (network, proxy, VPC endpoint){exists}.",
    ),
    (
        OutOfTimeError,
        Health.THROTTLED,
        "There is more to read than the pace of AWS's answers lets through in this time. The next "
        "reading goes on where this one stopped; where it stays so, ask AWS for a higher rate.",
    ),
    (
        boto.ReadTimeoutError,
        Health.UNREACHABLE,
        "The endpoint takes a connection and does not answer in time. It is asked again with the "
        "next sweep; nothing is lost.",
    ),
    (
        boto.HTTPClientError,
        Health.UNREACHABLE,
        "The connection broke. It is tried again with the next sweep.",
    ),
    (
        (boto.NoCredentialsError, boto.PartialCredentialsError),
        Health.CREDENTIALS,
        "Give the account a profile, keys or a role on its page, or start with AWS_PROFILE, "
        "AWS_ACCESS_KEY_ID or an instance role in the environment.",
    ),
    (
        boto.ProfileNotFound,
        Health.CREDENTIALS,
        "Correct the profile's name on the account's page, or write a profile of that name into "
        "the AWS configuration of this machine (aws configure sso, or aws configure --profile).",
    ),
    (
        (
            boto.CredentialRetrievalError,
            boto.TokenRetrievalError,
            boto.SSOTokenLoadError,
            boto.UnauthorizedSSOTokenError,
        ),
        Health.CREDENTIALS,
        "Renew the credentials (for a profile with SSO: aws sso login) or choose others on the "
        "account's page.",
    ),
    (
        ResponseParserError,
        Health.FAILING,
        "Check the endpoint of this account: a proxy or a login page answers there.",
    ),
    (
        (boto.UnknownServiceError, boto.UnknownRegionError, boto.NoRegionError),
        Health.UNSUPPORTED,
        "The service does not exist in this region; nothing needs to be done.",
    ),
]


CURES = {
    Health.THROTTLED: "AWS asked to slow down. The pace is halved for everybody here and creeps up "
    "again; nothing needs to be done.",
    Health.CREDENTIALS: "AWS does not accept the credentials of this account (wrong, deleted or "
    "expired). Give new ones on its page.",
    Health.NOT_OPTED_IN: "The region does not know this account: enable it under Account → AWS "
    "Regions, or take it off the account's page. If every region says so, the keys are wrong.",
    Health.UNSUPPORTED: "This endpoint does not know the operation; what it tells stays empty.",
    Health.GONE: "It was deleted meanwhile; its rows are kept.",
}


def _client_error(error: boto.ClientError, operation: str) -> Failure:
    code, status = error_code(error), http_status(error)
    message = _safe(error.response.get("Error", {}).get("Message", ""))
    if not is_throttle(error) and (code in DENIALS or (status == 403 and code.isdigit())):
        return denial(code, message, made_call(error, operation))
    health = _health_of(error, code, status)
    if health is not Health.FAILING:
        return Failure(health=health, code=code, message=message, cure=CURES[health])
    if code.isdigit():
        page = f"The endpoint answered HTTP {code} with a page instead of an AWS error."
        cure = f"If this is AWS, it passes; if it is another endpoint, it lacks {operation}."
        # The page itself tells nobody anything.
        message = page if message.lstrip().startswith("<") else f"{page} {message}".strip()
    elif status >= 500 or code in SERVER_FAULTS:
        cure = "AWS has trouble with this call; it is tried again."
    else:
        cure = "AWS refuses this call as it is made; see the message."
    return Failure(health=Health.FAILING, code=code, message=message, cure=cure)


def _health_of(error: boto.ClientError, code: str, status: int) -> Health:
    if is_throttle(error):
        return Health.THROTTLED
    if code in CREDENTIALS:
        return Health.CREDENTIALS
    if code in NOT_RECOGNISED:
        return Health.NOT_OPTED_IN
    if code in UNSUPPORTED or (status == 404 and code.isdigit()):
        return Health.UNSUPPORTED
    if GONE.search(code):
        return Health.GONE
    said = str(error.response.get("Error", {}).get("Message", ""))
    return Health.GONE if code in WHATEVER and ABSENT.search(said) else Health.FAILING
