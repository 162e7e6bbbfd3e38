"""Makes mirrored rows the way collectors and reconcile would leave them, for tests of pages."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.text import slugify
from django.utils.timezone import now

from apps.codebuild.models import Build
from apps.codebuild.models import Project as BuildProject
from apps.codepipeline.models import URGENCY, Action, Execution, Pipeline, Stage
from apps.mirror.models import Change, Link, Operation, Scope, Sweep
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from apps.people.models import Profile
from apps.projects.generations import begin_another
from apps.projects.models import Holding, Membership, Project

STATES = {
    "Succeeded": State.DONE,
    "InProgress": State.MOVING,
    "Failed": State.FAILED,
    "Superseded": State.STOPPED,
    "Stopped": State.STOPPED,
}
LONG_AGO = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
number = itertools.count(1)


def make_user(
    name: str = "release-manager", *, staff: bool = False, reads_everything: bool = True
) -> Any:
    """A user who may sign in with the password "open sesame".

    They read what is in no project, too, unless a test is about just that.
    """
    user = get_user_model()(username=name, is_staff=staff, is_superuser=staff)
    user.set_password("open sesame")
    user.save()
    if reads_everything and not staff:
        Profile.objects.create(user=user, reads_everything=True)
    return user


def make_project(name: str = "Checkout", *rows: Any, **roles: Any) -> Any:
    """A project that holds mirrored rows; `owner=user`, `viewer=user` put people into it."""
    project = Project.objects.create(name=name, slug=slugify(name))
    for role, user in roles.items():
        Membership.objects.create(project=project, user=user, role=role)
    hold(project, *rows)
    return project


def hold(project: Any, *rows: Any) -> None:
    """Let a project hold mirrored rows."""
    for row in rows:
        Holding.objects.create(
            project=project,
            kind=REGISTER.kind_of(row),
            row_id=row.pk,
            scope=row.scope,
            how=Holding.How.LINKED,
        )
    begin_another()


def make_scope(account: str = "111122223333", region: str = "eu-west-1", **more: Any) -> Scope:
    """An account in a region whose first sweep is over."""
    known = Scope.objects.filter(account=account, region=region).first()
    if known:
        return known
    values = {"first_swept_at": now(), **more}
    scope = Scope.objects.create(
        provider="aws", place=f"{account}/{region}", account=account, region=region, **values
    )
    over = now() if values["first_swept_at"] else None
    kinds = REGISTER.of("aws")
    # Nearly every test of a page begins with these: they are written in two strokes.
    Sweep.objects.bulk_create(
        Sweep(scope=scope, kind=one.kind, started_at=over, finished_at=over, last_success=over)
        for one in kinds
    )
    if over:
        Operation.objects.bulk_create(
            Operation(scope=scope, kind=one.kind, operation=call, health="ok", last_success=over)
            for one in kinds
            for call in one.calls
        )
    return scope


def change(row: Any, kind: str, **more: Any) -> Change:
    """Note a change of a row, and stamp it, as reconcile does."""
    noted = Change.objects.create(
        scope=row.scope,
        kind=kind,
        row_id=row.pk,
        key=row.key,
        verb=more.pop("verb", Change.Verb.CHANGED),
        subjects=more.pop("subjects", [f"{kind}:{row.pk}"]),
        **more,
    )
    type(row).objects.filter(pk=row.pk).update(version=noted.pk)
    row.version = noted.pk
    return noted


def stage_definition(name: str, *actions: dict[str, Any]) -> dict[str, Any]:
    """A stage of a definition."""
    return {"name": name, "on_failure": "", "actions": list(actions)}


def action_definition(
    name: str, category: str = "Build", provider: str = "CodeBuild", run_order: int = 1, **more: Any
) -> dict[str, Any]:
    """An action of a definition."""
    return {
        "name": name,
        "category": category,
        "owner": "AWS",
        "provider": provider,
        "version": "1",
        "run_order": run_order,
        "region": "",
        "namespace": "",
        "role_arn": "",
        "configuration": {},
        "inputs": [],
        "outputs": [],
        **more,
    }


SOURCE = action_definition("GitHub", "Source", "CodeStarSourceConnection")
THREE_STAGES = [
    stage_definition("Source", SOURCE),
    stage_definition("Build", action_definition("Compile"), action_definition("Unit", "Test")),
    stage_definition("Deploy", action_definition("Deploy", "Deploy", "ECS")),
]


def make_pipeline(name: str = "", scope: Scope | None = None, **more: Any) -> Pipeline:
    """A pipeline that never ran."""
    scope = scope or make_scope()
    name = name or f"service-{next(number):04d}"
    return Pipeline.objects.create(
        **{
            "scope": scope,
            "key": name,
            "arn": f"arn:aws:codepipeline:{scope.region}:{scope.account}:{name}",
            "pipeline_version": 3,
            "pipeline_type": "V2",
            "definition": THREE_STAGES,
            "created": LONG_AGO,
            "updated": LONG_AGO,
            "role_arn": f"arn:aws:iam::{scope.account}:role/service-role/pipeline",
            **more,
        }
    )


def make_execution(pipeline: Pipeline, status: str = "Succeeded", **more: Any) -> Execution:
    """An execution; the pipeline's denormalised columns follow where it is the newest."""
    turn = next(number)
    started = more.pop("started_at", now() - timedelta(minutes=20))
    state = more.pop("state", STATES.get(status, State.UNKNOWN))
    over = state not in (State.MOVING, State.WAITING)
    execution = Execution.objects.create(
        **{
            "scope": pipeline.scope,
            "pipeline": pipeline,
            "key": f"{turn:08x}-0000-4000-8000-{turn:012x}",
            "status": status,
            "state": state,
            "started_at": started,
            "ended_at": started + timedelta(minutes=9, seconds=turn % 60) if over else None,
            "last_update": started + timedelta(minutes=9),
            "trigger_type": "WebhookV2",
            "revision_id": f"{turn:07x}e5f60718293a4b5c6d7e8f90123456789"[:40],
            "summary": f"Change number {turn}",
            "author": "checkout-developer",
            **more,
        }
    )
    newest = pipeline.latest_started_at
    if newest is None or (started and started >= newest):
        pipeline.latest_execution = execution
        pipeline.latest_started_at = started
        pipeline.status, pipeline.state = status, state
        pipeline.urgency = URGENCY[State(state)]
        pipeline.save()
    return execution


