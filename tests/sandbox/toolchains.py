"""Toolchains as stacks: a repository with code, a build, and a pipeline that deploys it."""

import json
from typing import Any

ACCOUNT = "111122223333"


def role(service: str, *statements: tuple[list[str], Any]) -> dict[str, Any]:
    """A role that a service takes, which may do what is said: (actions, resources)."""
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": on} for actions, on in statements
        ],
    }
    principal = {"Service": f"{service}.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "may", "PolicyDocument": document}],
        },
    }


def action(category: str, provider: str, takes: str = "", gives: str = "", **asked: Any) -> Any:
    """An action of a pipeline that is called what it does."""
    made: dict[str, Any] = {
        "Name": asked.pop("name", category),
        "RunOrder": asked.pop("order", 1),
        "ActionTypeId": {
            "Category": category,
            "Owner": "AWS",
            "Provider": provider,
            "Version": "1",
        },
        "Configuration": asked,
    }
    if takes:
        made["InputArtifacts"] = [{"Name": takes}]
    if gives:
        made["OutputArtifacts"] = [{"Name": gives}]
    return made


def arn(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}


OBJECTS = {"Fn::Sub": "${Bucket.Arn}/*"}
SHARED: dict[str, Any] = {
    "Repository": {
        "Type": "AWS::CodeCommit::Repository",
        "DeletionPolicy": "RetainExceptOnCreate",
        "Properties": {
            "RepositoryName": {"Ref": "Project"},
            "Code": {"S3": {"Bucket": "staging", "Key": "code.zip"}, "BranchName": "main"},
        },
    },
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": {"Fn::Sub": "${Project}-artifacts"},
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    },
    "Reports": {
        "Type": "AWS::CodeBuild::ReportGroup",
        "Properties": {
            "Name": {"Fn::Sub": "${Project}-build-tests"},
            "Type": "TEST",
            "DeleteReports": True,
            "ExportConfig": {"ExportConfigType": "NO_EXPORT"},
        },
    },
    # Without it the build makes one itself, which nobody takes away.
    "Logs": {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": {"Fn::Sub": "/aws/codebuild/${Project}-build"}},
    },
    "BuildRole": role("codebuild", (["s3:GetObject", "s3:PutObject"], OBJECTS)),
    "Build": {
        "Type": "AWS::CodeBuild::Project",
        "Properties": {
            "Name": {"Fn::Sub": "${Project}-build"},
            "ServiceRole": arn("BuildRole"),
            "Source": {"Type": "CODEPIPELINE"},
            "Artifacts": {"Type": "CODEPIPELINE"},
            "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": {"Ref": "Logs"}}},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "ComputeType": "BUILD_GENERAL1_SMALL",
                "Image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "EnvironmentVariables": [{"Name": "ARTIFACT_BUCKET", "Value": {"Ref": "Bucket"}}],
            },
        },
    },
    "StartRole": role("events", (["codepipeline:StartPipelineExecution"], "*")),
    "Start": {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {
                "source": ["aws.codecommit"],
                "detail-type": ["CodeCommit Repository State Change"],
                "resources": [arn("Repository")],
                "detail": {"event": ["referenceUpdated"], "referenceName": ["main"]},
            },
            "Targets": [
                {
                    "Id": "pipeline",
                    "Arn": {
                        "Fn::Sub": "arn:aws:codepipeline:${AWS::Region}:${AWS::AccountId}:"
                        "${Pipeline}"
                    },
                    "RoleArn": arn("StartRole"),
                }
            ],
        },
    },
}
#: What a pipeline's role has to be allowed, by what it is for.
SOURCE = (["codecommit:GetBranch", "codecommit:UploadArchive"], arn("Repository"))
STORE = (["s3:PutObject", "s3:GetObject"], OBJECTS)
BUILD = (["codebuild:StartBuild"], arn("Build"))


