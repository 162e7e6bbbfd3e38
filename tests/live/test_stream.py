"""The stream's endpoint: what a page hears from the first byte until it is signed out."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test import AsyncClient
from django.utils.timezone import now

from apps.dashboard import stream as streaming
from apps.live.bus import BUS, CHANGES
from apps.mirror.models import Change
from apps.mirror.tail import Tail
from apps.projects.generations import MEMO
from tests.factories import change, make_pipeline, make_scope, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]
LIST = "list:codepipeline.pipeline"


class OwnTail(Tail):
    """A tail whose thread ends with the test."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()

    def _follow(self) -> None:
        try:
            while not self.over.is_set():
                self._wake.wait(0.02)
                self._wake.clear()
                self._turn()
        finally:
            connection.close()


@pytest.fixture(autouse=True)
def tail(transactional_db: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnTail]:
    cache.clear()
    tail = OwnTail()
    monkeypatch.setattr(streaming, "TAIL", tail)
    # Ids that other tests have used up are not waited for.
    monkeypatch.setattr("apps.mirror.tail.GAP_PATIENCE", 0.0)
    yield tail
    tail.over.set()
    if tail._thread is not None:
        tail._thread.join(5)
    cache.clear()


@pytest.fixture
def user(transactional_db: Any) -> Any:
    return make_user()


class Heard:
    """The events of one open stream."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self._chunks: AsyncIterator[bytes] = aiter(response.streaming_content)

    async def next(self) -> tuple[str, Any, str]:
        """Return the next event's name, data and id."""
        text = (await asyncio.wait_for(anext(self._chunks), 5)).decode()
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
        return fields.get("event", ""), json.loads(fields.get("data", "null")), fields.get("id", "")

    async def until(self, event: str) -> tuple[Any, list[str]]:
        """Return the data of the next event of that name, and the names of those before it."""
        before = []
        while True:
            name, data, _ = await self.next()
            if name == event:
                return data, before
            before.append(name)

    async def close(self) -> None:
        """Go, as Django does it when a browser goes: what is being waited for is cancelled."""
        waiting = asyncio.create_task(anext(self._chunks))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            while True:
                await waiting
                waiting = asyncio.create_task(anext(self._chunks))
                await asyncio.sleep(0)
                waiting.cancel()


async def opened(client: AsyncClient, topics: str = "", since: Any = "", **headers: str) -> Heard:
    response = await client.get("/live/stream", {"topics": topics, "since": since}, headers=headers)
    assert response.status_code == 200
    return Heard(response)


async def signed_in(user: Any) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(user)
    return client


async def publish(text: str = "1") -> None:
    await asyncio.to_thread(BUS.publish, CHANGES, text)


async def test_a_stranger_is_sent_to_sign_in():
    response = await AsyncClient().get("/live/stream")
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]


async def test_only_reading_is_possible(user):
    client = await signed_in(user)
    assert (await client.post("/live/stream")).status_code == 405


async def test_a_stream_begins_with_how_to_retry_and_how_old_things_are(user):
    scope = await sync_to_async(make_scope)()
    heard = await opened(await signed_in(user))
    assert heard.response["Content-Type"] == "text/event-stream"
    assert heard.response["Cache-Control"] == "no-store"
    assert heard.response["X-Accel-Buffering"] == "no"
    first = await anext(heard._chunks)
    assert first == b"retry: 1000\n\n"
    name, data, _ = await heard.next()
    assert name == "heartbeat"
    assert data["now"] <= now().isoformat()
    assert list(data["scopes"]) == [str(scope.pk)]
    await heard.close()


async def test_a_page_opens_right_after_memberships_or_holdings_changed(user):
    MEMO.forget()
    heard = await opened(await signed_in(user), "touched:scope")
    data, _ = await heard.until("heartbeat")
    assert "scopes" in data
    await heard.close()


async def test_a_change_reaches_an_open_page_with_its_fragment(user):
    pipeline = await sync_to_async(make_pipeline)("checkout")
    heard = await opened(await signed_in(user), f"pipeline-row:{pipeline.pk} {LIST}")
    await heard.until("heartbeat")
    noted = await sync_to_async(change)(pipeline, "codepipeline.pipeline")
    await publish()
    name, data, change_id = await heard.next()
    assert name == "fragment"
    assert data["id"] == f"pipeline-row-{pipeline.pk}"
    assert "checkout" in data["html"]
    assert change_id == str(noted.pk)
    appeared = await sync_to_async(change)(
        pipeline, "codepipeline.pipeline", verb=Change.Verb.APPEARED
    )
    await publish()
    data, before = await heard.until("refresh")
    assert (data, before) == ({"topic": LIST}, ["fragment"])
    assert appeared.pk > noted.pk
    await heard.close()


