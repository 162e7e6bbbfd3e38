"""The default account shows every kind of pipeline, is reproducible, and is alive."""

import json
import time
from collections import Counter

import pytest

from apps.sandbox.codepipeline.model import PipelineStore
from apps.sandbox.process import SandboxProcess
from apps.sandbox.server import SandboxServer

from .conftest import Aws
from .shapes import action_state

PLACES = [(a, r) for a in ("111122223333", "444455556666") for r in ("eu-west-1", "us-east-1")]


@pytest.fixture(scope="module")
def shop():
    """The default scenario, only to be read."""
    with SandboxProcess("--seed", "1", "--speed", "0") as server:
        yield Aws(server.url)


def everything(aws):
    """(client, name, executions, state, definition) of every pipeline."""
    for account, region in PLACES:
        client = aws("codepipeline", account, region)
        for listed in client.list_pipelines()["pipelines"]:
            name = listed["name"]
            executions = client.list_pipeline_executions(pipelineName=name)[
                "pipelineExecutionSummaries"
            ]
            yield (
                client,
                name,
                executions,
                client.get_pipeline_state(name=name),
                client.get_pipeline(name=name),
            )


def pipeline(aws, account, region, name):
    client = aws("codepipeline", account, region)
    return client.get_pipeline_state(name=name), client.list_pipeline_executions(pipelineName=name)[
        "pipelineExecutionSummaries"
    ]


def test_fifteen_pipelines_in_four_places_have_a_past(shop):
    names, places = [], Counter()
    for client, name, executions, _, _ in everything(shop):
        names.append(name)
        places[client.meta.region_name, client.list_pipelines()["pipelines"][0]["name"]] += 1
        assert 5 <= len(executions) <= 60
        times = [execution["startTime"] for execution in executions]
        assert times == sorted(times, reverse=True)
        assert times[0].timestamp() <= time.time()
        assert all(
            execution["startTime"] <= execution["lastUpdateTime"] for execution in executions
        )
    assert len(names) == 15
    assert len(places) == 4


def test_every_kind_of_ending_and_mode_is_there(shop):
    endings, modes, triggers, providers = set(), set(), set(), set()
    for _, _, executions, _, found in everything(shop):
        endings |= {execution["status"] for execution in executions}
        triggers |= {execution["trigger"]["triggerType"] for execution in executions}
        modes.add(found["pipeline"]["executionMode"])
        for stage in found["pipeline"]["stages"]:
            providers |= {action["actionTypeId"]["provider"] for action in stage["actions"]}
    assert endings == {"Succeeded", "Failed", "InProgress", "Superseded", "Stopped"}
    assert modes == {"SUPERSEDED", "QUEUED", "PARALLEL"}
    assert triggers == {"Webhook", "WebhookV2", "CloudWatchEvent"}
    assert providers >= {
        "CodeStarSourceConnection",
        "GitHub",
        "CodeCommit",
        "S3",
        "CodeBuild",
        "Jenkins",
        "Manual",
        "CodeDeploy",
        "CloudFormation",
        "Lambda",
        "StepFunctions",
        "ECS",
        "ElasticBeanstalk",
    }


def test_an_approval_is_about_to_expire_and_a_newer_execution_waits_behind_it(shop):
    state, executions = pipeline(shop, "111122223333", "eu-west-1", "infra-network")
    waiting = action_state(state, "ApproveChangeSet")["latestExecution"]
    left = waiting["lastStatusChange"].timestamp() + 7 * 86400 - time.time()
    assert waiting["status"] == "InProgress"
    assert 0 < left < 3 * 3600
    assert state["stageStates"][2]["inboundExecution"]
    assert "Superseded" in {execution["status"] for execution in executions}


def test_a_transition_is_disabled_with_a_reason_and_a_name(shop):
    state, _ = pipeline(shop, "111122223333", "us-east-1", "storefront-cdn")
    transition = state["stageStates"][2]["inboundTransitionState"]
    assert transition["enabled"] is False
    assert transition["lastChangedBy"] == "arn:aws:iam::111122223333:user/release-manager"
    assert transition["disabledReason"] == "Change freeze until the sale is over (REL-88)"
    assert 25 * 3600 < time.time() - transition["lastChangedAt"].timestamp() < 28 * 3600
    assert state["stageStates"][2]["inboundExecution"]["status"] == "InProgress"


