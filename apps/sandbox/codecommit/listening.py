"""What follows from a push: pipelines on the branch begin, triggers tell their targets."""

from __future__ import annotations

import functools
import json
import logging
from typing import TYPE_CHECKING, Any

from apps.sandbox.codecommit.model import SourceStore
from apps.sandbox.codepipeline import artifacts, engine, revisions
from apps.sandbox.codepipeline.model import ActionRun, Commit, Execution, Pipeline, PipelineStore
from apps.sandbox.codepipeline.providers import Ends, place_of, provider
from apps.sandbox.inside import RefusedError

if TYPE_CHECKING:
    from apps.sandbox.codecommit.model import Repository

log = logging.getLogger("sandbox.codecommit")


def start_pipelines(repository: Repository, branch: str) -> None:
    """Begin an execution of every pipeline whose source is this branch.

    As EventBridge's rule does, which CodePipeline's console makes beside such a pipeline, or as
    CodePipeline itself where it polls.
    """
    place = repository.place
    for pipeline in place.of(PipelineStore).pipelines.values():
        for source in pipeline.definition["stages"][0]["actions"]:
            asked = source.get("configuration", {})
            if (
                source["actionTypeId"]["provider"] == "CodeCommit"
                and asked.get("RepositoryName") == repository.name
                and asked.get("BranchName") == branch
            ):
                begin = functools.partial(_begin, pipeline, asked)
                place.world.scheduler.after(1, begin)


def _begin(pipeline: Pipeline, asked: dict[str, str]) -> None:
    if pipeline.deleted:
        return
    if asked.get("PollForSourceChanges", "true") == "true":
        engine.start(pipeline, "PollForSourceChanges", asked["BranchName"])
    elif pipeline.assumes_rule:
        rule = f"rule/codepipeline-{pipeline.name}-{asked['BranchName']}"
        engine.start(pipeline, "CloudWatchEvent", pipeline.place.arn("events", rule))


def _hindered(
    execution: Execution, run: ActionRun, repository: Repository
) -> tuple[str, str] | None:
    """Return why the source action cannot take a commit, as (code, message); None if it can."""
    branch = run.resolved.get("BranchName", "")
    wanted = execution.wanted_revisions.get(run.name, "")
    denied = artifacts.forbids(execution, run, "codecommit:GetBranch", repository.arn)
    denied = denied or artifacts.forbids(execution, run, "codecommit:UploadArchive", repository.arn)
    if repository.trouble is not None:
        code, message = repository.trouble
        return "PermissionError", f"{message} (Service: AWSCodeCommit; Error Code: {code})"
    if denied is not None:
        text = (
            "The service role or action role doesn't have the permissions required to access the "
            f"AWS CodeCommit repository named {repository.name}. Update the IAM role permissions, "
            f"and then try again. Error: {denied}"
        )
        return "PermissionError", text
    if branch not in repository.branches:
        text = f"The branch {branch} does not exist in the CodeCommit repository {repository.name}."
        return "ConfigurationError", text
    if wanted and wanted not in repository.commits:
        text = f"The commit {wanted} does not exist in the CodeCommit repository {repository.name}."
        return "ConfigurationError", text
    return None


@provider("CodeCommit")
def _find_head(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    """The source action takes its branch's head; it fails where there is none to take."""
    place = place_of(execution, run)
    repository = place.of(SourceStore).repositories.get(run.resolved.get("RepositoryName", ""))
    if repository is None and not artifacts.kept(execution):
        return False
    if repository is None:
        gone = f"The repository {run.resolved.get('RepositoryName', '')} does not exist."
        lost = functools.partial(ends.fail, execution, run, "ConfigurationError", gone)
        run.timers.append(place.world.scheduler.after(2, lost))
        return True
    said = _hindered(execution, run, repository)
    if said is not None:
        failed = functools.partial(ends.fail, execution, run, *said)
        run.timers.append(place.world.scheduler.after(2, failed))
        return True
    branch = run.resolved.get("BranchName", "")
    wanted = execution.wanted_revisions.get(run.name, "")
    head = repository.commits[wanted or repository.branches[branch]]
    found = Commit(head.id, head.message, head.author.name, branch, head.at)
    execution.pipeline.heads[run.name] = found
    name = artifacts.handed_on(run)
    if name is None or not artifacts.kept(execution):
        return False
    files = {path: repository.blobs[one.blob] for path, one in repository.files(head.id).items()}

    def hand_on() -> None:
        try:
            artifacts.put(execution, name, files, artifacts.actor_of(execution, run))
        except RefusedError as error:
            ends.fail(execution, run, "PermissionError", artifacts.no_access(execution, error))
            return
        run.external_id = found.sha
        run.external_url = revisions.url(run.declaration, place, found)
        run.output = revisions.output_variables(run.declaration, place, found)
        words = revisions.summary(run.declaration, found)
        ends.succeed(execution, run, words, commit=found)

    run.timers.append(place.world.scheduler.after(4, hand_on))
    return True


def fire_triggers(repository: Repository, branch: str, kind: str, commit_id: str, who: str) -> None:
    """Tell the SNS topics of the triggers that hear this; Lambda functions only count as told."""
    for trigger in repository.triggers:
        heard = {"all", kind} & set(trigger["events"])
        if heard and (not trigger.get("branches") or branch in trigger["branches"]):
            _publish(repository, trigger, branch, commit_id, who)


def _publish(
    repository: Repository, trigger: dict[str, Any], branch: str, commit_id: str, who: str
) -> None:
    _, _, service, region, account, name = trigger["destinationArn"].split(":", 5)
    if service != "sns" or repository.place.world.bus is None:
        return
    from moto.core.exceptions import ServiceException
    from moto.sns.models import sns_backends

    reference = {"commit": commit_id, "ref": f"refs/heads/{branch}"}
    record = {
        "awsRegion": repository.place.region,
        "codecommit": {"references": [reference]},
        "customData": trigger.get("customData"),
        "eventName": "ReferenceChanges",
        "eventSource": "aws:codecommit",
        "eventSourceARN": repository.arn,
        "eventTriggerName": trigger["name"],
        "userIdentityARN": who,
    }
    try:
        sns_backends[account][region].publish(
            message=json.dumps({"Records": [record]}), arn=trigger["destinationArn"]
        )
    except ServiceException as error:
        # A topic that is gone hears nothing, and CodeCommit goes on.
        log.debug("no trigger to %s: %s", name, error)
