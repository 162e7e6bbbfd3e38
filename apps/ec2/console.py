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
