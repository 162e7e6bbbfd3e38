"""A wiki is written in place; every text is kept, and nobody overwrites another unseen."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.projects.models import Project
from apps.wiki import writing
from apps.wiki.compare import compared
from apps.wiki.forms import LONGEST_TEXT
from apps.wiki.models import Page, Revision
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, Any]:
    names = ("owner", "contributor", "viewer", "stranger")
    return {name: make_user(name, reads_everything=False) for name in names}


@pytest.fixture
def project(people: dict[str, Any]) -> Project:
    roles = {name: people[name] for name in ("owner", "contributor", "viewer")}
    return make_project("Checkout", **roles)


def as_user(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def writer(people: dict[str, Any]) -> Client:
    return as_user(people["contributor"])


WIKI = "/projects/checkout/wiki/"


def test_the_readme_is_written_in_place(project: Project, writer: Client):
    assert "Nothing is written yet" in writer.get(WIKI).text
    assert not Page.objects.exists()
    values = {"title": "README", "text": "# What it is\n\nTakes **money**.", "base": "0"}
    answer = writer.post(f"{WIKI}readme/edit/", values)
    assert answer["Location"] == f"{WIKI}readme/"
    page = writer.get(WIKI).text
    assert "<h2>What it is</h2>" in page
    assert "<strong>money</strong>" in page
    assert "Revision 1" in page


def test_every_text_stays_and_can_be_said_again(project: Project, writer: Client):
    path = f"{WIKI}readme/"
    for number, text in enumerate(("first\nline", "second\nline")):
        writer.post(f"{path}edit/", {"title": "README", "text": text, "base": str(number)})
    assert "second" in writer.get(path).text
    history = writer.get(f"{path}history/").text
    assert history.count("No word of what changed") == 2
    old = writer.get(f"{path}history/1/").text
    assert "first" in old
    changed = writer.get(f"{path}history/2/").text
    assert "Removed: </span>first" in changed
    assert "Added: </span>second" in changed
    writer.post(f"{path}history/1/", {"base": "2"})
    assert Page.objects.get().newest.text == "first\nline"
    assert Revision.objects.count() == 3
    # Said again of a page that is another one by now: not unseen.
    told = writer.post(f"{path}history/2/", {"base": "2"}, follow=True).text
    assert "Somebody wrote the page meanwhile" in told
    assert Revision.objects.count() == 3


def test_the_second_of_two_writers_is_told_and_loses_nothing(
    project: Project, people: dict[str, Any], writer: Client
):
    path = f"{WIKI}readme/edit/"
    other = as_user(people["owner"])
    writer.post(path, {"title": "README", "text": "old", "base": "0"})
    other.post(path, {"title": "README", "text": "theirs", "base": "1"})
    page = writer.post(path, {"title": "Mine", "text": "mine <b>", "said": "why", "base": "1"})
    assert page.status_code == 409
    assert "owner</" in page.text or "owner" in page.text
    assert "Nothing of yours is lost" in page.text
    assert "Added: </span>theirs" in page.text
    assert "mine &lt;b&gt;</textarea>" in page.text
    assert 'name="base" value="2"' in page.text
    assert Page.objects.get().newest.text == "theirs"
    assert writer.post(path, {"title": "Mine", "text": "both", "base": "2"}).status_code == 302
    assert [one.text for one in Revision.objects.all()] == ["both", "theirs", "old"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.sql
def test_of_two_who_save_at_the_same_moment_one_is_told(people: dict[str, Any]):
    project = make_project("Checkout", owner=people["owner"])
    page = writing.make(project, people["owner"], {"title": "Runbook", "text": "", "said": ""})
    start, told = threading.Barrier(2), []

    def save(text: str) -> None:
        try:
            start.wait(timeout=10)
            values = {"title": "Runbook", "text": text, "said": ""}
            writing.write(page, people["owner"], values, 1)
        except writing.OvertakenError as error:
            told.append(error.newest.text)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(text,)) for text in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(told) == 1
    assert Revision.objects.filter(page=page).count() == 2
    page.refresh_from_db()
    assert page.newest is not None
    assert page.newest.text == told[0]


def test_pages_are_made_found_removed_and_put_back(project: Project, writer: Client):
    for title in ("Runbook", "runbook", "History", "☃"):
        assert writer.post(f"{WIKI}new/", {"title": title, "text": "x"}).status_code == 302
    slugs = set(Page.objects.values_list("slug", flat=True))
    assert slugs == {"runbook", "runbook-2", "history-2", "page"}
    writer.post(f"{WIKI}runbook/remove/")
    assert "1 removed" in writer.get(WIKI).text
    assert "Put back" in writer.get(f"{WIKI}runbook/").text
    writer.post(f"{WIKI}runbook/put-back/")
    assert "1 removed" not in writer.get(WIKI).text


@pytest.mark.parametrize(("name", "reads"), [("viewer", 200), ("stranger", 404)])
def test_who_may_not_write_does_not(
    project: Project, people: dict[str, Any], writer: Client, name: str, reads: int
):
    writer.post(f"{WIKI}new/", {"title": "Runbook", "text": "x"})
    client = as_user(people[name])
    for path in (WIKI, f"{WIKI}runbook/", f"{WIKI}runbook/history/", f"{WIKI}runbook/history/1/"):
        assert client.get(path).status_code == reads, path
    for path in ("new/", "preview/", "runbook/edit/", "runbook/remove/", "runbook/history/1/"):
        assert client.post(WIKI + path, {"title": "t", "text": "y"}).status_code == 404, path
    assert "Edit" not in client.get(f"{WIKI}runbook/").text.partition("<main")[2]
    writer.post(f"{WIKI}runbook/remove/")
    assert client.get(f"{WIKI}runbook/").status_code == 404
    assert Revision.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"title": "", "text": "kept"}, "Give the page a title"),
        ({"title": "\u202e", "text": "kept"}, "a title that can be seen"),
        ({"title": "t" * 101, "text": "kept"}, "at most 100"),
        ({"title": "T", "text": "kept" + "x" * LONGEST_TEXT}, "letters at most"),
    ],
)
def test_bad_input_is_said_and_nothing_is_lost(
    project: Project, writer: Client, values: dict[str, str], said: str
):
    page = writer.post(f"{WIKI}new/", values)
    assert page.status_code == 422
    assert said in page.text
    assert "kept" in page.text
    assert not Page.objects.exists()


def test_hostile_text_is_stored_without_what_no_database_holds(project: Project, writer: Client):
    refused = writer.post(f"{WIKI}new/", {"title": "T", "text": "kept\x00"})
    assert (refused.status_code, "Null characters" in refused.text) == (422, True)
    writer.post(f"{WIKI}new/", {"title": "T\u200b<b>", "text": "ab\u202ec<script>x</script>"})
    page = Page.objects.get()
    assert page.newest is not None
    assert (page.title, page.newest.text) == ("T<b>", "abc<script>x</script>")
    assert "<script>x" not in writer.get(page.get_absolute_url()).text


def test_a_preview_keeps_nothing(project: Project, writer: Client):
    html = writer.post(f"{WIKI}preview/", {"text": "# Hello\n\n<script>x</script>"}).text
    assert "<h2>Hello</h2>" in html
    assert "<script>" not in html
    assert not Page.objects.exists()


def test_many_pages_and_revisions_ask_no_more(
    project: Project, people: dict[str, Any], writer: Client, django_assert_max_num_queries: Any
):
    for number in range(12):
        values = {"title": f"Page {number}", "text": "x", "said": ""}
        page = writing.make(project, people["owner"], values)
        writing.write(page, people["contributor"], values, 1)
    writer.get(f"{WIKI}page-1/")
    for path in (f"{WIKI}page-1/", f"{WIKI}page-1/history/"):
        with django_assert_max_num_queries(22):
            writer.get(path)


def test_deleting_a_project_says_that_its_wiki_goes(
    project: Project, people: dict[str, Any], writer: Client
):
    writer.post(f"{WIKI}new/", {"title": "Runbook", "text": "x"})
    page = as_user(people["owner"]).get("/projects/checkout/delete/").text
    assert "1 wiki page with every earlier text." in page


def test_what_differs_is_told_line_by_line():
    before = "\n".join(map(str, range(40)))
    after = before.replace("\n5\n", "\nfive\n").replace("\n30\n", "\n")
    told = [(line.sign, line.text) for line in compared(before, after)]
    assert ("-", "5") in told
    assert ("+", "five") in told
    assert ("-", "30") in told
    assert ("", "") in told
    assert ("", "20") not in [(sign.strip(), text) for sign, text in told]
    assert compared("same", "same") == []
