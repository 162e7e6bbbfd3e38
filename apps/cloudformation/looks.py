"""What the stream and the pages ask of a stack's template; reading it is a task's work."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from apps.mirror import looks
from apps.mirror.looks import LOOKS, Contents, Look

from .lines import draw, draw_note, follower_of, store_of
from .models import Stack
from .tasks import OPERATION, read_template

__all__ = ["contents_of", "lines", "permitted", "watch"]


def permitted(user: Any, stack_id: int) -> bool:
    """Whether this user may see the stack, and so its template."""
    return Stack.objects.visible_to(user).filter(pk=stack_id).exists()


def contents_of(stack_id: int) -> Contents | None:
    """Return what was read of a template, None where nothing was."""
    return store_of(stack_id).open()


def watch(stack_id: int) -> None:
    """Say that somebody looks at a template; it is read where it was not, or has moved since."""
    stamp = Stack.objects.filter(pk=stack_id).values_list("stamp", flat=True).first()
    ticket = looks.watched(store_of(stack_id), follower_of(stack_id), stamp)
    if ticket is not None:
        read_template.delay(stack_id, ticket)


def lines(stack_id: int, first: int) -> Mapping[str, Any]:
    """Return a template's lines from number `first` (from 0) on; see `Look.since`."""
    drawn = partial(draw, stack_id, first=first)
    note = partial(draw_note, stack_id)
    return looks.since(f"template-{stack_id}", first, contents_of(stack_id), drawn, note)


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
