"""What is empty on the page of a row: why, where it was not read, and else that there is none."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.codebuild.models import Build
from apps.codepipeline.models import Stage
from apps.mirror.models import Operation, Scope, Sweep
from tests.factories import (
    make_build,
    make_execution,
    make_pipeline,
    make_running_pipeline,
    make_scope,
)

pytestmark = pytest.mark.django_db


def denied(scope: Scope, kind: str) -> None:
    """Nothing of a kind was ever read: its policy lacks the action."""
    Sweep.objects.filter(scope=scope, kind=kind).update(last_success=None)
    Operation.objects.filter(scope=scope, kind=kind).update(
        health="denied", cure="Allow it.", last_success=None
    )


def empty_pipeline() -> str:
    return str(make_pipeline("orders").get_absolute_url())


def bare_pipeline() -> str:
    # Of one whose definition is known, the stages are shown by that.
    return str(make_pipeline("orders", definition=[]).get_absolute_url())


def empty_history() -> str:
    return f"/codepipeline/{make_pipeline('orders').pk}/executions/"


def empty_execution() -> str:
    return str(make_execution(make_pipeline("orders")).get_absolute_url())


def empty_project() -> str:
    build = make_build()
    Build.objects.all().delete()
    return str(build.project.get_absolute_url())


PAGES: list[Any] = [
    pytest.param(bare_pipeline, "codepipeline.stage", id="stages"),
    pytest.param(empty_pipeline, "codepipeline.execution", id="recent executions"),
    pytest.param(empty_history, "codepipeline.execution", id="executions"),
    pytest.param(empty_execution, "codepipeline.action", id="actions"),
    pytest.param(empty_project, "codebuild.build", id="builds"),
]


def main_of(client: Client, path: str) -> str:
    html = client.get(path).content.decode()
    return html[html.index("<main") : html.index("</main>")]


@pytest.mark.parametrize(("page", "kind"), PAGES)
def test_what_cannot_be_read_is_not_said_to_be_none(
    signed_in: Client, page: Callable[[], str], kind: str
) -> None:
    path = page()
    scope = make_scope()
    denied(scope, kind)
    html = main_of(signed_in, path)
    assert "Cannot be read: denied" in html
    assert "Allow it." in html
    assert f'href="/health/#scope-{scope.pk}"' in html
    # What cures it changes the page.
    assert "touched:scope" in html


@pytest.mark.parametrize(("page", "kind"), PAGES)
def test_what_was_not_read_yet_says_so(
    signed_in: Client, page: Callable[[], str], kind: str
) -> None:
    path = page()
    Sweep.objects.filter(kind=kind).update(last_success=None)
    Operation.objects.filter(kind=kind).update(health="not_tried", last_success=None)
    assert "Not read yet" in main_of(signed_in, path)


@pytest.mark.parametrize(("page", "kind"), PAGES)
def test_what_was_read_and_is_none_is_none(
    signed_in: Client, page: Callable[[], str], kind: str
) -> None:
    html = main_of(signed_in, page())
    assert "Not read yet" not in html
    assert "Cannot be read" not in html


def test_what_is_there_is_shown_whatever_is_denied_now(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    assert Stage.objects.filter(pipeline=pipeline).exists()
    for kind in ("codepipeline.stage", "codepipeline.execution", "codepipeline.action"):
        denied(make_scope(), kind)
    assert "Cannot be read" not in main_of(signed_in, pipeline.get_absolute_url())