def pipeline(*deploy: Any) -> dict[str, Any]:
    """A pipeline that takes the repository's head, builds it, and deploys by these actions."""
    source = action(
        "Source",
        "CodeCommit",
        gives="Source",
        RepositoryName={"Fn::GetAtt": ["Repository", "Name"]},
        BranchName="main",
        PollForSourceChanges=False,
    )
    build = action("Build", "CodeBuild", "Source", "Build", ProjectName={"Ref": "Build"})
    stages = [("Source", [source]), ("Build", [build]), ("Deploy", list(deploy))]
    return {
        "Type": "AWS::CodePipeline::Pipeline",
        "Properties": {
            "Name": {"Ref": "Project"},
            "PipelineType": "V2",
            "RoleArn": arn("PipelineRole"),
            "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Bucket"}},
            "Stages": [{"Name": name, "Actions": actions} for name, actions in stages],
        },
    }


def on_lambda(**changed: Any) -> str:
    """Deploys the packaged template as the stack shop-app."""
    stack = {"StackName": {"Fn::Sub": "${Project}-app"}, "ChangeSetName": "change"}
    prepare = action(
        "Deploy",
        "CloudFormation",
        "Build",
        name="Prepare",
        ActionMode="CHANGE_SET_REPLACE",
        TemplatePath="Build::packaged.yml",
        Capabilities="CAPABILITY_AUTO_EXPAND,CAPABILITY_IAM",
        RoleArn=arn("AppRole"),
        ParameterOverrides=json.dumps({"Stage": "live"}),
        **stack,
    )
    execute = action("Deploy", "CloudFormation", order=2, ActionMode="CHANGE_SET_EXECUTE", **stack)
    may = ["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"]
    deploys = [
        "lambda:*",
        "iam:*",
        "apigateway:*",
        "codedeploy:*",
        "cloudwatch:*",
        "s3:GetObject",
    ]
    return template(
        {
            "AppRole": role("cloudformation", (deploys, "*")),
            "PipelineRole": role(
                "codepipeline",
                SOURCE,
                STORE,
                BUILD,
                (may, "*"),
                (["iam:PassRole"], arn("AppRole")),
            ),
            "Pipeline": pipeline(prepare, execute),
        },
        **changed,
    )


def on_instances(**changed: Any) -> str:
    """Deploys to the instances of an Auto Scaling group."""
    deploy = action(
        "Deploy",
        "CodeDeploy",
        "Build",
        ApplicationName={"Ref": "Application"},
        DeploymentGroupName={"Ref": "Group"},
    )
    return template(
        {
            "DeployRole": role("codedeploy", (["ec2:DescribeInstances"], "*")),
            "InstanceRole": role("ec2", STORE),
            "Profile": {
                "Type": "AWS::IAM::InstanceProfile",
                "Properties": {"Roles": [{"Ref": "InstanceRole"}]},
            },
            "Template": {
                "Type": "AWS::EC2::LaunchTemplate",
                "Properties": {
                    "LaunchTemplateData": {
                        "ImageId": "ami-0c1c30571d2dae5c9",
                        "InstanceType": "t3.micro",
                        "IamInstanceProfile": {"Arn": arn("Profile")},
                        "UserData": {"Fn::Base64": "#!/bin/sh\n./install auto\n"},
                    }
                },
            },
            "Fleet": {
                "Type": "AWS::AutoScaling::AutoScalingGroup",
                "Properties": {
                    "MinSize": "1",
                    "MaxSize": "4",
                    "DesiredCapacity": "2",
                    "VPCZoneIdentifier": ["subnet-0a1b2c3d4e5f60718"],
                    "LaunchTemplate": {
                        "LaunchTemplateId": {"Ref": "Template"},
                        "Version": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]},
                    },
                },
            },
            "Errors": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmName": {"Fn::Sub": "${Project}-errors"},
                    "Namespace": "AWS/EC2",
                    "MetricName": "StatusCheckFailed",
                    "Statistic": "Maximum",
                    "Period": 60,
                    "EvaluationPeriods": 1,
                    "Threshold": 1,
                    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                },
            },
            "Application": {
                "Type": "AWS::CodeDeploy::Application",
                "Properties": {"ApplicationName": {"Ref": "Project"}},
            },
            "Group": {
                "Type": "AWS::CodeDeploy::DeploymentGroup",
                "Properties": {
                    "ApplicationName": {"Ref": "Application"},
                    "ServiceRoleArn": arn("DeployRole"),
                    "AutoScalingGroups": [{"Ref": "Fleet"}],
                    "DeploymentConfigName": "CodeDeployDefault.OneAtATime",
                    "AlarmConfiguration": {
                        "Enabled": True,
                        "Alarms": [{"Name": {"Ref": "Errors"}}],
                    },
                    "AutoRollbackConfiguration": {
                        "Enabled": True,
                        "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"],
                    },
                },
            },
            "PipelineRole": role(
                "codepipeline", SOURCE, STORE, BUILD, (["codedeploy:CreateDeployment"], "*")
            ),
            "Pipeline": pipeline(deploy),
        },
        **changed,
    )


