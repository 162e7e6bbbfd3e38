"""Builds run through CodeBuild's phases, can be stopped and retried, and are listed as at AWS."""

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.codebuild.model import ProjectStore
from apps.sandbox.scenario.suites import STOREFRONT

from .shapes import project

PHASES = [
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
    "COMPLETED",
]


def spec(phase, command):
    return {
        "type": "NO_SOURCE",
        "buildspec": f"version: 0.2\nphases:\n  {phase}:\n    commands:\n      - {command}\n",
    }


def run(client, name="web", **overrides):
    started = client.start_build(projectName=name, **overrides)["build"]
    return client.batch_get_builds(ids=[started["id"]])["builds"][0]


def test_a_build_goes_through_every_phase_with_times(aws):
    client = aws("codebuild")
    client.create_project(**project())
    build = run(client)
    assert [phase["phaseType"] for phase in build["phases"]] == PHASES
    for before, after in zip(build["phases"], build["phases"][1:], strict=False):
        assert before["endTime"] == after["startTime"]
        assert before["phaseStatus"] == "SUCCEEDED"
        assert before["contexts"] == [{"statusCode": "", "message": ""}]
        assert before["durationInSeconds"] == pytest.approx(
            (before["endTime"] - before["startTime"]).total_seconds(), abs=0.6
        )
    assert (build["buildStatus"], build["buildComplete"], build["currentPhase"]) == (
        "SUCCEEDED",
        True,
        "COMPLETED",
    )
    assert build["endTime"] == build["phases"][-1]["startTime"]
    assert build["initiator"] == "dashboard"


def test_a_running_build_shows_only_the_phases_it_reached(held, aws):
    client = aws("codebuild")
    client.create_project(**project())
    build = client.start_build(projectName="web")["build"]
    assert (build["buildStatus"], build["currentPhase"]) == ("IN_PROGRESS", "SUBMITTED")
    assert "endTime" not in build
    assert "groupName" not in build["logs"]
    held.clock.advance(20)
    (build,) = client.batch_get_builds(ids=[build["arn"]])["builds"]
    reached = [phase["phaseType"] for phase in build["phases"]]
    assert reached == PHASES[: len(reached)]
    assert 3 < len(reached) < 9
    assert "phaseStatus" not in build["phases"][-1]
    assert build["currentPhase"] == reached[-1]
    assert build["logs"]["groupName"] == "/aws/codebuild/web"


@pytest.mark.parametrize(
    ("phase", "command", "after"),
    [
        ("build", "exit 2", ["POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"]),
        ("install", "false", ["FINALIZING", "COMPLETED"]),
    ],
)
def test_a_failing_command_fails_its_phase(aws, phase, command, after):
    client = aws("codebuild")
    client.create_project(**project(source=spec(phase, command)))
    build = run(client)
    failed = next(p for p in build["phases"] if p.get("phaseStatus") == "FAILED")
    status = command.removeprefix("exit ") if command != "false" else "1"
    assert failed["phaseType"] == phase.upper()
    assert failed["contexts"] == [
        {
            "statusCode": "COMMAND_EXECUTION_ERROR",
            "message": f"Error while executing command: {command}. Reason: exit status {status}",
        }
    ]
    names = [p["phaseType"] for p in build["phases"]]
    assert names[names.index(phase.upper()) + 1 :] == after
    assert build["buildStatus"] == "FAILED"


