"""What is rendered: complete, the same every time, and without what was not chosen."""

import io
import re
import zipfile

import pytest

from apps.wizard.blueprints.answers import Answers
from apps.wizard.blueprints.register import BLUEPRINTS, LAMBDA
from apps.wizard.blueprints.rendering import LONGEST_TEMPLATE, render

from .cases import CONNECTION, QUEUE, SOURCES, answers, combinations, document, rendered

EVERY = pytest.mark.parametrize("blueprint", BLUEPRINTS.values(), ids=list(BLUEPRINTS))
CASES = pytest.mark.parametrize("name", list(rendered()))


@CASES
def test_a_toolchain_is_short_enough_to_be_passed_along(name):
    assert len(rendered()[name].toolchain.encode()) <= LONGEST_TEMPLATE


@CASES
def test_no_directive_and_no_placeholder_is_left(name):
    made = rendered()[name]
    for path in ("toolchain.yml", "README.md"):
        text = made.files[path].decode()
        assert "#:" not in text
        assert "@{" not in text


def test_the_same_answers_make_the_same_bytes():
    for name, blueprint, chosen in combinations():
        again = render(blueprint, chosen)
        assert again == rendered()[name]
        assert again.code_zip() == rendered()[name].code_zip()


@EVERY
def test_the_repository_has_what_a_team_needs(blueprint):
    files = render(blueprint, answers(blueprint)).files
    assert {"README.md", "buildspec.yml", "toolchain.yml", ".gitignore"} <= set(files)
    assert ("template.yml" in files) == (blueprint.target == LAMBDA)
    assert not [path for path in files if "__pycache__" in path or path.endswith(".pyc")]


@EVERY
def test_the_zip_holds_the_same_files_and_scripts_may_be_run(blueprint):
    made = render(blueprint, answers(blueprint))
    with zipfile.ZipFile(io.BytesIO(made.code_zip())) as archive:
        assert {entry.filename: archive.read(entry) for entry in archive.infolist()} == made.files
        for entry in archive.infolist():
            assert bool((entry.external_attr >> 16) & 0o111) == entry.filename.endswith(".sh")


@EVERY
def test_each_parameter_has_the_value_that_was_chosen(blueprint):
    made = render(blueprint, answers(blueprint, branch="release/2026", queue=QUEUE))
    assert made.parameters["Project"] == "shop-web"
    assert made.parameters["Team"] == "Team Shop"
    assert made.parameters["Branch"] == "release/2026"
    assert made.parameters["EventQueueArn"] == QUEUE
    assert made.parameters["RepositoryName"] == "shop-web"
    declared = document(made.toolchain)["Parameters"]
    assert set(declared) - set(made.parameters) == {"CodeBucket", "CodeKey"}


@EVERY
def test_what_was_not_chosen_is_not_there(blueprint):
    plain = render(blueprint, answers(blueprint)).toolchain
    for word in ("Approve", "VpcConfig", "EventQueueArn", "GitHub", "Connection"):
        assert word not in plain
    all_of_it = render(
        blueprint,
        answers(blueprint, approval=True, build_in_vpc=True, queue=QUEUE, **SOURCES["github-new"]),
    ).toolchain
    for word in ("Approve", "VpcConfig", "EventQueueArn", "GitHub", "Connection"):
        assert word in all_of_it
    assert "CodeCommit" not in all_of_it


@EVERY
def test_a_connection_that_is_there_is_used_and_no_other_is_made(blueprint):
    made = render(blueprint, answers(blueprint, **SOURCES["github"]))
    assert made.parameters["ConnectionArn"] == CONNECTION
    resources = document(made.toolchain)["Resources"].values()
    assert "AWS::CodeConnections::Connection" not in {one["Type"] for one in resources}


@EVERY
def test_the_repository_outlives_the_toolchain(blueprint):
    repository = document(render(blueprint, answers(blueprint)).toolchain)["Resources"][
        "Repository"
    ]
    # A creation that is rolled back takes it along: else the next one finds the name taken.
    assert repository["DeletionPolicy"] == "RetainExceptOnCreate"
    assert repository["UpdateReplacePolicy"] == "Retain"


@CASES
def test_everything_that_takes_tags_has_the_projects(name):
    untagged = {
        # These take none.
        "AWS::ElasticBeanstalk::Application",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::RolePolicy",
        "AWS::KMS::Alias",
        "AWS::S3::BucketPolicy",
        # These tag what they launch.
        "AWS::AutoScaling::AutoScalingGroup",
        "AWS::EC2::LaunchTemplate",
    }
    for logical, resource in document(rendered()[name].toolchain)["Resources"].items():
        if resource["Type"] in untagged:
            continue
        tags = {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]}
        assert tags == {
            "codestar-dash:project": {"Ref": "Project"},
            "codestar-dash:team": {"Ref": "Team"},
        }, logical


