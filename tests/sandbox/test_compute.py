"""Simulated machines, load balancers, functions and services live, fail, and answer as AWS does."""

import functools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.compute import (
    balancers,
    classic,
    containers,
    functions,
    groups,
    machines,
    profiles,
    rolling,
)
from apps.sandbox.server import SandboxServer
from apps.sandbox.trail import API_CALL
from apps.sandbox.world import Place

from .conftest import Aws
from .shapes import action, action_state, pipeline

ACCOUNT, REGION = "111122223333", "eu-west-1"


@pytest.fixture
def place(sandbox: SandboxServer) -> Place:
    return sandbox.world.place(ACCOUNT, REGION)


def events(aws: Aws, source: str) -> list[dict[str, Any]]:
    """What this source itself sent into the queue; calls on it are CloudTrail's to tell."""
    sqs = aws("sqs")
    url = sqs.get_queue_url(QueueName="codestar-dash-events")["QueueUrl"]
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            if event["source"] == source and event["detail-type"] != API_CALL:
                found.append(event)
    return found


def code_of(call: Any) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


# --- machines -------------------------------------------------------------------------------------


def test_an_instance_boots_passes_its_checks_stops_and_is_forgotten(held, aws):
    place = held.world.place(ACCOUNT, REGION)
    instance = machines.launch(place, {"Name": "web", "service": "shop"})
    ec2 = aws("ec2")

    def state() -> str:
        found = ec2.describe_instances(InstanceIds=[instance.id])["Reservations"]
        return str(found[0]["Instances"][0]["State"]["Name"])

    assert state() == "pending"
    held.clock.advance(30)
    assert state() == "running"
    [status] = ec2.describe_instance_status()["InstanceStatuses"]
    assert status["InstanceStatus"]["Status"] == "initializing"
    held.clock.advance(60)
    [status] = ec2.describe_instance_status()["InstanceStatuses"]
    assert status["SystemStatus"]["Details"][0]["Status"] == "passed"
    ec2.stop_instances(InstanceIds=[instance.id])
    assert state() == "stopping"
    held.clock.advance(30)
    assert ec2.describe_instance_status()["InstanceStatuses"] == []
    ec2.start_instances(InstanceIds=[instance.id])
    held.clock.advance(120)
    ec2.terminate_instances(InstanceIds=[instance.id])
    held.clock.advance(60)
    assert state() == "terminated"
    held.clock.advance(4000)
    assert code_of(state) == "InvalidInstanceID.NotFound"
    told = [event["detail"]["state"] for event in events(aws, "aws.ec2")]
    assert told[:4] == ["pending", "running", "stopping", "stopped"]
    assert told[-1] == "terminated"


def test_codedeploys_tag_filters_find_running_machines(place):
    web = machines.furnish_running(place, {"Name": "web", "stage": "production"})
    machines.furnish_running(place, {"Name": "batch", "stage": "test"})
    store = place.of(machines.MachineStore)
    store.premises["rack"] = machines.Premises("rack", {"stage": "production"})
    wanted = [{"Key": "stage", "Value": "production", "Type": "KEY_AND_VALUE"}]
    assert machines.tagged(place, wanted) == [web]
    assert [one.name for one in machines.premises(place, wanted)] == ["rack"]
    assert len(machines.tagged(place, [{"Key": "Name", "Type": "KEY_ONLY"}])) == 2
    assert len(machines.tagged(place, [{"Value": "test", "Type": "VALUE_ONLY"}])) == 1


