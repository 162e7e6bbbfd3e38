"""Stacks of any template come up resource by resource, fail with AWS's words, and go back."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.cloudformation.model import StackStore

from .shapes import action, pipeline

TRUSTS = """
      AssumeRolePolicyDocument:
        Statement: [{{Effect: Allow, Principal: {{Service: {0}}}, Action: 'sts:AssumeRole'}}]
"""


def function(service: str = "lambda.amazonaws.com", memory: int = 256) -> str:
    """A template with a role, a function that has it, and what the function writes to."""
    return f"""
AWSTemplateFormatVersion: '2010-09-09'
Description: A function and its role
Parameters:
  Stage: {{Type: String, Default: production}}
  Password: {{Type: String, NoEcho: true, Default: sandbox-secret-marker-9}}
Conditions:
  Live: !Equals [!Ref Stage, production]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:{TRUSTS.format(service)}
  Handler:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      Runtime: python3.12
      Handler: index.handler
      Code: {{ZipFile: 'def handler(event, context): return 0'}}
      MemorySize: {memory}
      Environment: {{Variables: {{QUEUE: !Ref Queue, STAGE: !Sub '${{Stage}}-${{AWS::Region}}'}}}}
  Queue:
    Type: AWS::SQS::Queue
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: Live
    DependsOn: Handler
    Properties:
      AlarmName: !Join ['-', [handler, !Ref Stage]]
      Namespace: AWS/Lambda
      MetricName: Errors
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: 1
      ComparisonOperator: GreaterThanOrEqualToThreshold
Outputs:
  Function: {{Value: !GetAtt Handler.Arn, Export: {{Name: !Sub '${{AWS::StackName}}-function'}}}}
"""


IAM = {"Capabilities": ["CAPABILITY_IAM"]}


def described(client: Any, name: str) -> dict[str, Any]:
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    return dict(stack)


def told(client: Any, name: str) -> list[tuple[str, str]]:
    """What happened in a stack, the oldest first."""
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return [(one["LogicalResourceId"], one["ResourceStatus"]) for one in events][::-1]


def reasons(client: Any, name: str) -> dict[str, str]:
    """The reason of what failed, by resource, the first of each."""
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return {
        one["LogicalResourceId"]: one["ResourceStatusReason"]
        for one in events
        if one["ResourceStatus"].endswith("_FAILED")
    }


def failed(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_a_stack_comes_up_in_the_order_of_its_dependencies(aws):
    client = aws("cloudformation")
    made = client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    stack = described(client, "shop")
    assert stack["StackId"] == made["StackId"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    steps = told(client, "shop")
    assert steps[0] == ("shop", "CREATE_IN_PROGRESS")
    assert steps[-1] == ("shop", "CREATE_COMPLETE")
    order = [name for name, status in steps if status == "CREATE_COMPLETE"]
    assert order.index("Role") < order.index("Handler") < order.index("Alarm")
    assert order.index("Queue") < order.index("Handler")
    (output,) = stack["Outputs"]
    assert output["ExportName"] == "shop-function"
    assert output["OutputValue"].startswith("arn:aws:lambda:eu-west-1:111122223333:function:shop-")
    resources = client.list_stack_resources(StackName="shop")["StackResourceSummaries"]
    physical = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
    assert physical["Alarm"] == "handler-production"
    assert aws("sqs").get_queue_attributes(QueueUrl=physical["Queue"])  # it is really there


def test_values_that_are_not_to_be_echoed_are_not(aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    values = {
        p["ParameterKey"]: p["ParameterValue"] for p in described(client, "shop")["Parameters"]
    }
    assert values == {"Stage": "production", "Password": "****"}
    declared = client.get_template_summary(StackName="shop")["Parameters"]
    assert {one["ParameterKey"]: one["NoEcho"] for one in declared} == {
        "Stage": False,
        "Password": True,
    }


def test_templates_in_json_are_given_back_as_they_came(aws):
    client = aws("cloudformation")
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    client.create_stack(StackName="topics", TemplateBody=json.dumps(template))
    assert client.get_template(StackName="topics")["TemplateBody"] == template
    (one,) = client.describe_stack_resources(StackName="topics")["StackResources"]
    assert one["PhysicalResourceId"].startswith("arn:aws:sns:eu-west-1:111122223333:topics-Topic-")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("a: [", "Template format error: "),
        ("{}", "At least one Resources member must be defined"),
        ("Resources: {A: {Properties: {}}}", "must contain a Type member"),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic', DependsOn: [], Properties: {B: !Ref X}}}",
            "Unresolved resource dependencies [X]",
        ),
        (
            "Resources: {A: {Type: T, DependsOn: B}, B: {Type: T, DependsOn: A}}",
            "Circular dependency between resources: [A, B]",
        ),
    ],
)
def test_a_template_that_is_none_is_refused_in_awss_words(aws, body, said):
    assert said in failed(aws("cloudformation").create_stack, StackName="a", TemplateBody=body)


def test_calls_are_refused_in_awss_words(aws):
    client = aws("cloudformation")
    assert failed(client.describe_stacks, StackName="none") == (
        "ValidationError: Stack with id none does not exist"
    )
    roles = failed(client.create_stack, StackName="shop", TemplateBody=function())
    assert roles.startswith("InsufficientCapabilitiesException: Requires capabilities")
    client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    again = failed(client.create_stack, StackName="shop", TemplateBody=function(), **IAM)
    assert again == "AlreadyExistsException: Stack [shop] already exists"
    nothing = failed(client.update_stack, StackName="shop", UsePreviousTemplate=True, **IAM)
    assert nothing == "ValidationError: No updates are to be performed."
    unknown = {"ParameterKey": "Nope", "ParameterValue": "1"}
    assert "Parameters: [Nope] do not exist" in failed(
        client.update_stack, StackName="shop", UsePreviousTemplate=True, Parameters=[unknown], **IAM
    )


# --- Failures -------------------------------------------------------------------------------------

BUCKET = "Resources: {A: {Type: 'AWS::S3::Bucket', Properties: {BucketName: shared-artifacts}}}"
SILENT = """
Resources:
  Web:
    Type: AWS::EC2::Instance
    CreationPolicy: {ResourceSignal: {Count: 1, Timeout: PT5M}}
    Properties: {UserData: 'yum install nginx'}
