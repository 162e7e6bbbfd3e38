"""Jira's deployments panel: where it is told, by whose credentials, and what it answers.

Jira Cloud takes deployments from programs alone. An administrator makes client credentials there
(Settings → Apps → OAuth credentials); they are exchanged for a token of fifteen minutes, by which
Atlassian's gateway takes what belongs to a site, named by its cloud id.
https://developer.atlassian.com/cloud/jira/software/integrate-jsw-cloud-with-onpremises-tools/
https://developer.atlassian.com/cloud/jira/software/rest/api-group-deployments/
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from django.conf import settings
from django.core.cache import cache

from apps.mirror.provider import Failure, Health
from apps.mirror.sealed import reveal
from apps.mirror.throttle import SharedThrottle
from apps.sites.answers import Access, Answer
from apps.sites.failures import UNREADABLE, SiteError, classify, is_limited, said
from apps.sites.kinds import Finding
from apps.sites.models import Site
from apps.sites.opening import kept_wire
from apps.sites.quota import SharedQuota
from apps.sites.reach import Reach
from apps.sites.wires import SessionWire

DOOR = "deployments"
TITLE = "Deployments panel"
AUDIENCE = "api.atlassian.com"
TOKEN = "/oauth/token"  # noqa: S105 - a path
CLOUD_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
# A site's cloud id never changes; another site at its address would.
KNOWN_FOR = 86_400
# A token is given up so many seconds before it ends, and lives so long where nobody says.
EARLIER, UNSAID = 60.0, 300.0
# What one deployment may be associated with, in all.
MOST_ISSUES = 500
WHERE = "Jira → Settings → Apps → OAuth credentials"
WRONG_CLIENT = (
    f"Enter the client id and secret as {WHERE} made them: these are wrong, or were revoked."
)
LACKS = f"Give these OAuth credentials the permission Deployments ({WHERE})."
# It is accepted, but no such deployment is known: who asks may ask.
NO_SUCH = frozenset({404})


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a site's credentials are exchanged, and what its deployments are sent below."""

    token: str
    api: str


def addresses_of(site: Site) -> Addresses:
    """Say where the panel of a site is told: the one place that knows.

    Of a real Jira Cloud that is Atlassian's gateway, whatever address was entered for the site: its
    secret goes nowhere else. What `make up` started plays the gateway, too, at its own address.
    """
    if site.managed:
        return Addresses(token=f"{site.base_url}{TOKEN}", api=site.base_url)
    return Addresses(token=f"https://{AUDIENCE}{TOKEN}", api=f"https://{AUDIENCE}/jira")


class ClientWire(SessionWire):
    """Signs with a token that client credentials are exchanged for; see `Wire`.

    The token is fetched when the first call needs it and kept until it ends, for all threads of
    this process. One that is refused is fetched anew once. Where the exchange itself is refused,
    that is the answer, which `read` knows by where it came from.
    """

    def __init__(self, access: Access, token_url: str) -> None:
        super().__init__(requests.Session(), guarded=access.guarded)
        # Nobody else signs: a .netrc would, where there is no such thing.
        self.session.auth = _as_it_is
        self._access, self._token_url = access, token_url
        self._lock = threading.Lock()
        self._token, self._ends = "", 0.0

    def send(
        self,
        verb: str,
        url: str,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any | None,
    ) -> Answer:
        """See `Wire`."""
        token, fresh, refusal = self._current("")
        while refusal is None:
            signed = {**headers, "Authorization": f"Bearer {token}"}
            answer = super().send(verb, url, params=params, headers=signed, body=body)
            if answer.status != 401 or fresh:
                return answer
            token, _, refusal = self._current(token)
            fresh = True
        return refusal

    def _current(self, refused: str) -> tuple[str, bool, Answer | None]:
        """Return a token that is not the refused one, and whether it is new; or the refusal."""
        with self._lock:
            if self._token and self._token != refused and time.monotonic() < self._ends:
                return self._token, False, None
            self._token = ""
            answer = super().send(
                "POST",
                self._token_url,
                params={},
                headers={"Accept": "application/json"},
                body={
                    "audience": AUDIENCE,
                    "grant_type": "client_credentials",
                    "client_id": self._access.user,
                    "client_secret": self._access.secret,
                },
            )
            told = answer.body if answer.ok and isinstance(answer.body, Mapping) else {}
            token = told.get("access_token")
            if not isinstance(token, str) or not token:
                return "", True, _without(answer, self._access.secret)
            lasts = told.get("expires_in")
            seconds = float(lasts) if isinstance(lasts, int | float) and lasts > 0 else UNSAID
            self._ends = time.monotonic() + max(seconds / 2, seconds - EARLIER)
            self._token = token
            return token, True, None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _without(answer: Answer, secret: str) -> Answer:
    """An answer that is shown to people, without what nobody may see."""
    if not secret:
        return answer
    return replace(answer, body=json.loads(json.dumps(answer.body).replace(secret, "***")))


