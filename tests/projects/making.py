"""Makes a project that holds something of every service, the way reconcile would leave it."""

from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from apps.awslambda.models import Function
from apps.cloudwatch.models import Alarm, Kept, Metric
from apps.codebuild.models import Project as BuildProject
from apps.codedeploy.models import Application, Deployment, DeploymentGroup
from apps.ec2.models import LoadBalancer
from apps.ecs.models import Cluster, Service
from apps.mirror.models import Link
from apps.mirror.state import State, urgency_of
from tests.beanstalk.making import make_environment
from tests.cloudformation.making import make_stack
from tests.factories import (
    SOURCE,
    action_definition,
    change,
    hold,
    live_action,
    make_action,
    make_build,
    make_execution,
    make_pipeline,
    make_scope,
    make_stage,
    number,
    stage_definition,
)
from tests.source.making import make_commit, make_repository

PLACE = "eu-west-1:111122223333"
DEPLOYING = [
    stage_definition("Source", {**SOURCE, "configuration": {"FullRepositoryId": "acme/shop"}}),
    stage_definition("Build", action_definition("Compile")),
    stage_definition("Staging", action_definition("Deploy", "Deploy", "ECS")),
    stage_definition("Production", action_definition("Deploy", "Deploy", "ECS")),
]


def make_alarm(name: str, status: str = "OK", **more: Any) -> Alarm:
    """An alarm that came to its state twenty minutes ago."""
    state = {"OK": State.DONE, "ALARM": State.FAILED}.get(status, State.UNKNOWN)
    values: dict[str, Any] = {
        "arn": f"arn:aws:cloudwatch:{PLACE}:alarm:{name}",
        "alarm_type": "MetricAlarm",
        "status": status,
        "state": state,
        "urgency": urgency_of(state),
        "state_reason": f"{name} crossed its threshold",
        "state_transitioned": now() - timedelta(minutes=20),
        "namespace": "Shop",
        "metric_name": "Errors",
        "statistic": "Sum",
        "period": 60,
        "threshold": 5.0,
        "comparison_operator": "GreaterThanThreshold",
        **more,
    }
    return Alarm.objects.create(scope=make_scope(), key=name, **values)


def make_group(name: str, status: str = "Succeeded", **more: Any) -> DeploymentGroup:
    """A deployment group whose newest deployment went to three targets."""
    scope = make_scope()
    state = {"Succeeded": State.DONE, "InProgress": State.MOVING, "Failed": State.FAILED}[status]
    application = Application.objects.create(scope=scope, key=name)
    group = DeploymentGroup.objects.create(
        scope=scope,
        key=f"{name}/production",
        name="production",
        application=application,
        status=status,
        state=state,
        latest_created_at=now() - timedelta(minutes=8),
    )
    turn = next(number)
    group.latest_deployment = Deployment.objects.create(
        scope=scope,
        key=f"d-{turn:09d}",
        arn=f"arn:aws:codedeploy:{PLACE}:deployment/d-{turn:09d}",
        group=group,
        application_name=name,
        group_name="production",
        status=status,
        state=state,
        created_at=now() - timedelta(minutes=8),
        revision={"type": "GitHub", "repository": "acme/shop", "commit_id": f"{turn:040x}"},
        revision_id=f"{turn:040x}",
        **{
            "strip": [
                {"name": f"i-{one}", "label": "", "state": state, "status": status}
                for one in range(3)
            ],
            **more,
        },
    )
    group.save()
    return group


def make_service(name: str, status: str = "COMPLETED", **more: Any) -> Service:
    """A service of two tasks."""
    scope = more.pop("scope", None) or make_scope()
    cluster, _ = Cluster.objects.get_or_create(scope=scope, key="shop")
    definition = f"arn:aws:ecs:{PLACE}:task-definition/{name}:7"
    state = {"COMPLETED": State.DONE, "IN_PROGRESS": State.MOVING, "FAILED": State.FAILED}[status]
    deployment = {
        "id": "ecs-svc/1",
        "status": "PRIMARY",
        "task_definition": definition,
        "desired": 2,
        "running": 2 if state == State.DONE else 1,
        "pending": 0,
        "created_at": (now() - timedelta(hours=2)).isoformat(),
        "state": state,
        "reason": "",
    }
    values: dict[str, Any] = {
        "arn": f"arn:aws:ecs:{PLACE}:service/shop/{name}",
        "name": name,
        "status": status,
        "state": state,
        "task_definition": definition,
        "deployments": [deployment],
        **more,
    }
    return Service.objects.create(scope=scope, cluster=cluster, key=f"shop/{name}", **values)


