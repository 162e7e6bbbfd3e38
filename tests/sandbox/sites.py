"""Clients of the simulated GitHub and Jira, and somebody who hears their webhooks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

TOKEN = "sandbox-token"
SHOP = "/repos/example-shop/checkout-web"


class GitHub(requests.Session):
    """GitHub's REST API with a token."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        super().__init__()
        self.root = f"{url}/github/api/v3"
        self.trust_env = False
        self.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: Any, url: Any, *args: Any, **more: Any) -> requests.Response:
        address = url if url.startswith("http") else self.root + url
        return super().request(method, address, *args, timeout=20, **more)


class Jira(requests.Session):
    """Jira's REST API: Cloud's with a user and token, Data Center's with a token alone."""

    def __init__(self, url: str, token: str = TOKEN, *, cloud: bool = True) -> None:
        super().__init__()
        self.root = f"{url}/jira"
        self.trust_env = False
        self.version = "3" if cloud else "2"
        if cloud:
            self.auth = ("dashboard@example.com", token)
        else:
            self.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: Any, url: Any, *args: Any, **more: Any) -> requests.Response:
        below = "" if url.startswith(("/rest", "/oauth", "/_", "/dep")) else "/rest/api/"
        address = self.root + (f"{below}{self.version}{url}" if below else url)
        return super().request(method, address, *args, timeout=20, **more)

    def search(self, jql: str, **more: Any) -> list[str]:
        """The keys of the issues that a query finds, in order, over all pages."""
        keys: list[str] = []
        token: dict[str, str] = {}
        while True:
            asked = {"jql": jql, "fields": "summary", **more, **token}
            page = self.get("/search/jql", params=asked).json()
            keys += [issue["key"] for issue in page["issues"]]
            if page["isLast"]:
                return keys
            token = {"nextPageToken": page["nextPageToken"]}


class Ear:
    """Hears webhooks; answers each with the next of ``statuses``, and 200 after them."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = ""
        self._any = threading.Condition()

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        """Note one delivery."""
        with self._any:
            self.heard.append((headers, body))
            self._any.notify_all()
            return self.statuses.pop(0) if self.statuses else 200

    def wait(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """The deliveries, once there are so many."""
        with self._any:
            assert self._any.wait_for(lambda: len(self.heard) >= count, timeout=30)
            return list(self.heard)


@contextmanager
def listening() -> Iterator[Ear]:
    """Somebody on loopback who hears what is posted."""
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(ear.hear(headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    ear.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield ear
    finally:
        server.shutdown()
        server.server_close()
