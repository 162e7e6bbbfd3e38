"""A project with a pipeline in an account where things may be done, and four people around it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.audit.verbs import VERBS
from apps.aws.models import Account
from apps.codepipeline.models import Pipeline
from apps.deeds.acts import ACTS, Act
from apps.projects.models import Project
from apps.projects.roles import Role
from tests.factories import make_pipeline, make_project, make_user
from tests.flown import _no_memory, queued

from .making import Hands, connected, permitted

__all__ = ["_no_memory", "queued"]


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    found = {
        name: make_user(name, reads_everything=False)
        for name in ("owner", "contributor", "viewer", "stranger")
    }
    return {**found, "administrator": make_user("administrator", staff=True)}


@pytest.fixture
def pipeline(db: None) -> Pipeline:
    return make_pipeline("checkout")


@pytest.fixture
def account(pipeline: Pipeline) -> Account:
    return connected(pipeline.scope)


@pytest.fixture
def project(people: dict[str, Any], pipeline: Pipeline, account: Account) -> Project:
    roles = {name: people[name] for name in ("owner", "contributor", "viewer")}
    found: Project = make_project("Checkout", pipeline, **roles)
    permitted(account)
    return found


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def act(hands: Hands, project: Project, account: Account) -> Iterator[Act]:
    """An act that the tests alone know: contributors press a button on a pipeline."""
    found = Act(
        name="test.press",
        kind="codepipeline.pipeline",
        label="Press",
        group="Tests",
        icon="rocket",
        told="pressed {what}",
        needed=Role.CONTRIBUTOR,
        calls=("codepipeline:StartPipelineExecution",),
        seen=lambda row: {"version": row.pipeline_version},
        effect=lambda row, _said: [f"{row.key} is pressed."],
        doer=hands,
    )
    ACTS.add(found)
    permitted(account)
    yield found
    del ACTS.by_name[found.name], VERBS.by_name[found.name]


@pytest.fixture
def browser_of(people: dict[str, Any]) -> Any:
    def of(name: str) -> Client:
        client = Client()
        client.force_login(people[name])
        return client

    return of
