"""Fragments are drawn once a version and shared; pages that did not change are not sent again."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.backends.cache import SessionStore
from django.core.cache import cache, caches
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.http import quote_etag

from apps.live import fragment as fragments
from apps.live.conditional import unchanged_page
from apps.live.fragment import Fragment, Fragments

both = pytest.mark.redis


@pytest.fixture(autouse=True)
def _clean():
    for each in caches.all(initialized_only=False):
        each.clear()
    yield
    cache.clear()


@pytest.fixture
def drawn(monkeypatch) -> list[str]:
    """Which rows a template was drawn for."""
    rows: list[str] = []

    def render(_template: str, context: dict[str, Any]) -> str:
        rows.append(context["name"])
        return f"<b>{context['name']} {context['version']}</b>"

    monkeypatch.setattr(fragments, "render_to_string", render)
    return rows


def badge(name: str = "badge", version: Any = lambda context: str(context["version"])) -> Fragment:
    return Fragment(
        name=name,
        of="toy.box",
        template="toy.html",
        load=lambda ids: {pk: {"name": f"row{pk}", "version": 1} for pk in ids if pk < 9},
        version=version,
    )


@both
def test_a_picture_is_drawn_once_a_version(drawn):
    one = badge()
    assert one.render([1, 2]) == {1: "<b>row1 1</b>", 2: "<b>row2 1</b>"}
    one.render([2, 1])
    assert drawn == ["row1", "row2"]
    one.render_loaded({1: {"name": "row1", "version": 2}, 2: {"name": "row2", "version": 1}})
    assert drawn == ["row1", "row2", "row1"]


@both
def test_page_and_stream_share_the_same_bytes(drawn):
    one = badge()
    page = one.render_loaded({1: {"name": "row1", "version": 7}})
    again = one.render_loaded({1: {"name": "another name", "version": 7}})
    assert page == again == {1: "<b>row1 7</b>"}


def test_two_fragments_of_one_row_do_not_mix(drawn):
    badge("one").render([1])
    badge("two").render([1])
    assert len(drawn) == 2


def test_a_fragment_without_a_version_is_always_drawn(drawn):
    one = badge(version=None)
    one.render([1])
    one.render([1])
    assert drawn == ["row1", "row1"]


def test_rows_that_are_not_there_are_left_out(drawn):
    assert badge().render([1, 99]).keys() == {1}
    assert badge().render([]) == {}


def test_names_are_unique_because_they_become_ids():
    register = Fragments()
    one = register.add(badge("one"))
    register.add(badge("two"))
    with pytest.raises(ValueError, match="declared twice"):
        register.add(badge("one"))
    assert one.element_id(5) == "one-5"
    assert [fragment.name for fragment in register.of("toy.box")] == ["one", "two"]
    assert register.of("toy.part") == []


# --- Unchanged pages ------------------------------------------------------------------------------


class House:
    """A page, its version, and how often it was made."""

    def __init__(self) -> None:
        self.version = "1"
        self.made = 0
        self.answer = HttpResponse("page")

        @unchanged_page(lambda _request: self.version)
        def view(_request: Any) -> HttpResponse:
            self.made += 1
            return self.answer

        self.view = view

    def get(self, path: str = "/", user: int = 1, etag: str = "", **headers: str) -> HttpResponse:
        if etag:
            headers["If-None-Match"] = etag
        request = RequestFactory().get(path, headers=headers)
        request.user = SimpleNamespace(pk=user)
        request.session = SessionStore("abc")
        self.answer = HttpResponse("page")
        return self.view(request)


@pytest.fixture
def house():
    return House()


def test_a_page_the_browser_has_is_not_made_again(house):
    first = house.get()
    assert first["ETag"].startswith('W/"')
    assert first["Cache-Control"] == "private, no-cache"
    again = house.get(etag=first["ETag"])
    assert (again.status_code, again.content, house.made) == (304, b"", 1)
    assert again["ETag"] == first["ETag"]


def test_a_page_that_changed_is_made_again(house):
    before = house.get()["ETag"]
    house.version = "2"
    again = house.get(etag=before)
    assert (again.status_code, house.made) == (200, 2)
    assert again["ETag"] != before


@pytest.mark.parametrize(
    "other",
    [{"user": 2}, {"path": "/?state=failed"}, {"HX-Request": "true"}, {"X-Live": "1"}],
    ids=str,
)
def test_another_reader_question_or_form_is_another_page(house, other):
    before = house.get()["ETag"]
    assert house.get(etag=before, **other).status_code == 200


def test_an_error_is_not_remembered(house):
    before = house.get()["ETag"]
    house.version = "2"
    request = RequestFactory().get("/")
    request.user, request.session = SimpleNamespace(pk=1), SessionStore("abc")
    house.answer = HttpResponse("oh", status=500)
    assert "ETag" not in house.view(request)
    assert house.get(etag=before).status_code == 200


@pytest.mark.parametrize("odd", ["nonsense", "W/", '"', "*" * 3, quote_etag("other")])
def test_an_odd_condition_gets_the_page(house, odd):
    assert house.get(etag=odd).status_code == 200