@pytest.mark.parametrize(
    ("account", "name", "action", "code", "text"),
    [
        ("111122223333", "payments-service", "Pytest", "JobFailed", "Reason: exit status 1"),
        ("444455556666", "orders-backend", "BlueGreen", "JobFailed", "HEALTH_CONSTRAINTS"),
        ("444455556666", "mobile-gateway", "Source", "PermissionError", "Unable to use Connection"),
    ],
)
def test_failures_differ_and_say_why(shop, account, name, action, code, text):
    client = shop("codepipeline", account, "eu-west-1")
    failed = [
        detail["output"]["executionResult"]["errorDetails"]
        for detail in client.list_action_executions(pipelineName=name)["actionExecutionDetails"]
        if detail["status"] == "Failed" and detail["actionName"] == action
    ]
    assert failed
    assert {error["code"] for error in failed} == {code}
    assert all(text in error["message"] for error in failed)


def test_a_failed_test_shows_in_its_log(shop):
    client, builds, logs = shop("codepipeline"), shop("codebuild"), shop("logs")
    details = client.list_action_executions(pipelineName="payments-service")[
        "actionExecutionDetails"
    ]
    failed = next(d for d in details if d["status"] == "Failed")
    (build,) = builds.batch_get_builds(
        ids=[failed["output"]["executionResult"]["externalExecutionId"]]
    )["builds"]
    events = logs.get_log_events(
        logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"]
    )
    text = "".join(event["message"] for event in events["events"])
    assert "E       AssertionError" in text
    assert "Running command pytest -q --color=yes" in text
    assert "Command did not execute successfully" in text
    failed = builds.describe_test_cases(
        reportArn=build["reportArns"][0], filter={"status": "FAILED"}
    )["testCases"]
    assert failed[0]["name"] == "test_settlement_is_idempotent_across_midnight"
    assert all(case["name"] in text and case["message"] in text for case in failed)


def test_hostile_text_and_secrets_are_there_to_be_handled(shop):
    _, executions = pipeline(shop, "444455556666", "us-east-1", "docs-site")
    summaries = [execution["sourceRevisions"][0]["revisionSummary"] for execution in executions]
    assert any("<script>alert(1)</script>" in summary for summary in summaries)
    assert any("\x1b[31m" in summary for summary in summaries)
    definition = json.dumps(shop("codepipeline").get_pipeline(name="legacy-billing")["pipeline"])
    assert "sandbox-secret-marker-2" in definition
    (project,) = shop("codebuild").batch_get_projects(names=["checkout-api-package"])["projects"]
    assert {
        "name": "DB_PASSWORD",
        "value": "sandbox-secret-marker-1",
        "type": "PLAINTEXT",
    } in project["environment"]["environmentVariables"]
    builds = shop("codebuild", "444455556666", "us-east-1")
    newest = builds.list_builds_for_project(projectName="docs-site-build")["ids"][0]
    (build,) = builds.batch_get_builds(ids=[newest])["builds"]
    lines = []
    logs = shop("logs", "444455556666", "us-east-1").get_log_events(
        logGroupName=build["logs"]["groupName"],
        logStreamName=build["logs"]["streamName"],
        startFromHead=True,
    )
    lines = [event["message"] for event in logs["events"]]
    assert any("<script>" in line for line in lines)
    assert max(map(len, lines)) > 100_000


def test_one_project_logs_to_s3_alone(shop):
    builds = shop("codebuild", "111122223333", "us-east-1")
    newest = builds.list_builds_for_project(projectName="nightly-reports-render")["ids"][0]
    (build,) = builds.batch_get_builds(ids=[newest])["builds"]
    assert build["logs"]["s3LogsArn"].startswith("arn:aws:s3:::reports-logs-111122223333/builds/")
    assert "groupName" not in build["logs"]


