"""What groups and deployments name elsewhere: role, topics, alarms, commits; no Django."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.aws.calls import Reach
from apps.aws.wire import snake
from apps.mirror.ask import LinkTo

from . import words


def by_group(reach: Reach, answer: Mapping[str, Any]) -> tuple[LinkTo, ...]:
    """Return what a group of BatchGetDeploymentGroups names.

    Auto Scaling groups and target groups are named without the id in their ARN: a "*" stands there.
    """
    return tuple(dict.fromkeys(_by_group(reach, answer)))


def _by_group(reach: Reach, answer: Mapping[str, Any]) -> Iterator[LinkTo]:
    if role := answer.get("serviceRoleArn"):
        yield LinkTo("assumes", "iam.role", role)
    for trigger in answer.get("triggerConfigurations") or ():
        if topic := trigger.get("triggerTargetArn"):
            yield LinkTo("notifies", "sns.topic", topic)
    alarms = (answer.get("alarmConfiguration") or {}).get("alarms") or ()
    yield from _alarms(reach, "is watched by", (alarm.get("name") or "" for alarm in alarms))
    for service in answer.get("ecsServices") or ():
        name = f"service/{service.get('clusterName', '')}/{service.get('serviceName', '')}"
        yield LinkTo("deploys to", "ecs.service", reach.arn("ecs", name))
    for group in answer.get("autoScalingGroups") or ():
        name = f"autoScalingGroup:*:autoScalingGroupName/{group.get('name', '')}"
        yield LinkTo("deploys to", "ec2.autoscalinggroup", reach.arn("autoscaling", name))
    for name in words.target_groups(snake(answer.get("loadBalancerInfo") or {})):
        arn = reach.arn("elasticloadbalancing", f"targetgroup/{name}/*")
        yield LinkTo("sends traffic by", "ec2.targetgroup", arn)
    for classic in (answer.get("loadBalancerInfo") or {}).get("elbInfoList") or ():
        arn = reach.arn("elasticloadbalancing", f"loadbalancer/{classic.get('name', '')}")
        yield LinkTo("sends traffic by", "ec2.loadbalancer", arn)


def by_deployment(reach: Reach, answer: Mapping[str, Any]) -> tuple[LinkTo, ...]:
    """Return what a deployment of BatchGetDeployments names."""
    return tuple(dict.fromkeys(_by_deployment(reach, answer)))


def _by_deployment(reach: Reach, answer: Mapping[str, Any]) -> Iterator[LinkTo]:
    application = answer.get("applicationName") or ""
    group = answer.get("deploymentGroupName") or ""
    if application:
        arn = reach.arn("codedeploy", f"application:{application}")
        yield LinkTo("belongs to", "codedeploy.application", arn)
    if application and group:
        arn = reach.arn("codedeploy", f"deploymentgroup:{application}/{group}")
        yield LinkTo("deploys to", "codedeploy.deploymentgroup", arn)
    if name := answer.get("deploymentConfigName"):
        arn = reach.arn("codedeploy", f"deploymentconfig:{name}")
        yield LinkTo("goes by", "codedeploy.deploymentconfig", arn)
    revision = answer.get("revision") or {}
    if github := revision.get("gitHubLocation"):
        # GitHub's names are the same in any case, and named here in small letters.
        commit = f"{github.get('repository', '').lower()}#{github.get('commitId', '')}"
        yield LinkTo("deploys", "github.commit", commit)
    if bucket := (revision.get("s3Location") or {}).get("bucket"):
        yield LinkTo("deploys from", "s3.bucket", f"arn:{reach.partition}:s3:::{bucket}")
    back = answer.get("rollbackInfo") or {}
    if by := back.get("rollbackDeploymentId"):
        yield LinkTo("is rolled back by", "codedeploy.deployment", by)
    if of := back.get("rollbackTriggeringDeploymentId"):
        yield LinkTo("rolls back", "codedeploy.deployment", of)
    error = answer.get("errorInformation") or {}
    if error.get("code") == words.ALARM_ACTIVE:
        yield from _alarms(reach, "was stopped by", words.activated(error.get("message") or ""))


def _alarms(reach: Reach, relation: str, names: Iterable[str]) -> Iterator[LinkTo]:
    for name in names:
        if name:
            yield LinkTo(relation, "cloudwatch.alarm", reach.arn("cloudwatch", f"alarm:{name}"))
