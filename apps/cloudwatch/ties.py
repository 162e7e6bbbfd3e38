"""What alarms watch and log groups tell of, where only a name says so; no Django."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.mirror.ties import Tie, place_of

# Dimension -> (kind, service, what stands behind the account, around the name).
BY_DIMENSION = {
    ("AWS/AutoScaling", "AutoScalingGroupName"): (
        "ec2.autoscalinggroup",
        "autoscaling",
        "autoScalingGroup:*:autoScalingGroupName/",
    ),
    ("AWS/EC2", "AutoScalingGroupName"): (
        "ec2.autoscalinggroup",
        "autoscaling",
        "autoScalingGroup:*:autoScalingGroupName/",
    ),
    ("AWS/ElasticBeanstalk", "EnvironmentName"): (
        "beanstalk.environment",
        "elasticbeanstalk",
        "environment/*/",
    ),
}
BEANSTALK = "/aws/elasticbeanstalk/"


def of_alarm(arn: str, namespace: str, dimensions: Any) -> Iterator[Tie]:
    """Yield what an alarm watches whose ARN holds more than the name that the metric tells."""
    told: Mapping[str, Any] = dimensions if isinstance(dimensions, Mapping) else {}
    partition, region, account = place_of(arn)
    for (space, dimension), (kind, service, rest) in BY_DIMENSION.items():
        if space == namespace and told.get(dimension):
            place = f"arn:{partition}:{service}:{region}:{account}"
            yield Tie("watches", kind, f"{place}:{rest}{told[dimension]}")


def of_log_group(arn: str, name: str) -> Iterator[Tie]:
    """Yield the environment whose log a group holds."""
    environment = name.removeprefix(BEANSTALK).partition("/")[0]
    if name.startswith(BEANSTALK) and environment:
        partition, region, account = place_of(arn)
        place = f"arn:{partition}:elasticbeanstalk:{region}:{account}"
        yield Tie("log of", "beanstalk.environment", f"{place}:environment/*/{environment}")
