"""Logs grow while builds run and are read as CloudWatch Logs lets them be read."""

import pytest
from botocore.exceptions import ClientError

from .shapes import project


@pytest.fixture
def logs(aws):
    client = aws("logs")
    client.create_log_group(logGroupName="app")
    client.create_log_stream(logGroupName="app", logStreamName="one")
    return client


def put(client, *messages, at=1_700_000_000_000):
    events = [{"timestamp": at + i, "message": message} for i, message in enumerate(messages)]
    client.put_log_events(logGroupName="app", logStreamName="one", logEvents=events)


def read(client, **members):
    return client.get_log_events(logGroupName="app", logStreamName="one", **members)


def texts(answer):
    return [event["message"] for event in answer["events"]]


def test_a_stream_is_read_from_its_end_unless_told_otherwise(logs):
    put(logs, *"abcdefg")
    assert texts(read(logs, limit=3)) == ["e", "f", "g"]
    assert texts(read(logs, limit=3, startFromHead=True)) == ["a", "b", "c"]


def test_the_forward_token_repeats_at_the_end_and_goes_on_when_the_stream_grows(logs):
    put(logs, *"abc")
    first = read(logs, startFromHead=True, limit=2)
    second = read(logs, nextToken=first["nextForwardToken"])
    assert texts(second) == ["c"]
    end = read(logs, nextToken=second["nextForwardToken"])
    assert (texts(end), end["nextForwardToken"]) == ([], second["nextForwardToken"])
    put(logs, "d", at=1_700_000_001_000)
    assert texts(read(logs, nextToken=end["nextForwardToken"])) == ["d"]


def test_the_backward_token_leads_to_the_beginning(logs):
    put(logs, *"abcde")
    last = read(logs, limit=2)
    middle = read(logs, limit=2, nextToken=last["nextBackwardToken"])
    first = read(logs, limit=2, nextToken=middle["nextBackwardToken"])
    none = read(logs, limit=2, nextToken=first["nextBackwardToken"])
    assert [texts(page) for page in (last, middle, first, none)] == [
        ["d", "e"],
        ["b", "c"],
        ["a"],
        [],
    ]
    assert none["nextBackwardToken"] == first["nextBackwardToken"]


def test_a_page_holds_one_megabyte(logs):
    put(logs, *["x" * 200_000] * 7)
    page = read(logs, startFromHead=True)
    assert len(page["events"]) == 5
    assert len(read(logs, nextToken=page["nextForwardToken"])["events"]) == 2


def test_times_bound_what_is_read(logs):
    put(logs, *"abcde", at=1000)
    assert texts(read(logs, startTime=1001, endTime=1003, startFromHead=True)) == ["b", "c"]


@pytest.mark.parametrize("token", ["rubbish", "f/x/s", "x/1/s"])
def test_a_garbled_token_is_refused(logs, token):
    with pytest.raises(logs.exceptions.InvalidParameterException):
        read(logs, nextToken=token)


def test_missing_groups_and_streams_are_named(logs):
    with pytest.raises(logs.exceptions.ResourceNotFoundException) as missing:
        logs.get_log_events(logGroupName="app", logStreamName="two")
    assert missing.value.response["Error"]["Message"] == "The specified log stream does not exist."
    with pytest.raises(logs.exceptions.ResourceNotFoundException) as missing:
        logs.get_log_events(logGroupName="nowhere", logStreamName="one")
    assert missing.value.response["Error"]["Message"] == "The specified log group does not exist."


def test_events_can_be_filtered_over_streams(logs):
    put(logs, "ERROR one", "info two", "ERROR three")
    found = logs.filter_log_events(logGroupName="app", filterPattern="ERROR", limit=1)
    more = logs.filter_log_events(
        logGroupName="app", filterPattern="ERROR", nextToken=found["nextToken"]
    )
    assert [e["message"] for e in found["events"] + more["events"]] == ["ERROR one", "ERROR three"]
    assert "nextToken" not in more


def test_streams_are_described_with_their_times(logs):
    put(logs, "a", "b", at=5000)
    logs.create_log_stream(logGroupName="app", logStreamName="quiet")
    one, quiet = logs.describe_log_streams(logGroupName="app")["logStreams"]
    assert (one["firstEventTimestamp"], one["lastEventTimestamp"]) == (5000, 5001)
    assert "lastEventTimestamp" not in quiet
    latest = logs.describe_log_streams(
        logGroupName="app", orderBy="LastEventTime", descending=True, limit=1
    )
    assert latest["logStreams"][0]["logStreamName"] == "one"


def test_events_out_of_order_are_refused(logs):
    events = [{"timestamp": 2, "message": "b"}, {"timestamp": 1, "message": "a"}]
    with pytest.raises(ClientError):
        logs.put_log_events(logGroupName="app", logStreamName="one", logEvents=events)


def test_a_builds_log_grows_while_it_runs_and_ends_with_it(held, aws):
    builds, logs = aws("codebuild"), aws("logs")
    builds.create_project(**project())
    build = builds.start_build(projectName="web")["build"]
    held.clock.advance(20)
    (build,) = builds.batch_get_builds(ids=[build["id"]])["builds"]
    where = {
        "logGroupName": build["logs"]["groupName"],
        "logStreamName": build["logs"]["streamName"],
    }
    page = logs.get_log_events(**where, startFromHead=True)
    seen, now = page["events"], held.clock.now() * 1000
    assert seen
    assert all(event["timestamp"] <= now for event in seen)
    for _ in range(12):
        held.clock.advance(20)
        page = logs.get_log_events(**where, nextToken=page["nextForwardToken"])
        assert all(event["timestamp"] >= seen[-1]["timestamp"] for event in page["events"])
        seen = seen + page["events"]
    whole = logs.get_log_events(**where, startFromHead=True)["events"]
    assert seen == whole
    assert "Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED" in "".join(texts({"events": whole}))
    assert "\x1b[32m" in "".join(texts({"events": whole}))


def test_a_failing_builds_log_shows_the_failing_command(aws):
    builds, logs = aws("codebuild"), aws("logs")
    spec = "version: 0.2\nphases:\n  pre_build:\n    commands:\n      - exit 4\n"
    builds.create_project(**project(source={"type": "NO_SOURCE", "buildspec": spec}))
    build = builds.start_build(projectName="web")["build"]
    (build,) = builds.batch_get_builds(ids=[build["id"]])["builds"]
    text = "".join(
        texts(
            logs.get_log_events(
                logGroupName=build["logs"]["groupName"],
                logStreamName=build["logs"]["streamName"],
                startFromHead=True,
            )
        )
    )
    assert "Running command exit 4" in text
    assert "Phase complete: PRE_BUILD State: FAILED" in text
    assert (
        "COMMAND_EXECUTION_ERROR Message: Error while executing command: exit 4. "
        "Reason: exit status 4" in text
    )
    assert "Entering phase BUILD" not in text
