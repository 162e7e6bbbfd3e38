"""What a toolchain does: its pipeline, how it rolls back, and that its parts agree on names."""

import json
import re
from typing import Any

import pytest
import yaml

from apps.wizard.blueprints.register import BEANSTALK, BLUEPRINTS, EC2, LAMBDA
from apps.wizard.blueprints.rendering import render

from .cases import SOURCES, answers, document, toolchains

EVERY = pytest.mark.parametrize("blueprint", BLUEPRINTS.values(), ids=list(BLUEPRINTS))
CASES = pytest.mark.parametrize("name", list(toolchains()))
OF_LAMBDA = pytest.mark.parametrize(
    "blueprint",
    [one for one in BLUEPRINTS.values() if one.target == LAMBDA],
    ids=lambda one: one.id,
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_INLINE_POLICIES = 10_240


def resources(text: str) -> dict[str, dict[str, Any]]:
    return document(text)["Resources"]


def of_kind(text: str, kind: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in resources(text).values() if one["Type"] == kind]


def toolchain(blueprint, **more: Any) -> str:
    return render(blueprint, answers(blueprint, **more)).toolchain


def stages(text: str) -> dict[str, dict[str, Any]]:
    (pipeline,) = of_kind(text, "AWS::CodePipeline::Pipeline")
    return {stage["Name"]: stage for stage in pipeline["Stages"]}


@EVERY
def test_a_pipeline_fetches_builds_and_deploys_and_asks_if_that_was_chosen(blueprint):
    assert list(stages(toolchain(blueprint))) == ["Source", "Build", "Deploy"]
    assert list(stages(toolchain(blueprint, approval=True))) == [
        "Source",
        "Build",
        "Approve",
        "Deploy",
    ]


@EVERY
def test_each_source_is_fetched_by_its_own_provider(blueprint):
    providers = {
        source: stages(toolchain(blueprint, **code))["Source"]["Actions"][0]["ActionTypeId"][
            "Provider"
        ]
        for source, code in SOURCES.items()
    }
    assert providers == {
        "codecommit": "CodeCommit",
        "github": "CodeStarSourceConnection",
        "github-new": "CodeStarSourceConnection",
    }


@EVERY
def test_each_target_is_deployed_by_its_own_provider(blueprint):
    actions = stages(toolchain(blueprint))["Deploy"]["Actions"]
    assert {one["ActionTypeId"]["Provider"] for one in actions} == {
        {LAMBDA: "CloudFormation", EC2: "CodeDeploy", BEANSTALK: "ElasticBeanstalk"}[
            blueprint.target
        ]
    }


@CASES
def test_every_artifact_is_made_before_it_is_used(name):
    made: set[str] = set()
    for stage in stages(toolchains()[name]).values():
        for action in stage["Actions"]:
            assert {one["Name"] for one in action.get("InputArtifacts", [])} <= made
            made |= {one["Name"] for one in action.get("OutputArtifacts", [])}


@EVERY
def test_a_bad_deployment_goes_back_by_itself(blueprint):
    text = toolchain(blueprint)
    if blueprint.target == EC2:
        (group,) = of_kind(text, "AWS::CodeDeploy::DeploymentGroup")
        assert group["AutoRollbackConfiguration"] == {
            "Enabled": True,
            "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"],
        }
        alarms = {one["Name"]["Ref"] for one in group["AlarmConfiguration"]["Alarms"]}
        assert group["AlarmConfiguration"]["Enabled"] is True
        assert all(resources(text)[alarm]["Type"] == "AWS::CloudWatch::Alarm" for alarm in alarms)
        assert len(alarms) == 2
    elif blueprint.target == BEANSTALK:
        assert stages(text)["Deploy"]["OnFailure"] == {"Result": "ROLLBACK"}
    else:
        template = document(render(blueprint, answers(blueprint)).files["template.yml"].decode())
        shifting = template["Resources"]["Function"]["Properties"]["DeploymentPreference"]
        (alarm,) = shifting["Alarms"]
        assert template["Resources"][alarm["Ref"]]["Type"] == "AWS::CloudWatch::Alarm"
        assert shifting["Type"].startswith("Canary")


def test_elastic_beanstalk_never_has_fewer_instances_while_it_deploys():
    blueprint = BLUEPRINTS["beanstalk-python-app"]
    policies = {
        balanced: next(
            one["Value"]
            for one in of_kind(
                toolchain(blueprint, load_balanced=balanced), "AWS::ElasticBeanstalk::Environment"
            )[0]["OptionSettings"]
            if one["OptionName"] == "DeploymentPolicy"
        )
        for balanced in (False, True)
    }
    assert policies == {False: "Immutable", True: "RollingWithAdditionalBatch"}


