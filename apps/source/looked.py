"""What was looked at of a commit's or pull request's changes: kept in the cache, drawn for pages.

Reading is the host's work (its app declares a look for it); this is what all of them fill.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string

from apps.live.bus import BUS
from apps.mirror import looks
from apps.mirror.linestore import Contents, LineStore, Part
from apps.mirror.looks import LOOKS, Drawn, Follower, Look
from apps.mirror.outcomes import record_outcomes
from apps.mirror.provider import PROVIDERS, Failure, Health
from apps.mirror.resource import REGISTER

from . import diff
from .models import Commit, PullRequest

# Lines of one answer to a page; the stream asks on at once while there are more.
AT_ONCE = 1_000
MOST_LINES, MOST_BYTES = 20_000, 4_000_000
# What of each model can be looked at.
WHAT = {Commit: "commit", PullRequest: "changes"}
NOTE = ("state", "title", "text", "cure")


def look_name(service: str, model: type[Any]) -> str:
    """Return the name of a host's look at what rows of a model change: "codecommit-commit"."""
    return f"{service}-{WHAT[model]}"


def look_at(row: Any) -> Look | None:
    """Return the look that shows what a row changes, None where its host declares none."""
    service = REGISTER.get(REGISTER.kind_of(row)).app_label
    return LOOKS.by_name.get(look_name(service, type(row)))


def name_of(row: Commit | PullRequest) -> str:
    """Return the beginning of the cache keys; what a pull request proposes changes with pushes."""
    if isinstance(row, Commit):
        return f"look:source:commit:{row.pk}"
    return f"look:source:changes:{row.pk}:{row.source_commit[:12]}:{row.merge_base[:12]}"


def follower_of(row: Commit | PullRequest) -> Follower:
    """Return who reads what a row changes."""
    return Follower(name_of(row))


def store_of(row: Commit | PullRequest) -> LineStore:
    """Return where what a row changes is kept."""
    return LineStore(name_of(row), max_lines=MOST_LINES, max_bytes=MOST_BYTES)


def watched(row: Commit | PullRequest) -> str | None:
    """Say that somebody looks; return a ticket where reading must be begun with it."""
    return looks.watched(store_of(row), follower_of(row))


def say(contents: Contents, *words: str) -> bool:
    """Put state, title, text and, where there is one, cure beside the lines."""
    return contents.say(dict(zip(NOTE, (*words, ""), strict=False)))


def publish(look: str, row: Commit | PullRequest, contents: Contents) -> None:
    """Keep what was read so far and tell the pages that follow."""
    store_of(row).save(contents)
    BUS.publish(f"{look}:{row.pk}", str(contents.next))


def fill(  # noqa: PLR0913 - a look, and how its host reads it
    look: str,
    row: Commit | PullRequest,
    ours: Callable[[], bool],
    *,
    kind: str,
    operation: str,
    gone: tuple[str, str],
    read: Callable[[Any, Contents], None],
) -> None:
    """Read all of what a row changes; what keeps it from being read stands beside the lines.

    ours       asked before anything read is kept; where it says no, another reader has it.
    kind       on which the host's troubles are told, `operation` the one where none is named.
    gone       title and text where the host has the row no longer.
    read       (open reach, contents): reads, keeps and publishes.
    """
    store = store_of(row)
    contents = store.open() or store.begin()
    if contents.done:
        return
    # An earlier reader that died left a part: it is read again, from its beginning.
    contents = store.begin()
    provider = PROVIDERS.get(row.scope.provider)
    resource = REGISTER.get(kind)
    reach: Any = None
    try:
        reach = provider.open(row.scope, urgent=True)
        read(reach, contents)
    except Exception as error:  # noqa: BLE001 - classified, and told beside the lines
        failure = provider.classify(error, operation)
        if failure.health is not Health.GONE:
            record_outcomes(row.scope, resource, reach.outcomes if reach else {}, error)
        if ours():
            _failed(contents, failure, gone)
            publish(look, row, contents)
        return
    finally:
        if reach is not None:
            reach.close()
    record_outcomes(row.scope, resource, reach.outcomes)


def _failed(contents: Contents, failure: Failure, gone: tuple[str, str]) -> None:
    """Say why; what may pass is tried again when the page next says that somebody watches."""
    if failure.health is Health.GONE:
        contents.done = True
        say(contents, "unknown", *gone)
        return
    say(contents, "failed", "What changed cannot be read", failure.message, failure.cure)


def since(look: str, row: Commit | PullRequest | None, pk: int, first: int) -> Mapping[str, Any]:
    """Return the lines from number `first` (from 0) on; see `Look.since`."""
    element = f"{look}-{pk}"

    def drawn(contents: Contents) -> Drawn:
        assert row is not None
        parts = list(store_of(row).parts(contents, first, AT_ONCE))
        following = parts[-1].next if parts else first
        html = "".join(_drawn(part, element) for part in parts)
        return Drawn(html, first, following, more=following < contents.next)

    def note(contents: Contents) -> str:
        return draw_note(element, contents.note)

    contents = store_of(row).open() if row is not None else None
    return looks.since(element, first, contents, drawn, note)


def _drawn(part: Part, element: str) -> str:
    if part.missing:
        return f'<li class="diff-run">… {part.missing:,} lines are left out here</li>'
    return diff.draw(part.lines, part.first, element)


def draw_note(element: str, note: Mapping[str, str] | None) -> str:
    """Return the element that says what reading has to say; empty where there is nothing."""
    return render_to_string("source/diff.html#note", {"element": element, "note": note})


def panel(row: Commit | PullRequest, first: int = 0) -> dict[str, Any] | None:
    """Return what the section of changes shows, and let somebody read on; None without a look."""
    look = look_at(row)
    if look is None:
        return None
    look.watch(row.pk)
    told = look.since(row.pk, first)
    beside: Sequence[Mapping[str, str]] = told["fragments"]
    return {
        "element": told["id"],
        "topic": f"{look.name}:{row.pk}@{told['next']}",
        "html": told["html"],
        "next": told["next"],
        "done": told["done"],
        "more": told["more"],
        "note": "".join(one["html"] for one in beside) or draw_note(told["id"], None),
    }
