"""From CloudWatch's answers to rows: complete, in as few calls as there can be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from apps.cloudwatch import collect
from apps.cloudwatch.digest import why_then
from apps.cloudwatch.models import Alarm, AlarmHistory, Kept, LogGroup, Metric
from apps.cloudwatch.named import act_of, children_of
from apps.cloudwatch.resources import ALARM
from apps.cloudwatch.watched import series_of
from apps.mirror.ask import Ask, Ended, Parent, Vanished
from apps.mirror.asking import hint
from apps.mirror.hints import follow_hints
from apps.mirror.models import Change, Hint, Link, Scope
from apps.mirror.resource import Names
from apps.mirror.state import State
from tests.cloudwatch import reading
from tests.cloudwatch.reading import sweep
from tests.flight import Flight

ARN = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:"
SNS = "arn:aws:sns:eu-west-1:111122223333:"


def links_of(name: str) -> set[tuple[str, str, str]]:
    pk = Alarm.objects.get(key=name).pk
    rows = Link.objects.filter(from_kind="cloudwatch.alarm", from_id=pk)
    return set(rows.values_list("relation", "to_kind", "to_arn"))


# --- Alarms ---------------------------------------------------------------------------------------


@pytest.mark.sql
def test_an_alarm_has_state_threshold_and_what_it_would_do(scope: Scope, full: Flight, aws: Any):
    aws(full)
    sweep(scope, reading.ALARM)
    alarm = Alarm.objects.get(key="image-resizer-errors")
    assert (alarm.status, alarm.state, alarm.urgency) == ("ALARM", State.FAILED, 0)
    assert (alarm.threshold, alarm.comparison_operator) == (5.0, "GreaterThanThreshold")
    assert alarm.dimensions == {"FunctionName": "image-resizer"}
    assert alarm.state_reason_data["recentDatapoints"] == [12.0, 9.0]
    assert alarm.alarm_actions[0] == f"{SNS}on-call"
    assert links_of(alarm.key) == {
        ("watches", "awslambda.function", _arn("lambda", "function:image-resizer")),
        ("notifies", "sns.topic", f"{SNS}on-call"),
        ("notifies", "sns.topic", f"{SNS}platform"),
        ("notifies", "awslambda.function", _arn("lambda", "function:notify-chat")),
    }


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:eu-west-1:111122223333:{rest}"


def test_the_states_are_done_failed_and_unknown(scope: Scope, full: Flight, aws: Any):
    aws(full)
    sweep(scope, reading.ALARM)
    assert dict(Alarm.objects.values_list("status", "state")) == {
        "OK": "done",
        "ALARM": "failed",
        "INSUFFICIENT_DATA": "unknown",
        "DREAMING": "unknown",
    }


def test_a_composite_alarm_names_its_children_and_what_suppresses_it(
    scope: Scope, full: Flight, aws: Any
):
    aws(full)
    sweep(scope, reading.ALARM)
    told = links_of("checkout-unhealthy")
    assert {arn for relation, _, arn in told if relation == "asks"} == {
        f"{ARN}image-resizer-errors",
        f"{ARN}web-latency",
        f"{ARN}host-status",
    }
    assert ("suppressed by", "cloudwatch.alarm", f"{ARN}deploying") in told
    # A balancer and a target group stand behind one metric.
    assert {kind for _, kind, _ in links_of("web-latency")} == {
        "ec2.loadbalancer",
        "ec2.targetgroup",
        "sns.topic",
    }


def test_a_childs_change_shows_on_the_composite(scope: Scope, full: Flight, aws: Any):
    aws(full)
    sweep(scope, reading.ALARM)
    child = Alarm.objects.get(key="host-status")
    composite = Alarm.objects.get(key="checkout-unhealthy")
    from dataclasses import replace

    from apps.mirror.reconcile import Nothing, reconcile

    [record] = [
        item
        for item in collect.alarms(full.reach(), Ask())
        if getattr(item, "key", "") == child.key
    ]
    assert not isinstance(record, Vanished)
    red = replace(record, status="ALARM", state="failed")
    [change] = reconcile(ALARM, scope, [red], extent=Nothing()).changes
    assert f"cloudwatch.alarm:{composite.pk}" in change.subjects


def test_alarms_are_read_a_hundred_a_page_and_by_name(full: Flight):
    list(collect.alarms(full.reach(), Ask()))
    assert [call["MaxRecords"] for call in full.calls("cloudwatch:DescribeAlarms")] == [100, 100]
    flight = Flight().on("cloudwatch:DescribeAlarms", {"MetricAlarms": [], "CompositeAlarms": []})
    names = tuple(f"alarm-{number}" for number in range(250))
    items = list(collect.alarms(flight.reach(), Ask(keys=names)))
    assert all(isinstance(item, Vanished) for item in items)
    assert len(items) == 250
    asked = [call["AlarmNames"] for call in flight.calls("cloudwatch:DescribeAlarms")]
    assert [len(some) for some in asked] == [100, 100, 50]
    assert {tuple(call["AlarmTypes"]) for call in flight.calls("cloudwatch:DescribeAlarms")} == {
        ("MetricAlarm", "CompositeAlarm")
    }


@pytest.mark.django_db
def test_an_event_names_the_alarm(scope: Scope):
    told = {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "account": scope.account,
        "region": scope.region,
        "detail": {"alarmName": "image-resizer-errors", "state": {"value": "ALARM"}},
    }
    names = [name for heard in ALARM.events for name in heard.names(told["detail"])]
    assert {(name.kind, name.key) for name in names} == {
        ("cloudwatch.alarm", "image-resizer-errors")
    }


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ('ALARM("a b") OR OK(c)', ["a b", "c"]),
        ("NOT INSUFFICIENT_DATA('d') AND ALARM(c) AND ALARM(c)", ["d", "c"]),
        (f"ALARM({ARN}e)", ["e"]),
        ("TRUE", []),
        ("something new(a)", []),
    ],
)
def test_children_are_read_off_the_rule(rule: str, names: list[str]):
    assert children_of(rule, f"{ARN}composite") == [f"{ARN}{name}" for name in names]


@pytest.mark.parametrize(
    ("arn", "what", "name"),
    [
        (f"{SNS}on-call", "notifies the topic", "on-call"),
        (_arn("lambda", "function:chat:live"), "invokes the function", "chat:live"),
        ("arn:aws:automate:eu-west-1:ec2:reboot", "does to the instance", "reboot"),
        (
            "arn:aws:swf:eu-west-1:111122223333:action/actions/AWS_EC2.InstanceId.Stop/1.0",
            "does to the instance",
            "stop",
        ),
        (
            _arn("ssm", "opsitem:2#CATEGORY=Security"),
            "opens an OpsItem",
            "of severity 2 (Security)",
        ),
        (
            "arn:aws:ssm-incidents::111122223333:response-plan/outage",
            "begins an incident by",
            "outage",
        ),
        (
            _arn("autoscaling", "scalingPolicy:1f:autoScalingGroupName/web:policyName/out"),
            "scales",
            "web by out",
        ),
        (_arn("autoscaling", "scalingPolicy:1f"), "scales by", "scalingPolicy:1f"),
        ("arn:aws:newservice:eu-west-1:111122223333:thing/x", "calls", "thing/x"),
        ("no arn at all", "calls", "no arn at all"),
    ],
)
def test_what_an_action_does_is_said_in_words(arn: str, what: str, name: str):
    assert (act_of(arn).what, act_of(arn).name) == (what, name)


# --- History --------------------------------------------------------------------------------------


@pytest.mark.sql
def test_history_is_appended_once_and_tells_states_actions_and_errors(
    scope: Scope, full: Flight, aws: Any
):
    aws(full)
    sweep(scope, reading.ALARM, reading.HISTORY)
    changes = Change.objects.count()
    sweep(scope, reading.HISTORY)
    assert AlarmHistory.objects.count() == 4
    assert Change.objects.count() == changes
    came, acted = AlarmHistory.objects.filter(alarm__key="image-resizer-errors").order_by("at")
    assert (came.old_state, came.status, came.state) == ("OK", "ALARM", "failed")
    assert came.reason.startswith("Threshold Crossed: 2 out of the last 2")
    assert acted.action == f"{SNS}on-call"
    assert acted.error.endswith("is not authorized to perform: SNS:Publish")
    # An alarm that is gone has a history, too; HistoryData that AWS cut is none.
    gone = AlarmHistory.objects.get(alarm=None)
    assert (gone.alarm_name, gone.state) == ("gone-since", "unknown")
    assert AlarmHistory.objects.get(item_type="ConfigurationUpdate").reason == ""


def test_an_alarm_says_why_it_was_red_when_it_was(scope: Scope, full: Flight, aws: Any):
    aws(full)
    sweep(scope, reading.ALARM, reading.HISTORY)
    alarm = Alarm.objects.get(key="image-resizer-errors")
    [red] = alarm.alarmed
    moment = datetime.fromisoformat(red["at"])
    hour = timedelta(hours=1)
    alarm.state, alarm.status = "done", "OK"
    assert why_then(alarm, moment - hour, moment).startswith("Threshold Crossed: 2 out of the last")
    assert why_then(alarm, moment + hour, moment + 2 * hour) == ""
    assert why_then(alarm, moment - 2 * hour, moment - hour) == ""
    # Red since before: it was then, too.
    alarm.state, alarm.state_transitioned = "failed", moment
    assert why_then(alarm, moment + hour, moment + 2 * hour) == alarm.state_reason
    assert why_then(alarm, moment - 2 * hour, moment - hour) == ""


def _pages(count: int) -> Flight:
    def history(params: Any) -> dict[str, Any]:
        page = int(params.get("NextToken", "1"))
        item = {
            "AlarmName": f"alarm-{page}",
            "AlarmType": "MetricAlarm",
            "Timestamp": 1790000000 - page,
            "HistoryItemType": "StateUpdate",
            "HistorySummary": "Alarm updated from OK to ALARM",
        }
        following = {"NextToken": str(page + 1)} if page < count else {}
        return {"AlarmHistoryItems": [item], **following}

    return Flight().on("cloudwatch:DescribeAlarmHistory", history)


def test_history_is_read_to_its_end_once_and_then_until_something_is_known():
    flight = _pages(5)
    first = list(collect.histories(flight.reach(), Ask(unended=frozenset([""]))))
    assert isinstance(first[-1], Ended)
    keys = {item.key for item in first if not isinstance(item, Ended)}
    assert len(keys) == len(flight.calls("cloudwatch:DescribeAlarmHistory")) == 5
    again = _pages(5)
    known = frozenset(sorted(keys)[:]) - {next(iter(first)).key}  # type: ignore[union-attr]
    fresh = list(
        collect.histories(again.reach(), Ask(finished=lambda asked: frozenset(asked) & known))
    )
    assert [item.alarm_name for item in fresh if not isinstance(item, Ended)] == ["alarm-1"]
    assert len(again.calls("cloudwatch:DescribeAlarmHistory")) == 2


def test_a_long_history_is_read_in_so_many_pages_at_most():
    flight = _pages(1000)
    list(collect.histories(flight.reach(), Ask(unended=frozenset([""]))))
    assert len(flight.calls("cloudwatch:DescribeAlarmHistory")) == collect.HISTORY_PAGES


# --- Metrics --------------------------------------------------------------------------------------


def parent(key: str, read_to: datetime | None = None) -> Parent:
    told = {
        "namespace": "AWS/Lambda",
        "metric_name": "Errors",
        "statistic": "Sum",
        "dimensions": {"FunctionName": key},
        "unit": "Count",
        "label": "Errors",
        "period": 60,
    }
    return Parent(key=key, fields={**told, "read_to": read_to})


def test_500_series_make_one_call():
    flight = Flight().on("cloudwatch:GetMetricData", {"MetricDataResults": [], "Messages": []})
    lately = datetime.now(UTC) - timedelta(minutes=5)
    series = [parent(f"function-{number:04d}", lately) for number in range(1001)]
    records = list(collect.metrics(flight.reach(), Ask(parents=tuple(series))))
    assert [record.key for record in records] == [one.key for one in series]
    calls = flight.calls("cloudwatch:GetMetricData")
    assert [len(call["MetricDataQueries"]) for call in calls] == [500, 500, 1]
    # Only since the last reading, and somewhat before: the newest points come late.
    asked = calls[0]["EndTime"] - calls[0]["StartTime"]
    assert 20 * 60 <= asked <= 26 * 60


def test_what_was_never_read_is_read_apart_and_from_further_back():
    flight = Flight().on("cloudwatch:GetMetricData", {"MetricDataResults": [], "Messages": []})
    now = datetime.now(UTC)
    ask = Ask(parents=(parent("a", now), parent("b"), parent("c", now - timedelta(days=2))))
    list(collect.metrics(flight.reach(), ask))
    lately, fresh = flight.calls("cloudwatch:GetMetricData")
    assert [len(call["MetricDataQueries"]) for call in (lately, fresh)] == [1, 2]
    assert 2 * 3600 <= fresh["EndTime"] - fresh["StartTime"] <= 3 * 3600
    # So many minutes of so many series fit into one answer.
    assert 500 * (fresh["EndTime"] - fresh["StartTime"]) / 60 <= 100_800


def test_an_answer_in_pages_is_put_together(scope: Scope):
    flight = Flight().script(
        "cloudwatch:GetMetricData",
        {
            "MetricDataResults": [
                {
                    "Id": "m0",
                    "Timestamps": [60, 120],
                    "Values": [1.0, 2.0],
                    "StatusCode": "PartialData",
                }
            ],
            "NextToken": "more",
        },
        {
            "MetricDataResults": [
                {"Id": "m0", "Timestamps": [180], "Values": [3.0], "StatusCode": "Complete"}
            ]
        },
    )
    [record] = collect.metrics(flight.reach(), Ask(parents=(parent("a"),)))
    assert record.aside is not None
    assert record.aside.values == ((60, 1.0), (120, 2.0), (180, 3.0))
    assert record.status == "Complete"


def test_what_is_forbidden_is_told_of_the_series(scope: Scope):
    said = {
        "Id": "m0",
        "StatusCode": "Forbidden",
        "Messages": [{"Code": "Forbidden", "Value": "not yours"}],
    }
    flight = Flight().on("cloudwatch:GetMetricData", {"MetricDataResults": [said]})
    [record] = collect.metrics(flight.reach(), Ask(parents=(parent("a"),)))
    assert (record.status, record.state, record.message) == (
        "Forbidden",
        "unknown",
        "Forbidden: not yours",
    )


def _every(first: str) -> Any:
    """Answer each series without points: the first one with this word, the others whole."""

    def answer(params: Any) -> Any:
        every = [one["Id"] for one in params["MetricDataQueries"]]
        words = [first, *["Complete"] * (len(every) - 1)]
        results = zip(every, words, strict=True)
        return {"MetricDataResults": [{"Id": i, "StatusCode": said} for i, said in results]}

    return answer


@pytest.mark.sql
@pytest.mark.parametrize("status", ["Forbidden", "InternalError", "PartialData"])
def test_what_was_not_answered_whole_is_asked_again_from_there(scope: Scope, aws: Any, status: str):
    from tests.factories import make_build

    make_build("checkout-build", scope=scope)
    until = datetime.now(UTC).replace(second=0, microsecond=0)

    flight = aws(Flight().on("cloudwatch:GetMetricData", _every("Complete")))
    sweep(scope, reading.METRIC)
    first = Metric.objects.order_by("key")[0]
    before = until - timedelta(minutes=50)
    Kept.objects.update(read_to=before)
    flight.on("cloudwatch:GetMetricData", _every(status))
    sweep(scope, reading.METRIC)
    assert Kept.objects.get(metric=first).read_to == before
    assert Kept.objects.filter(read_to__gte=until).count() == 2
    first.refresh_from_db()
    assert (first.status, first.state) == (status, "unknown")
    flight.on("cloudwatch:GetMetricData", _every("Complete"))
    sweep(scope, reading.METRIC)
    asked = flight.calls("cloudwatch:GetMetricData")[-1]["StartTime"]
    assert asked <= (before - collect.SETTLES).timestamp()
    kept = Kept.objects.get(metric=first)
    assert kept.read_to >= until
    assert kept.whole_from < before


def test_series_that_lag_behind_do_not_lengthen_every_batch():
    flight = Flight().on("cloudwatch:GetMetricData", {"MetricDataResults": []})
    now = datetime.now(UTC)
    lately = [parent(f"f-{number:04d}", now) for number in range(600)]
    for number in (100, 550):
        lately[number] = parent(f"late-{number}", now - timedelta(hours=1))
    list(collect.metrics(flight.reach(), Ask(parents=tuple(lately))))
    spans = [
        (call["EndTime"] - call["StartTime"]) / 60
        for call in flight.calls("cloudwatch:GetMetricData")
    ]
    assert spans[0] >= 75
    assert spans[1] <= 20


@pytest.mark.parametrize(
    ("kind", "key", "arn", "dimensions"),
    [
        ("codebuild.project", "web", _arn("codebuild", "project/web"), {"ProjectName": "web"}),
        ("awslambda.function", "f", _arn("lambda", "function:f"), {"FunctionName": "f"}),
        ("ec2.instance", "i-1", _arn("ec2", "instance/i-1"), {"InstanceId": "i-1"}),
        (
            "ec2.loadbalancer",
            "web",
            _arn("elasticloadbalancing", "loadbalancer/app/web/50dc"),
            {"LoadBalancer": "app/web/50dc"},
        ),
        (
            "ecs.service",
            "s",
            _arn("ecs", "service/payments/api"),
            {"ClusterName": "payments", "ServiceName": "api"},
        ),
        (
            "beanstalk.environment",
            "e-1",
            _arn("elasticbeanstalk", "environment/shop/shop-prod"),
            {"EnvironmentName": "shop-prod"},
        ),
        (
            "ec2.autoscalinggroup",
            "web",
            _arn("autoscaling", "autoScalingGroup:1f:autoScalingGroupName/web"),
            {"AutoScalingGroupName": "web"},
        ),
    ],
)
def test_the_kind_of_a_resource_says_which_metrics_are_read(
    kind: str, key: str, arn: str, dimensions: dict[str, str]
):
    every = series_of(kind, key, arn)
    assert every
    assert {one.dimensions for one in every} == {tuple(sorted(dimensions.items()))}


@pytest.mark.parametrize(
    ("kind", "arn"),
    [
        ("ec2.loadbalancer", _arn("elasticloadbalancing", "loadbalancer/net/web/50dc")),
        ("awslambda.function", _arn("lambda", "function:f:live")),
        ("ecs.service", _arn("ecs", "service/short-form")),
        ("ec2.instance", ""),
        ("s3.bucket", "arn:aws:s3:::bucket"),
    ],
)
def test_what_has_no_metrics_of_ours_is_left_alone(kind: str, arn: str):
    assert series_of(kind, "x", arn) == []


@pytest.mark.sql
def test_series_follow_from_the_rows_and_alarms_that_are_mirrored(
    scope: Scope, full: Flight, aws: Any
):
    from tests.factories import make_build

    make_build("checkout-build", scope=scope)
    aws(full)
    sweep(scope, reading.ALARM, reading.METRIC)
    names = set(Metric.objects.filter(gone_at=None).values_list("namespace", "metric_name"))
    assert names == {
        ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"),
        ("AWS/ApplicationELB", "RequestCount"),
        ("AWS/ApplicationELB", "TargetResponseTime"),
        ("AWS/CodeBuild", "Duration"),
        ("AWS/CodeBuild", "FailedBuilds"),
        ("AWS/CodeBuild", "SucceededBuilds"),
        ("AWS/EC2", "StatusCheckFailed"),
        ("AWS/Lambda", "Errors"),
    }
    # Of what is gone nothing more is read; what was read stays.
    from apps.codebuild.models import Project

    Project.objects.update(gone_at=datetime.now(UTC))
    sweep(scope, reading.METRIC)
    assert Metric.objects.filter(namespace="AWS/CodeBuild", gone_at=None).count() == 0
    assert Metric.objects.filter(namespace="AWS/CodeBuild").count() == 3


# --- Log groups -----------------------------------------------------------------------------------


def test_log_groups_tell_retention_size_and_whose_log_they_hold(
    scope: Scope, full: Flight, aws: Any
):
    aws(full)
    sweep(scope, reading.GROUP)
    group = LogGroup.objects.get(key="/aws/lambda/image-resizer")
    assert (group.retention_in_days, group.stored_bytes) == (14, 73400320)
    assert group.arn == _arn("logs", "log-group:/aws/lambda/image-resizer")
    links = Link.objects.filter(from_kind="cloudwatch.loggroup", from_id=group.pk)
    assert set(links.values_list("relation", "to_kind")) == {
        ("log of", "awslambda.function"),
        ("encrypts with", "kms.key"),
    }
    assert LogGroup.objects.get(key="/ecs/payments").retention_in_days is None


def test_an_empty_region_has_no_rows_and_no_failures(scope: Scope, empty: Flight, aws: Any):
    aws(empty)
    assert None not in sweep(scope)
    assert not Alarm.objects.exists()
    # Where nothing is to be read, nothing is asked.
    assert empty.calls("cloudwatch:GetMetricData") == []


def test_an_idle_sweep_makes_no_more_calls_than_its_formula(scope: Scope, full: Flight, aws: Any):
    aws(full.on("cloudwatch:GetMetricData", _every("Complete")))
    sweep(scope)
    with full.recorded() as calls:
        changes = Change.objects.count()
        sweep(scope)
    assert sorted(name for name, _ in calls) == [
        "cloudwatch:DescribeAlarmHistory",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "logs:DescribeLogGroups",
        "logs:DescribeLogGroups",
    ]
    assert Change.objects.count() == changes


# --- Composite alarms follow their children -------------------------------------------------------


def told(name: str, status: str, *, rule: str = "") -> dict[str, Any]:
    """An alarm as DescribeAlarms tells it."""
    return {
        "AlarmName": name,
        "AlarmArn": f"{ARN}{name}",
        "StateValue": status,
        "StateReason": f"{name} is {status}",
        **({"AlarmRule": rule} if rule else {"MetricName": "Errors", "Namespace": "Shop"}),
    }


def alarms_are(parent: str, **children: str) -> Flight:
    rule = " OR ".join(f"ALARM({name})" for name in children)
    answer = {
        "MetricAlarms": [told(name, status) for name, status in children.items()],
        "CompositeAlarms": [told("shop", parent, rule=rule)],
    }
    return Flight().on("cloudwatch:DescribeAlarms", answer)


def hinted() -> set[str]:
    return set(Hint.objects.values_list("row_key", flat=True))


def test_a_composite_alarm_is_read_again_when_one_that_it_asks_moved(scope: Scope, aws: Any):
    aws(alarms_are("ALARM", web="ALARM", api="OK"))
    sweep(scope, reading.ALARM)
    # What is first seen did not move.
    assert hinted() == set()
    aws(alarms_are("ALARM", web="ALARM", api="ALARM"))
    sweep(scope, reading.ALARM)
    assert hinted() == {"shop"}


def test_nothing_is_asked_again_where_nothing_moved_or_all_moved_together(scope: Scope, aws: Any):
    aws(alarms_are("OK", web="OK", api="OK"))
    sweep(scope, reading.ALARM)
    sweep(scope, reading.ALARM)
    assert hinted() == set()
    aws(alarms_are("ALARM", web="ALARM", api="OK"))
    sweep(scope, reading.ALARM)
    assert hinted() == set()


def test_a_childs_event_brings_the_composite_alarms_new_reason(scope: Scope, aws: Any):
    aws(alarms_are("ALARM", web="ALARM", api="OK"))
    sweep(scope, reading.ALARM)
    answers = {"api": told("api", "ALARM"), "shop": told("shop", "ALARM", rule="ALARM(api)")}
    answers["shop"]["StateReason"] = f"{ARN}api transitioned to ALARM"

    def named(params: Any) -> dict[str, Any]:
        some = [answers[name] for name in params["AlarmNames"]]
        return {
            "MetricAlarms": [one for one in some if "AlarmRule" not in one],
            "CompositeAlarms": [one for one in some if "AlarmRule" in one],
        }

    flight = aws(Flight().on("cloudwatch:DescribeAlarms", named))
    hint(scope, [Names(kind=reading.ALARM, key="api")])
    follow_hints(scope.pk)
    assert hinted() == {"shop"}
    # CloudWatch weighs it a moment later.
    Hint.objects.update(not_before=now())
    follow_hints(scope.pk)
    assert Alarm.objects.get(key="shop").state_reason.endswith("api transitioned to ALARM")
    calls = flight.calls("cloudwatch:DescribeAlarms")
    assert [call["AlarmNames"] for call in calls] == [["api"], ["shop"]]
    assert hinted() == set()
