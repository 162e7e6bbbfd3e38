"""Where one is signed in: listed, recognised, ended one by one or all at once."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client
from django.utils.timezone import now

from apps.people import sessions
from apps.people.models import KnownSession
from apps.people.sessions import SEEN_EVERY, device_of, forget_ended
from apps.people.tasks import housekeeping
from tests.people.conftest import signed_in_as
from tests.people.making import make_user

pytestmark = pytest.mark.django_db
PAGE = "/people/me/security/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


def come(user: Any, agent: str = FIREFOX, address: str = "203.0.113.7") -> Client:
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    client.force_login(user)
    cache.clear()  # it was noted when it began, of which the test's client tells nothing
    assert client.get(PAGE).status_code == 200
    return client


def listed(client: Client) -> dict[str, int]:
    """{what a row says: its number}"""
    page = html.unescape(client.get(PAGE).content.decode())
    rows = re.findall(r'<li class="pair" id="session-(\d+)">(.*?)</li>', page, re.S)
    return {" ".join(re.sub(r"<[^>]+>", " ", row).split()): int(pk) for pk, row in rows}


def test_each_browser_is_listed_by_what_one_knows_it_by(member: Any) -> None:
    here, phone = come(member), come(member, IPHONE, "2001:db8::5")
    come(make_user("somebody-else"))
    rows = list(listed(here))
    assert len(rows) == 2
    assert "Firefox on Linux This one 203.0.113.7 · last seen" in rows[0]
    assert "Safari on iPhone 2001:db8::5 · last seen" in rows[1]
    assert "This one" not in rows[1]
    assert "This one" in next(iter(listed(phone)))


def test_it_says_when_a_browser_was_seen_last_and_notes_it_rarely(
    member: Any, django_assert_num_queries: Any
) -> None:
    at = now()
    with time_machine.travel(at, tick=False) as clock:
        client = come(member)
        began = KnownSession.objects.get().seen_at
        clock.shift(SEEN_EVERY - 1)
        client.get(PAGE)
        assert KnownSession.objects.get().seen_at == began
        cache.clear()  # what time_machine cannot make old
        clock.shift(2)
        client.get(PAGE)
        known = KnownSession.objects.get()
        assert known.seen_at == at + timedelta(seconds=SEEN_EVERY + 1)
        assert known.began_at == began


def test_an_ended_session_is_signed_out(member: Any) -> None:
    here, there = come(member), come(member, IPHONE)
    number = next(pk for said, pk in listed(here).items() if "iPhone" in said)
    answer = here.post(f"/people/me/sessions/{number}/end/")
    assert answer["Location"] == PAGE
    assert "That browser is signed out." in here.get(PAGE).content.decode()
    assert there.get(PAGE).status_code == 302
    assert len(listed(here)) == 1


def test_this_very_session_may_be_ended(member: Any) -> None:
    here = come(member)
    (number,) = listed(here).values()
    assert here.post(f"/people/me/sessions/{number}/end/")["Location"] == "/accounts/login/"
    assert signed_in_as(here) == ""


def test_nobody_ends_what_is_not_theirs_and_only_a_form_ends(member: Any) -> None:
    here, other = come(member), come(make_user("somebody-else"))
    (number,) = listed(other).values()
    assert here.post(f"/people/me/sessions/{number}/end/").status_code == 404
    assert here.post("/people/me/sessions/999999/end/").status_code == 404
    (own,) = listed(here).values()
    assert here.get(f"/people/me/sessions/{own}/end/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    assert strict.post("/people/me/sessions/end-others/").status_code == 403
    assert other.get(PAGE).status_code == 200


def test_all_others_are_ended_also_those_that_never_asked_for_anything(member: Any) -> None:
    here, phone = come(member), come(member, IPHONE)
    silent = Client()
    silent.force_login(member)
    stranger = come(make_user("somebody-else"))
    here.post("/people/me/sessions/end-others/")
    assert "2 other browsers are signed out." in here.get(PAGE).content.decode()
    assert [one.get(PAGE).status_code for one in (phone, silent)] == [302, 302]
    assert [one.get(PAGE).status_code for one in (here, stranger)] == [200, 200]
    here.post("/people/me/sessions/end-others/")
    assert "No other was signed in." in here.get(PAGE).content.decode()


def test_a_new_password_ends_the_others(member: Any) -> None:
    here, there = come(member), come(member, IPHONE)
    answer = here.post(
        "/accounts/password/change/",
        {
            "oldpassword": "open sesame",
            "password1": "a longer pass phrase",
            "password2": "a longer pass phrase",
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    assert there.get(PAGE).status_code == 302
    assert len(listed(here)) == 1
    assert Session.objects.count() == 1


def test_the_first_password_ends_the_others_too(member: Any) -> None:
    member.set_unusable_password()
    member.save()
    here, there = come(member), come(member, IPHONE)
    given = {"password1": "a longer pass phrase", "password2": "a longer pass phrase"}
    assert here.post("/accounts/password/set/", given).status_code == 302
    assert here.get(PAGE).status_code == 200
    assert there.get(PAGE).status_code == 302


def test_a_session_that_is_over_is_not_listed_and_forgotten(member: Any) -> None:
    here, there = come(member), come(member, IPHONE)
    Session.objects.filter(pk=there.session.session_key).update(expire_date=now())
    assert len(listed(here)) == 1
    assert KnownSession.objects.count() == 2
    housekeeping()
    assert KnownSession.objects.get().session_key == here.session.session_key
    forget_ended()
    assert KnownSession.objects.count() == 1


def test_a_browser_in_which_somebody_else_signs_in_is_theirs(member: Any) -> None:
    client = come(member)
    key = client.session.session_key
    other = make_user("somebody-else")
    KnownSession.objects.update(user=other)
    cache.clear()
    client.get(PAGE)
    assert KnownSession.objects.get(session_key=key).user == member


def test_a_note_that_cannot_be_kept_breaks_no_page(
    member: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Locked:
        @staticmethod
        def filter(**_more: Any) -> Any:
            raise DatabaseError("database is locked")

    monkeypatch.setattr(sessions.KnownSession, "objects", Locked)
    client = Client()
    client.force_login(member)
    cache.clear()
    assert client.get("/health/").status_code == 200
    assert "people.session_not_noted" in [record.message for record in caplog.records]


def test_strangers_are_not_noted(member: Any) -> None:
    for path in ("/healthz", "/accounts/login/", "/no/such/page"):
        Client().get(path)
    assert KnownSession.objects.count() == 0


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/138.0 Safari/537.36 Edg/138.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/138.0 Mobile Safari/5", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18 Safari/6", "Safari on macOS"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("<script>", "<script>"),
        ("", "An unknown browser"),
    ],
)
def test_a_browser_in_words(agent: str, says: str) -> None:
    assert device_of(agent) == says


def test_a_hostile_browser_is_text(member: Any) -> None:
    client = come(member, "<script>alert(1)</script>" + "x" * 5000)
    assert "<script>alert" not in client.get(PAGE).content.decode()
