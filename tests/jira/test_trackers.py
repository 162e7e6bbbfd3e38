"""Trackers that move: another key, another result of a query, and one that cannot be read."""

from copy import deepcopy
from typing import Any

import pytest
import requests

from apps.issues.models import Issue, Tracker
from apps.jira import following
from apps.mirror.hints import follow_hints
from apps.mirror.models import Change, Hint, Operation, ReadToEnd, Sweep
from apps.mirror.provider import PROVIDERS, Health
from apps.mirror.resource import Names
from apps.mirror.sweep import reread
from tests.sites.flight import Said
from tests.sites.people import SELECTION

from .test_sweep import PROJECT, pages, sweep, told

pytestmark = [pytest.mark.django_db, pytest.mark.sql]

OVERDUE = "(duedate < now() AND resolution = EMPTY)"


def store(key: str) -> str:
    return key.replace("SHOP-", "STORE-")


def rekeyed(flown: Any) -> None:
    """The project SHOP is called STORE by now; Jira knows it by both keys."""
    project = deepcopy(flown._plays["jira:GetProject"]({"key": "SHOP"}).body)
    issues = pages(flown)
    for issue in issues.values():
        issue["key"] = store(issue["key"])
        issue["fields"]["project"] = {"key": "STORE"}
    plays, projects = flown._plays["jira:SearchIssues"], flown._plays["jira:GetProject"]
    known = {"SHOP": {**project, "key": "STORE"}, "STORE": {**project, "key": "STORE"}}
    flown.on("jira:GetProject", lambda one: known.get(one["key"]) or projects(one))

    def search(params: Any) -> Any:
        if params["jql"] in (PROJECT, PROJECT.replace("SHOP", "STORE")):
            return {"issues": list(issues.values()), "isLast": True}
        if params["jql"].startswith(OVERDUE):
            found = [{**one, "key": store(one["key"])} for one in plays(params).body["issues"]]
            return {"issues": found, "isLast": True}
        return plays(params)

    flown.on("jira:SearchIssues", search).on("jira:CountIssues", {"count": 3})
    by_key = {one["key"]: one for one in issues.values()}
    flown.on(
        "jira:GetIssue",
        lambda one: (
            by_key.get(one["key"].replace("SHOP-", "STORE-"))
            or Said({"errorMessages": ["Issue does not exist"]}, 404)
        ),
    )


def test_a_project_with_another_key_keeps_its_rows_and_those_of_its_issues(site, flown):
    sweep(site.scope)
    tracker, issue = Tracker.objects.get(key="SHOP"), told("SHOP-12")
    ids = set(Issue.objects.values_list("pk", flat=True))
    rekeyed(flown)
    before = len(flown.asked)
    sweep(site.scope, "jira.tracker")
    tracker.refresh_from_db()
    issue.refresh_from_db()
    assert (tracker.key, tracker.prefix, tracker.was) == ("STORE", "STORE", ["SHOP"])
    assert tracker.gone_at is None
    assert (issue.key, issue.arn, issue.was) == ("STORE-12", "STORE-12", ["SHOP-12"])
    assert issue.url == "https://example.atlassian.net/browse/STORE-12"
    assert issue.parent_key == "STORE-1"
    assert list(Issue.objects.keyed("SHOP-12")) == [issue]
    # Read on by the new key nothing is read twice, and every sweep finds it so.
    sweep(site.scope)
    sweep(site.scope, deep=True)
    assert set(Issue.objects.values_list("pk", flat=True)) == ids
    assert not Issue.objects.exclude(gone_at=None).exists()
    assert Tracker.objects.filter(gone_at=None).count() == 4
    assert not [
        name for name, params in flown.asked[before:] if params.get("expand") == "changelog"
    ]
    assert not ReadToEnd.objects.filter(kind="jira.issue", parent_key="SHOP").exists()
    changes = Change.objects.filter(kind="jira.tracker", key="STORE")
    assert changes.filter(verb=Change.Verb.CHANGED).exists()


def test_a_webhook_of_a_project_with_another_key_is_followed(site, flown):
    sweep(site.scope)
    fresh = pages(flown)["SHOP-12"]
    rekeyed(flown)
    sweep(site.scope, "jira.tracker")
    fresh |= {"key": "STORE-99", "id": "7799"}
    fresh["fields"]["project"] = {"key": "STORE"}
    flown.on("jira:GetIssue", fresh)
    reach = PROVIDERS.get("jira").open(site.scope)
    reread(site.scope, reach, "jira.issue", [Names(kind="jira.issue", key="STORE-99")])
    assert told("STORE-99").tracker.key == "STORE"


def test_an_issue_that_was_read_by_its_new_key_already_stands_in_no_ones_way(site, flown):
    sweep(site.scope)
    rekeyed(flown)
    sweep(site.scope, "jira.issue")
    sweep(site.scope)
    assert told("STORE-12").gone_at is None
    present = Issue.objects.filter(gone_at=None).values_list("issue_id", flat=True)
    assert len(set(present)) == len(present)


