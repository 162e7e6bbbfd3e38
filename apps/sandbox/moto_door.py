"""moto behind the front door, untouched: a WSGI call in process whose failures are told apart."""

from __future__ import annotations

import logging
import os
from typing import Any

from moto.backends import list_of_moto_modules
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from apps.sandbox.wire import Reply, Request

log = logging.getLogger("sandbox.moto")
# moto would make each region's eight hundred public images when it begins and again when it is
# emptied, a second of work; the sandbox's machines name theirs and nobody lists them.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")


class _Dispatcher(DomainDispatcherApplication):
    """Moto's dispatcher, which remembers what stock moto asks its package directory each time.

    That costs about 175 stat calls, twice per request.
    """

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._hosts: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """The backend module's name; raises NotImplementedError for a service moto lacks."""
        if host not in self._hosts:
            if host is not None and host != "moto_api" and not self._knows(host):
                raise NotImplementedError(host)
            self._hosts[host] = super().get_backend_for_host(host)
        return self._hosts[host]

    def _knows(self, host: str) -> bool:
        return host in list_of_moto_modules() or any(
            pattern.match(f"http://{host}") for _, pattern in self.backend_url_patterns
        )


class MotoDoor:
    """Calls moto's server application; None means that moto does not implement the operation."""

    def __init__(self) -> None:
        self._application = _Dispatcher()

    def __call__(self, request: Request, account: str) -> Reply | None:
        """Moto's answer to ``request`` in ``account``."""
        environ = request.wsgi()
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        started: dict[str, Any] = {}

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: Any = None
        ) -> Any:
            started.update(status=int(status.split()[0]), headers=headers)
            return lambda _data: None

        try:
            body = b"".join(self._application(environ, start_response))
        except NotImplementedError:
            return None
        status, headers = started["status"], started["headers"]
        html = any(
            name.lower() == "content-type" and "text/html" in value for name, value in headers
        )
        if html and status == 404 and request.method == "HEAD":
            return Reply(404, [("Content-Type", "application/xml")], b"")  # S3: it is not there
        if html and (status >= 500 or status == 404):
            log.warning(
                "moto answered %s to %s with a page",
                status,
                request.headers.get("x-amz-target", request.path),
            )
            return None
        return Reply(status, headers, body)
