"""How GitHub is asked: signed by a token or as an app, nowhere else, no secret in what fails."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from apps.github.connecting import GITHUB, owner, repository
from apps.github.wire import wire
from apps.github.words import HEADERS, NEEDS, next_page, read
from apps.mirror.provider import Health
from apps.sites.answers import Access, Answer
from apps.sites.failures import NotIdentifiedError, SiteError, classify
from apps.sites.reach import Reach


class Site:
    """A site that counts what it is asked and knows what did not change."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, str]] = []
        self.ends = datetime.now(UTC) + timedelta(hours=1)
        self.refuses: tuple[int, dict[str, Any]] | None = None
        self.tokens = 0

    def answer(self, verb: str, path: str, headers: Any) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and body of an answer."""
        tag = headers.get("If-None-Match") or ""
        self.asked.append((verb, path, headers.get("Authorization") or "", tag))
        if path.endswith("/access_tokens"):
            if self.refuses:
                return self.refuses[0], {}, self.refuses[1]
            self.tokens += 1
            ends = self.ends.strftime("%Y-%m-%dT%H:%M:%SZ")
            return 201, {}, {"token": f"ghs_{self.tokens}", "expires_at": ends}
        if tag == '"one"':
            return 304, {"ETag": '"one"'}, None
        return 200, {"ETag": '"one"'}, {"login": "release-manager"}


@pytest.fixture
def site() -> Iterator[Any]:
    told = Site()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = told.answer(self.command, self.path, self.headers)
            self.send_response(status)
            sent = b"" if body is None else json.dumps(body).encode()
            for name, value in {**headers, "Content-Length": str(len(sent))}.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = _do  # noqa: N815 - names of the standard library

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def reach_of(site: Any, **options: Any) -> Reach:
    access = Access(base_url=site.url, guarded=False, **{"method": "token", **options})
    return Reach(
        provider="github", base_url=site.url, wire=wire(access), headers=HEADERS, read=read
    )


def app(site: Any, key: str) -> Reach:
    return reach_of(site, method="app", secret=key, app_id="12", installation_id="34")


def test_a_token_signs(site: Any):
    reach = reach_of(site, secret="ghp_x")
    assert reach.get("github:UsersGetAuthenticated", "/user").body["login"] == "release-manager"
    assert site.asked == [("GET", "/user", "token ghp_x", "")]


def test_an_apps_token_is_asked_for_once_and_renewed_before_it_ends(site: Any, key: str):
    reach = app(site, key)
    for _ in range(3):
        reach.get("github:ReposGet", "/repos/example/shop")
    assert [verb for verb, *_ in site.asked] == ["POST", "GET", "GET", "GET"]
    assert site.asked[0][1] == "/app/installations/34/access_tokens"
    assert site.asked[0][2].startswith("Bearer ey")
    assert site.asked[1][2] == "token ghs_1"
    # The next one is about to end as soon as it is there.
    site.ends = datetime.now(UTC) + timedelta(seconds=5)
    reach = app(site, key)
    reach.get("github:ReposGet", "/repos/example/shop")
    reach.get("github:ReposGet", "/repos/example/shop")
    assert site.asked[-1][2] == "token ghs_3"


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (401, "AppKey", "generate a key"),
        (403, "AppSuspended", "suspended"),
        (404, "AppRevoked", "install it again"),
    ],
)
def test_an_app_that_is_let_in_no_more_says_why(
    site: Any, key: str, status: int, code: str, says: str
):
    site.refuses = status, {"message": "Not for you"}
    with pytest.raises(SiteError) as raised:
        app(site, key).get("github:ReposGet", "/repos/example/shop")
    failure = classify(raised.value)
    assert (failure.health, failure.code) == (Health.CREDENTIALS, code)
    assert says in failure.cure


@pytest.mark.parametrize(
    ("entered", "code"),
    [
        ({"secret": "SECRET-no-key", "app_id": "12", "installation_id": "34"}, "PrivateKey"),
        ({"secret": "SECRET-no-key", "app_id": "12", "installation_id": "x"}, "AppIds"),
        ({"secret": "SECRET-no-key", "app_id": "", "installation_id": "34"}, "AppIds"),
    ],
)
def test_what_cannot_be_an_apps_credentials_is_said_without_telling_them(
    site: Any, entered: dict[str, str], code: str, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(NotIdentifiedError) as raised:
        reach_of(site, method="app", **entered).get("github:ReposGet", "/repos/example/shop")
    failure = classify(raised.value)
    assert (failure.health, failure.code) == (Health.CREDENTIALS, code)
    assert "SECRET" not in f"{failure} {raised.value!r} {caplog.text}"
    assert site.asked == []


def test_an_address_in_our_own_network_is_not_asked(site: Any):
    access = Access(base_url=site.url, method="token", secret="ghp_x", guarded=True)
    reach = Reach(provider="github", base_url=site.url, wire=wire(access), attempts=1)
    with pytest.raises(Exception) as raised:  # noqa: PT011 - told by what it is classified as
        reach.get("github:UsersGetAuthenticated", "/user")
    assert classify(raised.value).code == "AddressRefused"
    assert site.asked == []


# --- What GitHub says -----------------------------------------------------------------------------


PERMISSIONS = "pull_requests=read,contents=read; checks=read"


def refused(status: int, message: str = "No", **headers: str) -> Answer:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, told, {"message": message})


@pytest.mark.parametrize(
    ("answer", "operation", "code", "says"),
    [
        (refused(401, "Bad credentials"), "PullsList", "BadCredentials", "expired or was revoked"),
        (
            refused(403, x_github_sso="required; url=https://github.com/orgs/example/sso?x=1"),
            "PullsList",
            "SingleSignOn",
            "at GitHub: https://github.com/orgs/example/sso?x=1",
        ),
        (
            refused(403, x_oauth_scopes="read:user", x_accepted_oauth_scopes="repo"),
            "PullsList",
            "MissingPermission",
            "PullsList needs the scope repo; this token has read:user",
        ),
        (
            refused(403, x_accepted_github_permissions=PERMISSIONS),
            "PullsList",
            "MissingPermission",
            "the permission pull requests: read and contents: read or checks: read",
        ),
        (refused(403), "ChecksListForRef", "MissingPermission", "permission Checks: read"),
        (refused(403, "… has an IP allow list enabled"), "PullsList", "IpAllowList", "address"),
        (
            refused(403, "This installation has been suspended"),
            "PullsList",
            "Suspended",
            "suspended",
        ),
        (
            refused(403, "`x` forbids access via a personal access token (classic)."),
            "PullsList",
            "TokenPolicy",
            "owner of it approve",
        ),
        (refused(404, "Not Found"), "ReposGet", "NotVisible", "GitHub does not say which"),
        (
            refused(404, "Not Found", x_oauth_scopes="gist", x_accepted_oauth_scopes="repo"),
            "ReposGet",
            "NotVisible",
            "ReposGet needs the scope repo",
        ),
        (refused(451, "Repository access blocked"), "PullsList", "Blocked", "legal reasons"),
        (
            Answer(200, {"x-github-sso": "partial-results; organizations=21,22"}, []),
            "ReposListForAuthenticatedUser",
            "SingleSignOn",
            "Configure SSO",
        ),
    ],
)  # fmt: skip
def test_a_refusal_says_what_cures_it(answer: Answer, operation: str, code: str, says: str):
    failure = read(answer, f"github:{operation}")
    assert failure is not None
    assert failure.code == code
    assert says in failure.cure


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {}, []),
        refused(403, "You have exceeded a secondary rate limit"),
        refused(403, x_ratelimit_remaining="0"),
        refused(404),
        refused(502),
    ],
)
def test_what_its_status_tells_is_left_to_that(answer: Answer):
    assert read(answer, "github:PullsList") is None


def test_lists_go_on_as_their_link_says():
    link = '<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x>; rel="last"'
    assert next_page("/x", {}, Answer(200, {"link": link})) == (
        "https://api.github.com/x?page=2",
        {},
    )
    assert next_page("/x", {}, Answer(200, {})) is None


# --- What people enter ----------------------------------------------------------------------------


def test_owners_and_repositories_are_taken_as_people_write_them():
    assert owner(" https://github.com/example/ ") == "example"
    for text in ("example/shop", "https://github.com/example/shop.git", " example/shop/ "):
        assert repository(text) == "example/shop"
    for wrong in ("", "a b", "-x", "../etc"):
        with pytest.raises(ValueError, match="no name of"):
            owner(wrong)
        with pytest.raises(ValueError, match="owner/name"):
            repository(wrong)


def test_github_is_connected_by_a_token_or_as_an_app():
    assert [method.name for method in GITHUB.methods] == ["token", "app"]
    assert GITHUB.hook is not None
    assert GITHUB.hook.type_of({"x-github-event": "push"}, {}) == "push"


@pytest.mark.parametrize("way", ["read", "write"])
def test_the_page_that_connects_names_every_right_that_any_call_takes(way: str):
    wanted = {
        right.rpartition(": ")[0]
        for needs, _ in NEEDS.values()
        for right in needs.split(" and ")
        if right.endswith(f": {way}")
    }
    told = " ".join(GITHUB.rights if way == "read" else GITHUB.writes)
    # Whoever may write deployments may read them: they are read only to be written.
    assert [right for right in wanted - {"Deployments"} if right not in told] == []
    assert ("Deployments" in told) == (way == "write")
