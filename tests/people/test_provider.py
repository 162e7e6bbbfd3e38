"""Sign-in by the team's own provider, against a real one: who comes in, and what is said else."""

import html
import http.server
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from apps.people.models import Profile
from apps.people.provider_adapter import make_person
from apps.people.provider_views import uid_of
from codestar_dash.single_sign_on import check_sign_up, provider_settings
from tests.people.conftest import SECRET, ProviderProcess, configure, path_of, signed_in_as
from tests.people.making import make_user

pytestmark = pytest.mark.django_db
BEGIN = "/accounts/oidc/sso/login/"
CALLBACK = "/accounts/oidc/sso/login/callback/"


def person(name: str = "eve", email: str = "eve@example.com", **more: Any) -> Any:
    user = make_user(name)
    get_user_model().objects.filter(pk=user.pk).update(email=email, **more)
    return user


def come(client: Client, provider: ProviderProcess, login: str = "eve") -> Any:
    """The whole way: the button, the provider's pages, and back."""
    begun = client.get(BEGIN)
    assert begun.status_code == 302, begun.content
    return client.get(path_of(provider.agree(begun["Location"], login)))


def said(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_a_person_whom_an_administrator_made_comes_in_by_a_verified_address(
    client: Client, provider: ProviderProcess
) -> None:
    user = person(email="Eve@Example.com")
    answer = come(client, provider)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert signed_in_as(client) == "eve"
    account = SocialAccount.objects.get()
    assert (account.user, account.uid) == (user, uid_of("eve"))
    # Their own password goes on opening.
    user.refresh_from_db()
    assert user.check_password("open sesame")
    assert SocialToken.objects.count() == 0


def test_afterwards_the_providers_own_id_decides_and_not_the_address(
    client: Client, provider: ProviderProcess
) -> None:
    user = person()
    come(client, provider)
    get_user_model().objects.filter(pk=user.pk).update(email="married@example.com")
    other = person("other")
    again = Client()
    come(again, provider)
    assert signed_in_as(again) == "eve"
    assert other.pk != user.pk


def test_what_is_asked_of_the_provider_is_bound_to_this_browser(
    client: Client, provider: ProviderProcess
) -> None:
    begun = client.get(BEGIN)
    asked = parse_qs(urlsplit(begun["Location"]).query)
    assert begun["Location"].startswith(provider.issuer)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"http://testserver{CALLBACK}"]
    assert set(asked["scope"][0].split()) == {"openid", "email", "profile"}
    assert asked["state"][0]
    assert SECRET not in begun["Location"]


def test_the_provider_leads_back_to_where_people_reach_the_dashboard(
    client: Client, provider: ProviderProcess, settings: Any
) -> None:
    person()
    settings.SITE_URL = "https://dash.example.com/"
    begun = client.get(BEGIN)
    back = provider.agree(begun["Location"], "eve")
    assert back.startswith(f"https://dash.example.com{CALLBACK}?")
    assert client.get(path_of(back))["Location"] == "/"
    assert signed_in_as(client) == "eve"


def test_one_comes_out_where_one_wanted_to_go_and_on_no_other_site(
    client: Client, provider: ProviderProcess
) -> None:
    person()
    for wanted, place in (("/health/", "/health/"), ("https://evil.example/", "/")):
        begun = client.get(BEGIN, {"next": wanted})
        answer = client.get(path_of(provider.agree(begun["Location"], "eve")))
        assert answer["Location"] == place
        client.logout()


def test_a_second_factor_is_asked_for_after_the_provider_too(
    client: Client, provider: ProviderProcess
) -> None:
    user = person()
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    answer = come(client, provider)
    assert answer["Location"] == "/accounts/2fa/code/"
    assert signed_in_as(client) == ""


@pytest.mark.parametrize(
    ("login", "why", "says"),
    [
        ("stranger", "unknown", "There is no account for sam@elsewhere.example"),
        ("unverified", "unverified", "Example SSO does not vouch for your mail address"),
        ("nameless", "unverified", "Example SSO does not vouch for your mail address"),
    ],
)
def test_who_has_no_account_here_is_told_what_to_do(
    client: Client, provider: ProviderProcess, login: str, why: str, says: str
) -> None:
    person("una", "una@example.com")
    answer = come(client, provider, login)
    assert answer.status_code == 403
    assert f'data-why="{why}"' in said(answer)
    assert says in said(answer)
    assert "begin again" in said(answer)
    assert signed_in_as(client) == ""
    assert get_user_model().objects.count() == 1
    assert SocialAccount.objects.count() == 0


