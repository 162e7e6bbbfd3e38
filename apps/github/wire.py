"""Opens GitHub: signs by PyGithub with a token or as an app's installation, sends as all sites do.

PyGithub would wait after each write, sleep through limits for as long as they last, and open
connections of its own wherever they lead. So it makes what signs, and renews it; what is sent goes
through a session whose addresses, pace and retries are those of `apps.sites`.

https://pygithub.readthedocs.io/en/stable/examples/Authentication.html
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/about-authentication-with-a-github-app
"""

import threading
from collections.abc import Mapping
from typing import Any

import requests
from github import Auth
from github.InstallationAuthorization import InstallationAuthorization

from apps.sites.answers import Access
from apps.sites.failures import NotIdentifiedError, SiteError
from apps.sites.wires import SessionWire

from .words import APP, BAD_IDS, BAD_KEY, HEADERS, refused_app


def wire(access: Access) -> SessionWire:
    """Return what brings calls to GitHub.

    Raises NotIdentifiedError where what was entered cannot be the credentials of an app.
    """
    made = SessionWire(requests.Session(), guarded=access.guarded)
    made.session.auth = _Signed(_auth(access, made))
    return made


def _auth(access: Access, made: SessionWire) -> Auth.Auth:
    if access.method != APP:
        return Auth.Token(access.secret or "-")
    if not access.installation_id.isdecimal() or not access.app_id:
        raise NotIdentifiedError(BAD_IDS)
    app = Auth.AppAuth(access.app_id, access.secret or "-")
    return _Installation(app, int(access.installation_id), access.base_url, made)


class _Signed(requests.auth.AuthBase):
    """Signs a session's requests as PyGithub says; what is signed already stays as it is."""

    def __init__(self, auth: Auth.Auth) -> None:
        self.auth = auth

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if "Authorization" not in request.headers:
            headers: dict[str, str] = {}
            self.auth.authentication(headers)
            request.headers.update(headers)
        return request


class _Installation(Auth.AppInstallationAuth):
    """An app's installation, whose tokens (an hour each) come over our own session.

    PyGithub says when one is about to end; of several threads one asks for the next.
    """

    def __init__(
        self, app: Auth.AppAuth, installation: int, base_url: str, made: SessionWire
    ) -> None:
        super().__init__(app, installation)
        self._address = f"{base_url}/app/installations/{installation}/access_tokens"
        self._wire = made
        self._turn = threading.Lock()

    @property
    def token(self) -> str:
        """The installation's token; a new one where it ended or is about to.

        Raises NotIdentifiedError for a key that signs nothing, SiteError where GitHub refuses.
        """
        with self._turn:
            return super().token

    def _get_installation_authorization(self) -> InstallationAuthorization:
        try:
            signature = f"Bearer {self._app_auth.token}"
        except Exception:  # noqa: BLE001 - what libraries say of a key may hold part of it
            raise NotIdentifiedError(BAD_KEY) from None
        headers = {**HEADERS, "Authorization": signature}
        answer = self._wire.send("POST", self._address, params={}, headers=headers, body={})
        told = answer.body if answer.ok and isinstance(answer.body, Mapping) else {}
        if not told.get("token") or not told.get("expires_at"):
            raise SiteError(answer, refused_app(answer))
        # It is given nothing to call with: its class is only asked for these two.
        nobody: Any = None
        only = {name: told[name] for name in ("token", "expires_at")}
        return InstallationAuthorization(nobody, {}, only)
