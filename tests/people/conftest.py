"""The team's own provider as a process of its own, and what a person does on its pages."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from django.core.cache import cache
from django.test import Client

from codestar_dash.single_sign_on import provider_settings
from tests.people.making import make_user

PROGRAM = Path(__file__).with_name("provider.mjs")
SECRET = "a-secret-that-no-log-may-hold"
PEOPLE = {
    "eve": {
        "email": "eve@example.com",
        "email_verified": True,
        "name": "Eve Everly",
        "preferred_username": "eve",
    },
    "moved": {"email": "eve@example.com", "email_verified": True},
    "unverified": {"email": "una@example.com", "email_verified": False},
    "nameless": {},
    "stranger": {
        "email": "sam@elsewhere.example",
        "email_verified": True,
        "preferred_username": "<script>sam",
    },
}


class ProviderProcess:
    """A running provider."""

    def __init__(self) -> None:
        told = {"client_id": "dash", "client_secret": SECRET, "people": PEOPLE}
        self.process = subprocess.Popen(
            ["node", str(PROGRAM), json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line.isdigit(), f"the provider does not start: {line!r}"
        self.issuer = f"http://127.0.0.1:{line}"

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)

    def agree(self, address: str, login: str) -> str:
        """Go where the dashboard sends one, say who one is, agree; return where that leads."""
        return self._through(address, [{"prompt": "login", "login": login}, {"prompt": "consent"}])

    def deny(self, address: str) -> str:
        """Go there, and say no."""
        return self._through(address, ["abort"])

    def _through(self, address: str, doing: list[Any]) -> str:
        browser = requests.Session()
        answer = browser.get(address, allow_redirects=False)
        while True:
            while answer.is_redirect:
                place = urljoin(answer.url, answer.headers["Location"])
                if not place.startswith(self.issuer):
                    return place
                answer = browser.get(place, allow_redirects=False)
            assert answer.status_code == 200, answer.text
            deed = doing.pop(0)
            action = re.search(r'action="([^"]+)"', answer.text)
            assert action, answer.text
            if deed == "abort":
                answer = browser.get(f"{action[1]}/abort", allow_redirects=False)
            else:
                answer = browser.post(
                    action[1], data={**deed, "password": "x"}, allow_redirects=False
                )


@pytest.fixture(scope="session")
def provider_process() -> Iterator[ProviderProcess]:
    running = ProviderProcess()
    yield running
    running.stop()


@pytest.fixture
def provider(provider_process: ProviderProcess, settings: Any) -> ProviderProcess:
    """The provider, and a dashboard that is configured for it."""
    configure(settings, provider_process.issuer)
    return provider_process


def configure(settings: Any, issuer: str, secret: str = SECRET) -> None:
    settings.OIDC_ISSUER = issuer
    settings.OIDC_NAME = "Example SSO"
    settings.OIDC_SIGN_UP = ["none"]
    settings.SOCIALACCOUNT_PROVIDERS = provider_settings(issuer, "dash", secret, "Example SSO")


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def signed_in_as(client: Client) -> str:
    """The user name on the page, "" for nobody."""
    session = client.session
    if "_auth_user_id" not in session:
        return ""
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.get(pk=session["_auth_user_id"])
    return str(user.username) if client.get("/people/me/").status_code == 200 else ""


@pytest.fixture
def administrator(db: None) -> Any:
    return make_user("release-manager", staff=True)


@pytest.fixture
def member(db: None) -> Any:
    return make_user("checkout-developer")


@pytest.fixture
def admin(administrator: Any) -> Client:
    client = Client()
    client.force_login(administrator)
    return client


@pytest.fixture
def signed_in(member: Any) -> Client:
    client = Client()
    client.force_login(member)
    return client