def test_a_group_fills_scales_and_is_copied_for_blue_green(held, aws):
    place = held.world.place(ACCOUNT, REGION)
    target = balancers.make_target_group(
        place, "web", balancer=balancers.make_balancer(place, "web")
    )
    blue = groups.make_group(
        place, "web", size=(1, 2, 4), tags={"service": "web"}, target_groups=[target.arn]
    )
    held.clock.advance(120)
    assert {one["State"] for one in health(aws, target.arn)} == {"healthy"}
    green = groups.scale_out_copy(blue, "production", "d-ABCDEF123")
    held.clock.advance(120)
    assert green.name == "CodeDeploy_production_d-ABCDEF123"
    assert len(target.targets) == 2
    groups.adopt(green, [target.arn])
    balancers.register(place, target.arn, [one.id for one in green.instances()])
    groups.delete_group(blue)
    held.clock.advance(120)
    assert set(target.targets) == {one.id for one in green.instances()}
    scaling = aws("autoscaling")
    scaling.set_desired_capacity(AutoScalingGroupName=green.name, DesiredCapacity=3)
    held.clock.advance(120)
    [shown] = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert [one["LifecycleState"] for one in shown["Instances"]] == ["InService"] * 3
    groups.scale(green, 1)
    assert len(green.members) == 1
    kinds = {event["detail-type"] for event in events(aws, "aws.autoscaling")}
    assert kinds == {"EC2 Instance Launch Successful", "EC2 Instance Terminate Successful"}


