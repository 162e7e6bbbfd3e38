"""Deployments as boto3 sees them: configurations, failures, rollbacks, traffic, scenario."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.cloudwatch.model import AlarmStore
from apps.sandbox.codedeploy import causes
from apps.sandbox.codedeploy.model import DeployStore
from apps.sandbox.compute import balancers, functions, groups, machines
from apps.sandbox.server import SandboxServer

from .conftest import Aws

ACCOUNT, REGION = "111122223333", "eu-west-1"
REVISION = {
    "revisionType": "S3",
    "s3Location": {"bucket": "b", "key": "shop.zip", "bundleType": "zip"},
}
ROLLS_BACK = {"enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]}
TAGS = [{"Key": "app", "Value": "shop", "Type": "KEY_AND_VALUE"}]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"


def place_of(sandbox: SandboxServer) -> Any:
    return sandbox.world.place(ACCOUNT, REGION)


def fleet(sandbox: SandboxServer, count: int = 3) -> list[str]:
    """So many instances with the tag that the group looks for."""
    place = place_of(sandbox)
    return [machines.furnish_running(place, {"app": "shop"}).id for _ in range(count)]


@pytest.fixture
def deploy(aws: Aws) -> Any:
    return aws("codedeploy")


def make_group(deploy: Any, platform: str = "Server", **declaration: Any) -> None:
    deploy.create_application(applicationName="shop", computePlatform=platform)
    deploy.create_deployment_group(
        applicationName="shop",
        deploymentGroupName="live",
        serviceRoleArn=ROLE,
        **({"ec2TagFilters": TAGS} if platform == "Server" else {}),
        **declaration,
    )


def group_of(sandbox: SandboxServer) -> Any:
    return place_of(sandbox).of(DeployStore).applications["shop"].groups["live"]


def begin(deploy: Any, revision: Any = REVISION, **more: Any) -> str:
    answer = deploy.create_deployment(
        applicationName="shop", deploymentGroupName="live", revision=revision, **more
    )
    return str(answer["deploymentId"])


def told(deploy: Any, deployment: str) -> dict[str, Any]:
    (found,) = deploy.batch_get_deployments(deploymentIds=[deployment])["deploymentsInfo"]
    return dict(found)


def targets(deploy: Any, deployment: str) -> list[dict[str, Any]]:
    ids = deploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
    answer = deploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=ids)
    return [
        next(v for v in one.values() if isinstance(v, dict)) for one in answer["deploymentTargets"]
    ]


def failing(target: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in target["lifecycleEvents"] if one["status"] == "Failed")


def plan(sandbox: SandboxServer, *wanted: causes.Cause | None) -> None:
    """The next deployments of the group fail of these; a None goes well."""
    group_of(sandbox).planned = list(wanted)


# --- In place ----------------------------------------------------------------------------------


def test_a_deployment_goes_through_every_event_of_each_instance(sandbox, deploy):
    there = fleet(sandbox)
    make_group(deploy)
    deployment = begin(deploy, description="Release 1")
    info = told(deploy, deployment)
    assert (info["status"], info["creator"], info["description"]) == (
        "Succeeded",
        "user",
        "Release 1",
    )
    assert info["deploymentOverview"]["Succeeded"] == 3
    assert info["startTime"] >= info["createTime"]
    assert info["completeTime"] >= info["startTime"]
    found = targets(deploy, deployment)
    assert sorted(one["targetId"] for one in found) == sorted(there)
    assert (
        found[0]["targetArn"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{found[0]['targetId']}"
    )
    assert [event["lifecycleEventName"] for event in found[0]["lifecycleEvents"]] == [
        "ApplicationStop",
        "DownloadBundle",
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "ApplicationStart",
        "ValidateService",
    ]
    assert {event["status"] for one in found for event in one["lifecycleEvents"]} == {"Succeeded"}
    (group,) = deploy.batch_get_deployment_groups(
        applicationName="shop", deploymentGroupNames=["live"]
    )["deploymentGroupsInfo"]
    assert group["lastSuccessfulDeployment"]["deploymentId"] == deployment
    assert group["targetRevision"] == REVISION


@pytest.mark.parametrize(
    ("config", "at_once"), [("OneAtATime", 1), ("HalfAtATime", 2), ("AllAtOnce", 4)]
)
def test_a_configuration_says_how_many_instances_at_a_time(held, aws, config, at_once):
    deploy = aws("codedeploy")
    fleet(held, 4)
    make_group(deploy, deploymentConfigName=f"CodeDeployDefault.{config}")
    deployment = begin(deploy)
    held.clock.advance(3)
    overview = told(deploy, deployment)["deploymentOverview"]
    assert (overview["InProgress"], overview["Pending"]) == (at_once, 4 - at_once)


def test_a_custom_configuration_keeps_as_many_instances_healthy_as_it_says(held, aws):
    deploy = aws("codedeploy")
    fleet(held, 4)
    healthy = {"type": "HOST_COUNT", "value": 1}
    deploy.create_deployment_config(
        deploymentConfigName="one-stays", minimumHealthyHosts=healthy, computePlatform="Server"
    )
    made = deploy.get_deployment_config(deploymentConfigName="one-stays")["deploymentConfigInfo"]
    assert made["minimumHealthyHosts"] == healthy
    assert "one-stays" in deploy.list_deployment_configs()["deploymentConfigsList"]
    make_group(deploy, deploymentConfigName="one-stays")
    deployment = begin(deploy)
    held.clock.advance(3)
    assert told(deploy, deployment)["deploymentOverview"]["InProgress"] == 3


def test_a_balanced_instance_has_no_traffic_while_it_is_deployed_to(held, aws):
    deploy, place = aws("codedeploy"), place_of(held)
    (one,) = fleet(held, 1)
    balancers.make_target_group(place, "shop", balancer=balancers.make_balancer(place, "shop"))
    balancers.register(place, "shop", [one], healthy=True)
    make_group(
        deploy,
        deploymentStyle={
            "deploymentType": "IN_PLACE",
            "deploymentOption": "WITH_TRAFFIC_CONTROL",
        },
        loadBalancerInfo={"targetGroupInfoList": [{"name": "shop"}]},
    )
    deployment = begin(deploy)
    held.clock.advance(3)
    assert balancers.health_of(place, "shop", one) == "draining"
    held.clock.advance(600)
    assert told(deploy, deployment)["status"] == "Succeeded"
    assert balancers.health_of(place, "shop", one) == "healthy"


def test_machines_outside_aws_are_deployed_to(sandbox, deploy):
    store = place_of(sandbox).of(machines.MachineStore)
    store.premises["rack-1"] = machines.Premises("rack-1", {"where": "basement"})
    deploy.create_application(applicationName="shop")
    deploy.create_deployment_group(
        applicationName="shop",
        deploymentGroupName="live",
        serviceRoleArn=ROLE,
        onPremisesInstanceTagFilters=[{"Key": "where", "Type": "KEY_ONLY"}],
    )
    (target,) = targets(deploy, begin(deploy))
    assert target["targetId"] == "rack-1"
    assert target["targetArn"].startswith(f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:instance/rack-1_")


def test_a_group_that_matches_nothing_says_so(deploy):
    make_group(deploy)
    info = told(deploy, begin(deploy))
    assert (info["status"], info["errorInformation"]["code"]) == ("Failed", "NO_INSTANCES")


# --- Failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "event", "code", "line"),
    [
        (causes.START_CRASHES, "ApplicationStart", "ScriptFailed", "Error: connect ECONNREFUSED"),
        (causes.JAVA_CRASHES, "ApplicationStart", "ScriptFailed", "IllegalStateException"),
        (causes.HEALTH_CHECK, "ValidateService", "ScriptFailed", "returned error: 502"),
        (causes.DISK_FULL, "AfterInstall", "ScriptFailed", "No space left on device"),
        (causes.ACCESS_DENIED, "DownloadBundle", "UnknownError", "arn:aws:s3:::b/shop.zip"),
        (causes.NO_APPSPEC, "BeforeInstall", "UnknownError", "did not find an AppSpec file"),
        (causes.AGENT_SILENT, "ApplicationStop", "UnknownError", "agent was not able"),
    ],
)
def test_a_failing_event_says_what_its_script_said(sandbox, deploy, cause, event, code, line):
    fleet(sandbox)
    make_group(deploy)
    plan(sandbox, cause)
    deployment = begin(deploy)
    info = told(deploy, deployment)
    assert info["status"] == "Failed"
    assert info["errorInformation"]["code"] == "HEALTH_CONSTRAINTS"
    found = targets(deploy, deployment)
    failed = next(one for one in found if one["status"] == "Failed")
    wrong = failing(failed)
    assert (wrong["lifecycleEventName"], wrong["diagnostics"]["errorCode"]) == (event, code)
    assert line in wrong["diagnostics"]["logTail"] + wrong["diagnostics"]["message"]
    assert len(wrong["diagnostics"]["logTail"]) <= 4096
    # One at a time: the others were not touched any more.
    assert [one["status"] for one in found].count("Skipped") == 2


def test_instances_left_failed_come_first_the_next_time(sandbox, deploy):
    fleet(sandbox)
    make_group(deploy)
    begin(deploy)
    group = group_of(sandbox)
    plan(sandbox, causes.HEALTH_CHECK)
    failed = next(
        one["targetId"] for one in targets(deploy, begin(deploy)) if one["status"] == "Failed"
    )
    assert group.failed == {failed}
    assert targets(deploy, begin(deploy))[0]["targetId"] == failed
    assert group.failed == set()


def test_a_failed_deployment_is_rolled_back_to_the_last_good_one(sandbox, deploy):
    fleet(sandbox)
    make_group(deploy, autoRollbackConfiguration=ROLLS_BACK)
    begin(deploy)
    plan(sandbox, causes.START_CRASHES)
    second = {**REVISION, "s3Location": {**REVISION["s3Location"], "key": "shop-2.zip"}}
    failed = begin(deploy, second)
    info = told(deploy, failed)
    back = told(deploy, info["rollbackInfo"]["rollbackDeploymentId"])
    assert back["status"] == "Succeeded"
    assert back["creator"] == "codeDeployRollback"
    assert back["revision"] == REVISION
    assert back["rollbackInfo"]["rollbackTriggeringDeploymentId"] == failed
    assert failed in info["rollbackInfo"]["rollbackMessage"]
    assert deploy.list_deployments()["deployments"][:2] == [back["deploymentId"], failed]


def test_a_deployment_is_stopped_and_rolled_back_by_hand(held, aws):
    deploy = aws("codedeploy")
    fleet(held)
    make_group(deploy)
    begin(deploy)
    held.clock.advance(600)
    second = begin(deploy)
    held.clock.advance(5)
    with pytest.raises(ClientError, match="already has an active Deployment"):
        begin(deploy)
    deploy.stop_deployment(deploymentId=second, autoRollbackEnabled=True)
    held.clock.advance(5)
    info = told(deploy, second)
    assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    assert told(deploy, info["rollbackInfo"]["rollbackDeploymentId"])["status"] == "InProgress"
    with pytest.raises(ClientError, match="already completed"):
        deploy.stop_deployment(deploymentId=second)


@pytest.mark.parametrize("enabled", [True, False])
def test_a_deployment_may_roll_back_otherwise_than_its_group(sandbox, deploy, enabled):
    fleet(sandbox)
    group = {"enabled": False} if enabled else ROLLS_BACK
    make_group(deploy, autoRollbackConfiguration=group)
    begin(deploy)
    plan(sandbox, causes.HEALTH_CHECK)
    own = ROLLS_BACK if enabled else {"enabled": False}
    failed = begin(deploy, autoRollbackConfiguration=own, fileExistsBehavior="RETAIN")
    info = told(deploy, failed)
    assert (info["status"], info["fileExistsBehavior"]) == ("Failed", "RETAIN")
    assert ("rollbackInfo" in info) is enabled


def test_a_description_that_is_too_long_is_refused(sandbox, deploy):
    fleet(sandbox)
    make_group(deploy)
    with pytest.raises(ClientError, match="DescriptionTooLong"):
        begin(deploy, description="x" * 257)


# --- Blue/green --------------------------------------------------------------------------------


def blue_green(deploy: Any, sandbox: SandboxServer, wait: str) -> tuple[Any, list[str]]:
    place = place_of(sandbox)
    target_group = balancers.make_target_group(
        place, "shop", balancer=balancers.make_balancer(place, "shop")
    )
    scaling = groups.make_group(
        place, "shop", size=(2, 2, 4), tags={}, target_groups=[target_group.arn], running=True
    )
    deploy.create_application(applicationName="shop")
    deploy.create_deployment_group(
        applicationName="shop",
        deploymentGroupName="live",
        serviceRoleArn=ROLE,
        deploymentConfigName="CodeDeployDefault.AllAtOnce",
        autoScalingGroups=["shop"],
        deploymentStyle={
            "deploymentType": "BLUE_GREEN",
            "deploymentOption": "WITH_TRAFFIC_CONTROL",
        },
        loadBalancerInfo={"targetGroupInfoList": [{"name": "shop"}]},
        blueGreenDeploymentConfiguration={
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE",
                "terminationWaitTimeInMinutes": 5,
            },
            "deploymentReadyOption": {"actionOnTimeout": wait, "waitTimeInMinutes": 10},
            "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"},
        },
    )
    return place, [one.id for one in scaling.instances()]


def test_blue_green_waits_to_be_continued_then_replaces_the_fleet(held, aws):
    deploy = aws("codedeploy")
    place, old = blue_green(deploy, held, "STOP_DEPLOYMENT")
    deployment = begin(deploy)
    held.clock.advance(240)
    info = told(deploy, deployment)
    assert info["status"] == "Ready"
    assert info["deploymentOverview"]["Ready"] == 2
    labels = [one["instanceLabel"] for one in targets(deploy, deployment)]
    assert sorted(labels) == ["Blue", "Blue", "Green", "Green"]
    deploy.continue_deployment(deploymentId=deployment, deploymentWaitType="READY_WAIT")
    held.clock.advance(120)
    info = told(deploy, deployment)
    assert (info["status"], info["instanceTerminationWaitTimeStarted"]) == ("InProgress", True)
    green = [
        one["targetId"] for one in targets(deploy, deployment) if one["instanceLabel"] == "Green"
    ]
    assert {balancers.health_of(place, "shop", one) for one in green} == {"healthy"}
    deploy.continue_deployment(deploymentId=deployment, deploymentWaitType="TERMINATION_WAIT")
    held.clock.advance(60)
    assert told(deploy, deployment)["status"] == "Succeeded"
    store = place.of(machines.MachineStore)
    assert list(store.groups) == [f"CodeDeploy_live_{deployment}"]
    assert all(store.instances[one].state == "terminated" for one in old if one in store.instances)


def test_what_was_continued_by_hand_is_not_timed_out(held, aws):
    deploy = aws("codedeploy")
    blue_green(deploy, held, "STOP_DEPLOYMENT")
    deploy.update_deployment_group(
        applicationName="shop",
        currentDeploymentGroupName="live",
        blueGreenDeploymentConfiguration={
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE",
                "terminationWaitTimeInMinutes": 60,
            },
            "deploymentReadyOption": {
                "actionOnTimeout": "STOP_DEPLOYMENT",
                "waitTimeInMinutes": 10,
            },
            "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"},
        },
    )
    deployment = begin(deploy)
    held.clock.advance(240)
    deploy.continue_deployment(deploymentId=deployment, deploymentWaitType="READY_WAIT")
    held.clock.advance(1200)
    assert told(deploy, deployment)["status"] == "InProgress"
    held.clock.advance(3600)
    assert told(deploy, deployment)["status"] == "Succeeded"


def test_blue_green_that_fails_leaves_the_old_fleet_in_traffic(held, aws):
    deploy = aws("codedeploy")
    place, old = blue_green(deploy, held, "CONTINUE_DEPLOYMENT")
    plan(held, causes.HEALTH_CHECK)
    deployment = begin(deploy)
    held.clock.advance(300)
    assert told(deploy, deployment)["status"] == "Failed"
    assert {balancers.health_of(place, "shop", one) for one in old} == {"healthy"}
    assert list(place.of(machines.MachineStore).groups) == ["shop"]


# --- Functions and services --------------------------------------------------------------------


def appspec(version: str, current: str = "1") -> dict[str, Any]:
    properties = {
        "Name": "score",
        "Alias": "live",
        "CurrentVersion": current,
        "TargetVersion": version,
    }
    resource = {"score": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    content = json.dumps({"version": 0.0, "Resources": [resource]})
    return {"revisionType": "String", "string": {"content": content}}


def canary(sandbox: SandboxServer, deploy: Any) -> Any:
    place = place_of(sandbox)
    function = functions.make_function(place, "score")
    functions.publish(function)
    functions.point(function, "live", "1")
    functions.update_code(function)
    functions.publish(function)
    alarm = {
        "AlarmName": "score-errors",
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    place.of(AlarmStore).put(alarm)
    make_group(
        deploy,
        "Lambda",
        deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
        alarmConfiguration={"enabled": True, "alarms": [{"name": "score-errors"}]},
        autoRollbackConfiguration=ROLLS_BACK,
    )
    return function


def test_a_canary_shifts_a_tenth_then_the_rest(held, aws):
    deploy = aws("codedeploy")
    function = canary(held, deploy)
    deployment = begin(deploy, appspec("2"))
    held.clock.advance(60)
    (target,) = targets(deploy, deployment)
    info = target["lambdaFunctionInfo"]
    assert (info["currentVersion"], info["targetVersion"]) == ("1", "2")
    assert info["targetVersionWeight"] == 0.1
    assert function.aliases["live"].weights == {"2": 0.1}
    held.clock.advance(400)
    assert told(deploy, deployment)["status"] == "Succeeded"
    assert function.aliases["live"].version == "2"


@pytest.mark.parametrize(("current", "target"), [("2", "1"), ("1", "1")])
def test_an_appspec_of_another_version_than_runs_shifts_nothing(held, aws, current, target):
    deploy = aws("codedeploy")
    function = canary(held, deploy)
    deployment = begin(deploy, appspec(target, current))
    held.clock.advance(60)
    info = told(deploy, deployment)
    assert info["errorInformation"]["code"] == "INVALID_LAMBDA_CONFIGURATION"
    assert (function.aliases["live"].version, function.aliases["live"].weights) == ("1", {})


def test_an_alarm_in_a_canary_stops_it_and_rolls_it_back(held, aws):
    deploy = aws("codedeploy")
    function = canary(held, deploy)
    begin(deploy, appspec("2"))
    held.clock.advance(400)
    deployment = begin(deploy, appspec("1", "2"))
    held.clock.advance(60)
    place_of(held).of(AlarmStore).set_state("score-errors", "ALARM", "Threshold Crossed")
    held.clock.advance(60)
    info = told(deploy, deployment)
    assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    assert info["errorInformation"]["message"].endswith("Activated alarms: <score-errors>")
    assert function.aliases["live"].version == "2"
    assert function.aliases["live"].weights == {}
    back = told(deploy, info["rollbackInfo"]["rollbackDeploymentId"])
    assert back["deploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"


def test_a_hook_that_fails_shifts_nothing(sandbox, deploy):
    function = canary(sandbox, deploy)
    plan(sandbox, causes.HOOK_FAILS)
    deployment = begin(deploy, appspec("2"))
    info = told(deploy, deployment)
    assert info["errorInformation"]["code"] == "HOOK_EXECUTION_FAILURE"
    (target,) = targets(deploy, deployment)
    assert failing(target)["lifecycleEventName"] == "BeforeAllowTraffic"
    assert failing(target)["diagnostics"]["scriptName"] == "fraud-model-smoke"
    assert function.aliases["live"].version == "1"


def test_an_appspec_that_names_no_version_is_refused(sandbox, deploy):
    canary(sandbox, deploy)
    for content in ("{", '{"Resources": []}', '{"Resources": [{"a": {"Properties": {}}}]}'):
        wrong = {"revisionType": "String", "string": {"content": content}}
        with pytest.raises(ClientError, match="InvalidRevisionException"):
            begin(deploy, wrong)


# --- Lists, errors, events ---------------------------------------------------------------------


def test_deployments_are_narrowed_by_group_status_and_time(sandbox, deploy):
    make_group(deploy)
    failed = begin(deploy)
    fleet(sandbox)
    good = begin(deploy)
    assert deploy.list_deployments()["deployments"] == [good, failed]
    named = {"applicationName": "shop", "deploymentGroupName": "live"}
    found = deploy.list_deployments(**named, includeOnlyStatuses=["Failed"])["deployments"]
    assert found == [failed]
    late = {"start": told(deploy, good)["createTime"].timestamp() + 3600}
    assert deploy.list_deployments(createTimeRange=late)["deployments"] == []
    with pytest.raises(ClientError, match="DeploymentGroupNameRequiredException"):
        deploy.list_deployments(applicationName="shop")


def test_what_does_not_exist_is_refused_in_awss_words(deploy):
    for code, call in (
        (
            "ApplicationDoesNotExistException",
            lambda: deploy.list_deployment_groups(applicationName="x"),
        ),
        ("DeploymentDoesNotExistException", lambda: deploy.get_deployment(deploymentId="d-X")),
        (
            "DeploymentConfigDoesNotExistException",
            lambda: deploy.get_deployment_config(deploymentConfigName="x"),
        ),
        (
            "BatchLimitExceededException",
            lambda: deploy.batch_get_deployments(deploymentIds=[f"d-{n}" for n in range(26)]),
        ),
        (
            "InvalidNextTokenException",
            lambda: deploy.list_deployments(nextToken="garbled"),
        ),
    ):
        with pytest.raises(ClientError, match=code):
            call()
    assert deploy.batch_get_deployments(deploymentIds=["d-X"])["deploymentsInfo"] == []


def test_targets_of_a_deployment_that_has_not_begun_are_refused(held, aws):
    deploy = aws("codedeploy")
    fleet(held)
    make_group(deploy)
    with pytest.raises(ClientError, match="DeploymentNotStartedException"):
        deploy.list_deployment_targets(deploymentId=begin(deploy))


def test_deployments_and_instances_tell_of_themselves_by_events(sandbox, deploy, aws):
    fleet(sandbox, 1)
    make_group(deploy)
    deployment = begin(deploy)
    queue = aws("sqs")
    url = queue.get_queue_url(QueueName="codestar-dash-events")["QueueUrl"]
    found = []
    while messages := queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    ours = [one for one in found if one["source"] == "aws.codedeploy"]
    states = [
        one["detail"]["state"] for one in ours if one["detail-type"].startswith("CodeDeploy Depl")
    ]
    assert states == ["CREATED", "START", "SUCCESS"]
    instance = next(one for one in ours if "Instance State" in one["detail-type"])
    assert instance["detail"]["deploymentId"] == deployment
    assert instance["resources"][0].startswith(f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-")
    assert instance["resources"][1].endswith("deploymentgroup:shop/live")


def test_a_group_is_edited_renamed_and_deleted(deploy):
    make_group(deploy)
    (before,) = groups_told(deploy, "live")
    deploy.update_deployment_group(
        applicationName="shop",
        currentDeploymentGroupName="live",
        newDeploymentGroupName="production",
        deploymentConfigName="CodeDeployDefault.AllAtOnce",
    )
    assert groups_told(deploy, "live") == []
    (after,) = groups_told(deploy, "production")
    changed = {"deploymentGroupName", "deploymentConfigName"}
    assert {name for name in after if after[name] != before.get(name)} == changed
    with pytest.raises(ClientError, match="DeploymentGroupDoesNotExistException"):
        deploy.update_deployment_group(
            applicationName="shop", currentDeploymentGroupName="live", serviceRoleArn=ROLE
        )
    for _ in range(2):
        deploy.delete_deployment_group(applicationName="shop", deploymentGroupName="production")
        assert groups_told(deploy, "production") == []


def groups_told(deploy: Any, name: str) -> list[dict[str, Any]]:
    answer = deploy.batch_get_deployment_groups(applicationName="shop", deploymentGroupNames=[name])
    return list(answer["deploymentGroupsInfo"])
