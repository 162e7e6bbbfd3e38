"""Codes of an authenticator app: set up, asked for at every door, taken once, given up."""

import base64
import hashlib
import hmac
import html
import re
import struct
import time
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import connection
from django.test import Client

from apps.people.accounts import make_sign_in_link
from tests.people.conftest import signed_in_as

pytestmark = pytest.mark.django_db
SETUP, ASKED, CODES = "/accounts/2fa/app/", "/accounts/2fa/code/", "/accounts/2fa/recovery-codes/"


def code_at(secret: str, moment: float | None = None) -> str:
    """RFC 6238, as phones compute it."""
    counter = int((time.time() if moment is None else moment) // 30)
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def test_the_reference_computes_what_the_standard_says() -> None:
    # https://www.rfc-editor.org/rfc/rfc6238#appendix-B, its last six digits
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert [code_at(secret, moment) for moment in (59, 1111111109)] == ["287082", "081804"]


def prove(client: Client) -> None:
    """Enter the password once more, as one is asked to before something that matters."""
    client.post("/accounts/reauthenticate/", {"password": "open sesame"})


def set_up(client: Client) -> str:
    """Set an app up; return its secret."""
    prove(client)
    page = client.get(SETUP).content.decode()
    found = re.search(r'<code class="break">([A-Z2-7]{16,})</code>', page)
    assert found, page
    answer = client.post(SETUP, {"code": code_at(found[1])})
    assert (answer.status_code, answer["Location"]) == (302, CODES), answer.content.decode()
    cache.clear()  # the same half minute's code is entered again below
    return found[1]


def by_password(name: str = "checkout-developer") -> tuple[Client, Any]:
    client = Client()
    answer = client.post("/accounts/login/", {"login": name, "password": "open sesame"})
    return client, answer


def test_an_app_is_set_up_by_a_picture_that_the_policy_allows(
    signed_in: Client, member: Any
) -> None:
    assert "/accounts/reauthenticate/" in signed_in.get(SETUP)["Location"]
    prove(signed_in)
    answer = signed_in.get(SETUP)
    page = answer.content.decode()
    picture = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert picture
    assert b"<svg" in base64.b64decode(picture[1])
    assert "img-src 'self' data:" in answer["Content-Security-Policy"]
    assert " style=" not in page
    wrong = signed_in.post(SETUP, {"code": "000000"})
    assert "This code is not right" in html.unescape(wrong.content.decode())
    assert not Authenticator.objects.exists()
    set_up(signed_in)
    page = signed_in.get("/people/me/security/").content.decode()
    assert "10 recovery codes left" in page


def test_its_secret_is_kept_encrypted(signed_in: Client) -> None:
    secret = set_up(signed_in)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM mfa_authenticator")
        kept = repr(cursor.fetchall())
    assert "secret" in kept
    assert secret not in kept


def test_a_code_is_asked_for_after_the_password_and_opens_once(signed_in: Client) -> None:
    secret = set_up(signed_in)
    client, answer = by_password()
    assert answer["Location"] == ASKED
    assert signed_in_as(client) == ""
    assert client.get("/").status_code == 302
    code = code_at(secret)
    assert client.post(ASKED, {"code": code})["Location"] == "/"
    assert signed_in_as(client) == "checkout-developer"
    other, _ = by_password()
    page = html.unescape(other.post(ASKED, {"code": code}).content.decode())
    assert "was used before" in page
    assert signed_in_as(other) == ""


def test_a_used_code_opens_nothing_for_as_long_as_it_would_be_right(signed_in: Client) -> None:
    secret = set_up(signed_in)
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        code = code_at(secret)
        client, _ = by_password()
        assert client.post(ASKED, {"code": code}).status_code == 302
        clock.shift(35)
        other, _ = by_password()
        assert "was used before" in html.unescape(
            other.post(ASKED, {"code": code}).content.decode()
        )


def test_a_clock_that_is_half_a_minute_wrong_is_forgiven_and_no_more(signed_in: Client) -> None:
    secret = set_up(signed_in)
    for wrong, opens in ((-30, True), (30, True), (-61, False), (90, False)):
        client, _ = by_password()
        answer = client.post(ASKED, {"code": code_at(secret, time.time() + wrong)})
        assert (answer.status_code == 302) is opens, wrong


def test_a_one_time_link_stands_for_the_password_alone(signed_in: Client, member: Any) -> None:
    secret = set_up(signed_in)
    client = Client()
    link = make_sign_in_link(member, "https://dash.example.com")
    answer = client.post(link.removeprefix("https://dash.example.com"))
    assert answer["Location"] == ASKED
    assert signed_in_as(client) == ""
    assert client.post(ASKED, {"code": code_at(secret)})["Location"] == "/"
    assert signed_in_as(client) == "checkout-developer"


def test_nobody_sees_the_page_for_codes_without_a_first_factor() -> None:
    assert Client().get(ASKED)["Location"] == "/accounts/login/"


def test_a_recovery_code_opens_once(signed_in: Client) -> None:
    set_up(signed_in)
    page = signed_in.get(CODES).content.decode()
    listed = re.search(r'<pre id="codes"[^>]*>([^<]+)</pre>', page)
    assert listed
    codes = listed[1].split()
    assert len(codes) == 10
    assert signed_in.get(f"{CODES}file/").content.decode().split() == codes
    for attempt, status in ((1, 302), (2, 200)):
        client, _ = by_password()
        assert client.post(ASKED, {"code": codes[0]}).status_code == status, attempt
    assert "9 recovery codes left" in signed_in.get("/people/me/security/").content.decode()


def test_new_recovery_codes_replace_the_old_ones(signed_in: Client) -> None:
    set_up(signed_in)
    old = signed_in.get(f"{CODES}file/").content.decode().split()
    assert "The 10 that are left stop working" in signed_in.get(f"{CODES}new/").content.decode()
    signed_in.post(f"{CODES}new/")
    assert not set(old) & set(signed_in.get(f"{CODES}file/").content.decode().split())


def test_recovery_codes_are_shown_to_who_proves_to_be_it(signed_in: Client, member: Any) -> None:
    set_up(signed_in)
    fresh = Client()
    fresh.force_login(member)
    for path in (CODES, f"{CODES}new/", f"{CODES}file/"):
        answer = fresh.get(path)
        shown = answer.content.decode()
        assert answer.status_code in (302, 403) or "****" in shown or "Is it you" in shown, path


def test_it_is_switched_off_after_a_question_and_codes_go_with_it(signed_in: Client) -> None:
    set_up(signed_in)
    assert "Switch the second factor off?" in signed_in.get(f"{SETUP}remove/").content.decode()
    assert Authenticator.objects.count() == 2
    assert signed_in.post(f"{SETUP}remove/")["Location"] == "/accounts/2fa/"
    assert not Authenticator.objects.exists()
    _, answer = by_password()
    assert answer["Location"] == "/"


def test_what_matters_asks_for_the_password_again(signed_in: Client, member: Any) -> None:
    set_up(signed_in)
    fresh = Client()
    fresh.force_login(member)
    for path in (f"{SETUP}remove/", f"{CODES}new/"):
        assert "/accounts/reauthenticate/" in fresh.get(path)["Location"], path
    page = fresh.get("/accounts/reauthenticate/").content.decode()
    assert "/accounts/2fa/again/" in page
    fresh.post(f"{SETUP}remove/")
    assert Authenticator.objects.count() == 2


def test_allauths_own_page_of_factors_is_ours(signed_in: Client) -> None:
    assert signed_in.get("/accounts/2fa/")["Location"] == "/people/me/security/"
    for path in ("/accounts/2fa/webauthn/", "/accounts/oidc/sso/", "/accounts/3rdparty/"):
        assert signed_in.get(path).status_code == 404, path
