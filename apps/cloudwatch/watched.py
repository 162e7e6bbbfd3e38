"""Which metrics are read of what: a table by kind of resource; pure functions, no Django.

The dimensions come from a row's key and ARN alone, so the kinds may belong to any service, and one
that is not mirrored here has no metrics.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Dimensions = Mapping[str, str]

LONGEST_KEY = 512


@dataclass(frozen=True, slots=True)
class Wanted:
    """One series of a resource: a metric by one statistic.

    unit      what its values count, in CloudWatch's word.
    period    seconds between its points where they are finest.
    """

    name: str
    statistic: str
    unit: str
    label: str
    period: int = 60


@dataclass(frozen=True, slots=True)
class Watched:
    """The series of one kind of resource; `dimensions(key, arn)` is None where it has none."""

    kind: str
    namespace: str
    dimensions: Callable[[str, str], Dimensions | None]
    metrics: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """What CloudWatch is asked for, and where it belongs on a page."""

    namespace: str
    name: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str = ""
    label: str = ""
    period: int = 60

    @property
    def key(self) -> str:
        """Unique in an account and region; the same whoever wants the series."""
        told = ",".join(f"{name}={value}" for name, value in self.dimensions)
        key = f"{self.namespace}/{self.name}/{self.statistic}?{told}"
        if len(key) <= LONGEST_KEY:
            return key
        return f"{key[: LONGEST_KEY - 65]}#{hashlib.sha256(key.encode()).hexdigest()}"


def _last(arn: str, mark: str) -> str:
    return arn.rpartition(mark)[2] if mark in arn else ""


def _named(dimension: str, mark: str) -> Callable[[str, str], Dimensions | None]:
    """The dimension is what follows `mark` in the ARN."""

    def dimensions(_key: str, arn: str) -> Dimensions | None:
        value = _last(arn, mark)
        return {dimension: value} if value else None

    return dimensions


def _of_project(key: str, _arn: str) -> Dimensions | None:
    return {"ProjectName": key} if key else None


def _of_function(_key: str, arn: str) -> Dimensions | None:
    # A qualified ARN (a version, an alias) is none of a function.
    name = _last(arn, ":function:")
    return {"FunctionName": name} if name and ":" not in name else None


def _of_balancer(_key: str, arn: str) -> Dimensions | None:
    # Network and gateway load balancers have other metrics.
    name = _last(arn, ":loadbalancer/")
    return {"LoadBalancer": name} if name.startswith("app/") else None


def _of_service(_key: str, arn: str) -> Dimensions | None:
    cluster, _, service = _last(arn, ":service/").partition("/")
    return {"ClusterName": cluster, "ServiceName": service} if cluster and service else None


def _of_environment(_key: str, arn: str) -> Dimensions | None:
    name = _last(arn, ":environment/").rpartition("/")[2]
    return {"EnvironmentName": name} if name else None


def _of_group(_key: str, arn: str) -> Dimensions | None:
    name = _last(arn, ":autoScalingGroupName/")
    return {"AutoScalingGroupName": name} if name else None


_CPU = Wanted("CPUUtilization", "Average", "Percent", "CPU")

WATCHED: dict[str, Watched] = {
    watched.kind: watched
    for watched in (
        Watched(
            "codebuild.project",
            "AWS/CodeBuild",
            _of_project,
            (
                Wanted("Duration", "Average", "Seconds", "Duration of a build"),
                Wanted("SucceededBuilds", "Sum", "Count", "Succeeded builds"),
                Wanted("FailedBuilds", "Sum", "Count", "Failed builds"),
            ),
        ),
        Watched(
            "awslambda.function",
            "AWS/Lambda",
            _of_function,
            (
                Wanted("Invocations", "Sum", "Count", "Invocations"),
                Wanted("Errors", "Sum", "Count", "Errors"),
                Wanted("Throttles", "Sum", "Count", "Throttles"),
                Wanted("Duration", "Average", "Milliseconds", "Duration, average"),
                Wanted("Duration", "p95", "Milliseconds", "Duration, p95"),
            ),
        ),
        # Without detailed monitoring EC2 tells a point every five minutes.
        Watched(
            "ec2.instance",
            "AWS/EC2",
            _named("InstanceId", ":instance/"),
            (
                Wanted("CPUUtilization", "Average", "Percent", "CPU", 300),
                Wanted("StatusCheckFailed", "Maximum", "Count", "Status check failed"),
            ),
        ),
        Watched(
            "ec2.autoscalinggroup",
            "AWS/EC2",
            _of_group,
            (Wanted("CPUUtilization", "Average", "Percent", "CPU of the group", 300),),
        ),
        Watched(
            "ec2.loadbalancer",
            "AWS/ApplicationELB",
            _of_balancer,
            (
                Wanted("RequestCount", "Sum", "Count", "Requests"),
                Wanted("HTTPCode_Target_5XX_Count", "Sum", "Count", "5xx answers of targets"),
                Wanted("TargetResponseTime", "p95", "Seconds", "Response time, p95"),
            ),
        ),
        Watched(
            "ecs.service",
            "AWS/ECS",
            _of_service,
            (_CPU, Wanted("MemoryUtilization", "Average", "Percent", "Memory")),
        ),
        # Told by enhanced health: 0 Ok, 1 Info, 5 Unknown, 10 No data, 15 Warning, 20 Degraded,
        # 25 Severe.
        Watched(
            "beanstalk.environment",
            "AWS/ElasticBeanstalk",
            _of_environment,
            (Wanted("EnvironmentHealth", "Maximum", "None", "Health (0 Ok … 25 Severe)"),),
        ),
    )
}


def series_of(kind: str, key: str, arn: str) -> list[Series]:
    """Return the series of a resource, in the order its page shows them."""
    watched = WATCHED.get(kind)
    dimensions = watched.dimensions(key, arn) if watched else None
    if watched is None or not dimensions:
        return []
    told = tuple(sorted(dimensions.items()))
    return [
        Series(
            watched.namespace,
            wanted.name,
            wanted.statistic,
            told,
            wanted.unit,
            wanted.label,
            wanted.period,
        )
        for wanted in watched.metrics
    ]


def series_of_alarm(alarm: Mapping[str, Any]) -> list[Series]:
    """Return the series an alarm watches: its metric, or those of its expressions.

    `alarm` holds the columns of an alarm's row.
    """
    if alarm["metric_name"]:
        statistic = alarm["statistic"] or alarm["extended_statistic"] or "Average"
        return [
            _series(
                alarm["namespace"],
                alarm["metric_name"],
                statistic,
                alarm["dimensions"],
                unit=alarm["unit"],
                period=alarm["period"] or 60,
            )
        ]
    return [
        _series(
            query["namespace"],
            query["name"],
            query["stat"],
            query["dimensions"],
            label=query.get("label") or "",
            period=query.get("period") or 60,
        )
        for query in alarm["metrics"]
        # Those of other accounts are not ours to read.
        if query.get("name") and not query.get("account")
    ]


def _series(  # noqa: PLR0913 - what a series is
    namespace: str,
    name: str,
    statistic: str,
    dimensions: Dimensions,
    *,
    unit: str = "",
    label: str = "",
    period: int = 60,
) -> Series:
    known = _known(namespace, name, statistic)
    # A finer or coarser alarm must not make another series of the same metric.
    finest = known.period if known else 300 if namespace == "AWS/EC2" else 60
    return Series(
        namespace,
        name,
        statistic,
        tuple(sorted(dimensions.items())),
        (known.unit if known else unit) or "",
        (known.label if known else label) or f"{name}, {statistic}",
        finest if period < 3600 else 300,
    )


def _known(namespace: str, name: str, statistic: str) -> Wanted | None:
    return next(_matching(namespace, name, statistic), None)


def _matching(namespace: str, name: str, statistic: str) -> Iterator[Wanted]:
    for watched in WATCHED.values():
        if watched.namespace == namespace:
            for wanted in watched.metrics:
                if (wanted.name, wanted.statistic) == (name, statistic):
                    yield wanted