def test_who_is_switched_off_is_told_so_at_the_first_and_at_each_later_time(
    client: Client, provider: ProviderProcess
) -> None:
    user = person(is_active=False)
    for _ in range(2):
        answer = come(client, provider)
        assert answer.status_code == 403
        assert "Your account is switched off" in said(answer)
        assert "Ask an administrator" in said(answer)
        assert signed_in_as(client) == ""
        # As if they had been connected before.
        SocialAccount.objects.get_or_create(user=user, provider="sso", uid=uid_of("eve"))


def test_an_address_that_its_owner_wrote_lets_nobody_in_until_it_is_confirmed(
    client: Client, provider: ProviderProcess
) -> None:
    mallory = make_user("mallory")
    own = Client()
    own.force_login(mallory)
    own.post("/people/me/", {"email": "eve@example.com"})
    answer = come(client, provider)
    assert 'data-why="unconfirmed"' in said(answer)
    assert signed_in_as(client) == ""
    Profile.objects.filter(user=mallory).update(email_unconfirmed=False)
    come(client, provider)
    assert signed_in_as(client) == "mallory"


def test_an_address_that_is_another_persons_over_there_now_opens_nothing(
    client: Client, provider: ProviderProcess
) -> None:
    person()
    come(client, provider)
    heir = Client()
    answer = come(heir, provider, "moved")
    assert 'data-why="taken"' in said(answer)
    assert signed_in_as(heir) == ""


def test_an_address_of_two_accounts_opens_neither(
    client: Client, provider: ProviderProcess
) -> None:
    person()
    person("eve2", "EVE@example.com")
    assert 'data-why="ambiguous"' in said(come(client, provider))


@pytest.mark.parametrize("open_to", [["elsewhere.example"], ["all"]])
def test_who_may_come_in_without_an_account_is_the_operators_choice(
    client: Client, provider: ProviderProcess, settings: Any, open_to: list[str]
) -> None:
    settings.OIDC_SIGN_UP = open_to
    make_user("scriptsam")
    assert come(client, provider, "stranger")["Location"] == "/"
    user = get_user_model().objects.get(email="sam@elsewhere.example")
    assert (user.username, user.is_staff, user.is_superuser) == ("scriptsam-2", False, False)
    assert not user.has_usable_password()
    assert signed_in_as(client) == "scriptsam-2"


def test_another_domain_stays_outside(
    client: Client, provider: ProviderProcess, settings: Any
) -> None:
    settings.OIDC_SIGN_UP = ["example.com"]
    assert 'data-why="unknown"' in said(come(client, provider, "stranger"))


def test_a_new_person_is_called_as_the_provider_calls_them(
    client: Client, provider: ProviderProcess, settings: Any
) -> None:
    settings.OIDC_SIGN_UP = ["example.com"]
    come(client, provider)
    assert Profile.objects.get().name == "Eve Everly"


def test_who_says_no_over_there_is_told_that_it_was_them(
    client: Client, provider: ProviderProcess
) -> None:
    begun = client.get(BEGIN)
    answer = client.get(path_of(provider.deny(begun["Location"])))
    assert answer.status_code == 403
    assert "was not allowed to tell who you are" in said(answer)


def test_an_answer_that_was_begun_in_another_browser_opens_nothing(
    client: Client, provider: ProviderProcess
) -> None:
    person()
    back = path_of(provider.agree(client.get(BEGIN)["Location"], "eve"))
    victim = Client()
    for address in (back, f"{CALLBACK}?code=x&state=made-up", CALLBACK):
        answer = victim.get(address)
        assert answer.status_code == 400
        assert "was not begun here" in said(answer)
    assert signed_in_as(victim) == ""


def test_an_answer_is_good_once(client: Client, provider: ProviderProcess) -> None:
    person()
    back = path_of(provider.agree(client.get(BEGIN)["Location"], "eve"))
    assert client.get(back).status_code == 302
    client.logout()
    assert client.get(back).status_code == 400
    assert signed_in_as(client) == ""


def test_a_code_that_the_provider_does_not_know_is_a_sentence(
    client: Client, provider: ProviderProcess, caplog: pytest.LogCaptureFixture
) -> None:
    state = parse_qs(urlsplit(client.get(BEGIN)["Location"]).query)["state"][0]
    with caplog.at_level(logging.DEBUG):
        answer = client.get(CALLBACK, {"code": "made-up", "state": state})
    assert answer.status_code == 502
    assert "do not understand each other" in said(answer)
    assert SECRET not in caplog.text
    assert "made-up" not in caplog.text


