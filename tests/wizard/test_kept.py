"""What somebody edited is left by every undo, however often one is begun."""

from typing import Any

import pytest
from django.test import Client

from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.sandbox.server import SandboxServer
from apps.wizard import advancing
from apps.wizard.courses import LOOK, MAKE, PLAN, UNDO
from apps.wizard.models import Bootstrap, Creation
from tests.sandbox.conftest import Aws

from .making import began, drafted, run
from .test_courses import Deadly, survived

pytestmark = pytest.mark.django_db
State = Bootstrap.State
# The acts that are held here to being done once; see `tests.deeds.test_faults`.
HELD = ("wizard.keep",)


@pytest.fixture
def made(maker: Any, scope: Scope) -> Bootstrap:
    return began(began(drafted(maker, scope), PLAN), MAKE)


def bucket_of(made: Bootstrap) -> str:
    name: str = made.creations.filter(kind="AWS::S3::Bucket").order_by("ident")[0].name
    return name


def edit_bucket(made: Bootstrap, aws: Aws) -> str:
    """Let somebody change a bucket's settings and put something there; return its name."""
    bucket = bucket_of(made)
    aws("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    aws("s3").put_object(Bucket=bucket, Key="theirs.txt", Body=b"kept")
    return bucket


def is_kept(aws: Aws, bucket: str) -> bool:
    body: bytes = aws("s3").get_object(Bucket=bucket, Key="theirs.txt")["Body"].read()
    return body == b"kept"


def test_a_bucket_that_was_edited_is_not_emptied_by_an_undo_that_is_begun_anew(
    made: Bootstrap, aws: Aws, sandbox: SandboxServer
):
    bucket = edit_bucket(made, aws)
    looked = began(made, LOOK)
    # What is in the bucket is read with the key: it stays, too.
    assert {one[1]: one[2] for one in looked.edited} == {
        "AWS::S3::Bucket": "edited outside of the stack: /VersioningConfiguration/Status",
        "AWS::KMS::Key": "needed by ArtifactBucket, which stays",
    }
    fault = sandbox.faults.add("deny", service="codepipeline", operation="DeletePipeline")
    stands = began(looked, UNDO)
    assert (stands.state, stands.step) == (State.FAILED, "remove")
    sandbox.faults.clear(fault.id)
    undone = began(stands, UNDO)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert is_kept(aws, bucket)
    assert undone.creations.get(kind="AWS::S3::Bucket", name=bucket).fate == "left"


@pytest.mark.parametrize("when", ["after", "silent"])
def test_what_was_edited_is_kept_by_workers_that_die(
    when: str, made: Bootstrap, aws: Aws, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
):
    bucket = edit_bucket(made, aws)
    looked = began(made, LOOK)
    deadly = Deadly(sandbox.url, when)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", deadly)
    undone = survived(looked, UNDO)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert is_kept(aws, bucket)
    # Nothing makes a second update the same as the first: its effect is looked for.
    assert deadly.called["update_stack"] == 1
    assert Deed.objects.get(act="wizard.keep").outcome == Deed.Outcome.DONE


def test_what_is_edited_after_a_first_undo_stood_still_is_kept_besides(
    made: Bootstrap, aws: Aws, sandbox: SandboxServer
):
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
    fault = sandbox.faults.add("deny", service="cloudformation", operation="DeleteStack")
    stands = began(looked, UNDO)
    assert stands.state == State.FAILED
    sandbox.faults.clear(fault.id)
    bucket = edit_bucket(made, aws)
    looked = began(stands, LOOK)
    assert {one[1] for one in looked.edited} == {
        *("AWS::CloudWatch::Alarm", "AWS::KMS::Key", "AWS::S3::Bucket")
    }
    undone = began(looked, UNDO)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert is_kept(aws, bucket)
    assert [one["AlarmName"] for one in client.describe_alarms()["MetricAlarms"]] == [alarm]


def test_what_a_glance_at_the_undo_found_does_not_keep_a_creation_from_going_on(
    maker: Any, scope: Scope, sandbox: SandboxServer
):
    planned = began(drafted(maker, scope), PLAN)
    fault = sandbox.faults.add("deny", service="codebuild", operation="CreateProject")
    failed = began(planned, MAKE)
    trouble, step = failed.trouble, failed.step
    looked = began(failed, LOOK)
    assert (looked.state, looked.course, looked.step) == (State.FAILED, MAKE, step)
    assert looked.trouble == trouble
    sandbox.faults.clear(fault.id)
    assert advancing.again(looked, maker)
    looked.refresh_from_db()
    assert run(looked).state == State.MADE


def test_a_glance_that_fails_itself_leaves_a_creation_to_be_gone_on_with(
    maker: Any, scope: Scope, sandbox: SandboxServer
):
    planned = began(drafted(maker, scope), PLAN)
    fault = sandbox.faults.add("deny", service="codebuild", operation="CreateProject")
    failed = began(planned, MAKE)
    sandbox.faults.clear(fault.id)
    trouble, step = failed.trouble, failed.step
    fault = sandbox.faults.add("deny", service="cloudformation", operation="DescribeStacks")
    looked = began(failed, LOOK)
    sandbox.faults.clear(fault.id)
    assert (looked.state, looked.course, looked.step) == (State.FAILED, MAKE, step)
    assert looked.trouble == trouble
    assert "DescribeStacks" in str(looked.preview["unlooked"])
    client = Client()
    client.force_login(maker)
    for path in ("", "undo/"):
        page = client.get(f"{looked.get_absolute_url()}{path}").content.decode()
        assert "What was edited since could not be looked for" in page
    assert advancing.again(looked, maker)
    looked.refresh_from_db()
    made = run(looked)
    assert (made.state, made.course) == (State.MADE, MAKE)
    assert not made.preview.get("unlooked")


# --- The application's own stack ------------------------------------------------------------------


SLOW = """  Slow:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: shop-web-app-slow
      Namespace: AWS/Lambda
      MetricName: Duration
      Period: 60
      Statistic: Maximum
      EvaluationPeriods: 1
      Threshold: 900
      ComparisonOperator: GreaterThanThreshold
"""


def put_in(aws: Aws, stack: str, part: str) -> None:
    """Let the pipeline bring out a template to which the team added a resource."""
    client = aws("cloudformation")
    body = client.get_template(StackName=stack)["TemplateBody"]
    (told,) = client.describe_stacks(StackName=stack)["Stacks"]
    client.update_stack(
        StackName=stack,
        TemplateBody=body.replace("\nResources:\n", f"\nResources:\n{part}"),
        Parameters=[
            {"ParameterKey": one["ParameterKey"], "UsePreviousValue": True}
            for one in told["Parameters"]
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )


def edit_app(aws: Aws) -> None:
    """Give the function more memory in the console, and the application an alarm of its own."""
    aws("lambda").update_function_configuration(FunctionName="shop-web-app", MemorySize=1024)
    put_in(aws, "shop-web-app", SLOW)


def test_what_was_edited_of_the_application_is_named_and_left_with_what_it_needs(
    made: Bootstrap, aws: Aws, sandbox: SandboxServer, picture: Any
):
    edit_app(aws)
    looked = began(made, LOOK)
    assert {one[0]: one[2] for one in looked.edited_app} == {
        "Function": "edited outside of the stack: /MemorySize",
        "Slow": "added to the stack since",
    }
    assert {one[0]: one[2] for one in looked.edited} == {
        "FunctionRole": "needed by Function of shop-web-app, which stays"
    }
    # An undo that stands still, and a look after it, lose nothing of that.
    fault = sandbox.faults.add("deny", service="cloudformation", operation="DeleteStack")
    stands = began(looked, UNDO)
    assert stands.step == "remove_app"
    sandbox.faults.clear(fault.id)
    again = began(stands, LOOK)
    assert {one[0] for one in again.edited_app} == {"Function", "Slow"}
    undone = began(again, UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    functions = aws("lambda").list_functions()["Functions"]
    assert [(one["FunctionName"], one["MemorySize"]) for one in functions] == [
        ("shop-web-app", 1024)
    ]
    assert functions[0]["Role"].rpartition("/")[2] in str(picture()["iam"])
    alarms = aws("cloudwatch").describe_alarms()["MetricAlarms"]
    assert [one["AlarmName"] for one in alarms] == ["shop-web-app-slow"]
    left = {one.ident: one.why for one in undone.creations.filter(fate=Creation.Fate.LEFT)}
    assert left["shop-web-app/Function"] == "edited outside of the stack: /MemorySize"
    assert left["shop-web-app/Slow"] == "added to the stack since"
    assert left["FunctionRole"] == "needed by Function of shop-web-app, which stays"
    versions = {name for name in left if "FunctionVersion" in name}
    assert set(left) - versions == {*("FunctionRole", "shop-web-app/Function")} | {
        "shop-web-app/Slow"
    }


def test_what_the_pipeline_brings_out_while_it_is_stopped_is_compared_before_it_goes(
    made: Bootstrap, aws: Aws
):
    looked = began(made, LOOK)
    brought: list[str] = []

    def late() -> None:
        looked.refresh_from_db()
        if looked.step == "halt" and not brought:
            brought.append(looked.step)
            put_in(aws, "shop-web-app", SLOW)

    assert advancing.begin(looked, UNDO)
    looked.refresh_from_db()
    stands = run(looked, before=late)
    assert (stands.state, stands.step) == (State.FAILED, "edits")
    assert stands.trouble == "Something was edited since you looked: Slow of shop-web-app."


def test_new_code_that_the_pipeline_brought_out_is_no_edit(made: Bootstrap, aws: Aws):
    client = aws("cloudformation")
    body = client.get_template(StackName="shop-web-app")["TemplateBody"]
    uri = body.partition("CodeUri: ")[2].partition("\n")[0]
    assert uri.startswith("s3://")
    looked = began(made, LOOK)
    assert (looked.edited, looked.edited_app) == ([], [])


# --- What AWS cannot compare ----------------------------------------------------------------------


def test_what_aws_could_not_compare_goes_only_where_somebody_says_so(
    made: Bootstrap, sandbox: SandboxServer
):
    fault = sandbox.faults.add("deny", service="cloudwatch", operation="DescribeAlarms")
    looked = began(made, LOOK)
    lost = {one[0] for one in looked.preview["uncompared"]}
    assert "ErrorsAlarm" in lost
    assert "Failed to detect drift" in looked.preview["uncompared_why"]
    stands = began(looked, UNDO)
    assert (stands.state, stands.step) == (State.FAILED, "edits")
    assert "AWS could not compare" in stands.trouble
    assert not stands.creations.filter(fate=Creation.Fate.REMOVED, kind="stack").exists()
    sandbox.faults.clear(fault.id)
    # Once it may be read, the same button goes on: nothing was edited.
    assert advancing.again(stands, stands.who)
    stands.refresh_from_db()
    assert run(stands).state == State.UNDONE


def test_who_says_so_undoes_what_could_not_be_compared(made: Bootstrap, sandbox: SandboxServer):
    sandbox.faults.add("deny", service="cloudwatch", operation="DescribeAlarms")
    looked = began(made, LOOK)
    looked.preview["despite"] = True
    undone = began(looked, UNDO)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")


@pytest.mark.parametrize("course", [PLAN, MAKE])
def test_what_is_made_is_neither_planned_nor_made_again(made: Bootstrap, course: str):
    assert not advancing.begin(made, course)
    made.refresh_from_db()
    assert made.state == State.MADE
