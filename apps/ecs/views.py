"""Pages of ECS services and task definitions; they read rows, never AWS."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.mirror.lists import Listing, filters_of, live, picture
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load
from .models import Cluster, Service, TaskDefinition

READS = {"service": "ecs"}
STATES = (State.FAILED, State.MOVING, State.UNKNOWN, State.STOPPED, State.DONE)

SERVICES = Listing(
    kind="ecs.service",
    fragment=fragments.SERVICE_ROW,
    contexts=load.service_rows,
    order=("urgency", "key", "pk"),
    states=STATES,
)


@require_safe
@unchanged_page(house_version)
def services(request: HttpRequest) -> HttpResponse:
    """All services, what is broken first."""
    since = newest_change()
    filters = filters_of(request)
    rows = Service.objects.for_list().present().visible_to(request.user).matching(**filters)
    context = SERVICES.context(request, since, rows, filters)
    return render(request, "ecs/services.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def cluster(request: HttpRequest, pk: int) -> HttpResponse:
    """A cluster and its services, what is broken first."""
    since = newest_change()
    rows = Cluster.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    services = Service.objects.for_list().present().filter(cluster=found)
    context = SERVICES.context(request, since, services, {})
    head = fragments.CLUSTER_HEAD
    topics = [context["live"]["topics"], f"{head.name}:{pk}"]
    return render(
        request,
        "ecs/cluster.html",
        {
            **context,
            "cluster": found,
            "head": picture(head, {pk: {"cluster": found}}, pk),
            "reads": {**READS, "scope": found.scope_id},
            "live": {**context["live"], "topics": " ".join(topics)},
        },
    )


@require_safe
@unchanged_page(house_version)
def service(request: HttpRequest, pk: int) -> HttpResponse:
    """A service: its deployments side by side, what they run, and what ECS says of them."""
    since = newest_change()
    get_object_or_404(Service.objects.visible_to(request.user).only("pk"), pk=pk)
    contexts = load.service_page([pk])
    found = contexts[pk]["service"]
    parts = (fragments.SERVICE_HEAD, fragments.SERVICE_EVENTS, fragments.SERVICE_FACTS)
    return render(
        request,
        "ecs/service.html",
        {
            "service": found,
            "head": picture(fragments.SERVICE_HEAD, contexts, pk),
            "events": picture(fragments.SERVICE_EVENTS, contexts, pk),
            "facts": picture(fragments.SERVICE_FACTS, contexts, pk),
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"{part.name}:{pk}" for part in parts], since),
        },
    )


@require_safe
@unchanged_page(house_version)
def task_definition(request: HttpRequest, pk: int) -> HttpResponse:
    """A revision of a task definition: the images of its containers, and what they are given."""
    since = newest_change()
    get_object_or_404(TaskDefinition.objects.visible_to(request.user).only("pk"), pk=pk)
    contexts = load.definition_page([pk])
    found = contexts[pk]["taskdefinition"]
    return render(
        request,
        "ecs/task_definition.html",
        {
            "found": found,
            "body": picture(fragments.DEFINITION, contexts, pk),
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"{fragments.DEFINITION.name}:{pk}"], since),
        },
    )