def test_a_wrong_secret_is_told_without_it(
    client: Client, provider: ProviderProcess, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    configure(settings, provider.issuer, "another-secret")
    with caplog.at_level(logging.DEBUG):
        answer = come(client, provider)
    assert "OIDC_CLIENT_SECRET" in said(answer)
    assert "another-secret" not in said(answer) + caplog.text
    assert "people.provider_refused" in [record.message for record in caplog.records]


def test_a_provider_that_is_away_is_a_sentence(client: Client, settings: Any) -> None:
    configure(settings, "http://127.0.0.1:9")
    answer = client.get(BEGIN)
    assert answer.status_code == 502
    assert "Example SSO does not answer" in said(answer)
    assert "sign in with a password" in said(answer)


class Odd(http.server.BaseHTTPRequestHandler):
    """A provider whose configuration is what the test says."""

    document: Any = {}

    def do_GET(self) -> None:
        body = self.document if isinstance(self.document, bytes) else json.dumps(self.document)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else body.encode())

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@pytest.fixture
def odd(settings: Any) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    issuer = f"http://127.0.0.1:{server.server_port}"
    configure(settings, issuer)
    yield issuer
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("document", [b"<html>", {}, [], b"x" * 2_000_000, {"issuer": 1}])
def test_a_configuration_that_is_none_is_a_sentence(
    client: Client, odd: str, document: Any
) -> None:
    Odd.document = document
    answer = client.get(BEGIN)
    assert answer.status_code == 502
    assert "Example SSO" in said(answer)


def test_a_configuration_that_leads_into_the_network_is_not_followed(
    client: Client, odd: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    inside = "127.0.0.1:9"
    Odd.document = {
        "issuer": odd,
        "authorization_endpoint": f"{odd}/auth",
        "token_endpoint": f"http://{inside}/token",
        "userinfo_endpoint": f"{odd}/me",
        "jwks_uri": f"{odd}/keys",
    }
    for allowed, message in (([], "ALLOWED_ENDPOINTS=127.0.0.1:9"), ([inside], "refused")):
        settings.ALLOWED_ENDPOINTS = allowed
        caplog.clear()
        state = parse_qs(urlsplit(client.get(BEGIN)["Location"]).query)["state"][0]
        answer = client.get(CALLBACK, {"code": "x", "state": state})
        assert answer.status_code == 502
        told = [getattr(record, "error", "") for record in caplog.records]
        assert any(message in one for one in told), told


def test_metadata_services_are_asked_by_nobody(client: Client, settings: Any) -> None:
    configure(settings, "http://169.254.169.254")
    settings.ALLOWED_ENDPOINTS = ["169.254.169.254"]
    assert 'data-why="misconfigured"' in said(client.get(BEGIN))


def test_another_site_cannot_begin_it_without_a_click(
    client: Client, provider: ProviderProcess
) -> None:
    answer = client.get(BEGIN, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert f'href="{BEGIN}"' in said(answer)
    assert client.get(BEGIN, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 302


def test_the_button_is_there_where_a_provider_is_and_only_there(
    client: Client, provider: ProviderProcess, settings: Any
) -> None:
    page = said(client.get("/accounts/login/?next=/health/"))
    assert "Sign in with Example SSO" in page
    assert f'href="{BEGIN}?next=/health/"' in page
    assert SECRET not in page
    settings.OIDC_ISSUER, settings.SOCIALACCOUNT_PROVIDERS = "", {}
    assert BEGIN not in said(client.get("/accounts/login/"))
    for address in (BEGIN, CALLBACK, "/accounts/oidc/other/login/"):
        assert client.get(address).status_code == 404


def test_only_looking_is_possible(client: Client, provider: ProviderProcess) -> None:
    assert client.post(BEGIN).status_code == 405
    assert client.post(CALLBACK).status_code == 405


def test_settings_that_cannot_be_are_told_with_what_is_missing() -> None:
    assert provider_settings("", "", "", "") == {}
    with pytest.raises(ImproperlyConfigured, match="OIDC_CLIENT_ID and OIDC_CLIENT_SECRET"):
        provider_settings("https://sso.example.com", "", "", "")
    assert check_sign_up(["@Example.com", "example.org"]) == ["example.com", "example.org"]
    for wrong in (["everybody"], ["none", "all"], ["a b.example"]):
        with pytest.raises(ImproperlyConfigured, match="OIDC_SIGN_UP"):
            check_sign_up(wrong)


def test_a_person_of_another_issuer_is_another_person(
    client: Client, provider: ProviderProcess, settings: Any
) -> None:
    """Issuers number people alike: their "1" is not ours."""
    administrator = make_user("administrator", staff=True)
    settings.OIDC_ISSUER, here = "https://before.example.com", settings.OIDC_ISSUER
    SocialAccount.objects.create(user=administrator, provider="sso", uid=uid_of("eve"))
    settings.OIDC_ISSUER = here
    assert come(client, provider).status_code == 403
    assert signed_in_as(client) == ""


@pytest.mark.parametrize("name", ["boss@example.com", "boss@example.com@example.com"])
def test_a_name_of_over_there_is_never_an_address(name: str) -> None:
    user = make_person({"preferred_username": name}, "eve@example.com")
    assert user.username == "boss"