def read(answer: Answer, _operation: str) -> Failure | None:
    """Tell apart who is not known from who is known and may not."""
    if answer.url.endswith(TOKEN):
        if answer.ok:
            return UNREADABLE
        if answer.status not in (400, 401, 403) or is_limited(answer):
            return None
        words = said(answer) or f"HTTP{answer.status}"
        return Failure(
            health=Health.CREDENTIALS,
            code="ClientRefused",
            message=f"Jira does not accept the client id and secret: {words.rstrip('.')}.",
            cure=WRONG_CLIENT,
        )
    if answer.status in (401, 403) and not is_limited(answer):
        words = said(answer) or f"HTTP{answer.status}"
        return Failure(
            health=Health.DENIED,
            code="ClientDenied",
            message=f"Jira takes no deployments from this client: {words.rstrip('.')}.",
            cure=LACKS,
        )
    return None


@dataclass(slots=True)
class Panel:
    """The open panel of a site. Asks nothing before it is asked."""

    site: Site
    reach: Reach
    _cloud_id: str = field(default="", init=False)

    @property
    def spent(self) -> bool:
        """Whether no further call is taken now."""
        return self.reach.spent

    def close(self) -> None:
        """Give back what nobody else uses."""
        self.reach.close()
        if self.site.pk is None:
            self.reach.wire.close()

    def submit(self, deployment: Mapping[str, Any]) -> list[str]:
        """Tell one deployment; return the keys of issues that Jira does not know.

        deployment  as the API has it, with the keys of one association of issues at least.
        https://developer.atlassian.com/cloud/jira/software/rest/api-group-deployments/#api-rest-deployments-0-1-bulk-post

        Raises as `Reach.send`, and SiteError where Jira rejects it. One that is older than what
        Jira has (by `updateSequenceNumber`) is accepted there and changes nothing.
        """
        body = {
            "deployments": [dict(deployment)],
            "providerMetadata": {"product": "CodeStar Dash"},
        }
        path = f"{self._path()}/bulk"
        answer = self.reach.send("jira:SubmitDeployments", "POST", path, body)
        told = answer.body if isinstance(answer.body, Mapping) else {}
        unknown = [str(key)[:255] for key in _listed(told, "unknownIssueKeys")]
        rejected = [one for one in _listed(told, "rejectedDeployments") if isinstance(one, Mapping)]
        if rejected:
            errors = [error for one in rejected for error in _listed(one, "errors")]
            words = said(Answer(status=answer.status, body=errors)) or "it does not say why"
            more = f" It does not know {', '.join(unknown)}." if unknown else ""
            raise SiteError(
                answer,
                Failure(
                    health=Health.UNSUPPORTED,
                    code="DeploymentRejected",
                    message=f"Jira rejected the deployment: {words.rstrip('.')}.{more}",
                    cure="An issue that it does not know was deleted, moved, or is another site's.",
                    operation="jira:SubmitDeployments",
                ),
            )
        if not _listed(told, "acceptedDeployments"):
            raise SiteError(
                answer,
                Failure(
                    health=Health.FAILING,
                    code="NotAccepted",
                    message="Jira did not say that it took the deployment.",
                    cure="It is told again.",
                    operation="jira:SubmitDeployments",
                ),
            )
        return unknown

    def check(self) -> None:
        """Ask for a deployment that there is not: who may ask for it may tell one, too."""
        path = f"{self._path()}/pipelines/{DOOR}/environments/{DOOR}/deployments/1"
        self.reach.get_unless(NO_SUCH, "jira:GetDeployment", path)

    def _path(self) -> str:
        """What is asked for a site; raises where nobody can say which that is."""
        if not self.site.has_client:
            raise SiteError(
                Answer(status=0),
                Failure(
                    health=Health.UNSUPPORTED,
                    code="NoClient",
                    message="The site has no client credentials any more.",
                    cure="Enter them at the site, or leave it: issues get links from now on.",
                ),
            )
        self._cloud_id = self._cloud_id or cloud_id_of(self.site)
        return f"/deployments/0.1/cloud/{self._cloud_id}"


