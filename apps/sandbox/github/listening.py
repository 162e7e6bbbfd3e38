"""What follows from a push to GitHub: pipelines on the branch begin, and take its head."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from apps.sandbox.codepipeline import artifacts, engine, revisions
from apps.sandbox.codepipeline.model import ActionRun, Commit, Execution, Pipeline, PipelineStore
from apps.sandbox.codepipeline.providers import Ends, place_of, provider
from apps.sandbox.connections import AVAILABLE, ConnectionStore
from apps.sandbox.github import objects
from apps.sandbox.github.model import GitHub
from apps.sandbox.inside import RefusedError

if TYPE_CHECKING:
    from apps.sandbox.github.model import Repository
    from apps.sandbox.world import World

#: Seconds from a push to the execution it starts.
_PAUSE = 1.0
#: What a pipeline's role needs to fetch by a connection.
USE = "codeconnections:UseConnection"


def source_of(asked: dict[str, str]) -> tuple[str, str]:
    """The repository ("owner/name") and branch that a source action's configuration names."""
    name = asked.get("FullRepositoryId") or f"{asked.get('Owner')}/{asked.get('Repo')}"
    return name, asked.get("BranchName") or asked.get("Branch") or "main"


def listeners(world: World, repository: Repository, branch: str) -> list[tuple[Pipeline, str]]:
    """The pipelines whose source is this branch, each with the connection or webhook it uses."""
    store = world.of(GitHub)
    found = []
    for place in world.places():
        for pipeline in place.of(PipelineStore).pipelines.values():
            for action in pipeline.definition["stages"][0]["actions"]:
                if action["actionTypeId"]["provider"] not in ("CodeStarSourceConnection", "GitHub"):
                    continue
                asked = action.get("configuration", {})
                name, wanted = source_of(asked)
                if wanted == branch and store.moved(name) is repository:
                    hook = place.arn("codepipeline", f"webhook:{pipeline.name}")
                    found.append((pipeline, asked.get("ConnectionArn") or hook))
    return found


def start_pipelines(world: World, repository: Repository, branch: str) -> None:
    """Begin an execution of every pipeline whose source is this branch."""
    for pipeline, how in listeners(world, repository, branch):
        world.scheduler.after(_PAUSE, functools.partial(_begin, pipeline, how))


def _begin(pipeline: Pipeline, how: str) -> None:
    if not pipeline.deleted:
        kind = "WebhookV2" if pipeline.definition.get("triggers") else "Webhook"
        engine.start(pipeline, kind, how)


def _find_head(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    """The source action takes its branch's head, where the simulated GitHub has the repository."""
    place = place_of(execution, run)
    arn = run.resolved.get("ConnectionArn", "")
    connection = place.of(ConnectionStore).find(arn) if arn else None
    if connection is not None and connection.status != AVAILABLE:
        text = (
            f"[{run.name}] Unable to use Connection: {arn}. "
            f"The connection status is {connection.status}, and must be AVAILABLE."
        )
        fail = functools.partial(ends.fail, execution, run, "ConfigurationError", text)
        run.timers.append(place.world.scheduler.after(2, fail))
        return True
    name, branch = source_of(run.resolved)
    repository = execution.pipeline.place.world.of(GitHub).moved(name)
    head = repository.find(branch) if repository is not None else None
    if repository is not None and head is not None:
        # Somebody may have asked for another commit than the newest.
        head = repository.commits.get(execution.wanted_revisions.get(run.name, ""), head)
        found = Commit(head.sha, head.message, head.author, branch, head.at)
        execution.pipeline.heads[run.name] = found
    if not artifacts.kept(execution):
        return False
    denied = arn and artifacts.forbids(execution, run, USE, arn)
    if denied or repository is None or head is None:
        code, text = "ConfigurationError", f"No Branch [{branch}] found for FullRepositoryName"
        text = f"[{run.name}] {text} [{name}]"
        if denied:
            code = "PermissionError"
            text = (
                f"[{run.name}] Unable to use Connection: {arn}. The provided role does not have "
                "sufficient permissions."
            )
        lost = functools.partial(ends.fail, execution, run, code, text)
        run.timers.append(place.world.scheduler.after(2, lost))
        return True
    output = artifacts.handed_on(run)
    if output is None:
        return False
    files = objects.contents(repository, head)

    def hand_on() -> None:
        try:
            artifacts.put(execution, output, files, artifacts.actor_of(execution, run))
        except RefusedError as error:
            ends.fail(execution, run, "PermissionError", artifacts.no_access(execution, error))
            return
        run.external_id = found.sha
        run.external_url = revisions.url(run.declaration, place, found)
        run.output = revisions.output_variables(run.declaration, place, found)
        ends.succeed(execution, run, revisions.summary(run.declaration, found), commit=found)

    run.timers.append(place.world.scheduler.after(4, hand_on))
    return True


provider("CodeStarSourceConnection")(_find_head)
provider("GitHub")(_find_head)