def health(aws: Aws, group: str) -> list[dict[str, Any]]:
    told = aws("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [one["TargetHealth"] for one in told]


def test_a_group_replaces_what_is_unhealthy_unless_that_is_suspended(held):
    place = held.world.place(ACCOUNT, REGION)
    group = groups.make_group(place, "web", size=(1, 1, 1), tags={}, running=True)
    [old] = group.instances()
    group.suspended["ReplaceUnhealthy"] = "User suspended"
    groups.mark_unhealthy(group, old)
    held.clock.advance(300)
    assert group.instances() == [old]
    del group.suspended["ReplaceUnhealthy"]
    groups.mark_unhealthy(group, old)
    held.clock.advance(300)
    [new] = group.instances()
    assert new is not old


def test_a_group_that_finds_no_capacity_says_so_in_its_activities(place, aws):
    group = groups.make_group(place, "web", size=(1, 2, 2), tags={}, running=True)
    groups.fail_to_launch(group)
    newest = aws("autoscaling").describe_scaling_activities()["Activities"][0]
    assert newest["StatusCode"] == "Failed"
    assert "do not have sufficient" in newest["StatusMessage"]
    assert "EC2 Instance Launch Unsuccessful" in {
        event["detail-type"] for event in events(aws, "aws.autoscaling")
    }


# --- load balancers -------------------------------------------------------------------------------


def test_targets_register_drain_and_fail_in_awss_words(held, aws):
    place = held.world.place(ACCOUNT, REGION)
    group = balancers.make_target_group(
        place, "web", balancer=balancers.make_balancer(place, "web")
    )
    elb = aws("elbv2")
    elb.register_targets(TargetGroupArn=group.arn, Targets=[{"Id": "10.0.0.1"}])
    [told] = health(aws, group.arn)
    assert told == {
        "State": "initial",
        "Reason": "Elb.RegistrationInProgress",
        "Description": "Target registration is in progress",
    }
    held.clock.advance(60)
    assert health(aws, group.arn) == [{"State": "healthy"}]
    balancers.say(group.targets["10.0.0.1"], "unhealthy", "Target.ResponseCodeMismatch")
    assert (
        health(aws, group.arn)[0]["Description"] == "Health checks failed with these codes: [502]"
    )
    elb.deregister_targets(TargetGroupArn=group.arn, Targets=[{"Id": "10.0.0.1"}])
    assert balancers.health_of(place, "web", "10.0.0.1") == "draining"
    held.clock.advance(60)
    assert health(aws, group.arn) == []
    assert code_of(lambda: health(aws, group.arn + "0")) == "TargetGroupNotFound"


def test_a_group_that_no_load_balancer_sends_to_is_not_used(place, aws):
    group = balancers.make_target_group(place, "spare")
    balancers.register(place, "spare", ["10.0.0.1"], healthy=True)
    assert health(aws, group.arn)[0]["Reason"] == "Target.NotInUse"


# --- functions ------------------------------------------------------------------------------------


def test_a_function_is_updated_published_and_its_alias_shifted(held, aws):
    place = held.world.place(ACCOUNT, REGION)
    function = functions.make_function(place, "mail")
    functions.publish(function)
    functions.point(function, "live", "1")
    client = aws("lambda")
    before = client.get_function_configuration(FunctionName="mail")
    client.update_function_code(FunctionName="mail", ZipFile=b"x")
    during = client.get_function_configuration(FunctionName="mail")
    assert during["LastUpdateStatus"] == "InProgress"
    assert during["RevisionId"] != before["RevisionId"]
    assert during["CodeSha256"] != before["CodeSha256"]
    held.clock.advance(20)
    assert (
        client.get_function_configuration(FunctionName="mail")["LastUpdateStatus"] == "Successful"
    )
    assert client.publish_version(FunctionName="mail")["Version"] == "2"
    assert client.publish_version(FunctionName="mail")["Version"] == "2"
    told = client.update_alias(
        FunctionName="mail",
        Name="live",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    assert told["RoutingConfig"]["AdditionalVersionWeights"] == {"2": 0.1}
    functions.shift(function, "live", "2", 1)
    [alias] = client.list_aliases(FunctionName="mail")["Aliases"]
    assert (alias["FunctionVersion"], "RoutingConfig" in alias) == ("2", False)
    versions = client.list_versions_by_function(FunctionName="mail")["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST", "1", "2"]


def test_an_update_may_fail_and_only_the_newest_one_counts(held, aws):
    place = held.world.place(ACCOUNT, REGION)
    function = functions.make_function(place, "mail")
    functions.update_code(function, failure=("InvalidImage", "The image is no image."))
    held.clock.advance(20)
    told = aws("lambda").get_function_configuration(FunctionName="mail")
    assert (told["LastUpdateStatus"], told["LastUpdateStatusReasonCode"]) == (
        "Failed",
        "InvalidImage",
    )
    functions.update_code(function, failure=("InvalidImage", "again"))
    functions.update_configuration(function, MemorySize=1024)
    held.clock.advance(20)
    told = aws("lambda").get_function_configuration(FunctionName="mail")
    assert (told["LastUpdateStatus"], told["MemorySize"]) == ("Successful", 1024)


def test_invoking_answers_what_the_function_fails_with(place, aws):
    function = functions.make_function(place, "mail")
    client = aws("lambda")
    assert "FunctionError" not in client.invoke(FunctionName="mail")
    function.fails_with = ("ValueError", "no recipient")
    told = client.invoke(FunctionName="mail")
    assert told["FunctionError"] == "Unhandled"
    assert json.loads(told["Payload"].read())["errorMessage"] == "no recipient"
    assert code_of(lambda: client.invoke(FunctionName="x")) == "ResourceNotFoundException"


def test_fifty_functions_are_a_page_whatever_is_asked_for(place, aws):
    for number in range(53):
        functions.make_function(place, f"f-{number:02}")
    first = aws("lambda").list_functions(MaxItems=1000)
    assert len(first["Functions"]) == 50
    rest = aws("lambda").list_functions(Marker=first["NextMarker"])
    assert len(rest["Functions"]) == 3
    wrong = lambda: aws("lambda").list_functions(Marker="x")  # noqa: E731
    assert code_of(wrong) == "InvalidParameterValueException"


# --- services -------------------------------------------------------------------------------------


def make_service(place: Place, name: str = "basket", **members: Any) -> containers.Service:
    cluster = containers.make_cluster(place, "shop")
    definition = containers.register_task_definition(
        place, name, [{"name": "app", "image": f"registry.example.com/{name}:1"}]
    )
    return containers.make_service(cluster, name, definition, **members)


def shown(aws: Aws, name: str = "basket") -> dict[str, Any]:
    answer = aws("ecs").describe_services(cluster="shop", services=[name])
    found: dict[str, Any] = answer["services"][0]
    return found


def test_a_new_task_definition_is_rolled_out_task_by_task(held, aws):
    make_service(held.world.place(ACCOUNT, REGION))
    ecs = aws("ecs")
    made = ecs.register_task_definition(
        family="basket", containerDefinitions=[{"name": "app", "image": "registry.example.com/b:2"}]
    )["taskDefinition"]
    ecs.update_service(cluster="shop", service="basket", taskDefinition=made["taskDefinitionArn"])
    assert [one["rolloutState"] for one in shown(aws)["deployments"]] == [
        "IN_PROGRESS",
        "COMPLETED",
    ]
    held.clock.advance(15)
    assert [one["runningCount"] for one in shown(aws)["deployments"]] == [2, 2]
    held.clock.advance(60)
    service = shown(aws)
    assert [one["rolloutState"] for one in service["deployments"]] == ["COMPLETED"]
    assert service["events"][0]["message"] == "(service basket) has reached a steady state."
    told = events(aws, "aws.ecs")
    assert {event["detail"]["eventName"] for event in told} == {
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_STEADY_STATE",
    }
    assert all(event["resources"] == [service["serviceArn"]] for event in told)


def failing(place: Place, kind: str, **members: Any) -> containers.Service:
    service = make_service(place, **members)
    new = containers.with_images(place, service.definition, {"app": "registry.example.com/b:gone"})
    rolling.deploy(service, new, rolling.Outcome(kind))
    return service


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("pull", "CannotPullContainerError: pull image manifest has been retried 1 time(s)"),
        ("crash", "Essential container in task exited"),
        ("health", "Task failed ELB health checks in (target-group"),
    ],
)
def test_a_failing_deployment_stops_tasks_with_a_reason_and_is_given_up(held, aws, kind, said):
    failing(held.world.place(ACCOUNT, REGION), kind, breaker=(True, False), target_group="tg")
    held.clock.advance(300)
    newest = shown(aws)["deployments"][0]
    assert (newest["rolloutState"], newest["failedTasks"]) == ("FAILED", 3)
    ecs = aws("ecs")
    arns = ecs.list_tasks(cluster="shop", desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]
    assert all(said in task["stoppedReason"] for task in tasks)
    assert shown(aws)["runningCount"] == 2


