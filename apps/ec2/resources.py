"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from apps.aws.events import called
from apps.mirror.resource import REGISTER, Cadence, Heard, Names, Resource

from . import collect, digest, given, models, why
from .classic import CLASSIC

# https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html
SCALED = (
    "EC2 Instance Launch Successful",
    "EC2 Instance Launch Unsuccessful",
    "EC2 Instance Terminate Successful",
    "EC2 Instance Terminate Unsuccessful",
)


def _instance_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="ec2.instance", key=detail["instance-id"])


def _group_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="ec2.autoscalinggroup", key=detail["AutoScalingGroupName"])


def _group_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    named = detail["requestParameters"]["autoScalingGroupName"]
    yield Names(kind="ec2.autoscalinggroup", key=named)


def _target_group_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    arn = str(detail["requestParameters"]["targetGroupArn"])
    yield Names(kind="ec2.targetgroup", key=arn.rpartition(":targetgroup/")[2])


def _classic_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    name = detail["requestParameters"]["loadBalancerName"]
    yield Names(kind="ec2.loadbalancer", key=name)
    yield Names(kind="ec2.instancehealth", parent=name)


INSTANCE = REGISTER.add(
    Resource(
        kind="ec2.instance",
        label="instances",
        provider="aws",
        model=models.Instance,
        collect=collect.instances,
        cadence=Cadence(cold=timedelta(minutes=5), hot=timedelta(seconds=20)),
        calls=("ec2:DescribeInstances", "ec2:DescribeInstanceStatus"),
        optional=("ec2:DescribeInstanceStatus",),
        events=(
            Heard(
                source="aws.ec2",
                detail_type="EC2 Instance State-change Notification",
                names=_instance_of,
            ),
        ),
        # Not heard wholly: no event tells of status checks.
        given=given.known_profiles,
        keyed=True,
        stamp="checked",
        held=True,
        goes_with=("launched", "sends to", "is", "deploys to"),
        url=models.Instance.get_absolute_url,
        listed="ec2:instances",
        explain=why.instance,
    )
)

INSTANCE_PROFILE = REGISTER.add(
    Resource(
        kind="ec2.instanceprofile",
        label="instance profiles",
        provider="aws",
        model=models.InstanceProfile,
        collect=collect.instance_profiles,
        # One that is known costs no call until the next deep sweep: its role hardly ever changes.
        cadence=Cadence(cold=timedelta(minutes=10)),
        calls=("iam:GetInstanceProfile",),
        given=given.profiles_of_instances,
        awaits=("ec2.instance",),
        stamp="profile_id",
        goes_with=("assumes",),
    )
)

GROUP = REGISTER.add(
    Resource(
        kind="ec2.autoscalinggroup",
        label="Auto Scaling groups",
        provider="aws",
        model=models.AutoScalingGroup,
        collect=collect.groups,
        cadence=Cadence(cold=timedelta(minutes=5), hot=timedelta(seconds=20)),
        calls=("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities"),
        optional=("autoscaling:DescribeScalingActivities",),
        events=(
            *(
                Heard(source="aws.autoscaling", detail_type=kind, names=_group_of)
                for kind in SCALED
            ),
            called(
                "aws.autoscaling",
                _group_called_on,
                "CreateAutoScalingGroup",
                "DeleteAutoScalingGroup",
                "ResumeProcesses",
                "SetDesiredCapacity",
                "SuspendProcesses",
                "UpdateAutoScalingGroup",
            ),
        ),
        # Not heard wholly: an instance that is unhealthy, in standby or refreshed is told by none.
        keyed=True,
        held=True,
        url=models.AutoScalingGroup.get_absolute_url,
        listed="ec2:groups",
        explain=why.group,
    )
)

LOAD_BALANCER = REGISTER.add(
    Resource(
        kind="ec2.loadbalancer",
        label="load balancers",
        provider="aws",
        model=models.LoadBalancer,
        collect=collect.load_balancers,
        cadence=Cadence(cold=timedelta(minutes=10), hot=timedelta(seconds=30)),
        # Two APIs of one name: that of today, and that of classic load balancers.
        calls=("elbv2:DescribeLoadBalancers", "elb:DescribeLoadBalancers"),
        optional=("elb:DescribeLoadBalancers",),
        keyed=True,
        stamp="type",
        held=True,
        url=models.LoadBalancer.get_absolute_url,
        listed="ec2:load_balancers",
        explain=why.load_balancer,
    )
)

TARGET_GROUP = REGISTER.add(
    Resource(
        kind="ec2.targetgroup",
        label="target groups",
        provider="aws",
        model=models.TargetGroup,
        collect=collect.target_groups,
        # A call a group: no batch of DescribeTargetHealth exists.
        cadence=Cadence(cold=timedelta(minutes=3), hot=timedelta(seconds=20)),
        calls=("elbv2:DescribeTargetGroups", "elbv2:DescribeTargetHealth"),
        optional=("elbv2:DescribeTargetHealth",),
        events=(
            called(
                "aws.elasticloadbalancing",
                _target_group_called_on,
                "DeregisterTargets",
                "RegisterTargets",
            ),
        ),
        # Not heard wholly: what targets are registered is told, and not how they fare.
        parent=("ec2.loadbalancer", "load_balancer"),
        digest=digest.of_targets,
        keyed=True,
        held=True,
        url=models.TargetGroup.get_absolute_url,
        explain=why.target_group,
    )
)

INSTANCE_HEALTH = REGISTER.add(
    Resource(
        kind="ec2.instancehealth",
        label="health of instances at classic load balancers",
        provider="aws",
        model=models.InstanceHealth,
        collect=collect.instance_health,
        # A call a load balancer, as the health of targets.
        cadence=Cadence(cold=timedelta(minutes=3), hot=timedelta(seconds=20)),
        calls=("elb:DescribeInstanceHealth",),
        events=(
            called(
                "aws.elasticloadbalancing",
                _classic_called_on,
                "DeregisterInstancesFromLoadBalancer",
                "RegisterInstancesWithLoadBalancer",
            ),
        ),
        # Not heard wholly: what instances are registered is told, and not how they fare.
        parent=("ec2.loadbalancer", "load_balancer"),
        asked_by="ec2.loadbalancer",
        asked_among=lambda rows: rows.filter(type=CLASSIC),
        parent_fields=("type",),
        digest=digest.of_targets,
        url=models.InstanceHealth.get_absolute_url,
        explain=why.instance_health,
    )
)