def test_a_build_that_comes_to_its_tests_reports_what_its_log_says(sandbox, aws):
    client = aws("codebuild")
    client.create_project(**project())
    (made,) = (
        one for place in sandbox.world.places() for one in place.of(ProjectStore).projects.values()
    )
    made.tests, made.fails_every, most = STOREFRONT, 2, 0
    for number in range(1, 13):
        build = run(client)
        (report,) = client.batch_get_reports(reportArns=build["reportArns"])["reports"]
        pages = client.get_paginator("describe_test_cases").paginate(reportArn=report["arn"])
        cases = [case for page in pages for case in page["testCases"]]
        failed = [case for case in cases if case["status"] == "FAILED"]
        assert (build["buildStatus"], report["status"]) == (
            ("FAILED",) * 2 if number % 2 == 0 else ("SUCCEEDED",) * 2
        )
        assert report["reportGroupArn"].endswith(":report-group/web-vitest")
        assert report["testSummary"]["statusCounts"].get("FAILED", 0) == len(failed)
        log = aws("logs").get_log_events(
            logGroupName="/aws/codebuild/web", logStreamName=build["logs"]["streamName"]
        )
        text = "".join(event["message"] for event in log["events"])
        assert all(f"{case['prefix']} > {case['name']}" in text for case in cases)
        assert all(case["message"] in text for case in failed)
        assert (f"{len(failed)} failed" in text) == (number % 2 == 0)
        most = max(most, len(failed))
    assert 1 < most <= 3
    for phase in ("install", "build"):
        early = run(client, buildspecOverride=spec(phase, "exit 1")["buildspec"])
        assert (early["buildStatus"], early["reportArns"]) == ("FAILED", [])


def test_overrides_shape_one_build_and_not_the_project(aws):
    client = aws("codebuild")
    client.create_project(**project())
    build = run(
        client,
        sourceVersion="refs/heads/x",
        buildspecOverride=spec("build", "exit 1")["buildspec"],
        environmentVariablesOverride=[{"name": "MODE", "value": "fast"}],
        computeTypeOverride="BUILD_GENERAL1_LARGE",
    )
    assert (build["buildStatus"], build["sourceVersion"]) == ("FAILED", "refs/heads/x")
    assert build["environment"]["environmentVariables"] == [
        {"name": "MODE", "value": "fast", "type": "PLAINTEXT"}
    ]
    assert build["environment"]["computeType"] == "BUILD_GENERAL1_LARGE"
    assert run(client)["buildStatus"] == "SUCCEEDED"
    (kept,) = client.batch_get_projects(names=["web"])["projects"]
    assert kept["environment"]["environmentVariables"] == []


def test_a_stopped_build_ends_in_the_phase_it_was_in(held, aws):
    client = aws("codebuild")
    client.create_project(**project())
    build = client.start_build(projectName="web")["build"]
    held.clock.advance(20)
    stopped = client.stop_build(id=build["id"])["build"]
    assert stopped["buildStatus"] == "STOPPED"
    *_, last, completed = stopped["phases"]
    assert (last["phaseStatus"], completed["phaseType"]) == ("STOPPED", "COMPLETED")
    held.clock.advance(300)
    (later,) = client.batch_get_builds(ids=[build["id"]])["builds"]
    assert later["phases"] == stopped["phases"]
    assert client.stop_build(id=build["id"])["build"]["buildStatus"] == "STOPPED"


def test_a_build_can_be_retried_with_its_own_overrides(aws):
    client = aws("codebuild")
    client.create_project(**project())
    first = run(client, buildspecOverride=spec("build", "exit 1")["buildspec"])
    again = client.retry_build(id=first["id"])["build"]
    (again,) = client.batch_get_builds(ids=[again["id"]])["builds"]
    assert (again["buildStatus"], again["buildNumber"]) == ("FAILED", 2)


def test_a_token_stands_for_one_build_as_long_as_it_lasts(held, aws):
    client = aws("codebuild")
    client.create_project(**project())
    first = client.start_build(projectName="web", idempotencyToken="once")["build"]
    held.clock.advance(200)
    again = client.start_build(projectName="web", idempotencyToken="once")["build"]
    assert again["id"] == first["id"]
    with pytest.raises(ClientError, match="InvalidInputException"):
        client.start_build(projectName="web", idempotencyToken="once", sourceVersion="main")
    retried = client.retry_build(id=first["id"], idempotencyToken="once")["build"]
    assert (
        client.retry_build(id=first["id"], idempotencyToken="once")["build"]["id"]
        == (retried["id"])
    )
    held.clock.advance(301)
    later = client.start_build(projectName="web", idempotencyToken="once")["build"]
    assert later["id"] not in (first["id"], retried["id"])
    assert len(client.list_builds()["ids"]) == 3


