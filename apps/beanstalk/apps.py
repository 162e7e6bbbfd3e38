"""Elastic Beanstalk mirrored: applications, versions, environments and their events."""

from django.apps import AppConfig


class BeanstalkConfig(AppConfig):
    """The Elastic Beanstalk service."""

    name = "apps.beanstalk"
    verbose_name = "Elastic Beanstalk"
    # Where it stands in the navigation.
    face = "infrastructure"
    # Its lists there: what people come for stands first.
    lists = ("beanstalk:environments", "beanstalk:applications")
