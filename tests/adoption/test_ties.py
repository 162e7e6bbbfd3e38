"""What columns name besides links: by definition, source, dimension and name."""

from typing import Any

import pytest

from apps.beanstalk.ties import ties_of as of_environment
from apps.cloudwatch.ties import of_alarm, of_log_group
from apps.codebuild.ties import ties_of as of_build_project
from apps.codepipeline.ties import ties_of as of_pipeline
from tests.factories import action_definition, stage_definition

ARN = "arn:aws:codepipeline:eu-west-1:111122223333:shop"


def named(category: str, provider: str, more: Any = None, **configuration: str) -> list[str]:
    action = action_definition(
        "Do", category, provider, configuration=configuration, **(more or {})
    )
    return [
        f"{tie.relation} {tie.to_kind} {tie.to}"
        for tie in of_pipeline(ARN, [stage_definition("One", action)])
    ]


@pytest.mark.parametrize(
    ("category", "provider", "configuration", "expected"),
    [
        (
            "Build",
            "CodeBuild",
            {"ProjectName": "b"},
            "builds with codebuild.project arn:aws:codebuild:eu-west-1:111122223333:project/b",
        ),
        (
            "Deploy",
            "CodeDeploy",
            {"ApplicationName": "a", "DeploymentGroupName": "g"},
            "deploys by codedeploy.deploymentgroup "
            "arn:aws:codedeploy:eu-west-1:111122223333:deploymentgroup:a/g",
        ),
        (
            "Deploy",
            "CloudFormation",
            {"StackName": "s"},
            "deploys cloudformation.stack arn:aws:cloudformation:eu-west-1:111122223333:stack/s/*",
        ),
        (
            "Deploy",
            "ECS",
            {"ClusterName": "arn:aws:ecs:eu-west-1:1:cluster/c", "ServiceName": "s"},
            "deploys ecs.service arn:aws:ecs:eu-west-1:111122223333:service/c/s",
        ),
        (
            "Deploy",
            "ECS",
            {"ClusterName": "c", "ServiceName": "s-#{variables.Stage}"},
            "deploys ecs.service arn:aws:ecs:eu-west-1:111122223333:service/c/s-*",
        ),
        (
            "Deploy",
            "ElasticBeanstalk",
            {"ApplicationName": "a", "EnvironmentName": "e"},
            "deploys beanstalk.environment "
            "arn:aws:elasticbeanstalk:eu-west-1:111122223333:environment/a/e",
        ),
        (
            "Invoke",
            "Lambda",
            {"FunctionName": "arn:aws:lambda:eu-west-1:1:function:f"},
            "invokes awslambda.function arn:aws:lambda:eu-west-1:111122223333:function:f",
        ),
        (
            "Source",
            "CodeCommit",
            {"RepositoryName": "r"},
            "takes codecommit.repository arn:aws:codecommit:eu-west-1:111122223333:r",
        ),
        (
            "Source",
            "CodeStarSourceConnection",
            {"FullRepositoryId": "Acme/Shop"},
            "takes repository acme/shop",
        ),
    ],
)
def test_actions_name_what_they_take_and_deploy(
    category: str, provider: str, configuration: dict[str, str], expected: str
):
    assert named(category, provider, **configuration) == [expected]


@pytest.mark.parametrize(
    ("provider", "configuration"),
    [
        ("CodeBuild", {}),
        ("CodeBuild", {"ProjectName": "#{variables.Project}"}),
        ("ECS", {"ClusterName": "c", "ServiceName": "#{variables.Stage}"}),
        ("ECS", {"ClusterName": "#{a.b}-c", "ServiceName": "s-#{c.d}"}),
        ("CloudFormation", {"StackName": "shop-#{variables.Stage}"}),
        ("S3", {"BucketName": "artifacts"}),
        ("Jenkins", {"ProjectName": "p"}),
    ],
)
def test_what_names_nothing_for_certain_ties_nothing(provider: str, configuration: dict[str, str]):
    assert named("Build", provider, **configuration) == []


def test_somebody_elses_provider_of_the_same_name_ties_nothing():
    assert named("Build", "CodeBuild", {"owner": "Custom"}, ProjectName="b") == []


def test_an_action_in_another_region_and_account_names_what_is_there():
    more = {"region": "us-east-1", "role_arn": "arn:aws:iam::444455556666:role/deploy"}
    [told] = named("Deploy", "CloudFormation", more, StackName="s")
    assert told.endswith("arn:aws:cloudformation:us-east-1:444455556666:stack/s/*")


def test_the_first_source_is_its_own_and_the_others_are_used():
    sources = [
        action_definition("S", "Source", "CodeCommit", configuration={"RepositoryName": name})
        for name in ("shop", "scripts")
    ]
    ties = list(of_pipeline(ARN, [stage_definition("Source", *sources)]))
    assert [tie.relation for tie in ties] == ["takes", "uses"]
    assert {tie.detail for tie in ties} == {"stage Source"}
    assert list(of_pipeline(ARN, None)) == []


@pytest.mark.parametrize(
    ("source_type", "location", "expected"),
    [
        (
            "CODECOMMIT",
            "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/shop",
            "arn:aws:codecommit:us-east-1:111122223333:shop",
        ),
        ("GITHUB", "https://github.com/Acme/Shop.git", "acme/shop"),
        ("GITHUB", "https://[broken", ""),
        ("S3", "bucket/key.zip", ""),
        ("CODEPIPELINE", "", ""),
        ("GITHUB", "", ""),
    ],
)
def test_build_projects_name_their_repository(source_type: str, location: str, expected: str):
    arn = "arn:aws:codebuild:eu-west-1:111122223333:project/b"
    assert "".join(tie.to for tie in of_build_project(arn, source_type, location)) == expected


def test_environments_name_their_stack_and_what_watches_them_is_found_by_name():
    arn = "arn:aws:elasticbeanstalk:eu-west-1:111122223333:environment/shop/shop-prod"
    [stack] = of_environment(arn, "e-abc")
    assert stack.to == "arn:aws:cloudformation:eu-west-1:111122223333:stack/awseb-e-abc-stack/*"
    assert list(of_environment(arn, "")) == []
    alarm = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a"
    [watched] = of_alarm(alarm, "AWS/ElasticBeanstalk", {"EnvironmentName": "shop-prod"})
    assert watched.to.endswith(":environment/*/shop-prod")
    [group] = of_alarm(alarm, "AWS/EC2", {"AutoScalingGroupName": "web"})
    assert group.to.endswith(":autoScalingGroup:*:autoScalingGroupName/web")
    assert list(of_alarm(alarm, "AWS/EC2", None)) == []
    log = "arn:aws:logs:eu-west-1:111122223333:log-group:x"
    [told] = of_log_group(log, "/aws/elasticbeanstalk/shop-prod/var/log/web.log")
    assert told.to.endswith(":environment/*/shop-prod")
    assert list(of_log_group(log, "/ecs/shop")) == []
