"""Who is in no project is told so, and learns nothing of which accounts are connected."""

from typing import Any

import pytest
from django.test import Client

from tests.factories import make_pipeline, make_project, make_scope, make_user

pytestmark = pytest.mark.django_db

PAGES = ["/", "/health/", "/codebuild/builds/", "/codedeploy/", "/ecs/", "/cloudwatch/", "/source/"]
OUTSIDE = "You are in no project yet"
UNTRUE = ("No AWS account is connected", "Nothing is swept yet", "Connect an account")


@pytest.fixture
def stranger(client: Client) -> Any:
    user = make_user("stranger", reads_everything=False)
    client.force_login(user)
    return user


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("connected", [False, True])
def test_a_stranger_is_told_that_they_are_in_no_project(
    client: Client, stranger: Any, path: str, connected: bool
) -> None:
    if connected:
        make_project("Checkout", make_pipeline("orders", make_scope(label="Storefront")))
    page = client.get(path)
    assert page.status_code == 200
    assert OUTSIDE in page.text
    assert "An owner adds you or sends a link." in page.text
    for words in (*UNTRUE, "Storefront", "111122223333", "Checkout"):
        assert words not in page.text


@pytest.mark.parametrize("path", PAGES)
def test_whose_projects_hold_nothing_is_told_that(client: Client, stranger: Any, path: str) -> None:
    make_project("Checkout", viewer=stranger)
    page = client.get(path).text
    assert "Your projects hold nothing yet" in page
    assert OUTSIDE not in page
    for words in UNTRUE:
        assert words not in page


def test_who_comes_into_a_project_sees_it_at_once(client: Client, stranger: Any) -> None:
    pipeline = make_pipeline("orders")
    assert OUTSIDE in client.get("/").text
    make_project("Checkout", pipeline, viewer=stranger)
    page = client.get("/").text
    assert OUTSIDE not in page
    assert "orders" in page


@pytest.mark.parametrize("staff", [True, False])
@pytest.mark.parametrize("path", ["/", "/codebuild/builds/"])
def test_who_sees_everything_is_told_that_no_account_is_connected(
    client: Client, path: str, staff: bool
) -> None:
    client.force_login(make_user("reader", staff=staff))
    page = client.get(path).text
    assert "No AWS account is connected" in page
    assert OUTSIDE not in page
