"""Functions, services and instances in the API: what an item says, and what it costs."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from apps.awslambda.models import Alias, Function, Version
from apps.codedeploy.models import Deployment, Target
from apps.ec2.models import (
    Instance,
    InstanceHealth,
    InstanceProfile,
    LoadBalancer,
    TargetGroup,
)
from apps.ecs.models import Cluster, Service, TaskDefinition
from apps.mirror.models import Link, Scope
from apps.mirror.visibility import VISIBILITY
from tests.api.conftest import BEGAN, Program, make_scope

pytestmark = pytest.mark.django_db
PLACE = "eu-west-1:111122223333"


def make_function(scope: Scope, name: str = "mail", **columns: Any) -> Function:
    arn = f"arn:aws:lambda:{PLACE}:function:{name}"
    values = {"arn": arn, "state": "done", "status": "Active", "runtime": "python3.13", **columns}
    return Function.objects.create(scope=scope, key=name, **values)


def make_service(scope: Scope, name: str = "basket", **columns: Any) -> Service:
    cluster, _ = Cluster.objects.get_or_create(scope=scope, key="shop")
    definition = f"arn:aws:ecs:{PLACE}:task-definition/{name}:2"
    TaskDefinition.objects.create(
        scope=scope,
        key=f"{name}:2",
        arn=definition,
        containers=[{"name": "app", "image": f"registry.example.com/{name}:4f2a91c"}],
    )
    values = {"state": "done", "status": "COMPLETED", "task_definition": definition, **columns}
    return Service.objects.create(
        scope=scope,
        cluster=cluster,
        key=f"shop/{name}",
        name=name,
        arn=f"arn:aws:ecs:{PLACE}:service/shop/{name}",
        **values,
    )


def make_instance(scope: Scope, key: str = "i-0a1b", **columns: Any) -> Instance:
    arn = f"arn:aws:ec2:{PLACE}:instance/{key}"
    values = {"arn": arn, "state": "done", "status": "running", "name": "web-1", **columns}
    return Instance.objects.create(scope=scope, key=key, **values)


def test_a_function_says_which_versions_its_aliases_serve(program: Program, scope: Scope):
    aliases = [{"name": "live", "state": "moving", "shares": [["6", 90.0], ["7", 10.0]]}]
    row = make_function(scope, aliases=aliases, newest_version=7, environment=["FROM"])
    Alias.objects.create(
        scope=scope,
        key="mail:live",
        function=row,
        name="live",
        state="moving",
        function_version="6",
        weights={"7": 0.1},
    )
    for number in (6, 7):
        Version.objects.create(scope=scope, key=f"mail:{number}", function=row, number=number)
    [item] = program.json("functions")["items"]
    told = [
        {
            "name": "live",
            "state": "moving",
            "shares": [{"version": "6", "percent": 90.0}, {"version": "7", "percent": 10.0}],
        }
    ]
    assert item["aliases"] == told
    assert (item["id"], item["name"], item["url"][-len("functions/1/") :].split("/")[0]) == (
        row.pk,
        "mail",
        "functions",
    )
    assert item["console_url"].startswith("https://eu-west-1.console.aws.amazon.com/lambda/")
    one = program.json(f"functions/{row.pk}")
    assert [version["version"] for version in one["versions"]] == [7, 6]
    assert one["aliases"] == told
    assert one["environment"] == ["FROM"]


def test_a_service_says_what_it_runs_and_why_it_does_not(program: Program, scope: Scope):
    message = "(service basket) was unable to place a task because there is no room."
    event = {"at": BEGAN.isoformat(), "message": message, "trouble": True}
    definition = f"arn:aws:ecs:{PLACE}:task-definition/basket:2"
    deployment = {
        "id": "ecs-svc/2",
        "status": "PRIMARY",
        "task_definition": definition,
        "desired": 2,
        "state": "failed",
        "created_at": BEGAN.isoformat(),
        "reason": "tasks failed to start.",
    }
    row = make_service(scope, state="failed", events=[event], deployments=[deployment])
    make_service(scope, "prices")
    [item] = program.json("services", state="failed")["items"]
    image = {
        "container": "app",
        "image": "registry.example.com/basket:4f2a91c",
        "version": "4f2a91c",
    }
    assert item["images"] == [image]
    assert (item["cluster"], item["name"]) == ("shop", "basket")
    assert item["why"].startswith("basket was unable to place a task because there is no room.")
    one = program.json(f"services/{row.pk}")
    assert one["events"] == [{"at": "2026-03-01T12:00:00Z", "message": message, "trouble": True}]
    [told] = one["deployments"]
    assert told["images"] == [image]
    assert (told["desired"], told["running"], told["created_at"]) == (2, 0, "2026-03-01T12:00:00Z")


def test_a_service_says_what_runs_apart_from_what_is_to_run(program: Program, scope: Scope):
    definitions = [f"arn:aws:ecs:{PLACE}:task-definition/basket:{number}" for number in (2, 1)]
    TaskDefinition.objects.create(
        scope=scope,
        key="basket:1",
        arn=definitions[1],
        containers=[{"name": "app", "image": "registry.example.com/basket:0ld"}],
    )
    deployments = [
        {"task_definition": definition, "running": running}
        for definition, running in zip(definitions, (0, 2), strict=True)
    ]
    row = make_service(scope, deployments=deployments, running_count=2, desired_count=2)
    [item] = program.json("services")["items"]
    assert [one["version"] for one in item["images"]] == ["0ld"]
    assert [one["version"] for one in item["coming"]] == ["4f2a91c"]
    deployments[0]["running"] = 1
    Service.objects.filter(pk=row.pk).update(deployments=deployments)
    [item] = program.json("services")["items"]
    assert [one["version"] for one in item["images"]] == ["4f2a91c", "0ld"]
    assert item["coming"] == []


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("COMPLETED", "ACTIVE"),
        ("STUCK", "ACTIVE"),
        ("ROLLED_BACK", "ACTIVE"),
        ("DRAINING", "DRAINING"),
        ("NEW_WORD", "NEW_WORD"),
    ],
)
def test_a_services_status_is_ecss_word_and_ours_stands_beside_it(
    program: Program, scope: Scope, word: str, status: str
):
    make_service(scope, status=word)
    [item] = program.json("services")["items"]
    assert (item["status"], item["word"]) == (status, word)


def test_a_functions_status_is_lambdas_state(program: Program, scope: Scope):
    make_function(scope, status="LastUpdateStatus Failed", function_state="Active", state="failed")
    [item] = program.json("functions")["items"]
    assert (item["status"], item["word"]) == ("Active", "LastUpdateStatus Failed")


def test_an_instance_says_how_its_checks_fare(program: Program, scope: Scope):
    check = {
        "name": "system",
        "status": "impaired",
        "state": "failed",
        "details": [],
    }
    row = make_instance(scope, state="failed", checks=[check], tags={"Name": "web-1"})
    [item] = program.json("instances")["items"]
    assert (item["instance_id"], item["name"], item["status"]) == ("i-0a1b", "web-1", "running")
    assert item["why"].startswith("System status check failed")
    assert program.json(f"instances/{row.pk}")["tags"] == {"Name": "web-1"}


def deploy_to(instance: Instance, key: str = "d-ABC") -> Target:
    """A deployment to an instance that succeeded."""
    revision = {"type": "GitHub", "repository": "shop/web", "commit_id": "4f2a91c0ffee"}
    deployment = Deployment.objects.create(scope=instance.scope, key=key, revision=revision)
    target = Target.objects.create(
        scope=instance.scope,
        key=f"{key}/{instance.key}",
        arn=instance.arn,
        deployment=deployment,
        state="done",
        ended_at=BEGAN,
    )
    Link.objects.create(
        from_kind="codedeploy.target",
        from_id=target.pk,
        relation="deploys to",
        to_kind="ec2.instance",
        to_arn=instance.arn,
    )
    return target


def test_an_instance_tells_what_runs_on_it_and_null_where_nobody_says(
    program: Program, scope: Scope
):
    row = make_instance(scope)
    assert program.json(f"instances/{row.pk}")["running"] is None
    target = deploy_to(row)
    told = program.json(f"instances/{row.pk}")["running"]
    page = f"http://testserver{target.deployment.get_absolute_url()}#target-{target.pk}"
    assert told == {
        "what": "revision shop/web 4f2a91c",
        "by": "deployment d-ABC",
        "at": "2026-03-01T12:00:00Z",
        "url": page,
    }
    assert program.json("instances")["items"][0]["running"] == told


def test_what_runs_on_an_instance_is_told_to_whom_may_see_what_brought_it(
    program: Program, scope: Scope, monkeypatch: pytest.MonkeyPatch
):
    row = make_instance(scope)
    deploy_to(row)
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda _user, _model: Q(key=row.key))
    assert program.json(f"instances/{row.pk}")["running"] is None
    assert program.json("instances")["items"][0]["running"] is None


def test_an_instance_tells_its_role_and_null_where_that_was_not_read(
    program: Program, scope: Scope
):
    arn = "arn:aws:iam::111122223333:instance-profile/web"
    row = make_instance(scope, instance_profile=arn)
    assert program.json(f"instances/{row.pk}")["roles"] is None
    role = "arn:aws:iam::111122223333:role/web"
    InstanceProfile.objects.create(scope=scope, key="web", arn=arn, roles=[role])
    assert program.json(f"instances/{row.pk}")["roles"] == [role]
    bare = make_instance(scope, "i-0b2c")
    assert program.json(f"instances/{bare.pk}")["roles"] == []


def make_balancer(scope: Scope, key: str = "app/web/1", **columns: Any) -> LoadBalancer:
    arn = f"arn:aws:elasticloadbalancing:{PLACE}:loadbalancer/{key}"
    values = {"arn": arn, "state": "done", "status": "active", "name": key, **columns}
    return LoadBalancer.objects.create(scope=scope, key=key, **values)


def test_a_load_balancer_tells_how_its_targets_fare(program: Program, scope: Scope):
    row = make_balancer(scope, type="application", target_count=1)
    target = {"id": "10.0.0.1", "port": 80, "status": "unhealthy", "state": "failed"}
    TargetGroup.objects.create(
        scope=scope, key="web/1", name="web", load_balancer=row, targets=[target]
    )
    [group] = program.json(f"load-balancers/{row.pk}")["target_groups"]
    assert group["targets"] == [{**target, "reason": "", "description": ""}]
    [item] = program.json("load-balancers", q="web")["items"]
    assert (item["type"], item["status"], item["target_count"]) == ("application", "active", 1)


def test_a_classic_load_balancer_tells_how_its_instances_fare(program: Program, scope: Scope):
    row = make_balancer(scope, "web", type="classic")
    InstanceHealth.objects.create(
        scope=scope,
        key="web:i-0a1b",
        load_balancer=row,
        instance_id="i-0a1b",
        status="OutOfService",
        state="failed",
        reason_code="Instance",
        description="No answer",
    )
    [told] = program.json(f"load-balancers/{row.pk}")["instances"]
    assert (told["id"], told["status"], told["reason"]) == ("i-0a1b", "OutOfService", "Instance")
    for item in (
        program.json(f"load-balancers/{row.pk}"),
        *program.json("load-balancers")["items"],
    ):
        assert "No answer" in item["why"]
    Scope.objects.update(parked=True)
    assert program.json("load-balancers")["items"] == []
    assert program.json(f"load-balancers/{row.pk}", status=404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "params", "found"),
    [
        ("functions", {"q": "mail"}, ["mail"]),
        ("functions", {"q": "nodejs"}, ["thumbnails"]),
        ("services", {"cluster": "shop", "q": "bas"}, ["basket"]),
        ("services", {"cluster": "other"}, []),
        ("instances", {"group": "web"}, ["web-1"]),
        ("instances", {"region": "us-east-1"}, []),
    ],
)
def test_lists_are_narrowed(program: Program, scope: Scope, path: str, params: Any, found: Any):
    make_scope("444455556666", "us-east-1")
    make_function(scope)
    make_function(scope, "thumbnails", runtime="nodejs22.x")
    make_service(scope)
    make_instance(scope, auto_scaling_group="web")
    make_instance(scope, "i-0b2c", name="batch")
    items = program.json(path, **params)["items"]
    assert [item["name"] for item in items] == found


@pytest.mark.parametrize("path", ["functions", "services", "instances"])
def test_a_list_costs_the_same_however_long_it_is(program: Program, scope: Scope, path: str):
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            program.json(path)
        return len(captured)

    make_function(scope)
    make_service(scope)
    make_instance(scope)
    cost()
    few = cost()
    for number in range(9):
        make_function(scope, f"mail-{number}")
        make_service(scope, f"basket-{number}")
        deploy_to(make_instance(scope, f"i-0{number}"), f"d-{number}")
    assert cost() == few


@pytest.mark.parametrize("path", ["functions", "services", "instances"])
def test_cursors_lead_through_a_whole_list(program: Program, scope: Scope, path: str):
    for number in range(5):
        make_function(scope, f"mail-{number}")
        make_service(scope, f"basket-{number}")
        make_instance(scope, f"i-0{number}")
    assert len({item["id"] for item in program.everything(path, limit=2)}) == 5


@pytest.mark.parametrize("path", ["functions", "services", "instances"])
def test_what_one_may_not_see_does_not_exist(program: Program, scope: Scope, path: str):
    rows = {
        "functions": make_function(scope),
        "services": make_service(scope),
        "instances": make_instance(scope),
    }
    Scope.objects.update(parked=True)
    assert program.json(path)["items"] == []
    assert program.json(f"{path}/{rows[path].pk}", status=404)["code"] == "not_found"


@pytest.mark.parametrize("path", ["functions", "services", "instances", "load-balancers"])
def test_what_belongs_to_a_row_obeys_the_rule_for_rows(
    program: Program, scope: Scope, path: str, monkeypatch: pytest.MonkeyPatch
):
    profile = "arn:aws:iam::111122223333:instance-profile/web"
    InstanceProfile.objects.create(scope=scope, key="web", arn=profile, roles=["role"])
    function, balancer = make_function(scope), make_balancer(scope, "balancer")
    Version.objects.create(scope=scope, key="mail:7", function=function, number=7)
    Alias.objects.create(
        scope=scope, key="mail:live", function=function, name="live", function_version="7"
    )
    TargetGroup.objects.create(scope=scope, key="web/1", name="web", load_balancer=balancer)
    InstanceHealth.objects.create(scope=scope, key="web:i-0", load_balancer=balancer)
    row, members = {
        "functions": (function, ("versions", "aliases")),
        "services": (make_service(scope), ("images",)),
        "instances": (make_instance(scope, instance_profile=profile), ("roles",)),
        "load-balancers": (balancer, ("target_groups", "instances")),
    }[path]
    told = program.json(f"{path}/{row.pk}")
    assert all(told[member] for member in members)
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda _user, _model: Q(key=row.key))
    told = program.json(f"{path}/{row.pk}")
    assert not any(told[member] for member in members)
    if path == "services":
        assert program.json(path)["items"][0]["images"] == []
