"""Projects are found by their tags, whatever letters these are of, on every database."""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from apps.api.models import ApiToken
from apps.projects import find
from apps.projects.models import Project
from tests.api.conftest import Program
from tests.factories import make_project, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sql]

TAGS = ["Zürich", "日本", 'a "b"', "back\\slash", "100%", "_x_", "🚀", "</script>", "[x]"]


@pytest.fixture
def viewer() -> Any:
    return make_user("viewer", reads_everything=False)


@pytest.fixture
def project(viewer: Any) -> Project:
    project = make_project("Checkout", viewer=viewer)
    Project.objects.filter(pk=project.pk).update(tags=TAGS)
    other = make_project("Other", viewer=viewer)
    Project.objects.filter(pk=other.pk).update(tags=["Zürich-West", "Zur", "ax", "100", "xx"])
    return project


def found(user: Any, words: str) -> list[str]:
    return [one.title for one in find.projects(user, words, 9)]


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_finds_what_has_it_and_nothing_else(project: Project, viewer: Any, tag: str):
    assert [str(one) for one in Project.objects.matching(tag=tag)] == ["Checkout"]
    client = Client()
    client.force_login(viewer)
    # A card shows the first of many.
    tags = sorted(TAGS, key=lambda one: one != tag)
    Project.objects.filter(pk=project.pk).update(tags=tags)
    page = client.get("/projects/").text
    assert f'href="?tag={quote(tag)}"' in page
    page = client.get("/projects/", {"tag": tag}).text
    assert ">Checkout<" in page
    assert ">Other<" not in page
    row = ApiToken(name="x", user=viewer)
    token = row.renew()
    row.save()
    items = Program(token).json("projects", tag=tag)["items"]
    assert [one["tags"] for one in items] == [tags]


@pytest.mark.parametrize("words", ["Zürich", "日", "🚀", '"b"', "back\\slash", "100%", "_x_"])
def test_search_finds_tags_by_their_letters(project: Project, viewer: Any, words: str):
    assert "Checkout" in found(viewer, words)


@pytest.mark.parametrize("words", ["\\u00fc", '",', "[", "],", "u65e5", "%%"])
def test_how_tags_are_kept_finds_nothing(project: Project, viewer: Any, words: str):
    assert found(viewer, words) == []
