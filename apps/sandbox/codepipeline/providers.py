"""What each action provider does at its turn: how long, with which ids and links, how it ends."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from apps.sandbox.codepipeline import revisions
from apps.sandbox.codepipeline.model import ActionRun, Commit, Execution
from apps.sandbox.world import Place, hex_from, uuid_from

if TYPE_CHECKING:
    import random

#: An approval nobody answers fails after seven days.
APPROVAL_SECONDS = 7 * 24 * 3600

#: Virtual seconds an action takes, by provider, where its script says nothing.
_SECONDS: dict[str, tuple[float, float]] = {
    "CodeDeploy": (70, 130),
    "CloudFormation": (45, 90),
    "ElasticBeanstalk": (80, 140),
    "ECS": (70, 120),
    "Lambda": (6, 12),
    "StepFunctions": (25, 50),
    "Jenkins": (60, 100),
    "S3": (8, 16),
}


class Succeed(Protocol):
    """The shape of engine.succeed."""

    def __call__(
        self,
        execution: Execution,
        run: ActionRun,
        summary: str | None = None,
        *,
        commit: Commit | None = None,
    ) -> None:
        """End an action well; a source action brings its commit."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The engine's two ways to end an action, handed in so that providers need not import it."""

    succeed: Succeed
    fail: Callable[[Execution, ActionRun, str | None, str | None], None]


#: What a provider's action does at its turn. It ends later through ``Ends``, and puts what must not
#: happen once it is abandoned on ``run.timers``. Where it knows no such target it answers False:
#: the action then runs for a while as its script says.
Begin = Callable[["Execution", "ActionRun", Ends], bool]

#: By the provider's name, as action types carry it. Services add themselves (see ``provider``).
BEGINNINGS: dict[str, Begin] = {}


def provider(name: str) -> Callable[[Begin], Begin]:
    """Register what actions of ``name`` do: ``@provider("CodeDeploy")``."""

    def register(begin: Begin) -> Begin:
        BEGINNINGS[name] = begin
        return begin

    return register


@dataclass(frozen=True, slots=True)
class Decision:
    """Somebody's answer to an approval: Approved or Rejected, why, and who (an ARN)."""

    status: str
    summary: str
    who: str


def resolve(execution: Execution, configuration: dict[str, str]) -> dict[str, str]:
    """``resolvedConfiguration``: ``#{namespace.name}`` replaced by what earlier actions put out."""

    def value(match: re.Match[str]) -> str:
        namespace, name = match.group(1), match.group(2)
        if namespace == "variables":
            return execution.variables.get(name, match.group(0))
        if namespace == "codepipeline":
            return {"PipelineExecutionId": execution.id}.get(name, match.group(0))
        return execution.outputs.get(namespace, {}).get(name, match.group(0))

    return {
        name: re.sub(r"#\{([\w@-]+)\.([\w@-]+)\}", value, text)
        for name, text in configuration.items()
    }


def begin(execution: Execution, run: ActionRun, ends: Ends) -> None:
    """Start the action's work; it ends later through ``ends``."""
    first = BEGINNINGS.get(run.provider)
    if first is None or not first(execution, run, ends):
        _run_for_a_while(execution, run, ends)


def place_of(execution: Execution, run: ActionRun) -> Place:
    """Where the action does its work: its own region, or the pipeline's."""
    here = execution.pipeline.place
    return here.world.place(here.account, run.declaration.get("region", here.region))


def chance_of(execution: Execution, run: ActionRun) -> random.Random:
    """The action's own random source."""
    return execution.pipeline.place.world.chance(run.id)


def _run_for_a_while(execution: Execution, run: ActionRun, ends: Ends) -> None:
    pipeline, chance = execution.pipeline, chance_of(execution, run)
    script = pipeline.script(run.stage, run.name)
    source = run.category == "Source"
    seconds = chance.uniform(
        *(script.seconds or ((3, 7) if source else _SECONDS.get(run.provider, (10, 30))))
    )
    if not source:
        run.external_id, run.external_url = _external(execution, run, chance)

    def done() -> None:
        if script.fails(execution.number, run.attempt):
            external = run.external_id or ""
            ends.fail(execution, run, script.code, script.message.replace("{external}", external))
        elif source:
            commit = _commit(execution, run)
            place = pipeline.place
            run.external_id = commit.sha
            run.external_url = revisions.url(run.declaration, place, commit)
            run.output = revisions.output_variables(run.declaration, place, commit)
            ends.succeed(execution, run, revisions.summary(run.declaration, commit), commit=commit)
        else:
            ends.succeed(execution, run, _summary(run))

    run.timers.append(pipeline.place.world.scheduler.after(seconds, done))


