"""Answers that nothing can be made of are refused with the field and what to do."""

import pytest
import yaml

from apps.wizard.blueprints.answers import BadAnswersError, refusals
from apps.wizard.blueprints.naming import artifact_bucket, bucket_trouble
from apps.wizard.blueprints.platforms import NODE, PYTHON, newest
from apps.wizard.blueprints.register import BLUEPRINTS
from apps.wizard.blueprints.rendering import render

from .cases import ACCOUNT, CONNECTION, QUEUE, REGION, SUBNETS, VPC, answers, document

LAMBDA = BLUEPRINTS["lambda-python-service"]
EC2 = BLUEPRINTS["ec2-python-app"]
BEANSTALK = BLUEPRINTS["beanstalk-python-app"]

# What would break out of YAML, JSON, a shell, an ARN, HTML or a line, and what is merely strange.
HOSTILE = (
    'x"\n  Evil: true',
    "x'\n",
    "main\n",
    "x: y\n#",
    "${AWS::AccountId}",
    "{{resolve:ssm:secret}}",
    "!Ref Team",
    "*",
    "a b; rm -rf /",
    "$(id)",
    "`id`",
    "<script>",
    "\u2028",
    "\ud800",
    "\x00",
    "\x85",
    "../../etc/passwd",
    "é" * 300,
    "-",
    "@{team}",
    "#: end",
)
TEXTS = (
    "project",
    "account",
    "region",
    "team",
    "title",
    "source",
    "repository",
    "branch",
    "vpc",
    "visitors",
    "instance_type",
    "queue",
    "bucket",
)


def fields(blueprint, **more):
    runs = blueprint.runs.runs if blueprint.runs else ""
    return {one.field for one in refusals(answers(blueprint, **more), blueprint.target, runs)}


@pytest.mark.parametrize("field", TEXTS)
def test_a_hostile_answer_is_refused_in_its_field(field):
    let_in = [value for value in HOSTILE if field not in fields(EC2, **{field: value})]
    assert let_in == []


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_hostile_lists_and_tags_are_refused(value):
    assert fields(EC2, subnets=(value,)) == {"subnets"}
    assert fields(EC2, build_in_vpc=True, security_groups=(value,)) == {"security_groups"}
    assert fields(BEANSTALK, platform=value) == {"platform"}
    assert fields(LAMBDA, source="github", repository=value) == {"repository"}
    assert "connection" in fields(LAMBDA, source="github", repository="a/b", connection=value)
    if value not in ("-", "../../etc/passwd"):
        assert fields(LAMBDA, tags={value: "x"}) == {"tags"}


@pytest.mark.parametrize("blueprint", BLUEPRINTS.values(), ids=list(BLUEPRINTS))
def test_whatever_is_let_in_arrives_as_what_it_is(blueprint):
    odd = answers(
        blueprint,
        team="a@b yes: no = + /",
        branch="release/2026.1_x-y",
        title="It's (new), & good @ 1 + 1 = 2: /",
        repository="yes",
        tags={"cost centre": "null: +/=@", "Ort": "Köln"},
    )
    made = render(blueprint, odd)
    parameters = document(made.toolchain)["Parameters"]
    assert parameters["Team"]["Default"] == made.parameters["Team"] == odd.team
    assert parameters["Branch"]["Default"] == "release/2026.1_x-y"
    assert parameters["RepositoryName"]["Default"] == "yes"
    assert made.tags["Ort"] == "Köln"
    assert made.files["README.md"].decode().splitlines()[0] == f"# {odd.title}"


def test_render_refuses_with_every_field_at_once():
    with pytest.raises(BadAnswersError) as refused:
        render(EC2, answers(EC2, project="X", branch="", vpc="", subnets=(), bucket="UP.per"))
    assert {one.field for one in refused.value.refusals} == {
        "project",
        "bucket",
        "branch",
        "vpc",
        "subnets",
    }
    # A bucket that is named after the project is not wrong itself.
    assert "bucket" not in fields(EC2, project="X")
    for one in refused.value.refusals:
        assert one.sentence.endswith(".")
        assert one.sentence in str(refused.value)


@pytest.mark.parametrize(
    "project", ["ab", "a" * 31, "1ab", "abc-", "Abc", "a_b", "a.b", "-ab", "sthree-x", "xn--abc"]
)
def test_an_id_that_something_cannot_be_named_after_is_refused(project):
    assert {"project", "bucket"} & fields(LAMBDA, project=project)


@pytest.mark.parametrize("project", ["abc", "a" * 30, "a--b", "a1-2", "shop-web"])
def test_an_id_that_everything_can_be_named_after_is_taken(project):
    assert fields(LAMBDA, project=project) == set()


def test_the_longest_id_makes_a_bucket_in_every_region_of_the_usual_length():
    name = artifact_bucket("a" * 30, ACCOUNT, "ap-southeast-1")
    assert len(name) == 63
    assert bucket_trouble(name) == ""


def test_where_the_name_would_be_too_long_it_says_what_to_do():
    found = {
        one.field: one.sentence
        for one in refusals(answers(LAMBDA, project="a" * 30, region="us-isof-south-1"), "lambda")
    }
    assert "64 characters" in found["bucket"]
    assert fields(LAMBDA, project="a" * 30, region="us-isof-south-1", bucket="a-bucket") == set()


