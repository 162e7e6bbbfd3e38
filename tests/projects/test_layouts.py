"""Tiles are moved, taken away and put back: by contributors for all, by anyone for themself."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from apps.projects import layouts
from apps.projects.deeds import OvertakenError
from apps.projects.models import Layout, Project
from apps.projects.tiles import TILES, Area
from tests.factories import hold, make_project, make_user
from tests.projects.making import make_alarm, make_deploying

pytestmark = pytest.mark.django_db
PATH = "/projects/checkout/layout/"


@pytest.fixture
def people() -> dict[str, Any]:
    names = ("viewer", "contributor", "owner", "stranger")
    return {name: make_user(name, reads_everything=False) for name in names}


@pytest.fixture
def project(people: dict[str, Any]) -> Project:
    roles = {name: user for name, user in people.items() if name != "stranger"}
    made: Project = make_project("Checkout", **roles)
    hold(made, make_alarm("slow"), make_deploying("checkout"))
    return made


def as_(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client) -> list[str]:
    """The tiles of the page, in their order."""
    html = client.get("/projects/checkout/").content.decode()
    names = (part.partition('"')[0] for part in html.split('id="tile-')[1:])
    return [name for name in names if name in TILES.by_name]


USUAL = ["delivery", "pipelines", "deployments", "alarms", "commits", "team", "wiki"]


@pytest.fixture
def usual(project: Project, people: dict[str, Any]) -> list[str]:
    return shown(as_(people["viewer"]))


def test_tiles_stand_as_services_declare_them(usual: list[str]):
    assert usual == [name for name in USUAL if name != "deployments"]


def test_a_viewer_moves_tiles_for_themself_alone(
    project: Project, people: dict[str, Any], usual: list[str]
):
    viewer = as_(people["viewer"])
    answer = viewer.post(f"{PATH}?for=mine", {"move": "wiki:up"})
    assert answer["Location"] == f"{PATH}?for=mine&moved=wiki#lay-wiki"
    mine = shown(viewer)
    assert mine.index("wiki") < mine.index("team")
    assert "This is your own layout" in viewer.get("/projects/checkout/").content.decode()
    assert shown(as_(people["owner"])) == usual
    viewer.post(f"{PATH}?for=mine", {"back": "1"})
    assert shown(viewer) == usual


def test_a_viewer_cannot_lay_out_for_everybody(project: Project, people: dict[str, Any]):
    viewer = as_(people["viewer"])
    for answer in (
        viewer.get(f"{PATH}?for=project"),
        viewer.post(f"{PATH}?for=project", {"move": "wiki:off"}),
        viewer.post(f"{PATH}?for=project", {"tiles": "{}"}),
        viewer.post(f"{PATH}?for=project", {"back": "1"}),
    ):
        assert answer.status_code == 404
    assert "For everybody" not in viewer.get(PATH).content.decode()
    assert not Layout.objects.exists()


@pytest.mark.parametrize("role", ["contributor", "owner"])
def test_whoever_may_edit_lays_out_for_everybody(
    project: Project, people: dict[str, Any], role: str
):
    as_(people[role]).post(f"{PATH}?for=project", {"move": "alarms:off"})
    assert "alarms" not in shown(as_(people["viewer"]))
    # Who has a layout of their own keeps it.
    as_(people["viewer"]).post(f"{PATH}?for=mine", {"move": "alarms:side"})
    base = layouts.stamp_of(Layout.objects.get(user=None))
    as_(people[role]).post(f"{PATH}?for=project", {"move": "wiki:off", "base": base})
    assert shown(as_(people["viewer"]))[-1] == "alarms"
    assert Layout.objects.get(user=None).tiles["off"] == ["alarms", "wiki"]


def test_of_two_who_lay_it_out_for_everybody_the_second_is_told(
    project: Project, people: dict[str, Any]
):
    path = f"{PATH}?for=project"
    client, other = as_(people["owner"]), as_(people["contributor"])
    assert 'data-base=""' in client.get(path).text
    told = other.post(path, {"tiles": json.dumps({"off": ["wiki"]}), "base": ""})
    stamp = told["X-Base"]
    kept = Layout.objects.get().tiles
    # None of these has seen that layout.
    for values in ({"move": "team:off"}, {"back": "1"}):
        page = client.post(path, {**values, "base": ""}, follow=True)
        assert "Somebody else laid the page out meanwhile" in page.text
    answer = client.post(path, {"tiles": json.dumps({"off": ["team"]}), "base": "nonsense"})
    assert answer.status_code == 409
    assert Layout.objects.get().tiles == kept
    page = client.get(path).text
    assert f'data-base="{stamp}"' in page
    assert page.count(f'name="base" value="{stamp}"') > 2
    client.post(path, {"move": "team:off", "base": stamp})
    assert Layout.objects.get().tiles["off"] == ["wiki", "team"]
    # A person's own is nobody else's to change.
    for name in ("team", "wiki"):
        client.post(f"{PATH}?for=mine", {"move": f"{name}:off"})
    assert Layout.objects.get(user=people["owner"]).tiles["off"] == ["wiki", "team"]


def test_two_who_make_the_first_layout_at_once_have_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(layouts, "_locked", lambda *_args: None)
    layouts.keep(project, None, {"off": ["wiki"]}, base="")
    with pytest.raises(OvertakenError):
        layouts.keep(project, None, {"off": ["team"]}, base="")
    assert Layout.objects.get().tiles == {"off": ["wiki"]}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_no_layout(project: Project, people: dict[str, Any], method: str):
    stranger = as_(people["stranger"])
    for path in (PATH, f"{PATH}?for=project", "/projects/never-was/layout/"):
        assert getattr(stranger, method)(path, {"move": "wiki:off"}).status_code == 404


def test_each_button_does_what_it_says(project: Project, people: dict[str, Any]):
    client = as_(people["viewer"])
    html = client.get(PATH).content.decode()
    for way in layouts.WAYS:
        assert f'value="team:{way}"' in html, way
    client.post(PATH, {"move": "team:full"})
    kept = Layout.objects.get().tiles
    assert kept["full"] == ["delivery", "pipelines", "team"]
    client.post(PATH, {"move": "team:down"})
    assert Layout.objects.get().tiles["full"] == ["delivery", "pipelines", "team"]
    client.post(PATH, {"move": "team:up"})
    assert Layout.objects.get().tiles["full"] == ["delivery", "team", "pipelines"]


def test_a_script_sends_the_whole_arrangement(project: Project, people: dict[str, Any]):
    client = as_(people["contributor"])
    wanted = {"full": ["alarms"], "side": ["wiki", "wiki", "no-such", 7, None], "off": ["team"]}
    answer = client.post(f"{PATH}?for=project", {"tiles": json.dumps(wanted)})
    assert answer.status_code == 204
    kept = Layout.objects.get(user=None).tiles
    # What it does not name stands where it would by itself.
    assert kept == {
        "full": ["alarms", "delivery", "pipelines"],
        "wide": [],
        "side": ["wiki", "commits"],
        "off": ["team"],
    }


@pytest.mark.parametrize("text", ["", "no json", "[]", "7", "[" * 20_000, '"full"', "null"])
def test_what_is_no_arrangement_is_refused(project: Project, people: dict[str, Any], text: str):
    assert as_(people["owner"]).post(PATH, {"tiles": text}).status_code == 400
    assert not Layout.objects.exists()


@pytest.mark.parametrize("move", ["", ":", "wiki", "wiki:sideways", "no-such:up", "<b>:off"])
def test_a_move_that_is_none_changes_nothing(
    project: Project, people: dict[str, Any], usual: list[str], move: str
):
    client = as_(people["viewer"])
    assert client.post(PATH, {"move": move}).status_code == 302
    assert shown(client) == usual


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        7,
        {"full": "delivery"},
        {"full": {"delivery": 1}},
        {"full": [["delivery"]], "nowhere": ["wiki"]},
        {"side": ["removed-long-ago"]},
    ],
)
def test_whatever_was_stored_every_tile_is_in_one_place(stored: Any):
    found = layouts.arranged(stored, TILES)
    names = [tile.name for tile in (*found.shown, *found.off)]
    assert sorted(names) == sorted(TILES.by_name)
    assert set(found.areas) == set(Area)


def test_a_page_without_tiles_leads_to_the_layout(project: Project, people: dict[str, Any]):
    tiles = {"off": list(TILES.by_name)}
    Layout.objects.create(project=project, user=None, tiles=tiles)
    html = as_(people["viewer"]).get("/projects/checkout/").content.decode()
    assert "Every tile was taken away" in html
    assert escape("Latest commits") in as_(people["viewer"]).get(PATH).content.decode()


def test_a_layout_goes_with_its_project_and_its_person(project: Project, people: dict[str, Any]):
    layouts.keep(project, people["viewer"], {"off": ["wiki"]})
    layouts.keep(project, None, {"off": ["team"]})
    people["viewer"].delete()
    assert [row.user for row in Layout.objects.all()] == [None]
    project.delete()
    assert not Layout.objects.exists()


def test_a_project_has_one_layout_for_everybody(project: Project):
    layouts.keep(project, None, {"off": ["wiki"]})
    layouts.keep(project, None, {"off": ["team"]})
    assert Layout.objects.get().tiles == {"off": ["team"]}
