"""Every list can be narrowed to a project that its reader knows of, and to no other."""

from typing import Any

import pytest
from django.test import Client

from tests.factories import make_build, make_pipeline, make_project, make_scope, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer() -> Any:
    return make_user("viewer", reads_everything=False)


@pytest.fixture
def client(viewer: Any) -> Client:
    client = Client()
    client.force_login(viewer)
    return client


def shown(html: str, name: str) -> bool:
    return f">{name}<" in html.partition("<main")[2].partition("</form>")[2]


@pytest.mark.parametrize("path", ["/", "/codebuild/builds/", "/codebuild/"])
def test_a_list_is_narrowed_to_a_project(client: Client, viewer: Any, path: str):
    one, other = make_pipeline("checkout"), make_pipeline("loyalty")
    build, second = make_build("checkout-build"), make_build("loyalty-build")
    make_project("Checkout", one, build.project, viewer=viewer)
    make_project("Loyalty", other, second.project, viewer=viewer)
    make_project("Theirs")
    html = client.get(path, {"within": "checkout"}).text
    assert "checkout" in html.partition("<main")[2]
    assert "loyalty-build" not in html
    assert not shown(html, "loyalty")
    assert '<option value="checkout" selected>Checkout</option>' in html
    assert "Theirs" not in html
    both = client.get(path).text
    assert "loyalty" in both.partition("<table")[2]


def test_counts_and_pages_stay_within_the_project(client: Client, viewer: Any):
    for number in range(120):
        make_pipeline(f"p{number:03}")
    make_project("Few", make_pipeline("checkout"), viewer=viewer)
    html = client.get("/", {"within": "few"}).text
    assert "within=few" in html
    assert "All <b>1</b>" in html


@pytest.mark.parametrize("slug", ["theirs", "nobodys", "<b>"])
def test_a_project_one_may_not_know_of_is_left_out_like_none(
    client: Client, viewer: Any, slug: str
):
    make_project("Theirs", make_pipeline("secret"))
    make_project("Checkout", make_pipeline("checkout"), viewer=viewer)
    html = client.get("/codebuild/builds/", {"within": slug}).text
    assert "is no project here." in html
    assert "secret" not in html
    assert "<b>”" not in html


def test_the_build_projects_of_a_list_are_another_thing(client: Client, viewer: Any):
    build = make_build("checkout-build")
    make_project("Checkout", build.project, viewer=viewer)
    html = client.get("/codebuild/builds/", {"project": "checkout-build", "within": "checkout"})
    assert html.status_code == 200
    assert "is no project here" not in html.text


@pytest.fixture
def two_places(viewer: Any) -> None:
    """A project in one account and one in another, of which the viewer is in both."""
    for name, account in (("Checkout", "111122223333"), ("Loyalty", "444455556666")):
        make_project(name, make_pipeline(name.lower(), make_scope(account)), viewer=viewer)


@pytest.mark.parametrize("page", ["", "activity/", "resources/", "wiki/", "team/"])
def test_a_projects_pages_tell_the_age_of_its_own_accounts_alone(
    client: Client, two_places: None, page: str
):
    foot = client.get(f"/projects/checkout/{page}").text.partition("<footer")[2]
    assert "111122223333" in foot
    assert "444455556666" not in foot
    assert 'data-refetch="/ages?within=checkout"' in foot
    everywhere = client.get("/").text.partition("<footer")[2]
    assert "444455556666" in everywhere


def test_ages_do_not_tell_that_there_is_a_project(client: Client, two_places: None):
    theirs = make_project("Theirs", make_pipeline("secret", make_scope("111122223333")))
    told = {client.get("/ages", {"within": slug}).text for slug in (theirs.slug, "nobodys")}
    assert len({text.replace(theirs.slug, "nobodys") for text in told}) == 1
    assert "111122223333" not in told.pop()
    assert "111122223333" in client.get("/ages", {"within": "checkout"}).text
