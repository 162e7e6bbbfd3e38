"""Projects are made, changed and deleted by whom they belong to, and bad input loses nothing."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.codepipeline.models import Pipeline
from apps.projects import deeds
from apps.projects.models import Holding, Membership, Project
from tests.factories import make_pipeline, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Any:
    return make_user("owner", reads_everything=False)


@pytest.fixture
def client(owner: Any) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def base_in(page: str) -> str:
    """The version that a page's form goes on from."""
    return page.partition('name="base" value="')[2].partition('"')[0]


def test_whoever_makes_a_project_owns_it(client: Client, owner: Any):
    answer = client.post("/projects/new/", {"name": "Checkout & Co", "tags": "shop, payments,shop"})
    project = Project.objects.get()
    assert re.fullmatch(r"/projects/checkout-co-[a-z0-9]{5}/", answer["Location"])
    assert (project.name, project.tags) == ("Checkout & Co", ["shop", "payments"])
    assert Membership.objects.get(project=project).role == "owner"


def test_names_are_told_apart_and_places_never_collide(client: Client):
    client.force_login(make_user("administrator", staff=True))
    for name in ("New", "new!", "Ünïcode ☃", "☃"):
        assert client.post("/projects/new/", {"name": name}).status_code == 302, name
    slugs = set(Project.objects.values_list("slug", flat=True))
    assert slugs == {"new-2", "new-3", "unicode", "project"}
    for slug in slugs:
        assert client.get(f"/projects/{slug}/").status_code == 200


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": ""}, "Give the project a name"),
        ({"name": " \u200b\u202e "}, "a name that can be seen"),
        ({"name": "x" * 101}, "100 letters at most"),
        ({"name": "checkout"}, "Another project has this name"),
        ({"name": "A", "links": "javascript:alert(1) x"}, "no address that can be opened"),
        ({"name": "A", "links": "https://user:pw@example.com"}, "no address that can be opened"),
        ({"name": "A", "links": "\n".join(["https://example.com x"] * 13)}, "At most 12 links"),
        ({"name": "A", "links": "https://[broken"}, "no address that can be opened"),
        ({"name": "A", "tags": "t" * 33}, "longer than 32"),
        ({"name": "A", "tags": ",".join(map(str, range(13)))}, "At most 12 tags"),
    ],
)
def test_bad_input_is_said_at_its_field_and_nothing_is_lost(
    client: Client, owner: Any, values: dict[str, str], said: str
):
    make_project("Checkout", viewer=owner)
    page = client.post("/projects/new/", {"description": "kept <b>text</b>", **values})
    assert page.status_code == 422
    assert said in page.text
    assert "kept &lt;b&gt;text&lt;/b&gt;" in page.text
    assert Project.objects.count() == 1


def test_settings_are_changed_by_owners_and_begin_with_what_is_there(client: Client, owner: Any):
    project = make_project("Checkout", owner=owner)
    path = f"/projects/{project.slug}/settings/"
    values = {
        "name": "Checkout 2",
        "description": "Takes money.",
        "links": "https://example.com/runbook The Runbook\nhttps://example.com/x",
        "tags": "a, b",
    }
    values["base"] = base_in(client.get(path).text)
    assert client.post(path, values).status_code == 302
    project.refresh_from_db()
    assert project.slug == "checkout"
    assert project.links == [
        {"label": "The Runbook", "url": "https://example.com/runbook"},
        {"label": "example.com", "url": "https://example.com/x"},
    ]
    page = client.get(path).text
    assert "https://example.com/runbook The Runbook" in page
    again = {**values, "name": "CHECKOUT 2", "base": base_in(page)}
    assert client.post(path, again).status_code == 302


