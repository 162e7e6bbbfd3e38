"""A toolchain's stack stands, its pipeline runs on what it made, and everything can go again."""

import io
import json
import urllib.request
import zipfile
from typing import Any

import pytest

from apps.sandbox.github import writing as github

from . import toolchains
from .test_stacks_for_real import refusal, status, there, why
from .toolchains import CODE, on_beanstalk, on_instances, on_lambda

ACCOUNT, REGION = "111122223333", "eu-west-1"
IAM = {"Capabilities": ["CAPABILITY_IAM"]}
BUCKET = "shop-artifacts"


def stage(aws: Any, **changed: str | None) -> None:
    """Put the code where the stack takes it from; None leaves a file out."""
    files = {**CODE, **{name.replace("__", "."): text for name, text in changed.items()}}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    where = {"LocationConstraint": REGION}
    aws("s3").create_bucket(Bucket="staging", CreateBucketConfiguration=where)
    aws("s3").put_object(Bucket="staging", Key="code.zip", Body=packed.getvalue())


def unstage(aws: Any) -> None:
    aws("s3").delete_object(Bucket="staging", Key="code.zip")
    aws("s3").delete_bucket(Bucket="staging")


def make(aws: Any, body: str) -> None:
    aws("cloudformation").create_stack(StackName="shop", TemplateBody=body, **IAM)
    assert status(aws) == "CREATE_COMPLETE", why(aws)


def actions(aws: Any) -> dict[str, tuple[str, str]]:
    """Action → (status, what it says of its failure)."""
    stages = aws("codepipeline").get_pipeline_state(name="shop")["stageStates"]
    return {
        one["actionName"]: (
            one["latestExecution"]["status"],
            one["latestExecution"].get("errorDetails", {}).get("message", ""),
        )
        for stage in stages
        for one in stage["actionStates"]
        if "latestExecution" in one
    }


def push(aws: Any, path: str, text: str) -> str:
    git = aws("codecommit")
    head = git.get_branch(repositoryName="shop", branchName="main")["branch"]["commitId"]
    return str(
        git.put_file(
            repositoryName="shop",
            branchName="main",
            fileContent=text.encode(),
            filePath=path,
            parentCommitId=head,
            commitMessage=f"Change {path}",
            name="checkout-developer",
            email="checkout-developer@example.com",
        )["commitId"]
    )


def newest_build(aws: Any) -> dict[str, Any]:
    (build,) = aws("codebuild").batch_get_builds(ids=aws("codebuild").list_builds()["ids"][:1])[
        "builds"
    ]
    return dict(build)


def undo(aws: Any, *stacks: str) -> None:
    found = aws("s3").list_object_versions(Bucket=BUCKET)
    every = [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]
    wanted = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in every]
    assert wanted, "the pipeline hands on real objects"
    aws("s3").delete_objects(Bucket=BUCKET, Delete={"Objects": wanted})
    for stack in stacks:
        aws("cloudformation").delete_stack(StackName=stack)