def test_the_circuit_breaker_rolls_back_to_what_worked(held, aws):
    failing(held.world.place(ACCOUNT, REGION), "crash")
    held.clock.advance(300)
    service = shown(aws)
    [newest] = service["deployments"]
    assert newest["rolloutState"] == "COMPLETED"
    assert "rolling back to deploymentId" in newest["rolloutStateReason"]
    assert service["taskDefinition"].endswith("basket:1")
    said = [event["message"] for event in service["events"]]
    assert any("deployment failed: tasks failed to start." in line for line in said)


@pytest.mark.parametrize(
    ("launch_type", "said"),
    [
        ("EC2", "because no container instance met all of its requirements. Reason: No Container"),
        ("FARGATE", "Reason: Capacity is unavailable at this time."),
    ],
)
def test_without_a_circuit_breaker_a_task_that_finds_no_room_is_tried_on(
    held, aws, launch_type, said
):
    place = held.world.place(ACCOUNT, REGION)
    failing(place, "placement", launch_type=launch_type, breaker=(False, False))
    held.clock.advance(600)
    service = shown(aws)
    newest = service["deployments"][0]
    assert (newest["rolloutState"], newest["failedTasks"]) == ("IN_PROGRESS", 0)
    assert said in service["events"][0]["message"]


def test_task_sets_serve_a_service_that_codedeploy_deploys(place, aws):
    service = make_service(place, controller="CODE_DEPLOY", target_group="blue")
    new = containers.with_images(place, service.definition, {"app": "registry.example.com/b:2"})
    green = containers.make_task_set(service, new, "green")
    containers.settle_task_set(service, green)
    containers.set_primary(service, green)
    told = {one["status"]: one["taskDefinition"] for one in shown(aws)["taskSets"]}
    assert told["PRIMARY"].endswith("basket:2")
    containers.delete_task_set(service, service.task_sets[0])
    assert [one["status"] for one in shown(aws)["taskSets"]] == ["PRIMARY"]
    refused = lambda: aws("ecs").update_service(  # noqa: E731
        cluster="shop", service="basket", taskDefinition="basket:1"
    )
    assert code_of(refused) == "InvalidParameterException"


def test_what_ecs_does_not_know_is_named_as_missing(place, aws):
    make_service(place)
    ecs = aws("ecs")
    answer = ecs.describe_services(cluster="shop", services=["nothing"])
    assert answer["failures"][0]["reason"] == "MISSING"
    assert ecs.describe_clusters(clusters=["x"])["failures"][0]["reason"] == "MISSING"
    assert code_of(lambda: ecs.list_services(cluster="x")) == "ClusterNotFoundException"
    many = [f"s{number}" for number in range(11)]
    assert code_of(lambda: ecs.describe_services(cluster="shop", services=many)) == (
        "InvalidParameterException"
    )
    wrong = lambda: ecs.describe_task_definition(taskDefinition="x:1")  # noqa: E731
    assert code_of(wrong) == "ClientException"


