"""What the creator has to be allowed is what CloudFormation's own handlers say they call."""

import json
from importlib import resources

import pytest

from apps.wizard.blueprints.permissions import ACTIONS, APP_STACK, CREATOR, actions
from apps.wizard.blueprints.register import BLUEPRINTS, LAMBDA
from apps.wizard.blueprints.rendering import render

from .cases import SOURCES, answers, rendered

# What handlers name besides, for properties that no template of ours sets.
NOT_NEEDED = {
    "AWS::AutoScaling::AutoScalingGroup": {
        # Metrics, notifications, suspended processes, balancers, Lattice and managed fleets.
        "autoscaling:EnableMetricsCollection",
        "autoscaling:PutNotificationConfiguration",
        "autoscaling:SuspendProcesses",
        "cloudwatch:PutMetricAlarm",
        "managed-fleets:CreateAutoScalingGroup",
        "managed-fleets:DeleteAutoScalingGroup",
        "managed-fleets:UpdateAutoScalingGroup",
        "vpc-lattice:DeregisterTargets",
        "vpc-lattice:GetTargetGroup",
        "vpc-lattice:ListTargets",
        "vpc-lattice:RegisterTargets",
    },
    "AWS::CodeCommit::Repository": {"codecommit:PutRepositoryTriggers"},
    "AWS::CodeDeploy::DeploymentGroup": {
        # A first deployment by CloudFormation itself, and machines of one's own.
        "codedeploy:CreateDeployment",
        "codedeploy:GetApplicationRevision",
        "codedeploy:RegisterApplicationRevision",
        "codedeploy:RegisterOnPremisesInstance",
        "codedeploy:UntagResource",
    },
    "AWS::CodePipeline::Pipeline": {"codepipeline:DisableStageTransition"},
    "AWS::ElasticBeanstalk::Application": {
        "s3:PutBucketAcl",
        "s3:PutBucketObjectLockConfiguration",
    },
    "AWS::Logs::LogGroup": {
        # Data protection, index policies, delivery to elsewhere, bearer tokens.
        "firehose:TagDeliveryStream",
        "logs:CreateLogDelivery",
        "logs:DeleteDataProtectionPolicy",
        "logs:PutBearerTokenAuthentication",
        "logs:PutDataProtectionPolicy",
        "logs:PutIndexPolicy",
        "logs:PutResourcePolicy",
        "s3:REST.PUT.OBJECT",
    },
}
# Of buckets, what is neither read nor set by encryption, versioning, access, ownership, lifecycle
# and tags.
NO_BUCKET_OF_OURS = (
    "s3tables:",
    "s3:PutAnalytics",
    "s3:PutBucketCORS",
    "s3:PutInventory",
    "s3:PutMetrics",
    "s3:PutBucketNotification",
    "s3:PutBucketReplication",
    "s3:PutReplication",
    "s3:PutBucketWebsite",
    "s3:PutAccelerate",
    "s3:PutObjectAcl",
    "s3:PutBucketObjectLock",
    "s3:PutObjectLock",
    "s3:PutBucketLogging",
    "s3:PutIntelligentTiering",
    "s3:PutBucketAbac",
    "s3:GetBucketAbac",
    "s3:GetBucketAcl",
    "s3:DeleteObject",
    "s3:TagResource",
    "s3:ListTagsForResource",
    "s3:CreateBucketMetadata",
    "s3:GetBucketMetadata",
    "iam:PassRole",
)
RESOURCES = sorted(set(ACTIONS) - {CREATOR, APP_STACK})
#: These have no handlers that tell.
SILENT = {"AWS::CodeBuild::Project"}


def handlers(kind: str) -> set[str]:
    """Return the actions that creating, reading and deleting a resource calls, by its schema."""
    schemas = resources.files("cfnlint") / "data" / "schemas"
    known = json.loads((schemas / "providers" / "us-east-1.json").read_text())
    schema = json.loads((schemas / "resources" / f"{known[kind]}.json").read_text())
    told = schema.get("handlers", {})
    return {
        action
        for deed in ("create", "read", "delete")
        for action in told.get(deed, {}).get("permissions", [])
    }


@pytest.mark.parametrize("kind", RESOURCES)
def test_what_the_handlers_of_a_resource_call_is_asked_for(kind):
    called = {action for action in handlers(kind) if "*" not in action}
    assert bool(called) == (kind not in SILENT)
    if kind == "AWS::S3::Bucket":
        called = {action for action in called if not action.startswith(NO_BUCKET_OF_OURS)}
    assert called - NOT_NEEDED.get(kind, set()) <= set(ACTIONS[kind])


@pytest.mark.parametrize("kind", sorted(NOT_NEEDED))
def test_nothing_is_left_out_that_is_not_called(kind):
    assert NOT_NEEDED[kind] <= handlers(kind)


@pytest.mark.parametrize("name", list(rendered()))
def test_every_resource_of_a_toolchain_has_its_actions(name):
    made = rendered()[name]
    assert made.permissions[CREATOR]
    assert all(made.permissions.values())
    assert made.actions == tuple(sorted(set(made.actions)))


def test_every_action_is_one_that_iam_knows():
    specs = resources.files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json"
    services = json.loads(specs.read_text())
    unknown = {
        action
        for actions_of_kind in ACTIONS.values()
        for action in actions_of_kind
        if action.partition(":")[2].lower() not in services[action.partition(":")[0]]["Actions"]
    }
    assert unknown == set()


def test_the_table_has_no_types_that_no_template_has():
    used = {kind for made in rendered().values() for kind in made.permissions}
    assert used == set(ACTIONS)


@pytest.mark.parametrize("blueprint", BLUEPRINTS.values(), ids=list(BLUEPRINTS))
def test_undoing_the_pipelines_own_stack_is_asked_for_where_there_is_one(blueprint):
    made = render(blueprint, answers(blueprint))
    assert (APP_STACK in made.permissions) == (blueprint.target == LAMBDA)


def test_only_what_the_choices_take_is_asked_for():
    blueprint = BLUEPRINTS["beanstalk-python-app"]
    plain = render(blueprint, answers(blueprint))
    assert not [one for one in plain.actions if one.startswith("elasticloadbalancing:")]
    assert not [one for one in plain.actions if "PassConnection" in one]
    more = render(blueprint, answers(blueprint, load_balanced=True, **SOURCES["github"]))
    assert "elasticloadbalancing:CreateLoadBalancer" in more.actions
    assert "codeconnections:PassConnection" in more.actions
    assert not [one for one in more.actions if one.startswith("codecommit:")]


def test_a_type_that_nobody_thought_of_is_refused():
    with pytest.raises(KeyError):
        actions("AWS::Unheard::Of", ())
