"""The stream's endpoint: one long answer per open page, which keeps the page up to date."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from apps.mirror.health import scope_ages, visible_scopes
from apps.mirror.listener import LOST, Listener, Message, listener_for, number_in
from apps.mirror.looks import LOOKS
from apps.mirror.tail import CLOSING, TAIL, iso_now
from apps.people.sessions import note_seen

HEARTBEAT = 15.0
MOST_TOPICS = 1_000
MOST_WAITING = 1_000


@require_GET
async def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Server-sent events for the topics a page names; see live.js for the client.

    `since` is the newest change the page knows; a browser that reconnects sends Last-Event-ID.
    """
    topics = request.GET.get("topics", "").split()[:MOST_TOPICS]
    last_id = request.headers.get("Last-Event-ID") or request.GET.get("since") or ""
    user = await request.auser()
    response = StreamingHttpResponse(
        _events(request, user, topics, number_in(last_id)), content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-store"
    # nginx holds answers back unless told otherwise.
    response["X-Accel-Buffering"] = "no"
    return response


async def _events(
    request: HttpRequest, user: Any, topics: list[str], since: int | None
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Message] = asyncio.Queue()

    def send(message: Message) -> None:
        # Called by the tail's thread. A page that reads too slowly fetches itself anew instead.
        def put() -> None:
            if queue.qsize() < MOST_WAITING:
                queue.put_nowait(message)
            elif queue.qsize() == MOST_WAITING:
                queue.put_nowait(Message("refresh", json.dumps({"topic": "gap"}), message.change))

        with contextlib.suppress(RuntimeError):  # the loop is closing
            loop.call_soon_threadsafe(put)

    # In a thread: who may know of what is asked for where it moved.
    listener = await asyncio.to_thread(listener_for, user, topics, send)
    try:
        yield b"retry: 1000\n\n"
        await asyncio.to_thread(_begin, listener, since)
        yield (await asyncio.to_thread(_heartbeat, listener)).encode()
        # By the clock, not by silence: a busy page must notice a sign-out, too.
        beat_at = loop.time() + HEARTBEAT
        while True:
            try:
                message = await asyncio.wait_for(queue.get(), max(0.0, beat_at - loop.time()))
            except TimeoutError:
                if not await asyncio.to_thread(_still_signed_in, request, user.pk):
                    yield Message("bye", json.dumps({"to": "/accounts/login/"})).encode()
                    return
                message = await asyncio.to_thread(_heartbeat, listener)
                beat_at = loop.time() + HEARTBEAT
            if message.event == CLOSING:
                return
            yield message.encode()
            if message.event == LOST:
                return
    finally:
        TAIL.remove(listener)


def _begin(listener: Listener, since: int | None) -> None:
    close_old_connections()
    TAIL.add(listener)
    _watch(listener)
    TAIL.replay(listener, since)


def _heartbeat(listener: Listener) -> Message:
    """Say how old what is shown is, and keep followed logs followed."""
    close_old_connections()
    TAIL.look_again(listener)
    _watch(listener)
    TAIL.tell_looks(listener)
    ages = scope_ages(visible_scopes(listener.user))
    scopes = {str(pk): at.isoformat() for pk, at in ages.items() if at is not None}
    return Message("heartbeat", json.dumps({"now": iso_now(), "scopes": scopes}))


def _watch(listener: Listener) -> None:
    for name, row_id in listener.looks:
        look = LOOKS.by_name[name]
        if look.permitted(listener.user, row_id):
            look.watch(row_id)


def _still_signed_in(request: HttpRequest, user_id: Any) -> bool:
    close_old_connections()
    session = type(request.session)(request.session.session_key)
    fresh = HttpRequest()
    fresh.session = session
    user = get_user(fresh)
    if not (user.is_authenticated and user.is_active and user.pk == user_id):
        return False
    # A page that only stands open is seen, too.
    note_seen(request, str(session.session_key), user_id)
    return True
