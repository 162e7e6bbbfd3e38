"""The connection test: who are we, and does each list operation answer; told while it runs.

A page only stores what was entered (sealed, in the cache, for half an hour) and asks a worker; the
worker makes the calls and keeps a report that the page reads again every second.
"""

import json
import logging
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache as memo
from typing import Any

from botocore.model import ServiceModel
from django.core.cache import cache
from django.utils.timezone import now

from apps.mirror.due import sweep_now
from apps.mirror.models import Scope
from apps.mirror.provider import HARMLESS, WORDS, Failure, Health
from apps.mirror.resource import REGISTER
from apps.mirror.sealed import Sealed, reveal
from apps.mirror.sealing import seal, unseal

from .calls import Reach
from .connect import Credentials
from .curing import followable
from .failures import classify
from .identity import ask_who, identify
from .models import Account
from .places import taken_regions
from .regions import partition_of
from .session import called, door, sts_regions
from .wire import models

log = logging.getLogger(__name__)

KEPT = 1800
AT_ONCE = 8
# Seconds for one operation in one region, retries included.
BUDGET = 20.0
IDENTITY = "sts:GetCallerIdentity"
NO_WORKER_AFTER = 10


@dataclass(kw_only=True)
class Line:
    """How one operation fared in one region; `health` is a `Health`, "" while it runs."""

    region: str
    operation: str
    what: str
    health: str = ""
    code: str = ""
    error: str = ""
    cure: str = ""
    statement: dict[str, Any] | None = None

    @property
    def word(self) -> str:
        """What is wrong where the code tells it more exactly than the health, else ""."""
        return WORDS.get(self.code, "")

    @property
    def troubled(self) -> bool:
        """Whether somebody should do something about it."""
        return bool(self.health) and self.health not in HARMLESS


@dataclass(kw_only=True)
class Report:
    """What the test found so far. `state` is queued, running or done."""

    state: str = "queued"
    asked_at: str = ""
    identity: Line
    lines: list[Line] = field(default_factory=list)
    account: str = ""
    caller_arn: str = ""
    # The credentials open another account than the one that was entered: it cannot be saved.
    wrong_account: bool = False
    # Regions in which another connection reads this account: it cannot be saved with them.
    taken: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many of `total` operations were tried, or need not be."""
        return sum(1 for line in [self.identity, *self.lines] if line.health)

    @property
    def total(self) -> int:
        """How many operations there are."""
        return 1 + len(self.lines)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state == "done"

    @property
    def troubles(self) -> int:
        """How many operations somebody should do something about."""
        return sum(1 for line in [self.identity, *self.lines] if line.troubled)

    @property
    def unattended(self) -> bool:
        """Whether no worker took it for ten seconds."""
        waited = now() - datetime.fromisoformat(self.asked_at)
        return self.state == "queued" and waited.total_seconds() > NO_WORKER_AFTER

    def by_region(self) -> dict[str, list[Line]]:
        """Return the lines of each region."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.region, []).append(line)
        return found


@dataclass(kw_only=True)
class Draft:
    """What was entered: a name, credentials, regions. `account` is set where one is edited."""

    name: str
    regions: list[str]
    credentials: Credentials
    account: int | None = None
    # Nothing was entered: the account is tested as it is stored.
    stored: bool = False

    def unsaved(self) -> Account:
        """Return an account to try, which no cache of clients will remember."""
        account = Account(name=self.name)
        self.credentials.put_into(account)
        if self.account:
            account.managed = Account.objects.values_list("managed", flat=True).get(pk=self.account)
        return account


def begin(draft: Draft, *, user_id: int) -> str:
    """Keep a draft for a test and return its name in addresses. The caller asks the worker."""
    token = secrets.token_urlsafe(24)
    entered = draft.credentials
    secret = {
        **{name: getattr(entered, name) for name in entered.__dataclass_fields__},
        "secret_access_key": _plain(entered.secret_access_key),
        "session_token": _plain(entered.session_token),
        "base": entered.base.pk if entered.base else None,
    }
    kept = {"name": draft.name, "regions": draft.regions, "account": draft.account, **secret}
    kept["stored"] = draft.stored
    cache.set(f"aws:trial:{token}", (user_id, seal(json.dumps(kept))), timeout=KEPT)
    first = Line(
        region=draft.regions[0] if draft.regions else "",
        operation=IDENTITY,
        what="whose credentials these are",
    )
    _keep(token, Report(asked_at=now().isoformat(), identity=first, lines=_lines(draft.regions)))
    return token


def draft_of(token: str, *, user_id: int | None = None) -> Draft | None:
    """Return a draft; None where it is too old, or another's where a user is given."""
    found = cache.get(f"aws:trial:{token}")
    if found is None or (user_id is not None and found[0] != user_id):
        return None
    kept = json.loads(unseal(found[1]))
    base = kept.pop("base")
    name, regions, account = kept.pop("name"), kept.pop("regions"), kept.pop("account")
    stored = kept.pop("stored")
    kept["base"] = Account.objects.filter(pk=base).first() if base else None
    return Draft(
        name=name,
        regions=regions,
        account=account,
        stored=stored,
        credentials=Credentials(**kept),
    )


