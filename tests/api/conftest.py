"""What the API has to tell in its tests, and who asks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.api.models import ApiToken
from apps.codebuild.models import Build, Project
from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.mirror.models import Link, Operation, Scope, Sweep
from apps.mirror.sweep import ensure_sweeps
from tests.factories import make_user

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    """Wrong tokens of other tests came from the same address."""
    cache.clear()


@pytest.fixture
def user(db: None) -> Any:
    return make_user("release-manager")


@pytest.fixture
def token(user: Any) -> str:
    row = ApiToken(name="wallboard", user=user)
    token = row.renew()
    row.save()
    return token


class Program(Client):
    """A program that reads the API."""

    def __init__(self, token: str) -> None:
        super().__init__(headers={"Authorization": f"Bearer {token}"} if token else {})
        self.token = token

    def headers_of(self) -> str:
        """What it sends to be let in."""
        return f"Bearer {self.token}"

    def json(self, path: str, status: int = 200, **params: Any) -> Any:
        response = self.get(f"/api/v1/{path}", params)
        assert response["Content-Type"].startswith("application/json"), response.content[:200]
        assert response.status_code == status, response.content
        return response.json()

    def everything(self, path: str, **params: Any) -> list[Any]:
        """Follow the cursors of a list to its end."""
        items: list[Any] = []
        cursor = ""
        for _ in range(100):
            page = self.json(path, cursor=cursor, **params)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items
        raise AssertionError("the cursors never end")


@pytest.fixture
def program(token: str) -> Program:
    return Program(token)


@pytest.fixture
def scope(db: None) -> Scope:
    return make_scope("111122223333", "eu-west-1")


def make_scope(account: str, region: str) -> Scope:
    scope = Scope.objects.create(
        provider="aws", place=f"{account}/{region}", account=account, region=region
    )
    ensure_sweeps(scope)
    return scope


def make_pipeline(scope: Scope, name: str = "shop", *, runs: int = 1) -> Pipeline:
    """A pipeline that failed in its second stage; its build is mirrored too."""
    row = Pipeline.objects.create(
        scope=scope,
        key=name,
        arn=f"arn:aws:codepipeline:{scope.region}:{scope.account}:{name}",
        status="Failed",
        state="failed",
        pipeline_version=3,
        tags={"team": "checkout"},
        definition=[
            {"name": "Source", "actions": [{"name": "Fetch", "run_order": 1, "provider": "S3"}]},
            {
                "name": "Build",
                "actions": [
                    {"name": "Compile", "run_order": 2, "provider": "CodeBuild", "region": None},
                    {"name": "Lint", "run_order": 1, "provider": "CodeBuild"},
                ],
            },
        ],
    )
    for position, stage in enumerate(("Source", "Build")):
        names = ("Fetch",) if stage == "Source" else ("Compile", "Lint")
        Stage.objects.create(
            scope=scope,
            key=f"{name}/{stage}",
            pipeline=row,
            name=stage,
            position=position,
            status="Failed" if position else "Succeeded",
            state="failed" if position else "done",
            transition_enabled=not position,
            transition_reason="frozen for the sale" if position else "",
            actions=[
                {
                    "name": action,
                    "status": "Failed" if action == "Compile" else "Succeeded",
                    "state": "failed" if action == "Compile" else "done",
                    "summary": "",
                    "error_code": "JobFailed" if action == "Compile" else "",
                    "error_message": "exit status 1" if action == "Compile" else "",
                    "external_id": "shop:0001" if action == "Compile" else "",
                    "percent": None,
                    "last_change": "2026-03-01T12:03:00+00:00",
                }
                for action in names
            ],
        )
    for number in range(runs):
        execution = make_execution(row, number)
    Pipeline.objects.filter(pk=row.pk).update(latest_execution=execution if runs else None)
    return Pipeline.objects.get(pk=row.pk)


def make_execution(pipeline: Pipeline, number: int, **more: Any) -> Execution:
    given = {
        "status": "Failed",
        "state": "failed",
        "started_at": BEGAN + timedelta(hours=number),
        "trigger_type": "Webhook",
        "trigger_detail": "arn:aws:codepipeline:…:webhook",
        "revisions": [
            {"action": "Fetch", "id": "0123abc", "summary": "Round prices", "author": "", "url": ""}
        ],
    }
    execution = Execution.objects.create(
        scope=pipeline.scope,
        pipeline=pipeline,
        key=f"{pipeline.pk:08x}-0000-4000-8000-{number:012x}",
        **{**given, **more},
    )
    action = Action.objects.create(
        scope=pipeline.scope,
        execution=execution,
        key=f"a-{execution.key}",
        stage="Build",
        name="Compile",
        status="Failed",
        state="failed",
        started_at=execution.started_at,
        error_code="JobFailed",
        error_message="exit status 1",
        external_id="shop:0001",
    )
    Link.objects.create(
        from_kind="codepipeline.action",
        from_id=action.pk,
        relation="runs",
        to_kind="codebuild.build",
        to_arn=build_arn(pipeline.scope, f"{pipeline.key}:{number:04}"),
        owning=True,
    )
    return execution


def build_arn(scope: Scope, key: str) -> str:
    return f"arn:aws:codebuild:{scope.region}:{scope.account}:build/{key}"


def make_build(scope: Scope, number: int = 0, project: str = "shop", **more: Any) -> Build:
    row, _ = Project.objects.get_or_create(
        scope=scope, key=project, defaults={"status": "FAILED", "state": "failed"}
    )
    key = f"{project}:{number:04}"
    given = {
        "status": "FAILED",
        "state": "failed",
        "started_at": BEGAN + timedelta(minutes=number),
        "seconds": 42,
    }
    return Build.objects.create(
        scope=scope,
        key=key,
        arn=build_arn(scope, key),
        project=row,
        project_name=project,
        build_number=number + 1,
        failing_phase="BUILD",
        failing_message="exit status 1",
        phases=[
            {
                "type": "BUILD",
                "status": "FAILED",
                "state": "failed",
                "start": "2026-03-01T12:00:00+00:00",
                "end": "2026-03-01T12:00:42+00:00",
                "seconds": 42,
                "contexts": [{"code": "COMMAND_EXECUTION_ERROR", "message": "exit status 1"}],
            }
        ],
        logs={"group": "/aws/codebuild/shop", "stream": "s-1", "url": "https://example.com/log"},
        **{**given, **more},
    )


def make_trouble(scope: Scope) -> None:
    Operation.objects.create(
        scope=scope,
        kind="codepipeline.pipeline",
        operation="codepipeline:ListPipelines",
        health="denied",
        error="not authorized",
        cure="Allow codepipeline:ListPipelines to the credentials of this account.",
        statement={"Effect": "Allow", "Action": ["codepipeline:ListPipelines"], "Resource": "*"},
        last_error=BEGAN + timedelta(hours=1),
    )
    Sweep.objects.filter(scope=scope, kind="codepipeline.pipeline").update(last_success=BEGAN)