@CASES
def test_what_stages_hand_on_is_encrypted_versioned_and_nobodys_else(name):
    (bucket,) = of_kind(toolchains()[name], "AWS::S3::Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
    }
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (policy,) = of_kind(toolchains()[name], "AWS::S3::BucketPolicy")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    (key,) = of_kind(toolchains()[name], "AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True


@EVERY
def test_the_report_has_the_name_that_codebuild_gives_it(blueprint):
    made = render(blueprint, answers(blueprint))
    (group,) = of_kind(made.toolchain, "AWS::CodeBuild::ReportGroup")
    (build,) = of_kind(made.toolchain, "AWS::CodeBuild::Project")
    ((report, _),) = yaml.safe_load(made.files["buildspec.yml"])["reports"].items()
    assert group["Name"]["Fn::Sub"] == f"{build['Name']['Fn::Sub']}-{report}"
    assert group["DeleteReports"] is True


@OF_LAMBDA
def test_the_pipeline_gives_the_applications_template_each_of_its_parameters(blueprint):
    made = render(blueprint, answers(blueprint))
    prepare = stages(made.toolchain)["Deploy"]["Actions"][0]["Configuration"]
    given = json.loads(prepare["ParameterOverrides"]["Fn::Sub"])
    template = document(made.files["template.yml"].decode())
    assert set(given) == set(template["Parameters"])
    # What stands for an attribute names a resource of the toolchain.
    for value in given.values():
        (name,) = re.findall(r"\$\{(\w+)", value)
        assert name in resources(made.toolchain) or name in made.parameters
    # A thousand characters are allowed, with roles' longest names in place.
    assert len(prepare["ParameterOverrides"]["Fn::Sub"]) + 3 * 110 + 63 + 30 < 1000


@OF_LAMBDA
def test_what_the_application_makes_has_names_that_its_role_may_make(blueprint):
    template = document(render(blueprint, answers(blueprint)).files["template.yml"].decode())
    properties = {name: one["Properties"] for name, one in template["Resources"].items()}
    assert properties["Function"]["FunctionName"] == {"Fn::Sub": "${Project}-app"}
    assert properties["FunctionLogs"]["LogGroupName"] == {"Fn::Sub": "/aws/lambda/${Project}-app"}
    assert properties["AccessLogs"]["LogGroupName"]["Fn::Sub"].startswith(
        "/aws/apigateway/${Project}-app"
    )
    assert properties["ErrorsAlarm"]["AlarmName"]["Fn::Sub"].startswith("${Project}-app-")
    made = {one["Type"] for one in template["Resources"].values()}
    assert not {kind for kind in made if kind.startswith("AWS::IAM::")}


@OF_LAMBDA
def test_the_build_packages_what_the_pipeline_deploys(blueprint):
    made = render(blueprint, answers(blueprint))
    buildspec = yaml.safe_load(made.files["buildspec.yml"])
    path = stages(made.toolchain)["Deploy"]["Actions"][0]["Configuration"]["TemplatePath"]
    assert path == f"Build::{buildspec['artifacts']['files'][0]}"
    commands = " ".join(buildspec["phases"]["build"]["commands"])
    (build,) = of_kind(made.toolchain, "AWS::CodeBuild::Project")
    known = {one["Name"] for one in build["Environment"]["EnvironmentVariables"]}
    assert set(re.findall(r"\$([A-Z_]+)", commands)) <= known


@CASES
def test_every_role_stays_below_what_iam_allows_of_inline_policies(name):
    for logical, resource in resources(toolchains()[name]).items():
        if resource["Type"] == "AWS::IAM::Role":
            documents = [
                one["PolicyDocument"] for one in resource["Properties"].get("Policies", [])
            ]
            written = json.dumps(documents, separators=(",", ":"))
            # ${AWS::Partition} and the like become shorter; ids of resources longer, by less.
            assert len(written) < LONGEST_INLINE_POLICIES, logical


@CASES
def test_a_push_starts_it_and_the_dashboard_hears_of_it_where_it_has_a_queue(name):
    text = toolchains()[name]
    targets = [
        json.dumps(target)
        for rule in of_kind(text, "AWS::Events::Rule")
        for target in rule["Targets"]
    ]
    assert len([one for one in targets if "codepipeline" in one]) == (
        "AWS::CodeCommit::Repository" in text
    )
    assert len([one for one in targets if "EventQueueArn" in one]) == ("EventQueueArn" in text)


@CASES
def test_the_build_is_inside_the_network_where_that_was_chosen(name):
    (build,) = of_kind(toolchains()[name], "AWS::CodeBuild::Project")
    inside = "inside" in name or "own-groups" in name
    assert ("VpcConfig" in build) == inside
    if inside:
        groups = build["VpcConfig"]["SecurityGroupIds"]
        assert (groups == {"Ref": "BuildSecurityGroups"}) == ("own-groups" in name)


@EVERY
def test_instances_answer_only_to_who_was_named_and_need_tokens_for_their_metadata(blueprint):
    if blueprint.target != EC2:
        return
    text = toolchain(blueprint, visitors="192.0.2.0/24")
    assert document(text)["Parameters"]["VisitorsCidr"]["Default"] == "192.0.2.0/24"
    (group,) = of_kind(text, "AWS::EC2::SecurityGroup")
    assert [(one["FromPort"], one["CidrIp"]) for one in group["SecurityGroupIngress"]] == [
        (80, {"Ref": "VisitorsCidr"})
    ]
    (template,) = of_kind(text, "AWS::EC2::LaunchTemplate")
    data = template["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert "codedeploy-agent" in data["UserData"]["Fn::Base64"]["Fn::Sub"]
