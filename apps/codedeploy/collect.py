"""Reads CodeDeploy: which calls are made, and where reading may stop; no Django.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_Operations.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.aws.calls import Failed, Fed, Reach, batches
from apps.mirror.ask import UNREAD, Ask, Covered, Ended, Parent, Vanished
from apps.mirror.provider import Health
from apps.mirror.state import UNFINISHED, State

from . import words
from .answers import (
    application_record,
    appspec,
    config_record,
    deployment_record,
    group_record,
)
from .records import (
    ApplicationRecord,
    DeploymentConfigRecord,
    DeploymentGroupRecord,
    DeploymentRecord,
    TargetRecord,
)
from .targets import target_record

# What one BatchGetApplications or BatchGetDeploymentGroups takes.
NAMES = 100
# What one BatchGetDeployments or BatchGetDeploymentTargets takes.
IDS = 25
# AWS refuses to list the targets of a deployment that has not begun.
NOT_BEGUN = frozenset({"Created", "Queued"})


def applications(reach: Reach, ask: Ask) -> Iterator[ApplicationRecord | Vanished]:
    """Yield every application, or those named; details of those that were not read before.

    ListApplications, then BatchGetApplications (100) for what is new or named.
    """
    if ask.keys is not None:
        yield from _named_applications(reach, ask.keys)
        return
    pages = reach.pages("codedeploy:ListApplications")
    listed = [name for page in pages for name in page.get("applications", ())]
    names = list(dict.fromkeys(listed))
    unread = [name for name in names if ask.deep or not ask.known.get(name)]
    told: dict[str, Mapping[str, Any]] = {}
    for batch in batches(dict.fromkeys(unread), NAMES):
        answer = reach.detail("codedeploy:BatchGetApplications", applicationNames=batch)
        told |= {one["applicationName"]: one for one in (answer or {}).get("applicationsInfo", ())}
    yield from (application_record(reach, name, told.get(name)) for name in names)


def _named_applications(
    reach: Reach, keys: Iterable[str]
) -> Iterator[ApplicationRecord | Vanished]:
    """Yield those named; one that is not there fails a whole batch, which is then asked apart."""
    pending = Fed(batches(dict.fromkeys(keys), NAMES))

    def read(names: list[str]) -> Any:
        return reach.call("codedeploy:BatchGetApplications", applicationNames=names)

    for names, answer in reach.each(pending, read):
        if not isinstance(answer, Failed):
            for one in answer.get("applicationsInfo", ()):
                yield application_record(reach, one["applicationName"], one)
        elif answer.failure.health is Health.GONE:
            if len(names) == 1:
                yield Vanished(names[0])
            else:
                for name in names:
                    pending.feed([name])


def groups(reach: Reach, ask: Ask) -> Iterator[DeploymentGroupRecord | Covered | Vanished]:
    """Yield the groups of each application, or those named "<application>/<group>".

    ListDeploymentGroups, one an application; BatchGetDeploymentGroups for what is new, named or has
    not been read for long. AWS has no batch over applications.
    """
    if ask.keys is not None:
        yield from _named_groups(reach, ask.keys)
        return
    for application, answer in reach.each(ask.parents, lambda parent: _names(reach, parent.key)):
        if isinstance(answer, Failed):
            continue
        name = application.key
        unread = [one for one in answer if ask.deep or not ask.known.get(f"{name}/{one}")]
        told = _described_groups(reach, name, unread)
        yield from (group_record(reach, name, one, told.get(one)) for one in answer)
        yield Covered(name)


def _names(reach: Reach, application: str) -> list[str]:
    pages = reach.pages("codedeploy:ListDeploymentGroups", applicationName=application)
    return [name for page in pages for name in page.get("deploymentGroups", ())]


def _described_groups(
    reach: Reach, application: str, names: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """Return what is told of groups by name; what could not be read is left out."""
    told: dict[str, Mapping[str, Any]] = {}
    for batch in batches(dict.fromkeys(names), NAMES):
        answer = reach.detail(
            "codedeploy:BatchGetDeploymentGroups",
            applicationName=application,
            deploymentGroupNames=batch,
        )
        found = (answer or {}).get("deploymentGroupsInfo", ())
        told |= {one["deploymentGroupName"]: one for one in found}
    return told


def _named_groups(reach: Reach, keys: Iterable[str]) -> Iterator[DeploymentGroupRecord | Vanished]:
    by_application: dict[str, list[str]] = {}
    for key in keys:
        application, _, name = key.partition("/")
        by_application.setdefault(application, []).append(name)

    def read(item: tuple[str, list[str]]) -> tuple[dict[str, Any], bool]:
        told: dict[str, Any] = {}
        unsure = False
        for batch in batches(dict.fromkeys(item[1]), NAMES):
            answer = reach.call(
                "codedeploy:BatchGetDeploymentGroups",
                applicationName=item[0],
                deploymentGroupNames=batch,
            )
            found = answer.get("deploymentGroupsInfo", ())
            told |= {one["deploymentGroupName"]: one for one in found}
            # AWS tells of any trouble in one sentence for all that were asked for.
            unsure |= bool(answer.get("errorMessage"))
        return told, unsure

    for (application, names), answer in reach.each(by_application.items(), read):
        if isinstance(answer, Failed) and answer.failure.health is not Health.GONE:
            continue
        told, unsure = ({}, False) if isinstance(answer, Failed) else answer
        for name in names:
            if name in told:
                yield group_record(reach, application, name, told[name])
            elif not unsure:
                yield Vanished(f"{application}/{name}")


def configs(reach: Reach, ask: Ask) -> Iterator[DeploymentConfigRecord]:
    """Yield every configuration: those people made in full, those AWS predefines by their names.

    ListDeploymentConfigs, then GetDeploymentConfig for each that is new and whose name alone does
    not tell what it does. None can be edited; AWS has no batch.
    """
    pages = reach.pages("codedeploy:ListDeploymentConfigs")
    names = [name for page in pages for name in page.get("deploymentConfigsList", ())]
    unread = [name for name in names if not _told_by_name(name) and not ask.known.get(name)]
    told: dict[str, Mapping[str, Any]] = {}

    def read(name: str) -> Any:
        return reach.call("codedeploy:GetDeploymentConfig", deploymentConfigName=name)

    for name, answer in reach.each(unread, read):
        if not isinstance(answer, Failed):
            told[name] = answer["deploymentConfigInfo"]
    for name in names:
        yield config_record(reach, name, told.get(name), known=bool(ask.known.get(name)))


def _told_by_name(name: str) -> bool:
    bare = name.removeprefix(words.PREDEFINED)
    return name.startswith(words.PREDEFINED) and (
        bare in words.BY_NAME or words.predefined_shift(name) is not None
    )


def deployments(reach: Reach, ask: Ask) -> Iterator[DeploymentRecord | Ended]:
    """Yield deployments, newest first, until a page holds only finished ones that are known.

    ListDeployments of the whole region (it takes an application only with a group), then
    BatchGetDeployments (25) for what is new or runs. AWS shows the newest first and promises no
    order, so that every few hours the ids are listed to their end. `ask.keys` reads just those, and
    the content of their AppSpec, if they have one that was not read before (GetApplicationRevision,
    because AWS leaves it out of a deployment).
    """
    if ask.keys is not None:
        for record in _described(reach, ask.keys):
            yield _with_appspec(reach, record, ask.known.get(record.key, ""))
        return
    seen: set[str] = set()
    for page in reach.pages("codedeploy:ListDeployments"):
        ids = page.get("deployments", [])
        seen.update(ids)
        finished = ask.finished(ids)
        wanted = [key for key in ids if key not in finished]
        yield from _described(reach, wanted)
        if ids and not wanted and "" not in ask.unended and not ask.deep:
            break
    else:
        yield Ended()
    running = ask.unfinished.get("", frozenset()) - seen
    found: set[str] = set()
    for record in _described(reach, sorted(running)):
        found.add(record.key)
        yield record
    for key in sorted(running - found):
        # Neither listed nor described any more: nobody can say how it ended.
        yield DeploymentRecord(key=key, state=State.UNKNOWN.value)


def _described(reach: Reach, ids: Iterable[str]) -> Iterator[DeploymentRecord]:
    for batch in batches(dict.fromkeys(ids), IDS):
        answer = reach.call("codedeploy:BatchGetDeployments", deploymentIds=batch)
        yield from (deployment_record(reach, one) for one in answer.get("deploymentsInfo", ()))


def _with_appspec(reach: Reach, record: DeploymentRecord, known: str) -> DeploymentRecord:
    """Return a deployment with the content of its AppSpec; `known` is the hash of what was read."""
    told = record.revision
    sha = told.get("sha256")
    member = {"AppSpecContent": "appSpecContent", "String": "string"}.get(told.get("type", ""))
    if not sha or not member or sha == known or record.appspec is not UNREAD:
        return record
    answer = reach.detail(
        "codedeploy:GetApplicationRevision",
        applicationName=record.application_name,
        revision={"revisionType": told["type"], member: {"sha256": sha}},
    )
    if answer is None:
        return record
    return replace(record, appspec=appspec(answer.get("revision")), appspec_sha256=sha)


def targets(reach: Reach, ask: Ask) -> Iterator[TargetRecord | Covered | Ended]:
    """Yield the targets of each deployment asked for, those that are known and finished left out.

    ListDeploymentTargets (100 a page), then BatchGetDeploymentTargets (25). Of a deployment that is
    over all are read once more: what ended early may have told of an event, or of a task set, that
    was still on its way. One whose targets have all ended is not read again.
    """
    begun = [one for one in ask.parents if one.fields.get("status") not in NOT_BEGUN]
    yield from (Covered(one.key) for one in ask.parents if one not in begun)
    reading = _Targets(reach, ask, begun)
    for (deployment, ids), answer in reach.each(reading.pending, reading.read):
        if ids is None:
            yield from reading.listed(deployment, answer)
        else:
            yield from reading.described(deployment, answer)


def _over(deployment: Parent) -> bool:
    return deployment.fields.get("state") not in UNFINISHED


class _Targets:
    """One reading of many deployments' targets: their ids first, then batches of them.

    An item whose second part is None asks for the ids.
    """

    def __init__(self, reach: Reach, ask: Ask, deployments: Iterable[Parent]) -> None:
        self.reach, self.ask = reach, ask
        self.pending: Fed[tuple[Parent, list[str] | None]] = Fed((one, None) for one in deployments)
        # By deployment: batches to come, whether any failed, whether any target runs.
        self.left: dict[str, int] = {}
        self.missed: set[str] = set()
        self.moving: set[str] = set()

    def read(self, item: tuple[Parent, list[str] | None]) -> Any:
        deployment, ids = item
        if ids is None:
            pages = self.reach.pages(
                "codedeploy:ListDeploymentTargets", deploymentId=deployment.key
            )
            return [one for page in pages for one in page.get("targetIds", ())]
        return self.reach.call(
            "codedeploy:BatchGetDeploymentTargets", deploymentId=deployment.key, targetIds=ids
        )

    def listed(self, deployment: Parent, answer: Any) -> Iterator[Covered | Ended]:
        if isinstance(answer, Failed):
            # What AWS does not know (any more, or yet) has no targets to wait for.
            if answer.failure.health is Health.GONE:
                yield Covered(deployment.key)
            return
        keys = {f"{deployment.key}/{one}": one for one in answer}
        last_time = _over(deployment) and deployment.key in self.ask.unended
        finished = frozenset() if last_time else self.ask.finished(keys)
        wanted = list(batches([keys[one] for one in keys if one not in finished], IDS))
        self.left[deployment.key] = len(wanted)
        for batch in wanted:
            self.pending.feed((deployment, batch))
        yield from self._over(deployment)

    def described(
        self, deployment: Parent, answer: Any
    ) -> Iterator[TargetRecord | Covered | Ended]:
        self.left[deployment.key] -= 1
        if isinstance(answer, Failed):
            self.missed.add(deployment.key)
        else:
            for one in answer.get("deploymentTargets", ()):
                record = target_record(deployment, one)
                if record.state in UNFINISHED:
                    self.moving.add(deployment.key)
                yield record
        yield from self._over(deployment)

    def _over(self, deployment: Parent) -> Iterator[Covered | Ended]:
        key = deployment.key
        if self.left[key] or key in self.missed:
            return
        if key not in self.moving and _over(deployment):
            yield Ended(key)
        yield Covered(key)
