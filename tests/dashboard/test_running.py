"""What runs where, over every service, in one list."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from apps.mirror.state import State
from apps.projects import everywhere
from tests.factories import make_project, make_scope, make_user
from tests.projects.making import make_function, make_group, make_service

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


def names(html: str) -> list[str]:
    return re.findall(r'<a class="name break" href="[^"]*">([^<]*)</a>', html)


def rows_of(client: Client, path: str = "/running/") -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200
    return names(answer.text)


@pytest.fixture
def places() -> None:
    make_function("resize")
    make_service("api")
    make_group("shop", "Failed")
    make_group("shop-staging")


def test_every_service_is_there_and_the_broken_one_first(signed_in: Client, places: None):
    html = signed_in.get("/running/").text
    assert names(html)[0] == "shop / production"
    assert set(names(html)) == {"shop / production", "shop-staging / production", "api", "resize"}
    assert "CodeDeploy" in html
    assert "111122223333 · eu-west-1" in html


def test_it_is_narrowed_by_state_words_and_place(signed_in: Client, places: None):
    make_service("elsewhere", scope=make_scope("444455556666"))
    assert rows_of(signed_in, "/running/?state=failed") == ["shop / production"]
    assert rows_of(signed_in, "/running/?q=staging") == ["shop-staging / production"]
    assert rows_of(signed_in, "/running/?account=444455556666") == ["elsewhere"]
    assert "Nothing that runs fits" in signed_in.get("/running/?q=nothing-is-called-so").text


def test_a_member_sees_what_their_projects_hold(places: None):
    viewer, client = make_user("viewer", reads_everything=False), Client()
    client.force_login(viewer)
    assert rows_of(client) == []
    make_project("Api", make_service("mine"), viewer=viewer)
    make_project("Other", make_service("also-mine"), viewer=viewer)
    make_project("Theirs", make_service("theirs"))
    assert rows_of(client) == ["also-mine", "mine"]
    assert rows_of(client, "/running/?within=api") == ["mine"]
    foreign = client.get("/running/?within=theirs").text
    assert "is no project here." in foreign
    assert names(foreign) == ["also-mine", "mine"]


def test_pages_follow_each_other_without_a_gap_or_a_double(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(everywhere, "SIZE", 3)
    made = {f"{word}-{number}" for word in ("a", "B", "é") for number in range(3)}
    for name in made:
        make_service(name)
        make_function(name, state=State.FAILED if name == "B-1" else State.DONE)
    path, seen = "/running/", []
    for _ in range(20):
        html = signed_in.get(path).text
        seen += names(html)
        onward = re.search(r'href="(\?[^"]*after=[^"]*)" rel="next"', html)
        if onward is None:
            break
        path = f"/running/{onward[1]}"
    assert seen[0] == "B-1"
    assert sorted(seen) == sorted([*made, *made])


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "W10", "bnVsbA", "WzEsMiwzLDRd", "A" * 5000, "WzFlMzAwLCAiYSIsICJiIiwgMV0"),
        # A time that there is nowhere in UTC.
        "WzAsICIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwgImVjcy5zZXJ2aWNlIiwgMV0",
    ],
)
def test_a_cursor_that_nobody_gave_out_is_the_first_page(
    signed_in: Client, places: None, cursor: str
):
    assert len(rows_of(signed_in, f"/running/?after={cursor}")) == 4


def test_what_it_costs_does_not_grow(queries: Callable[[str], int], places: None):
    few = queries("/running/")
    for number in range(30):
        make_service(f"more-{number}")
        make_group(f"group-{number}")
    assert queries("/running/") == few


def test_what_others_wrote_is_text(signed_in: Client):
    make_service("<script>alert(1)</script>")
    html = signed_in.get("/running/").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
