"""Opens Jira by the package `jira`: it signs; retries, pace and failures are our own."""

import json
from collections.abc import Mapping
from typing import Any

import requests
from jira import JIRA

from apps.sites.answers import Access, Answer
from apps.sites.wires import answer_of, guarded_session, timeouts


class JiraWire:
    """The session of a `jira.JIRA`, which asks nothing by itself."""

    def __init__(self, access: Access) -> None:
        signed: dict[str, Any] = (
            {"basic_auth": (access.user, access.secret)}
            if access.method == "cloud"
            else {"token_auth": access.secret}
        )
        # Kept: who drops it closes its session.
        self._client = JIRA(
            server=access.base_url,
            get_server_info=False,
            max_retries=0,
            timeout=timeouts(),
            logging=False,
            **signed,
        )
        self.session = guarded_session(self._client._session, guarded=access.guarded)

    def send(
        self,
        verb: str,
        url: str,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any | None,
    ) -> Answer:
        """See `Wire`.

        The library's session would judge the answer, and stumble over one that is no object.
        """
        return answer_of(
            requests.Session.request(
                self.session,
                verb,
                url,
                params=dict(params),
                headers=dict(headers),
                data=None if body is None else json.dumps(body),
                timeout=timeouts(),
                allow_redirects=False,
            )
        )

    def close(self) -> None:
        """Give back its connections."""
        self.session.close()


def open_wire(access: Access) -> JiraWire:
    """Open a site; see `SiteKind.wire`."""
    return JiraWire(access)
