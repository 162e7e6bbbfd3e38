"""Very many small pipelines with a short past, cheap to make: for benchmarks."""

from __future__ import annotations

from apps.sandbox.codepipeline import engine
from apps.sandbox.codepipeline.definitions import make_pipeline
from apps.sandbox.codepipeline.model import Commit, Pipeline
from apps.sandbox.scenario.plan import MESSAGES, action, from_codecommit, stage
from apps.sandbox.world import World, hex_from

ACCOUNT, REGION = "111122223333", "eu-west-1"
EXECUTIONS = 3


def furnish(world: World, count: int) -> None:
    """Make ``count`` pipelines, ``service-0001`` and on, in one place, each run three times."""
    place = world.place(ACCOUNT, REGION)
    present = world.now()
    world.scheduler.begin_replay(24 * 3600)
    width = max(4, len(str(count)))
    for number in range(1, count + 1):
        name = f"service-{number:0{width}d}"
        pipeline = make_pipeline(
            place,
            {
                "name": name,
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/service-role/codepipeline-{name}",
                "artifactStore": {"type": "S3", "location": f"codepipeline-{REGION}-{ACCOUNT}"},
                "stages": [
                    stage("Source", from_codecommit(name)),
                    stage("Test", action("Smoke", "Invoke", "Lambda", {"FunctionName": "smoke"})),
                    stage(
                        "Deploy",
                        action(
                            "Deploy",
                            "Deploy",
                            "CodeDeploy",
                            {"ApplicationName": name, "DeploymentGroupName": "production"},
                            takes=("SourceArtifact",),
                        ),
                    ),
                ],
            },
            {"team": f"team-{number % 12}"},
        )
        for run in range(EXECUTIONS):
            moment = present - (EXECUTIONS - run) * 7200 - number % 3600
            world.scheduler.at(moment, lambda pipeline=pipeline: _push(pipeline))  # type: ignore[misc]
    world.scheduler.end_replay()


def _push(pipeline: Pipeline) -> None:
    world, number = pipeline.place.world, pipeline.started_count
    chance = world.chance(pipeline.arn, number)
    message = MESSAGES[number % len(MESSAGES)]
    pipeline.heads["Source"] = Commit(
        hex_from(chance, 40), message, "platform-engineer", "main", world.now()
    )
    engine.start(
        pipeline, "CloudWatchEvent", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{pipeline.name}"
    )
