"""What the stream and the pages ask of a stack's template and drift; reading is a task's work."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from apps.mirror import looks
from apps.mirror.linestore import Contents
from apps.mirror.looks import LOOKS, Drawn, Look

from .lines import What, draw, draw_drift, draw_note, follower_of, store_of
from .models import Stack
from .tasks import DRIFTS, OPERATION, read_drift, read_template

__all__ = ["contents_of", "drawn_of", "lines", "permitted", "watch"]

READERS: Mapping[What, Any] = {"template": read_template, "drift": read_drift}
DRAWERS: Mapping[What, Callable[[int, Contents, int], Drawn]] = {
    "template": draw,
    "drift": draw_drift,
}


def permitted(user: Any, stack_id: int) -> bool:
    """Whether this user may see the stack, and so its template and drift."""
    return Stack.objects.visible_to(user).filter(pk=stack_id).exists()


def contents_of(stack_id: int, what: What = "template") -> Contents | None:
    """Return what was read of a template or drift, None where nothing was."""
    return store_of(stack_id, what).open()


def watch(stack_id: int, what: What = "template") -> None:
    """Say that somebody looks; it is read where it was not, or the stack has moved since."""
    stamp = Stack.objects.filter(pk=stack_id).values_list("stamp", flat=True).first()
    ticket = looks.watched(store_of(stack_id, what), follower_of(stack_id, what), stamp)
    if ticket is not None:
        READERS[what].delay(stack_id, ticket)


def drawn_of(stack_id: int, contents: Contents, first: int, what: What = "template") -> Drawn:
    """Return what was read from line `first` on as a page shows it."""
    return DRAWERS[what](stack_id, contents, first)


def lines(stack_id: int, first: int, what: What = "template") -> Mapping[str, Any]:
    """Return the lines from number `first` (from 0) on; see `Look.since`."""
    drawn = partial(drawn_of, stack_id, first=first, what=what)
    note = partial(draw_note, stack_id, what=what)
    return looks.since(f"{what}-{stack_id}", first, contents_of(stack_id, what), drawn, note)


LOOKS.add(
    Look(
        name="template",
        provider="aws",
        calls=(OPERATION,),
        permitted=permitted,
        watch=watch,
        since=lines,
    )
)
LOOKS.add(
    Look(
        name="drift",
        provider="aws",
        # The template says which properties hold what is not echoed.
        calls=(DRIFTS, OPERATION),
        permitted=permitted,
        watch=partial(watch, what="drift"),
        since=partial(lines, what="drift"),
    )
)
