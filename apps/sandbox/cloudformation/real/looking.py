"""Drift for real: what a resource is now, beside what its template says it is.

Only what the template says is compared, as CloudFormation does; what has its end or was taken away
is DELETED; types that are not here are not compared.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from apps.sandbox import wire
from apps.sandbox.cloudformation.real import storage
from apps.sandbox.cloudformation.real.code import Pipeline
from apps.sandbox.cloudformation.real.kinds import Deed, NotValidError, Properties, fit
from apps.sandbox.inside import RefusedError, owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apps.sandbox.cloudformation.model import Resource, Stack

#: What the template says, and what is there, both as the service names it.
Both = tuple[dict[str, Any], dict[str, Any]]
Path = tuple[str | int, ...]


class GoneError(Exception):
    """There is no such thing any more."""


def look(stack: Stack, resource: Resource) -> tuple[str, Properties]:
    """(IN_SYNC, MODIFIED, DELETED, NOT_CHECKED or UNKNOWN, the properties that it has now).

    UNKNOWN is what CloudFormation was not let read.
    """
    compare = _LOOKS.get(resource.type)
    if compare is None or not resource.physical_id:
        return "NOT_CHECKED", resource.properties
    deed = Deed(stack, resource, owner(stack.place.account))
    try:
        expected, actual = compare(deed)
    except GoneError:
        return "DELETED", {}
    except RefusedError as error:
        return ("DELETED", {}) if error.missing else ("UNKNOWN", resource.properties)
    except NotValidError:
        return "NOT_CHECKED", resource.properties
    now = copy.deepcopy(resource.properties)
    drifted = False
    for path, value in _parts(expected, actual, ()):
        drifted = True
        _put(now, path, value)
    return ("MODIFIED" if drifted else "IN_SYNC"), now


def _parts(expected: Any, actual: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """(where, what is there) of each part that is not as expected."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name, value in expected.items():
            yield from _parts(value, actual.get(name), (*path, name))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for at, value in enumerate(expected):
            yield from _parts(value, actual[at], (*path, at))
    elif _plain(expected) != _plain(actual):
        yield path, actual


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(float(value))
    return value if value not in ("", [], {}) else None


def _put(properties: Any, path: Path, value: Any) -> None:
    """Set a part of properties, whose names differ from the service's by their case alone."""
    target = properties
    for step, following in zip(path, (*path[1:], None), strict=True):
        key = _named(target, step)
        if following is None:
            if isinstance(target, list) and isinstance(key, int) and key >= len(target):
                target.append(value)
            else:
                target[key] = value
            return
        if isinstance(target, dict) and not isinstance(target.get(key), dict | list):
            target[key] = {}
        target = target[key]


def _named(target: Any, step: str | int) -> Any:
    if isinstance(step, int) or not isinstance(target, dict):
        return step
    known = {str(name).lower(): name for name in target}
    return known.get(step.lower(), step[:1].upper() + step[1:])


def _members(deed: Deed, service: str, operation: str, *less: str) -> dict[str, Any]:
    shape = wire.operation_model(service, operation).input_shape
    wanted = {name: one for name, one in deed.properties.items() if name not in {*less, "Tags"}}
    found: dict[str, Any] = fit(shape, wanted, "#")
    return found


def _only(found: list[Any]) -> dict[str, Any]:
    if not found:
        raise GoneError
    told: dict[str, Any] = found[0]
    return told


def _some(deed: Deed, *names: str) -> dict[str, Any]:
    """Those of these properties that the template gives."""
    return {name: deed.properties[name] for name in names if name in deed.properties}


def _project(deed: Deed) -> Both:
    less = ("Triggers", "Visibility", "ResourceAccessRole", "BuildBatchConfig", "BadgeEnabled")
    expected = _members(deed, "codebuild", "CreateProject", *less)
    return expected, _only(deed.call("codebuild", "BatchGetProjects", names=[deed.id])["projects"])


def _report_group(deed: Deed) -> Both:
    told = deed.call("codebuild", "BatchGetReportGroups", reportGroupArns=[deed.id])
    expected = _members(deed, "codebuild", "CreateReportGroup", "DeleteReports")
    return expected, _only(told["reportGroups"])


def _pipeline(deed: Deed) -> Both:
    expected = Pipeline().declared(deed, deed.id)
    return expected, deed.call("codepipeline", "GetPipeline", name=deed.id)["pipeline"]


