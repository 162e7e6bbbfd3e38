"""Issues in the API: issues and trackers, list and detail, as far as the reader may see them."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.api.models import ApiToken
from apps.issues.models import Category, Issue, Tracker
from tests import factories
from tests.api.conftest import Program
from tests.issues.making import HOSTILE, make_issue, make_site, make_tracker

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> Tracker:
    return make_tracker()


@pytest.fixture
def issue(shop: Tracker) -> Issue:
    return make_issue(shop, key="SHOP-12", title="Basket forgets items")


def keys(program: Program, **asked: Any) -> set[str]:
    return {item["key"] for item in program.json("issues", **asked)["items"]}


def test_an_issue_tells_how_it_stands_and_where_it_is(program: Program, issue: Issue) -> None:
    (item,) = program.json("issues")["items"]
    told = {
        "arn": "SHOP-12",
        "key": "SHOP-12",
        "title": "Basket forgets items",
        "status": "To Do",
        "word": "To Do",
        "state": "waiting",
        "category": "todo",
        "tracker": "SHOP",
        "tracker_id": issue.tracker_id,
        "account": "example.atlassian.net",
        "labels": ["checkout"],
        "url": f"http://testserver/issues/{issue.pk}/",
        "console_url": "https://example.atlassian.net/browse/SHOP-12",
    }
    assert {name: item[name] for name in told} == told
    detail = program.json(f"issues/{issue.pk}")
    assert {name: detail[name] for name in item} == item
    assert detail["body"] == "It *should* remember."


def test_a_detail_tells_text_comments_and_links(program: Program, issue: Issue) -> None:
    Issue.objects.filter(pk=issue.pk).update(
        comments=[{"id": "1", "author": HOSTILE, "at": "2026-03-01T12:00:00+00:00", "text": "Hi"}],
        related=[{"relation": "blocks", "key": "SHOP-13", "title": "Not to be told", "url": "x"}],
        was=["OLD-3"],
        url="javascript:alert(1)",
        tracker=None,
    )
    detail = program.json(f"issues/{issue.pk}")
    assert detail["comments"][0]["text"] == "Hi"
    assert detail["links"] == [{"relation": "blocks", "key": "SHOP-13"}]
    assert (detail["was"], detail["console_url"], detail["tracker"]) == (["OLD-3"], "", "")


def test_issues_are_narrowed(program: Program, issue: Issue) -> None:
    ops = make_tracker("OPS", make_site(host="jira.example.com"))
    other = make_issue(ops, Category.DOING, assignee="", type="Task", labels=["later"])
    assert keys(program) == {issue.key, other.key}
    for asked in (
        {"category": "doing"},
        {"state": "moving"},
        {"tracker": "OPS"},
        {"type": "Task"},
        {"label": "later"},
        {"account": "jira.example.com"},
        {"q": other.title},
    ):
        assert keys(program, **asked) == {other.key}, asked
    assert keys(program, assignee="Checkout Developer") == {issue.key}
    assert program.json("issues", 422, category="open")["errors"][0]["parameter"] == "category"


def test_a_tracker_that_cannot_be_read_says_why_in_its_keepers_words(
    program: Program, shop: Tracker
) -> None:
    words = "The value 'SHPO' does not exist."
    query = make_tracker("Urgent", query="project = SHPO", state="failed", trouble=words)
    items = {item["key"]: item for item in program.json("trackers")["items"]}
    assert (items["SHOP"]["status"], items["SHOP"]["state"]) == ("Available", "done")
    assert (items["Urgent"]["state"], items["Urgent"]["why"]) == ("failed", words)
    assert program.json(f"trackers/{query.pk}")["query"] == "project = SHPO"
    assert [one["key"] for one in program.json("trackers", state="done")["items"]] == ["SHOP"]


def test_who_may_not_know_of_an_issue_is_told_of_none(issue: Issue) -> None:
    viewer = factories.make_user("viewer", reads_everything=False)
    stranger = factories.make_user("stranger", reads_everything=False)
    factories.make_project("Checkout", issue.tracker, viewer=viewer)
    told = {}
    for user in (viewer, stranger):
        row = ApiToken(name="script", user=user)
        token = row.renew()
        row.save()
        told[user.username] = Program(token)
    assert keys(told["viewer"]) == {"SHOP-12"}
    assert keys(told["stranger"]) == set()
    assert told["stranger"].json("trackers")["items"] == []
    told["stranger"].json(f"issues/{issue.pk}", 404)
    told["stranger"].json(f"trackers/{issue.tracker_id}", 404)


@pytest.mark.sql
@pytest.mark.parametrize("path", ["issues", "trackers"])
def test_the_number_of_queries_does_not_grow_with_the_items(
    program: Program, issue: Issue, path: str
) -> None:
    program.json(path)
    with CaptureQueriesContext(connection) as few:
        program.json(path)
    for turn in range(20):
        make_issue(make_tracker(f"OPS{turn}"))
    with CaptureQueriesContext(connection) as many:
        assert len(program.json(path)["items"]) == 21
    assert len(many) <= len(few) + 1


def test_issues_go_on_page_by_page(program: Program, issue: Issue) -> None:
    for _ in range(30):
        make_issue(issue.tracker)
    items = program.everything("issues", limit=7)
    assert len({item["id"] for item in items}) == len(items) == 31