"""
ROLE = f"""
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:{TRUSTS.format("ec2.amazonaws.com")}
"""
NETWORK = "Resources: {A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.300.0.0/16}}}"


@pytest.mark.parametrize(
    ("body", "more", "said"),
    [
        (BUCKET, {}, "shared-artifacts already exists (Service: S3, Status Code: 409, Request ID:"),
        (
            ROLE,
            {"RoleARN": "arn:aws:iam::111122223333:role/limited-deploy", **IAM},
            "assumed-role/limited-deploy/AWSCloudFormation is not authorized to perform: "
            "iam:CreateRole on resource: arn:aws:iam::111122223333:role/broken-Role because",
        ),
        (SILENT, {}, "Failed to receive 1 resource signal(s) within the specified duration"),
        (
            function("ec2.amazonaws.com"),
            IAM,
            "The role defined for the function cannot be assumed by Lambda. (Service: Lambda",
        ),
        (NETWORK, {}, "Value (10.300.0.0/16) for parameter cidrBlock is invalid."),
    ],
)
def test_a_resource_that_cannot_be_made_takes_the_stack_back(aws, body, more, said):
    client = aws("cloudformation")
    client.create_stack(StackName="broken", TemplateBody=body, **more)
    stack = described(client, "broken")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(said in reason for reason in reasons(client, "broken").values())
    events = client.describe_stack_events(StackName="broken")["StackEvents"]
    back = next(one for one in events if one["ResourceStatus"] == "ROLLBACK_IN_PROGRESS")
    assert back["ResourceStatusReason"].startswith("The following resource(s) failed to create: [")
    assert "DELETE_COMPLETE" in {
        status for name, status in told(client, "broken") if name != "broken"
    }


def test_what_is_under_way_beside_it_is_cancelled(held, aws):
    client = aws("cloudformation")
    slow = "B: {Type: 'AWS::ECS::Service', Properties: {ServiceName: web}}"
    body = BUCKET.replace("Resources: {", f"Resources: {{{slow}, ")
    client.create_stack(StackName="broken", TemplateBody=body)
    held.clock.advance(60)
    assert reasons(client, "broken")["B"] == "Resource creation cancelled"


def test_a_stack_that_may_not_go_back_stays_as_it_failed(aws):
    client = aws("cloudformation")
    client.create_stack(StackName="broken", TemplateBody=BUCKET, DisableRollback=True)
    stack = described(client, "broken")
    assert (stack["StackStatus"], stack["StackStatusReason"]) == (
        "CREATE_FAILED",
        "The following resource(s) failed to create: [A].",
    )


def test_an_update_that_fails_goes_back_to_what_was(aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    before = client.get_template(StackName="shop")["TemplateBody"]
    client.update_stack(StackName="shop", TemplateBody=function(memory=20480), **IAM)
    assert described(client, "shop")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Value '20480' at 'memorySize' failed to satisfy" in reasons(client, "shop")["Handler"]
    assert client.get_template(StackName="shop")["TemplateBody"] == before
    client.update_stack(StackName="shop", TemplateBody=function(memory=512), **IAM)
    assert described(client, "shop")["StackStatus"] == "UPDATE_COMPLETE"
    assert [step for step in told(client, "shop") if step[0] == "Queue"][-1] == (
        "Queue",
        "CREATE_COMPLETE",
    )


def test_a_way_back_that_is_stuck_can_be_continued(sandbox, aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    store = sandbox.world.place("111122223333", "eu-west-1").of(StackStore)
    store.stacks["shop"].stuck["Handler"] = "The function was changed by somebody else"
    client.update_stack(StackName="shop", TemplateBody=function(memory=20480), **IAM)
    assert described(client, "shop")["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    client.continue_update_rollback(StackName="shop")
    assert described(client, "shop")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


# --- Nested stacks --------------------------------------------------------------------------------

URL = "https://templates.s3.eu-west-1.amazonaws.com/network.yaml"
PARENT = f"""
Resources:
  Network:
    Type: AWS::CloudFormation::Stack
    Properties: {{TemplateURL: '{URL}', Parameters: {{Block: 10.0.0.0/16}}}}
  Topic:
    Type: AWS::SNS::Topic
    Properties: {{DisplayName: !GetAtt Network.Outputs.Vpc}}