# --- pipelines ------------------------------------------------------------------------------------


def run_pipeline(aws: Aws, *actions: dict[str, Any]) -> dict[str, Any]:
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", list(actions)))
    state: dict[str, Any] = client.get_pipeline_state(name="web")
    return state


def test_a_pipelines_ecs_action_deploys_the_commits_image(place, aws):
    make_service(place)
    deploy = action("Deploy", "Deploy", "ECS", ClusterName="shop", ServiceName="basket")
    state = run_pipeline(aws, deploy)
    assert action_state(state, "Deploy")["latestExecution"]["status"] == "Succeeded"
    definition = aws("ecs").describe_task_definition(taskDefinition=shown(aws)["taskDefinition"])
    [container] = definition["taskDefinition"]["containerDefinitions"]
    sha = action_state(state, "Source")["currentRevision"]["revisionId"]
    assert container["image"].endswith(f"/basket:{sha[:8]}")


def test_a_pipelines_ecs_action_fails_with_what_ecs_says(place, aws):
    make_service(place, trouble=(1, "crash"))
    deploy = action("Deploy", "Deploy", "ECS", ClusterName="shop", ServiceName="basket")
    latest = action_state(run_pipeline(aws, deploy), "Deploy")["latestExecution"]
    assert latest["status"] == "Failed"
    assert (
        "ECS deployment circuit breaker: tasks failed to start."
        in (latest["errorDetails"]["message"])
    )


def test_a_deployment_that_is_replaced_ends_the_action_that_waits_for_it(held, aws):
    place = held.world.place(ACCOUNT, REGION)
    service = make_service(place)
    ended: list[str] = []
    old = containers.with_images(place, service.definition, {"app": "registry.example.com/b:2"})
    rolling.deploy(service, old, on_end=lambda rollout: ended.append(rollout.state))
    rolling.deploy(service, old, on_end=lambda rollout: ended.append(rollout.state))
    assert ended == ["IN_PROGRESS"]
    held.clock.advance(100)
    assert ended == ["IN_PROGRESS", "COMPLETED"]


def test_a_pipelines_lambda_action_invokes_and_fails_with_awss_words(place, aws):
    function = functions.make_function(place, "smoke")
    function.fails_with = ("ConnectionError", "503")
    invoke = action("Smoke", "Invoke", "Lambda", FunctionName="smoke")
    latest = action_state(run_pipeline(aws, invoke), "Smoke")["latestExecution"]
    assert latest["errorDetails"]["message"].startswith(
        "The AWS Lambda function smoke failed to return a result."
    )
    logs = aws("logs")
    [stream] = logs.describe_log_streams(logGroupName="/aws/lambda/smoke")["logStreams"]
    lines = logs.get_log_events(
        logGroupName="/aws/lambda/smoke", logStreamName=stream["logStreamName"], startFromHead=True
    )["events"]
    assert [line["message"].split()[0] for line in lines] == ["START", "[ERROR]", "END", "REPORT"]


def test_classic_load_balancers_answer_by_the_older_api(held, aws):
    place = held.world.place(ACCOUNT, REGION)
    classic.make_classic(place, "old-web", path="/ping")
    one = machines.furnish_running(place, {"Name": "old-web"})
    elb = aws("elb")
    [shown] = elb.describe_load_balancers()["LoadBalancerDescriptions"]
    assert (shown["LoadBalancerName"], shown["HealthCheck"]["Target"]) == (
        "old-web",
        "HTTP:8080/ping",
    )
    assert aws("elbv2").describe_load_balancers()["LoadBalancers"] == []

    def told() -> list[tuple[str, str]]:
        states = elb.describe_instance_health(LoadBalancerName="old-web")["InstanceStates"]
        return [(state["State"], state["Description"]) for state in states]

    named = {"LoadBalancerName": "old-web", "Instances": [{"InstanceId": one.id}]}
    elb.register_instances_with_load_balancer(**named)
    assert told() == [("OutOfService", "Instance registration is still in progress.")]
    held.clock.advance(60)
    assert told() == [("InService", "N/A")]
    elb.deregister_instances_from_load_balancer(**named)
    assert told() == [("OutOfService", "Instance deregistration currently in progress.")]
    held.clock.advance(60)
    assert told() == []
    missing = functools.partial(elb.describe_instance_health, LoadBalancerName="none")
    assert code_of(missing) == "LoadBalancerNotFound"


