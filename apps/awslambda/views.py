"""Pages of Lambda functions; they read rows, never AWS."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.mirror.lists import Listing, filters_of, live, picture
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load
from .models import Function

READS = {"service": "awslambda"}
STATES = (State.FAILED, State.MOVING, State.UNKNOWN, State.STOPPED, State.DONE)

FUNCTIONS = Listing(
    kind="awslambda.function",
    fragment=fragments.FUNCTION_ROW,
    contexts=load.function_rows,
    order=("urgency", "key", "pk"),
    states=STATES,
)


@require_safe
@unchanged_page(house_version)
def functions(request: HttpRequest) -> HttpResponse:
    """All functions, what is broken first."""
    since = newest_change()
    filters = filters_of(request)
    rows = Function.objects.for_list().present().visible_to(request.user).matching(**filters)
    context = FUNCTIONS.context(request, since, rows, filters)
    return render(request, "awslambda/functions.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def function(request: HttpRequest, pk: int) -> HttpResponse:
    """A function: which versions its aliases serve, its versions, and how it is configured."""
    since = newest_change()
    get_object_or_404(Function.objects.visible_to(request.user).only("pk"), pk=pk)
    contexts = load.function_page([pk])
    found = contexts[pk]["function"]
    parts = (fragments.FUNCTION_HEAD, fragments.FUNCTION_FACTS)
    return render(
        request,
        "awslambda/function.html",
        {
            "function": found,
            "head": picture(fragments.FUNCTION_HEAD, contexts, pk),
            "facts": picture(fragments.FUNCTION_FACTS, contexts, pk),
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"{part.name}:{pk}" for part in parts], since),
        },
    )