"""
CHILD = """
Parameters: {Block: {Type: String}}
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref Block}}
Outputs: {Vpc: {Value: !Ref Vpc}}
"""


@pytest.fixture
def library(sandbox) -> dict[str, str]:
    library: dict[str, str] = (
        sandbox.world.place("111122223333", "eu-west-1").of(StackStore).library
    )
    library[URL] = CHILD
    return library


def test_a_nested_stack_is_a_resource_of_its_parent(aws, library):
    client = aws("cloudformation")
    client.create_stack(StackName="site", TemplateBody=PARENT)
    child, parent = sorted(
        client.describe_stacks()["Stacks"], key=lambda one: one["StackName"] == "site"
    )
    assert child["StackName"].startswith("site-Network-")
    assert child["ParentId"] == child["RootId"] == parent["StackId"]
    assert parent["StackStatus"] == child["StackStatus"] == "CREATE_COMPLETE"
    client.delete_stack(StackName="site")
    assert client.describe_stacks()["Stacks"] == []
    assert described(client, child["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_nested_stack_that_fails_fails_its_parent(aws, library):
    client = aws("cloudformation")
    client.create_stack(StackName="site", TemplateBody=PARENT.replace("10.0.0.0", "10.300.0.0"))
    assert described(client, "site")["StackStatus"] == "ROLLBACK_COMPLETE"
    said = reasons(client, "site")["Network"]
    assert said.startswith(
        "Embedded stack arn:aws:cloudformation:eu-west-1:111122223333:stack/site-"
    )
    assert "was not successfully created: The following resource(s) failed to create: [Vpc]" in said
    child = said.split(" ")[2]
    assert "cidrBlock is invalid" in reasons(client, child)["Vpc"]


def test_an_update_reaches_the_nested_stack_and_goes_back_with_it(aws, library):
    client = aws("cloudformation")
    client.create_stack(StackName="site", TemplateBody=PARENT)
    client.update_stack(StackName="site", TemplateBody=PARENT.replace("10.0.0.0", "10.1.0.0"))
    assert described(client, "site")["StackStatus"] == "UPDATE_COMPLETE"
    client.update_stack(StackName="site", TemplateBody=PARENT.replace("10.0.0.0", "10.300.0.0"))
    assert described(client, "site")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    (child,) = (one for one in client.describe_stacks()["Stacks"] if one.get("ParentId"))
    assert child["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert {p["ParameterValue"] for p in child["Parameters"]} == {"10.1.0.0/16"}


def test_a_nested_template_that_is_nowhere_fails_its_parent(aws):
    client = aws("cloudformation")
    client.create_stack(StackName="site", TemplateBody=PARENT)
    assert "S3 error" in reasons(client, "site")["Network"]


# --- Change sets, drift, deletion -----------------------------------------------------------------


def test_a_change_set_says_what_it_would_do_and_does_it(aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    body = function(memory=512).replace(
        "Queue:\n    Type: AWS::SQS::Queue", "Queue:\n    Type: AWS::SNS::Topic"
    )
    made = client.create_change_set(
        StackName="shop", ChangeSetName="more", TemplateBody=body, Description="Memory", **IAM
    )
    one = client.describe_change_set(ChangeSetName=made["Id"])
    assert (one["Status"], one["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    changed = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in one["Changes"]
    }
    assert {"Handler", "Queue"} == set(changed)
    assert changed["Handler"]["Replacement"] == "False"
    assert [d["Target"]["Name"] for d in changed["Handler"]["Details"]] == ["MemorySize"]
    client.execute_change_set(ChangeSetName=made["Id"])
    stack = described(client, "shop")
    assert (stack["StackStatus"], stack["ChangeSetId"]) == ("UPDATE_COMPLETE", made["Id"])
    (summary,) = client.list_change_sets(StackName="shop")["Summaries"]
    assert summary["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert "InvalidChangeSetStatus" in failed(client.execute_change_set, ChangeSetName=made["Id"])


def test_a_change_set_without_changes_fails_and_says_so(aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    client.create_change_set(
        StackName="shop", ChangeSetName="none", UsePreviousTemplate=True, **IAM
    )
    one = client.describe_change_set(ChangeSetName="none", StackName="shop")
    assert (one["Status"], one["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert one["StatusReason"].startswith("The submitted information didn't contain changes.")


def test_a_change_set_may_make_a_stack(aws):
    client = aws("cloudformation")
    client.create_change_set(
        StackName="new", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=ROLE, **IAM
    )
    assert described(client, "new")["StackStatus"] == "REVIEW_IN_PROGRESS"
    client.execute_change_set(StackName="new", ChangeSetName="first")
    assert described(client, "new")["StackStatus"] == "CREATE_COMPLETE"


def test_what_somebody_changed_by_hand_is_drift(sandbox, aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    store = sandbox.world.place("111122223333", "eu-west-1").of(StackStore)
    store.stacks["shop"].resources["Queue"].touched = "MODIFIED"
    detection = client.detect_stack_drift(StackName="shop")["StackDriftDetectionId"]
    found = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert (found["DetectionStatus"], found["DriftedStackResourceCount"]) == (
        "DETECTION_COMPLETE",
        1,
    )
    assert described(client, "shop")["DriftInformation"]["StackDriftStatus"] == "DRIFTED"


def test_a_drift_tells_property_by_property_what_differs_and_goes_on_in_pages(sandbox, aws):
    client = aws("cloudformation")
    client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    drifts = client.describe_stack_resource_drifts
    assert drifts(StackName="shop")["StackResourceDrifts"] == []
    store = sandbox.world.place("111122223333", "eu-west-1").of(StackStore)
    resources = store.stacks["shop"].resources
    queue = resources["Queue"]
    queue.properties = {"Tags": [{"Key": "a", "Value": "1"}], "Delay": 3, "Gone": {"x": 1}}
    queue.touched = "MODIFIED"
    queue.actual = {"Tags": [{"Key": "b", "Value": "2"}], "Delay": 5, "Gone": {}, "New": "y"}
    first, *_ = (name for name in sorted(resources) if name != "Queue")
    resources[first].touched = "DELETED"
    client.detect_stack_drift(StackName="shop")
    asked = {
        "StackName": "shop",
        "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"],
        "MaxResults": 1,
    }
    one = drifts(**asked)
    two = drifts(**asked, NextToken=one["NextToken"])
    assert "NextToken" not in two
    told = {
        each["LogicalResourceId"]: each
        for each in [*one["StackResourceDrifts"], *two["StackResourceDrifts"]]
    }
    assert told[first]["StackResourceDriftStatus"] == "DELETED"
    assert "PropertyDifferences" not in told[first]
    assert [
        (each["PropertyPath"], each["DifferenceType"], each["ExpectedValue"], each["ActualValue"])
        for each in told["Queue"]["PropertyDifferences"]
    ] == [
        ("/Delay", "NOT_EQUAL", "3", "5"),
        ("/Gone/x", "REMOVE", "1", "null"),
        ("/New", "ADD", "null", "y"),
        ("/Tags/0", "REMOVE", '{"Key": "a", "Value": "1"}', "null"),
        ("/Tags/0", "ADD", "null", '{"Key": "b", "Value": "2"}'),
    ]


def test_a_protected_stack_stays_and_a_deleted_one_is_remembered_by_its_id(aws):
    client = aws("cloudformation")
    made = client.create_stack(
        StackName="shop", TemplateBody=function(), EnableTerminationProtection=True, **IAM
    )
    assert "TerminationProtection is enabled" in failed(client.delete_stack, StackName="shop")
    client.update_termination_protection(StackName="shop", EnableTerminationProtection=False)
    client.delete_stack(StackName="shop")
    assert "does not exist" in failed(client.describe_stacks, StackName="shop")
    assert described(client, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    deleted = client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [one["StackId"] for one in deleted] == [made["StackId"]]
    again = client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    assert again["StackId"] != made["StackId"]


def test_lists_come_in_pages_of_a_hundred(aws):
    client = aws("cloudformation")
    for number in range(105):
        client.create_stack(
            StackName=f"s{number}", TemplateBody="Resources: {A: {Type: 'AWS::SNS::Topic'}}"
        )
    pages = list(client.get_paginator("describe_stacks").paginate())
    assert [len(page["Stacks"]) for page in pages] == [100, 5]
    assert "Invalid Next Token" in failed(client.describe_stacks, NextToken="rubbish")


def test_whoever_listens_hears_of_stacks_resources_and_drift(sandbox, aws):
    client, queue = aws("cloudformation"), aws("sqs")
    made = client.create_stack(StackName="shop", TemplateBody=function(), **IAM)
    client.detect_stack_drift(StackName="shop")
    url = queue.get_queue_url(QueueName="codestar-dash-events")["QueueUrl"]
    heard = []
    while found := queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            heard.append(json.loads(message["Body"]))
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    heard = [one for one in heard if "stack-id" in one["detail"]]
    assert {one["source"] for one in heard} == {"aws.cloudformation"}
    assert {one["detail-type"].removeprefix("CloudFormation ") for one in heard} == {
        "Stack Status Change",
        "Resource Status Change",
        "Drift Detection Status Change",
    }
    assert {one["detail"]["stack-id"] for one in heard} == {made["StackId"]}


# --- Pipelines ------------------------------------------------------------------------------------


def deploying(*actions: dict[str, Any]) -> dict[str, Any]:
    return pipeline("infra", list(actions))


def stack_action(name: str, mode: str, order: int = 1, **more: str) -> dict[str, Any]:
    return action(
        name, "Deploy", "CloudFormation", order, ActionMode=mode, StackName="shop", **more
    )


def run_of(aws: Any) -> dict[str, dict[str, Any]]:
    """What the newest execution's actions say, by name."""
    details = aws("codepipeline").list_action_executions(pipelineName="infra")
    newest = details["actionExecutionDetails"][0]["pipelineExecutionId"]
    return {
        one["actionName"]: {"status": one["status"], **one["output"]["executionResult"]}
        for one in details["actionExecutionDetails"]
        if one["pipelineExecutionId"] == newest
    }