def test_other_tags_go_with_the_stack():
    blueprint = BLUEPRINTS["lambda-python-service"]
    made = render(blueprint, answers(blueprint, tags={"cost-centre": "4711"}))
    assert made.tags == {
        "cost-centre": "4711",
        "codestar-dash:project": "shop-web",
        "codestar-dash:team": "Team Shop",
    }


@EVERY
def test_the_readme_has_the_title_and_tells_of_what_was_chosen(blueprint):
    plain = render(blueprint, answers(blueprint)).files["README.md"].decode()
    assert plain.startswith("# shop-web\n")
    assert "Approve" not in plain
    titled = render(blueprint, answers(blueprint, title="The shop (EU)", approval=True))
    assert titled.files["README.md"].decode().startswith("# The shop (EU)\n")
    assert "Approve" in titled.files["README.md"].decode()


@EVERY
def test_the_pipelines_own_stack_is_named_where_there_is_one(blueprint):
    made = render(blueprint, answers(blueprint))
    assert made.stack_name == "shop-web"
    assert made.app_stack_name == ("shop-web-app" if blueprint.target == LAMBDA else None)
    assert made.capabilities == ("CAPABILITY_IAM",)


def test_the_register_is_sorted_and_says_what_each_is():
    assert list(BLUEPRINTS) == sorted(BLUEPRINTS)
    for name, blueprint in BLUEPRINTS.items():
        assert blueprint.id == name
        assert blueprint.title
        assert blueprint.about
        assert all(folder.is_dir() for folder in blueprint.folders)


def test_answers_have_names_for_what_was_left_out():
    chosen = Answers(project="shop", account="111122223333", region="eu-west-1", team="Shop")
    assert chosen.repository_name == "shop"
    assert chosen.bucket_name == "shop-pipe-111122223333-eu-west-1"


def test_templates_with_one_target_have_the_same_toolchain():
    for name, blueprint, _chosen in combinations():
        case = name.removeprefix(blueprint.id)
        for other in BLUEPRINTS.values():
            if other.target != blueprint.target or f"{other.id}{case}" not in rendered():
                continue
            mine = rendered()[name].toolchain.splitlines()
            theirs = rendered()[f"{other.id}{case}"].toolchain.splitlines()
            differing = [line for line, its in zip(mine, theirs, strict=True) if line != its]
            assert all(
                line.startswith(("Description: ", '    Default: "64bit')) for line in differing
            )


@CASES
def test_every_default_is_one_that_cloudformation_would_take(name):
    for parameter, declared in document(rendered()[name].toolchain)["Parameters"].items():
        if "AllowedPattern" in declared:
            assert re.fullmatch(declared["AllowedPattern"], declared["Default"]), parameter
        assert len(declared["Description"]) <= 4000


#: How long a name may be: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
LONGEST = {
    ("AWS::CloudWatch::Alarm", "AlarmName"): 255,
    ("AWS::CodeBuild::Project", "Name"): 150,
    ("AWS::CodeBuild::ReportGroup", "Name"): 128,
    ("AWS::CodeConnections::Connection", "ConnectionName"): 32,
    ("AWS::CodeDeploy::Application", "ApplicationName"): 100,
    ("AWS::CodeDeploy::DeploymentGroup", "DeploymentGroupName"): 100,
    ("AWS::CodePipeline::Pipeline", "Name"): 100,
    ("AWS::ElasticBeanstalk::Application", "ApplicationName"): 100,
    ("AWS::ElasticBeanstalk::Environment", "EnvironmentName"): 40,
    ("AWS::Events::Rule", "Name"): 64,
    ("AWS::KMS::Alias", "AliasName"): 256,
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
    ("AWS::S3::Bucket", "BucketName"): 63,
}


@CASES
def test_the_longest_id_makes_no_name_too_long(name):
    made = rendered()[name]
    longest = {"Project": "a" * 30, "ArtifactBucketName": "a" * 63}
    for resource in document(made.toolchain)["Resources"].values():
        for kind, key in LONGEST:
            value = resource["Properties"].get(key)
            if resource["Type"] != kind or value == {"Ref": "DeployApplication"}:
                continue
            if value == {"Ref": "Application"}:
                continue
            written = str(value.get("Fn::Sub", "${" + str(value.get("Ref")) + "}"))
            for parameter, text in longest.items():
                written = written.replace("${" + parameter + "}", text)
            assert "$" not in written
            assert len(written) <= LONGEST[kind, key]
