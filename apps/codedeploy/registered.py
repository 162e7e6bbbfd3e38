"""Reads the machines outside AWS that are or were registered with CodeDeploy; no Django.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ListOnPremisesInstances.html
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_BatchGetOnPremisesInstances.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.aws.calls import Reach, batches
from apps.aws.masking import tags_of
from apps.mirror.ask import Ask, Vanished
from apps.mirror.state import State

from .records import OnPremisesInstanceRecord

# What one BatchGetOnPremisesInstances takes.
NAMES = 100
DESCRIBE = "codedeploy:BatchGetOnPremisesInstances"


def instances(reach: Reach, ask: Ask) -> Iterator[OnPremisesInstanceRecord | Vanished]:
    """Yield every instance, those that were deregistered too, or those named.

    ListOnPremisesInstances, then BatchGetOnPremisesInstances (100): tags change, and nothing in the
    list tells that. AWS leaves out of a batch what it does not know.
    """
    if ask.keys is not None:
        for batch in batches(dict.fromkeys(ask.keys), NAMES):
            told = _told(reach.call(DESCRIBE, instanceNames=batch))
            for name in batch:
                yield _record(name, told[name]) if name in told else Vanished(name)
        return
    pages = reach.pages("codedeploy:ListOnPremisesInstances")
    names = dict.fromkeys(name for page in pages for name in page.get("instanceNames", ()))
    for batch in batches(names, NAMES):
        told = _told(reach.detail(DESCRIBE, instanceNames=batch) or {})
        for name in batch:
            yield _record(name, told[name]) if name in told else OnPremisesInstanceRecord(key=name)


def _told(answer: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {one.get("instanceName") or "": one for one in answer.get("instanceInfos", ())}


def _record(name: str, told: Mapping[str, Any]) -> OnPremisesInstanceRecord:
    left = told.get("deregisterTime")
    return OnPremisesInstanceRecord(
        key=name,
        arn=told.get("instanceArn") or "",
        status="Deregistered" if left else "Registered",
        state=(State.STOPPED if left else State.DONE).value,
        iam_user_arn=told.get("iamUserArn") or "",
        iam_session_arn=told.get("iamSessionArn") or "",
        registered_at=told.get("registerTime"),
        deregistered_at=left,
        tags=tags_of(told.get("tags")),
    )