def on_beanstalk(**changed: Any) -> str:
    """Deploys to an environment of Elastic Beanstalk."""
    deploy = action(
        "Deploy",
        "ElasticBeanstalk",
        "Build",
        ApplicationName={"Ref": "Application"},
        EnvironmentName={"Ref": "Environment"},
    )
    return template(
        {
            "Application": {
                "Type": "AWS::ElasticBeanstalk::Application",
                "Properties": {"ApplicationName": {"Ref": "Project"}},
            },
            "Environment": {
                "Type": "AWS::ElasticBeanstalk::Environment",
                "Properties": {
                    "ApplicationName": {"Ref": "Application"},
                    "EnvironmentName": {"Fn::Sub": "${Project}-env"},
                    "SolutionStackName": "64bit Amazon Linux 2023 v4.3.1 running Python 3.11",
                    "OptionSettings": [
                        {
                            "Namespace": "aws:elasticbeanstalk:command",
                            "OptionName": "DeploymentPolicy",
                            "Value": "Immutable",
                        }
                    ],
                },
            },
            "PipelineRole": role("codepipeline", SOURCE, STORE, BUILD),
            "Pipeline": pipeline(deploy),
        },
        **changed,
    )


def template(resources: dict[str, Any], **changed: Any) -> str:
    """A toolchain's template; ``changed`` are other resources of these names."""
    return json.dumps(
        {
            "Parameters": {"Project": {"Type": "String", "Default": "shop"}},
            "Resources": {**SHARED, **resources, **changed},
        }
    )


BUILDSPEC = """
version: 0.2
phases:
  install:
    commands:
      - pip install -r requirements.txt
  pre_build:
    commands:
      - python -m pytest --junitxml=reports/tests.xml tests
  build:
    commands:
      - rm -rf build && mkdir build && cp -R app build/
      - >-
        aws cloudformation package --template-file template.yml --s3-bucket "$ARTIFACT_BUCKET"
        --output-template-file packaged.yml
reports:
  tests:
    files: [tests.xml]
    base-directory: reports
artifacts:
  files:
    - packaged.yml
    - appspec.yml
    - scripts/**/*
    - app/**/*
"""
APPSPEC = """
version: 0.0
os: linux
files:
  - source: app
    destination: /srv/shop
hooks:
  ApplicationStart:
    - location: scripts/start.sh
      runas: root
"""
SAM = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
  Function:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: shop-app
      CodeUri: build/
      Handler: app.handler.handle
      Runtime: python3.13
      Environment: {Variables: {STAGE: !Ref Stage}}
      AutoPublishAlias: live
      DeploymentPreference:
        Type: Canary10Percent5Minutes
        Alarms: [!Ref Errors]
      Events:
        All: {Type: HttpApi, Properties: {ApiId: !Ref Api}}
        Hello: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /hello, Method: get}}
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: shop-app-errors
      Namespace: AWS/Lambda
      MetricName: Errors
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: 1
      ComparisonOperator: GreaterThanOrEqualToThreshold
Outputs:
  Url: {Value: !GetAtt Api.ApiEndpoint}
"""
CODE = {
    "buildspec.yml": BUILDSPEC,
    "appspec.yml": APPSPEC,
    "template.yml": SAM,
    "requirements.txt": "flask==3.1.0\npytest\n",
    "app/handler.py": "def handle(event, context):\n    return {'statusCode': 200}\n",
    "scripts/start.sh": "#!/bin/sh\nset -eu\nsystemctl restart shop\n",
    "tests/test_handler.py": "def test_it_answers(): ...\n\n\ndef test_it_greets(): ...\n",
}
