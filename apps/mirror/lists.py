"""What lists and pages of mirrored rows are made of: filters, pages, pictures, live topics."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
from .visibility import VISIBILITY

NARROWED_BY = ("q", "state", "account", "region")
# What else an address of a list may say: which page of it, which part of the page.
NOT_FILTERS = ("after", "part", "within")
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


def filters_of(request: HttpRequest, *more: str, states: Collection[str] = ()) -> dict[str, str]:
    """Return what a list is narrowed by: {q, state, account, region and what else is named}.

    `states` are words for several states at once that the list knows besides ours: "open".
    A state that is none, an account or region that the reader cannot know of, and a name that means
    nothing here are left out; `request.left_out` says so in sentences, and base.html shows them.
    """
    filters = {name: asked(request, name) for name in (*NARROWED_BY, *more)}
    heed(request, *filters)
    told = [
        f"{_quoted(plain(name))} is no filter here; there are {', '.join(filters)}."
        for name in request.GET
        if name not in filters and name not in NOT_FILTERS
    ]
    for name in ("state", "account", "region"):
        value = filters[name]
        if value and value not in (*_known(request, name), *(states if name == "state" else ())):
            filters[name] = ""
            told.append(_is_none(name, value, states))
    leave_out(request, *told)
    return filters


def gathered(request: HttpRequest) -> Sequence[tuple[str, str]]:
    """Return the projects that a list may be narrowed to; asked for once a page."""
    found: Sequence[tuple[str, str]] | None = getattr(request, "gathered", None)
    if found is None:
        found = VISIBILITY.rule.gathered(request.user)
        request.gathered = found  # type: ignore[attr-defined]
    return found


def of_project(request: HttpRequest, rows: Any) -> tuple[Any, str]:
    """Return the rows of the project that the address names, and its place; "" for all."""
    chosen = project_of(request)
    return (rows.filter(VISIBILITY.rule.within(chosen, rows.model)) if chosen else rows), chosen


def project_of(request: HttpRequest) -> str:
    """Return the place of the project that the address narrows to, "" for none.

    A project that the reader cannot know of is left out like one that does not exist.
    """
    chosen = asked(request, "within")
    if chosen and chosen not in dict(gathered(request)):
        leave_out(request, f"{_quoted(chosen)} is no project here.")
        return ""
    return chosen


def choices_of(
    request: HttpRequest, states: Iterable[State], kinds: Collection[str] = ()
) -> dict[str, Any]:
    """Return what the filters of a list offer this reader; see templates/mirror/list.html.

    Of places only those in which any of the `kinds` is read, where any are named.
    """
    scopes = scopes_of(request, kinds)
    return {
        "accounts": places(scopes, "account"),
        "regions": places(scopes, "region"),
        "states": [(state.value, word_of(state)) for state in states],
        "projects": gathered(request),
    }


def one_of(request: HttpRequest, name: str, among: Iterable[str]) -> str:
    """Return which of a few values the address asks for by `name`, "" for none of them.

    One that is none of them is told as `filters_of` tells what it leaves out.
    """
    heed(request, name)
    asked_for, known = asked(request, name), list(among)
    found = next((one for one in known if one.lower() == asked_for.lower()), "")
    if asked_for and not found:
        leave_out(request, f"{_quoted(asked_for)} is no {name}; there are {', '.join(known)}.")
    return found


def leave_out(request: HttpRequest, *told: str) -> None:
    """Note what of an address was not understood, in sentences; base.html shows them."""
    before: list[str] = getattr(request, "left_out", [])
    request.left_out = [*before, *told][:MOST_TOLD]  # type: ignore[attr-defined]


def heed(request: HttpRequest, *names: str) -> None:
    """Note which names of an address mean something to the page."""
    before: frozenset[str] = getattr(request, "heeded", frozenset())
    request.heeded = before | set(names)  # type: ignore[attr-defined]


def unheeded(request: HttpRequest) -> list[str]:
    """Return what is to be told of names that mean nothing to the page of a row."""
    heeded: frozenset[str] = getattr(request, "heeded", frozenset())
    return [
        f"{_quoted(plain(name))} means nothing to this page."
        for name in request.GET
        if name not in (*heeded, *NOT_FILTERS, "first")
    ][:MOST_TOLD]


def _is_none(name: str, value: str, states: Iterable[str]) -> str:
    if name == "state":
        return f"{_quoted(value)} is no state; there are {', '.join((*states, *State))}."
    return f"{_quoted(value)} is no {name} that is connected here."


def _quoted(text: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text[:SHOWN]}\N{RIGHT DOUBLE QUOTATION MARK}"


def _known(request: HttpRequest, name: str) -> set[str]:
    if name == "state":
        return set(State)
    return {value for value, _ in places(_scopes_of(request), name)}


def scopes_of(request: HttpRequest, kinds: Collection[str] = ()) -> list[Scope]:
    """Return the scopes that the reader may know of, of `kinds` alone where any are named."""
    scopes = _scopes_of(request)
    if not kinds:
        return scopes
    providers = {REGISTER.get(kind).provider for kind in kinds}
    return [scope for scope in scopes if scope.provider in providers]


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
        rows, project = of_project(request, rows)
        filters = {**filters, "within": project}
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
            **choices_of(request, self.states, self.listed_kinds),
            "live": live([*topics, *(f"list:{kind}" for kind in kinds)], since, refresh_on),
        }

    @property
    def listed_kinds(self) -> list[str]:
        """The kinds whose reading says why nothing is listed: those of every provider."""
        return REGISTER.kinds_in(REGISTER.get(self.kind).model)