async def test_what_a_page_missed_comes_before_what_is_new(user):
    pipeline = await sync_to_async(make_pipeline)("checkout")
    since = (await sync_to_async(change)(pipeline, "codepipeline.pipeline")).pk
    await sync_to_async(change)(pipeline, "codepipeline.pipeline")
    topics = f"pipeline-row:{pipeline.pk}"
    client = await signed_in(user)
    for header in ({}, {"Last-Event-ID": str(since)}):
        heard = await opened(client, topics, "" if header else since, **header)
        _, before = await heard.until("fragment")
        assert set(before) <= {"", "heartbeat"}
        await heard.close()


async def test_a_page_that_knows_the_newest_is_told_nothing_old(user):
    pipeline = await sync_to_async(make_pipeline)("checkout")
    newest = (await sync_to_async(change)(pipeline, "codepipeline.pipeline")).pk
    heard = await opened(await signed_in(user), f"pipeline-row:{pipeline.pk}", newest)
    _, before = await heard.until("heartbeat")
    assert before == [""]
    await heard.close()


@pytest.mark.parametrize("odd", ["²", "-1", "x", "9" * 30, "9" * 5000])
async def test_a_page_with_an_odd_memory_is_served_all_the_same(user, odd):
    heard = await opened(await signed_in(user), f"pipeline-row:{odd} log:{odd} {LIST}", odd)
    await heard.until("heartbeat")
    await heard.close()


async def test_a_heart_beats_though_the_page_is_busy(user, monkeypatch):
    monkeypatch.setattr(streaming, "HEARTBEAT", 0.1)
    pipeline = await sync_to_async(make_pipeline)("busy")
    heard = await opened(await signed_in(user), f"pipeline-row:{pipeline.pk}")
    await heard.until("heartbeat")
    busy = True

    async def moves() -> None:
        while busy:
            await sync_to_async(change)(pipeline, "codepipeline.pipeline")
            await publish()

    task = asyncio.create_task(moves())
    try:
        _, before = await heard.until("heartbeat")
        await heard.until("heartbeat")
        assert "fragment" in before
    finally:
        busy = False
        await task
        await heard.close()


@pytest.mark.parametrize(
    "how", ["signed out", "locked out", "another password", "ended elsewhere", "switched off"]
)
async def test_who_is_not_signed_in_any_more_is_told_so_and_hears_nothing_further(
    user, monkeypatch, how
):
    monkeypatch.setattr(streaming, "HEARTBEAT", 0.05)
    client = await signed_in(user)
    heard = await opened(client)
    await heard.until("heartbeat")
    if how == "signed out":
        await client.alogout()
    elif how == "locked out":
        await get_user_model().objects.aupdate(is_active=False)
    elif how == "ended elsewhere":
        # From another browser's list of sessions.
        other = await signed_in(user)
        assert (await other.get("/people/me/security/")).status_code == 200
        assert (await other.post("/people/me/sessions/end-others/")).status_code == 302
    elif how == "switched off":
        administrator = await signed_in(await sync_to_async(make_user)("admin", staff=True))
        assert (await administrator.post(f"/people/{user.pk}/deactivate/")).status_code == 302
    else:
        user.set_password("something else")
        await user.asave()
    data, before = await heard.until("bye")
    assert data == {"to": "/accounts/login/"}
    assert set(before) <= {"heartbeat"}
    with pytest.raises(StopAsyncIteration):
        await anext(heard._chunks)


async def test_a_page_that_goes_is_forgotten(user, tail):
    heard = await opened(await signed_in(user), LIST)
    await heard.until("heartbeat")
    assert len(tail._listeners) == 1
    await heard.close()
    assert tail._listeners == set()


async def test_a_page_that_goes_before_it_was_begun_is_forgotten(user, tail, monkeypatch):
    go = threading.Event()
    begun = streaming._begin

    def slow(listener: Any, since: Any) -> None:
        go.wait(5)
        begun(listener, since)

    monkeypatch.setattr(streaming, "_begin", slow)
    heard = await opened(await signed_in(user), LIST)
    await anext(heard._chunks)
    waiting = asyncio.create_task(anext(heard._chunks))
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert tail._listeners == set()


async def test_a_page_that_reads_too_slowly_fetches_itself_anew(user, tail, monkeypatch):
    monkeypatch.setattr(streaming, "MOST_WAITING", 3)
    pipeline = await sync_to_async(make_pipeline)("busy")
    heard = await opened(await signed_in(user), f"pipeline-row:{pipeline.pk}")
    await heard.until("heartbeat")
    (listener,) = tail._listeners
    from apps.mirror.listener import Message

    for number in range(20):
        listener.send(Message("fragment", json.dumps({"number": number})))
    await asyncio.sleep(0.02)
    names = [(await heard.next())[0] for _ in range(4)]
    assert names == ["fragment", "fragment", "fragment", "refresh"]
    await heard.close()
