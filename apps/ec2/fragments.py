"""The pieces of pages that picture machines and load balancers; see apps.live.fragment."""

from functools import partial

from apps.live.fragment import FRAGMENTS

from . import load

_of_instance = partial(FRAGMENTS.picture, "ec2.instance")
_of_group = partial(FRAGMENTS.picture, "ec2.autoscalinggroup")
_of_balancer = partial(FRAGMENTS.picture, "ec2.loadbalancer")

INSTANCE_ROW = _of_instance("instance-row", "instances.html#row", load.instance_row)
INSTANCE = _of_instance("instance", "instance.html#body", load.instance_page)
GROUP_ROW = _of_group("group-row", "groups.html#row", load.group_row)
GROUP = _of_group("group", "group.html#body", load.group_page)
BALANCER_ROW = _of_balancer("balancer-row", "load_balancers.html#row", load.balancer_row)
BALANCER = _of_balancer("balancer", "load_balancer.html#body", load.balancer_page)
TARGET_GROUP = FRAGMENTS.picture(
    "ec2.targetgroup", "target-group", "target_group.html#body", load.target_group_page
)
