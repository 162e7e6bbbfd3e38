"""Walks over the pages of everything that is declared, on the rows of the full flights."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from apps.mirror.models import Mirrored, Operation, Scope
from apps.mirror.resource import Resource
from tests.factories import make_user
from tests.flight import PLANTED
from tests.test_register import RESOURCES, flight, scope, sweep

__all__ = ["flight", "scope"]
pytestmark = pytest.mark.django_db

BY_KIND = {resource.kind: resource for resource in RESOURCES}
PAGED = [resource.kind for resource in RESOURCES if resource.url]
SERVICES = sorted({BY_KIND[kind].app_label for kind in PAGED})
LISTED = {resource.listed: resource.app_label for resource in RESOURCES if resource.listed}
COPIES = 7
# Its page is its panel of charts, which tells it itself.
WITHOUT_NOTICE = ("cloudwatch.metric",)
# A page that no row of a kind is on tells less than the walk wants to see.
TITLE = re.compile(r"<h1>.*?</h1>", re.DOTALL)


@pytest.fixture
def reader(db: None) -> Client:
    client = Client()
    client.force_login(make_user("checkout-developer"))
    return client


@pytest.fixture
def mirrored(scope: Scope, flight: Any) -> Callable[[str], None]:
    """Fills the scope with what the full flights tell of a service."""

    def fill(service: str) -> None:
        sweep(scope, *(kind for kind in BY_KIND if BY_KIND[kind].app_label == service))

    return fill


def paged(service: str) -> list[str]:
    return [kind for kind in PAGED if BY_KIND[kind].app_label == service]


def path_of(reader: Client, kind: str) -> str:
    """The page of a kind's first row; some send one on to where the row stands."""
    url = BY_KIND[kind].url
    assert url is not None
    path = url(first(kind)).partition("#")[0]
    answer = reader.get(path)
    return str(answer["Location"]) if answer.status_code == 302 else path


def first(kind: str) -> Mirrored:
    row = BY_KIND[kind].model._default_manager.filter(gone_at=None).order_by("pk").first()
    assert isinstance(row, Mirrored), f"the flights have no {kind}"
    return row


def cost(client: Client, path: str) -> int:
    """How many queries a page costs with nothing in the cache."""
    client.get(path)  # what only the first request of a process asks
    for alias in settings.CACHES:
        caches[alias].clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200, path
    return len(captured)


@pytest.mark.parametrize("service", SERVICES)
def test_each_page_shows_its_row_to_who_may_see_it_and_to_nobody_else(service, mirrored, reader):
    stranger = Client()
    mirrored(service)
    for kind in paged(service):
        path = path_of(reader, kind)
        answer = reader.get(path)
        assert answer.status_code == 200, kind
        html = answer.content.decode()
        assert TITLE.search(html), kind
        assert PLANTED not in html, kind
        assert 'id="ages"' in html, f"{kind}: its page tells no age"
        assert " style=" not in html, kind
        assert re.search(r"<script(?![^>]*\bsrc=)", html) is None, kind
        door = stranger.get(path)
        assert (door.status_code, door["Location"][:16]) == (302, "/accounts/login/"), kind


@pytest.mark.parametrize("service", SERVICES)
def test_a_row_that_is_put_aside_and_one_that_never_was_answer_the_same(service, mirrored, reader):
    mirrored(service)
    paths = {kind: path_of(reader, kind) for kind in paged(service)}
    Scope.objects.update(parked=True)
    for kind, path in paths.items():
        # A child's page is its parent's: it has that one's number.
        nowhere = re.sub(r"/\d+", "/999999999", path)
        answers = [reader.get(one) for one in (path, nowhere)]
        assert [answer.status_code for answer in answers] == [404, 404], kind
        # Without the token of the form that signs out, which is another each time.
        said = {one.content.decode().partition("<main")[2] for one in answers}
        assert len(said) == 1, kind


@pytest.mark.parametrize("name", sorted(LISTED))
def test_each_list_answers_full_empty_and_narrowed(name, mirrored, reader):
    mirrored(LISTED[name])
    path = reverse(name)
    full = reader.get(path)
    assert full.status_code == 200
    assert PLANTED not in full.content.decode()
    for query in ("?q=nothing-is-called-so", "?state=failed&account=1&region=2", "?after=nonsense"):
        assert reader.get(path + query).status_code == 200, query
    Scope.objects.update(parked=True)
    empty = reader.get(path).content.decode()
    assert 'class="empty' in empty


@pytest.mark.parametrize("name", sorted(LISTED))
def test_what_a_list_costs_does_not_grow_with_its_rows(name, mirrored, reader):
    mirrored(LISTED[name])
    path = reverse(name)
    few = cost(reader, path)
    for resource in RESOURCES:
        if resource.listed == name:
            multiply(resource)
    assert cost(reader, path) == few


@pytest.mark.parametrize("kind", PAGED)
def test_what_a_page_costs_does_not_grow_with_what_belongs_to_its_row(kind, mirrored, reader):
    mirrored(BY_KIND[kind].app_label)
    path = path_of(reader, kind)
    few = cost(reader, path)
    for resource in RESOURCES:
        if resource.parent and resource.parent[0] == kind:
            multiply(resource)
    assert cost(reader, path) <= few


def multiply(resource: Resource) -> None:
    """Make copies of every row of a kind: same parents, other keys."""
    manager = resource.model._default_manager
    for row in list(manager.all()):
        for number in range(COPIES):
            row.pk, row.key = None, f"{row.key}-{number}"[-500:]
            row._state.adding = True
            row.save()


@pytest.mark.parametrize("service", SERVICES)
def test_searching_costs_a_constant_number_of_queries(service, mirrored, reader):
    mirrored(service)
    few = cost(reader, "/search?q=or")
    for kind in paged(service):
        multiply(BY_KIND[kind])
    assert cost(reader, "/search?q=or") == few


@pytest.mark.parametrize("kind", [kind for kind in PAGED if kind not in WITHOUT_NOTICE])
def test_each_page_says_on_top_what_of_it_cannot_be_read_and_what_cures_it(kind, mirrored, reader):
    mirrored(BY_KIND[kind].app_label)
    path = path_of(reader, kind)
    before = notice(reader, path)
    assert "cannot be read" not in before
    at = now() - timedelta(minutes=7)
    lists = Operation.objects.filter(kind=kind, operation=BY_KIND[kind].calls[0])
    assert lists.update(health="denied", last_success=at, last_error=now(), cure="Do <this>.") == 1
    told = notice(reader, path)
    assert "cannot be read since" in told
    assert f"{at:%Y-%m-%dT%H:%M:%SZ}" in told
    assert "Below is what was read until then." in told
    assert f"Denied at <code>{BY_KIND[kind].calls[0]}</code>." in told
    assert "Do &lt;this&gt;." in told
    assert f'href="/health/#scope-{Scope.objects.get().pk}"' in told
    # Open pages hear of it by the same part.
    address = re.search(r'id="hindered" data-refetch="([^"]+)"', told)
    assert address is not None
    alone = reader.get(unescape(address[1])).content.decode()
    assert "cannot be read since" in alone


def notice(reader: Client, path: str) -> str:
    """What stands above the heading of a page."""
    html = reader.get(path).content.decode()
    assert 'id="hindered"' in html, path
    return html[html.index("<main") : html.index("<h1")]
