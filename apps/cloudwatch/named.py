"""What alarms, log groups and their actions name elsewhere, by ARN; no Django.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from apps.mirror.ask import LinkTo

# The former ARNs of EC2 actions: …:action/actions/AWS_EC2.InstanceId.Stop/1.0
_OLD_EC2 = re.compile(r":action/actions/AWS_EC2\.InstanceId\.(\w+)/")
_OPS_ITEM = re.compile(r":opsitem:(\d)(?:#CATEGORY=(\w+))?")
_POLICY = re.compile(r":autoScalingGroupName/(?P<group>[^:]+):policyName/(?P<policy>.+)$")


@dataclass(frozen=True, slots=True)
class Act:
    """What an alarm's action does, in words: `what` it does and to which `name`."""

    what: str
    name: str
    arn: str


def act_of(arn: str) -> Act:
    """Say what an action does; one that is not known is shown by its ARN."""
    parts = arn.split(":", 5)
    service = parts[2] if len(parts) > 5 else ""
    rest = parts[5] if len(parts) > 5 else arn
    match service:
        case "sns":
            return Act("notifies the topic", rest, arn)
        case "lambda":
            return Act("invokes the function", rest.removeprefix("function:"), arn)
        case "autoscaling":
            found = _POLICY.search(arn)
            if found:
                return Act("scales", f"{found['group']} by {found['policy']}", arn)
            return Act("scales by", rest, arn)
        case "automate":
            return Act("does to the instance", rest.removeprefix("ec2:"), arn)
        case "swf":
            found = _OLD_EC2.search(arn)
            return Act("does to the instance", found[1].lower() if found else rest, arn)
        case "ssm":
            found = _OPS_ITEM.search(arn)
            kind = f" ({found[2]})" if found and found[2] else ""
            name = f"of severity {found[1]}{kind}" if found else rest
            return Act("opens an OpsItem", name, arn)
        case "ssm-incidents":
            return Act("begins an incident by", rest.removeprefix("response-plan/"), arn)
    return Act("calls", rest, arn)


def by_actions(actions: Sequence[str]) -> Iterator[LinkTo]:
    """Yield what actions are done to, where that is a thing we may mirror."""
    for arn in dict.fromkeys(actions):
        service = arn.split(":", 5)[2] if arn.count(":") >= 5 else ""
        if service == "sns":
            yield LinkTo("notifies", "sns.topic", arn)
        elif service == "lambda":
            # Without the version or alias that may follow the function's name.
            yield LinkTo("notifies", "awslambda.function", ":".join(arn.split(":")[:7]))


_Names = Callable[[Mapping[str, str]], tuple[str, str, str] | None]


def _one(kind: str, service: str, prefix: str, dimension: str) -> _Names:
    def names(told: Mapping[str, str]) -> tuple[str, str, str] | None:
        value = told.get(dimension)
        return (kind, service, f"{prefix}{value}") if value else None

    return names


def _of_ecs(told: Mapping[str, str]) -> tuple[str, str, str] | None:
    cluster, service = told.get("ClusterName"), told.get("ServiceName")
    if cluster and service:
        return ("ecs.service", "ecs", f"service/{cluster}/{service}")
    return ("ecs.cluster", "ecs", f"cluster/{cluster}") if cluster else None


_BALANCER = _one("ec2.loadbalancer", "elasticloadbalancing", "loadbalancer/", "LoadBalancer")
_TARGETS = _one("ec2.targetgroup", "elasticloadbalancing", "", "TargetGroup")
# A namespace's dimensions → what they name: (kind, service, rest of the ARN).
_BY_NAMESPACE: dict[str, tuple[_Names, ...]] = {
    "AWS/ApplicationELB": (_BALANCER, _TARGETS),
    "AWS/CodeBuild": (_one("codebuild.project", "codebuild", "project/", "ProjectName"),),
    "AWS/EC2": (_one("ec2.instance", "ec2", "instance/", "InstanceId"),),
    "AWS/ECS": (_of_ecs,),
    "AWS/ELB": (
        _one("ec2.loadbalancer", "elasticloadbalancing", "loadbalancer/", "LoadBalancerName"),
    ),
    "AWS/Lambda": (_one("awslambda.function", "lambda", "function:", "FunctionName"),),
    "AWS/NetworkELB": (_BALANCER, _TARGETS),
    "CWAgent": (_one("ec2.instance", "ec2", "instance/", "InstanceId"),),
    "ECS/ContainerInsights": (_of_ecs,),
}


def by_dimensions(
    namespace: str, dimensions: Mapping[str, str], alarm_arn: str
) -> Iterator[LinkTo]:
    """Yield what a metric's dimensions name in the account and region of the alarm.

    An environment of Beanstalk and an Auto Scaling group cannot be named so: their ARNs hold more
    than their names.
    """
    parts = alarm_arn.split(":")
    if len(parts) < 6:
        return
    for names in _BY_NAMESPACE.get(namespace, ()):
        found = names(dimensions)
        if found is not None:
            kind, service, rest = found
            place = ":".join((parts[0], parts[1], service, parts[3], parts[4]))
            yield LinkTo("watches", kind, f"{place}:{rest}")


_RULE = re.compile(
    r"""(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^\s()"']+))\s*\)""",
    re.IGNORECASE,
)


def children_of(rule: str, alarm_arn: str) -> list[str]:
    """Return the ARNs of the alarms that a composite alarm's rule asks, in its order."""
    place = alarm_arn.rpartition(":alarm:")[0]
    names = ["".join(found) for found in _RULE.findall(rule)]
    return list(
        dict.fromkeys(name if ":alarm:" in name else f"{place}:alarm:{name}" for name in names)
    )


def by_rule(rule: str, alarm_arn: str) -> Iterator[LinkTo]:
    """Yield the alarms that a composite alarm's rule asks; what becomes of them shows on it."""
    for arn in children_of(rule, alarm_arn):
        yield LinkTo("asks", "cloudwatch.alarm", arn, owning=True)


def by_suppressor(suppressor: str, alarm_arn: str) -> Iterator[LinkTo]:
    """Yield the alarm that keeps a composite alarm's actions from being done."""
    if suppressor:
        place = alarm_arn.rpartition(":alarm:")[0]
        arn = suppressor if ":alarm:" in suppressor else f"{place}:alarm:{suppressor}"
        yield LinkTo("suppressed by", "cloudwatch.alarm", arn)


# The names by which services call the log groups of their things.
_GROUPS = (
    ("/aws/lambda/", "awslambda.function", "lambda", "function:"),
    ("/aws/codebuild/", "codebuild.project", "codebuild", "project/"),
)


def by_log_group(name: str, arn: str, key: str) -> tuple[LinkTo, ...]:
    """Return whose log a group holds, by its name, and the key that encrypts it."""
    parts = arn.split(":")
    links = []
    for prefix, kind, service, rest in _GROUPS:
        if name.startswith(prefix) and len(parts) > 5:
            place = ":".join((parts[0], parts[1], service, parts[3], parts[4]))
            links.append(LinkTo("log of", kind, f"{place}:{rest}{name.removeprefix(prefix)}"))
    if key.startswith("arn:"):
        links.append(LinkTo("encrypts with", "kms.key", key))
    return tuple(links)
