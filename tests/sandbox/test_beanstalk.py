"""Environments deploy, fail, are aborted and swing in health, and tell of it as AWS does."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.beanstalk.model import BeanstalkStore
from apps.sandbox.process import SandboxProcess
from apps.sandbox.server import SandboxServer

from .conftest import Aws
from .shapes import action, pipeline

WEB = {"ApplicationName": "shop", "EnvironmentName": "shop-web"}
NAMED = {"EnvironmentName": "shop-web"}


@pytest.fixture
def client(aws: Aws) -> Any:
    """An application with the versions v1 and v2, and ``bad``, whose dependencies fail."""
    beanstalk = aws("elasticbeanstalk")
    beanstalk.create_application(ApplicationName="shop", Description="The shop")
    for label, description in (("v1", "First"), ("v2", "Second"), ("bad", "fails: pip")):
        beanstalk.create_application_version(
            ApplicationName="shop", VersionLabel=label, Description=description, Process=True
        )
    return beanstalk


def launch(client: Any, policy: str = "AllAtOnce", **more: Any) -> None:
    option = {
        "Namespace": "aws:elasticbeanstalk:command",
        "OptionName": "DeploymentPolicy",
        "Value": policy,
    }
    client.create_environment(**WEB, VersionLabel="v1", OptionSettings=[option], **more)


def described(client: Any, **more: Any) -> Any:
    (found,) = client.describe_environments(EnvironmentNames=["shop-web"], **more)["Environments"]
    return found


def said(client: Any, **more: Any) -> list[str]:
    """Messages, the oldest first."""
    return [one["Message"] for one in client.describe_events(**more)["Events"]][::-1]


def health(client: Any) -> Any:
    return client.describe_environment_health(**NAMED, AttributeNames=["All"])


def instances(client: Any) -> list[Any]:
    found: list[Any] = client.describe_instances_health(**NAMED, AttributeNames=["All"])[
        "InstanceHealthList"
    ]
    return found


def test_an_environment_is_launched_step_by_step(held: SandboxServer, client: Any):
    launch(client)
    told = described(client)
    assert (told["Status"], told["Health"], told["HealthStatus"]) == (
        "Launching",
        "Grey",
        "Pending",
    )
    held.clock.advance(200)
    told = described(client)
    assert (told["Status"], told["HealthStatus"], told["VersionLabel"]) == ("Ready", "Ok", "v1")
    assert told["EnvironmentArn"] == (
        "arn:aws:elasticbeanstalk:eu-west-1:111122223333:environment/shop/shop-web"
    )
    assert told["CNAME"] == "shop-web.eu-west-1.elasticbeanstalk.com"
    messages = said(client)
    assert messages[0] == "createEnvironment is starting."
    assert messages[-2] == "createEnvironment completed successfully."
    assert messages[-1].startswith("Environment health has transitioned from Pending to Ok.")
    assert len(instances(client)) == 2


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("AllAtOnce", "Deploying new version to instance(s)."),
        ("Rolling", "Batch 2: Completed application deployment."),
        ("Immutable", "Immutable deployment policy enabled."),
    ],
)
def test_a_version_comes_to_the_instances_by_the_policy(
    held: SandboxServer, client: Any, policy: str, words: str
):
    launch(client, policy)
    held.clock.advance(200)
    before = {one["InstanceId"] for one in instances(client)}
    answer = client.update_environment(**NAMED, VersionLabel="v2")
    assert (answer["Status"], answer["AbortableOperationInProgress"]) == ("Updating", True)
    assert described(client)["VersionLabel"] == "v1"
    held.clock.advance(45)
    assert health(client)["HealthStatus"] == "Info"
    assert any(one["Deployment"]["Status"] == "In Progress" for one in instances(client))
    held.clock.advance(200)
    told = described(client)
    assert (told["Status"], told["HealthStatus"], told["VersionLabel"]) == ("Ready", "Ok", "v2")
    assert {one["Deployment"]["VersionLabel"] for one in instances(client)} == {"v2"}
    assert any(message.startswith(words) for message in said(client))
    assert "Environment update completed successfully." in said(client)
    replaced = before.isdisjoint(one["InstanceId"] for one in instances(client))
    assert replaced == (policy == "Immutable")


def test_a_bad_version_fails_says_why_first_and_leaves_the_old_one(client: Any):
    launch(client)
    client.update_environment(**NAMED, VersionLabel="bad")
    told = described(client)
    assert (told["Status"], told["HealthStatus"], told["VersionLabel"]) == ("Ready", "Severe", "v1")
    errors = said(client, Severity="ERROR")
    assert "No matching distribution found for pandas==2.9.1" in errors[0]
    assert errors[0].startswith("[Instance: i-")
    assert errors[-3].startswith("Unsuccessful command execution on instance id(s) 'i-")
    assert errors[-2] == "Failed to deploy application."
    assert errors[-1].startswith("During an aborted deployment, some instances may have deployed")
    causes = health(client)["Causes"]
    assert causes[0] == "Command failed on all instances."
    assert 'Expected version "v1"' in causes[1]
    assert {one["Deployment"]["Status"] for one in instances(client)} == {"Failed"}
    # A good version mends it.
    client.update_environment(**NAMED, VersionLabel="v2")
    assert described(client)["HealthStatus"] == "Ok"
    assert health(client)["Causes"] == []


def test_a_rolling_deployment_that_fails_leaves_the_other_instances_alone(client: Any):
    launch(client, "Rolling")
    client.update_environment(**NAMED, VersionLabel="bad")
    assert health(client)["HealthStatus"] == "Degraded"
    assert sorted(one["Deployment"]["VersionLabel"] for one in instances(client)) == ["bad", "v1"]


def test_an_immutable_deployment_that_fails_is_taken_back(client: Any):
    launch(client, "Immutable")
    before = [one["InstanceId"] for one in instances(client)]
    client.update_environment(**NAMED, VersionLabel="bad")
    told = described(client)
    assert (told["HealthStatus"], told["VersionLabel"]) == ("Ok", "v1")
    assert [one["InstanceId"] for one in instances(client)] == before
    assert "Failed to deploy application." in said(client)


def test_an_update_is_aborted_and_what_was_before_is_back(held: SandboxServer, client: Any):
    launch(client)
    held.clock.advance(200)
    client.update_environment(**NAMED, VersionLabel="v2")
    held.clock.advance(30)
    client.abort_environment_update(**NAMED)
    assert described(client)["Status"] == "Aborting"
    held.clock.advance(60)
    told = described(client)
    assert (told["Status"], told["HealthStatus"], told["VersionLabel"]) == ("Ready", "Ok", "v1")
    with pytest.raises(ClientError, match="no operation that can be aborted"):
        client.abort_environment_update(**NAMED)


def test_a_terminated_environment_is_described_for_a_while_and_its_name_is_free(client: Any):
    launch(client)
    first = described(client)["EnvironmentId"]
    client.terminate_environment(**NAMED)
    assert described(client)["Status"] == "Terminated"
    assert client.describe_environments(IncludeDeleted=False)["Environments"] == []
    launch(client)
    assert described(client, IncludeDeleted=False)["EnvironmentId"] != first
    assert "terminateEnvironment completed successfully." in said(client)


def test_its_machines_are_instances_of_ec2_and_go_with_it(aws: Aws, client: Any):
    launch(client)
    named = {"Name": "tag:elasticbeanstalk:environment-name", "Values": ["shop-web"]}

    def machines() -> dict[str, str]:
        found = aws("ec2").describe_instances(Filters=[named])["Reservations"]
        return {
            one["InstanceId"]: one["State"]["Name"] for group in found for one in group["Instances"]
        }

    assert machines() == {one["InstanceId"]: "running" for one in instances(client)}
    client.terminate_environment(**NAMED)
    assert "running" not in machines().values()


def test_application_servers_are_restarted(client: Any):
    launch(client)
    client.restart_app_server(**NAMED)
    assert said(client)[-1] == "restartAppServer completed successfully."


def test_what_is_busy_takes_no_second_order(held: SandboxServer, client: Any):
    launch(client)
    with pytest.raises(ClientError, match="invalid state for this operation"):
        client.update_environment(**NAMED, VersionLabel="v2")


@pytest.mark.parametrize(
    ("call", "params", "text"),
    [
        ("update_environment", {**NAMED, "VersionLabel": "v9"}, "No Application Version named"),
        ("update_environment", {"EnvironmentName": "nowhere"}, "No Environment found for"),
        ("terminate_environment", {"EnvironmentId": "e-nothing"}, "EnvironmentId = 'e-nothing'"),
        ("restart_app_server", {}, "You must specify either"),
        ("create_environment", {**WEB}, "already exists"),
        ("create_application", {"ApplicationName": "shop"}, "already exists"),
        ("describe_events", {"NextToken": "rubbish"}, "NextToken"),
        ("describe_events", {"MaxRecords": 5000}, "less than or equal to 1000"),
    ],
)
def test_wrong_orders_are_refused_in_awss_words(
    client: Any, call: str, params: dict[str, Any], text: str
):
    launch(client)
    with pytest.raises(ClientError, match=text):
        getattr(client, call)(**params)


def test_basic_health_answers_no_question_of_enhanced_health(client: Any):
    option = {
        "Namespace": "aws:elasticbeanstalk:healthreporting:system",
        "OptionName": "SystemType",
        "Value": "basic",
    }
    client.create_environment(**WEB, VersionLabel="v1", OptionSettings=[option])
    assert "HealthStatus" not in described(client)
    for call in ("describe_environment_health", "describe_instances_health"):
        with pytest.raises(ClientError, match="is not supported") as refused:
            getattr(client, call)(**NAMED, AttributeNames=["All"])
        assert refused.value.response["Error"]["Code"] == "InvalidRequestException"


def test_events_are_narrowed_and_come_in_pages(client: Any):
    launch(client)
    client.update_environment(**NAMED, VersionLabel="bad")
    every = client.describe_events()["Events"]
    assert [one["EventDate"] for one in every] == sorted(
        (one["EventDate"] for one in every), reverse=True
    )
    first = client.describe_events(MaxRecords=5)
    rest = client.describe_events(MaxRecords=1000, NextToken=first["NextToken"])
    assert first["Events"] + rest["Events"] == every
    request = next(one["RequestId"] for one in every if one["Message"].startswith("Failed"))
    assert said(client, RequestId=request)[0] == "Environment update is starting."
    middle = every[3]["EventDate"]
    later = client.describe_events(StartTime=middle)["Events"]
    earlier = client.describe_events(EndTime=middle)["Events"]
    assert later + earlier == every
    assert said(client, ApplicationName="other") == []
    grave = client.describe_events(Severity="WARN")["Events"]
    assert {one["Severity"] for one in grave} == {"WARN", "ERROR"}


def test_resources_and_settings_are_told(client: Any):
    launch(client)
    resources = client.describe_environment_resources(**NAMED)["EnvironmentResources"]
    assert [one["Id"] for one in resources["Instances"]] == [
        one["InstanceId"] for one in instances(client)
    ]
    (settings,) = client.describe_configuration_settings(**WEB)["ConfigurationSettings"]
    assert {
        "Namespace": "aws:elasticbeanstalk:command",
        "OptionName": "DeploymentPolicy",
        "Value": "AllAtOnce",
    } in settings["OptionSettings"]


def test_what_happens_is_told_on_the_event_bus(aws: Aws, client: Any):
    launch(client)
    client.update_environment(**NAMED, VersionLabel="bad")
    sqs = aws("sqs")
    url = sqs.get_queue_url(QueueName="codestar-dash-events")["QueueUrl"]
    events = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            events.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    ours = [one for one in events if one["source"] == "aws.elasticbeanstalk"]
    events = [one for one in ours if "CloudTrail" not in one["detail-type"]]
    told = [(one["detail-type"], one["detail"]["Status"]) for one in events]
    assert ("Elastic Beanstalk resource status change", "Environment creation started") in told
    assert ("Elastic Beanstalk resource status change", "Environment update failed") in told
    assert ("Health status change", "Environment health changed") in told
    assert ("Other resource status change", "Instance added") in told
    for one in events:
        assert one["resources"] == [
            "arn:aws:elasticbeanstalk:eu-west-1:111122223333:environment/shop/shop-web"
        ]
        assert set(one["detail"]) == {
            "Status",
            "EventDate",
            "ApplicationName",
            "Message",
            "EnvironmentName",
            "Severity",
        }
    failed = next(one for one in events if one["detail"]["Status"] == "Environment update failed")
    assert failed["detail"]["Severity"] == "ERROR"


# --- Pipelines ------------------------------------------------------------------------------------


def deploying(name: str = "shop") -> dict[str, Any]:
    return pipeline(
        name,
        [
            {
                **action("Update", "Deploy", "ElasticBeanstalk", 1, **WEB),
                "inputArtifacts": [{"name": "SourceArtifact"}],
            }
        ],
    )


def updates(aws: Aws, name: str = "shop") -> list[Any]:
    details = aws("codepipeline").list_action_executions(pipelineName=name)
    return [one for one in details["actionExecutionDetails"] if one["stageName"] == "Two"]


def test_a_pipeline_makes_a_version_and_deploys_it(aws: Aws, client: Any):
    launch(client)
    aws("codepipeline").create_pipeline(pipeline=deploying())
    (update,) = updates(aws)
    label = update["output"]["executionResult"]["externalExecutionId"]
    assert update["status"] == "Succeeded"
    assert label.startswith("code-pipeline-")
    assert described(client)["VersionLabel"] == label
    (version,) = client.describe_application_versions(VersionLabels=[label])["ApplicationVersions"]
    assert version["SourceBundle"]["S3Bucket"] == "artifacts"


def test_an_action_ends_when_its_deployment_does_and_says_why_it_failed(
    held: SandboxServer, aws: Aws, client: Any
):
    launch(client)
    held.clock.advance(200)
    aws("codepipeline").create_pipeline(pipeline=deploying())
    held.clock.advance(30)
    (update,) = updates(aws)
    assert (update["status"], described(client)["Status"]) == ("InProgress", "Updating")
    client.abort_environment_update(**NAMED)
    held.clock.advance(60)
    (update,) = updates(aws)
    assert update["status"] == "Failed"
    error = update["output"]["executionResult"]["errorDetails"]
    assert error["message"] == "Environment update was aborted by a user."


def test_an_action_on_an_environment_that_is_busy_fails(held: SandboxServer, aws: Aws, client: Any):
    launch(client)
    aws("codepipeline").create_pipeline(pipeline=deploying())
    held.clock.advance(60)
    (update,) = updates(aws)
    assert "Must be Ready" in update["output"]["executionResult"]["errorDetails"]["message"]


def test_an_action_on_what_is_not_there_runs_as_its_script_says(aws: Aws):
    aws("codepipeline").create_pipeline(pipeline=deploying())
    (update,) = updates(aws)
    assert update["status"] == "Succeeded"


# --- The default scenario -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop():
    """The default scenario, only to be read."""
    with SandboxProcess("--seed", "1", "--speed", "0") as server:
        yield Aws(server.url)


def test_the_scenario_has_environments_of_every_kind(shop: Aws):
    client = shop("elasticbeanstalk")
    found = {
        one["EnvironmentName"]: one
        for one in client.describe_environments(IncludeDeleted=True)["Environments"]
    }
    fares = {name: one.get("HealthStatus", one["Health"]) for name, one in found.items()}
    assert fares["storefront-web-prod"] in ("Ok", "Warning")
    assert fares["loyalty-api-prod"] == "Degraded"
    assert fares["reporting-web-prod"] == "Severe"
    assert fares["intranet-prod"] == "Green"
    assert found["reporting-web-spring"]["Status"] == "Terminated"
    assert found["storefront-mail-worker"]["Tier"]["Name"] == "Worker"
    assert "Python" in found["storefront-web-prod"]["SolutionStackName"]
    assert "Node.js" in found["storefront-mail-worker"]["SolutionStackName"]
    causes = client.describe_environment_health(
        EnvironmentName="loyalty-api-prod", AttributeNames=["All"]
    )["Causes"]
    assert causes[0] == "37% of requests are failing with HTTP 5xx."
    assert causes[1].startswith("Process default has been unhealthy for ")


def test_the_past_of_the_scenario_is_told_in_events_and_none_lies_ahead(shop: Aws):
    events = shop("elasticbeanstalk").describe_events()["Events"]
    assert len(events) > 200
    assert max(one["EventDate"].timestamp() for one in events) <= time.time()
    assert min(one["EventDate"].timestamp() for one in events) < time.time() - 7 * 86400
    messages = {one["Message"] for one in events}
    assert "Managed platform update completed successfully." in messages
    swings = [one["Message"] for one in events if "from Ok to Warning" in one["Message"]]
    assert any("failing with HTTP 4xx" in message for message in swings)


def test_the_pipeline_of_the_data_platform_updates_its_environment(shop: Aws):
    pipelines = shop("codepipeline", "444455556666")
    details = pipelines.list_action_executions(pipelineName="data-platform")
    ended = [
        one
        for one in details["actionExecutionDetails"]
        if one["actionName"] == "UpdateEnvironment" and one["status"] != "InProgress"
    ]
    assert {one["status"] for one in ended} == {"Succeeded", "Failed"}
    for one in ended:
        took = (one["lastUpdateTime"] - one["startTime"]).total_seconds()
        assert 420 <= took <= 501
    failed = next(one for one in ended if one["status"] == "Failed")
    message = failed["output"]["executionResult"]["errorDetails"]["message"]
    assert "No matching distribution found" in message
    (environment,) = shop("elasticbeanstalk", "444455556666").describe_environments()[
        "Environments"
    ]
    newest = max(ended, key=lambda one: one["lastUpdateTime"])
    assert newest["status"] == "Succeeded"
    label = newest["output"]["executionResult"]["externalExecutionId"]
    assert environment["VersionLabel"] == label
    statuses = {
        one["status"]
        for one in pipelines.list_pipeline_executions(pipelineName="data-platform")[
            "pipelineExecutionSummaries"
        ]
    }
    assert "Superseded" in statuses


def test_health_swings_by_itself_while_the_account_lives():
    with SandboxServer(seed=1, speed=6, scenario="default") as server:
        server.clock.hold()
        client = Aws(server.url)("elasticbeanstalk")
        seen = set()
        for _ in range(40):
            server.clock.advance(10)
            seen |= {
                (one["EnvironmentName"], one.get("HealthStatus"))
                for one in client.describe_environments(IncludeDeleted=False)["Environments"]
            }
    for name in ("storefront-web-prod", "storefront-mail-worker"):
        assert {(name, "Ok"), (name, "Warning")} <= seen


def picture(server: SandboxServer) -> list[Any]:
    return [
        (
            place.account,
            [(one.id, one.status, one.health, one.label) for one in store.environments],
            [(event.severity, event.message) for event in store.events],
        )
        for place in server.world.places()
        if (store := place.of(BeanstalkStore))
    ]


def test_the_same_seed_gives_the_same_environments(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("apps.sandbox.clock.time.time", lambda: 1_800_000_000.0)
    pictures = []
    for seed in (3, 3, 4):
        with SandboxServer(seed=seed, speed=0, scenario="default") as server:
            pictures.append(picture(server))
    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]