def report_of(token: str) -> Report | None:
    """Return what a test found so far."""
    kept = cache.get(f"aws:trial:{token}:report")
    if kept is None:
        return None
    lines = [Line(**line) for line in kept.pop("lines")]
    return Report(identity=Line(**kept.pop("identity")), lines=lines, **kept)


def forget_draft(token: str) -> None:
    """Drop what was entered: it is stored, or nobody wants it."""
    cache.delete_many([f"aws:trial:{token}", f"aws:trial:{token}:report"])


def run(token: str) -> Report | None:
    """Make the calls of a test, keeping the report after each; None where the draft is gone."""
    draft, report = draft_of(token), report_of(token)
    if draft is None or report is None:
        return None
    account = draft.unsaved()
    report.state = "running"
    _keep(token, report)
    lock = threading.Lock()

    def told() -> None:
        with lock:
            _keep(token, report)

    _identify(account, report)
    report.taken = taken_regions(report.account, draft.regions, but=draft.account)
    told()
    if report.identity.health == Health.OK:
        reaches = {region: _reach(account, region) for region in draft.regions}

        def attempt(line: Line) -> None:
            _try(reaches[line.region], line)
            told()

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="trial") as threads:
            list(threads.map(attempt, [line for line in report.lines if not line.health]))
    for line in report.lines:
        # Without knowing who we are, nothing else was asked.
        line.health = line.health or Health.NOT_TRIED.value
    if draft.stored and report.identity.health == Health.OK:
        _go_on(draft)
    report.state = "done"
    _keep(token, report)
    log.info(
        "account.tested",
        extra={"connection": draft.name, "account": report.account, "troubles": report.troubles},
    )
    return report


def _go_on(draft: Draft) -> None:
    """Let a stored account whose test went well be swept now, whatever was wrong before."""
    rows = Account.objects.filter(paused=False, parked_at=None, removed_at=None)
    account = rows.filter(pk=draft.account or 0).first()
    if account is not None and identify(account):
        sweep_now(Scope.objects.filter(aws_place__account=account, enabled=True))


def needs_names(operation: str) -> bool:
    """Whether an operation can only be tried on something that was listed before."""
    service, _, name = operation.partition(":")
    shape = _model(service).operation_model(name).input_shape
    return bool(shape and shape.required_members)


def _lines(regions: list[str]) -> list[Line]:
    lists: dict[str, list[str]] = {}
    for resource in REGISTER.of("aws"):
        lists.setdefault(resource.calls[0], []).append(resource.label)
    return [
        Line(
            region=region,
            operation=operation,
            what=", ".join(labels),
            health=Health.NOT_TRIED.value if needs_names(operation) else "",
        )
        for region in regions
        for operation, labels in lists.items()
    ]


def _identify(account: Account, report: Report) -> None:
    line = report.identity
    wanted = [line.region] if line.region else []
    regions = sts_regions(account, [*wanted, *(line.region for line in report.lines)])
    said, failure = ask_who(lambda region: _reach(account, region), regions)
    if said is None:
        assert failure is not None
        _tell(line, followable(failure, account))
        return
    report.account, report.caller_arn = str(said["Account"]), str(said.get("Arn", ""))
    if account.account_id and account.account_id != report.account:
        report.wrong_account = True
        _tell(
            line,
            Failure(
                health=Health.CREDENTIALS,
                code="AnotherAccount",
                message=f"These credentials open account {report.account}, "
                f"not {account.account_id}.",
                cure="Correct the account number, or give the credentials of the right account.",
            ),
        )
        return
    line.health = Health.OK.value
    account.account_id = report.account


def _try(reach: Reach, line: Line) -> None:
    try:
        reach.call(line.operation)
    except Exception as error:  # noqa: BLE001 - every failure is told
        _tell(line, classify(error, line.operation))
    else:
        line.health = Health.OK.value


def _tell(line: Line, failure: Failure) -> None:
    line.health = failure.health.value
    line.code, line.error, line.cure = failure.code, failure.message, failure.cure
    line.statement = dict(failure.statement) if failure.statement else None


def _reach(account: Account, region: str) -> Reach:
    return Reach(
        account=account.account_id,
        region=region,
        partition=partition_of(region),
        client=door(account, region).client,
        budget=BUDGET,
        name=f"{account.name}/{region} (test)",
    )


def _keep(token: str, report: Report) -> None:
    cache.set(f"aws:trial:{token}:report", asdict(report), timeout=KEPT)


def _plain(secret: Sealed | str) -> str:
    return reveal(secret) if secret else ""


@memo
def _model(service: str) -> Any:
    return ServiceModel(models(called()).load_service_model(service, "service-2"), service)
