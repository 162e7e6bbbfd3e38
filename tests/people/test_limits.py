"""Who guesses is slowed: by account and by address, in one process and over Redis."""

import html
import threading
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.test import Client, RequestFactory

from apps.api.models import ApiToken
from apps.people.accounts import make_sign_in_link
from apps.people.limits import ADDRESS, CODE, LINK, PASSWORD, TOKEN, Limit, address_of, in_words
from tests.people.conftest import signed_in_as
from tests.people.making import make_user

pytestmark = pytest.mark.django_db
SIGN_IN = "/accounts/login/"
ASKED = "/accounts/2fa/code/"
START = 1_800_000_000  # a whole number of quarters of an hour


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(START, tick=False) as moved:
        yield moved


def tried(name: str, password: str = "wrong", address: str = "10.0.0.1") -> Any:
    client = Client(REMOTE_ADDR=address)
    return client.post(SIGN_IN, {"login": name, "password": password})


def words(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_the_sixth_wrong_password_has_to_wait_and_so_has_the_right_one(
    member: Any, clock: Any
) -> None:
    for number in range(PASSWORD.most):
        assert tried(member.username, address=f"10.0.0.{number}").status_code == 200
    refused = tried(member.username, "open sesame", "10.0.0.99")
    assert refused.status_code == 429
    assert refused["Retry-After"] == "300"
    assert "Try again in <b>5 minutes</b>" in words(refused)
    clock.shift(241)
    assert "<b>59 seconds</b>" in words(tried(member.username))
    clock.shift(59)
    assert tried(member.username, "open sesame").status_code == 302


def test_name_and_address_of_one_account_count_together(member: Any) -> None:
    member.email = "Dev@example.com"
    member.save()
    names = ["checkout-developer", "dev@example.com", "CHECKOUT-developer", " DEV@example.com "]
    for name in (*names, "dev@example.com"):
        assert tried(name).status_code == 200
    assert tried("checkout-developer").status_code == 429


def test_a_name_that_nobody_has_is_slowed_alike(db: None) -> None:
    for _ in range(PASSWORD.most):
        assert tried("nobody").status_code == 200
    assert tried("nobody").status_code == 429


def test_another_account_is_not_slowed_and_right_ones_do_not_count(member: Any) -> None:
    other = make_user("other")
    for _ in range(PASSWORD.most):
        tried(member.username)
    for _ in range(PASSWORD.most + 3):
        assert tried(other.username, "open sesame").status_code == 302


def test_one_address_that_tries_many_accounts_is_slowed_and_others_are_not(member: Any) -> None:
    for number in range(ADDRESS.most):
        assert tried(f"somebody-{number}").status_code == 200
    assert tried(member.username, "open sesame").status_code == 429
    assert tried(member.username, "open sesame", "10.0.0.2").status_code == 302


def test_a_link_opens_while_the_password_has_to_wait(member: Any) -> None:
    for _ in range(PASSWORD.most + 1):
        tried(member.username)
    client = Client(REMOTE_ADDR="10.0.0.1")
    assert client.post(make_sign_in_link(member, "")).status_code == 302
    assert signed_in_as(client) == member.username


def test_codes_are_slowed_longer(member: Any, clock: Any) -> None:
    TOTP.activate(member, "JBSWY3DPEHPK3PXP")
    client = Client()
    client.post(SIGN_IN, {"login": member.username, "password": "open sesame"})
    for _ in range(CODE.most):
        assert client.post(ASKED, {"code": "000000"}).status_code == 200
    refused = client.post(ASKED, {"code": "000000"})
    assert refused.status_code == 429
    assert "<b>15 minutes</b>" in words(refused)
    # Neither another browser nor the door for those who are in already gives more tries.
    other = Client(REMOTE_ADDR="10.0.0.9")
    other.post(SIGN_IN, {"login": member.username, "password": "open sesame"})
    assert other.post(ASKED, {"code": "000000"}).status_code == 429
    inside = Client()
    inside.force_login(member)
    assert inside.post("/accounts/2fa/again/", {"code": "000000"}).status_code == 429
    clock.shift(900)
    assert other.post(ASKED, {"code": "000000"}).status_code == 200


def test_entering_the_password_again_counts_as_signing_in(signed_in: Client, member: Any) -> None:
    for _ in range(PASSWORD.most):
        answer = signed_in.post("/accounts/reauthenticate/", {"password": "wrong"})
        assert answer.status_code == 200
    refused = signed_in.post("/accounts/reauthenticate/", {"password": "open sesame"})
    assert refused.status_code == 429
    assert "where you are signed in" in words(refused)


def test_made_up_links_are_slowed_and_a_right_one_opens_all_the_same(member: Any) -> None:
    link = make_sign_in_link(member, "")
    client = Client()
    for _ in range(LINK.most):
        assert client.get("/enter/nonsense/").status_code == 410
    refused = client.get("/enter/nonsense/")
    assert (refused.status_code, refused["Retry-After"]) == (429, "300")
    assert client.post(link).status_code == 302


def test_wrong_tokens_are_slowed_and_a_valid_one_is_answered_all_the_same(member: Any) -> None:
    row = ApiToken(name="wallboard", user=member)
    valid = row.renew()
    row.save()

    def ask(token: str) -> Any:
        return Client().get("/api/v1/scopes", headers={"Authorization": f"Bearer {token}"})

    for _ in range(TOKEN.most):
        assert ask("csd_wrong").status_code == 401
    refused = ask("csd_wrong")
    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert "Try again in 5 minutes" in refused.json()["detail"]
    assert refused["Retry-After"] == "300"
    assert ask(valid).status_code == 200
    # Who sends none is told how to get one, as often as they ask.
    assert Client().get("/api/v1/scopes").status_code == 401


@pytest.mark.redis
def test_tries_at_the_same_moment_are_all_counted() -> None:
    cache.clear()
    limit, waits = Limit("at-once", 5, 60), []
    gate = threading.Barrier(20)

    def one() -> None:
        gate.wait(5)
        waits.append(limit.count("somebody"))

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(waits) == [0] * 5 + [60] * 15


@pytest.mark.redis
def test_a_try_that_was_right_is_given_back() -> None:
    cache.clear()
    limit = Limit("given-back", 1, 60)
    for _ in range(3):
        assert limit.count("somebody") == 0
        limit.give_back("somebody")
    assert limit.count("somebody") == 0
    assert limit.count("somebody") == 60
    assert limit.count("somebody else") == 0


def test_giving_back_what_was_forgotten_is_nothing() -> None:
    limit = Limit("forgotten", 1, 60)
    limit.give_back("somebody")
    assert limit.count("somebody") == 0
    assert limit.count("somebody") == 60


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_where_a_request_comes_from(given: str, counted: str) -> None:
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=given)) == counted


