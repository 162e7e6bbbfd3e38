"""What the stream and the pages ask of a stack's template; reading it is a task's work."""

from collections.abc import Mapping
from typing import Any

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
    contents = contents_of(stack_id)
    if contents is not None and contents.done:
        stamp = Stack.objects.filter(pk=stack_id).values_list("stamp", flat=True).first()
        if contents.token == stamp:
            store_of(stack_id).renew(contents)
            return
    ticket = follower_of(stack_id).watch()
    if ticket is not None:
        read_template.delay(stack_id, ticket)


def lines(stack_id: int, first: int) -> Mapping[str, Any]:
    """Return a template's lines from number `first` (from 0) on; see `Look.since`."""
    answer: dict[str, Any] = {
        "id": f"template-{stack_id}",
        "html": "",
        "first": first,
        "next": first,
        "done": False,
        "more": False,
        "fragments": [],
    }
    contents = contents_of(stack_id)
    if contents is None:
        return answer
    drawn = draw(stack_id, contents, first)
    if first <= contents.noted:
        note = {"id": f"template-{stack_id}-note", "html": draw_note(stack_id, contents)}
        answer["fragments"].append(note)
    done = contents.done and not drawn.more
    return answer | {"html": drawn.html, "next": drawn.next, "more": drawn.more, "done": done}


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
