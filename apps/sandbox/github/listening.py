"""What follows from a push to GitHub: pipelines on the branch begin, and take its head."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from apps.sandbox.codepipeline import engine
from apps.sandbox.codepipeline.model import ActionRun, Commit, Execution, Pipeline, PipelineStore
from apps.sandbox.codepipeline.providers import Ends, provider
from apps.sandbox.github.model import GitHub

if TYPE_CHECKING:
    from apps.sandbox.github.model import Repository
    from apps.sandbox.world import World

#: Seconds from a push to the execution it starts.
_PAUSE = 1.0


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


def _find_head(execution: Execution, run: ActionRun, _ends: Ends) -> bool:
    """The source action takes its branch's head, where the simulated GitHub has the repository."""
    name, branch = source_of(run.resolved)
    repository = execution.pipeline.place.world.of(GitHub).moved(name)
    head = repository.find(branch) if repository is not None else None
    if repository is not None and head is not None:
        # Somebody may have asked for another commit than the newest.
        head = repository.commits.get(execution.wanted_revisions.get(run.name, ""), head)
        execution.pipeline.heads[run.name] = Commit(
            head.sha, head.message, head.author, branch, head.at
        )
    return False


provider("CodeStarSourceConnection")(_find_head)
provider("GitHub")(_find_head)
