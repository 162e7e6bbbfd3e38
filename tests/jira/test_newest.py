"""Lists of issues are read down to where they were read: nothing is lost behind what is known."""

from typing import Any

import pytest

from apps.issues.models import Issue
from apps.jira import issues as reading
from apps.mirror.models import ReadToEnd
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import Names
from apps.mirror.sweep import reread
from tests.sites.flight import Said

from .test_sweep import PROJECT, pages, sweep, told

pytestmark = pytest.mark.django_db


def at(minute: int) -> str:
    return f"2026-11-29T11:{minute:02}:00.000+0000"


def many(flown: Any, count: int, minute: int = 0) -> list[dict[str, Any]]:
    """Issues of the project, the newest first."""
    like = pages(flown)["SHOP-9"]
    return [
        {
            **like,
            "id": str(50_000 + number),
            "key": f"SHOP-{500 + number}",
            "fields": {**like["fields"], "summary": f"n{number}", "updated": at(minute)},
        }
        for number in range(count, 0, -1)
    ]


def shown(flown: Any, found: list[dict[str, Any]], breaks_at: int | None = None) -> None:
    """Let the project's search show these from now on; it breaks before a page."""
    plays = flown._plays["jira:SearchIssues"]

    def search(params: Any) -> Any:
        if params["jql"] != PROJECT:
            return plays(params)
        begin, size = int(params.get("nextPageToken", 0)), int(params["maxResults"])
        if begin // size == breaks_at:
            return Said({"errorMessages": ["no"]}, 403)
        page = {"issues": found[begin : begin + size], "isLast": begin + size >= len(found)}
        return page if page["isLast"] else {**page, "nextPageToken": str(begin + size)}

    flown.on("jira:SearchIssues", search)


def test_what_was_done_unheard_is_found_behind_a_page_of_what_was_heard(site, flown):
    first = many(flown, 30)
    shown(flown, first)
    sweep(site.scope)
    heard = [{**one, "fields": {**one["fields"], "updated": at(30)}} for one in first[:29]]
    unheard = {**first[29], "fields": {**first[29]["fields"], "summary": "!", "updated": at(20)}}
    shown(flown, [*heard, unheard])
    by_key = {one["key"]: one for one in heard}
    flown.on("jira:GetIssue", lambda params: by_key[params["key"]])
    reach = PROVIDERS.get("jira").open(site.scope)
    reread(site.scope, reach, "jira.issue", [Names(kind="jira.issue", key=key) for key in by_key])
    sweep(site.scope, "jira.issue")
    assert told(unheard["key"]).title == "!"
    # From then on one page is enough.
    before = len(flown.calls("jira:SearchIssues"))
    sweep(site.scope, "jira.issue")
    asked = [one for one in flown.calls("jira:SearchIssues")[before:] if one["jql"] == PROJECT]
    assert len(asked) == 1


def test_a_long_list_is_written_while_it_is_read_and_read_again_where_it_was_cut_off(
    site, flown, monkeypatch
):
    monkeypatch.setattr(reading, "HELD", 300)
    monkeypatch.setattr("apps.mirror.reading.GULP", 100)
    found = many(flown, 1_000)
    shown(flown, found, breaks_at=8)
    sweep(site.scope)
    assert Issue.objects.filter(tracker__key="SHOP").count() > 500
    assert not ReadToEnd.objects.filter(kind="jira.issue", parent_key="SHOP").exists()
    shown(flown, found)
    sweep(site.scope, "jira.issue")
    assert Issue.objects.filter(issue_id__gt="50000").count() == 1_000
    assert ReadToEnd.objects.filter(kind="jira.issue", parent_key="SHOP").exists()


def test_the_lease_is_renewed_page_by_page(site, flown):
    """What takes longer than a lease would be begun by another worker, too."""
    from apps.mirror.ask import Ask, Parent

    sweep(site.scope, "jira.tracker")
    shown(flown, many(flown, 450))
    parent = Parent(key="SHOP", fields={"query": "", "state": ""})
    ask = Ask(parents=(parent,), unended=frozenset({"SHOP"}))
    answers = reading.issues(flown.reach(), ask)
    next(answers)
    assert len([one for one in flown.calls("jira:SearchIssues") if one["jql"] == PROJECT]) == 1


def test_comments_that_were_not_read_are_read_by_the_next_sweep(site, flown):
    works = flown._plays["jira:GetComments"]
    flown.on("jira:GetComments", Said({"errorMessages": ["no"]}, 403))
    sweep(site.scope)
    assert [one["id"] for one in told("SHOP-12").comments] != ["101", "103"]
    flown.on("jira:GetComments", works)
    known = flown._plays["jira:GetIssue"]
    whole = pages(flown)["SHOP-12"]
    flown.on("jira:GetIssue", lambda one: whole if one["key"] == "SHOP-12" else known(one))
    sweep(site.scope, "jira.issue")
    assert [one["id"] for one in told("SHOP-12").comments] == ["101", "103"]
    before = len(flown.asked)
    sweep(site.scope, "jira.issue")
    assert "jira:GetIssue" not in {name for name, _ in flown.asked[before:]}


def test_an_issue_that_a_list_left_out_is_read_by_the_next_deep_look(site, flown):
    found = many(flown, 10)
    shown(flown, [*found[:4], *found[5:]])
    sweep(site.scope)
    plays: Any = flown._plays["jira:SearchIssues"]

    def keys(params: Any) -> Any:
        wanted = params["jql"] == PROJECT and params["fields"] == "key"
        return {"issues": found, "isLast": True} if wanted else plays(params)

    flown.on("jira:SearchIssues", keys)
    flown.on("jira:GetIssue", lambda params: {one["key"]: one for one in found}[params["key"]])
    sweep(site.scope, "jira.issue", deep=True)
    assert told(found[4]["key"]).title == found[4]["fields"]["summary"]
