"""What the stream and the pages ask of a build's log; reading it is `follow`'s work."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from apps.mirror import looks
from apps.mirror.linestore import Contents
from apps.mirror.looks import LOOKS, Drawn, Look

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
    ticket = looks.watched(store_of(build_id), follower_of(build_id))
    if ticket is not None:
        follow_log.delay(build_id, ticket)


def lines(build_id: int, first: int) -> Mapping[str, Any]:
    """Return a log's lines from number `first` (from 0) on; see `Look.since`."""

    def drawn(contents: Contents) -> Drawn:
        build = Build.objects.only("excerpt_line", "excerpt_mark").filter(pk=build_id).first()
        return draw(build_id, contents, first, marked_line(build) if build else None)

    note = partial(draw_note, build_id)
    return looks.since(f"log-{build_id}", first, contents_of(build_id), drawn, note)


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
