"""Who a request comes from, by access key, and the sessions that AssumeRole hands out."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

#: This key always is the dashboard's user; its secret is not checked.
EXAMPLE_KEY = "AKIAIOSFODNN7EXAMPLE"
EXAMPLE_ACCOUNT = "111122223333"
DASHBOARD_USER = "dashboard"
_MAX_SESSIONS = 5000


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. ``user_id`` is what GetCallerIdentity calls UserId.

    ``role`` is the name of the role as which one of AWS's services acts: its own policies say what
    it may do, whatever the sandbox's policy says of everybody else.
    """

    account: str
    arn: str
    user_id: str
    access_key: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials of an assumed role; ``expires`` in epoch seconds."""

    principal: Principal
    token: str
    expires: float


class UnknownKeyError(Exception):
    """No account has this access key."""


class ExpiredSessionError(Exception):
    """The temporary credentials are over."""


class Directory:
    """Looks up access keys.

    A 12-digit key is user ``dashboard`` of that account; ``EXAMPLE_KEY`` is the same user of
    111122223333; keys made with IAM CreateAccessKey and sessions from AssumeRole work as at AWS;
    others are unknown.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def open_session(self, session: Session) -> None:
        """Remember a session; the oldest are forgotten beyond some thousands."""
        with self._lock:
            self._sessions[session.principal.access_key] = session
            while len(self._sessions) > _MAX_SESSIONS:
                self._sessions.popitem(last=False)

    def who(self, access_key: str) -> Principal:
        """The caller behind ``access_key``; raises UnknownKeyError or ExpiredSessionError."""
        if access_key == EXAMPLE_KEY:
            return _user(EXAMPLE_ACCOUNT, DASHBOARD_USER, access_key)
        if re.fullmatch(r"\d{12}", access_key):
            return _user(access_key, DASHBOARD_USER, access_key)
        session = self._sessions.get(access_key)
        if session is not None:
            if session.expires < time.time():
                raise ExpiredSessionError(access_key)
            return session.principal
        return _from_iam(access_key)


def _user(account: str, name: str, access_key: str) -> Principal:
    return Principal(
        account, f"arn:aws:iam::{account}:user/{name}", f"AIDASANDBOX{account[:9]}", access_key
    )


def _from_iam(access_key: str) -> Principal:
    from moto.iam.models import iam_backends

    for account, partitions in list(iam_backends.items()):
        for partition in list(partitions):
            key = partitions[partition].access_keys.get(access_key)
            if key is not None and key.user_name:
                return _user(str(account), key.user_name, access_key)
    raise UnknownKeyError(access_key)
