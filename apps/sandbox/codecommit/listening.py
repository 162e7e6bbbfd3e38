"""What follows from a push: pipelines on the branch begin, triggers tell their targets."""

from __future__ import annotations

import functools
import json
import logging
from typing import TYPE_CHECKING, Any

from apps.sandbox.codecommit.model import SourceStore
from apps.sandbox.codepipeline import engine
from apps.sandbox.codepipeline.model import ActionRun, Commit, Execution, Pipeline, PipelineStore
from apps.sandbox.codepipeline.providers import Ends, place_of, provider

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
    else:
        rule = f"rule/codepipeline-{pipeline.name}-{asked['BranchName']}"
        engine.start(pipeline, "CloudWatchEvent", pipeline.place.arn("events", rule))


@provider("CodeCommit")
def _find_head(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    """The source action takes its branch's head; it fails where there is none to take."""
    place = place_of(execution, run)
    repository = place.of(SourceStore).repositories.get(run.resolved.get("RepositoryName", ""))
    if repository is None:
        return False
    branch = run.resolved.get("BranchName", "")
    head = repository.commit(branch) if branch in repository.branches else None
    said: tuple[str, str] | None = None
    if repository.trouble is not None:
        code, message = repository.trouble
        said = ("PermissionError", f"{message} (Service: AWSCodeCommit; Error Code: {code})")
    elif head is None:
        text = f"The branch {branch} does not exist in the CodeCommit repository {repository.name}."
        said = ("ConfigurationError", text)
    if said is not None:
        failed = functools.partial(ends.fail, execution, run, *said)
        run.timers.append(place.world.scheduler.after(2, failed))
        return True
    assert head is not None
    execution.pipeline.heads[run.name] = Commit(
        head.id, head.message, head.author.name, branch, head.at
    )
    return False


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