def _repository(deed: Deed) -> Both:
    name = str(deed.given("RepositoryName"))
    told = deed.call("codecommit", "GetRepository", repositoryName=name)["repositoryMetadata"]
    return _some(deed, "RepositoryDescription"), {
        "RepositoryDescription": told.get("repositoryDescription")
    }


def _role(deed: Deed) -> Both:
    told = deed.call("iam", "GetRole", RoleName=deed.id)["Role"]
    attached = deed.call("iam", "ListAttachedRolePolicies", RoleName=deed.id)["AttachedPolicies"]
    expected = _some(deed, "AssumeRolePolicyDocument", "Description", "MaxSessionDuration")
    actual = {name: told.get(name) for name in expected}
    expected["ManagedPolicyArns"] = sorted(deed.given("ManagedPolicyArns") or ())
    actual["ManagedPolicyArns"] = sorted(one["PolicyArn"] for one in attached)
    expected["Policies"] = list(deed.given("Policies") or ())
    actual["Policies"] = [
        {
            "PolicyName": one["PolicyName"],
            "PolicyDocument": _inline(deed, deed.id, str(one["PolicyName"])),
        }
        for one in expected["Policies"]
    ]
    return expected, actual


def _inline(deed: Deed, role: str, name: str) -> Any:
    try:
        told = deed.call("iam", "GetRolePolicy", RoleName=role, PolicyName=name)
    except RefusedError as error:
        if error.missing:
            return None
        raise
    return told["PolicyDocument"]


def _role_policy(deed: Deed) -> Both:
    found = _inline(deed, str(deed.given("RoleName")), str(deed.given("PolicyName")))
    if found is None:
        raise GoneError
    return _some(deed, "PolicyDocument"), {"PolicyDocument": found}


def _profile(deed: Deed) -> Both:
    told = deed.call("iam", "GetInstanceProfile", InstanceProfileName=deed.id)["InstanceProfile"]
    return _some(deed, "Roles"), {"Roles": [one["RoleName"] for one in told["Roles"]]}


def _bucket(deed: Deed) -> Both:
    deed.call("s3", "HeadBucket", Bucket=deed.id)
    expected: dict[str, Any] = {}
    actual: dict[str, Any] = {}
    for name, (operation, member, told) in _OF_BUCKETS.items():
        if name not in deed.properties:
            continue
        expected[name] = told(deed.properties[name])
        try:
            answer = deed.call("s3", operation, Bucket=deed.id)
        except RefusedError:
            answer = {}  # S3 has an error for each thing that a bucket has not
        actual[name] = answer.get(member) if member else answer
    return expected, actual


_OF_BUCKETS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "BucketEncryption": (
        "GetBucketEncryption",
        "ServerSideEncryptionConfiguration",
        storage.encryption,
    ),
    "LifecycleConfiguration": ("GetBucketLifecycleConfiguration", "", storage.lifecycle),
    "PublicAccessBlockConfiguration": (
        "GetPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        storage.blocks,
    ),
    "VersioningConfiguration": ("GetBucketVersioning", "", dict),
}


def _bucket_policy(deed: Deed) -> Both:
    text = deed.call("s3", "GetBucketPolicy", Bucket=deed.id)["Policy"]
    return _some(deed, "PolicyDocument"), {"PolicyDocument": json.loads(text)}


def _key(deed: Deed) -> Both:
    told = deed.call("kms", "DescribeKey", KeyId=deed.id)["KeyMetadata"]
    if told["KeyState"] == "PendingDeletion":
        raise GoneError
    rotated = deed.call("kms", "GetKeyRotationStatus", KeyId=deed.id)["KeyRotationEnabled"]
    policy = deed.call("kms", "GetKeyPolicy", KeyId=deed.id, PolicyName="default")["Policy"]
    expected = _some(deed, "Description", "EnableKeyRotation", "KeyPolicy")
    actual = {"Description": told.get("Description"), "EnableKeyRotation": rotated}
    return expected, {**actual, "KeyPolicy": json.loads(policy)}


def _log_group(deed: Deed) -> Both:
    every = deed.call("logs", "DescribeLogGroups", logGroupNamePrefix=deed.id)["logGroups"]
    told = _only([one for one in every if one["logGroupName"] == deed.id])
    expected = _some(deed, "RetentionInDays", "KmsKeyId")
    return expected, {
        "RetentionInDays": told.get("retentionInDays"),
        "KmsKeyId": told.get("kmsKeyId"),
    }


