"""Twelve projects that share a bucket, a role, a cluster, a network, a balancer: found exactly."""

from typing import Any

import pytest

from apps.adoption.keep import renew
from apps.adoption.models import Adoption, Proposal
from apps.codepipeline.models import Pipeline
from apps.mirror.resource import REGISTER
from tests.adoption import rows as made
from tests.factories import make_execution, make_scope, make_stage

pytestmark = [pytest.mark.django_db, pytest.mark.sql]

ROLE = "arn:aws:iam::111122223333:role/pipelines"
BUCKET = "arn:aws:s3:::artifacts"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1"
NETWORK = "shared-network"

Labels = dict[str, list[Any]]


def shared_things() -> dict[str, Any]:
    balancer = made.balancer("shared")
    cleaner = made.function("network-cleaner")
    made.alarm("balancer-5xx", balancer)
    return {
        "balancer": balancer,
        "cluster": made.cluster("shared"),
        "network": made.stack(NETWORK, balancer, cleaner),
        "lint": made.build_project("shared-lint"),
        "log": made.log_group("/company/everything"),
        "alarms": made.make("cloudwatch.alarm", "all-is-well", made.arn("cloudwatch", "alarm:all")),
    }


def names_shared(pipeline: Any, *others: Any) -> None:
    """What everybody names."""
    for row in (pipeline, *others):
        made.tie(row, "assumes", ROLE, "iam.role")
        made.tie(row, "encrypts with", KEY, "kms.key")
        made.tie(row, "deploys from", BUCKET, "s3.bucket")


def serverless(name: str, both: dict[str, Any], **where: Any) -> list[Any]:
    """A pipeline that deploys a stack with a function."""
    scope = where.get("scope")
    function = made.function(f"{name}-api", scope)
    errors = made.alarm(f"{name}-errors", function, scope=scope)
    log = made.log_group(f"/aws/lambda/{name}-api", scope)
    made.tie(log, "log of", function)
    made.tie(function, "logs to", both["log"])
    made.tie(both["alarms"], "asks", errors)
    stack = made.stack(f"{name}-prod", function, errors, scope=scope)
    project = made.build_project(f"{name}-build")
    row = made.pipeline(
        f"{name}-pipeline",
        made.source(f"acme/{name}"),
        made.build(f"{name}-build"),
        made.build("shared-lint"),
        {**made.deploy("CloudFormation", StackName=NETWORK), "category": "Network"},
        {
            **made.deploy("CloudFormation", StackName=f"{name}-prod"),
            "region": scope.region if scope else "",
            "role_arn": f"arn:aws:iam::{scope.account}:role/deploy" if scope else "",
        },
    )
    names_shared(row, function, project)
    return [row, project, stack, function, errors, log]


def on_cluster(name: str, both: dict[str, Any]) -> list[Any]:
    """A pipeline that deploys a service of the shared cluster, behind the shared balancer."""
    service = made.service(name, both["cluster"])
    targets = made.targets(name, both["balancer"])
    made.tie(service, "serves", targets)
    log = made.log_group(f"/ecs/{name}")
    definition = REGISTER.get("ecs.taskdefinition").model.objects.create(
        scope=service.scope,
        key=f"{name}:7",
        arn=made.arn("ecs", f"task-definition/{name}:7"),
        service=service,
    )
    made.tie(service, "runs", definition)
    made.tie(definition, "logs to", log)
    high = made.alarm(f"{name}-cpu", service)
    made.tie(both["alarms"], "asks", high)
    project = made.build_project(f"{name}-image")
    row = made.pipeline(
        f"{name}-release",
        made.codecommit(name),
        made.build(f"{name}-image"),
        made.build("shared-lint"),
        made.deploy("ECS", ClusterName="shared", ServiceName=name),
    )
    repository = made.make("codecommit.repository", name, made.arn("codecommit", name))
    names_shared(row, service, project)
    return [row, repository, project, service, targets, log, high]


