"""A small threaded HTTP/1.1 server with keep-alive on loopback, one thread per connection."""

from __future__ import annotations

import logging
import socket
import socketserver
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from apps.sandbox.wire import Reply, Request

log = logging.getLogger("sandbox.http")

Application = Callable[[Request], Reply]

#: SQS allows 1 MiB; nothing that the sandbox takes is larger than a few.
MAX_BODY = 32 * 1024 * 1024


class DroppedConnectionError(Exception):
    """The application wants the connection closed without an answer."""


class Server(socketserver.ThreadingTCPServer):
    """Serves ``application`` until ``shutdown()``; ``server_address[1]`` is the port."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, host: str, port: int, application: Application) -> None:
        self.application = application
        super().__init__((host, port), Handler)

    def handle_error(self, _request: object, client_address: object) -> None:
        """A client that went away is no news; anything else goes to the log."""
        log.debug("connection from %s ended", client_address, exc_info=True)  # noqa: LOG014


class IPv6Server(Server):
    """The same on an IPv6 address."""

    address_family = socket.AF_INET6


class Handler(BaseHTTPRequestHandler):
    """Reads requests off one connection and hands them to the application."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = (
        True  # a second small packet would wait 40 ms for the client's delayed ACK
    )
    wbufsize = -1  # headers and body leave in one packet
    timeout = 300

    def handle_one_request(self) -> None:
        """One request; every method is the application's business."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self._body()
            if body is None:
                return
            self._answer(self._request(body))
            self.wfile.flush()
        except DroppedConnectionError:
            self.close_connection = True
        except (TimeoutError, ConnectionError, BrokenPipeError):
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        """Tell a client that asks (S3 uploads) to go on, at once."""
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_BODY:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            self.close_connection = True
            return None
        return self.rfile.read(length) if length else b""

    def _chunks(self) -> bytes | None:
        parts: list[bytes] = []
        while True:
            try:
                size = int(self.rfile.readline(64).split(b";")[0], 16)
            except ValueError:
                self.send_error(HTTPStatus.BAD_REQUEST)
                self.close_connection = True
                return None
            if size == 0:
                while self.rfile.readline(1024).strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)

    def _request(self, body: bytes) -> Request:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, path, query, headers, body, self.path, self.client_address[0])

    def _answer(self, request: Request) -> None:
        reply = self.server.application(request)
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if request.method != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are counted, not logged."""


def bind(host: str, port: int, application: Application) -> Server:
    """Return a server bound to ``host:port``, a free port for 0; raises OSError for a taken one."""
    return (IPv6Server if ":" in host else Server)(host, port, application)
