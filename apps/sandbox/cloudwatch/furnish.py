"""The default scenario's CloudWatch: alarms of every sort, some of them red, and growing logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudwatch import applogs, evaluate
from apps.sandbox.cloudwatch.metrics import Metric, MetricStore
from apps.sandbox.cloudwatch.model import AlarmStore
from apps.sandbox.cloudwatch.series import CALM, Profile, Rhythm
from apps.sandbox.compute.balancers import BalancerStore
from apps.sandbox.compute.machines import MachineStore
from apps.sandbox.logs import LogStore
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    from apps.sandbox.world import Place, World

SHOP, LAB = "111122223333", "444455556666"
#: In trouble about every second hour, so that whoever watches sees an alarm come and go.
RESTLESS = Rhythm(block=90, chance=0.6, minutes=(8, 20))
#: So long ago the lasting troubles began, in hours.
SILENT_FOR, SLOW_FOR, IMPAIRED_FOR = 7.0, 3.2, 2.4


def furnish(world: World) -> None:
    """Put it all into its places, with a past, and let it go on."""
    for account, region, furnished in (
        (SHOP, "eu-west-1", _checkout),
        (SHOP, "us-east-1", _media),
        (LAB, "eu-west-1", _lab),
        (LAB, "us-east-1", _risk),
    ):
        place = world.place(account, region)
        store = place.of(AlarmStore)
        others = set(store.alarms)
        # Alarms that stop deployments go off when a deployment is bad, and not by chance.
        for name in others:
            for metric in evaluate.metrics_of(store.alarms[name].declaration):
                _rhythm(place, metric.subject, CALM)
        furnished(place)
        present = world.scheduler.present()
        for name, alarm in store.alarms.items():
            if name not in others and not alarm.composite:
                evaluate.replay(alarm, present)
        evaluate.begin(place, present)


def _lasting(place: Place, subject: str, hours: float) -> None:
    """Make trouble that began so long before the present and does not end."""
    start = place.world.scheduler.present() - hours * 3600
    place.of(MetricStore).disturb(subject, severity=0.9, start=start)


def balancer(place: Place, name: str) -> str:
    """The LoadBalancer dimension of the scenario's load balancer of this name."""
    arns = place.of(BalancerStore).balancers
    return next(arn.partition(":loadbalancer/")[2] for arn in arns if f"/{name}/" in arn)


def machine(place: Place, name: str) -> str:
    """The id of the scenario's instance of this name."""
    every = place.of(MachineStore).instances.values()
    return next(instance.id for instance in every if instance.tags.get("Name") == name)


def _checkout(place: Place) -> None:
    web = balancer(place, "checkout-web")
    _rhythm(place, web, RESTLESS)
    _rhythm(place, "payments/payments", Rhythm(block=240, chance=0.5, minutes=(12, 30)))
    topic = place.arn("sns", "on-call")
    alarms = place.of(AlarmStore)
    alarms.put(
        _on(
            "checkout-web-5xx",
            "AWS/ApplicationELB",
            "HTTPCode_Target_5XX_Count",
            {"LoadBalancer": web},
            5,
            Statistic="Sum",
            EvaluationPeriods=2,
            DatapointsToAlarm=2,
            TreatMissingData="notBreaching",
            AlarmDescription="The checkout answers with errors. Runbook: https://wiki.example.com/5xx",
            AlarmActions=[topic],
            OKActions=[topic],
        )
    )
    alarms.put(
        _on(
            "checkout-web-latency",
            "AWS/ApplicationELB",
            "TargetResponseTime",
            {"LoadBalancer": web},
            0.8,
            ExtendedStatistic="p95",
            EvaluationPeriods=3,
            EvaluateLowSampleCountPercentile="ignore",
            AlarmActions=[topic],
        )
    )
    alarms.put(
        {
            "AlarmName": "checkout-web-error-rate",
            "AlarmDescription": "Share of answers that are errors, in percent",
            "Metrics": [
                {
                    "Id": "rate",
                    "Expression": "100 * FILL(errors, 0) / requests",
                    "Label": "Error rate",
                    "ReturnData": True,
                },
                _query("errors", web, "HTTPCode_Target_5XX_Count"),
                _query("requests", web, "RequestCount"),
            ],
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2,
            "Threshold": 2.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "ActionsEnabled": False,
            "AlarmActions": [topic],
        }
    )
    alarms.put(
        _on(
            "payments-cpu-high",
            "AWS/ECS",
            "CPUUtilization",
            {"ClusterName": "payments", "ServiceName": "payments"},
            80,
            EvaluationPeriods=3,
            DatapointsToAlarm=2,
            AlarmActions=[
                place.arn(
                    "autoscaling",
                    "scalingPolicy:6d1f3c2a-0000-4000-8000-000000000001:resource/ecs/service/"
                    "payments/payments:policyName/payments-out",
                ),
                place.arn("ssm", "opsitem:3#CATEGORY=Performance"),
            ],
        )
    )
    alarms.put(
        _on(
            "payments-service-test-failing",
            "AWS/CodeBuild",
            "FailedBuilds",
            {"ProjectName": "payments-service-test"},
            0,
            Statistic="Sum",
            Period=3600,
            TreatMissingData="ignore",
            AlarmActions=[place.arn("lambda", "function:notify-chat")],
        )
    )
    alarms.put(_composite(place, "checkout-unhealthy", _UNHEALTHY, [topic]))
    store = place.of(LogStore)
    store.ensure_group("/ecs/payments").retention = 30
    applogs.grow(place, "/ecs/payments", "app/payments/1", "payments/payments", applogs.of_service)
    store.ensure_group("/checkout/web/access").retention = 14
    applogs.grow(place, "/checkout/web/access", "web-1", web, applogs.of_web)


