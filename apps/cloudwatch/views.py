"""Pages of alarms, metrics and log groups; they read rows and the cache, never AWS."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from apps.live.cursor import asked, page_of
from apps.live.partial import render_part
from apps.mirror import loglines
from apps.mirror.health import visible_scopes
from apps.mirror.links import url_of
from apps.mirror.lists import Listing, filters_of, heed, live, one_of, picture
from apps.mirror.panels import panel_id
from apps.mirror.places import places
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from apps.mirror.tail import newest_change

from . import fragments, load, looks
from .charts import RANGES
from .measured import measured, range_named
from .models import Alarm, LogGroup
from .panels import METRICS
from .searches import (
    LONGEST_PATTERN,
    SEARCH,
    SPANS,
    TAIL,
    Reading,
    reading_of,
    search_in,
    tail_of,
)
from .watched import WATCHED

# Whose health the foot of these pages tells.
READS = {"service": "cloudwatch"}
# Kinds of our own that have charts, besides those that are watched.
MEASURED = ("cloudwatch.alarm", "cloudwatch.metric")
# In the order of urgency; no alarm runs or waits for a person.
STATES = (State.FAILED, State.UNKNOWN, State.DONE)
TYPES = (("MetricAlarm", "On metrics"), ("CompositeAlarm", "On alarms"))
USUAL_SPAN = "1h"
SPAN_WORDS = (
    ("15m", "15 minutes"),
    ("1h", "1 hour"),
    ("3h", "3 hours"),
    ("12h", "12 hours"),
    ("1d", "1 day"),
    ("7d", "7 days"),
)

ALARMS = Listing(
    kind="cloudwatch.alarm",
    fragment=fragments.ALARM_ROW,
    contexts=load.alarm_rows,
    order=("urgency", "key", "pk"),
    states=STATES,
)
GROUPS = Listing(
    kind="cloudwatch.loggroup",
    fragment=fragments.GROUP_ROW,
    contexts=load.group_rows,
    order=("key", "pk"),
    moves=False,
)


@require_safe
def alarms(request: HttpRequest) -> HttpResponse:
    """All alarms, red first. It has no ETag: the strips move on with time."""
    since = newest_change()
    filters = filters_of(request, "type")
    filters["type"] = one_of(request, "type", dict(TYPES))
    rows = Alarm.objects.for_list().present().visible_to(request.user).matching(**filters)
    context = ALARMS.context(request, since, rows, filters)
    pinned = [{"name": "type", "value": name, "label": label} for name, label in TYPES]
    context |= {
        "types": TYPES,
        "pinned": [one for one in pinned if one["value"] == filters["type"]],
        "reads": READS,
    }
    return render(request, "cloudwatch/alarms.html", context)


@require_safe
def alarm(request: HttpRequest, pk: int) -> HttpResponse:
    """An alarm: why it is red, its metric, what became of it, what it would do."""
    since = newest_change()
    rows = Alarm.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    after = request.GET.get("after", "")
    older, first = load.history_page(found, after) if after else ({}, True)
    # What comes is put on the newest page; older ones stay as they are.
    parts = (
        fragments.ALARM_HEAD,
        fragments.ALARM_FACTS,
        *((fragments.ALARM_HISTORY,) if first else ()),
    )
    head, facts, *newest = (picture(part, part.load([pk]), pk) for part in parts)
    history = newest[0] if first else render_to_string("cloudwatch/alarm.html#history", older)
    return render(
        request,
        "cloudwatch/alarm.html",
        {
            "alarm": found,
            "head": head,
            "facts": facts,
            "history": history,
            "paged": not first,
            **_panel(request, "cloudwatch.alarm", found),
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"{part.name}:{pk}" for part in parts], since),
        },
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What has metrics, by kind: a page of one kind at a time."""
    kinds = load.measured_kinds(request.user)
    first = next((kind for kind, _, count in kinds if count), "")
    filters = filters_of(request, "kind")
    kind = one_of(request, "kind", [name for name, _, _ in kinds]) or first
    filters["kind"] = kind
    context: dict[str, Any] = {"lines": [], "paged": False, "following": ""}
    if kind:
        model: Any = REGISTER.get(kind).model
        rows = model._default_manager.visible_to(request.user).filter(gone_at=None)
        rows = rows.containing(filters["q"], "key").narrowed(
            account=filters["account"], region=filters["region"]
        )
        page = page_of(
            rows.select_related("scope").order_by("key", "pk"),
            ("key", "pk"),
            request.GET.get("after", ""),
        )
        context = {
            "lines": [{"row": row, "url": url_of(kind, row)} for row in page.rows],
            "paged": not page.first,
            "following": page.following,
        }
    narrowed = any(filters[name] for name in ("q", "account", "region"))
    scopes = visible_scopes(request.user)
    return render(
        request,
        "cloudwatch/metrics.html",
        {
            **context,
            "kinds": kinds,
            "kind": kind,
            "filters": filters,
            "filtered": narrowed,
            # Without a word beside it: the bar above says which kind it is.
            "pinned": [{"name": "kind", "value": kind, "label": ""}],
            "accounts": places(scopes, "account"),
            "regions": places(scopes, "region"),
            "reads": READS,
        },
    )


