"""The door of Jira's deployments panel: whose token, how long, what is refused, where it leads."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.cache import cache

from apps.jira import panel as panels
from apps.jira.panel import addresses_of, cloud_id_of, findings, open_panel
from apps.mirror.provider import Health
from apps.sites.failures import AddressRefusedError, SiteError, classify, refusal
from apps.sites.models import Site

SECRET = "client-secret-never-shown"
CLOUD = "11223344-a1b2-3b33-c444-def123456789"
ACCEPTED = {"acceptedDeployments": [{}], "rejectedDeployments": [], "unknownIssueKeys": []}
DEPLOYMENT = {"associations": [{"associationType": "issueIdOrKeys", "values": ["SHOP-1"]}]}


class Gateway(BaseHTTPRequestHandler):
    """Plays the site and Atlassian's gateway; `server.says` has what it answers by path."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        at: Any = self.server
        told = json.loads(body) if body else None
        at.asked.append((self.path, self.headers.get("Authorization", ""), told))
        status, answer = at.answer(self.path, self.headers.get("Authorization", ""))
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Played(ThreadingHTTPServer):
    """A site whose tokens are counted: token-1, token-2, …"""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Gateway)
        self.asked: list[tuple[str, str, Any]] = []
        self.tokens = 0
        self.lasts: Any = 900
        self.revoked: set[str] = set()
        self.says: dict[str, tuple[int, Any]] = {}
        self.lock = threading.Lock()

    def answer(self, path: str, signed: str) -> tuple[int, Any]:
        for ending, said in self.says.items():
            if path.endswith(ending):
                return said
        if path.endswith("/oauth/token"):
            with self.lock:
                self.tokens += 1
            return 200, {"access_token": f"token-{self.tokens}", "expires_in": self.lasts}
        if path.endswith("/_edge/tenant_info"):
            return 200, {"cloudId": CLOUD}
        if signed.removeprefix("Bearer ") in self.revoked or not signed:
            return 401, {"code": 401, "message": "Unauthorized"}
        return (202, ACCEPTED) if path.endswith("/bulk") else (404, [{"message": "Nothing there"}])

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]


@pytest.fixture
def gateway() -> Iterator[Played]:
    cache.clear()
    made = Played()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)
    cache.clear()


def site_at(gateway: Played, **fields: Any) -> Site:
    """A site that is not stored: its wire is nobody else's."""
    return Site(
        **{
            "provider": "jira",
            "name": "Jira",
            "method": "cloud",
            "base_url": f"http://127.0.0.1:{gateway.server_port}/jira",
            "client_id": "client-1",
            "client_secret": SECRET,
            "managed": True,
            **fields,
        }
    )


def test_a_real_jira_is_told_at_atlassians_gateway_alone():
    for url in ("https://example.atlassian.net", "https://jira.example.com/jira"):
        where = addresses_of(Site(base_url=url))
        assert where.token == "https://api.atlassian.com/oauth/token"
        assert where.api == "https://api.atlassian.com/jira"
    where = addresses_of(Site(base_url="http://127.0.0.1:8/jira", managed=True))
    assert where.token == "http://127.0.0.1:8/jira/oauth/token"
    assert where.api == "http://127.0.0.1:8/jira"


def test_the_token_is_exchanged_once_and_kept(gateway: Played):
    panel = open_panel(site_at(gateway))
    assert panel.submit(DEPLOYMENT) == []
    assert panel.submit(DEPLOYMENT) == []
    assert gateway.paths() == [
        "/jira/_edge/tenant_info",
        "/jira/oauth/token",
        f"/jira/deployments/0.1/cloud/{CLOUD}/bulk",
        f"/jira/deployments/0.1/cloud/{CLOUD}/bulk",
    ]
    _, unsigned, exchanged = gateway.asked[1]
    assert (unsigned, exchanged) == (
        "",
        {
            "audience": "api.atlassian.com",
            "grant_type": "client_credentials",
            "client_id": "client-1",
            "client_secret": SECRET,
        },
    )
    assert {signed for _, signed, _ in gateway.asked[2:]} == {"Bearer token-1"}
    assert gateway.asked[2][2]["deployments"] == [DEPLOYMENT]


def test_threads_exchange_one_token_between_them(gateway: Played):
    panel = open_panel(site_at(gateway))
    panel.submit(DEPLOYMENT)
    gateway.revoked = {"token-1"}
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: panel.submit(DEPLOYMENT), range(6)))
    assert gateway.tokens == 2


def test_one_that_ends_is_exchanged_anew_before_it_does(
    gateway: Played, monkeypatch: pytest.MonkeyPatch
):
    clock = [1000.0]
    monkeypatch.setattr(panels.time, "monotonic", lambda: clock[0])
    panel = open_panel(site_at(gateway), budget=100_000)
    panel.submit(DEPLOYMENT)
    clock[0] += 900 - panels.EARLIER - 1
    panel.submit(DEPLOYMENT)
    assert gateway.tokens == 1
    clock[0] += 2
    panel.submit(DEPLOYMENT)
    assert gateway.tokens == 2


@pytest.mark.parametrize("lasts", [None, "900", -1, 0])
def test_a_lifetime_that_makes_no_sense_is_a_short_one(gateway: Played, lasts: Any):
    gateway.lasts = lasts
    panel = open_panel(site_at(gateway))
    panel.submit(DEPLOYMENT)
    panel.submit(DEPLOYMENT)
    assert gateway.tokens == 1