@pytest.fixture
def sources(sandbox) -> Any:
    """What the artifacts of pipelines hold, by the stack's name."""
    return sandbox.world.place("111122223333", "eu-west-1").of(StackStore).sources


def test_an_action_of_a_pipeline_creates_and_updates_a_real_stack(aws, sources):
    sources["shop"] = lambda number, broken: function(memory=128 * number)
    client, pipelines = aws("cloudformation"), aws("codepipeline")
    pipelines.create_pipeline(pipeline=deploying(stack_action("Deploy", "CREATE_UPDATE")))
    first = run_of(aws)["Deploy"]
    stack = described(client, "shop")
    assert (first["status"], first["externalExecutionId"]) == ("Succeeded", stack["StackId"])
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    pipelines.start_pipeline_execution(name="infra")
    assert described(client, "shop")["StackStatus"] == "UPDATE_COMPLETE"
    assert run_of(aws)["Deploy"]["externalExecutionSummary"] == "Stack shop was updated."


def test_an_action_fails_with_the_stack_and_says_what_the_stack_says(aws, sources):
    sources["shop"] = lambda number, broken: function(memory=20_480 if number > 1 else 128)
    pipelines = aws("codepipeline")
    pipelines.create_pipeline(pipeline=deploying(stack_action("Deploy", "CREATE_UPDATE")))
    pipelines.start_pipeline_execution(name="infra")
    failed_one = run_of(aws)["Deploy"]
    assert failed_one["status"] == "Failed"
    said = failed_one["errorDetails"]
    assert said["code"] == "JobFailed"
    assert "Last status: UPDATE_ROLLBACK_COMPLETE" in said["message"]
    assert "failed to update: [Handler]" in said["message"]


