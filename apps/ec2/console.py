"""Addresses of EC2's pages in AWS's console; pure functions."""

from apps.aws.console import console, part


def instance_url(region: str, instance: str) -> str:
    """An instance's page."""
    return console(
        region, f"ec2/home?region={part(region)}#InstanceDetails:instanceId={part(instance)}"
    )


def group_url(region: str, name: str) -> str:
    """An Auto Scaling group's page."""
    return console(
        region,
        f"ec2/home?region={part(region)}#AutoScalingGroupDetails:id={part(name)};view=details",
    )


def load_balancer_url(region: str, arn: str) -> str:
    """A load balancer's page."""
    return console(
        region, f"ec2/home?region={part(region)}#LoadBalancer:loadBalancerArn={part(arn)}"
    )


def target_group_url(region: str, arn: str) -> str:
    """A target group's page."""
    return console(region, f"ec2/home?region={part(region)}#TargetGroup:targetGroupArn={part(arn)}")


def classic_url(region: str, name: str) -> str:
    """The list of load balancers with a classic one, which has no ARN in the console."""
    return console(region, f"ec2/home?region={part(region)}#LoadBalancers:search={part(name)}")


def role_url(region: str, name: str) -> str:
    """A role's page in IAM, which is the same in all regions of a partition."""
    return console(region, f"iam/home#/roles/details/{part(name)}")
