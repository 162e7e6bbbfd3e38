"""Pages of instances, Auto Scaling groups and load balancers; they read rows, never AWS."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.live.fragment import Fragment
from apps.mirror.lists import Listing, filters_of, live, picture
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load
from .models import AutoScalingGroup, Instance, LoadBalancer, TargetGroup

READS = {"service": "ec2"}
STATES = (State.FAILED, State.MOVING, State.UNKNOWN, State.STOPPED, State.DONE)

INSTANCES = Listing(
    kind="ec2.instance",
    fragment=fragments.INSTANCE_ROW,
    contexts=load.instance_rows,
    order=("urgency", "name", "pk"),
    states=STATES,
)
GROUPS = Listing(
    kind="ec2.autoscalinggroup",
    fragment=fragments.GROUP_ROW,
    contexts=load.group_rows,
    order=("urgency", "key", "pk"),
    states=STATES,
)
BALANCERS = Listing(
    kind="ec2.loadbalancer",
    fragment=fragments.BALANCER_ROW,
    contexts=load.balancer_rows,
    order=("urgency", "name", "pk"),
)


def _list(request: HttpRequest, listing: Listing, model: Any, template: str) -> HttpResponse:
    since = newest_change()
    filters = filters_of(request)
    rows = model.objects.for_list().present().visible_to(request.user).matching(**filters)
    context = listing.context(request, since, rows, filters)
    return render(request, template, {**context, "reads": READS})


@dataclass(frozen=True, slots=True)
class Shown:
    """The page of a row: one picture, and where other apps show what they know of it."""

    model: Any
    fragment: Fragment
    contexts: Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]]
    template: str

    def page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer the page of the row with this id."""
        since = newest_change()
        rows = self.model.objects.visible_to(request.user).select_related("scope")
        found = get_object_or_404(rows, pk=pk)
        return render(
            request,
            self.template,
            {
                "found": found,
                "body": picture(self.fragment, self.contexts([pk]), pk),
                "reads": {**READS, "scope": found.scope_id},
                "live": live([f"{self.fragment.name}:{pk}"], since),
            },
        )


INSTANCE = Shown(Instance, fragments.INSTANCE, load.instance_page, "ec2/instance.html")
GROUP = Shown(AutoScalingGroup, fragments.GROUP, load.group_page, "ec2/group.html")
BALANCER = Shown(LoadBalancer, fragments.BALANCER, load.balancer_page, "ec2/load_balancer.html")
TARGET_GROUP = Shown(
    TargetGroup, fragments.TARGET_GROUP, load.target_group_page, "ec2/target_group.html"
)


@require_safe
@unchanged_page(house_version)
def instances(request: HttpRequest) -> HttpResponse:
    """All instances that are not terminated, what is broken first."""
    return _list(request, INSTANCES, Instance, "ec2/instances.html")


@require_safe
@unchanged_page(house_version)
def instance(request: HttpRequest, pk: int) -> HttpResponse:
    """An instance: its status checks, what launched it, and where it is."""
    return INSTANCE.page(request, pk)


@require_safe
@unchanged_page(house_version)
def groups(request: HttpRequest) -> HttpResponse:
    """All Auto Scaling groups, what is broken first."""
    return _list(request, GROUPS, AutoScalingGroup, "ec2/groups.html")


@require_safe
@unchanged_page(house_version)
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """An Auto Scaling group: its instances, and why it has not as many as it wants."""
    return GROUP.page(request, pk)


@require_safe
@unchanged_page(house_version)
def load_balancers(request: HttpRequest) -> HttpResponse:
    """All load balancers, those with unhealthy targets first."""
    return _list(request, BALANCERS, LoadBalancer, "ec2/load_balancers.html")


@require_safe
@unchanged_page(house_version)
def load_balancer(request: HttpRequest, pk: int) -> HttpResponse:
    """A load balancer: its target groups, and the health of each target."""
    return BALANCER.page(request, pk)


@require_safe
@unchanged_page(house_version)
def target_group(request: HttpRequest, pk: int) -> HttpResponse:
    """A target group: its health check, and the health of each target."""
    return TARGET_GROUP.page(request, pk)
