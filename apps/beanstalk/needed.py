"""What IAM has to allow besides an act's own call: Beanstalk acts with its caller's permissions.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/concepts-roles-user.html says so, and that
the managed policies grant all that may ever be needed. This is what AWS grants the role that
updates environments in its owner's place, as far as deploying, restarting and aborting reach:
nothing of databases, clusters, queues, load balancers or roles is made or removed by them, and
writing is allowed on what Beanstalk named, in the one account.

An environment with an operations role needs none of it: Beanstalk uses that role then.
https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_AssociateEnvironmentOperationsRole.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

PAGE = (
    "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/"
    "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy.html"
)
# Most of it knows no ARN.
READS = (
    *("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances"),
    *("autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeLoadBalancers"),
    *("autoscaling:DescribeNotificationConfigurations", "autoscaling:DescribeScalingActivities"),
    "autoscaling:DescribeScheduledActions",
    *("ec2:DescribeAddresses", "ec2:DescribeAvailabilityZones", "ec2:DescribeImages"),
    *("ec2:DescribeInstanceAttribute", "ec2:DescribeInstances", "ec2:DescribeKeyPairs"),
    *("ec2:DescribeLaunchTemplateVersions", "ec2:DescribeLaunchTemplates"),
    *("ec2:DescribeSecurityGroups", "ec2:DescribeSpotInstanceRequests", "ec2:DescribeSubnets"),
    "ec2:DescribeVpcs",
    *("elasticloadbalancing:DescribeInstanceHealth", "elasticloadbalancing:DescribeLoadBalancers"),
    *("elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth"),
)
STACKS = (
    *("cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResource"),
    *("cloudformation:DescribeStackResources", "cloudformation:DescribeStacks"),
    *("cloudformation:GetTemplate", "cloudformation:ListStackResources"),
)
OBJECTS = (
    *("s3:DeleteObject", "s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectVersion"),
    *("s3:PutObject", "s3:PutObjectAcl"),
)
# A version that goes to instances beside the old ones (immutable, in part) makes a group of them.
GROUPS = (
    *("autoscaling:AttachInstances", "autoscaling:CreateAutoScalingGroup"),
    *("autoscaling:CreateLaunchConfiguration", "autoscaling:CreateOrUpdateTags"),
    *("autoscaling:DeleteAutoScalingGroup", "autoscaling:DeleteLaunchConfiguration"),
    *("autoscaling:DeletePolicy", "autoscaling:DetachInstances"),
    *("autoscaling:PutNotificationConfiguration", "autoscaling:PutScalingPolicy"),
    *("autoscaling:ResumeProcesses", "autoscaling:SetDesiredCapacity"),
    *("autoscaling:SuspendProcesses", "autoscaling:TerminateInstanceInAutoScalingGroup"),
    "autoscaling:UpdateAutoScalingGroup",
)
TEMPLATES = (
    *("ec2:CreateLaunchTemplate", "ec2:CreateLaunchTemplateVersion"),
    *("ec2:DeleteLaunchTemplate", "ec2:DeleteLaunchTemplateVersions"),
)
TARGETS = (
    "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
    "elasticloadbalancing:DeregisterTargets",
    "elasticloadbalancing:RegisterInstancesWithLoadBalancer",
    "elasticloadbalancing:RegisterTargets",
)
PASSED_TO = ("autoscaling.amazonaws.com", "ec2.amazonaws.com", "elasticbeanstalk.amazonaws.com")
Statements = Sequence[Mapping[str, Any]]


def to_restart(partition: str, account: str) -> Statements:
    """Return what Beanstalk does to find an environment's instances and to tell them something."""
    return (
        {"Action": list(READS), "Resource": "*"},
        {
            "Action": list(STACKS),
            "Resource": _named("cloudformation", "stack/", partition, account),
        },
        {"Action": list(OBJECTS), "Resource": f"arn:{partition}:s3:::elasticbeanstalk-*/*"},
        {
            "Action": ["s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:ListBucket"],
            "Resource": f"arn:{partition}:s3:::elasticbeanstalk-*",
        },
    )


def to_update(partition: str, account: str) -> Statements:
    """Return that, and what bringing another version, or the old one back, does in all policies."""
    ours = f"{partition}:{{}}:*:{account}"
    groups = (
        "autoScalingGroup:*:autoScalingGroupName/",
        "launchConfiguration:*:launchConfigurationName/",
    )
    stacks = _named("cloudformation", "stack/", partition, account)
    return (
        *to_restart(partition, account),
        {
            "Action": ["cloudformation:CancelUpdateStack", "cloudformation:UpdateStack"],
            "Resource": stacks,
        },
        {
            "Action": list(GROUPS),
            "Resource": [
                arn for kind in groups for arn in _named("autoscaling", kind, partition, account)
            ],
        },
        {
            "Action": list(TARGETS),
            "Resource": [
                arn
                for kind in ("loadbalancer/", "loadbalancer/*/", "targetgroup/")
                for arn in _named("elasticloadbalancing", kind, partition, account)
            ],
        },
        {"Action": list(TEMPLATES), "Resource": f"arn:{ours.format('ec2')}:launch-template/*"},
        {
            "Action": ["ec2:RunInstances"],
            "Resource": "*",
            "Condition": {
                "ArnLike": {"ec2:LaunchTemplate": f"arn:{ours.format('ec2')}:launch-template/*"}
            },
        },
        {
            "Action": ["ec2:CreateTags"],
            "Resource": f"arn:{ours.format('ec2')}:*",
            "Condition": {
                "StringEquals": {"ec2:CreateAction": ["CreateLaunchTemplate", "RunInstances"]}
            },
        },
        {
            "Action": ["ec2:TerminateInstances"],
            "Resource": f"arn:{ours.format('ec2')}:instance/*",
            "Condition": {"StringLike": {"ec2:ResourceTag/aws:cloudformation:stack-id": stacks}},
        },
        {
            "Action": ["iam:PassRole"],
            "Resource": f"arn:{partition}:iam::{account}:role/*",
            "Condition": {"StringEquals": {"iam:PassedToService": list(PASSED_TO)}},
        },
    )


def _named(service: str, kind: str, partition: str, account: str) -> list[str]:
    """Return the ARNs of what Beanstalk named: "awseb-…", and of newer environments "eb-…"."""
    return [f"arn:{partition}:{service}:*:{account}:{kind}{name}-*" for name in ("awseb", "eb")]
