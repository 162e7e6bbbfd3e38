"""From a call that somebody makes to the row it changes: by the queue alone, without a sweep."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from django.core.cache import cache

from apps.aws import listen as listening
from apps.aws.connect import connect
from apps.aws.models import Account, Arrival, Place
from apps.codebuild.models import Project
from apps.codepipeline.models import Pipeline, Stage
from apps.mirror.models import Hint, Scope
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import sweep_scope
from apps.sandbox.server import SandboxServer
from tests.sandbox.shapes import approval, deploy, pipeline, project

pytestmark = pytest.mark.django_db
ACCOUNT, REGION = "111122223333", "eu-west-1"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    cache.clear()
    with SandboxServer(seed=3, speed=0) as server:
        yield server


@pytest.fixture
def aws(sandbox: SandboxServer) -> Callable[[str], Any]:
    """Clients of somebody who works in the account."""
    session = boto3.Session(ACCOUNT, "any", region_name=REGION)
    return lambda service: session.client(service, endpoint_url=sandbox.url)


@pytest.fixture
def hear(sandbox: SandboxServer, aws: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Listen until nothing comes any more; return how often each operation was called for it.

    A pipeline and a project are mirrored, and what making them told was heard.
    """
    monkeypatch.setattr(listening, "TURNS", 1)
    monkeypatch.setattr(listening, "POLL_SECONDS", 1)
    monkeypatch.setattr(listening, "_stopping", False)
    aws("codepipeline").create_pipeline(pipeline=pipeline("web", [deploy()]))
    aws("codebuild").create_project(**project("web-build"))
    account = connect(
        name="tools",
        method=Account.Method.KEYS,
        regions=[REGION],
        account_id=ACCOUNT,
        access_key_id=ACCOUNT,
        secret_access_key="any",
        endpoint_url=sandbox.url,
        managed=True,
    )
    place = account.places.get()

    def listen() -> Counter[str]:
        before = sandbox.calls()
        while listening.listen(place.pk):
            pass
        after = Counter(sandbox.calls())
        after.subtract(before)
        counted: Counter[str] = Counter()
        for (_, _, service, operation), count in after.items():
            if service != "sqs" and count:
                counted[f"{service}:{operation}"] += count
        return counted

    # No other service is looked at: none of them has anything here.
    monkeypatch.setattr(
        REGISTER,
        "by_kind",
        {
            kind: resource
            for kind, resource in REGISTER.by_kind.items()
            if resource.app_label in ("codepipeline", "codebuild")
        },
    )
    for sweep, result in sweep_scope(Scope.objects.get()):
        assert result is not None, sweep.kind
    listen()
    # What found nothing new is read once more a little later; a slow machine would see it here.
    Hint.objects.filter(echo=True).delete()
    return listen


def test_a_transition_that_is_closed_shows_within_a_second(hear, aws):
    assert Stage.objects.get(name="Two").transition_enabled
    began = time.monotonic()
    aws("codepipeline").disable_stage_transition(
        pipelineName="web", stageName="Two", transitionType="Inbound", reason="Freeze"
    )
    listening.listen(Place.objects.get().pk)
    took = time.monotonic() - began
    stage = Stage.objects.get(name="Two")
    assert (stage.transition_enabled, stage.transition_reason) == (False, "Freeze")
    # Of which the simulated queue itself takes up to a second to notice.
    assert took < 2
    aws("codepipeline").enable_stage_transition(
        pipelineName="web", stageName="Two", transitionType="Inbound"
    )
    # What moved in a stage wakes what may have run in it; nothing is listed.
    assert hear().keys() == {
        "codepipeline:GetPipelineState",
        "codepipeline:ListPipelineExecutions",
        "codepipeline:ListActionExecutions",
    }
    assert Stage.objects.get(name="Two").transition_enabled


def test_an_edited_definition_shows_with_its_stages(hear, aws):
    client = aws("codepipeline")
    definition = client.get_pipeline(name="web")["pipeline"]
    ready = {"name": "Ready", "actions": [approval()]}
    client.update_pipeline(pipeline={**definition, "stages": [*definition["stages"], ready]})
    hear()
    row = Pipeline.objects.get(key="web")
    assert (row.pipeline_version, len(row.definition)) == (2, 3)
    assert list(row.stages.order_by("position").values_list("name", flat=True)) == [
        "Source",
        "Two",
        "Ready",
    ]


def test_tags_show_though_they_move_no_stamp(hear, aws):
    row = Pipeline.objects.get(key="web")
    aws("codepipeline").tag_resource(resourceArn=row.arn, tags=[{"key": "team", "value": "shop"}])
    hear()
    assert Pipeline.objects.get(key="web").tags == {"team": "shop"}


def test_a_new_pipeline_and_a_deleted_one_show(hear, aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("shop", [deploy()]))
    hear()
    assert Pipeline.objects.get(key="shop").gone_at is None
    client.delete_pipeline(name="shop")
    hear()
    assert Pipeline.objects.get(key="shop").gone_at is not None
    assert Pipeline.objects.get(key="web").gone_at is None


def test_projects_show_when_they_are_made_edited_and_deleted(hear, aws):
    client = aws("codebuild")
    client.create_project(**project("new-build"))
    client.update_project(name="web-build", description="Builds the shop")
    hear()
    assert Project.objects.filter(key="new-build", gone_at=None).exists()
    assert Project.objects.get(key="web-build").description == "Builds the shop"
    client.delete_project(name="new-build")
    hear()
    assert Project.objects.get(key="new-build").gone_at is not None


def test_what_arrived_of_which_source_is_known(hear, aws):
    aws("codebuild").start_build(projectName="web-build")
    hear()
    assert set(Arrival.objects.values_list("source", "detail_type")) == {
        ("aws.codebuild", "AWS API Call via CloudTrail"),
        ("aws.codebuild", "CodeBuild Build Phase Change"),
        ("aws.codebuild", "CodeBuild Build State Change"),
        ("aws.codepipeline", "AWS API Call via CloudTrail"),
        ("aws.codepipeline", "CodePipeline Action Execution State Change"),
        ("aws.codepipeline", "CodePipeline Pipeline Execution State Change"),
        ("aws.codepipeline", "CodePipeline Stage Execution State Change"),
    }
    place = Place.objects.get()
    assert place.waiting == 0
    assert place.waited is not None
