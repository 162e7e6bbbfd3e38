"""Makes rows that hang together, the way collectors and reconcile would leave them."""

from typing import Any

from django.apps import apps

from apps.mirror.models import Link
from apps.mirror.resource import REGISTER
from tests.factories import action_definition, make_pipeline, make_scope, stage_definition


def make(kind: str, key: str, arn: str, **more: Any) -> Any:
    """A row of any kind."""
    model = REGISTER.get(kind).model
    scope = more.pop("scope", None) or make_scope()
    return model.objects.create(scope=scope, key=key, arn=arn, **more)


def tie(source: Any, relation: str, target: Any, to_kind: str = "") -> Link:
    """A link from a row to another one, or to an ARN."""
    kind = to_kind or REGISTER.kind_of(target)
    return Link.objects.create(
        from_kind=REGISTER.kind_of(source),
        from_id=source.pk,
        relation=relation,
        to_kind=kind,
        to_arn=target if to_kind else target.arn,
    )


def arn(service: str, rest: str, scope: Any = None) -> str:
    """An ARN in a scope."""
    place = scope or make_scope()
    return f"arn:aws:{service}:{place.region}:{place.account}:{rest}"


def pipeline(name: str, *actions: dict[str, Any], scope: Any = None, **more: Any) -> Any:
    """A pipeline with an action in each stage, "Source" first."""
    stages = [stage_definition(action["category"], action) for action in actions]
    return make_pipeline(name, scope, definition=stages, **more)


def source(repository: str) -> dict[str, Any]:
    return action_definition(
        "Source",
        "Source",
        "CodeStarSourceConnection",
        configuration={"FullRepositoryId": repository},
    )


def codecommit(repository: str) -> dict[str, Any]:
    return action_definition(
        "Source", "Source", "CodeCommit", configuration={"RepositoryName": repository}
    )


def build(project: str, **more: Any) -> dict[str, Any]:
    return action_definition("Build", configuration={"ProjectName": project}, **more)


def deploy(provider: str, **configuration: str) -> dict[str, Any]:
    return action_definition("Deploy", "Deploy", provider, configuration=configuration)


def build_project(name: str, scope: Any = None, **more: Any) -> Any:
    return make(
        "codebuild.project", name, arn("codebuild", f"project/{name}", scope), scope=scope, **more
    )


def function(name: str, scope: Any = None) -> Any:
    return make("awslambda.function", name, arn("lambda", f"function:{name}", scope), scope=scope)


def log_group(name: str, scope: Any = None) -> Any:
    return make("cloudwatch.loggroup", name, arn("logs", f"log-group:{name}", scope), scope=scope)


def alarm(name: str, *watched: Any, scope: Any = None, **more: Any) -> Any:
    row = make(
        "cloudwatch.alarm", name, arn("cloudwatch", f"alarm:{name}", scope), scope=scope, **more
    )
    for one in watched:
        tie(row, "watches", one)
    return row


def stack(name: str, *made: Any, scope: Any = None) -> Any:
    """A stack with a row for each thing it made."""
    where = arn("cloudformation", f"stack/{name}/0a1b2c3d-{name}", scope)
    row = make("cloudformation.stack", where, where, scope=scope, name=name)
    inner = apps.get_model("cloudformation", "Resource")
    for number, one in enumerate(made):
        part = inner.objects.create(
            scope=row.scope, key=f"{where}/{number}", stack=row, logical_id=f"R{number}"
        )
        tie(part, "creates", one)
    return row


def application(name: str, *groups: str, scope: Any = None) -> list[Any]:
    """An application of CodeDeploy and its groups."""
    row = make(
        "codedeploy.application", name, arn("codedeploy", f"application:{name}", scope), scope=scope
    )
    return [
        row,
        *(
            make(
                "codedeploy.deploymentgroup",
                f"{name}/{group}",
                arn("codedeploy", f"deploymentgroup:{name}/{group}", scope),
                scope=scope,
                application=row,
                name=group,
            )
            for group in groups
        ),
    ]


def environments(name: str, *ids: str, scope: Any = None) -> list[Any]:
    """An application of Elastic Beanstalk and its environments."""
    row = make(
        "beanstalk.application",
        name,
        arn("elasticbeanstalk", f"application/{name}", scope),
        scope=scope,
    )
    return [
        row,
        *(
            make(
                "beanstalk.environment",
                f"{name}-{one}",
                arn("elasticbeanstalk", f"environment/{name}/{name}-{one}", scope),
                scope=scope,
                application=row,
                environment_id=f"e-{name}{one}",
            )
            for one in ids
        ),
    ]


def cluster(name: str, scope: Any = None) -> Any:
    return make("ecs.cluster", name, arn("ecs", f"cluster/{name}", scope), scope=scope)


def service(name: str, in_cluster: Any, scope: Any = None) -> Any:
    row = make(
        "ecs.service",
        f"{in_cluster.key}/{name}",
        arn("ecs", f"service/{in_cluster.key}/{name}", scope),
        scope=scope,
        cluster=in_cluster,
        name=name,
    )
    tie(row, "runs in", in_cluster)
    return row


def balancer(name: str, scope: Any = None) -> Any:
    return make(
        "ec2.loadbalancer",
        f"app/{name}/1",
        arn("elasticloadbalancing", f"loadbalancer/app/{name}/1", scope),
        scope=scope,
        name=name,
    )


def targets(name: str, of: Any, scope: Any = None) -> Any:
    row = make(
        "ec2.targetgroup",
        f"{name}/1",
        arn("elasticloadbalancing", f"targetgroup/{name}/1", scope),
        scope=scope,
        name=name,
        load_balancer=of,
    )
    tie(row, "receives from", of)
    return row


def scaling_group(name: str, scope: Any = None, **more: Any) -> Any:
    rest = f"autoScalingGroup:0a1b:autoScalingGroupName/{name}"
    return make("ec2.autoscalinggroup", name, arn("autoscaling", rest, scope), scope=scope, **more)
