"""Makes a team's changes and their runs the way the mirror would hold them."""

from datetime import datetime, timedelta
from typing import Any

from apps.codebuild.models import Build
from apps.codedeploy.models import Application, Deployment, DeploymentGroup
from apps.codepipeline.models import Action, Execution, Pipeline
from apps.delivery import journey as journeys
from apps.delivery.journey import Journey
from apps.mirror.models import Link
from apps.source.models import Commit, PullRequest, Repository
from tests import factories
from tests.factories import action_definition, stage_definition
from tests.source import making
from tests.source.making import sha

STATES = {"Succeeded": "done", "Failed": "failed", "InProgress": "moving"}
STAGES = [
    stage_definition("Source", action_definition("Source", "Source", "CodeCommit")),
    stage_definition("Build", action_definition("Build")),
    stage_definition("Staging", action_definition("Stage", "Deploy", "ECS")),
    stage_definition(
        "Production",
        action_definition("Approve", "Approval", "Manual"),
        action_definition("Ship", "Deploy", "CodeDeploy", run_order=2),
    ),
]
ACTIONS = {
    "Source": [("Source", "Source")],
    "Build": [("Build", "Build")],
    "Staging": [("Stage", "Deploy")],
    "Production": [("Approve", "Approval"), ("Ship", "Deploy")],
}


def make_line(count: int, name: str = "shop", **more: Any) -> tuple[Repository, list[Commit]]:
    """A repository whose main branch has so many commits, a minute between them."""
    repository = making.make_repository(name, **more)
    commits = [making.make_commit(repository, number) for number in range(1, count + 1)]
    point(repository, main=count)
    return repository, commits


def point(repository: Repository, **heads: int) -> None:
    """Let branches point to commits by number."""
    told = {name: sha(number) for name, number in heads.items()}
    Repository.objects.filter(pk=repository.pk).update(heads=told)


def make_pipeline(name: str = "shop", **more: Any) -> Pipeline:
    """A pipeline that builds, brings out to staging, asks, and brings out to production."""
    pipeline = factories.make_pipeline(name, **{"definition": STAGES, **more})
    for stage in ACTIONS:
        factories.make_stage(pipeline, stage, None, "")
    return pipeline


def run(
    pipeline: Pipeline,
    number: int,
    *,
    to: str = "Production",
    status: str = "Succeeded",
    at: int | None = None,
    **more: Any,
) -> Execution:
    """An execution of the commit of a number that came through every stage before `to`.

    status  how it fares in `to`: Succeeded, Failed, InProgress, Waiting (for approval).
    at      minutes after the first commit; by default ten after its own.
    """
    minute = number + 10 if at is None else at
    ended = {"Waiting": "InProgress"}.get(status, status)
    execution = factories.make_execution(
        pipeline,
        ended,
        **{
            "revision_id": sha(number),
            "summary": f"Change {number}",
            "started_at": factories.LONG_AGO + timedelta(minutes=minute),
            **({"state": "waiting"} if status == "Waiting" else {}),
            **more,
        },
    )
    for turn, (stage, actions) in enumerate(ACTIONS.items()):
        here = stage == to
        for name, category in actions:
            fares = status if here else "Succeeded"
            if here and status == "Failed" and name == "Approve":
                fares = "Succeeded"
            waits = fares == "Waiting"
            act(execution, stage, name, category, "InProgress" if waits else fares, turn, waits)
            if waits:
                break
        if here:
            break
    return execution


def act(
    execution: Execution,
    stage: str,
    name: str,
    category: str,
    status: str,
    turn: int,
    waits: bool = False,
) -> Action:
    """An action that began `turn` minutes after its execution and took half a minute."""
    began = execution.started_at + timedelta(minutes=turn)
    return factories.make_action(
        execution,
        stage,
        name,
        status,
        category=category,
        started_at=began,
        last_update=began + timedelta(seconds=30),
        **({"state": "waiting"} if waits else {}),
    )


def name_issue(row: Commit | PullRequest, key: str, kind: str = "jira.issue") -> Link:
    """Let a commit or a pull request name an issue."""
    by = "pullrequest" if isinstance(row, PullRequest) else "commit"
    return Link.objects.create(
        from_kind=f"codecommit.{by}",
        from_id=row.pk,
        relation="mentions",
        to_kind=kind,
        to_arn=key,
    )


def at(minute: int) -> datetime:
    """So many minutes after the first commit."""
    return factories.LONG_AGO + timedelta(minutes=minute)


def make_group(name: str = "shop/production") -> DeploymentGroup:
    """A deployment group with its application."""
    scope = factories.make_scope()
    application, _ = Application.objects.get_or_create(scope=scope, key=name.partition("/")[0])
    group, _ = DeploymentGroup.objects.get_or_create(
        scope=scope, key=name, defaults={"application": application, "name": name.partition("/")[2]}
    )
    return group


def deploy(
    number: int | None, minute: int, status: str = "Succeeded", group: str = "shop/production",
    **more: Any,
) -> Deployment:  # fmt: skip
    """A deployment of the commit of a number from GitHub, begun that many minutes after all."""
    owner = make_group(group)
    key = f"d-{Deployment.objects.count():09d}"
    commit = "" if number is None else sha(number)
    return Deployment.objects.create(
        **{
            "scope": owner.scope,
            "group": owner,
            "application_name": owner.application.key,
            "group_name": owner.name,
            "key": key,
            "arn": key,
            "status": status,
            "state": STATES[status],
            "creator": "user",
            "created_at": at(minute),
            "completed_at": at(minute + 1),
            "revision": {"type": "GitHub", "repository": "example/shop", "commit_id": commit},
            "revision_id": commit,
            **more,
        }
    )


def build(number: int, minute: int, status: str = "SUCCEEDED", **more: Any) -> Build:
    """A build of the commit of a number, begun that many minutes after all."""
    return factories.make_build(
        "shop-build",
        status,
        resolved_source_version=sha(number),
        started_at=at(minute),
        ended_at=None if status == "IN_PROGRESS" else at(minute + 1),
        **more,
    )


def of(user: Any, number: int) -> Journey:
    """The journey of the commit of a number, which there is."""
    found = journeys.of_commit(user, sha(number))
    assert found is not None
    return found