def on_fleet(name: str, both: dict[str, Any]) -> list[Any]:
    """A pipeline that deploys by CodeDeploy to an Auto Scaling group."""
    application, *groups = made.application(name, "staging", "production")
    fleet = made.scaling_group(f"{name}-fleet")
    targets = made.targets(f"{name}-tg", both["balancer"])
    watching = made.alarm(f"{name}-unhealthy", targets)
    busy = made.alarm(
        f"{name}-busy",
        namespace="AWS/AutoScaling",
        dimensions={"AutoScalingGroupName": f"{name}-fleet"},
    )
    made.tie(
        groups[1],
        "deploys to",
        made.arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{name}-fleet"),
        "ec2.autoscalinggroup",
    )
    made.tie(
        groups[1],
        "sends traffic by",
        made.arn("elasticloadbalancing", f"targetgroup/{name}-tg/*"),
        "ec2.targetgroup",
    )
    made.tie(groups[1], "is watched by", watching)
    made.tie(groups[0], "goes by", "arn:config", "codedeploy.deploymentconfig")
    project = made.build_project(f"{name}-bundle")
    row = made.pipeline(
        name,
        made.source(f"acme/{name}"),
        made.build(f"{name}-bundle"),
        {
            **made.deploy("CodeDeploy", ApplicationName=name, DeploymentGroupName="staging"),
            "category": "Staging",
        },
        made.deploy("CodeDeploy", ApplicationName=name, DeploymentGroupName="production"),
    )
    names_shared(row, groups[0], project)
    return [row, project, application, *groups, fleet, targets, watching, busy]


def beanstalk(name: str, both: dict[str, Any]) -> list[Any]:
    """A pipeline that deploys an environment, with the stack that it is made of."""
    application, production = made.environments(name, "prod")
    fleet = made.scaling_group(
        f"awseb-{name}-asg",
        tags={"aws:cloudformation:stack-name": f"awseb-e-{name}prod-stack"},
    )
    inner = made.stack(f"awseb-e-{name}prod-stack")
    log = made.log_group(f"/aws/elasticbeanstalk/{name}-prod/var/log/web.stdout.log")
    health = made.alarm(
        f"{name}-health",
        namespace="AWS/ElasticBeanstalk",
        dimensions={"EnvironmentName": f"{name}-prod"},
    )
    row = made.pipeline(
        name,
        made.source(f"acme/{name}"),
        made.deploy("ElasticBeanstalk", ApplicationName=name, EnvironmentName=f"{name}-prod"),
    )
    names_shared(row, production)
    return [row, application, production, fleet, inner, log, health]


def by_tag(name: str) -> list[Any]:
    """What CodeStar left behind: nothing but its tag says that these belong together."""
    tags = {"awscodestar:projectArn": made.arn("codestar", f"project/{name}")}
    stack = made.stack(f"awscodestar-{name}")
    type(stack).objects.filter(pk=stack.pk).update(tags=tags)
    return [
        made.make("codecommit.repository", name, made.arn("codecommit", name), tags=tags),
        made.build_project(f"{name}-compile", tags=tags),
        stack,
    ]


def twelve() -> tuple[Labels, dict[str, Any]]:
    """The labelled world."""
    both = shared_things()
    far = make_scope("444455556666", "us-east-1")
    tidy, log = made.function("janitor"), made.log_group("/aws/lambda/janitor")
    made.tie(log, "log of", tidy)
    labels: Labels = {
        "Checkout": serverless("checkout", both),
        "Search": serverless("search", both),
        "Payments": serverless("payments", both, scope=far),
        "Orders": on_cluster("orders", both),
        "Invoices": on_cluster("invoices", both),
        "Catalog": on_cluster("catalog", both),
        "Storefront": on_fleet("storefront", both),
        "Warehouse": on_fleet("warehouse", both),
        "Intranet": beanstalk("intranet", both),
        "Loyalty": beanstalk("loyalty", both),
        "Old shop": by_tag("old-shop"),
        "Housekeeping": [made.stack("housekeeping", tidy, log), tidy, log],
    }
    # A second pipeline of one source, which runs at night.
    nightly = made.pipeline(
        "search-nightly", made.source("ACME/search"), made.build("search-build")
    )
    labels["Search"].append(nightly)
    return labels, both


def names(rows: Any) -> set[tuple[str, int]]:
    return {(REGISTER.kind_of(row), row.pk) for row in rows}


def found() -> dict[str, set[tuple[str, int]]]:
    return {
        one.name: {row.row for row in one.rows.all() if not row.shared}
        for one in Proposal.objects.new()
    }