def test_an_address_that_the_asker_writes_is_not_believed() -> None:
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "1.2.3.4"})
    assert address_of(request) == "127.0.0.1"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (900, "15 minutes")],
)
def test_the_wait_in_words(seconds: int, told: str) -> None:
    assert in_words(seconds) == told


@pytest.mark.parametrize("wrong", ["wrong", ""])
def test_what_is_known_is_refused_after_as_much_work_as_what_is_not(
    member: Any, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """A hash takes long: one more for a known address would tell that it is known."""
    member.email = "dev@example.com"
    member.save()
    nobody = make_user("passwordless")
    nobody.set_unusable_password()
    nobody.email = "passwordless@example.com"
    nobody.save()
    done: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(hasher: Any, password: str, salt: str, **more: Any) -> str:
        done.append(password)
        return encode(hasher, password, salt, **more)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)

    def work(name: str) -> int:
        done.clear()
        cache.clear()
        assert tried(name, wrong).status_code == 200
        return len(done)

    known = [member.username, member.email, nobody.username, nobody.email]
    told = {name: work(name) for name in (*known, "unknown", "unknown@example.com")}
    assert set(told.values()) == ({1} if wrong else {0}), told


def test_a_password_is_asked_of_the_name_before_the_address(member: Any) -> None:
    """Somebody whose address is another's user name does not come in as the other."""
    other = make_user("other")
    other.email = member.username
    other.set_password("another one")
    other.save()
    assert tried(member.username, "another one").status_code == 200
    assert tried(member.username, "open sesame").status_code == 302