def test_one_that_is_refused_is_exchanged_anew_once(gateway: Played):
    panel = open_panel(site_at(gateway))
    panel.submit(DEPLOYMENT)
    gateway.revoked = {"token-1"}
    panel.submit(DEPLOYMENT)
    assert gateway.tokens == 2
    gateway.revoked = {"token-2", "token-3", "token-4"}
    with pytest.raises(SiteError) as refused:
        panel.submit(DEPLOYMENT)
    assert gateway.tokens == 3
    failure = refused.value.failure
    assert (failure.health, failure.code) == (Health.DENIED, "ClientDenied")
    assert "permission Deployments" in failure.cure


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_secret_is_told_in_jiras_words_and_never_itself(gateway: Played, status: int):
    words = {"error": "access_denied", "error_description": f"Unauthorized: {SECRET}"}
    gateway.says["/oauth/token"] = (status, words)
    with pytest.raises(SiteError) as refused:
        open_panel(site_at(gateway)).submit(DEPLOYMENT)
    failure = refused.value.failure
    assert (failure.health, failure.code) == (Health.CREDENTIALS, "ClientRefused")
    assert "Unauthorized: ***" in failure.message
    assert SECRET not in repr((failure, refused.value.answer))
    assert gateway.paths()[-1] == "/jira/oauth/token"


@pytest.mark.parametrize(
    ("said", "health"),
    [
        ((200, {"token_type": "Bearer"}), Health.FAILING),
        ((503, {"message": "Try later"}), Health.FAILING),
        ((429, {"message": "Too many"}), Health.THROTTLED),
    ],
)
def test_an_exchange_that_fails_otherwise_is_no_wrong_secret(
    gateway: Played, said: tuple[int, Any], health: Health
):
    gateway.says["/oauth/token"] = said
    with pytest.raises(SiteError) as failed:
        open_panel(site_at(gateway)).submit(DEPLOYMENT)
    assert failed.value.failure.health is health


def test_a_rejection_is_told_and_no_cause_to_try_again(gateway: Played):
    rejected = {"key": {}, "errors": [{"message": "No valid issue keys were given"}]}
    told = {"rejectedDeployments": [rejected], "unknownIssueKeys": ["NOPE-7"]}
    gateway.says["/bulk"] = (202, told)
    with pytest.raises(SiteError) as refused:
        open_panel(site_at(gateway)).submit(DEPLOYMENT)
    failure = refused.value.failure
    assert (failure.health, failure.code) == (Health.UNSUPPORTED, "DeploymentRejected")
    assert failure.message == (
        "Jira rejected the deployment: No valid issue keys were given. It does not know NOPE-7."
    )


def test_issues_that_are_not_known_are_handed_back(gateway: Played):
    gateway.says["/bulk"] = (202, {**ACCEPTED, "unknownIssueKeys": ["NOPE-7"]})
    assert open_panel(site_at(gateway)).submit(DEPLOYMENT) == ["NOPE-7"]


@pytest.mark.parametrize("told", [{}, [], {"acceptedDeployments": None}, "taken"])
def test_what_does_not_say_that_it_was_taken_was_not(gateway: Played, told: Any):
    gateway.says["/bulk"] = (202, told)
    with pytest.raises(SiteError) as failed:
        open_panel(site_at(gateway)).submit(DEPLOYMENT)
    assert failed.value.failure.code == "NotAccepted"


@pytest.mark.parametrize("told", [{}, [], {"cloudId": "../../oauth"}, {"cloudId": 7}])
def test_a_cloud_id_that_is_none_leads_nowhere(gateway: Played, told: Any):
    gateway.says["/tenant_info"] = (200, told)
    with pytest.raises(SiteError) as failed:
        open_panel(site_at(gateway)).submit(DEPLOYMENT)
    assert failed.value.failure.code == "NoCloudId"
    assert gateway.tokens == 0


def test_nothing_is_asked_where_there_are_no_credentials(gateway: Played):
    with pytest.raises(SiteError) as failed:
        open_panel(site_at(gateway, client_secret="")).submit(DEPLOYMENT)
    assert failed.value.failure.health is Health.UNSUPPORTED
    assert list(findings(site_at(gateway, client_id=""))) == []
    assert gateway.asked == []


def test_what_a_person_entered_leads_to_no_address_inside(
    gateway: Played, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    """Neither the site's own word for itself is asked there, nor the gateway."""
    settings.ALLOWED_ENDPOINTS = []
    site = site_at(gateway, managed=False)
    with pytest.raises(Exception, match="inside a network") as refused:
        cloud_id_of(site)
    assert isinstance(refusal(refused.value), AddressRefusedError)
    monkeypatch.setattr(panels, "cloud_id_of", lambda _site: CLOUD)
    monkeypatch.setattr("apps.sites.wires.resolve", lambda _host, _port: ["10.0.0.7"])
    with pytest.raises(Exception, match="inside a network") as refused:
        open_panel(site).submit(DEPLOYMENT)
    assert classify(refused.value).code == "AddressRefused"
    assert gateway.asked == []


def test_a_test_of_the_connection_tells_whether_they_work(gateway: Played):
    [found] = findings(site_at(gateway))
    assert (found.what, found.ok) == ("Deployments panel", True)
    gateway.says["/oauth/token"] = (401, {"error_description": "Unauthorized"})
    [found] = findings(site_at(gateway))
    assert (found.ok, found.field) == (False, "client_id")
    assert found.told == "Jira does not accept the client id and secret: Unauthorized."
    assert "OAuth credentials" in found.cure
    del gateway.says["/oauth/token"]
    gateway.says["/deployments/1"] = (403, {"message": "Scope does not match"})
    [found] = findings(site_at(gateway))
    assert found.told == "Jira takes no deployments from this client: Scope does not match."
    assert "permission Deployments" in found.cure
