"""The list of everything that people let be done: narrowed, paged, and written into a file."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms import DateField
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.live.cursor import page_of
from apps.mirror.lists import choices_of, filters_of, leave_out, one_of, project_of
from apps.people.rights import is_administrator

from .acts import ACTS
from .models import Deed

NEWEST = ("-asked_at", "-pk")
# What a file holds at most; whoever wants more asks for it by days.
MOST = 50_000
COLUMNS = (
    *("id", "asked_at", "began_at", "ended_at", "who", "role", "project", "act", "on", "on_kind"),
    *("account", "region", "why", "about", "chosen", "outcome", "reason", "request_id", "made"),
)
# What makes a cell one.
FORMULA = (*"=+-@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
DAY = DateField(input_formats=["%Y-%m-%d"])


def _day(request: HttpRequest, value: str) -> date | None:
    if not value:
        return None
    try:
        found: date = DAY.clean(value)
    except ValidationError:
        leave_out(request, f"“{value}” is no day; write it like {now().date().isoformat()}.")
        return None
    return found


def _narrowed(request: HttpRequest) -> tuple[Any, dict[str, str]]:
    """Return the deeds that the reader may know of and the address asks for, and its filters."""
    filters = filters_of(request, "who", "group", "act", "outcome", "since", "until", "on")
    filters["state"] = ""
    filters["group"] = one_of(request, "group", ACTS.grouped())
    filters["act"] = one_of(request, "act", ACTS.by_name)
    filters["outcome"] = one_of(request, "outcome", Deed.Outcome.values)
    rows = Deed.objects.visible_to(request.user).told_to(request.user)
    for word in filters["q"].split():
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(who_name__icontains=word)
            | Q(why__icontains=word)
            | Q(request_id=word)
        )
    if filters["group"]:
        rows = rows.filter(act__in=[act.name for act in ACTS.grouped()[filters["group"]]])
    for word in filters["who"].split():
        rows = rows.filter(who_name__icontains=word)
    for name, column in (
        ("act", "act"),
        ("outcome", "outcome"),
        ("account", "scope__account"),
        ("region", "scope__region"),
    ):
        if filters[name]:
            rows = rows.filter(**{column: filters[name]})
    if within := project_of(request):
        filters["within"] = within
        rows = rows.filter(project__slug=within)
    return _between(request, _on(request, rows, filters), filters), filters


def _on(request: HttpRequest, rows: Any, filters: dict[str, str]) -> Any:
    """Narrow to what was done to one thing: "codebuild.build:12"."""
    told = filters["on"]
    kind, _, row_id = told.partition(":")
    if not told:
        return rows
    if row_id.isascii() and row_id.isdigit() and len(row_id) < 18:
        return rows.on(kind, int(row_id))
    leave_out(request, f"“{told}” names nothing; write it like codebuild.build:12.")
    filters["on"] = ""
    return rows


def _between(request: HttpRequest, rows: Any, filters: dict[str, str]) -> Any:
    """Narrow to days, both of them whole; a day of UTC."""
    since, until = (_day(request, filters[name]) for name in ("since", "until"))
    if since and until and until < since:
        leave_out(request, f"No day is from {since} to {until}; the list begins with {since}.")
        until = None
    filters |= {"since": str(since or ""), "until": str(until or "")}
    if since is not None:
        rows = rows.filter(asked_at__gte=datetime.combine(since, time(), UTC))
    if until is not None:
        rows = rows.filter(asked_at__lte=datetime.combine(until, time.max, UTC))
    return rows


@never_cache
@require_safe
def deeds(request: HttpRequest) -> HttpResponse:
    """Everything that was asked for, the newest first, by words, kind, outcome, place and day."""
    rows, filters = _narrowed(request)
    page = page_of(rows.for_list(), NEWEST, request.GET.get("after", ""))
    here = reverse("deeds:deeds")
    asked_for = {name: value for name, value in filters.items() if value}
    context = {
        "deeds": page.rows,
        "following": page.following,
        "paged": not page.first,
        "onward": "Earlier",
        "here": here,
        "filters": filters,
        "filtered": bool(asked_for),
        "narrowed_by": urlencode(asked_for),
        "offered": [
            _offered("group", "Kind", "Every kind", filters, [(g, g) for g in ACTS.grouped()]),
            _offered("act", "Act", "Every act", filters, _acts(filters["group"])),
            _offered("outcome", "Outcome", "Every outcome", filters, Deed.Outcome.choices),
        ],
        "moves": any(one.waits for one in page.rows),
        "administers": is_administrator(request.user),
        "most": MOST,
        **{**choices_of(request, ()), "states": ()},
    }
    return render(request, "deeds/deeds.html", context)


def _acts(group: str) -> list[tuple[str, str]]:
    """The acts of a group, or all; each group has its Stop."""
    found = ACTS.grouped()
    groups = {group: found[group]} if group else found
    return [
        (act.name, act.label if group else f"{name}: {act.label}")
        for name, acts in groups.items()
        for act in acts
    ]


def _offered(
    name: str, label: str, every: str, filters: Mapping[str, str], choices: Iterable[Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "every": every,
        "value": filters[name],
        "choices": list(choices),
    }


@never_cache
@require_safe
def export(request: HttpRequest, form: str) -> HttpResponse | StreamingHttpResponse:
    """The deeds of the list, as CSV or as JSON, the newest first and no more than `MOST`.

    400 for what is no filter: nobody is to take everything for what they asked for.
    """
    if form not in ("csv", "json"):
        raise Http404("There are deeds.csv and deeds.json.")
    rows = _narrowed(request)[0]
    if told := getattr(request, "left_out", ()):
        return HttpResponse("\n".join(told), status=400, content_type="text/plain; charset=utf-8")
    rows = rows.select_related("scope").order_by(*NEWEST)[:MOST]
    lines = (line_of(one) for one in rows.iterator(chunk_size=500))
    body = _csv(lines) if form == "csv" else _json(lines)
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    response = StreamingHttpResponse(body, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="deeds.{form}"'
    return response


def line_of(deed: Any) -> dict[str, Any]:
    """Return what a file says of a deed as it is `told_to` somebody; times are UTC, in ISO 8601."""
    at = {name: getattr(deed, column) for name, column in _TIMES.items()}
    return {
        "id": deed.pk,
        **{name: value.isoformat() if value else "" for name, value in at.items()},
        "who": deed.who_name,
        "role": deed.role,
        "project": deed.project_told,
        "act": deed.act,
        "on": deed.name,
        "on_kind": deed.kind,
        "account": deed.scope.account if deed.scope else deed.place,
        "region": deed.scope.region if deed.scope else "",
        "why": deed.why,
        "about": deed.about_name,
        "chosen": deed.said,
        "outcome": deed.outcome,
        "reason": deed.reason or deed.told,
        "request_id": deed.request_id,
        "made": deed.made,
    }


_TIMES = {"asked_at": "asked_at", "began_at": "begun_at", "ended_at": "ended_at"}


class _Line:
    """A file that hands on what is written to it."""

    def write(self, text: str) -> str:
        """Return it."""
        return text


def _csv(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for line in lines:
        yield writer.writerow([_cell(line[name]) for name in COLUMNS])


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    if text == "{}":
        return ""
    # Spreadsheets pass over what stands before it; the full-width signs are signs to some.
    return f"'{text}" if text.lstrip()[:1] in FORMULA or text[:1] in ("\t", "\r", "\n") else text


def _json(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield "[\n"
    for number, line in enumerate(lines):
        yield (",\n" if number else "") + json.dumps(line, ensure_ascii=False)
    yield "\n]\n"