@require_safe
def metrics_of(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """A resource's metrics: the panel alone for htmx and the live page, else a page around it."""
    resource = REGISTER.by_kind.get(kind)
    if resource is None or (kind not in WATCHED and kind not in MEASURED):
        raise Http404("There are no metrics of such a thing.")
    rows: Any = resource.model._default_manager
    row = get_object_or_404(rows.visible_to(request.user).select_related("scope"), pk=pk)
    since = newest_change()
    return render_part(
        request,
        "cloudwatch/measured.html",
        {
            **_panel(request, kind, row),
            "label": resource.label,
            # A series has no page but this.
            "back": "" if kind == "cloudwatch.metric" else url_of(kind, row),
            "console_url": getattr(row, "console_url", ""),
            "reads": {**READS, "scope": row.scope_id},
            "live": live([], since),
        },
    )


def _panel(request: HttpRequest, kind: str, row: Any) -> dict[str, Any]:
    span = range_named(one_of(request, "range", RANGES))
    return {
        **measured(request.user, kind, row, span),
        "id": panel_id(METRICS.name, kind, row.pk),
        "here": METRICS.url(kind, row.pk),
        "kind": kind,
        "row": row,
    }


@require_safe
def log_groups(request: HttpRequest) -> HttpResponse:
    """All log groups by name."""
    since = newest_change()
    filters = filters_of(request)
    words = {name: value for name, value in filters.items() if name != "state"}
    rows = LogGroup.objects.for_list().present().visible_to(request.user).matching(**words)
    context = GROUPS.context(request, since, rows, filters)
    return render(request, "cloudwatch/log_groups.html", {**context, "reads": READS})


@require_safe
def log_group(request: HttpRequest, pk: int) -> HttpResponse:
    """A log group: its newest events as they come, or what a search finds.

    It has no ETag, because the log is no mirrored row: what was read of it stands in the page.
    """
    since = newest_change()
    rows = LogGroup.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    # A span that nobody offered is a search all the same: the form shows the one taken instead.
    searching = bool(asked(request, "span"))
    span = one_of(request, "span", SPANS) or (USUAL_SPAN if searching else "")
    pattern = request.GET.get("pattern", "")[:LONGEST_PATTERN].strip()
    heed(request, "pattern")
    reading = search_in(pk, pattern, span) if searching else tail_of(pk)
    panel = _lines(request, reading)
    return render(
        request,
        "cloudwatch/log_group.html",
        {
            "loggroup": found,
            "head": picture(fragments.GROUP_HEAD, fragments.GROUP_HEAD.load([pk]), pk),
            "log": panel,
            "searching": searching,
            "pattern": pattern,
            "span": span,
            "spans": SPAN_WORDS,
            "usual_span": USUAL_SPAN,
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"loggroup-head:{pk}", f"{reading.name}@{panel['next']}"], since),
        },
    )


@require_safe
def lines(request: HttpRequest, look: str, number: int) -> HttpResponse:
    """The lines of a reading alone, from line `first` on: for a page that missed some."""
    reading = reading_of(look, number) if look in (TAIL, SEARCH) else None
    rows = LogGroup.objects.visible_to(request.user)
    if reading is None or not rows.filter(pk=reading.group).exists():
        raise Http404("There is no such reading.")
    return render(request, "cloudwatch/log_group.html#lines", {"log": _lines(request, reading)})


def _lines(request: HttpRequest, reading: Reading) -> dict[str, Any]:
    """Return what is read so far, and let somebody read on."""
    looks.watch(reading)
    begin = loglines.first_line(request)
    contents = reading.contents()
    told: dict[str, Any] = {
        "element": reading.element,
        "refetch": reverse("cloudwatch:lines", args=[reading.look, reading.number]),
        "next": begin,
        "html": "",
        "note": "",
    }
    if contents is None:
        return {**told, "done": False, "more": False, "total": 0}
    drawn = loglines.draw(reading.store, reading.element, contents, begin)
    return {
        **told,
        "html": mark_safe(drawn.html),  # noqa: S308 - made by ansi, which escapes
        "note": mark_safe(loglines.draw_note(reading.element, contents)),  # noqa: S308
        "next": drawn.next,
        "done": contents.done and not drawn.more,
        "more": drawn.more,
        "total": contents.next,
        # Where the page begins that holds the newest line.
        "newest": max(0, contents.next - loglines.AT_ONCE),
    }