def live_action(name: str, status: str = "Succeeded", **more: Any) -> dict[str, Any]:
    """An action as GetPipelineState tells it."""
    return {
        "name": name,
        "action_execution_id": "",
        "status": status,
        "state": STATES.get(status, ""),
        "summary": "",
        "last_change": now().isoformat(),
        "expires_at": None,
        "external_id": "",
        "external_url": "",
        "runs": "",
        "entity_url": "",
        "revision_id": "",
        "revision_url": "",
        "percent": None,
        "error_code": "",
        "error_message": "",
        "updated_by": "",
        **more,
    }


def make_stage(
    pipeline: Pipeline,
    name: str,
    execution: Execution | None,
    status: str,
    *actions: Any,
    **more: Any,
) -> Stage:
    """A stage with its live actions."""
    return Stage.objects.create(
        **{
            "scope": pipeline.scope,
            "pipeline": pipeline,
            "key": f"{pipeline.key}/{name}",
            "name": name,
            "position": pipeline.stages.count(),
            "status": status,
            "state": STATES.get(status, ""),
            "execution_id": execution.key if execution else "",
            "actions": list(actions),
            **more,
        }
    )


def make_action(
    execution: Execution, stage: str, name: str, status: str = "Succeeded", **more: Any
) -> Action:
    """A recorded action."""
    turn = next(number)
    return Action.objects.create(
        **{
            "scope": execution.scope,
            "execution": execution,
            "key": f"{turn:08x}-aaaa-4000-8000-{turn:012x}",
            "stage": stage,
            "name": name,
            "category": "Build",
            "owner": "AWS",
            "provider": "CodeBuild",
            "status": status,
            "state": STATES.get(status, State.UNKNOWN),
            "started_at": execution.started_at,
            "last_update": execution.started_at + timedelta(minutes=3, seconds=5),
            **more,
        }
    )