def make_function(name: str, **more: Any) -> Function:
    """A function with an alias."""
    values: dict[str, Any] = {
        "arn": f"arn:aws:lambda:{PLACE}:function:{name}",
        "state": State.DONE,
        "status": "Active",
        "newest_version": 12,
        "aliases": [{"name": "live", "state": "done", "shares": [["12", 100.0]]}],
        **more,
    }
    return Function.objects.create(scope=make_scope(), key=name, **values)


def make_balancer(name: str, **more: Any) -> LoadBalancer:
    """A load balancer that the world may ask."""
    values: dict[str, Any] = {
        "arn": f"arn:aws:elasticloadbalancing:{PLACE}:loadbalancer/app/{name}/1",
        "state": State.DONE,
        "status": "active",
        "name": name,
        "scheme": "internet-facing",
        "dns_name": f"{name}.eu-west-1.elb.amazonaws.com",
        **more,
    }
    return LoadBalancer.objects.create(scope=make_scope(), key=f"app/{name}/1", **values)


def make_metric(name: str, metric: str = "RequestCount", statistic: str = "Sum") -> Metric:
    """A series of a load balancer, read up to now."""
    made = Metric.objects.create(
        scope=make_scope(),
        key=f"AWS/ApplicationELB/{metric}/{statistic}?LoadBalancer=app/{name}/1",
        namespace="AWS/ApplicationELB",
        metric_name=metric,
        statistic=statistic,
        dimensions={"LoadBalancer": f"app/{name}/1"},
        unit="Count",
        label=metric,
        period=60,
        state=State.DONE,
        status="Complete",
    )
    Kept.objects.create(metric=made, read_to=now(), whole_from=now() - timedelta(days=40))
    return made


def make_deploying(name: str, status: str = "Succeeded", commit: str = "", **more: Any) -> Any:
    """A pipeline with a build and two stages that deploy; a failed one failed in Production."""
    pipeline = make_pipeline(name, definition=DEPLOYING)
    given = {"revision_id": commit} if commit else {}
    execution = make_execution(pipeline, status, **given, **more)
    make_stage(pipeline, "Source", execution, "Succeeded", live_action("GitHub"))
    make_stage(pipeline, "Build", execution, "Succeeded", live_action("Compile"))
    out = make_action(execution, "Staging", "Deploy", category="Deploy")
    staged = live_action("Deploy", action_execution_id=out.key)
    make_stage(pipeline, "Staging", execution, "Succeeded", staged)
    error = {"error_message": "The deployment failed"} if status == "Failed" else {}
    percent = {"percent": 48} if status == "InProgress" else {}
    last = live_action("Deploy", status, **error, **percent)
    make_stage(pipeline, "Production", execution, status, last)
    change(pipeline, "codepipeline.pipeline")
    return pipeline


def fail_by_build(pipeline: Any) -> Any:
    """Let what a failed pipeline ran last be a build that says why."""
    build = make_build(
        "checkout-build",
        "FAILED",
        failing_phase="BUILD",
        failing_message="npm test exited with 1",
    )
    stage = pipeline.stages.get(name="Production")
    stage.actions = [{**stage.actions[0], "runs": build.arn}]
    stage.save()
    Link.objects.create(
        from_kind="codepipeline.stage",
        from_id=stage.pk,
        relation="runs",
        to_kind="codebuild.build",
        to_arn=build.arn,
        owning=True,
    )
    return build


def fill(project: Any, turn: int = 0) -> None:
    """Let a project hold one more of everything."""
    repository = make_repository(f"shop-{turn}")
    commit = make_commit(repository, 1000 + turn, committed_at=now() - timedelta(hours=1))
    status = ("Failed", "InProgress", "Succeeded")[turn % 3]
    pipeline = make_deploying(f"checkout-{turn}", status, commit.commit_id)
    if status == "Failed":
        fail_by_build(pipeline)
    make_build(f"build-{turn}", seconds=120, ended_at=now())
    hold(
        project,
        repository,
        pipeline,
        BuildProject.objects.get(key=f"build-{turn}"),
        make_group(f"basket-{turn}"),
        make_service(f"payments-{turn}"),
        make_function(f"resize-{turn}"),
        make_environment(f"loyalty-{turn}"),
        make_stack(
            f"shop-{turn}", outputs=[{"key": "Url", "value": f"https://{turn}.shop.example"}]
        ),
        make_balancer(f"web-{turn}"),
        make_alarm(f"errors-{turn}", ("ALARM", "OK")[turn % 2]),
        make_metric(f"web-{turn}"),
    )
