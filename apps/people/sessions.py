"""Which browsers are signed in as whom: notes them, lists them, ends them."""

import logging
from typing import Any

from allauth.account.signals import password_changed, password_set
from django.contrib.auth import SESSION_KEY
from django.contrib.auth import logout as sign_out
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from django.utils.timezone import now

from .limits import asker_of
from .models import KnownSession, hash_of

log = logging.getLogger(__name__)

# Reading a page must not mean writing: once in so many seconds a session.
SEEN_EVERY = 120
# As clients name themselves, with the more special before those they imitate.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


class SessionsMiddleware(MiddlewareMixin):
    """Notes which session asked, from where and by which browser, after the page is made."""

    def process_response(self, request: HttpRequest, response: Any) -> HttpResponse:
        """Leave alone whatever has not looked at the session: it stays cacheable as it is."""
        session = getattr(request, "session", None)
        if session is not None and session.accessed and session.session_key:
            user_id = session.get(SESSION_KEY)
            if user_id:
                note_seen(request, session.session_key, user_id)
        answer: HttpResponse = response
        return answer


def note_seen(request: HttpRequest, key: str, user_id: Any) -> None:
    """Remember that a session is in use; a note that cannot be kept now is kept another time."""
    if not cache.add(f"people:seen:{hash_of(key)}", 1, timeout=SEEN_EVERY):
        return
    address = asker_of(request)
    seen = {
        "address": None if address is None else str(address),
        "user_agent": request.headers.get("User-Agent", "")[:300],
        "seen_at": now(),
    }
    try:
        if KnownSession.objects.filter(session_key=key, user_id=user_id).update(**seen):
            return
        with transaction.atomic():
            KnownSession.objects.filter(session_key=key).delete()
            KnownSession.objects.create(session_key=key, user_id=user_id, **seen)
    except IntegrityError:
        return  # another request of the same browser was quicker
    except DatabaseError:
        log.warning("people.session_not_noted", exc_info=True)


def open_sessions(user: Any) -> list[KnownSession]:
    """The sessions of a person that still open something, the last used first."""
    known = list(KnownSession.objects.filter(user=user))
    alive = set(
        Session.objects.filter(
            session_key__in=[one.session_key for one in known], expire_date__gt=now()
        ).values_list("session_key", flat=True)
    )
    return [one for one in known if one.session_key in alive]


def device_of(user_agent: str) -> str:
    """Browser and system in words: "Firefox on Linux"."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent[:60] or "An unknown browser"


def end_session(user: Any, pk: int) -> str:
    """End one session of this person; return its key, "" where they have none such."""
    found = KnownSession.objects.filter(user=user, pk=pk).first()
    if found is None:
        return ""
    Session.objects.filter(session_key=found.session_key).delete()
    found.delete()
    return found.session_key


def end_sessions(user: Any, *, but: str | None = None) -> int:
    """End every session of a person, except the one of key `but`; return how many.

    All sessions are looked through: one that was not used since it was begun elsewhere is not in
    our own list.
    """
    theirs = [
        session.session_key
        for session in Session.objects.filter(expire_date__gt=now()).iterator()
        if session.session_key != but and session.get_decoded().get(SESSION_KEY) == str(user.pk)
    ]
    Session.objects.filter(session_key__in=theirs).delete()
    KnownSession.objects.filter(user=user).exclude(session_key=but or "").delete()
    return len(theirs)


def end_this(request: HttpRequest) -> None:
    """Sign this very browser out."""
    sign_out(request)


def forget_ended() -> None:
    """Delete what is known of sessions that are over."""
    alive = Session.objects.values("session_key")
    KnownSession.objects.exclude(session_key__in=alive).delete()


def _begun(request: HttpRequest, user: Any, **_more: Any) -> None:
    if request.session.session_key:
        note_seen(request, request.session.session_key, user.pk)


def _new_password(request: HttpRequest, user: Any, **_more: Any) -> None:
    end_sessions(user, but=request.session.session_key)


def connect() -> None:
    """Listen to who signs in, and to what allauth tells of passwords."""
    user_logged_in.connect(_begun, dispatch_uid="people.begun")
    for signal in (password_changed, password_set):
        signal.connect(_new_password, dispatch_uid="people.new-password")