def make_build(project: str = "checkout-build", status: str = "SUCCEEDED", **more: Any) -> Build:
    """A build with its project."""
    scope = more.pop("scope", None) or make_scope()
    turn = next(number)
    key = f"{project}:{turn:08x}-bbbb-4000-8000-{turn:012x}"
    owner, _ = BuildProject.objects.get_or_create(
        scope=scope,
        key=project,
        defaults={"arn": f"arn:aws:codebuild:{scope.region}:{scope.account}:project/{project}"},
    )
    state = {"SUCCEEDED": State.DONE, "FAILED": State.FAILED, "IN_PROGRESS": State.MOVING}[status]
    return Build.objects.create(
        **{
            "scope": scope,
            "project": owner,
            "project_name": project,
            "key": key,
            "arn": f"arn:aws:codebuild:{scope.region}:{scope.account}:build/{key}",
            "status": status,
            "state": state,
            "build_number": turn,
            "started_at": now() - timedelta(minutes=12),
            "resolved_source_version": f"{turn:07x}e5f60718293a4b5c6d7e8f90123456789"[:40],
            **more,
        }
    )


def link_runs(kind: str, row: Any, build: Build) -> Link:
    """An action or a stage that started a build."""
    return Link.objects.create(
        from_kind=kind,
        from_id=row.pk,
        relation="runs",
        to_kind="codebuild.build",
        to_arn=build.arn,
        owning=True,
    )


def make_running_pipeline(name: str = "", status: str = "Succeeded", **more: Any) -> Pipeline:
    """A pipeline with one execution of that status, three stages and their actions."""
    pipeline = make_pipeline(name, **more)
    execution = make_execution(pipeline, status)
    make_stage(
        pipeline,
        "Source",
        execution,
        "Succeeded",
        live_action("GitHub", revision_id=execution.revision_id),
    )
    if status == "Failed":
        failed = live_action(
            "Compile",
            "Failed",
            error_code="JobFailed",
            error_message="Build terminated with state: FAILED",
        )
        make_stage(pipeline, "Build", execution, "Failed", failed, live_action("Unit"))
        make_stage(pipeline, "Deploy", None, "", live_action("Deploy", ""))
    elif status == "InProgress":
        moving = live_action("Compile", "InProgress", percent=40)
        make_stage(pipeline, "Build", execution, "InProgress", moving, live_action("Unit"))
        make_stage(pipeline, "Deploy", None, "", live_action("Deploy", ""))
    else:
        make_stage(
            pipeline, "Build", execution, "Succeeded", live_action("Compile"), live_action("Unit")
        )
        make_stage(pipeline, "Deploy", execution, "Succeeded", live_action("Deploy"))
    change(pipeline, "codepipeline.pipeline")
    return pipeline


def make_waiting_pipeline(name: str = "") -> Pipeline:
    """A pipeline whose approval waits for a person until tomorrow."""
    definition = [
        stage_definition("Source", SOURCE),
        stage_definition("Approve", action_definition("Release manager", "Approval", "Manual")),
    ]
    pipeline = make_pipeline(name, definition=definition)
    execution = make_execution(pipeline, "InProgress", state=State.WAITING)
    make_stage(pipeline, "Source", execution, "Succeeded", live_action("GitHub"))
    waits = live_action(
        "Release manager",
        "InProgress",
        state="waiting",
        summary="Look at staging first",
        expires_at=(now() + timedelta(days=1)).isoformat(),
    )
    make_stage(pipeline, "Approve", execution, "InProgress", waits, state=State.WAITING)
    change(pipeline, "codepipeline.pipeline")
    return pipeline


def make_parallel_pipeline(name: str = "") -> Pipeline:
    """A PARALLEL pipeline: its stages tell nothing, two executions run side by side."""
    pipeline = make_pipeline(name, execution_mode="PARALLEL")
    for stage in pipeline.definition:
        actions = [live_action(action["name"], "") for action in stage["actions"]]
        make_stage(pipeline, stage["name"], None, "", *actions)
    for status in ("InProgress", "Failed"):
        execution = make_execution(pipeline, status)
        make_action(execution, "Source", "GitHub", category="Source")
        make_action(execution, "Build", "Compile", status, error_code="JobFailed")
    change(pipeline, "codepipeline.pipeline")
    return pipeline