def test_of_two_who_change_settings_at_once_the_second_is_told(client: Client, owner: Any):
    project = make_project("Checkout", owner=owner)
    path = f"/projects/{project.slug}/settings/"
    mine, theirs = (base_in(client.get(path).text) for _ in range(2))
    values = {"name": "Checkout", "description": "", "links": "", "tags": ""}
    they = {**values, "links": "https://example.com/theirs <b>", "base": theirs}
    assert client.post(path, they).status_code == 302
    for base in (mine, "", "nonsense"):
        page = client.post(path, {**values, "description": "Mine.", "base": base})
        assert page.status_code == 409
        assert "Somebody changed the project meanwhile" in page.text
        assert "<dt>Links</dt>" in page.text
        assert "https://example.com/theirs &lt;b&gt;" in page.text
        assert "Mine." in page.text
    project.refresh_from_db()
    assert (len(project.links), project.description) == (1, "")
    # Having read it, they put theirs in its place.
    again = {**values, "description": "Mine.", "base": base_in(page.text)}
    assert client.post(path, again).status_code == 302
    project.refresh_from_db()
    assert (project.links, project.description) == ([], "Mine.")


def test_a_name_that_one_knows_of_is_refused(owner: Any):
    deeds.create(owner, {"name": "Checkout"})
    with pytest.raises(deeds.RefusedError, match="Another project has this name"):
        deeds.create(owner, {"name": "checkout"})
    assert [str(one) for one in Project.objects.all()] == ["Checkout"]


def test_nobody_learns_by_names_and_addresses_which_projects_there_are(client: Client):
    make_project("Acquisition X")
    other = make_user("other", reads_everything=False)
    client.force_login(other)
    told = []
    for name in ("Acquisition X", "Nobody has this"):
        answer = client.post("/projects/new/", {"name": name})
        assert answer.status_code == 302
        told.append(re.fullmatch(r"/projects/[a-z-]+-[a-z0-9]{5}/", answer["Location"]))
    assert all(told), told
    mine = Project.objects.get(name="Nobody has this")
    path = f"/projects/{mine.slug}/settings/"
    make_project("Acquisition Y")
    for name in ("acquisition x 2", "acquisition y"):
        values = {"name": name, "base": base_in(client.get(path).text)}
        assert client.post(path, values).status_code == 302


def test_who_sees_every_project_gives_plain_addresses(client: Client):
    client.force_login(make_user("administrator", staff=True))
    found = [client.post("/projects/new/", {"name": name})["Location"] for name in ("A B", "A-B")]
    assert found == ["/projects/a-b/", "/projects/a-b-2/"]


def test_deleting_says_what_goes_and_touches_nothing_else(client: Client, owner: Any):
    only, shared = make_pipeline("only"), make_pipeline("shared")
    project = make_project("Checkout", only, shared, owner=owner)
    make_project("Shop", shared)
    path = f"/projects/{project.slug}/delete/"
    page = client.get(path).text
    assert "1 membership." in page
    assert "2 resources with their history here. 1 of them is in no other project" in page
    assert client.post(path, {"name": "checkout"}).status_code == 422
    assert Project.objects.count() == 2
    assert client.post(path, {"name": "Checkout"}).status_code == 302
    assert [str(one) for one in Project.objects.all()] == ["Shop"]
    assert Pipeline.objects.count() == 2
    assert Holding.objects.count() == 1
    assert client.get(f"/projects/{project.slug}/").status_code == 404
    assert client.get(only.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("role", ["contributor", "viewer", ""])
def test_others_neither_change_nor_delete_it(client: Client, owner: Any, role: str):
    project = make_project("Checkout", **({role: owner} if role else {}))
    for page in ("settings", "delete"):
        path = f"/projects/{project.slug}/{page}/"
        assert client.get(path).status_code == 404
        assert client.post(path, {"name": "Checkout"}).status_code == 404
    assert Project.objects.get().name == "Checkout"


def test_an_administrator_looks_after_projects_without_being_in_them(client: Client):
    project = make_project("Checkout")
    administrator = Client()
    administrator.force_login(make_user("administrator", staff=True))
    for page in ("", "team/", "settings/", "delete/"):
        path = f"/projects/{project.slug}/{page}"
        assert administrator.get(path).status_code == 200
        assert client.get(path).status_code == 404
    reader = Client()
    reader.force_login(make_user("auditor"))
    assert reader.get(f"/projects/{project.slug}/").status_code == 200
    assert reader.get(f"/projects/{project.slug}/settings/").status_code == 404