def _alarm(deed: Deed) -> Both:
    told = deed.call(
        "cloudwatch",
        "DescribeAlarms",
        AlarmNames=[deed.id],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    verb = "PutCompositeAlarm" if "AlarmRule" in deed.properties else "PutMetricAlarm"
    expected = _members(deed, "cloudwatch", verb)
    return expected, _only([*told["MetricAlarms"], *told["CompositeAlarms"]])


def _rule(deed: Deed) -> Both:
    told = deed.call("events", "DescribeRule", Name=deed.id)
    targets = deed.call("events", "ListTargetsByRule", Rule=deed.id)["Targets"]
    expected = _some(deed, "EventPattern", "ScheduleExpression", "State", "Description", "Targets")
    pattern = json.loads(told["EventPattern"]) if told.get("EventPattern") else None
    by_id = {one["Id"]: one for one in targets}
    wanted = [by_id.get(str(one["Id"])) for one in expected.get("Targets") or ()]
    return expected, {**told, "EventPattern": pattern, "Targets": wanted}


def _deployment_group(deed: Deed) -> Both:
    application = str(deed.given("ApplicationName"))
    told = deed.call(
        "codedeploy",
        "BatchGetDeploymentGroups",
        applicationName=application,
        deploymentGroupNames=[deed.id],
    )
    actual = _only(told["deploymentGroupsInfo"])
    scaling = [one["name"] for one in actual.get("autoScalingGroups") or ()]
    less = ("Deployment", "Ec2TagSet", "OnPremisesTagSet")
    expected = _members(deed, "codedeploy", "CreateDeploymentGroup", *less)
    return expected, {**actual, "autoScalingGroups": scaling}


def _application(deed: Deed) -> Both:
    deed.call("codedeploy", "GetApplication", applicationName=deed.id)
    return {}, {}


def _environment(deed: Deed) -> Both:
    every = deed.call(
        "elasticbeanstalk",
        "DescribeEnvironments",
        EnvironmentNames=[deed.id],
        IncludeDeleted=False,
    )
    told = _only(every["Environments"])
    expected = _some(deed, "SolutionStackName", "Description")
    return expected, {name: told.get(name) for name in expected}


def _group(deed: Deed) -> Both:
    every = deed.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[deed.id])
    told = _only(every["AutoScalingGroups"])
    expected = {
        name: int(value)
        for name, value in _some(deed, "MinSize", "MaxSize", "DesiredCapacity").items()
    }
    return expected, told


def _function(deed: Deed) -> Both:
    told = deed.call("lambda", "GetFunctionConfiguration", FunctionName=deed.id)
    names = ("Description", "Handler", "MemorySize", "Role", "Runtime", "Timeout", "Environment")
    return _some(deed, *names), told


def _parameter(deed: Deed) -> Both:
    told = deed.call("ssm", "GetParameter", Name=deed.id)["Parameter"]
    return _some(deed, "Type", "Value"), told


def _queue(deed: Deed) -> Both:
    told = deed.call("sqs", "GetQueueAttributes", QueueUrl=deed.id, AttributeNames=["All"])
    given = {
        name: str(one) for name, one in deed.properties.items() if name not in ("QueueName", "Tags")
    }
    return given, {name: told["Attributes"].get(name) for name in given}


def _topic(deed: Deed) -> Both:
    told = deed.call("sns", "GetTopicAttributes", TopicArn=deed.id)["Attributes"]
    return _some(deed, "DisplayName", "KmsMasterKeyId"), told


_LOOKS: dict[str, Callable[[Deed], Both]] = {
    "AWS::AutoScaling::AutoScalingGroup": _group,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _alarm,
    "AWS::CodeBuild::Project": _project,
    "AWS::CodeBuild::ReportGroup": _report_group,
    "AWS::CodeCommit::Repository": _repository,
    "AWS::CodeDeploy::Application": _application,
    "AWS::CodeDeploy::DeploymentGroup": _deployment_group,
    "AWS::CodePipeline::Pipeline": _pipeline,
    "AWS::ElasticBeanstalk::Environment": _environment,
    "AWS::Events::Rule": _rule,
    "AWS::IAM::InstanceProfile": _profile,
    "AWS::IAM::Role": _role,
    "AWS::IAM::RolePolicy": _role_policy,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _queue,
    "AWS::SSM::Parameter": _parameter,
}
