"""What there is when the sandbox starts: nothing, the default scenario, or very many pipelines."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from apps.sandbox.beanstalk import furnishing as beanstalk
from apps.sandbox.cloudformation import furnish as stacks
from apps.sandbox.cloudwatch import furnish as cloudwatch
from apps.sandbox.codebuild.model import Project, ProjectStore
from apps.sandbox.codebuild.projects import make_project
from apps.sandbox.codecommit import life as sources
from apps.sandbox.codedeploy import furnish as codedeploy
from apps.sandbox.codepipeline.definitions import make_pipeline
from apps.sandbox.codepipeline.model import Declaration, Transition
from apps.sandbox.compute import furnish as compute
from apps.sandbox.connections import AVAILABLE, ConnectionStore, make_connection
from apps.sandbox.logs import LogStore
from apps.sandbox.scenario import accounts, bulk, development, edge, production, trackers, work
from apps.sandbox.scenario.plan import RELEASE_MANAGER, PipelinePlan, ProjectPlan
from apps.sandbox.scenario.traffic import Committer
from apps.sandbox.world import Place, World, uuid_from

#: A scenario by name (``empty``, ``default``, ``quiet``, ``bulk:500``) or a function that furnishes
#: a world.
Scenario = str | Callable[[World], None]

_PAST_HOURS = 7.5 * 24

#: What the services of the default scenario hold before its pipelines run: each is called with the
#: world when the past begins, and puts what it has there on the heap or into its stores.
FURNISHERS: tuple[Callable[[World], None], ...] = (
    compute.furnish,
    beanstalk.furnish,
    sources.furnish,
    codedeploy.furnish,
    stacks.furnish,
    cloudwatch.furnish,
    trackers.furnish,
    work.furnish,
)


def is_known(name: str) -> bool:
    """Whether there is a scenario of this name."""
    return name in ("empty", "default", "quiet") or (
        name.startswith("bulk:") and name[5:].isdecimal()
    )


def unknown(name: str) -> str:
    """What to say about a name that is none."""
    return f"no scenario {name!r}: there are empty, default, quiet and bulk:<number of pipelines>"


def furnish(world: World, scenario: Scenario) -> None:
    """Fill a new world, and leave its clock at the present; raises ValueError for a wrong name."""
    if not callable(scenario) and not is_known(scenario):
        raise ValueError(unknown(scenario))
    accounts.furnish(world)
    if callable(scenario):
        scenario(world)
        world.scheduler.end_replay()
    elif scenario in ("default", "quiet"):
        world.quiet = scenario == "quiet"
        _furnish_default(world)
    elif scenario.startswith("bulk:"):
        bulk.furnish(world, int(scenario[5:]))


def _furnish_default(world: World) -> None:
    present = world.now()
    world.scheduler.begin_replay(_PAST_HOURS * 3600)
    for furnish_service in FURNISHERS:
        furnish_service(world)
    committers = []
    make_connection(world.place("111122223333", "eu-west-1"), "bitbucket", "Bitbucket")
    for plan in (*production.PLACES, *edge.PLACES, *development.PLACES):
        place = world.place(plan.account, plan.region)
        words = {
            "connection": place.arn(
                "codeconnections", f"connection/{uuid_from(world.chance(plan.account, 'c'))}"
            )
        }
        if place.of(ConnectionStore).find(words["connection"]) is None:
            make_connection(place, "github", arn=words["connection"], status=AVAILABLE)
        for project in plan.projects:
            make_planned_project(place, project)
        committers += [
            _make_planned_pipeline(place, pipeline, words) for pipeline in plan.pipelines
        ]
    for committer in committers:
        committer.schedule_past(present)
        if committer.plan.disabled is not None:
            stage, reason, hours = committer.plan.disabled
            pipeline, who = (
                committer.pipeline,
                RELEASE_MANAGER.format(account=committer.pipeline.place.account),
            )

            def close(p: Any = pipeline, s: str = stage, w: str = who, r: str = reason) -> None:
                p.transitions[s] = Transition(False, w, world.now(), r)

            world.scheduler.at(present - hours * 3600, close)
    world.scheduler.end_replay()
    if world.lives:
        for committer in committers:
            committer.go_live()


def make_planned_project(place: Place, plan: ProjectPlan) -> Project:
    """Put a planned project into its place."""
    extra = dict(plan.declaration)
    definition: Declaration = {
        "name": plan.name,
        "description": extra.get("description", ""),
        "source": extra.get("source", {"type": "CODEPIPELINE", "buildspec": "buildspec.yml"}),
        "artifacts": {
            "type": "NO_ARTIFACTS" if "source" in extra else "CODEPIPELINE",
            "name": plan.name,
            "packaging": "NONE",
        },
        "environment": {
            "type": "ARM_CONTAINER" if extra.get("arm") else "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-aarch64-standard:3.0"
            if extra.get("arm")
            else "aws/codebuild/standard:7.0",
            "computeType": extra.get("compute", "BUILD_GENERAL1_SMALL"),
            "privilegedMode": extra.get("privileged", False),
            "imagePullCredentialsType": "CODEBUILD",
            "environmentVariables": [
                {"name": name, "value": value, "type": kind}
                for name, value, kind in extra.get("variables", [])
            ],
        },
        "serviceRole": f"arn:aws:iam::{place.account}:role/service-role/codebuild-{plan.name}",
    }
    if "cache" in extra:
        definition["cache"] = extra["cache"]
    if extra.get("vpc"):
        definition["vpcConfig"] = {
            "vpcId": "vpc-0a1b2c3d4e5f60718",
            "subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-0b2c3d4e5f6071829"],
            "securityGroupIds": ["sg-0a1b2c3d4e5f60718"],
        }
    definition["logsConfig"] = (
        {
            "cloudWatchLogs": {"status": "DISABLED"},
            "s3Logs": {
                "status": "ENABLED",
                "location": extra["s3_logs_only"],
                "encryptionDisabled": False,
            },
        }
        if "s3_logs_only" in extra
        else {
            "cloudWatchLogs": {"status": "ENABLED"},
            "s3Logs": {"status": "DISABLED", "encryptionDisabled": False},
        }
    )
    project = make_project(place, definition)
    project.flavour, project.build_seconds = plan.flavour, plan.build_seconds
    project.fails_every, project.hostile_log = plan.fails_every, plan.hostile_log
    project.tests = plan.tests
    place.of(ProjectStore).projects[plan.name] = project
    if "s3_logs_only" not in extra:
        place.of(LogStore).ensure_group(f"/aws/codebuild/{plan.name}")
    return project


def _make_planned_pipeline(place: Place, plan: PipelinePlan, words: dict[str, str]) -> Committer:
    for project in plan.projects:
        make_planned_project(place, project)
    extra = dict(plan.declaration)
    store: Declaration = {"type": "S3", "location": f"codepipeline-{place.region}-{place.account}"}
    if extra.pop("kms", False):
        key = uuid_from(place.world.chance(plan.name, "key"))
        store["encryptionKey"] = {"id": place.arn("kms", f"key/{key}"), "type": "KMS"}
    stages = [_filled(copy.deepcopy(stage), words) for stage in plan.stages]
    declaration: Declaration = {
        "name": plan.name,
        "roleArn": f"arn:aws:iam::{place.account}:role/service-role/codepipeline-{plan.name}",
        "stages": stages,
    }
    other = extra.pop("cross_region", None)
    if other:
        declaration["artifactStores"] = {
            place.region: store,
            other: {"type": "S3", "location": f"codepipeline-{other}-{place.account}"},
        }
    else:
        declaration["artifactStore"] = store
    pipeline = make_pipeline(place, {**declaration, **extra}, dict(plan.tags))
    pipeline.scripts = dict(plan.scripts)
    return Committer(pipeline, plan, words)


def _filled(stage: Declaration, words: dict[str, str]) -> Declaration:
    for action in stage["actions"]:
        action["configuration"] = {
            name: value.replace("{connection}", words["connection"])
            for name, value in action["configuration"].items()
        }
    return stage
