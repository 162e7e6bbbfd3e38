"""What ails the default scenario's compute is what its pages say, read as the dashboard reads."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import caches
from django.test import Client

from apps.mirror.models import Mirrored
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER
from apps.sandbox.process import SandboxProcess
from tests.factories import make_user
from tests.simulated import Simulated, kinds_of, mirrored

from .conftest import Aws

SHOP, LAB = "111122223333", "444455556666"
KINDS = kinds_of("awslambda", "ecs", "ec2")


@pytest.fixture(scope="module")
def shop() -> Iterator[SandboxProcess]:
    """The default scenario, only to be read."""
    with SandboxProcess("--seed", "1", "--speed", "0") as server:
        yield server


@pytest.fixture
def mirror(db: None, shop: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`mirror(account, region)` sweeps all kinds of what deployments run on, parents first."""
    for cache in caches.all():
        cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", Simulated(shop.url))
    return lambda account, region: mirrored(account, region, *KINDS)


@pytest.fixture
def reader(db: None) -> Client:
    client = Client()
    client.force_login(make_user("platform-engineer"))
    return client


def page_of(reader: Client, kind: str, **which: Any) -> tuple[Mirrored, str]:
    """A row, and what its page says between the head and the facts."""
    resource = REGISTER.get(kind)
    assert resource.url is not None
    row = resource.model._default_manager.get(**which)
    answer = reader.get(resource.url(row))
    assert answer.status_code == 200
    return row, answer.content.decode()


def why_on(html: str) -> str:
    """What stands first under "why"."""
    return html.partition('class="card sec why-box')[2].partition("</section>")[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("account", "name", "said"),
    [
        (SHOP, "image-watermark", "ImageDeleted: Lambda lost access to the image"),
        (LAB, "fraud-features", "SubnetOutOfIPAddresses: Lambda was not able to set up VPC access"),
        (LAB, "fraud-explain", "InsufficientRolePermissions: The function&#x27;s execution role"),
    ],
)
def test_a_function_says_why_it_failed(mirror, reader, account: str, name: str, said: str):
    mirror(account, "us-east-1")
    row, html = page_of(reader, "awslambda.function", key=name)
    assert row.state == "failed"
    assert said in why_on(html)
    assert said[:40] in reader.get("/awslambda/?state=failed").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("account", "name", "said"),
    [
        (LAB, "gateway", "Stopped task: CannotPullContainerError: pull image manifest"),
        (
            SHOP,
            "ledger-export",
            "was unable to place a task because no container instance met all of its requirements.",
        ),
        (LAB, "preview-checkout", "Stopped task: Essential container in task exited (app: exit"),
        (SHOP, "invoices", "due to (reason Health checks failed with these codes: [502])"),
    ],
)
def test_a_service_says_why_it_failed(mirror, reader, account: str, name: str, said: str):
    mirror(account, "eu-west-1")
    row, html = page_of(reader, "ecs.service", name=name)
    assert row.state == "failed"
    assert said in why_on(html).partition("<br>")[0]
    assert said[:50] in reader.get("/ecs/?state=failed").content.decode()


@pytest.mark.django_db
def test_what_was_rolled_back_says_so_and_runs_the_older_image(mirror, reader):
    mirror(SHOP, "eu-west-1")
    row, html = page_of(reader, "ecs.service", name="invoices")
    assert (row.status, row.rolled_back, row.running_count) == ("ROLLED_BACK", True, 2)
    assert "Why it was rolled back" in html
    assert row.task_definition.endswith("invoices:1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "account", "which", "said"),
    [
        ("ec2.instance", SHOP, {"name": "billing-jenkins"}, "System status check failed"),
        ("ec2.instance", LAB, {"name": "orders-batch"}, "Instance status check failed"),
        (
            "ec2.autoscalinggroup",
            SHOP,
            {"key": "search-index"},
            "We currently do not have sufficient r6i.2xlarge capacity",
        ),
    ],
)
def test_a_machine_says_why_it_failed(mirror, reader, kind, account, which, said):
    mirror(account, "eu-west-1")
    row, html = page_of(reader, kind, **which)
    assert row.state == "failed"
    assert said in why_on(html)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("account", "name", "said"),
    [
        (SHOP, "checkout-api", "Health checks failed with these codes: [502]"),
        (LAB, "orders-batch", "Request timed out"),
    ],
)
def test_a_load_balancer_says_what_ails_its_targets(mirror, reader, account, name, said):
    mirror(account, "eu-west-1")
    group, html = page_of(reader, "ec2.targetgroup", name=name)
    assert group.state == "failed"
    assert said in html
    balancer, html = page_of(reader, "ec2.loadbalancer", pk=group.load_balancer_id)
    assert (balancer.state, balancer.target_state) == ("done", "failed")
    assert said in html
    listed = reader.get("/ec2/load-balancers/").content.decode()
    assert said in listed