def test_a_branch_of_codecommit_is_built_at_its_commit(aws):
    source, client = aws("codecommit"), aws("codebuild")
    source.create_repository(repositoryName="web")
    commit = source.create_commit(
        repositoryName="web",
        branchName="main",
        putFiles=[{"filePath": "a.txt", "fileContent": b"a"}],
    )["commitId"]
    place = {"type": "CODECOMMIT", "location": "https://example.com/v1/repos/web"}
    client.create_project(**project(source=place))
    for asked in ({}, {"sourceVersion": "main"}, {"sourceVersion": "refs/heads/main"}):
        assert run(client, **asked)["resolvedSourceVersion"] == commit


def test_builds_are_listed_newest_first_a_hundred_a_page(held, aws):
    client = aws("codebuild")
    for name, count in (("web", 70), ("api", 60)):
        client.create_project(**project(name))
        for _ in range(count):
            client.start_build(projectName=name)
            held.clock.advance(0.01)
    pages = [page["ids"] for page in client.get_paginator("list_builds").paginate()]
    assert [len(page) for page in pages] == [100, 30]
    newest = client.batch_get_builds(ids=[pages[0][0], pages[1][-1]])["builds"]
    assert newest[0]["startTime"] > newest[1]["startTime"]
    assert [i for page in pages for i in page if i.startswith("web:")] == (
        client.list_builds_for_project(projectName="web")["ids"]
    )
    ascending = client.list_builds_for_project(projectName="web", sortOrder="ASCENDING")["ids"]
    assert ascending == client.list_builds_for_project(projectName="web")["ids"][::-1]
    with pytest.raises(ClientError) as refused:
        client.list_builds(nextToken="rubbish")
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"


def test_builds_and_their_logs_are_kept_up_to_a_number(aws, monkeypatch):
    monkeypatch.setattr("apps.sandbox.codebuild.engine.KEPT_BUILDS", 8)
    client = aws("codebuild")
    client.create_project(**project())
    builds = [client.start_build(projectName="web")["build"]["id"] for _ in range(12)]
    assert len(client.list_builds()["ids"]) == 8
    missing = client.batch_get_builds(ids=[builds[0], builds[-1]])
    assert missing["buildsNotFound"] == [builds[0]]
    assert [build["id"] for build in missing["builds"]] == [builds[-1]]
    streams = []
    for page in (
        aws("logs")
        .get_paginator("describe_log_streams")
        .paginate(logGroupName="/aws/codebuild/web")
    ):
        streams += [stream["logStreamName"] for stream in page["logStreams"]]
    assert len(streams) == 8


def test_projects_can_be_made_changed_listed_and_deleted(aws):
    client = aws("codebuild")
    for name in ("bb", "aa", "cc"):
        client.create_project(**project(name))
    assert client.list_projects()["projects"] == ["aa", "bb", "cc"]
    assert client.list_projects(sortBy="CREATED_TIME", sortOrder="DESCENDING")["projects"] == [
        "cc",
        "aa",
        "bb",
    ]
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException):
        client.create_project(**project("aa"))
    changed = client.update_project(name="aa", description="new", timeoutInMinutes=5)["project"]
    assert (changed["description"], changed["timeoutInMinutes"]) == ("new", 5)
    assert changed["lastModified"] > changed["created"]
    assert changed["source"]["type"] == "NO_SOURCE"
    client.delete_project(name="bb")
    found = client.batch_get_projects(names=["aa", "bb"])
    assert [p["name"] for p in found["projects"]] == ["aa"]
    assert found["projectsNotFound"] == ["bb"]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.start_build(projectName="bb")


def test_a_project_that_logs_to_s3_alone_has_no_stream(aws):
    client = aws("codebuild")
    logs = {
        "cloudWatchLogs": {"status": "DISABLED"},
        "s3Logs": {"status": "ENABLED", "location": "bucket/prefix"},
    }
    client.create_project(**project(logsConfig=logs))
    build = run(client)
    assert (
        build["logs"]["s3LogsArn"]
        == f"arn:aws:s3:::bucket/prefix/{build['id'].partition(':')[2]}.gz"
    )
    assert "groupName" not in build["logs"]
    with pytest.raises(aws("logs").exceptions.ResourceNotFoundException):
        aws("logs").describe_log_streams(logGroupName="/aws/codebuild/web")
