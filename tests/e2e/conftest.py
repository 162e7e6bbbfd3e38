"""The dashboard served over HTTP inside the test's process, and a browser that is signed in."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.core.cache import cache
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from apps.codepipeline.models import Pipeline
from apps.live.bus import BUS, CHANGES
from apps.mirror.state import State
from tests.browser import DESK, PHONE
from tests.factories import change, make_user

__all__ = ["DESK", "PHONE"]


class Site:
    """A server that can be stopped and started again at the same address."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            ASGIStaticFilesHandler(get_asgi_application()),
            host="127.0.0.1",
            port=self.port,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 20
        while not self.server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.02)

    def _serve(self) -> None:
        asyncio.run(self._serve_and_hang_up())
        connections.close_all()

    async def _serve_and_hang_up(self) -> None:
        await self.server.serve()
        # A process that ends hangs up; this thread has to do it itself.
        for connection in list(self.server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0.05)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def site(transactional_db: None) -> Iterator[Site]:
    cache.clear()
    running = Site()
    running.start()
    yield running
    running.stop()
    cache.clear()


@pytest.fixture
def owner(site: Site) -> Any:
    return make_user("release-manager", staff=True)


def sign_in(context: BrowserContext, site: Site, user: Any) -> str:
    """Put a session's cookie into a browser context; return its key."""
    client = Client()
    client.force_login(user)
    key = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": key, "url": site.url}])
    return key


@pytest.fixture
def desk(page: Page, site: Site, owner: Any) -> Page:
    """A signed-in page on a desk; fails on script errors and broken policy (see tests/browser)."""
    page.set_viewport_size(DESK)
    sign_in(page.context, site, owner)
    return page


@pytest.fixture
def opened(browser: Browser, site: Site, owner: Any) -> Iterator[Callable[..., Page]]:
    """Open signed-in pages in contexts of other kinds: dark, a phone, without scripts."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_one(path: str, *, user: Any = owner, **kind: Any) -> Page:
        context = browser.new_context(locale="en-GB", timezone_id="UTC", **kind)
        context.set_default_timeout(45_000)
        contexts.append(context)
        if user is not None:
            sign_in(context, site, user)
        one = context.new_page()
        one.on("pageerror", lambda error: errors.append(str(error)))
        one.goto(site.url + path)
        return one

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def living(desk: Page, site: Site) -> Callable[[str], Page]:
    """Open a page and wait for its stream; a reload would lose the mark that is set on it."""

    def open_one(path: str) -> Page:
        desk.goto(site.url + path)
        expect(desk.locator("#live")).to_have_text("Live")
        desk.evaluate("window.sameDocument = true")
        return desk

    return open_one


def finish(pipeline: Pipeline, status: str = "Succeeded", state: str = State.DONE) -> None:
    """What reconcile does when a pipeline ends."""
    Pipeline.objects.filter(pk=pipeline.pk).update(
        status=status, state=state, urgency=0 if state == State.FAILED else 5
    )
    pipeline.refresh_from_db()
    change(pipeline, "codepipeline.pipeline")
    BUS.publish(CHANGES)


def not_reloaded(page: Page) -> bool:
    return bool(page.evaluate("window.sameDocument === true"))