@pytest.mark.parametrize(
    "region",
    ["us-east-1", "ap-southeast-7", "us-gov-west-1", "cn-northwest-1", "eusc-de-east-1"],
)
def test_regions_of_every_partition_are_known(region):
    assert "region" not in fields(LAMBDA, region=region)


def test_instances_need_a_network_and_a_function_does_not():
    assert fields(EC2, vpc="", subnets=()) == {"vpc", "subnets"}
    assert fields(BEANSTALK, vpc="", subnets=()) == {"vpc", "subnets"}
    assert fields(LAMBDA) == set()
    assert fields(LAMBDA, build_in_vpc=True, vpc="", subnets=()) == {"vpc", "subnets"}


def test_a_load_balancer_needs_two_subnets_and_elastic_beanstalk():
    assert fields(BEANSTALK, load_balanced=True, subnets=SUBNETS[:1]) == {"subnets"}
    assert fields(BEANSTALK, load_balanced=True) == set()
    assert fields(EC2, load_balanced=True) == {"load_balanced"}


def test_each_subnet_and_group_is_given_once():
    assert fields(EC2, subnets=SUBNETS[:1] * 2) == {"subnets"}
    assert fields(EC2, build_in_vpc=True, security_groups=("sg-0a1b2c3d",) * 2) == {
        "security_groups"
    }


def test_security_groups_are_the_builds():
    assert fields(EC2, security_groups=("sg-0a1b2c3d",)) == {"security_groups"}
    assert fields(EC2, build_in_vpc=True, security_groups=("sg-0a1b2c3d",)) == set()


def test_what_is_elsewhere_is_refused():
    elsewhere = QUEUE.replace(REGION, "us-east-1")
    assert fields(LAMBDA, queue=elsewhere) == {"queue"}
    assert fields(LAMBDA, queue=QUEUE.replace(ACCOUNT, "444455556666")) == {"queue"}
    assert fields(LAMBDA, queue=f"{QUEUE}.fifo") == {"queue"}
    other = CONNECTION.replace(ACCOUNT, "444455556666")
    assert fields(LAMBDA, source="github", repository="a/b", connection=other) == {"connection"}


def test_a_connection_belongs_to_github():
    assert fields(LAMBDA, connection=CONNECTION) == {"connection"}


@pytest.mark.parametrize(
    "branch", ["a..b", "a//b", "/a", "a/", "a.lock", "a.lock/b", "a/.b", "a.", "@", "a" * 101]
)
def test_what_git_does_not_take_as_a_branch_is_refused(branch):
    assert fields(LAMBDA, branch=branch) == {"branch"}


@pytest.mark.parametrize(
    "repository", ["shop", "a/b/c", "-a/b", "a-/b", "a/..", "a/b.git", "a/", "/b", "a b/c"]
)
def test_what_is_no_repository_of_github_is_refused(repository):
    assert fields(LAMBDA, source="github", repository=repository) == {"repository"}


@pytest.mark.parametrize(
    "kind", ["t4g.micro", "m7g.large", "c7gn.medium", "a1.large", "im4gn.large"]
)
def test_arm_instances_are_refused_because_the_images_are_not(kind):
    assert fields(EC2, instance_type=kind) == {"instance_type"}


@pytest.mark.parametrize("kind", ["t3.micro", "m7i-flex.large", "g5.xlarge", "g4dn.xlarge"])
def test_other_instances_are_taken(kind):
    assert fields(EC2, instance_type=kind) == set()


@pytest.mark.parametrize("cidr", ["10.0.0.0", "10.0.0.256/8", "10.0.0.0/33", "::/0", "0.0.0.0/0 "])
def test_what_is_no_network_is_refused(cidr):
    assert fields(EC2, visitors=cidr) == {"visitors"}


def test_tags_are_few_and_not_ours():
    assert fields(LAMBDA, tags={f"tag-{number}": "" for number in range(41)}) == {"tags"}
    assert fields(LAMBDA, tags={"codestar-dash:team": "x"}) == {"tags"}
    assert fields(LAMBDA, tags={"AWS:x": "x"}) == {"tags"}


def test_a_platform_runs_what_the_template_is_written_in():
    assert fields(BEANSTALK, platform=NODE.default) == {"platform"}
    assert fields(BEANSTALK, platform=PYTHON.default) == set()
    assert fields(LAMBDA, platform=PYTHON.default) == {"platform"}


def test_the_newest_platform_is_found_by_its_version():
    listed = [
        "64bit Amazon Linux 2023 v4.9.2 running Python 3.13",
        "64bit Amazon Linux 2023 v4.13.0 running Python 3.13",
        "64bit Amazon Linux 2023 v4.14.0 running Python 3.12",
        "64bit Amazon Linux 2 v5.0.0 running Python 3.13",
        "64bit Windows Server 2025 v2.22.0 running IIS 10.0",
    ]
    assert newest(PYTHON, listed) == "64bit Amazon Linux 2023 v4.13.0 running Python 3.13"
    assert newest(NODE, listed) == ""


def test_answers_may_leave_out_all_but_four():
    assert fields(LAMBDA, vpc=VPC, subnets=SUBNETS) == set()
    assert yaml.safe_load(f"name: {answers(LAMBDA).repository_name}") == {"name": "shop-web"}
