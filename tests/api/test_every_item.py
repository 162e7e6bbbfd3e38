"""Every item of every list says where it is, how it fares, why it failed, and where to look."""

from typing import Any

import pytest

from apps.awslambda.models import Function
from apps.beanstalk.models import Environment
from apps.cloudformation.models import Stack
from apps.cloudwatch.models import Alarm, Metric
from apps.codebuild.models import Project
from apps.codedeploy.models import Application, Deployment, DeploymentGroup, OnPremisesInstance
from apps.ec2.models import Instance, LoadBalancer
from apps.ecs.models import Cluster, Service
from apps.mirror.models import Scope
from tests.api.conftest import Program, make_build, make_pipeline
from tests.issues.making import make_issue, make_tracker
from tests.source.making import make_branch, make_commit, make_pull, make_repository, tell

pytestmark = pytest.mark.django_db

# What lies at a site, and in no region.
AT_SITES = {"issues", "trackers"}
TOLD = ("id", "arn", "account", "region", "status", "state", "url", "console_url")
# Lists that tell of something else than one mirrored thing an item.
OTHERS = {"scopes", "rows", "projects", "journeys", "approvals"}
FAILED = {"status": "FAILED", "state": "failed"}


@pytest.fixture
def everything(scope: Scope) -> Any:
    """One of each that failed, where it can, and one of each of which AWS has no word."""
    pipeline = make_pipeline(scope)
    make_pipeline(scope, "never-ran", runs=0)
    type(pipeline).objects.filter(key="never-ran").update(status="", state="")
    make_build(scope)
    Project.objects.create(scope=scope, key="never-built", arn=arn("codebuild", "project/x"))
    Project.objects.filter(arn="").update(arn=arn("codebuild", "project/shop"))
    Project.objects.filter(key="shop").update(latest_build=make_build(scope, 1))
    repository = make_repository("shop", scope, console_url="https://example.com/shop")
    make_commit(repository, 1, console_url="https://example.com/1")
    make_branch(repository, "main", 1, console_url="https://example.com/main")
    make_pull(repository, 12, console_url="https://example.com/12")
    tell(repository)
    make_issue(make_tracker())
    stack = named(scope, "cloudformation", "stack/shop/1")
    Stack.objects.create(**stack, name="shop", status_reason="No", **FAILED)
    application = Application.objects.create(**named(scope, "codedeploy", "application:shop"))
    group = DeploymentGroup.objects.create(
        **named(scope, "codedeploy", "deploymentgroup:shop/production"), application=application
    )
    deployment = named(scope, "codedeploy", "deployment:d-1")
    Deployment.objects.create(**deployment, group=group, error_message="No", **FAILED)
    Function.objects.create(**named(scope, "lambda", "function:shop"), **FAILED)
    cluster = Cluster.objects.create(**named(scope, "ecs", "cluster/shop"))
    Service.objects.create(**named(scope, "ecs", "service/shop/web"), cluster=cluster, **FAILED)
    machine = named(scope, "ec2", "instance/i-1")
    Instance.objects.create(**machine, status="running", state="done")
    balancer = named(scope, "elasticloadbalancing", "loadbalancer/app/shop/1")
    LoadBalancer.objects.create(**balancer, name="shop", status="active", state="done")
    rack = named(scope, "codedeploy", "instance/rack-1")
    OnPremisesInstance.objects.create(**rack, status="Registered", state="done")
    environment = named(scope, "elasticbeanstalk", "environment/shop/web")
    Environment.objects.create(**environment, causes=["No"], **FAILED)
    Alarm.objects.create(**named(scope, "cloudwatch", "alarm:errors"), state_reason="No", **FAILED)
    Metric.objects.create(
        scope=scope, key="errors", namespace="AWS/Lambda", metric_name="Errors", period=60
    )
    return pipeline


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:eu-west-1:111122223333:{name}"


def named(scope: Scope, service: str, name: str) -> dict[str, Any]:
    return {"scope": scope, "key": name.rpartition(":")[2], "arn": arn(service, name)}


def lists_of(program: Program) -> list[str]:
    """The lists that the API's own description names, without those below one thing."""
    paths = program.json("openapi.json")["paths"]
    names = {path.removeprefix("/api/v1/").strip("/") for path in paths}
    return sorted(name for name in names if "/" not in name and name not in OTHERS)


def test_every_item_says_all_that_one_needs(program: Program, everything: Any) -> None:
    lists = [*lists_of(program), f"pipelines/{everything.pk}/executions"]
    assert len(lists) > 15
    failed = set()
    for path in filter(lambda one: one != "executions", lists):
        items = program.everything(path)
        assert items, path
        for item in items:
            wanted = [name for name in TOLD if name != "region" or path not in AT_SITES]
            assert [name for name in wanted if not item[name]] == [], (path, item)
            if item["state"] == "failed":
                assert item["why"], (path, item)
                failed.add(path)
    assert failed >= {"pipelines", "builds", "build-projects", "deployments", "services", "alarms"}


@pytest.mark.parametrize(
    ("path", "state", "count"),
    [
        ("repositories", "done", 1),
        ("branches", "done", 1),
        ("commits", "done", 1),
        ("branches", "failed", 0),
        ("commits", "failed", 0),
        ("build-projects", "unknown", 1),
        ("pipelines", "unknown", 1),
        ("pipelines", "failed", 1),
        ("metrics", "unknown", 1),
        ("metrics", "done", 0),
    ],
)
def test_lists_are_narrowed_by_the_state_that_items_tell(
    program: Program, everything: Any, path: str, state: str, count: int
) -> None:
    items = program.json(path, state=state)["items"]
    assert [item["state"] for item in items] == [state] * count
