"""What a template asks for is really made, judged as every call is, and taken away again."""

import io
import json
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.inventory import inventory

ACCOUNT, OTHER, REGION = "111122223333", "444455556666", "eu-west-1"
IAM = {"Capabilities": ["CAPABILITY_IAM"]}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "codebuild.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        },
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "Policies": [
            {
                "PolicyName": "logs",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}],
                },
            }
        ],
    },
}
BUCKET = {
    "Type": "AWS::S3::Bucket",
    "Properties": {
        "BucketName": {"Ref": "Name"},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {
                    "BucketKeyEnabled": True,
                    "ServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                    },
                }
            ]
        },
        "VersioningConfiguration": {"Status": "Enabled"},
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": "true", "BlockPublicPolicy": True},
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "old",
                    "Status": "Enabled",
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                }
            ]
        },
        "Tags": [{"Key": "team", "Value": "checkout"}],
    },
}
PROJECT = {
    "Type": "AWS::CodeBuild::Project",
    "Properties": {
        "Name": {"Fn::Sub": "${AWS::StackName}-build"},
        "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
        "Source": {"Type": "CODEPIPELINE"},
        "Artifacts": {"Type": "CODEPIPELINE"},
        "TimeoutInMinutes": "20",
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "ComputeType": "BUILD_GENERAL1_SMALL",
            "Image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "EnvironmentVariables": [{"Name": "BUCKET", "Value": {"Ref": "Bucket"}}],
        },
    },
}
RESOURCES: dict[str, Any] = {
    "Key": {
        "Type": "AWS::KMS::Key",
        "Properties": {
            "EnableKeyRotation": True,
            "KeyPolicy": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
                        "Action": "kms:*",
                        "Resource": "*",
                    }
                ],
            },
        },
    },
    "Alias": {
        "Type": "AWS::KMS::Alias",
        "Properties": {"AliasName": "alias/shop", "TargetKeyId": {"Ref": "Key"}},
    },
    "Bucket": BUCKET,
    "Policy": {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": "Bucket"},
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            },
        },
    },
    "Logs": {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": "/aws/codebuild/shop",
            "RetentionInDays": 90,
            "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
        },
    },
    "Role": ROLE,
    "Build": PROJECT,
    "Reports": {
        "Type": "AWS::CodeBuild::ReportGroup",
        "Properties": {
            "Type": "TEST",
            "ExportConfig": {"ExportConfigType": "NO_EXPORT"},
            "DeleteReports": True,
        },
    },
    "Profile": {
        "Type": "AWS::IAM::InstanceProfile",
        "Properties": {"Roles": [{"Ref": "Role"}]},
    },
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 3600}},
    "Setting": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/shop/bucket", "Type": "String", "Value": {"Ref": "Bucket"}},
    },
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": ["aws.codebuild"]},
            "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
        },
    },
    "Alarm": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Namespace": "AWS/CodeBuild",
            "MetricName": "FailedBuilds",
            "Dimensions": [{"Name": "ProjectName", "Value": {"Ref": "Build"}}],
            "Statistic": "Sum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": "1",
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "AlarmActions": [{"Ref": "Topic"}],
        },
    },
}


def template(*names: str, **changed: Any) -> str:
    """A template with these resources, or all of them, some of them others."""
    resources = {name: RESOURCES[name] for name in names or RESOURCES} | changed
    parameters = {"Name": {"Type": "String", "Default": "shop-artifacts-111122223333"}}
    return json.dumps({"Parameters": parameters, "Resources": resources})