def test_an_instance_profile_holds_a_role(held, aws):
    profiles.make_profile(held.world.place(ACCOUNT, REGION), "web")
    told = aws("iam").get_instance_profile(InstanceProfileName="web")["InstanceProfile"]
    assert [role["RoleName"] for role in told["Roles"]] == ["web-machine"]
    missing = functools.partial(aws("iam").get_instance_profile, InstanceProfileName="none")
    assert code_of(missing) == "NoSuchEntity"


# --- the front door -------------------------------------------------------------------------------


def test_what_is_not_simulated_answers_an_error_of_the_services_own_form(aws):
    assert code_of(aws("ec2").describe_ipam_byoasn) == "InvalidAction"
    assert code_of(aws("elbv2").describe_account_limits) == "InvalidAction"
    assert code_of(aws("lambda").list_layers) == "UnknownOperationException"
    assert code_of(aws("ecs").list_account_settings) == "UnknownOperationException"


@pytest.mark.parametrize(
    ("service", "call", "code", "action"),
    [
        ("ec2", "describe_instances", "UnauthorizedOperation", "ec2:DescribeInstances"),
        (
            "elbv2",
            "describe_load_balancers",
            "AccessDenied",
            "elasticloadbalancing:DescribeLoadBalancers",
        ),
        ("lambda", "list_functions", "AccessDeniedException", "lambda:ListFunctions"),
    ],
)
def test_a_denial_names_the_action_as_iam_does(sandbox, aws, service, call, code, action):
    sandbox.faults.add("deny", service=service)
    with pytest.raises(ClientError, match=f"not authorized to perform: {action}") as error:
        getattr(aws(service), call)()
    assert error.value.response["Error"]["Code"] == code


def test_task_sets_stand_behind_their_target_groups_and_the_service_tells_of_them(held, aws):
    place = held.world.place(ACCOUNT, REGION)
    balancer = balancers.make_balancer(place, "basket")
    blue, green = (
        balancers.make_target_group(place, f"basket-{name}", kind="ip", balancer=balancer)
        for name in ("blue", "green")
    )
    service = make_service(place, controller="CODE_DEPLOY", target_group=blue.arn)

    def health(group: balancers.TargetGroup) -> list[str]:
        answer = aws("elbv2").describe_target_health(TargetGroupArn=group.arn)
        return [one["TargetHealth"]["State"] for one in answer["TargetHealthDescriptions"]]

    assert (health(blue), health(green)) == (["healthy"] * 2, [])
    # The same definition again: what is taken away is one set's tasks, not the other's.
    definition = place.of(containers.ContainerStore).definition(service.definition)
    assert definition is not None
    made = containers.make_task_set(service, definition, green.arn)
    assert health(green) == []
    containers.settle_task_set(service, made)
    assert (health(blue), health(green)) == (["healthy"] * 2, ["healthy"] * 2)
    containers.set_primary(service, made)
    containers.delete_task_set(service, service.task_sets[0])
    held.clock.advance(60)
    assert (health(blue), health(green)) == ([], ["healthy"] * 2)
    assert len(service.running()) == 2
    told = [one["message"] for one in shown(aws)["events"]]
    assert told[0] == "(service basket) has reached a steady state."
    assert "has stopped 2 running tasks: (task " in told[1]
    assert told[2].endswith(f"deregistered 2 targets in (target-group {blue.arn})")
    whose = f"(service basket, taskSet {made.id})"
    assert told[3] == f"{whose} has reached a steady state."
    assert told[4] == f"{whose} registered 2 targets in (target-group {green.arn})"
    assert told[5].startswith(f"{whose} has started 2 tasks: (task ")