def test_twelve_projects_are_proposed_exactly():
    labels, both = twelve()
    assert renew()
    # The network's own function hangs on what all use: it stands alone.
    assert found() == {name: names(rows) for name, rows in labels.items()}
    assert [str(one) for one in Proposal.objects.alone()] == ["Network cleaner"]
    held = {row.row for one in Proposal.objects.new() for row in one.rows.all() if row.shared}
    used = names(both[name] for name in ("balancer", "network", "lint", "log", "alarms"))
    assert held == used
    assert not any(kind == "ecs.cluster" for kind, _ in held)


def test_what_a_stage_ran_ties_it_too_and_what_ran_once_does_not():
    pipeline = made.pipeline("shop", made.source("acme/shop"))
    project = made.build_project("shop-build")
    gone = made.build_project("built-by-hand-once")
    execution = make_execution(pipeline)
    stage = make_stage(pipeline, "Build", execution, "Succeeded")
    model = REGISTER.get("codebuild.build").model
    for number, owner in enumerate((project, gone)):
        run = model.objects.create(
            scope=pipeline.scope, key=f"b:{number}", arn=f"arn:build/{number}", project=owner
        )
        if owner is project:
            made.tie(stage, "runs", run)
        else:
            made.tie(execution, "runs", run)
    renew()
    [one] = Proposal.objects.new()
    assert {row.row for row in one.rows.all()} == names([pipeline, project])
    why = one.rows.get(kind="codebuild.project").why
    assert why == [["was last run by", "codepipeline.pipeline", "shop, stage Build"]]


def test_proposals_stay_the_same_rows_when_nothing_moves_and_when_things_come_and_go():
    labels, _ = twelve()
    renew()
    before = dict(Proposal.objects.values_list("name", "pk"))
    written = list(Proposal.objects.order_by("pk").values_list("pk", "version", "changed_at"))
    assert renew()
    assert (
        list(Proposal.objects.order_by("pk").values_list("pk", "version", "changed_at")) == written
    )
    Pipeline.objects.filter(key="search-pipeline").delete()
    made.pipeline("checkout-canary", made.source("acme/checkout"))
    renew()
    after = dict(Proposal.objects.values_list("name", "pk"))
    assert {name: after[name] for name in labels} == {name: before[name] for name in labels}
    assert Proposal.objects.get(name="Checkout").version == 2


def test_a_tag_of_ones_choice_gathers_what_nothing_ties():
    for name in ("api", "web"):
        made.pipeline(name, made.source(f"acme/{name}"), tags={"team": "shop"})
    made.build_project("audit", tags={"team": "shop"})
    renew()
    assert set(found()) == {"Api", "Web"}
    Adoption.objects.update(tag_key="team")
    renew()
    [one] = Proposal.objects.new()
    assert (one.name, one.certain) == ("Shop", 3)
    assert one.rows.get(kind="codebuild.project").why == [["has the tag", "", "team=shop"]]


def test_what_a_variable_names_is_everything_that_fits():
    both = made.cluster("previews")
    services = [made.service(f"preview-{name}", both) for name in ("a", "b")]
    other = made.service("gateway", both)
    row = made.pipeline(
        "previews",
        made.source("acme/shop"),
        made.deploy("ECS", ClusterName="previews", ServiceName="preview-#{variables.Stage}"),
    )
    made.pipeline(
        "anything",
        made.source("acme/other"),
        made.deploy("ECS", ClusterName="previews", ServiceName="#{variables.Stage}"),
    )
    renew()
    assert found()["Previews"] == names([row, *services])
    assert names([other]) == {
        one.row for one in Proposal.objects.alone().get(name="Gateway").rows.all()
    }


def test_rows_that_are_gone_or_put_aside_are_not_proposed():
    row = made.pipeline("shop", made.source("acme/shop"))
    Pipeline.objects.filter(pk=row.pk).update(gone_at=row.first_seen_at)
    make_scope("999900009999", parked=True)
    made.pipeline("parked", made.source("a/b"), scope=make_scope("999900009999"))
    renew()
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("times", [1, 6])
def test_looking_costs_the_same_queries_however_many_there_are(
    times: int, django_assert_max_num_queries: Any
):
    both = shared_things()
    for number in range(times):
        on_cluster(f"orders{number}x", both)
        serverless(f"checkout{number}x", both)
    renew()
    with django_assert_max_num_queries(60):
        renew()