def status(aws: Any, name: str = "shop") -> str:
    return str(aws("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])


def told(aws: Any, name: str = "shop") -> list[tuple[str, str, str]]:
    """What happened in a stack, the oldest first: what, how, why."""
    events = aws("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [
        (one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason", ""))
        for one in reversed(events)
    ]


def why(aws: Any, name: str = "shop") -> dict[str, str]:
    """Resource → why it failed."""
    return {one: reason for one, how, reason in told(aws, name) if how.endswith("_FAILED")}


def there(sandbox: Any, account: str = ACCOUNT) -> dict[str, list[str]]:
    with sandbox.world.lock:
        return inventory(sandbox.world, account)


def refusal(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**members)
    told_of = error.value.response["Error"]
    return str(told_of["Code"]), str(told_of["Message"])


def test_everything_in_a_template_is_made_and_taken_away_again(sandbox, aws):
    before = there(sandbox)
    aws("cloudformation").create_stack(StackName="shop", TemplateBody=template(), **IAM)
    assert status(aws) == "CREATE_COMPLETE"

    bucket = "shop-artifacts-111122223333"
    encryption = aws("s3").get_bucket_encryption(Bucket=bucket)
    (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert aws("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert aws("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    assert aws("s3").get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert "aws:SecureTransport" in aws("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    (project,) = aws("codebuild").batch_get_projects(names=["shop-build"])["projects"]
    assert project["timeoutInMinutes"] == 20
    role = project["serviceRole"].rpartition("/")[2]
    assert aws("iam").list_role_policies(RoleName=role)["PolicyNames"] == ["logs"]
    attached = aws("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["ReadOnlyAccess"]
    (group,) = aws("logs").describe_log_groups(logGroupNamePrefix="/aws/codebuild")["logGroups"]
    assert (group["retentionInDays"], group["kmsKeyId"]) == (90, key)
    (alarm,) = aws("cloudwatch").describe_alarms()["MetricAlarms"]
    assert (alarm["Threshold"], alarm["Dimensions"][0]["Value"]) == (1.0, "shop-build")
    assert aws("ssm").get_parameter(Name="/shop/bucket")["Parameter"]["Value"] == bucket

    # Each is told twice as it begins, the second time with its id.
    assert [how for what, how, _ in told(aws) if what == "Bucket"] == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]
    aws("cloudformation").delete_stack(StackName="shop")
    assert there(sandbox) == before


@pytest.mark.parametrize(
    ("service", "operation", "resource", "says"),
    [
        ("iam", "CreateRole", "Role", "is not authorized to perform: iam:CreateRole on resource:"),
        ("iam", "PutRolePolicy", "Role", "is not authorized to perform: iam:PutRolePolicy"),
        ("s3", "PutBucketVersioning", "Bucket", "s3:PutBucketVersioning"),
        ("kms", "CreateKey", "Key", "kms:CreateKey"),
        ("codebuild", "CreateProject", "Build", "codebuild:CreateProject"),
        ("events", "PutTargets", "Rule", "events:PutTargets"),
    ],
)
def test_what_is_denied_fails_its_resource_and_everything_goes_again(
    sandbox, aws, service, operation, resource, says
):
    before = there(sandbox)
    sandbox.faults.add("deny", service=service, operation=operation)
    aws("cloudformation").create_stack(StackName="shop", TemplateBody=template(), **IAM)
    assert status(aws) == "ROLLBACK_COMPLETE"
    assert says in why(aws)[resource]
    assert "HandlerErrorCode: AccessDenied" in why(aws)[resource]
    sandbox.faults.clear()
    left = there(sandbox)
    assert left.pop("cloudformation")
    assert left == before
    # Such a stack can only be deleted.
    client = aws("cloudformation")
    for call, more in (
        (client.update_stack, {}),
        (client.create_change_set, {"ChangeSetName": "again", "ChangeSetType": "UPDATE"}),
    ):
        code, text = refusal(call, StackName="shop", TemplateBody=template(), **IAM, **more)
        assert code == "ValidationError"
        assert "is in ROLLBACK_COMPLETE state and can not be updated." in text
    client.delete_stack(StackName="shop")
    assert there(sandbox) == before


def test_a_bucket_name_is_taken_in_the_whole_world(sandbox, aws):
    name = "shop-artifacts-111122223333"
    where = {"LocationConstraint": REGION}
    aws("s3", OTHER).create_bucket(Bucket=name, CreateBucketConfiguration=where)
    for taken in (name, "example-artifacts"):
        parameters = [{"ParameterKey": "Name", "ParameterValue": taken}]
        aws("cloudformation").create_stack(
            StackName="shop",
            TemplateBody=template("Key", "Bucket"),
            Parameters=parameters,
        )
        assert status(aws) == "ROLLBACK_COMPLETE"
        assert f"{taken} already exists (Service: S3, Status Code: 409" in why(aws)["Bucket"]
        aws("cloudformation").delete_stack(StackName="shop")
        assert refusal(aws("s3").head_bucket, Bucket=taken)[0] == "403"
    assert refusal(aws("s3").head_bucket, Bucket="nobody-has-this-one")[0] == "404"
    assert aws("s3", OTHER).head_bucket(Bucket=name)


def test_a_bucket_with_something_in_it_stays_until_all_its_versions_are_gone(sandbox, aws):
    before = there(sandbox)
    client, bucket = aws("cloudformation"), "shop-artifacts-111122223333"
    client.create_stack(StackName="shop", TemplateBody=template("Key", "Bucket", "Topic"))
    for text in (b"one", b"two"):
        aws("s3").put_object(Bucket=bucket, Key="build/app.zip", Body=text)
    aws("s3").delete_object(Bucket=bucket, Key="build/app.zip")
    client.delete_stack(StackName="shop")
    assert status(aws) == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty" in why(aws)["Bucket"]
    assert "arn:aws:s3:::" + bucket in there(sandbox)["s3"]
    assert "sns" not in there(sandbox)

    code, text = refusal(client.delete_stack, StackName="shop", RetainResources=["Topics"])
    assert (code, text) == ("ValidationError", "Resources [Topics] do not exist in stack shop")

    found = aws("s3").list_object_versions(Bucket=bucket)
    every = [*found["Versions"], *found["DeleteMarkers"]]
    wanted = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in every]
    assert len(wanted) == 3
    aws("s3").delete_objects(Bucket=bucket, Delete={"Objects": wanted})
    client.delete_stack(StackName="shop")
    assert there(sandbox) == before


def test_a_bucket_that_would_not_go_can_be_left(sandbox, aws):
    client, bucket = aws("cloudformation"), "shop-artifacts-111122223333"
    client.create_stack(StackName="shop", TemplateBody=template("Key", "Bucket", "Topic"))
    _, text = refusal(client.delete_stack, StackName="shop", RetainResources=["Bucket"])
    assert "only when the stack is in the DELETE_FAILED state" in text
    aws("s3").put_object(Bucket=bucket, Key="build/app.zip", Body=b"x")
    client.delete_stack(StackName="shop")
    assert status(aws) == "DELETE_FAILED"
    client.delete_stack(StackName="shop", RetainResources=["Bucket"])
    found = there(sandbox)
    assert "cloudformation" not in found
    assert found["s3"][0] == f"arn:aws:s3:::{bucket}"


def test_an_update_changes_replaces_and_removes_what_is_there(sandbox, aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=template(), **IAM)
    other = {**PROJECT, "Properties": {**PROJECT["Properties"], "TimeoutInMinutes": 45}}
    parameters = [{"ParameterKey": "Name", "ParameterValue": "shop-artifacts-2"}]
    names = [name for name in RESOURCES if name not in ("Topic", "Alarm")]
    client.update_stack(
        StackName="shop",
        TemplateBody=template(*names, Build=other),
        Parameters=parameters,
        **IAM,
    )
    assert status(aws) == "UPDATE_COMPLETE"
    now = there(sandbox)
    assert now["s3"] == ["arn:aws:s3:::shop-artifacts-2"]
    assert not {"sns", "cloudwatch"} & now.keys()
    (project,) = aws("codebuild").batch_get_projects(names=["shop-build"])["projects"]
    assert project["timeoutInMinutes"] == 45
    assert aws("ssm").get_parameter(Name="/shop/bucket")["Parameter"]["Value"] == "shop-artifacts-2"


def test_an_update_that_fails_leaves_everything_as_it_was(sandbox, aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=template(), **IAM)
    before = there(sandbox)
    other = {**PROJECT, "Properties": {**PROJECT["Properties"], "TimeoutInMinutes": 45}}
    more = {"Type": "AWS::SSM::Parameter", "DependsOn": ["Build", "Bucket"]}
    more["Properties"] = {"Name": "/shop/more", "Type": "String", "Value": "x"}
    sandbox.faults.add("deny", service="ssm", operation="PutParameter")
    client.update_stack(
        StackName="shop",
        TemplateBody=template(Build=other, More=more),
        Parameters=[{"ParameterKey": "Name", "ParameterValue": "shop-artifacts-2"}],
        **IAM,
    )
    assert status(aws) == "UPDATE_ROLLBACK_FAILED" or status(aws) == "UPDATE_ROLLBACK_COMPLETE"
    sandbox.faults.clear()
    if status(aws) == "UPDATE_ROLLBACK_FAILED":
        client.continue_update_rollback(StackName="shop")
    assert status(aws) == "UPDATE_ROLLBACK_COMPLETE"
    assert there(sandbox) == before
    (project,) = aws("codebuild").batch_get_projects(names=["shop-build"])["projects"]
    assert project["timeoutInMinutes"] == 20


def test_a_change_set_makes_a_stack_that_waits_and_can_be_left(sandbox, aws):
    before = there(sandbox)
    client = aws("cloudformation")
    asked = {"StackName": "shop", "ChangeSetName": "first", "ChangeSetType": "CREATE", **IAM}
    client.create_change_set(TemplateBody=template(), **asked)
    assert status(aws) == "REVIEW_IN_PROGRESS"
    told_of = client.describe_change_set(StackName="shop", ChangeSetName="first")
    assert {one["ResourceChange"]["Action"] for one in told_of["Changes"]} == {"Add"}
    assert len(told_of["Changes"]) == len(RESOURCES)
    client.delete_stack(StackName="shop")
    assert there(sandbox) == before

    client.create_change_set(TemplateBody=template(), OnStackFailure="DELETE", **asked)
    sandbox.faults.add("deny", service="sns", operation="CreateTopic")
    stack = client.describe_stacks(StackName="shop")["Stacks"][0]["StackId"]
    client.execute_change_set(StackName="shop", ChangeSetName="first")
    assert status(aws, stack) == "DELETE_COMPLETE"
    assert there(sandbox) == before


def test_a_stack_does_no_more_than_its_role_may(sandbox, aws):
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudformation.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam = aws("iam")
    role = iam.create_role(RoleName="deploys", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    may = ["sqs:*", "sns:CreateTopic", "sns:DeleteTopic", "sns:ListSubscriptionsByTopic"]
    statement = {"Effect": "Allow", "Action": may, "Resource": f"arn:aws:*:*:{ACCOUNT}:shop-*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="deploys", PolicyName="may", PolicyDocument=document)
    before = there(sandbox)
    client = aws("cloudformation")
    client.create_stack(
        StackName="shop", TemplateBody=template("Queue", "Topic"), RoleARN=role["Arn"]
    )
    assert status(aws) == "CREATE_COMPLETE"
    client.delete_stack(StackName="shop")
    client.create_stack(
        StackName="shop", TemplateBody=template("Queue", "Topic", "Key"), RoleARN=role["Arn"]
    )
    assert status(aws) == "ROLLBACK_COMPLETE"
    said = why(aws)["Key"]
    assert f"User: arn:aws:sts::{ACCOUNT}:assumed-role/deploys/AWSCloudFormation is not" in said
    assert "because no identity-based policy allows the kms:CreateKey action" in said
    client.delete_stack(StackName="shop")
    assert there(sandbox) == before


def test_what_is_to_stay_stays(sandbox, aws):
    repository = {
        "Type": "AWS::CodeCommit::Repository",
        "DeletionPolicy": "RetainExceptOnCreate",
        "Properties": {"RepositoryName": "shop"},
    }
    before = there(sandbox)
    client = aws("cloudformation")
    sandbox.faults.add("deny", service="sns", operation="CreateTopic", times=1)
    topic = {"Type": "AWS::SNS::Topic", "DependsOn": "Code"}
    for wanted in ("ROLLBACK_COMPLETE", "CREATE_COMPLETE"):
        client.create_stack(
            StackName="shop", TemplateBody=template("Queue", Code=repository, T=topic)
        )
        assert status(aws) == wanted
        client.delete_stack(StackName="shop")
        sandbox.faults.clear()
        if wanted == "ROLLBACK_COMPLETE":
            assert there(sandbox) == before
    assert there(sandbox) == {
        **before,
        "codecommit": [f"arn:aws:codecommit:{REGION}:{ACCOUNT}:shop"],
    }


def bundle(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            member = zipfile.ZipInfo(name.replace("__", "."))
            member.external_attr = (0o100755 if name.endswith("sh") else 0o100644) << 16
            archive.writestr(member, text)
    return packed.getvalue()


def test_a_repository_begins_with_what_a_bundle_holds(sandbox, aws):
    where = {"LocationConstraint": REGION}
    aws("s3").create_bucket(Bucket="staging-1", CreateBucketConfiguration=where)
    content = bundle(buildspec__yml="version: 0.2", start__sh="#!/bin/sh")
    aws("s3").put_object(Bucket="staging-1", Key="code.zip", Body=content)
    code = {"S3": {"Bucket": "staging-1", "Key": "code.zip"}, "BranchName": "trunk"}
    repository = {
        "Type": "AWS::CodeCommit::Repository",
        "Properties": {"RepositoryName": "shop", "Code": code},
    }
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=template("Queue", Code=repository))
    assert status(aws) == "CREATE_COMPLETE"
    git = aws("codecommit")
    told_of = git.get_repository(repositoryName="shop")["repositoryMetadata"]
    assert told_of["defaultBranch"] == "trunk"
    (one,) = [
        one["PhysicalResourceId"]
        for one in client.describe_stack_resources(StackName="shop")["StackResources"]
        if one["LogicalResourceId"] == "Code"
    ]
    assert one == told_of["repositoryId"]
    files = git.get_folder(repositoryName="shop", folderPath="/")["files"]
    assert {file["relativePath"]: file["fileMode"] for file in files} == {
        "buildspec.yml": "NORMAL",
        "start.sh": "EXECUTABLE",
    }

    lost = {**repository["Properties"], "RepositoryName": "lost"}
    lost["Code"] = {"S3": {"Bucket": "staging-1", "Key": "nothing.zip"}}
    body = template("Queue", Code={**repository, "Properties": lost})
    client.create_stack(StackName="lost", TemplateBody=body)
    assert "The specified key does not exist." in why(aws, "lost")["Code"]


def test_a_name_that_is_taken_and_a_property_that_is_unknown_are_told(sandbox, aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=template(), **IAM)
    repeated = template("Role", "Bucket", "Key", "Logs", Build={**PROJECT})
    parameters = [{"ParameterKey": "Name", "ParameterValue": "another-bucket-of-mine"}]
    client.create_stack(StackName="other", TemplateBody=repeated, Parameters=parameters, **IAM)
    said = why(aws, "other")["Logs"]
    assert "The specified log group already exists (Service: CloudWatchLogs" in said
    assert "HandlerErrorCode: AlreadyExists" in said
    wrong = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}
    bad = {"Type": "AWS::Logs::LogGroup", "Properties": {"Retention": 3}}
    client.create_stack(StackName="wrong", TemplateBody=template("Queue", A=wrong, B=bad))
    assert why(aws, "wrong")["B"] == (
        "Properties validation failed for resource B with message:\n"
        "#: extraneous key [Retention] is not permitted"
    )


def test_another_accounts_bucket_is_closed_unless_its_policy_says_otherwise(sandbox, aws):
    where = {"LocationConstraint": REGION}
    mine, theirs = aws("s3"), aws("s3", OTHER)
    mine.create_bucket(Bucket="artifacts-of-mine", CreateBucketConfiguration=where)
    mine.put_object(Bucket="artifacts-of-mine", Key="app.zip", Body=b"x")
    for call, more in (
        (theirs.list_object_versions, {}),
        (theirs.get_object, {"Key": "app.zip"}),
        (theirs.delete_objects, {"Delete": {"Objects": [{"Key": "app.zip"}]}}),
        (theirs.delete_bucket, {}),
    ):
        assert refusal(call, Bucket="artifacts-of-mine", **more)[0] == "AccessDenied"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": "s3:*",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    mine.put_bucket_policy(Bucket="artifacts-of-mine", Policy=policy)
    assert theirs.get_object(Bucket="artifacts-of-mine", Key="app.zip")["Body"].read() == b"x"
    assert refusal(mine.head_object, Bucket="artifacts-of-mine", Key="nothing")[0] == "404"
    assert refusal(mine.head_object, Bucket="nobody-has-this", Key="nothing")[0] == "404"


def test_a_role_is_only_given_by_who_may_pass_it(sandbox, aws):
    sandbox.faults.add("deny", service="iam", operation="PassRole")
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=template(), **IAM)
    assert status(aws) == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: iam:PassRole on resource: arn:aws:iam" in why(aws)["Build"]
    code, text = refusal(
        client.create_stack,
        StackName="other",
        TemplateBody=template("Topic"),
        RoleARN=f"arn:aws:iam::{ACCOUNT}:role/codestar-dash-read",
    )
    assert code == "AccessDenied"
    assert "iam:PassRole" in text


def test_a_stack_whose_role_is_gone_cannot_be_deleted_by_it(sandbox, aws):
    trust = ROLE["Properties"]["AssumeRolePolicyDocument"]
    iam, client = aws("iam"), aws("cloudformation")
    role = iam.create_role(RoleName="deploys", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    everything = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_role_policy(RoleName="deploys", PolicyArn=everything)
    client.create_stack(StackName="shop", TemplateBody=template("Topic"), RoleARN=role["Arn"])
    assert status(aws) == "CREATE_COMPLETE", why(aws)
    iam.detach_role_policy(RoleName="deploys", PolicyArn=everything)
    iam.delete_role(RoleName="deploys")
    _, text = refusal(client.delete_stack, StackName="shop")
    assert text == f"Role {role['Arn']} is invalid or cannot be assumed"


def test_the_simulator_answers_as_the_calls_would(sandbox, aws):
    sandbox.faults.add("deny", service="s3", operation="PutBucketEncryption")
    sandbox.faults.add("deny", service="iam", operation="CreateRole")
    me = f"arn:aws:iam::{ACCOUNT}:user/dashboard"
    wanted = ["s3:PutEncryptionConfiguration", "iam:CreateRole", "codebuild:CreateProject"]
    answer = aws("iam").simulate_principal_policy(PolicySourceArn=me, ActionNames=wanted)
    assert {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]} == {
        wanted[0]: "explicitDeny",
        wanted[1]: "explicitDeny",
        wanted[2]: "allowed",
    }
    trust = ROLE["Properties"]["AssumeRolePolicyDocument"]
    role = aws("iam").create_role
    sandbox.faults.clear()
    made = role(RoleName="builds", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws("iam").put_role_policy(RoleName="builds", PolicyName="may", PolicyDocument=document)
    answer = aws("iam").simulate_principal_policy(
        PolicySourceArn=made["Arn"], ActionNames=["logs:PutLogEvents", "s3:GetObject"]
    )
    assert [one["EvalDecision"] for one in answer["EvaluationResults"]] == [
        "allowed",
        "implicitDeny",
    ]


def test_a_template_is_validated_before_it_is_used(aws):
    told_of = aws("cloudformation").validate_template(TemplateBody=template())
    assert told_of["Capabilities"] == ["CAPABILITY_IAM"]
    assert [one["ParameterKey"] for one in told_of["Parameters"]] == ["Name"]
    code, text = refusal(aws("cloudformation").validate_template, TemplateBody="Resources: {}")
    assert (code, "At least one Resources member" in text) == ("ValidationError", True)


def test_the_control_path_tells_what_is_in_an_account(sandbox, aws):
    aws("cloudformation").create_stack(StackName="shop", TemplateBody=template("Topic"))
    with urllib.request.urlopen(f"{sandbox.url}/_sandbox/inventory?account={ACCOUNT}") as answer:
        found = json.load(answer)
    assert found == {"account": ACCOUNT, "inventory": there(sandbox)}
    assert len(found["inventory"]["sns"]) == 1
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{sandbox.url}/_sandbox/inventory")


def drifts(aws: Any) -> dict[str, tuple[str, list[str]]]:
    """Resource → (how it has drifted, where)."""
    client = aws("cloudformation")
    client.detect_stack_drift(StackName="shop")
    return {
        one["LogicalResourceId"]: (
            one["StackResourceDriftStatus"],
            [part["PropertyPath"] for part in one.get("PropertyDifferences", ())],
        )
        for one in client.describe_stack_resource_drifts(StackName="shop")["StackResourceDrifts"]
    }


def test_what_somebody_edited_by_hand_is_told_as_drift(sandbox, aws):
    aws("cloudformation").create_stack(StackName="shop", TemplateBody=template(), **IAM)
    assert {how for how, _ in drifts(aws).values()} == {"IN_SYNC"}, drifts(aws)

    aws("codebuild").update_project(name="shop-build", timeoutInMinutes=55)
    aws("logs").put_retention_policy(logGroupName="/aws/codebuild/shop", retentionInDays=7)
    bucket = "shop-artifacts-111122223333"
    aws("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    aws("ssm").delete_parameter(Name="/shop/bucket")
    (project,) = aws("codebuild").batch_get_projects(names=["shop-build"])["projects"]
    role = project["serviceRole"].rpartition("/")[2]
    aws("iam").detach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    found = {name: told_of for name, told_of in drifts(aws).items() if told_of[0] != "IN_SYNC"}
    assert found == {
        "Bucket": ("MODIFIED", ["/VersioningConfiguration/Status"]),
        "Build": ("MODIFIED", ["/TimeoutInMinutes"]),
        "Logs": ("MODIFIED", ["/RetentionInDays"]),
        "Role": ("MODIFIED", ["/ManagedPolicyArns/0"]),
        "Setting": ("DELETED", []),
    }