def test_an_issue_that_leaves_a_query_is_asked_how_it_stands(site, flown):
    sweep(site.scope)
    assert told("OPS-3").category != "done"
    Hint.objects.all().delete()
    plays = flown._plays["jira:SearchIssues"]
    left = [issue for issue in found_by(plays, "key") if issue["key"] != "OPS-3"]

    def search(params: Any) -> Any:
        if params["jql"].startswith(OVERDUE):
            return {"issues": left if params["fields"] == "key" else [], "isLast": True}
        return plays(params)

    ops = next(one for one in found_by(plays, "summary") if one["key"] == "OPS-3")
    ops["fields"]["status"] = {"name": "Done", "statusCategory": {"key": "done"}}
    flown.on("jira:SearchIssues", search).on("jira:GetIssue", ops)
    sweep(site.scope, "jira.tracker")
    follow_hints(site.scope_id)
    assert told("OPS-3").category == "done"
    # It is asked once.
    sweep(site.scope, "jira.tracker")
    assert not Hint.objects.filter(kind="jira.issue", echo=False).exists()


@pytest.mark.parametrize("most", [100, 0])
def test_an_issue_that_a_query_finds_though_nobody_did_anything_to_it_is_read(
    site, flown, monkeypatch, most
):
    """It is overdue since midnight: it stands far behind what was done to since."""
    monkeypatch.setattr(following, "MOST_ALONE", most)
    plays = flown._plays["jira:SearchIssues"]
    before = [one for one in found_by(plays, "summary") if one["key"] != "OPS-3"]
    late = next(one for one in found_by(plays, "summary") if one["key"] == "OPS-3")
    late["fields"]["updated"] = "2020-01-01T00:00:00.000+0000"

    def search(params: Any) -> Any:
        if not params["jql"].startswith(OVERDUE):
            return plays(params)
        # What is read newest first comes to the old one on its second page alone.
        if "nextPageToken" in params or params["fields"] == "key":
            return {
                "issues": [late, *before] if params["fields"] == "key" else [late],
                "isLast": True,
            }
        return {"issues": before, "nextPageToken": "2"}

    flown.on(
        "jira:SearchIssues",
        lambda params: (
            {"issues": before, "isLast": True}
            if params["jql"].startswith(OVERDUE)
            else plays(params)
        ),
    )
    sweep(site.scope)
    assert not Issue.objects.filter(key="OPS-3").exists()
    flown.on("jira:SearchIssues", search).on("jira:GetIssue", late)
    sweep(site.scope, "jira.tracker")
    follow_hints(site.scope_id)
    sweep(site.scope, "jira.issue")
    assert told("OPS-3").issue_id == late["id"]
    Hint.objects.all().delete()
    sweep(site.scope, "jira.tracker")
    assert not Hint.objects.filter(row_key="OPS-3").exists()


def found_by(plays: Any, fields: str) -> list[dict[str, Any]]:
    """Return what the flight's query finds."""
    asked = {"jql": f"{OVERDUE} ORDER BY updated DESC, key DESC", "fields": fields}
    return deepcopy(plays(asked).body["issues"])


@pytest.mark.parametrize(
    ("refusal", "health"),
    [
        (requests.ReadTimeout("too slow"), Health.UNREACHABLE),
        (Said({"errorMessages": ["It broke"]}, 500), Health.FAILING),
        (Said({"errorMessages": ["No"]}, 403), Health.DENIED),
    ],
)
def test_a_query_that_cannot_be_read_stays_and_keeps_none_of_the_others(
    site, flown, monkeypatch, refusal, health
):
    monkeypatch.setattr("apps.sites.reach.time.sleep", lambda _seconds: None)
    # Another query that Jira rejects would be told of the same operation.
    flown.selection = {**SELECTION, "queries": SELECTION["queries"][:1]}
    works = flown._plays["jira:SearchIssues"]

    def search(params: Any) -> Any:
        return refusal if params["jql"].startswith(OVERDUE) else works(params)

    flown.on("jira:SearchIssues", search)
    sweep(site.scope)
    assert set(Tracker.objects.values_list("key", flat=True)) == {"SHOP", "LEGACY"}
    assert told("SHOP-12").tracker.key == "SHOP"
    flown.on("jira:SearchIssues", works)
    sweep(site.scope)
    flown.on("jira:SearchIssues", search)
    before = Tracker.objects.filter(key="Overdue").values().get()
    sweep(site.scope)
    assert Tracker.objects.filter(key="Overdue").values().get() == before
    row = Operation.objects.get(kind="jira.tracker", operation="jira:SearchIssues")
    assert (row.health, row.error.startswith("Overdue: "), bool(row.cure)) == (health, True, True)


def test_where_not_one_of_them_can_be_read_the_list_was_not(site, flown, monkeypatch):
    monkeypatch.setattr("apps.sites.reach.time.sleep", lambda _seconds: None)
    broken = Said({"errorMessages": ["It broke"]}, 500)
    flown.on("jira:SearchIssues", broken).on("jira:GetProject", broken)
    assert sweep(site.scope, "jira.tracker") == [None]
    assert Sweep.objects.get(kind="jira.tracker").last_success is None


def test_a_mistake_of_our_own_is_no_trackers_trouble(site, flown, monkeypatch, caplog):
    """Its trace belongs in the log, and nothing is told of an operation without a name."""

    def breaks(*_args: Any, **_options: Any) -> None:
        raise KeyError("ours")

    sweep(site.scope)
    monkeypatch.setattr("apps.jira.collect.project_record", breaks)
    assert sweep(site.scope, "jira.tracker") == [None]
    assert not Operation.objects.filter(operation="").exists()
    assert [record.message for record in caplog.records if record.exc_info] == ["sweep.failed"]
    assert not Tracker.objects.exclude(gone_at=None).exists()