_UNHEALTHY = (
    'ALARM("checkout-web-5xx") OR (ALARM("checkout-web-latency") '
    'AND NOT ALARM("payments-cpu-high"))'
)


def _media(place: Place) -> None:
    _rhythm(place, "image-resizer", RESTLESS)
    _rhythm(place, "image-resizer-smoke", CALM)
    topic = place.arn("sns", "media-team")
    alarms = place.of(AlarmStore)
    alarms.put(
        _on(
            "image-resizer-errors",
            "AWS/Lambda",
            "Errors",
            {"FunctionName": "image-resizer"},
            4,
            Statistic="Sum",
            EvaluationPeriods=2,
            TreatMissingData="notBreaching",
            AlarmActions=[topic],
            OKActions=[topic],
            InsufficientDataActions=[topic],
        )
    )
    heartbeat = Metric("Reports", "Heartbeat", (("Job", "nightly-reports"),))
    place.of(MetricStore).declare(heartbeat, Profile("Count", 1, hushed=True, counted=True), CALM)
    _lasting(place, heartbeat.subject, SILENT_FOR)
    alarms.put(
        _on(
            "nightly-reports-silent",
            "Reports",
            "Heartbeat",
            {"Job": "nightly-reports"},
            1,
            Statistic="Sum",
            EvaluationPeriods=3,
            ComparisonOperator="LessThanThreshold",
            TreatMissingData="breaching",
            AlarmDescription="The job has said nothing for three minutes",
            AlarmActions=[topic],
        )
    )
    alarms.put(
        _on(
            "thumbnailer-errors",
            "AWS/Lambda",
            "Errors",
            {"FunctionName": "thumbnailer-that-was"},
            1,
            Statistic="Sum",
            AlarmDescription="<b>Its function</b> is gone & so are its data",
        )
    )
    alarms.put(
        _composite(
            place,
            "media-unwell",
            'ALARM("image-resizer-errors") OR ALARM("nightly-reports-silent")',
            [topic],
        )
    )
    place.of(LogStore).ensure_group("/aws/lambda/image-resizer").retention = 14
    stream = "2026/[$LATEST]" + hex_from(place.world.chance("image-resizer", "stream"), 32)
    applogs.grow(place, "/aws/lambda/image-resizer", stream, "image-resizer", applogs.of_function)


def _lab(place: Place) -> None:
    host = machine(place, "orders-batch")
    _rhythm(place, host, CALM)
    _lasting(place, host, IMPAIRED_FOR)
    alarms = place.of(AlarmStore)
    alarms.put(
        _on(
            "orders-batch-host",
            "AWS/EC2",
            "StatusCheckFailed",
            {"InstanceId": host},
            1,
            Statistic="Maximum",
            EvaluationPeriods=2,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            AlarmActions=[f"arn:aws:automate:{place.region}:ec2:recover"],
        )
    )
    alarms.put(
        _on(
            "data-platform-health",
            "AWS/ElasticBeanstalk",
            "EnvironmentHealth",
            {"EnvironmentName": "data-platform-dev"},
            15,
            Statistic="Maximum",
            EvaluationPeriods=2,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            AlarmActions=[place.arn("sns", "data-team")],
        )
    )
    applogs.grow(place, "/ecs/gateway", "app/gateway/1", "mobile/gateway", applogs.of_service)


def _risk(place: Place) -> None:
    _rhythm(place, "fraud-features", CALM)
    _lasting(place, "fraud-features", SLOW_FOR)
    alarms = place.of(AlarmStore)
    alarms.put(
        _on(
            "fraud-features-slow",
            "AWS/Lambda",
            "Duration",
            {"FunctionName": "fraud-features"},
            1000,
            ExtendedStatistic="p95",
            EvaluationPeriods=3,
            DatapointsToAlarm=2,
        )
    )
    stream = "2026/[$LATEST]" + hex_from(place.world.chance("fraud-model", "stream"), 32)
    applogs.grow(place, "/aws/lambda/fraud-model", stream, "fraud-model", applogs.of_function)


def _rhythm(place: Place, subject: str, rhythm: Rhythm) -> None:
    place.of(MetricStore).rhythms[subject] = rhythm


def _on(
    name: str,
    namespace: str,
    metric: str,
    dimensions: dict[str, str],
    threshold: float,
    **more: Any,
) -> dict[str, Any]:
    """An alarm on a metric, as PutMetricAlarm takes it."""
    statistic = {} if "ExtendedStatistic" in more else {"Statistic": "Average"}
    return {
        "AlarmName": name,
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        **statistic,
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": float(threshold),
        "ComparisonOperator": "GreaterThanThreshold",
        **more,
    }


def _composite(place: Place, name: str, rule: str, actions: list[str]) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "AlarmDescription": f"Several things at once in {place.region}",
        "AlarmRule": rule,
        "AlarmActions": actions,
    }


def _query(name: str, web: str, metric: str) -> dict[str, Any]:
    stat = {
        "Metric": {
            "Namespace": "AWS/ApplicationELB",
            "MetricName": metric,
            "Dimensions": [{"Name": "LoadBalancer", "Value": web}],
        },
        "Period": 60,
        "Stat": "Sum",
    }
    return {"Id": name, "MetricStat": stat, "ReturnData": False}