def test_every_build_and_action_can_be_read_through(shop):
    """Each answer goes through the model's check, so a member that AWS lacks would fail here."""
    written = set()
    for account, region in PLACES:
        client, builds = shop("codepipeline", account, region), shop("codebuild", account, region)
        for page in builds.get_paginator("list_builds").paginate():
            found = builds.batch_get_builds(ids=page["ids"])
            assert len(found["builds"]) == len(page["ids"])
            arns = [arn for build in found["builds"] for arn in build["reportArns"]]
            assert not arns or not builds.batch_get_reports(reportArns=arns)["reportsNotFound"]
            written |= {arn.rpartition(":")[0].rpartition("/")[2] for arn in arns}
        for listed in client.list_pipelines()["pipelines"]:
            pages = client.get_paginator("list_action_executions").paginate(
                pipelineName=listed["name"]
            )
            ids = [d["actionExecutionId"] for page in pages for d in page["actionExecutionDetails"]]
            assert len(ids) == len(set(ids)) > 4
    assert {"checkout-api-unit-surefire", "payments-service-test-pytest"} < written
    assert len(written) == 9


def picture(server):
    """What happened, without the times that depend on when it is looked at."""
    return [
        (
            place.account,
            place.region,
            pipeline.name,
            [(e.id, e.status, len(e.runs)) for e in pipeline.executions],
        )
        for place in server.world.places()
        for pipeline in place.of(PipelineStore).pipelines.values()
    ]


def test_the_same_seed_gives_the_same_account_and_another_seed_another(monkeypatch):
    monkeypatch.setattr("apps.sandbox.clock.time.time", lambda: 1_800_000_000.0)
    pictures = []
    for seed in (3, 3, 4):
        with SandboxServer(seed=seed, speed=0, scenario="default") as server:
            pictures.append(picture(server))
    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]


def test_within_ninety_seconds_pipelines_move_fail_and_ask_for_approval():
    with SandboxServer(seed=1, speed=6, scenario="default") as server:
        server.clock.hold()
        aws = Aws(server.url)
        clients = [aws("codepipeline", account, region) for account, region in PLACES]
        names = [(c, p["name"]) for c in clients for p in c.list_pipelines()["pipelines"]]
        began, moved, failed, asked, log_sizes = server.clock.now(), set(), {}, set(), set()
        for _ in range(9):
            server.clock.advance(10)
            for client, name in names:
                for stage in client.get_pipeline_state(name=name)["stageStates"]:
                    for action in stage["actionStates"]:
                        latest = action.get("latestExecution")
                        if not latest or latest["lastStatusChange"].timestamp() < began:
                            continue
                        moved.add(name)
                        if latest["status"] == "Failed":
                            failed[name] = latest["errorDetails"]["message"]
                        if "token" in latest:
                            asked.add(name)
            logs = aws("logs").get_log_events(
                logGroupName="/aws/codebuild/checkout-web-build",
                logStreamName=newest_stream(aws, "checkout-web-build"),
                startFromHead=True,
            )
            log_sizes.add(len(logs["events"]))
    assert len(moved) >= 10
    assert "Reason: exit status 1" in failed["payments-service"]
    assert "HEALTH_CONSTRAINTS" in failed["orders-backend"]
    assert "checkout-api" in asked
    assert len(log_sizes) >= 2


def newest_stream(aws, project):
    builds = aws("codebuild")
    newest = builds.list_builds_for_project(projectName=project)["ids"]
    found = builds.batch_get_builds(ids=newest[:2])["builds"]
    return next(b["logs"]["streamName"] for b in found if "streamName" in b["logs"])


def test_a_bulk_scenario_holds_as_many_pipelines_as_asked():
    with SandboxServer(seed=1, speed=0, scenario="bulk:120") as server:
        client = Aws(server.url)("codepipeline")
        names = [p["name"] for p in client.list_pipelines()["pipelines"]]
        assert (len(names), names[0], names[-1]) == (120, "service-0001", "service-0120")
        executions = client.list_pipeline_executions(pipelineName="service-0077")[
            "pipelineExecutionSummaries"
        ]
        assert [execution["status"] for execution in executions] == ["Succeeded"] * 3


def test_an_unknown_scenario_is_refused_and_the_port_is_free_again():
    with pytest.raises(ValueError, match="no scenario 'lunch'"):
        SandboxServer(scenario="lunch").start()
    with SandboxServer() as server:
        assert server.port
