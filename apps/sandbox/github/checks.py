"""GitHub's operations on what became of a commit: checks, statuses, deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.github import told
from apps.sandbox.github.door import (
    invalid,
    missing,
    paged,
    refused,
    repository,
    route,
    shows,
    written,
)
from apps.sandbox.github.model import Deployment, DeploymentStatus, GitHub, Status
from apps.sandbox.github.repositories import commit_of, register_commit
from apps.sandbox.rest import Ask, Said

if TYPE_CHECKING:
    from apps.sandbox.github.model import Repository

_REPO = "/repos/{owner}/{repo}"
_STATES = ("error", "failure", "pending", "success")
_DEPLOYED = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
#: So many statuses a commit takes for one context.
_MOST = 1000


def _checks(ask: Ask) -> Said:
    one = repository(ask)
    found = list(one.checks.get(commit_of(one, ask["ref"]).sha, []))
    for name, of in (("check_name", "name"), ("status", "status")):
        if name in ask.query:
            found = [check for check in found if getattr(check, of) == ask.query[name]]
    return paged(ask, found[::-1], lambda check: shows(ask).check(one, check), "check_runs")


def _latest(one: Repository, sha: str) -> list[Status]:
    """The newest status of each context, newest first."""
    found: dict[str, Status] = {}
    for status in one.statuses.get(sha, []):
        found.pop(status.context, None)
        found[status.context] = status
    return list(found.values())[::-1]


def _combined(ask: Ask) -> Said:
    one = repository(ask)
    sha = commit_of(one, ask["ref"]).sha
    latest, shown = _latest(one, sha), shows(ask)
    states = {status.state for status in latest}
    state = "pending"
    if states & {"error", "failure"}:
        state = "failure"
    elif states == {"success"}:
        state = "success"
    url = f"{shown.api}/repos/{one.full_name}/commits/{sha}"
    said = paged(ask, latest, lambda status: _without_creator(shown.status(one, status, sha)))
    said.body = {
        "state": state,
        "statuses": said.body,
        "sha": sha,
        "total_count": len(latest),
        "repository": shown.repository(one),
        "commit_url": url,
        "url": f"{url}/status",
    }
    return said


def _without_creator(status: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in status.items() if name != "creator"}


def _statuses(ask: Ask) -> Said:
    one = repository(ask)
    sha = commit_of(one, ask["ref"]).sha
    found = one.statuses.get(sha, [])[::-1]
    return paged(ask, found, lambda status: shows(ask).status(one, status, sha))


def _deployments(ask: Ask) -> Said:
    one = repository(ask)
    wanted = {
        name: ask.query[name] for name in ("sha", "ref", "task", "environment") if name in ask.query
    }
    found = [
        it
        for it in reversed(one.deployments.values())
        if all(getattr(it, name) == value for name, value in wanted.items())
    ]
    return paged(ask, found, lambda it: shows(ask).deployment(one, it))


def _deployment_statuses(ask: Ask) -> Said:
    one = repository(ask)
    it = _deployment_of(ask, one)
    return paged(ask, it.statuses[::-1], lambda one_: shows(ask).deployment_status(one, it, one_))


def _deployment_of(ask: Ask, one: Repository) -> Deployment:
    found = one.deployments.get(int(ask["deployment"]) if ask["deployment"].isdecimal() else 0)
    if found is None:
        raise missing()
    return found


def _deployment(ask: Ask) -> Said:
    one = repository(ask)
    return Said(shows(ask).deployment(one, _deployment_of(ask, one)))


route("GET", f"{_REPO}/commits/{{ref+}}/check-runs", "checks/list-for-ref")(_checks)
route("GET", f"{_REPO}/commits/{{ref+}}/status", "repos/get-combined-status-for-ref")(_combined)
route("GET", f"{_REPO}/commits/{{ref+}}/statuses", "repos/list-commit-statuses-for-ref")(_statuses)
route("GET", f"{_REPO}/deployments", "repos/list-deployments")(_deployments)
route("GET", f"{_REPO}/deployments/{{deployment}}", "repos/get-deployment")(_deployment)
route("GET", f"{_REPO}/deployments/{{deployment}}/statuses", "repos/list-deployment-statuses")(
    _deployment_statuses
)
register_commit()


@route("POST", f"{_REPO}/statuses/{{sha}}", "repos/create-commit-status")
def create_status(ask: Ask) -> Said:
    """Say how something stands to a commit."""
    one, wanted = repository(ask), written(ask)
    commit = one.commits.get(ask["sha"])
    if commit is None:
        raise refused(422, f"No commit found for SHA: {ask['sha']}")
    state, context = wanted.get("state"), str(wanted.get("context") or "default")
    if state not in _STATES:
        raise invalid("Status", "state", "custom", message="state is not included in the list")
    text = wanted.get("description")
    if len(str(text or "")) > 140:
        message = "description is too long (maximum is 140 characters)"
        raise invalid("Status", "description", "custom", message=message)
    kept = one.statuses.setdefault(commit.sha, [])
    if sum(status.context == context for status in kept) >= _MOST:
        message = "This SHA and context has reached the maximum number of statuses."
        raise invalid("Status", "base", "custom", message=message)
    made = Status(
        ask.world.of(GitHub).next_id(),
        str(state),
        context,
        text,
        wanted.get("target_url"),
        ask.caller.name,
        ask.world.now(),
    )
    kept.append(made)
    told.status(ask.world, one, commit.sha, made)
    return Said(shows(ask).status(one, made, commit.sha), 201)


@route("POST", f"{_REPO}/deployments", "repos/create-deployment")
def create_deployment(ask: Ask) -> Said:
    """A deployment of a branch or commit; statuses that are not green refuse it."""
    one, wanted = repository(ask), written(ask)
    ref = str(wanted.get("ref") or "")
    commit = one.find(ref) if ref else None
    if commit is None:
        raise refused(422, f"No ref found for: {ref}")
    contexts = wanted.get("required_contexts")
    states = {status.context: status.state for status in _latest(one, commit.sha)}
    asked = states if contexts is None else {str(name): states.get(name) for name in contexts}
    if any(state != "success" for state in asked.values()):
        bad = [{"state": state, "context": name} for name, state in asked.items()]
        message = f"Conflict: Commit status checks failed for {ref}."
        raise refused(
            409,
            message,
            errors=[
                {
                    "contexts": bad,
                    "resource": "Deployment",
                    "field": "required_contexts",
                    "code": "invalid",
                }
            ],
        )
    environment = str(wanted.get("environment") or "production")
    payload = wanted.get("payload")
    made = Deployment(
        ask.world.of(GitHub).next_id(),
        commit.sha,
        ref,
        str(wanted.get("task") or "deploy"),
        environment,
        wanted.get("description"),
        {} if payload in (None, "") else payload,
        ask.caller.name,
        ask.world.now(),
        bool(wanted.get("production_environment", environment == "production")),
        bool(wanted.get("transient_environment")),
    )
    one.deployments[made.id] = made
    told.deployed(ask.world, one, made)
    return Said(shows(ask).deployment(one, made), 201)


@route("POST", f"{_REPO}/deployments/{{deployment}}/statuses", "repos/create-deployment-status")
def create_deployment_status(ask: Ask) -> Said:
    """Say how a deployment stands; success makes earlier ones of the environment inactive."""
    one, wanted = repository(ask), written(ask)
    it, state = _deployment_of(ask, one), wanted.get("state")
    if state not in _DEPLOYED:
        message = "state is not included in the list"
        raise invalid("DeploymentStatus", "state", "custom", message=message)
    made = _say(ask, it, str(state), wanted)
    if state == "success" and wanted.get("auto_inactive", True):
        for other in one.deployments.values():
            mine = other.environment == it.environment and not other.production
            ended = other.statuses and other.statuses[-1].state == "success"
            if other is not it and mine and ended and not other.transient:
                told.deployed(ask.world, one, other, _say(ask, other, "inactive", {}))
    told.deployed(ask.world, one, it, made)
    return Said(shows(ask).deployment_status(one, it, made), 201)


def _say(ask: Ask, it: Deployment, state: str, wanted: dict[str, object]) -> DeploymentStatus:
    made = DeploymentStatus(
        ask.world.of(GitHub).next_id(),
        state,
        str(wanted.get("description") or "")[:140],
        ask.caller.name,
        ask.world.now(),
        str(wanted.get("environment") or it.environment),
        str(wanted.get("environment_url") or ""),
        str(wanted.get("log_url") or wanted.get("target_url") or ""),
    )
    it.statuses.append(made)
    return made
