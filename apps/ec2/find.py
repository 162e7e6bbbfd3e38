"""How instances, Auto Scaling groups and load balancers are found."""

from typing import Any

from apps.mirror.finding import FINDERS, Finder, Found, place_of

from .models import AutoScalingGroup, Instance, LoadBalancer


def instances(user: Any, text: str, limit: int) -> list[Found]:
    """Instances by id, name or address."""
    rows = Instance.objects.visible_to(user).for_list().present()
    rows = rows.containing(text, "key", "name", "private_ip", "public_ip")
    return [
        Found(str(row), row.get_absolute_url(), row.state, row.word, place_of(row), row.key)
        for row in rows[:limit]
    ]


def groups(user: Any, text: str, limit: int) -> list[Found]:
    """Auto Scaling groups by name."""
    rows = AutoScalingGroup.objects.visible_to(user).for_list().present().containing(text, "key")
    return [
        Found(row.key, row.get_absolute_url(), row.state, row.status, place_of(row))
        for row in rows[:limit]
    ]


def load_balancers(user: Any, text: str, limit: int) -> list[Found]:
    """Load balancers by name or address."""
    rows = LoadBalancer.objects.visible_to(user).for_list().present()
    return [
        Found(row.name, row.get_absolute_url(), row.state, row.status, place_of(row), row.dns_name)
        for row in rows.containing(text, "name", "dns_name")[:limit]
    ]


for label, by, find, rank in (
    ("instances", "name, id or address", instances, 62),
    ("Auto Scaling groups", "name", groups, 63),
    ("load balancers", "name or address", load_balancers, 64),
):
    FINDERS.add(Finder(label=label, by=by, find=find, newest=False, rank=rank))
