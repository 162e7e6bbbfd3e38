"""Sessions and clients of accounts: profile, keys, AssumeRole with external id; cached, renewed.

A client costs 2 ms of processor time and 0.2 MB where its service's model is loaded, and 5 to 60 ms
where it is not; a cached one nothing. Models are loaded once for all; clients are kept per account
and region until the account's credentials change.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from boto3 import Session
from botocore import exceptions as boto
from botocore.credentials import (
    DeferredRefreshableCredentials,
    create_assume_role_refresher,
)
from django.conf import settings

from apps.mirror.provider import Health
from apps.mirror.sealed import reveal

from .endpoints import guard
from .failures import CREDENTIALS, classify, error_code
from .models import Account
from .policy import WRITE_OPERATIONS, read_operations
from .regions import ask_sts_in
from .wire import client_config, quick_session

SESSION_NAME = "codestar-dash"
# A session whose credentials were refused is kept no longer than this: a renewed profile or file is
# read anew, and an account that stays refused does not make a session for each call.
REFUSED_FOR = 30.0
# Services that are called besides what sweeps and deeds declare: queues are listened to and tried,
# and STS tells who we are.
UNDECLARED = frozenset({"sqs", "sts"})
# Seconds for an answer of STS: it has little to say, and everything else waits for it.
STS_TIMEOUT = 10.0


@dataclass(slots=True)
class Door:
    """Cached clients of one account in one region, until its credentials are refused."""

    stamp: str
    session: Session
    endpoint_url: str
    guarded: bool = True
    refused: bool = False
    made_at: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    clients: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session.events.register("after-call", self._answered)
        self.session.events.register("after-call-error", self._raised)

    @property
    def spent(self) -> bool:
        """Whether its credentials were refused and may have been renewed since it read them."""
        return self.refused and time.monotonic() - self.made_at > REFUSED_FOR

    def _answered(self, parsed: Mapping[str, Any], **_: Any) -> None:
        if parsed.get("Error", {}).get("Code") in CREDENTIALS:
            self.refused = True

    def _raised(self, exception: BaseException, **_: Any) -> None:
        # Credentials are fetched while a call is signed: an expired SSO session shows only here.
        if classify(exception).health is Health.CREDENTIALS:
            self.refused = True

    def client(self, service: str) -> Any:
        """Return the client of a service; made once, shared by all threads."""
        found = self.clients.get(service)
        if found is None:
            with self.lock:
                found = self.clients.get(service)
                if found is None:
                    made = self.session.client(  # type: ignore[call-overload]
                        service,
                        endpoint_url=self.endpoint_url or None,
                        config=client_config(
                            timeout=timeout_of(service), pool=settings.CALLS_AT_ONCE * 2
                        ),
                    )
                    found = self.clients[service] = guard(made) if self.guarded else made
        return found


def timeout_of(service: str) -> float:
    """Return for how many seconds an answer of a service is waited."""
    most = float(settings.CALL_TIMEOUT)
    return min(most, STS_TIMEOUT) if service == "sts" else most


_doors: dict[tuple[int, str], Door] = {}
_lock = threading.Lock()


def door(account: Account, region: str) -> Door:
    """Return the cached clients of an account in a region, new ones for new credentials."""
    key = (account.pk or 0, region)
    stamp = account.stamp
    with _lock:
        found = _doors.get(key) if account.pk else None
        if found is not None and found.stamp == stamp and not found.spent:
            return found
    made = Door(stamp, make_session(account, region), endpoint_of(account), is_guarded(account))
    if account.pk:
        with _lock:
            _doors[key] = made
    return made


def forget(account_id: int) -> None:
    """Drop the cached clients of an account: its credentials changed, were refused or are gone."""
    with _lock:
        for key in [key for key in _doors if key[0] == account_id]:
            del _doors[key]


def endpoint_of(account: Account) -> str:
    """Return the endpoint of an account, its base's where it has none itself."""
    return account.endpoint_url or (endpoint_of(account.base) if account.base else "")


def sts_regions(account: Account, regions: list[str]) -> list[str]:
    """Return where to ask STS for an account that is looked at in these regions.

    Behind an endpoint of its own it is the same STS everywhere.
    """
    if endpoint_of(account):
        return regions[:1] or ask_sts_in([])
    return ask_sts_in(regions)


def is_guarded(account: Account) -> bool:
    """Whether the endpoint was entered by a person, and may therefore not lead into our network.

    AWS's own names may resolve to private addresses (VPC endpoints), and `make up` sets up what
    listens on this machine.
    """
    if account.endpoint_url:
        return not account.managed
    return is_guarded(account.base) if account.base else False


def make_session(account: Account, region: str) -> Session:
    """Return a boto3 session for an account.

    Raises botocore's ProfileNotFound; NoCredentialsError and AssumeRole's errors come with the
    first call, because credentials are fetched (and renewed) when they are needed.
    """
    match account.method:
        case Account.Method.KEYS:
            session = Session(
                account.access_key_id,
                reveal(account.secret_access_key),
                reveal(account.session_token) or None,
                region_name=region,
            )
        case Account.Method.PROFILE:
            session = Session(profile_name=account.profile, region_name=region)
        case Account.Method.ROLE:
            session = _role_session(account, region)
        case _:
            session = Session(region_name=region)
    return _quick(session)


def _quick(session: Session) -> Session:
    return quick_session(session, called())


@cache
def called() -> frozenset[str]:
    """Return every operation that is called at AWS, of what is declared; see `quick_session`.

    Of a service that is called besides, nothing is named: its model is loaded whole.
    """
    every = frozenset(read_operations()) | WRITE_OPERATIONS
    return frozenset(one for one in every if one.partition(":")[0] not in UNDECLARED)


def _role_session(account: Account, region: str) -> Session:
    request = {"RoleArn": account.role_arn, "RoleSessionName": SESSION_NAME}
    if account.external_id:
        request["ExternalId"] = account.external_id
    refreshers = [
        create_assume_role_refresher(_sts(account, asked), request)
        for asked in sts_regions(account, [region])
    ]
    session = Session(region_name=region)
    core: Any = session._session  # boto3 has no public way to refresh
    core._credentials = DeferredRefreshableCredentials(
        refresh_using=lambda: _in_turn(refreshers), method="assume-role"
    )
    return session


def _sts(account: Account, region: str) -> Any:
    """Return a client of a region's own STS, which AWS advises, with the base's credentials.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html
    """
    base = (
        make_session(account.base, region) if account.base else _quick(Session(region_name=region))
    )
    sts = base.client(
        "sts",
        region_name=region,
        endpoint_url=endpoint_of(account) or None,
        config=client_config(timeout=timeout_of("sts")),
    )
    return guard(sts) if is_guarded(account) else sts


def _in_turn(refreshers: list[Callable[[], Any]]) -> Any:
    """Return what the first STS that knows us gives; raise what the first one said where none does.

    One that refuses the role, not the credentials, has the last word.
    """
    first: Exception | None = None
    for refresh in refreshers:
        try:
            return refresh()
        except (boto.ClientError, boto.ConnectionError, boto.HTTPClientError) as error:
            known = isinstance(error, boto.ClientError) and error_code(error) not in CREDENTIALS
            if known:
                raise
            first = first or error
    assert first is not None
    raise first
