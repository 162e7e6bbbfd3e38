"""The simulated CloudWatch: alarms, their history, composites, metrics and their growth."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.cloudwatch import rule
from apps.sandbox.cloudwatch.metrics import MetricStore
from apps.sandbox.cloudwatch.model import AlarmStore
from apps.sandbox.cloudwatch.series import CALM
from apps.sandbox.compute.functions import make_function
from apps.sandbox.compute.machines import furnish_running
from apps.sandbox.logpattern import matcher
from apps.sandbox.process import SandboxProcess
from apps.sandbox.server import SandboxServer

from .conftest import Aws

ERRORS: dict[str, Any] = {
    "AlarmName": "checkout-errors",
    "Namespace": "Shop",
    "MetricName": "Errors",
    "Dimensions": [{"Name": "Service", "Value": "checkout"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:on-call"],
}


def test_an_alarm_is_created_told_and_deleted(aws: Aws):
    watch = aws("cloudwatch")
    watch.put_metric_alarm(**ERRORS)
    [alarm] = watch.describe_alarms()["MetricAlarms"]
    assert alarm["AlarmArn"] == "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors"
    assert (alarm["StateValue"], alarm["Threshold"]) == ("INSUFFICIENT_DATA", 5.0)
    watch.delete_alarms(AlarmNames=["checkout-errors"])
    assert watch.describe_alarms()["MetricAlarms"] == []
    summaries = [
        item["HistorySummary"] for item in watch.describe_alarm_history()["AlarmHistoryItems"]
    ]
    assert summaries == ['Alarm "checkout-errors" deleted', 'Alarm "checkout-errors" created']


def test_a_state_that_is_set_makes_history_and_does_what_it_would(aws: Aws):
    watch = aws("cloudwatch")
    watch.put_metric_alarm(**ERRORS)
    watch.set_alarm_state(AlarmName="checkout-errors", StateValue="ALARM", StateReason="a drill")
    items = watch.describe_alarm_history(AlarmName="checkout-errors")["AlarmHistoryItems"]
    assert [item["HistoryItemType"] for item in items] == [
        "Action",
        "StateUpdate",
        "ConfigurationUpdate",
    ]
    assert items[0]["HistorySummary"].endswith("arn:aws:sns:eu-west-1:111122223333:on-call")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        watch.set_alarm_state(AlarmName="nobody", StateValue="OK", StateReason="x")


def test_a_composite_alarm_follows_its_children(aws: Aws):
    watch = aws("cloudwatch")
    for name in ("errors", "latency"):
        watch.put_metric_alarm(**{**ERRORS, "AlarmName": name})
    watch.put_composite_alarm(
        AlarmName="checkout-bad", AlarmRule='ALARM("errors") AND NOT ALARM(latency)'
    )
    assert watch.describe_alarms()["CompositeAlarms"] == []

    def told() -> Any:
        return watch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]

    assert told()["StateValue"] == "OK"
    watch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a drill")
    assert told()["StateValue"] == "ALARM"
    assert ":alarm:errors transitioned to ALARM at " in told()["StateReason"]
    watch.set_alarm_state(AlarmName="latency", StateValue="ALARM", StateReason="a drill")
    assert told()["StateValue"] == "OK"
    children = watch.describe_alarms(ChildrenOfAlarmName="checkout-bad")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in children] == ["errors", "latency"]
    with pytest.raises(ClientError, match="ResourceConflict"):
        watch.delete_alarms(AlarmNames=["errors"])


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ('ALARM("a b") OR FALSE', True),
        ("NOT ALARM(c)", True),
        ("(OK(c) OR OK(d)) AND INSUFFICIENT_DATA(d)", True),
        ("ALARM(arn:aws:cloudwatch:eu-west-1:111122223333:alarm:c)", False),
        ("TRUE AND ALARM(nobody)", False),
    ],
)
def test_a_rule_holds_by_its_childrens_states(text: str, true: bool):
    assert rule.holds(text, {"a b": "ALARM", "c": "OK", "d": "INSUFFICIENT_DATA"}) is true


@pytest.mark.parametrize("text", ["ALARM(", "ALARM(a) AND", "(ALARM(a)", "sometimes", "ALARM(a) b"])
def test_a_rule_that_cannot_be_read_is_refused(aws: Aws, text: str):
    with pytest.raises(ClientError, match="Error in AlarmRule"):
        aws("cloudwatch").put_composite_alarm(AlarmName="x", AlarmRule=text)


def test_what_becomes_of_an_alarm_is_told_through_eventbridge(aws: Aws):
    watch = aws("cloudwatch")
    watch.put_metric_alarm(**ERRORS)
    watch.set_alarm_state(AlarmName="checkout-errors", StateValue="ALARM", StateReason="a drill")
    watch.delete_alarms(AlarmNames=["checkout-errors"])
    queue = aws("sqs")
    url = queue.get_queue_url(QueueName="codestar-dash-events")["QueueUrl"]
    messages = queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(message["Body"]) for message in messages]
    changes = [event for event in told if event["source"] == "aws.cloudwatch"]
    changes = [event for event in changes if event["detail-type"].startswith("CloudWatch Alarm")]
    assert [event["detail-type"].removeprefix("CloudWatch Alarm ") for event in changes] == [
        "Configuration Change",
        "State Change",
        "Configuration Change",
    ]
    detail = changes[1]["detail"]
    assert changes[1]["resources"] == [
        "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors"
    ]
    assert (detail["alarmName"], detail["state"]["value"], detail["state"]["reason"]) == (
        "checkout-errors",
        "ALARM",
        "a drill",
    )
    assert detail["previousState"]["value"] == "INSUFFICIENT_DATA"
    [metric] = detail["configuration"]["metrics"]
    assert metric["metricStat"]["metric"]["dimensions"] == {"Service": "checkout"}
    assert metric["metricStat"]["stat"] == "Sum"


def test_other_services_hear_of_transitions(sandbox: SandboxServer):
    store = sandbox.world.place("111122223333", "eu-west-1").of(AlarmStore)
    heard: list[tuple[str, str, str]] = []
    store.watchers.append(lambda alarm, before: heard.append((alarm.name, before, alarm.state)))
    store.put(dict(ERRORS))
    store.set_state("checkout-errors", "ALARM", "a drill")
    assert store.alarms["checkout-errors"].state == "ALARM"
    assert heard == [("checkout-errors", "INSUFFICIENT_DATA", "ALARM")]


def put(watch: Any, value: float, **more: Any) -> None:
    told = {"MetricName": "Errors", "Value": value, "Dimensions": ERRORS["Dimensions"], **more}
    watch.put_metric_data(Namespace="Shop", MetricData=[told])


def state(watch: Any, name: str = "checkout-errors") -> tuple[str, str]:
    [alarm] = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return alarm["StateValue"], alarm["StateReason"]


def test_an_alarm_is_evaluated_as_its_periods_pass(held: SandboxServer, aws: Aws):
    watch = aws("cloudwatch")
    watch.put_metric_alarm(**ERRORS)
    put(watch, 12.0)
    held.clock.advance(61)
    worst, reason = state(watch)
    assert worst == "ALARM"
    assert reason.startswith("Threshold Crossed: 1 out of the last 1 datapoints [12.0 (")
    assert reason.endswith(
        ")] was greater than the threshold (5.0) "
        "(minimum 1 datapoint for INSUFFICIENT_DATA -> ALARM transition)."
    )
    put(watch, 3.0)
    held.clock.advance(60)
    assert state(watch)[0] == "OK"
    assert "was not greater than the threshold (5.0)" in state(watch)[1]
    held.clock.advance(120)
    assert state(watch) == ("INSUFFICIENT_DATA", "Insufficient Data: 1 datapoint was unknown.")


@pytest.mark.parametrize(
    ("treat", "worst", "said"),
    [
        ("breaching", "ALARM", "2 missing datapoints were treated as [Breaching]."),
        ("notBreaching", "OK", "2 missing datapoints were treated as [NonBreaching]."),
        ("missing", "INSUFFICIENT_DATA", "Insufficient Data: 2 datapoints were unknown."),
        ("ignore", "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation"),
    ],
)
def test_missing_data_are_treated_as_told(
    held: SandboxServer, aws: Aws, treat: str, worst: str, said: str
):
    watch = aws("cloudwatch")
    watch.put_metric_alarm(**{**ERRORS, "EvaluationPeriods": 2, "TreatMissingData": treat})
    held.clock.advance(121)
    assert state(watch)[0] == worst
    assert state(watch)[1].endswith(said)


def test_a_reason_names_no_datapoint_that_speaks_against_it(held: SandboxServer, aws: Aws):
    watch = aws("cloudwatch")
    treated = {**ERRORS, "EvaluationPeriods": 2, "TreatMissingData": "notBreaching"}
    watch.put_metric_alarm(**treated)
    put(watch, 12.0)
    held.clock.advance(61)
    put(watch, 13.0)
    held.clock.advance(60)
    assert state(watch)[0] == "ALARM"
    held.clock.advance(60)
    assert state(watch) == (
        "OK",
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
        "treated as [NonBreaching].",
    )


def test_an_alarm_may_watch_an_expression(held: SandboxServer, aws: Aws):
    watch = aws("cloudwatch")

    def metric(name: str, label: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": "Shop", "MetricName": label}, "Period": 60, "Stat": "Sum"}
        return {"Id": name, "MetricStat": stat, "ReturnData": False}

    watch.put_metric_alarm(
        AlarmName="error-rate",
        Metrics=[
            {"Id": "rate", "Expression": "100 * FILL(errors, 0) / requests", "Label": "Error rate"},
            metric("errors", "Errors"),
            metric("requests", "Requests"),
        ],
        EvaluationPeriods=1,
        Threshold=10.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    put(watch, 30.0, Dimensions=[])
    put(watch, 120.0, Dimensions=[], MetricName="Requests")
    held.clock.advance(65)
    assert state(watch, "error-rate")[0] == "ALARM"
    assert "[25.0 (" in state(watch, "error-rate")[1]


def query(name: str, namespace: str, metric: str, stat: str, **dimensions: str) -> dict[str, Any]:
    told = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    wanted = {"Namespace": namespace, "MetricName": metric, "Dimensions": told}
    return {"Id": name, "MetricStat": {"Metric": wanted, "Period": 300, "Stat": stat}}


def test_metrics_run_by_themselves_and_are_the_same_again(sandbox: SandboxServer, aws: Aws):
    watch, now = aws("cloudwatch"), sandbox.clock.now()
    place = sandbox.world.place("111122223333", "eu-west-1")
    make_function(place, "f")
    host = furnish_running(place, {"Name": "web"}).id
    asked = {
        "MetricDataQueries": [
            query("cpu", "AWS/EC2", "CPUUtilization", "Average", InstanceId=host),
            query("p95", "AWS/Lambda", "Duration", "p95", FunctionName="f"),
            query("gone", "AWS/Lambda", "Duration", "p95", FunctionName="nobody"),
        ],
        "StartTime": now - 3 * 3600,
        "EndTime": now,
    }
    first = watch.get_metric_data(**asked)["MetricDataResults"]
    assert [len(result["Values"]) for result in first] == [36, 36, 0]
    assert all(0 < value <= 100 for value in first[0]["Values"])
    assert first[0]["Timestamps"] == sorted(first[0]["Timestamps"], reverse=True)
    again = watch.get_metric_data(**asked)["MetricDataResults"]
    assert again[0]["Values"][1:] == first[0]["Values"][1:]


def test_builds_tell_their_durations_and_failures(held: SandboxServer, aws: Aws):
    from .shapes import project

    builds = aws("codebuild")
    builds.create_project(**project())
    builds.start_build(projectName="web")
    held.clock.advance(900)
    now = held.clock.now()
    asked = [
        query("took", "AWS/CodeBuild", "Duration", "Average", ProjectName="web"),
        query("failed", "AWS/CodeBuild", "FailedBuilds", "Sum", ProjectName="web"),
    ]
    results = aws("cloudwatch").get_metric_data(
        MetricDataQueries=asked, StartTime=now - 3600, EndTime=now
    )["MetricDataResults"]
    assert 20 < results[0]["Values"][0] < 200
    assert results[1]["Values"] == [0.0]
    named = aws("cloudwatch").list_metrics(Namespace="AWS/CodeBuild", MetricName="Duration")
    assert named["Metrics"][0]["Dimensions"] == [{"Name": "ProjectName", "Value": "web"}]


def test_a_call_takes_500_queries_and_gives_so_many_points(sandbox: SandboxServer, aws: Aws):
    watch, now = aws("cloudwatch"), sandbox.clock.now()
    make_function(sandbox.world.place("111122223333", "eu-west-1"), "f")
    many = [query(f"m{n}", "AWS/Lambda", "Throttles", "Sum", FunctionName="f") for n in range(501)]
    with pytest.raises(ClientError, match="greater than 500"):
        watch.get_metric_data(MetricDataQueries=many, StartTime=now - 60, EndTime=now)
    asked = {"MetricDataQueries": many[:4], "StartTime": now - 86400, "EndTime": now}
    page = watch.get_metric_data(**asked, MaxDatapoints=600)
    assert len(page["MetricDataResults"]) == 2
    rest = watch.get_metric_data(**asked, MaxDatapoints=600, NextToken=page["NextToken"])
    assert [result["Id"] for result in rest["MetricDataResults"]] == ["m2", "m3"]
    assert "NextToken" not in rest
    with pytest.raises(ClientError, match="InvalidNextToken"):
        watch.get_metric_data(**asked, NextToken="garbled")


def test_trouble_can_be_made_for_a_thing(held: SandboxServer, aws: Aws):
    watch = aws("cloudwatch")
    watch.put_metric_alarm(
        **{
            **ERRORS,
            "Namespace": "AWS/Lambda",
            "Dimensions": [{"Name": "FunctionName", "Value": "resizer"}],
            "TreatMissingData": "notBreaching",
        }
    )
    place = held.world.place("111122223333", "eu-west-1")
    make_function(place, "resizer")
    store = place.of(MetricStore)
    store.rhythms["resizer"] = CALM
    held.clock.advance(120)
    assert state(watch)[0] == "OK"
    store.disturb("resizer", 600)
    held.clock.advance(180)
    assert state(watch)[0] == "ALARM"
    held.clock.advance(600)
    assert state(watch)[0] == "OK"


# --- The default scenario -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def living() -> Iterator[SandboxProcess]:
    """The default scenario, only to be read; other tests have the one of this process."""
    with SandboxProcess("--seed", "1", "--speed", "0") as server:
        yield server


@pytest.mark.parametrize(
    ("account", "region", "alarm", "why"),
    [
        ("111122223333", "us-east-1", "nightly-reports-silent", "treated as [Breaching]."),
        ("444455556666", "eu-west-1", "orders-batch-host", "threshold (1.0) (minimum 2 datapoints"),
        ("444455556666", "us-east-1", "fraud-features-slow", "greater than the threshold (1000.0)"),
        # Which of its children turned red last depends on the hour.
        ("111122223333", "us-east-1", "media-unwell", " transitioned to ALARM at "),
    ],
)
def test_the_scenario_has_alarms_that_are_red_for_different_causes(
    living: SandboxProcess, account: str, region: str, alarm: str, why: str
):
    watch = Aws(living.url)("cloudwatch", account, region)
    told = watch.describe_alarms(AlarmNames=[alarm], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    [found] = [*told["MetricAlarms"], *told["CompositeAlarms"]]
    assert found["StateValue"] == "ALARM"
    assert why in found["StateReason"]


def test_the_scenarios_alarms_have_a_past(living: SandboxProcess):
    watch = Aws(living.url)("cloudwatch")
    items = watch.describe_alarm_history(HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert len(items) == 100
    names = {item["AlarmName"] for item in items}
    assert {"checkout-web-5xx", "checkout-web-latency"} <= names


def test_applications_write_logs_that_can_be_filtered(living: SandboxProcess):
    logs = Aws(living.url)("logs", region="us-east-1")
    [group] = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/image-resizer")["logGroups"][
        :1
    ]
    assert (group["retentionInDays"], group["storedBytes"] > 0) == (14, True)
    found = logs.filter_log_events(logGroupName=group["logGroupName"], filterPattern="REPORT")
    assert len(found["events"]) > 300
    assert all("Billed Duration" in event["message"] for event in found["events"])


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("ERROR", True),
        ("ERROR -timeout", False),
        ("?WARN ?ERROR", True),
        ('"payment failed"', True),
        ('{ $.level = "ERROR" && $.ms > 100 }', False),
        ('{ $.level = "ERR*" || $.ms > 100 }', False),
        ("", True),
    ],
)
def test_filter_patterns_match_text(pattern: str, matches: bool):
    assert matcher(pattern)("ERROR payment failed: timeout") is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.level = "ERROR" }', True),
        ('{ $.level = "ERR*" && $.ms > 100 }', True),
        ("{ $.ms <= 100 || $.status = 200 }", False),
        ('{ $.user.name = "x" }', False),
    ],
)
def test_filter_patterns_match_json(pattern: str, matches: bool):
    assert matcher(pattern)('{"level": "ERROR", "ms": 120.5, "status": 503}') is matches


def test_a_pattern_that_cannot_be_read_is_refused_in_awss_words(living: SandboxProcess):
    logs = Aws(living.url)("logs", region="us-east-1")
    with pytest.raises(ClientError, match=r"Invalid character\(s\) in term 'a=b'"):
        logs.filter_log_events(logGroupName="/aws/lambda/image-resizer", filterPattern="a=b")


LEVELS = {"Ok": 0, "Info": 1, "Pending": 5, "Warning": 15, "Degraded": 20, "Severe": 25}


def health_of(aws: Aws, account: str, name: str, now: float, hours: float = 0.2) -> list[float]:
    """The maxima of each minute, the newest first."""
    wanted = query(
        "h", "AWS/ElasticBeanstalk", "EnvironmentHealth", "Maximum", EnvironmentName=name
    )
    wanted["MetricStat"]["Period"] = 60
    [told] = aws("cloudwatch", account).get_metric_data(
        MetricDataQueries=[wanted], StartTime=now - hours * 3600, EndTime=now
    )["MetricDataResults"]
    values: list[float] = told["Values"]
    return values


def test_the_metric_of_an_environments_health_agrees_with_the_environment(
    living: SandboxProcess,
):
    aws = Aws(living.url)
    seen = set()
    told = aws("elasticbeanstalk").describe_environment_health(
        EnvironmentName="storefront-web-prod", AttributeNames=["RefreshedAt"]
    )
    # Reports come every ten seconds. What it says now may be newer than the last of them, and at
    # the beginning of a minute than all that the metric has until then.
    now = told["RefreshedAt"].timestamp() + 10
    for account in ("111122223333", "444455556666"):
        beanstalk = aws("elasticbeanstalk", account)
        for one in beanstalk.describe_environments()["Environments"]:
            values = health_of(aws, account, one["EnvironmentName"], now)
            if not one.get("HealthStatus") or one["Status"] == "Terminated":
                # Basic health is told to nobody, nor is that of what is no more.
                assert values == []
                continue
            assert values[:1] == [LEVELS[one["HealthStatus"]]], one["EnvironmentName"]
            seen.add(one["HealthStatus"])
    assert {"Ok", "Degraded", "Severe"} <= seen


def test_the_metric_of_health_has_the_environments_past(living: SandboxProcess):
    aws = Aws(living.url)
    events = aws("elasticbeanstalk").describe_events(
        EnvironmentName="storefront-web-prod", MaxRecords=500
    )["Events"]
    warned = [one for one in events if "from Ok to Warning" in one["Message"]]
    assert warned
    for one in warned:
        at = one["EventDate"].timestamp()
        values = health_of(aws, "111122223333", "storefront-web-prod", at + 240, hours=1 / 15)
        assert 15.0 in values