def _listed(told: Mapping[str, Any], name: str) -> list[Any]:
    found = told.get(name)
    return found if isinstance(found, list) else []


def open_panel(site: Site, **options: Any) -> Panel:
    """Open the panel of a site; `options` are the reach's own."""
    where = addresses_of(site)
    access = Access(
        base_url=where.api,
        method=DOOR,
        user=site.client_id,
        secret=reveal(site.client_secret),
        timeout=float(settings.CALL_TIMEOUT),
        guarded=not site.managed,
    )
    if site.pk is not None:
        options = {
            "throttle": SharedThrottle(f"{site.scope_id}:{DOOR}"),
            "quota": SharedQuota(f"{site.pk}:{DOOR}"),
            **options,
        }
    wire = kept_wire(site, DOOR, site.client_stamp, lambda: ClientWire(access, where.token))
    return Panel(
        site,
        Reach(
            provider=site.provider,
            base_url=where.api,
            wire=wire,
            read=read,
            name=f"{site.host} ({DOOR})",
            **options,
        ),
    )


def cloud_id_of(site: Site) -> str:
    """Return what Atlassian calls a site, as the site says; kept for a day.

    Raises as `Reach.get`, and SiteError where it says nothing of the kind.
    """
    known = f"jira:cloud:{hashlib.sha256(site.base_url.encode()).hexdigest()}"
    found = cache.get(known)
    if found:
        return str(found)
    wire = SessionWire(requests.Session(), guarded=not site.managed)
    reach = Reach(provider=site.provider, base_url=site.base_url, wire=wire, attempts=2)
    try:
        answer = reach.get("jira:GetTenantInfo", "/_edge/tenant_info")
    finally:
        wire.close()
    told = answer.body.get("cloudId") if isinstance(answer.body, Mapping) else None
    if not isinstance(told, str) or not CLOUD_ID.fullmatch(told):
        raise SiteError(
            answer,
            Failure(
                health=Health.FAILING,
                code="NoCloudId",
                message="The site does not say its cloud id.",
                cure="Check that the address is that of a Jira Cloud: https://example.atlassian.net",
                operation="jira:GetTenantInfo",
            ),
        )
    cache.set(known, told, KNOWN_FOR)
    return told


def findings(site: Site) -> Iterator[Finding]:
    """Say whether a site's client credentials would tell the panel; nothing where it has none."""
    if not site.client_id:
        return
    panel = open_panel(site, attempts=2, budget=30.0)
    try:
        panel.check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the report says so
        failure = classify(error)
        yield Finding(
            what=TITLE, ok=False, told=failure.message, cure=failure.cure, field="client_id"
        )
        return
    finally:
        panel.close()
    yield Finding(what=TITLE, ok=True, told="Jira takes deployments from these credentials.")