def test_a_function_is_packaged_deployed_shifted_and_undone(sandbox, aws):
    before = there(sandbox)
    stage(aws)
    make(aws, on_lambda())
    assert {how for how, _ in actions(aws).values()} == {"Succeeded"}, actions(aws)
    assert status(aws, "shop-app") == "CREATE_COMPLETE"
    function = aws("lambda").get_function_configuration(FunctionName="shop-app")
    assert function["Environment"]["Variables"] == {"STAGE": "live"}
    (alias,) = aws("lambda").list_aliases(FunctionName="shop-app")["Aliases"]
    assert (alias["Name"], alias["FunctionVersion"]) == ("live", "1")
    policy = json.loads(aws("lambda").get_policy(FunctionName="shop-app")["Policy"])
    assert {one["Resource"] for one in policy["Statement"]} == {alias["AliasArn"]}
    (api,) = aws("apigatewayv2").get_apis()["Items"]
    routes = aws("apigatewayv2").get_routes(ApiId=api["ApiId"])["Items"]
    assert {one["RouteKey"] for one in routes} == {"$default", "GET /hello"}

    # A push starts it by the rule, and CodeDeploy shifts the alias to the next version.
    commit = push(aws, "app/handler.py", "def handle(event, context):\n    return 'new'\n")
    (newest, first) = aws("codepipeline").list_pipeline_executions(pipelineName="shop")[
        "pipelineExecutionSummaries"
    ]
    assert first["trigger"]["triggerType"] == "CreatePipeline"
    assert newest["trigger"]["triggerType"] == "CloudWatchEvent"
    assert (newest["status"], newest["sourceRevisions"][0]["revisionId"]) == ("Succeeded", commit)
    (alias,) = aws("lambda").list_aliases(FunctionName="shop-app")["Aliases"]
    assert alias["FunctionVersion"] == "2"
    (deployment,) = aws("codedeploy").list_deployments()["deployments"]
    told = aws("codedeploy").get_deployment(deploymentId=deployment)["deploymentInfo"]
    assert told["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"

    undo(aws, "shop-app", "shop")
    unstage(aws)
    repository = [f"arn:aws:codecommit:{REGION}:{ACCOUNT}:shop"]
    assert there(sandbox) == {**before, "codecommit": repository}


def test_a_deployment_goes_back_when_its_alarm_is_on(sandbox, aws):
    stage(aws)
    make(aws, on_lambda())
    aws("cloudwatch").set_alarm_state(
        AlarmName="shop-app-errors", StateValue="ALARM", StateReason="the function fails"
    )
    push(aws, "app/handler.py", "def handle(event, context):\n    raise ValueError\n")
    how, said = actions(aws)["Deploy"]
    assert how == "Failed"
    assert "UPDATE_ROLLBACK_COMPLETE" in said
    assert "shop-app-errors" in why(aws, "shop-app")["FunctionAliaslive"]
    (alias,) = aws("lambda").list_aliases(FunctionName="shop-app")["Aliases"]
    assert alias["FunctionVersion"] == "1"


def test_instances_are_deployed_to_and_go_with_their_group(sandbox, aws):
    before = there(sandbox)
    stage(aws)
    make(aws, on_instances())
    assert {how for how, _ in actions(aws).values()} == {"Succeeded"}, actions(aws)
    (deployment,) = aws("codedeploy").list_deployments()["deployments"]
    targets = aws("codedeploy").list_deployment_targets(deploymentId=deployment)["targetIds"]
    (group,) = aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert sorted(targets) == sorted(one["InstanceId"] for one in group["Instances"])
    assert len(targets) == 2
    # What was deployed is what the build handed on.
    told = aws("codedeploy").get_deployment(deploymentId=deployment)["deploymentInfo"]
    location = told["revision"]["s3Location"]
    body = aws("s3").get_object(Bucket=location["bucket"], Key=location["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert {"appspec.yml", "scripts/start.sh", "app/handler.py"} <= set(archive.namelist())
    undo(aws, "shop")
    unstage(aws)
    repository = [f"arn:aws:codecommit:{REGION}:{ACCOUNT}:shop"]
    assert there(sandbox) == {**before, "codecommit": repository}


def test_what_its_own_files_make_fail_fails_in_awss_words(sandbox, aws):
    stage(aws)
    make(aws, on_instances())
    git = aws("codecommit")
    push(aws, "buildspec.yml", CODE["buildspec.yml"].replace("    - appspec.yml\n", ""))
    assert actions(aws)["Deploy"][0] == "Failed"
    newest = aws("codedeploy").list_deployments()["deployments"]
    told = [aws("codedeploy").get_deployment(deploymentId=one)["deploymentInfo"] for one in newest]
    failed = next(one for one in told if one["status"] == "Failed")
    targets = aws("codedeploy").list_deployment_targets(deploymentId=failed["deploymentId"])
    found = aws("codedeploy").batch_get_deployment_targets(
        deploymentId=failed["deploymentId"], targetIds=targets["targetIds"]
    )["deploymentTargets"]
    messages = [
        event["diagnostics"]["message"]
        for one in found
        for event in one["instanceTarget"]["lifecycleEvents"]
        if event["status"] == "Failed"
    ]
    assert any("did not find an AppSpec file" in text for text in messages)
    # It goes back to what was deployed before.
    assert any(one["creator"] == "codeDeployRollback" for one in told)

    push(aws, "buildspec.yml", CODE["buildspec.yml"].replace("pip install", "exit 3 #"))
    build = newest_build(aws)
    assert build["buildStatus"] == "FAILED"
    assert "Phase: INSTALL, Code: COMMAND_EXECUTION_ERROR" in actions(aws)["Build"][1]
    assert "exit status 3" in actions(aws)["Build"][1]

    head = git.get_branch(repositoryName="shop", branchName="main")["branch"]["commitId"]
    git.delete_file(
        repositoryName="shop", branchName="main", filePath="buildspec.yml", parentCommitId=head
    )
    assert "YAML_FILE_ERROR" in actions(aws)["Build"][1]
    assert "buildspec.yml: no such file or directory" in actions(aws)["Build"][1]


def test_an_environment_gets_a_version_of_what_was_built(sandbox, aws):
    before = there(sandbox)
    stage(aws)
    make(aws, on_beanstalk())
    assert {how for how, _ in actions(aws).values()} == {"Succeeded"}, actions(aws)
    client = aws("elasticbeanstalk")
    (environment,) = client.describe_environments()["Environments"]
    (version,) = client.describe_application_versions(ApplicationName="shop")["ApplicationVersions"]
    assert environment["VersionLabel"] == version["VersionLabel"]
    bundle = version["SourceBundle"]
    assert aws("s3").head_object(Bucket=bundle["S3Bucket"], Key=bundle["S3Key"])
    undo(aws, "shop")
    unstage(aws)
    repository = [f"arn:aws:codecommit:{REGION}:{ACCOUNT}:shop"]
    assert there(sandbox) == {**before, "codecommit": repository}


def test_a_build_shows_its_buildspecs_commands_and_reports_its_tests(sandbox, aws):
    stage(aws)
    make(aws, on_lambda())
    build = newest_build(aws)
    logs = aws("logs").get_log_events(
        logGroupName=build["logs"]["groupName"],
        logStreamName=build["logs"]["streamName"],
        startFromHead=True,
    )["events"]
    text = "".join(one["message"] for one in logs)
    for command in (
        "pip install -r requirements.txt",
        "cp -R app build/",
        "cloudformation package",
    ):
        assert command in text
    (arn,) = build["reportArns"]
    (report,) = aws("codebuild").batch_get_reports(reportArns=[arn])["reports"]
    assert report["testSummary"]["statusCounts"] == {"SUCCEEDED": 2}
    cases = aws("codebuild").describe_test_cases(reportArn=arn)["testCases"]
    assert {one["name"] for one in cases} == {"test_it_answers", "test_it_greets"}
    (group,) = aws("codebuild").list_report_groups()["reportGroups"]
    assert aws("codebuild").list_reports_for_report_group(reportGroupArn=group)["reports"] == [arn]


@pytest.mark.parametrize(
    ("less", "action", "says"),
    [
        (toolchains.SOURCE, "Source", "AWS CodeCommit repository named shop. Update the IAM role"),
        (toolchains.STORE, "Source", f"Amazon S3 bucket named {BUCKET}. Update the IAM role"),
        (toolchains.BUILD, "Build", "is not authorized to perform: codebuild:StartBuild"),
    ],
)
def test_a_pipeline_does_no_more_than_its_role_may(sandbox, aws, less, action, says):
    stage(aws)
    may = [one for one in (toolchains.SOURCE, toolchains.STORE, toolchains.BUILD) if one != less]
    make(aws, on_beanstalk(PipelineRole=toolchains.role("codepipeline", *may)))
    how, said = actions(aws)[action]
    assert how == "Failed"
    assert says in said


def test_a_stack_cannot_take_what_its_role_may_not_give(sandbox, aws):
    stage(aws)
    may = ["lambda:*", "apigateway:*", "codedeploy:*", "cloudwatch:*", "s3:GetObject"]
    make(aws, on_lambda(AppRole=toolchains.role("cloudformation", (may, "*"))))
    assert status(aws, "shop-app") == "ROLLBACK_COMPLETE"
    assert "is not authorized to perform: iam:CreateRole" in why(aws, "shop-app")["FunctionRole"]
    assert "ROLLBACK_COMPLETE" in actions(aws)["Deploy"][1]


def test_a_connection_waits_until_somebody_completes_it(sandbox, aws):
    for service in ("codeconnections", "codestar-connections"):
        client = aws(service)
        arn = client.create_connection(ConnectionName=service, ProviderType="GitHub")[
            "ConnectionArn"
        ]
        assert arn.startswith(f"arn:aws:{service}:{REGION}:{ACCOUNT}:connection/")
        assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == (
            "PENDING"
        )
    assert len(aws("codeconnections").list_connections()["Connections"]) == 2
    source = {
        "Name": "Source",
        "ActionTypeId": {
            "Category": "Source",
            "Owner": "AWS",
            "Provider": "CodeStarSourceConnection",
            "Version": "1",
        },
        "Configuration": {
            "ConnectionArn": {"Ref": "Connection"},
            "FullRepositoryId": "example-shop/checkout-web",
            "BranchName": "main",
        },
        "OutputArtifacts": [{"Name": "Source"}],
    }
    connection = {
        "Type": "AWS::CodeConnections::Connection",
        "Properties": {"ConnectionName": "shop", "ProviderType": "GitHub"},
    }
    stage(aws)
    one = github.make_repository(sandbox.world, "checkout-web", None)
    github.push(sandbox.world, one, "main", "Begin", "checkout-developer")
    body = json.loads(on_beanstalk(Connection=connection))
    use = {"Effect": "Allow", "Action": "codeconnections:UseConnection", "Resource": "*"}
    policies = body["Resources"]["PipelineRole"]["Properties"]["Policies"]
    policies[0]["PolicyDocument"]["Statement"].append(use)
    body["Resources"]["Pipeline"]["Properties"]["Stages"][0]["Actions"] = [source]
    make(aws, json.dumps(body))
    how, said = actions(aws)["Source"]
    assert how == "Failed"
    (arn,) = [
        one["ConnectionArn"]
        for one in aws("codeconnections").list_connections()["Connections"]
        if one["ConnectionName"] == "shop"
    ]
    assert f"Unable to use Connection: {arn}" in said
    asked = urllib.request.Request(
        f"{sandbox.url}/_sandbox/connection", data=json.dumps({"arn": arn}).encode(), method="POST"
    )
    with urllib.request.urlopen(asked) as answer:
        assert json.load(answer)["status"] == "AVAILABLE"
    aws("codepipeline").start_pipeline_execution(name="shop")
    assert actions(aws)["Source"][0] == "Succeeded"
    github.delete_branch(sandbox.world, one, "main", "checkout-developer")
    aws("codepipeline").start_pipeline_execution(name="shop")
    assert actions(aws)["Source"] == (
        "Failed",
        "[Source] No Branch [main] found for FullRepositoryName [example-shop/checkout-web]",
    )
    aws("codeconnections").delete_connection(ConnectionArn=arn)
    code, _ = refusal(aws("codeconnections").get_connection, ConnectionArn=arn)
    assert code == "ResourceNotFoundException"
