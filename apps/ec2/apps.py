"""EC2 mirrored: instances, Auto Scaling groups, load balancers and the health of their targets."""

from django.apps import AppConfig


class Ec2Config(AppConfig):
    """The EC2 service."""

    name = "apps.ec2"
    verbose_name = "EC2"
    # Where it stands in the navigation.
    face = "infrastructure"
