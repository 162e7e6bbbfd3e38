"""What the stream and the pages ask of a build's log; reading it is `follow`'s work."""

from collections.abc import Mapping
from typing import Any

from apps.mirror.looks import LOOKS, Contents, Look

from .follow import OPERATION
from .lines import draw, draw_note, follower_of, marked_line, store_of
from .models import Build
from .tasks import follow_log

__all__ = ["OPERATION", "contents_of", "lines", "permitted", "watch"]


def permitted(user: Any, build_id: int) -> bool:
    """Whether this user may see the build, and so its log."""
    return Build.objects.visible_to(user).filter(pk=build_id).exists()


def contents_of(build_id: int) -> Contents | None:
    """Return what was read of a log, None where nothing was."""
    return store_of(build_id).open()


def watch(build_id: int) -> None:
    """Say that somebody looks at a log; somebody reads it from now on."""
    contents = contents_of(build_id)
    if contents is not None and contents.done:
        store_of(build_id).renew(contents)
        return
    ticket = follower_of(build_id).watch()
    if ticket is not None:
        follow_log.delay(build_id, ticket)


def lines(build_id: int, first: int) -> Mapping[str, Any]:
    """Return a log's lines from number `first` (from 0) on; see `Look.since`."""
    answer: dict[str, Any] = {
        "id": f"log-{build_id}",
        "html": "",
        "first": first,
        "next": first,
        "done": False,
        "more": False,
        "fragments": [],
    }
    contents = contents_of(build_id)
    if contents is None:
        return answer
    build = Build.objects.only("excerpt_line", "excerpt_mark").filter(pk=build_id).first()
    drawn = draw(build_id, contents, first, marked_line(build) if build else None)
    if first <= contents.noted:
        note = {"id": f"log-{build_id}-note", "html": draw_note(build_id, contents)}
        answer["fragments"].append(note)
    done = contents.done and not drawn.more
    return answer | {"html": drawn.html, "next": drawn.next, "more": drawn.more, "done": done}


LOOKS.add(
    Look(
        name="log",
        provider="aws",
        calls=(OPERATION,),
        permitted=permitted,
        watch=watch,
        since=lines,
    )
)
