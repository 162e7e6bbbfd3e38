"""Elastic Beanstalk mirrored: applications, versions, environments and their events."""

from django.apps import AppConfig


class BeanstalkConfig(AppConfig):
    """The Elastic Beanstalk service."""

    name = "apps.beanstalk"
    verbose_name = "Elastic Beanstalk"
    # Where it stands in the navigation.
    face = "infrastructure"
