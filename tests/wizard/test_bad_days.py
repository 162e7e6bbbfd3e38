"""Whatever goes wrong while a project is made leads to a sentence that says what to do."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.projects.models import Project
from apps.sandbox.server import SandboxServer
from apps.source.models import Repository
from apps.wizard import advancing, halting, looking, removing, undoing
from apps.wizard.courses import DROP, LOOK, MAKE, PLAN, UNDO
from apps.wizard.models import STACK, Bootstrap, Creation
from tests.factories import hold
from tests.sandbox.conftest import Aws
from tests.wizard.blueprints.cases import REGION

from .making import began, drafted, run
from .test_pushing import connected as connected_site

pytestmark = pytest.mark.django_db
State = Bootstrap.State
SMALL = """
Resources:
  Topic:
    Type: AWS::SNS::Topic
"""


def checks_of(bootstrap: Bootstrap) -> dict[str, Any]:
    return {one["what"]: one for one in bootstrap.preview["checks"]}


def test_a_plan_that_is_dropped_leaves_nothing(maker: Any, scope: Scope, picture: Any):
    before = picture()
    planned = began(drafted(maker, scope), PLAN)
    assert picture() != before
    dropped = began(planned, DROP)
    assert (dropped.state, dropped.takes) == (State.DRAFT, False)
    assert picture() == before


def test_a_stack_of_the_name_is_said_before_anything_is_made(
    maker: Any, scope: Scope, aws: Aws, picture: Any
):
    aws("cloudformation").create_stack(StackName="shop-web", TemplateBody=SMALL)
    before = picture()
    planned = began(drafted(maker, scope), PLAN)
    found = checks_of(planned)["Stack shop-web"]
    assert (planned.state, found["ok"]) == (State.DRAFT, False)
    assert found["cure"] == "Choose another id for the project."
    assert picture() == before


def test_a_leftover_of_a_failed_creation_is_named(
    maker: Any, scope: Scope, aws: Aws, sandbox: SandboxServer
):
    sandbox.faults.add("deny", service="sns", operation="CreateTopic")
    aws("cloudformation").create_stack(StackName="shop-web", TemplateBody=SMALL)
    stacks = aws("cloudformation").describe_stacks(StackName="shop-web")["Stacks"]
    assert stacks[0]["StackStatus"] == "ROLLBACK_COMPLETE"
    planned = began(drafted(maker, scope), PLAN)
    found = checks_of(planned)["Stack shop-web"]
    assert "left from a creation that failed (ROLLBACK_COMPLETE)" in found["told"]
    assert "Delete it in CloudFormation" in found["cure"]


def test_a_bucket_that_another_account_has_is_said(maker: Any, scope: Scope, aws: Aws):
    name = drafted(maker, scope).chosen.bucket_name
    aws("s3", "444455556666").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    planned = began(drafted(maker, scope), PLAN)
    found = checks_of(planned)[f"Bucket {name}"]
    assert (planned.state, found["ok"]) == (State.DRAFT, False)
    assert found["cure"] == looking.OTHER_BUCKET


def test_a_repository_of_the_name_is_said(maker: Any, scope: Scope, aws: Aws):
    aws("codecommit").create_repository(repositoryName="shop-web")
    planned = began(drafted(maker, scope), PLAN)
    assert checks_of(planned)["Repository shop-web"]["ok"] is False


def test_a_type_of_instance_that_aws_has_none_of_is_said(maker: Any, scope: Scope):
    chosen = {"blueprint": "ec2-static-page", "instance_type": "t9.gigantic"}
    planned = began(drafted(maker, scope, **chosen), PLAN)
    found = checks_of(planned)["Instances of type t9.gigantic"]
    assert (planned.state, found["ok"]) == (State.DRAFT, False)
    assert found["told"] == f"AWS has none of this type in {REGION}."
    assert "Choose another type" in found["cure"]


def test_a_type_of_instance_that_a_zone_lacks_is_said(
    maker: Any, scope: Scope, aws: Aws, monkeypatch: pytest.MonkeyPatch
):
    ec2 = aws("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = ec2.describe_subnets()["Subnets"][0]
    bootstrap = drafted(maker, scope, "ec2-static-page", vpc=vpc, subnets=(subnet["SubnetId"],))
    reach: Any = PROVIDERS.get("aws").open(scope, urgent=True)
    told = list(looking._instance_type(reach, bootstrap))
    assert [one.ok for one in told] == [True]
    elsewhere = [{"InstanceTypeOfferings": [{"Location": f"{REGION}z"}]}]
    monkeypatch.setattr(reach, "pages", lambda *_args, **_more: elsewhere)
    (found,) = looking._instance_type(reach, bootstrap)
    assert found.ok is False
    assert subnet["AvailabilityZone"] in found.told
    assert f"subnets in {REGION}z" in found.cure


def test_missing_permissions_are_named_before_anything_is_made(
    maker: Any, scope: Scope, sandbox: SandboxServer
):
    sandbox.faults.add("deny", service="iam", operation="CreateRole")
    planned = began(drafted(maker, scope), PLAN)
    found = checks_of(planned)["Permissions"]
    assert (planned.state, found["ok"]) == (State.DRAFT, False)
    assert "iam:CreateRole" in found["told"]


@pytest.mark.parametrize(
    ("service", "operation"),
    [("cloudformation", "DetectStackDrift"), ("cloudformation", "UpdateStack")],
)
def test_what_only_the_undo_takes_is_asked_for_before_anything_is_made(
    maker: Any, scope: Scope, sandbox: SandboxServer, service: str, operation: str
):
    sandbox.faults.add("deny", service=service, operation=operation)
    network = {"blueprint": "ec2-static-page"}
    planned = began(drafted(maker, scope, **network), PLAN)
    found = checks_of(planned)["Permissions"]
    assert (planned.state, found["ok"]) == (State.DRAFT, False)
    assert f"{service}:{operation}" in found["told"]


def test_what_cannot_be_asked_keeps_nothing_up(maker: Any, scope: Scope, sandbox: SandboxServer):
    sandbox.faults.add("deny", service="iam", operation="SimulatePrincipalPolicy")
    planned = began(drafted(maker, scope), PLAN)
    found = checks_of(planned)["Permissions"]
    assert (planned.state, found["ok"]) == (State.READY, None)
    assert "could not be looked at" in found["told"]


def test_a_connection_that_is_pending_is_said_with_what_to_do(
    maker: Any, scope: Scope, aws: Aws, sandbox: SandboxServer
):
    made = aws("codeconnections").create_connection(ProviderType="GitHub", ConnectionName="shop")
    chosen = {
        "source": "github",
        "repository": "example-shop/checkout-web",
        "connection": made["ConnectionArn"],
    }
    draft = drafted(maker, scope, **chosen)
    # A connection reads whatever it may at GitHub: whose repository it is, somebody has to say.
    planned = began(draft, PLAN)
    found = checks_of(planned)["Connection to GitHub"]
    assert (planned.state, found["ok"]) == (State.DRAFT, False)
    assert found["told"].startswith("example-shop/checkout-web is in no project in which you")
    site = connected_site(sandbox.url)
    names = {"key": chosen["repository"], "arn": chosen["repository"]}
    row = Repository.objects.create(scope=site.scope, **names)
    hold(Project.objects.get(name="Checkout"), row)
    planned.refresh_from_db()
    planned = began(planned, PLAN)
    found = checks_of(planned)["Connection to GitHub"]
    assert (planned.state, found["ok"], found["told"]) == (State.DRAFT, False, "It is pending.")
    assert "Update pending connection" in found["cure"]


def test_a_permission_that_is_missing_in_the_middle_rolls_back_and_is_tried_again(
    maker: Any, scope: Scope, sandbox: SandboxServer, picture: Any
):
    before = picture()
    planned = began(drafted(maker, scope), PLAN)
    fault = sandbox.faults.add("deny", service="codebuild", operation="CreateProject")
    failed = began(planned, MAKE)
    assert failed.state == State.FAILED
    assert "not authorized to perform: codebuild:CreateProject" in failed.trouble
    assert failed.cure.startswith("Allow codebuild:CreateProject")
    assert any("_FAILED" in one["status"] for one in failed.progress)
    # Tried again while it is still denied, it stands still again and doubles nothing.
    assert advancing.again(failed, maker)
    failed.refresh_from_db()
    assert run(failed).state == State.FAILED
    sandbox.faults.clear(fault.id)
    assert advancing.again(failed, maker)
    failed.refresh_from_db()
    made = run(failed)
    assert (made.state, made.trouble) == (State.MADE, "")
    assert began(made, UNDO, with_repository=True).state == State.UNDONE
    assert picture() == before


def test_another_repository_that_has_its_name_by_now_is_left(
    maker: Any, scope: Scope, aws: Aws, monkeypatch: pytest.MonkeyPatch
):
    bootstrap = drafted(maker, scope)
    client = aws("codecommit")
    stack = aws("cloudformation").create_stack(StackName="shop-web", TemplateBody=SMALL)["StackId"]
    bootstrap.creations.create(kind=STACK, ident="shop-web", name=stack, fate=Creation.Fate.MADE)
    told = {"ResourceType": removing.REPOSITORY, "PhysicalResourceId": "id-of-ours"}
    monkeypatch.setattr(removing, "resources_of", lambda _reach, _stack: [told])
    theirs = client.create_repository(repositoryName="shop-web")["repositoryMetadata"]
    bootstrap.creations.create(
        kind=removing.REPOSITORY, ident="Repository", name="shop-web", fate=Creation.Fate.MADE
    )
    reach: Any = PROVIDERS.get("aws").open(scope, urgent=True)
    done = removing.REMOVE_REPOSITORY.sends(reach, Deed(), bootstrap)
    assert done.told == "The repository shop-web that was made is not there any more."
    assert [one["repositoryId"] for one in client.list_repositories()["repositories"]] == [
        theirs["repositoryId"]
    ]
    told["PhysicalResourceId"] = theirs["repositoryId"]
    assert removing.REMOVE_REPOSITORY.finds(reach, Deed(), bootstrap) is None
    removing.REMOVE_REPOSITORY.sends(reach, Deed(), bootstrap)
    assert removing.REMOVE_REPOSITORY.finds(reach, Deed(), bootstrap)
    assert client.list_repositories()["repositories"] == []


def test_what_failed_is_undone_whole(
    maker: Any, scope: Scope, sandbox: SandboxServer, picture: Any
):
    before = picture()
    planned = began(drafted(maker, scope), PLAN)
    sandbox.faults.add("deny", service="codepipeline", operation="CreatePipeline")
    failed = began(planned, MAKE)
    assert failed.state == State.FAILED
    looked = began(failed, LOOK)
    undone = began(looked, UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert picture() == before


def test_a_stack_that_somebody_else_gave_the_applications_name_is_left(
    maker: Any, scope: Scope, sandbox: SandboxServer, aws: Aws
):
    planned = began(drafted(maker, scope), PLAN)
    sandbox.faults.add("deny", service="codepipeline", operation="CreatePipeline")
    failed = began(planned, MAKE)
    aws("cloudformation").create_stack(StackName="shop-web-app", TemplateBody=SMALL)
    undone = began(failed, UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    (theirs,) = aws("cloudformation").describe_stacks(StackName="shop-web-app")["Stacks"]
    assert theirs["StackStatus"] == "CREATE_COMPLETE"


def test_two_people_do_not_make_the_same(people: dict[str, Any], maker: Any, scope: Scope):
    first, second = drafted(maker, scope), drafted(people["contributor"], scope)
    began(first, PLAN, takes=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        advancing.begin(second, PLAN, takes=True)
    second.refresh_from_db()
    assert (second.state, second.takes) == (State.DRAFT, False)


def test_what_was_edited_since_is_named_and_left(maker: Any, scope: Scope, aws: Aws, picture: Any):
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    alarm = made.creations.get(kind="AWS::CloudWatch::Alarm").name
    client = aws("cloudwatch")
    (told,) = client.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    keep = ("AlarmName", "MetricName", "Namespace", "Statistic", "Period", "EvaluationPeriods")
    client.put_metric_alarm(
        **{name: told[name] for name in keep},
        Dimensions=told["Dimensions"],
        Threshold=told["Threshold"] + 5,
        ComparisonOperator=told["ComparisonOperator"],
    )
    looked = began(made, LOOK)
    assert [one[1] for one in looked.edited] == ["AWS::CloudWatch::Alarm"]
    undone = began(looked, UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    left = undone.creations.get(fate=Creation.Fate.LEFT)
    assert (left.kind, left.name) == ("AWS::CloudWatch::Alarm", alarm)
    assert [one["AlarmName"] for one in client.describe_alarms()["MetricAlarms"]] == [alarm]


def test_what_is_edited_after_one_looked_holds_the_undo_up(
    maker: Any, scope: Scope, aws: Aws, picture: Any
):
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    looked = began(made, LOOK)
    assert looked.edited == []
    cloudformation = aws("cloudformation")
    template = cloudformation.get_template(StackName="shop-web")["TemplateBody"]
    told = cloudformation.describe_stacks(StackName="shop-web")["Stacks"][0]["Parameters"]
    mine = "\n  Mine:\n    Type: AWS::SNS::Topic\n"
    cloudformation.update_stack(
        StackName="shop-web",
        TemplateBody=template.replace("\nResources:\n", f"\nResources:{mine}", 1),
        Parameters=[
            {"ParameterKey": one["ParameterKey"], "UsePreviousValue": True} for one in told
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )
    before = picture()
    stands = began(looked, UNDO)
    assert stands.state == State.FAILED
    assert "Mine" in stands.trouble
    assert picture() == before
    # Once that was seen it is named, left, and outlives the stack.
    undone = began(began(stands, LOOK), UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    left = undone.creations.filter(fate=Creation.Fate.LEFT).values_list("ident", flat=True)
    assert "Mine" in left
    assert len(aws("sns").list_topics()["Topics"]) == 1


def test_a_pipeline_of_the_name_that_somebody_else_made_is_not_stopped(
    maker: Any, scope: Scope, aws: Aws
):
    planned = began(drafted(maker, scope), PLAN)
    other = began(drafted(maker, scope, project="other-web", bucket="other-web-x"), PLAN)
    assert began(other, MAKE).state == State.MADE
    client = aws("codepipeline")
    declared = client.get_pipeline(name="other-web")["pipeline"]
    client.create_pipeline(pipeline={**declared, "name": "shop-web"})
    failed = began(planned, MAKE)
    assert (failed.state, failed.step) == (State.FAILED, "create")
    undone = began(began(failed, LOOK), UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    stages = client.get_pipeline_state(name="shop-web")["stageStates"]
    inbound = [one["inboundTransitionState"] for one in stages[1:]]
    assert inbound
    assert all(one["enabled"] for one in inbound)


@pytest.mark.parametrize("beside", [False, True])
def test_an_undo_waits_for_no_approval(
    beside: bool,
    maker: Any,
    scope: Scope,
    aws: Aws,
    picture: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    before = picture()
    made = began(began(drafted(maker, scope, approval=True), PLAN), MAKE)
    (waits,) = aws("codepipeline").list_pipeline_executions(pipelineName="shop-web")[
        "pipelineExecutionSummaries"
    ]
    assert waits["status"] == "InProgress"
    if beside:
        # Something ran beside the approval when it was stopped, and ends before it.
        real, looks = halting.at_approvals, []

        def at_approvals(*given: Any) -> set[str]:
            looks.append(given)
            return set() if len(looks) == 1 else real(*given)

        monkeypatch.setattr(halting, "at_approvals", at_approvals)
        monkeypatch.setattr(undoing, "HUNG", timedelta(0))
    undone = began(made, UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert Deed.objects.filter(act="wizard.halt").count() == 1 + beside
    assert picture() == before


# --- Plans that are dropped -----------------------------------------------------------------------


def test_a_plan_whose_change_set_could_not_be_read_is_dropped_whole(
    maker: Any, scope: Scope, sandbox: SandboxServer, picture: Any
):
    before = picture()
    fault = sandbox.faults.add("deny", service="cloudformation", operation="DescribeChangeSet")
    stands = began(drafted(maker, scope), PLAN, takes=True)
    assert (stands.state, stands.step) == (State.FAILED, "plan")
    assert stands.creations.get(kind="stack").name
    sandbox.faults.clear(fault.id)
    dropped = began(stands, DROP)
    assert (dropped.state, dropped.takes) == (State.DRAFT, False)
    assert picture() == before


def test_a_plan_that_nobody_wrote_down_is_known_by_its_change_set(
    maker: Any, scope: Scope, picture: Any
):
    before = picture()
    planned = began(drafted(maker, scope), PLAN)
    planned.creations.filter(kind="stack").update(name="")
    assert began(planned, DROP).state == State.DRAFT
    assert picture() == before


def reviewed(aws: Aws) -> str:
    """Let somebody else plan a stack of the name; return its id."""
    told: str = aws("cloudformation").create_change_set(
        StackName="shop-web", ChangeSetName="theirs", ChangeSetType="CREATE", TemplateBody=SMALL
    )["StackId"]
    return told


def test_a_plan_that_aws_still_works_out_is_dropped_when_it_is(
    maker: Any, scope: Scope, picture: Any, monkeypatch: pytest.MonkeyPatch
):
    before, asked = picture(), []
    planned = began(drafted(maker, scope), PLAN)
    read = removing.describe_change_set

    def still_at_it(*of: Any) -> Any:
        asked.append(of)
        return {"Status": "CREATE_IN_PROGRESS"} if len(asked) < 3 else read(*of)

    monkeypatch.setattr(removing, "describe_change_set", still_at_it)
    dropped = began(planned, DROP)
    assert (dropped.state, dropped.takes, dropped.trouble) == (State.DRAFT, False, "")
    assert len(asked) == 3
    assert picture() == before


def test_a_plan_of_somebody_else_is_neither_taken_nor_dropped(maker: Any, scope: Scope, aws: Aws):
    drafted_first = drafted(maker, scope)
    theirs: list[str] = []

    def late() -> None:
        drafted_first.refresh_from_db()
        if drafted_first.step == "plan" and not theirs:
            theirs.append(reviewed(aws))

    assert advancing.begin(drafted_first, PLAN, takes=True)
    stands = run(drafted_first, before=late)
    assert (stands.state, stands.step) == (State.FAILED, "plan")
    assert "Somebody else plans a stack shop-web already" in stands.trouble
    dropped = began(stands, DROP)
    assert (dropped.state, dropped.takes) == (State.DRAFT, False)
    (stack,) = aws("cloudformation").describe_stacks(StackName="shop-web")["Stacks"]
    assert (stack["StackId"], stack["StackStatus"]) == (theirs[0], "REVIEW_IN_PROGRESS")


def test_a_plan_of_somebody_else_in_the_place_of_ours_is_not_created(
    maker: Any, scope: Scope, aws: Aws
):
    planned = began(drafted(maker, scope), PLAN)
    aws("cloudformation").delete_stack(StackName="shop-web")
    theirs = reviewed(aws)
    stands = began(planned, MAKE)
    assert (stands.state, stands.step) == (State.FAILED, "create")
    assert advancing.again(stands, maker)
    stands.refresh_from_db()
    stands = run(stands)
    assert (stands.state, stands.step) == (State.FAILED, "replan")
    (stack,) = aws("cloudformation").describe_stacks(StackName="shop-web")["Stacks"]
    assert (stack["StackId"], stack["StackStatus"]) == (theirs, "REVIEW_IN_PROGRESS")


def test_a_plan_that_somebody_created_outside_is_undone(
    maker: Any, scope: Scope, aws: Aws, picture: Any
):
    before = picture()
    planned = began(drafted(maker, scope), PLAN, takes=True)
    aws("cloudformation").execute_change_set(ChangeSetName=planned.change_set, StackName="shop-web")
    stands = began(planned, DROP)
    assert (stands.state, stands.takes) == (State.FAILED, True)
    assert "created outside of the dashboard" in stands.trouble
    assert stands.cure.startswith("Undo it")
    undone = began(began(stands, LOOK), UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert picture() == before