def test_a_change_set_is_made_and_executed_by_two_actions(aws, sources):
    sources["shop"] = lambda number, broken: function(memory=128 * number)
    replace = stack_action("Propose", "CHANGE_SET_REPLACE", 1, ChangeSetName="changes")
    execute = stack_action("Apply", "CHANGE_SET_EXECUTE", 2, ChangeSetName="changes")
    aws("codepipeline").create_pipeline(pipeline=deploying(replace, execute))
    for status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        told_by = run_of(aws)
        assert {one["status"] for one in told_by.values()} == {"Succeeded"}
        assert described(aws("cloudformation"), "shop")["StackStatus"] == status
        (one,) = aws("cloudformation").list_change_sets(StackName="shop")["Summaries"]
        assert one["ExecutionStatus"] == "EXECUTE_COMPLETE"
        aws("codepipeline").start_pipeline_execution(name="infra")


def test_an_action_on_a_stack_that_is_busy_fails_in_awss_words(held, aws, sources):
    sources["shop"] = lambda number, broken: function(memory=128 * number)
    aws("codepipeline").create_pipeline(pipeline=deploying(stack_action("Deploy", "CREATE_UPDATE")))
    aws("cloudformation").create_stack(StackName="shop", TemplateBody=function(), **IAM)
    held.clock.advance(12)
    said = run_of(aws)["Deploy"]
    assert said["status"] == "Failed"
    assert (
        "is in CREATE_IN_PROGRESS state and can not be updated." in said["errorDetails"]["message"]
    )


def test_a_stack_nobody_knows_a_template_of_runs_as_its_script_says(aws):
    aws("codepipeline").create_pipeline(pipeline=deploying(stack_action("Deploy", "CREATE_UPDATE")))
    assert run_of(aws)["Deploy"]["status"] == "Succeeded"
    assert aws("cloudformation").describe_stacks()["Stacks"] == []