def _commit(execution: Execution, run: ActionRun) -> Commit:
    pipeline = execution.pipeline
    head = pipeline.heads.get(run.name)
    if head is None:
        chance = pipeline.place.world.chance(pipeline.arn, "first commit", run.name)
        branch = run.resolved.get("BranchName") or run.resolved.get("Branch") or "main"
        head = Commit(
            hex_from(chance, 40), "Initial commit", "release-manager", branch, pipeline.created
        )
        pipeline.heads[run.name] = head
    wanted = execution.wanted_revisions.get(run.name)
    if wanted and wanted != head.sha:
        return Commit(wanted, head.message, head.author, head.branch, head.at)
    return head


@provider("Manual")
def _ask_for_approval(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    world = execution.pipeline.place.world
    run.token = uuid_from(chance_of(execution, run))
    minutes = run.declaration.get("timeoutInMinutes")
    wait = minutes * 60 if minutes else APPROVAL_SECONDS

    def expire() -> None:
        ends.fail(
            execution,
            run,
            "JobFailed",
            f"The approval action timed out after {wait // 60} minutes.",
        )

    run.timers.append(world.scheduler.at(run.started + wait, expire, calendar=True))
    decision = execution.pipeline.script(run.stage, run.name).decision
    if decision is not None:
        seconds, status, who = decision

        words = "Looks good." if status == "Approved" else "Not now."
        answer = Decision(status, words, who)
        decide = functools.partial(decide_approval, execution, run, ends, answer)
        run.timers.append(world.scheduler.after(seconds, decide))
    return True


def decide_approval(execution: Execution, run: ActionRun, ends: Ends, decision: Decision) -> None:
    """Approve or reject a waiting approval."""
    run.summary, run.updated_by = decision.summary, decision.who
    if decision.status == "Approved":
        ends.succeed(execution, run, decision.summary)
    else:
        ends.fail(execution, run, None, None)


def artifact_bucket(execution: Execution) -> str:
    """The bucket of the pipeline's artifact store in its own region."""
    definition, region = execution.definition, execution.pipeline.place.region
    store = definition.get("artifactStore") or definition.get("artifactStores", {}).get(region, {})
    return str(store.get("location", "codepipeline-artifacts"))


def artifact_key(execution: Execution, artifact: str) -> str:
    """Where CodePipeline puts an artifact: both names cut short, then a short random name.

    A rollback takes those of the execution that it brings back.
    """
    whose = execution.rolls_back or execution
    chance = execution.pipeline.place.world.chance(whose.id, artifact)
    short = "".join(
        chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=7)
    )
    return f"{execution.pipeline.name[:20]}/{artifact[:10]}/{short}"


def _external(
    execution: Execution, run: ActionRun, chance: random.Random
) -> tuple[str | None, str | None]:
    """The id and link of what an action started in another service."""
    place = place_of(execution, run)
    region, account, configuration = place.region, place.account, run.resolved
    console = f"https://{region}.console.aws.amazon.com"
    match run.provider:
        case "CodeDeploy":
            deployment = "d-" + "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=9))
            return (
                deployment,
                f"{console}/codesuite/codedeploy/deployments/{deployment}?region={region}",
            )
        case "CloudFormation":
            stack = place.arn(
                "cloudformation",
                f"stack/{configuration.get('StackName')}/{uuid_from(place.world.chance(account))}",
            )
            return (
                stack,
                f"{console}/cloudformation/home?region={region}#/stacks/stackinfo?stackId={stack}",
            )
        case "Lambda":
            request = uuid_from(chance)
            return (
                request,
                f"{console}/lambda/home?region={region}#/functions/{configuration.get('FunctionName')}",
            )
        case "StepFunctions":
            machine = configuration.get("StateMachineArn", "").replace(
                ":stateMachine:", ":execution:"
            )
            arn = f"{machine}:{uuid_from(chance)}"
            return arn, f"{console}/states/home?region={region}#/executions/details/{arn}"
        case "ECS":
            task = uuid_from(chance)
            return task, f"{console}/ecs/v2/clusters/{configuration.get('ClusterName')}/services"
        case "Jenkins":
            number, job = str(100 + execution.number), configuration.get("ProjectName", "job")
            return number, f"https://jenkins.example.com/job/{job}/{number}/"
        case "ElasticBeanstalk":
            label = f"code-pipeline-{int(run.started * 1000)}-{hex_from(chance, 8)}"
            return label, f"{console}/elasticbeanstalk/home?region={region}"
    return None, None


def _summary(run: ActionRun) -> str | None:
    match run.provider:
        case "CodeDeploy":
            return "Deployment Succeeded"
        case "CloudFormation":
            mode = run.resolved.get("ActionMode", "")
            stack = run.resolved.get("StackName")
            if mode == "CHANGE_SET_REPLACE":
                return f"Change set {run.resolved.get('ChangeSetName')} was created."
            return f"Stack {stack} was updated."
        case "ElasticBeanstalk":
            return "Deployment completed successfully."
        case "Jenkins":
            return "Finished: SUCCESS"
        case "S3":
            return f"Deployed to s3://{run.resolved.get('BucketName')}"
    return None
