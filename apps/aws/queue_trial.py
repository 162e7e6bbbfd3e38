"""The test of a place's queue: is it there, may we count and receive, and may EventBridge send.

Like the connection test it is run by a worker and told through the cache. It takes nothing: what it
receives stays visible to whoever listens.
"""

import json
import logging
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from django.core.cache import cache
from django.utils.timezone import now

from apps.mirror.provider import Failure, Health

from .failures import classify
from .models import Place
from .policy import listen_statement
from .queues import queue_arn, queue_of
from .reaching import reach_of
from .trial import KEPT, NO_WORKER_AFTER, Line

log = logging.getLogger(__name__)

BUDGET = 20.0
FIND, COUNT, TAKE = "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"
WHAT = {
    FIND: "whether the queue is there",
    COUNT: "how many messages wait, and who may send",
    TAKE: "whether messages may be received",
}
SENDER = "events.amazonaws.com"


@dataclass(kw_only=True)
class QueueReport:
    """What the test of a queue found so far."""

    queue: str
    asked_at: float
    finished: bool = False
    lines: list[Line] = field(default_factory=list)
    # None: not known.
    waiting: int | None = None
    sendable: bool | None = None

    @property
    def troubles(self) -> int:
        """How many calls somebody should do something about."""
        return sum(1 for line in self.lines if line.troubled or line.health == Health.GONE)

    @property
    def unattended(self) -> bool:
        """Whether no worker took it for ten seconds."""
        waited = now().timestamp() - self.asked_at
        return not self.finished and waited > NO_WORKER_AFTER


def begin(place: Place) -> str:
    """Put up a test of a place's queue; return its name in addresses. The caller asks a worker."""
    token = secrets.token_urlsafe(16)
    lines = [
        Line(region=place.region, operation=operation, what=what)
        for operation, what in WHAT.items()
    ]
    _keep(place.pk, token, _report(place, lines))
    return token


def report_of(place_id: int, token: str) -> QueueReport | None:
    """Return what a test found so far; None where it is too old or another place's."""
    kept = cache.get(_key(place_id, token))
    if kept is None:
        return None
    lines = [Line(**line) for line in kept.pop("lines")]
    return QueueReport(lines=lines, **kept)


def run(place_id: int, token: str) -> QueueReport | None:
    """Make the calls of a test; None where it, or the place, is gone."""
    report = report_of(place_id, token)
    place = Place.objects.select_related("account__base").filter(pk=place_id).first()
    if report is None or place is None:
        return None
    reach = reach_of(place.account, place.region, urgent=True)
    reach.budget = BUDGET
    url = ""
    for line in report.lines:
        if line.operation != FIND and not url:
            line.health = Health.NOT_TRIED.value
            continue
        try:
            answer = reach.call(line.operation, **_asked(line, report.queue, url))
        except Exception as error:  # noqa: BLE001 - every failure is told
            _tell(line, classify(error, line.operation), place)
        else:
            line.health = Health.OK.value
            url = answer.get("QueueUrl", url)
            if line.operation == COUNT:
                _read(report, answer.get("Attributes", {}))
    report.finished = True
    _keep(place_id, token, report)
    if url:
        # It is there: who listens need not wait until it is looked for again.
        Place.objects.filter(pk=place_id).update(queue_checked_at=None, rest_until=None, unheard=0)
    log.info("events.tested", extra={"place": place_id, "troubles": report.troubles})
    return report


def _asked(line: Line, queue: str, url: str) -> dict[str, Any]:
    """Return a call's parameters."""
    if line.operation == FIND:
        return {"QueueName": queue}
    if line.operation == COUNT:
        return {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages", "Policy"]}
    return {"QueueUrl": url, "MaxNumberOfMessages": 1, "VisibilityTimeout": 0, "WaitTimeSeconds": 0}


def _read(report: QueueReport, attributes: dict[str, Any]) -> None:
    text = str(attributes.get("ApproximateNumberOfMessages", ""))
    report.waiting = int(text) if text.isdecimal() else None
    report.sendable = _may_send(str(attributes.get("Policy") or "{}"))


def _may_send(policy: str) -> bool | None:
    """Whether some statement lets EventBridge send; None where the policy cannot be read."""
    try:
        statements = json.loads(policy).get("Statement", [])
        return any(
            one["Effect"] == "Allow" and SENDER in json.dumps(one.get("Principal", ""))
            for one in (statements if isinstance(statements, list) else [statements])
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _tell(line: Line, failure: Failure, place: Place) -> None:
    line.health = failure.health.value
    line.code, line.error, line.cure = failure.code, failure.message, failure.cure
    if failure.statement:
        arn = queue_arn(place.account.account_id, place.region, queue_of(place))
        line.statement = listen_statement(arn)
    if failure.health is Health.GONE:
        line.cure = (
            "No queue of this name is there. Deploy the template below, or enter the name of the "
            "queue that is."
        )


def _report(place: Place, lines: list[Line]) -> QueueReport:
    return QueueReport(queue=queue_of(place), asked_at=now().timestamp(), lines=lines)


def _key(place_id: int, token: str) -> str:
    return f"aws:queue-trial:{place_id}:{token}"


def _keep(place_id: int, token: str, report: QueueReport) -> None:
    cache.set(_key(place_id, token), asdict(report), timeout=KEPT)
