"""The connection test: who are we, and may we read what was chosen; told while it runs.

A page only stores what was entered (sealed, in the cache, for half an hour) and asks a worker; the
worker makes the calls and keeps a report that the page reads again every second.
"""

import json
import logging
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.utils.timezone import now

from apps.mirror.due import sweep_now
from apps.mirror.models import Scope
from apps.mirror.provider import Health
from apps.mirror.sealing import seal, unseal

from .connect import Given
from .failures import classify
from .identity import find_out
from .kinds import SITES
from .models import Site
from .opening import reach_of

if TYPE_CHECKING:
    from .reach import Reach

log = logging.getLogger(__name__)

KEPT = 1800
# Seconds for all calls of a test, retries included.
BUDGET = 90.0
NO_WORKER_AFTER = 10
WHO = "Who are we?"


@dataclass(kw_only=True)
class Line:
    """How one thing fared; `health` is a `Health`, "" while it is looked at.

    field  of the form that it belongs to, or "".
    """

    what: str
    health: str = ""
    told: str = ""
    cure: str = ""
    field: str = ""

    @property
    def troubled(self) -> bool:
        """Whether somebody should do something about it."""
        return self.health not in ("", Health.OK.value)


@dataclass(kw_only=True)
class Report:
    """What the test found so far. `state` is queued, running or done; `total` how many lines."""

    state: str = "queued"
    asked_at: str = ""
    total: int = 1
    identity: str = ""
    version: str = ""
    lines: list[Line] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many things were looked at."""
        return len(self.lines)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state == "done"

    @property
    def refused(self) -> bool:
        """Whether the site did not even say who we are."""
        return self.finished and not self.identity

    @property
    def token_refused(self) -> bool:
        """Whether it is what was entered that the site, or we, cannot take."""
        return self.refused and any(line.health == Health.CREDENTIALS.value for line in self.lines)

    @property
    def troubles(self) -> int:
        """How many things somebody should do something about."""
        return sum(1 for line in self.lines if line.troubled)

    @property
    def unattended(self) -> bool:
        """Whether no worker took it for ten seconds."""
        waited = now() - datetime.fromisoformat(self.asked_at)
        return self.state == "queued" and waited.total_seconds() > NO_WORKER_AFTER

    def of_field(self, name: str) -> list[Line]:
        """Return what is wrong with what was entered in a field of the form."""
        return [line for line in self.lines if line.troubled and line.field == name]


@dataclass(kw_only=True)
class Draft:
    """What was entered. `site` is set where one that exists is edited.

    stored  nothing was entered: the site is tested as it is connected.
    """

    name: str
    provider: str
    given: Given
    site: int | None = None
    stored: bool = False

    def unsaved(self) -> Site:
        """Return a site to try, which no cache of wires will remember."""
        known = Site.objects.filter(pk=self.site).first() if self.site else None
        tried = Site(provider=self.provider, name=self.name)
        if known is not None:
            tried.secret, tried.managed = known.secret, known.managed
            tried.client_secret = known.client_secret
        self.given.put_into(tried)
        return tried


def begin(draft: Draft, *, user_id: int) -> str:
    """Keep a draft for a test and return its name in addresses. The caller asks the worker."""
    token = secrets.token_urlsafe(24)
    kept = {
        "name": draft.name,
        "provider": draft.provider,
        "site": draft.site,
        "stored": draft.stored,
        "given": {name: getattr(draft.given, name) for name in Given.__dataclass_fields__},
    }
    cache.set(f"sites:trial:{token}", (user_id, seal(json.dumps(kept))), timeout=KEPT)
    chosen = sum(len(entries) for entries in draft.given.selection.values())
    besides = int(bool(draft.given.client_id))
    _keep(token, Report(asked_at=now().isoformat(), total=1 + chosen + besides))
    return token


def draft_of(token: str, *, user_id: int | None = None) -> Draft | None:
    """Return a draft; None where it is too old, or another's where a user is given."""
    found = cache.get(f"sites:trial:{token}")
    if found is None or (user_id is not None and found[0] != user_id):
        return None
    kept = json.loads(unseal(found[1]))
    return Draft(**{**kept, "given": Given(**kept["given"])})


def report_of(token: str) -> Report | None:
    """Return what a test found so far."""
    kept = cache.get(f"sites:trial:{token}:report")
    if kept is None:
        return None
    return Report(lines=[Line(**line) for line in kept.pop("lines")], **kept)


def forget_draft(token: str) -> None:
    """Drop what was entered: it is stored, or nobody wants it."""
    cache.delete_many([f"sites:trial:{token}", f"sites:trial:{token}:report"])


def run(token: str) -> Report | None:
    """Make the calls of a test, keeping the report after each; None where the draft is gone."""
    draft, report = draft_of(token), report_of(token)
    if draft is None or report is None:
        return None
    kind = SITES.get(draft.provider)
    report.state = "running"
    _keep(token, report)
    reach: Reach | None = None
    try:
        tried = draft.unsaved()
        reach = reach_of(tried, attempts=2, budget=BUDGET)
        whose = kind.identify(reach)
        report.identity, report.version = whose.identity, whose.version
        report.lines.append(Line(what=WHO, health=Health.OK.value, told=whose.identity))
        _keep(token, report)
        for found in chain(kind.findings(reach), kind.besides(tried)):
            health = Health.OK if found.ok else Health.FAILING
            report.lines.append(
                Line(
                    what=found.what,
                    health=health.value,
                    told=found.told,
                    cure=found.cure,
                    field=found.field,
                )
            )
            _keep(token, report)
    except Exception as error:
        failure = classify(error, kind.asks)
        if failure.ours:
            log.exception("site.test_failed", extra={"connection": draft.name})
        report.lines.append(
            Line(
                what=failure.operation if report.identity and failure.operation else WHO,
                health=failure.health.value,
                told=failure.message,
                cure=failure.cure,
            )
        )
    finally:
        if reach is not None:
            reach.close()
            # Not the one that sweeps use: it was opened for this test alone.
            reach.wire.close()
    if draft.stored and report.identity:
        _go_on(draft)
    report.state = "done"
    _keep(token, report)
    log.info(
        "site.tested",
        extra={"connection": draft.name, "provider": draft.provider, "troubles": report.troubles},
    )
    return report


def _go_on(draft: Draft) -> None:
    """Let a stored site whose test went well be swept now, whatever was wrong before."""
    rows = Site.objects.filter(paused=False, parked_at=None, removed_at=None)
    site = rows.filter(pk=draft.site or 0).first()
    if site is None:
        return
    site.identity_error = ""
    if find_out(site) is None:
        sweep_now(Scope.objects.filter(pk=site.scope_id, enabled=True))


def _keep(token: str, report: Report) -> None:
    cache.set(f"sites:trial:{token}:report", asdict(report), timeout=KEPT)