@pytest.mark.django_db
def test_which_version_runs_where_stands_in_the_lists(mirror, reader):
    mirror(LAB, "us-east-1")
    mirror(SHOP, "eu-west-1")
    functions = reader.get("/awslambda/").content.decode()
    service = REGISTER.get("ecs.service").model._default_manager.get(name="payments")
    definition = REGISTER.get("ecs.taskdefinition").model._default_manager.get(
        arn=service.task_definition
    )
    tag = definition.containers[0]["image"].rpartition(":")[2]
    assert "fraud-model" in functions
    assert f"payments:{tag}" in reader.get("/ecs/").content.decode()


@pytest.mark.django_db
def test_an_account_without_any_of_it_and_one_that_may_not_read_it_harm_nobody(
    mirror, reader, shop
):
    empty = mirror("999988887777", "eu-west-1")
    for name in ("/awslambda/", "/ecs/", "/ec2/instances/", "/ec2/groups/", "/ec2/load-balancers/"):
        assert 'class="empty"' in reader.get(name).content.decode()
    told = set(empty.operations.values_list("health", flat=True))
    assert told == {"ok"}


@pytest.mark.django_db
def test_a_sweep_makes_as_many_calls_as_the_formulas_say(mirror, shop):
    """The formulas are those of docs/services/awslambda.md, ecs.md and ec2.md."""
    there = Aws(shop.url)
    ecs = there("ecs", LAB)
    clusters = ecs.list_clusters()["clusterArns"]
    services = [
        one
        for cluster in clusters
        for arn in ecs.list_services(cluster=cluster, maxResults=100)["serviceArns"]
        for one in ecs.describe_services(cluster=cluster, services=[arn])["services"]
    ]
    assert len(services) < 10
    named = {one["taskDefinition"] for one in services}
    named |= {part["taskDefinition"] for one in services for part in one["deployments"]}
    named |= {part["taskDefinition"] for one in services for part in one.get("taskSets", ())}
    groups = there("elbv2", LAB).describe_target_groups()["TargetGroups"]
    once = {
        "lambda:ListFunctions": 1,
        "ecs:ListClusters": 1,
        "ecs:DescribeClusters": 1,
        "ecs:ListServices": len(clusters),
        "ecs:DescribeServices": len(clusters),
        # Of the clusters in which a service is in trouble.
        "ecs:ListTasks": 2,
        "ecs:DescribeTasks": 2,
        "ec2:DescribeInstances": 1,
        "ec2:DescribeInstanceStatus": 1,
        "autoscaling:DescribeAutoScalingGroups": 1,
        "elbv2:DescribeLoadBalancers": 1,
        "elbv2:DescribeTargetGroups": 1,
        "elbv2:DescribeTargetHealth": sum(bool(one["LoadBalancerArns"]) for one in groups),
        "elb:DescribeLoadBalancers": 1,
    }
    machines = there("ec2", LAB).describe_instances()["Reservations"]
    profiles = {
        one["IamInstanceProfile"]["Arn"]
        for reservation in machines
        for one in reservation["Instances"]
        if "IamInstanceProfile" in one
    }
    shop.control("DELETE", "calls")
    mirror(LAB, "eu-west-1")
    first = made_in(shop, LAB, "eu-west-1")
    read_once = {
        "ecs:DescribeTaskDefinition": len(named),
        "iam:GetInstanceProfile": len(profiles),
    }
    assert first == {**once, **read_once}
    shop.control("DELETE", "calls")
    mirror(LAB, "eu-west-1")
    assert made_in(shop, LAB, "eu-west-1") == once


@pytest.mark.django_db
def test_versions_and_aliases_are_read_again_only_of_functions_that_changed(mirror, shop):
    shop.control("DELETE", "calls")
    mirror(LAB, "us-east-1")
    functions = 3
    assert made_in(shop, LAB, "us-east-1")["lambda:ListVersionsByFunction"] == functions
    shop.control("DELETE", "calls")
    mirror(LAB, "us-east-1")
    again = made_in(shop, LAB, "us-east-1")
    assert {name: count for name, count in again.items() if name.startswith("lambda:")} == {
        "lambda:ListFunctions": 1,
        # Those of one function all the same: a denial that came later is noticed by a call alone.
        "lambda:ListVersionsByFunction": 1,
        "lambda:ListAliases": 1,
    }


def made_in(shop: SandboxProcess, account: str, region: str) -> dict[str, int]:
    return {
        f"{one['service']}:{one['operation']}": one["count"]
        for one in shop.control("GET", "calls")["calls"]
        if (one["account"], one["region"]) == (account, region)
    }


@pytest.mark.django_db
def test_a_classic_load_balancer_says_which_instance_is_out_of_service(mirror, reader):
    mirror(SHOP, "eu-west-1")
    row, html = page_of(reader, "ec2.loadbalancer", key="release-train")
    assert (row.type, row.target_count, row.target_state) == ("classic", 4, "failed")
    assert "Instance has failed at least the UnhealthyThreshold number of health checks" in html
    assert "release-train-2019" in html
    _, html = page_of(reader, "ec2.instance", name="release-train-1")
    assert "iam/home#/roles/details/release-train-machine" in html
