"""What stacks and their resources name elsewhere: what a stack made, by its ARN; no Django.

A physical id is a name for some types and an ARN for others:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.mirror.ask import LinkTo

# Type -> (kind, ARN): {p}artition, {r}egion, {a}ccount and the {id}. Types whose ARN cannot be
# known from the physical id (Auto Scaling groups, deployment groups, environments) are left out.
MADE: Mapping[str, tuple[str, str]] = {
    "AWS::CloudFormation::Stack": ("cloudformation.stack", "{id}"),
    "AWS::CloudWatch::Alarm": ("cloudwatch.alarm", "arn:{p}:cloudwatch:{r}:{a}:alarm:{id}"),
    "AWS::CloudWatch::CompositeAlarm": (
        "cloudwatch.alarm",
        "arn:{p}:cloudwatch:{r}:{a}:alarm:{id}",
    ),
    "AWS::CodeBuild::Project": ("codebuild.project", "arn:{p}:codebuild:{r}:{a}:project/{id}"),
    "AWS::CodeDeploy::Application": (
        "codedeploy.application",
        "arn:{p}:codedeploy:{r}:{a}:application:{id}",
    ),
    "AWS::CodeDeploy::DeploymentConfig": (
        "codedeploy.deploymentconfig",
        "arn:{p}:codedeploy:{r}:{a}:deploymentconfig:{id}",
    ),
    "AWS::CodePipeline::Pipeline": ("codepipeline.pipeline", "arn:{p}:codepipeline:{r}:{a}:{id}"),
    "AWS::EC2::Instance": ("ec2.instance", "arn:{p}:ec2:{r}:{a}:instance/{id}"),
    "AWS::ECS::Cluster": ("ecs.cluster", "arn:{p}:ecs:{r}:{a}:cluster/{id}"),
    "AWS::ECS::Service": ("ecs.service", "{id}"),
    "AWS::ECS::TaskDefinition": ("ecs.taskdefinition", "{id}"),
    "AWS::ElasticBeanstalk::Application": (
        "beanstalk.application",
        "arn:{p}:elasticbeanstalk:{r}:{a}:application/{id}",
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("ec2.loadbalancer", "{id}"),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("ec2.targetgroup", "{id}"),
    "AWS::IAM::Role": ("iam.role", "arn:{p}:iam::{a}:role/{id}"),
    "AWS::KMS::Key": ("kms.key", "arn:{p}:kms:{r}:{a}:key/{id}"),
    "AWS::Lambda::Alias": ("awslambda.alias", "{id}"),
    "AWS::Lambda::Function": ("awslambda.function", "arn:{p}:lambda:{r}:{a}:function:{id}"),
    "AWS::Lambda::Version": ("awslambda.version", "{id}"),
    "AWS::Logs::LogGroup": ("cloudwatch.loggroup", "arn:{p}:logs:{r}:{a}:log-group:{id}"),
    "AWS::S3::Bucket": ("s3.bucket", "arn:{p}:s3:::{id}"),
    "AWS::SNS::Topic": ("sns.topic", "{id}"),
}
# While it is gone, or was never made, a resource is nothing that could be pointed at.
ABSENT = frozenset({"DELETE_COMPLETE", "CREATE_FAILED"})


def by_stack(stack: Mapping[str, Any]) -> tuple[LinkTo, ...]:
    """Return what a stack of DescribeStacks names."""
    return tuple(_of_stack(stack))


def _of_stack(stack: Mapping[str, Any]) -> Iterator[LinkTo]:
    if parent := stack.get("ParentId"):
        yield LinkTo("nested in", "cloudformation.stack", parent)
    if role := stack.get("RoleARN"):
        yield LinkTo("assumes", "iam.role", role)
    for topic in dict.fromkeys(stack.get("NotificationARNs") or ()):
        yield LinkTo("notifies", "sns.topic", topic)
    triggers = (stack.get("RollbackConfiguration") or {}).get("RollbackTriggers") or ()
    for alarm in dict.fromkeys(trigger.get("Arn") for trigger in triggers):
        if alarm:
            yield LinkTo("rolls back on", "cloudwatch.alarm", alarm)


def by_resource(stack_id: str, resource: Mapping[str, Any]) -> tuple[LinkTo, ...]:
    """Return what a resource of ListStackResources is, where its ARN is known.

    A nested stack is owned: what becomes of it shows on the stack that made it.
    """
    physical = resource.get("PhysicalResourceId") or ""
    if not physical or resource.get("ResourceStatus") in ABSENT:
        return ()
    made = arn_of(stack_id, resource.get("ResourceType") or "", physical)
    if made is None:
        return ()
    kind, arn = made
    return (LinkTo("creates", kind, arn, owning=kind == "cloudformation.stack"),)


def arn_of(stack_id: str, resource_type: str, physical: str) -> tuple[str, str] | None:
    """Return (kind, ARN) of what a stack made, None where that cannot be known."""
    found = MADE.get(resource_type)
    parts = stack_id.split(":")
    if found is None or len(parts) < 6:
        return None
    kind, form = found
    if physical.startswith("arn:"):
        return kind, physical
    if form == "{id}":
        # Of these the physical id is the ARN, or it is nothing yet.
        return None
    return kind, form.format(p=parts[1], r=parts[3], a=parts[4], id=physical)
