"""What lists and pages of mirrored rows are made of: filters, pages, pictures, live topics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.live.cursor import PAGE, asked, page_of
from apps.live.fragment import Fragment
from apps.live.templatetags.live_tags import plain, word_of

from .health import visible_scopes
from .models import Scope
from .places import places
from .resource import REGISTER
from .state import State

NARROWED_BY = ("q", "state", "account", "region")
# What else an address of a list may say: which page of it, which part of the page.
NOT_FILTERS = ("after", "part")
# So much of what was not understood is shown again, and of so many.
SHOWN, MOST_TOLD = 60, 5


def live(topics: Iterable[str], since: int, refresh_on: str = "") -> dict[str, Any]:
    """Return what makes a page live (see live.js).

    `since` is the newest change the page knows of: read before its rows are. Changes of the kind
    `refresh_on` (several with spaces between) may bring or take rows, so the page is fetched again.
    """
    every = [*topics, *(f"touched:{kind}" for kind in refresh_on.split())]
    return {
        "stream": reverse("dashboard:stream"),
        "since": since,
        "topics": " ".join(every),
        "refresh_on": refresh_on,
    }


def pictures(
    fragment: Fragment, contexts: Mapping[int, Mapping[str, Any]]
) -> dict[int, SafeString]:
    """Return rows' pictures by id, in order: the same bytes that the stream sends."""
    drawn = fragment.render_loaded(contexts)
    return {pk: mark_safe(drawn[pk]) for pk in contexts}  # noqa: S308 - rendered templates escape


def picture(fragment: Fragment, contexts: Mapping[int, Mapping[str, Any]], pk: int) -> SafeString:
    """Return one row's picture."""
    return pictures(fragment, {pk: contexts[pk]})[pk]


def filters_of(request: HttpRequest, *more: str) -> dict[str, str]:
    """Return what a list is narrowed by: {q, state, account, region and what else is named}.

    A state that is none, an account or region that the reader cannot know of, and a name that means
    nothing here are left out; `request.left_out` says so in sentences, and base.html shows them.
    """
    filters = {name: asked(request, name) for name in (*NARROWED_BY, *more)}
    told = [
        f"{_quoted(plain(name))} is no filter here; there are {', '.join(filters)}."
        for name in request.GET
        if name not in filters and name not in NOT_FILTERS
    ]
    for name in ("state", "account", "region"):
        value = filters[name]
        if value and value not in _known(request, name):
            filters[name] = ""
            told.append(_is_none(name, value))
    request.left_out = told[:MOST_TOLD]  # type: ignore[attr-defined]
    return filters


def _is_none(name: str, value: str) -> str:
    if name == "state":
        return f"{_quoted(value)} is no state; there are {', '.join(State)}."
    return f"{_quoted(value)} is no {name} that is connected here."


def _quoted(text: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text[:SHOWN]}\N{RIGHT DOUBLE QUOTATION MARK}"


def _known(request: HttpRequest, name: str) -> set[str]:
    if name == "state":
        return set(State)
    return {value for value, _ in places(_scopes_of(request), name)}


def _scopes_of(request: HttpRequest) -> list[Scope]:
    """Return the scopes that the reader may know of; asked for once a page."""
    found: list[Scope] | None = getattr(request, "narrowed_among", None)
    if found is None:
        found = request.narrowed_among = visible_scopes(request.user)  # type: ignore[attr-defined]
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A list of rows of one kind, a page at a time.

    kind      whose changes may bring or take rows.
    fragment  a row's picture.
    contexts  rows -> {id: what the picture is drawn from}; a constant number of queries.
    order     columns, "-" for falling ones, the last of them unique.
    states    those offered as a filter, the most urgent first; none: no such filter.
    also      other kinds whose rows are listed with them.
    moves     whether a row's place in the order follows what happens to it, so that it may leave
              the page that shows it.
    """

    kind: str
    fragment: Fragment
    contexts: Callable[[Sequence[Any]], Mapping[int, Mapping[str, Any]]]
    order: Sequence[str]
    states: Sequence[State] = ()
    moves: bool = True
    size: int = PAGE
    also: Sequence[str] = ()

    def context(
        self, request: HttpRequest, since: int, rows: Any, filters: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return what templates/mirror/list.html draws of `rows`, narrowed already by `filters`."""
        page = page_of(rows, self.order, request.GET.get("after", ""), self.size)
        filtered = any(filters.values())
        partial = filtered or (self.moves and (bool(page.following) or not page.first))
        # An empty list is filled by the first row that comes.
        kinds = (self.kind, *self.also)
        refresh_on = " ".join(kinds) if partial or not page.rows else ""
        topics = [f"{self.fragment.name}:{row.pk}" for row in page.rows]
        return {
            "rows": list(pictures(self.fragment, self.contexts(page.rows)).values()),
            "following": page.following,
            "paged": not page.first,
            "filters": filters,
            "listed_kinds": self.listed_kinds,
            "filtered": filtered,
            **self._choices(request),
            "live": live([*topics, *(f"list:{kind}" for kind in kinds)], since, refresh_on),
        }

    @property
    def listed_kinds(self) -> list[str]:
        """The kinds whose reading says why nothing is listed: those of every provider."""
        return REGISTER.kinds_in(REGISTER.get(self.kind).model)

    def _choices(self, request: HttpRequest) -> dict[str, Any]:
        scopes = _scopes_of(request)
        return {
            "accounts": places(scopes, "account"),
            "regions": places(scopes, "region"),
            "states": [(state.value, word_of(state)) for state in self.states],
        }
