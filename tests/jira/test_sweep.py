"""What Jira says becomes rows: read newest first, whole once, and never half."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from apps.issues.models import Issue, Tracker
from apps.mirror.due import take
from apps.mirror.ingest import Event, ingest
from apps.mirror.links import links_of
from apps.mirror.models import Hint, Operation, Sweep
from apps.mirror.provider import PROVIDERS, Health
from apps.mirror.resource import Names
from apps.mirror.sweep import reread, run
from tests.sites.flight import Said

PROJECT = 'project = "SHOP" ORDER BY updated DESC, key DESC'


def sweep(scope: Any, *kinds: str, deep: bool = False) -> list[Any]:
    done = []
    for kind in kinds or ("jira.tracker", "jira.issue"):
        row = Sweep.objects.get(scope=scope, kind=kind)
        if deep:
            Sweep.objects.filter(pk=row.pk).update(deep_due_at=now() - timedelta(seconds=1))
        assert take(row)
        done.append(run(row, whole=True))
    return done


def told(key: str) -> Issue:
    return Issue.objects.get(key=key)


def pages(flown: Any) -> dict[str, Any]:
    """Return the issues that the flight's searches show, by key."""
    found = {}
    for page in ({}, {"nextPageToken": "CAEaAggD"}):
        answer = flown._plays["jira:SearchIssues"]({"jql": PROJECT, **page})
        found |= {issue["key"]: issue for issue in answer.body["issues"]}
    return deepcopy(found)


@pytest.mark.django_db
def test_a_project_and_a_query_are_trackers(site, flown):
    sweep(site.scope)
    shop = Tracker.objects.get(key="SHOP")
    assert (shop.name, shop.prefix, shop.query, shop.more) == ("Shop", "SHOP", "", True)
    assert shop.types == [{"id": "10001", "name": "Bug"}, {"id": "10002", "name": "Task"}]
    overdue = Tracker.objects.get(key="Overdue")
    assert (overdue.query, overdue.prefix, overdue.open_issues) == (
        "duedate < now() AND resolution = EMPTY ORDER BY created", "", 2,
    )  # fmt: skip
    held = [link.to_arn for link in links_of("jira.tracker", [overdue.pk])[overdue.pk]]
    assert held == ["OPS-3", "SHOP-12"]


@pytest.mark.django_db
def test_an_issue_tells_what_jira_tells(site, flown):
    sweep(site.scope)
    issue = told("SHOP-12")
    assert (issue.status, issue.category, issue.state) == ("In Review", "doing", "moving")
    assert (issue.sprint, issue.milestone, issue.parent_key) == ("Sprint 23", "2026.12", "SHOP-1")
    assert (issue.assignee, issue.reporter) == ("checkout-developer", "release-manager")
    assert issue.url == "https://example.atlassian.net/browse/SHOP-12"
    assert issue.tracker.key == "SHOP"
    assert issue.related == [
        {
            "relation": "blocks",
            "key": "SHOP-14",
            "title": "Release 2026.12",
            "url": "https://example.atlassian.net/browse/SHOP-14",
        }
    ]
    assert issue.transitions[2] == {"id": "31", "name": "Done", "to": "Done", "category": "done"}
    assert issue.body.startswith("## What happens\n\nPOST /checkout answers `500`, see [the log](")
    # The list showed two of three: the newest are read, and what is not for all is left out.
    assert [one["id"] for one in issue.comments] == ["101", "103"]
    assert issue.due.isoformat() == "2026-12-04"
    assert told("SHOP-9").resolved is not None


@pytest.mark.django_db
def test_an_issue_that_only_a_query_finds_has_no_tracker_yet(site, flown):
    sweep(site.scope)
    assert told("OPS-3").tracker is None


@pytest.mark.django_db
def test_a_query_that_jira_rejects_says_so_in_jiras_words(site, flown):
    sweep(site.scope)
    row = Tracker.objects.get(key="Nobody's")
    assert (row.status, row.state) == ("rejected", "failed")
    assert row.trouble == "The value 'NOBODY' does not exist for the field 'project'."
    gone = Tracker.objects.get(key="LEGACY")
    assert gone.trouble == "No project could be found with key 'LEGACY'."
    # It is the choice that is wrong, not the connection: the health page says which, with the cure.
    failing = Operation.objects.exclude(health=Health.OK)
    assert {(row.kind, row.operation) for row in failing} == {
        ("jira.tracker", "jira:SearchIssues"),
        ("jira.tracker", "jira:GetProject"),
    }
    searched = failing.get(operation="jira:SearchIssues")
    assert searched.error == f"Query Nobody's: {row.trouble}"
    assert "Correct it on the connection's page" in searched.cure


@pytest.mark.django_db
def test_an_idle_sweep_asks_for_one_page_of_each_tracker(site, flown):
    sweep(site.scope)
    with_asked = len(flown.asked)
    results = sweep(site.scope)
    asked = flown.asked[with_asked:]
    searches = [params for name, params in asked if name == "jira:SearchIssues"]
    # Two of the tracker's own (keys of the two queries), one page of each that can be read.
    assert len(searches) == 4
    assert not [name for name, _ in asked if name in ("jira:GetIssue", "jira:GetComments")]
    assert [result.changes for result in results] == [[], []]


@pytest.mark.django_db
def test_what_changed_is_read_and_older_pages_are_not(site, flown):
    sweep(site.scope)
    plays, issues = flown._plays["jira:SearchIssues"], pages(flown)
    issues["SHOP-14"]["fields"] |= {
        "updated": "2026-11-28T11:00:00.000+0000",
        "summary": "Release it",
    }

    def search(params):
        if params["jql"] == PROJECT and params["fields"] != "key":
            assert "nextPageToken" not in params or params["nextPageToken"] == "old"
            if params.get("nextPageToken") == "old":
                return {"issues": [issues["SHOP-9"]], "nextPageToken": "older", "isLast": False}
            page = [issues["SHOP-14"], issues["SHOP-12"]]
            return {"issues": page, "nextPageToken": "old", "isLast": False}
        return plays(params)

    flown.on("jira:SearchIssues", search)
    sweep(site.scope)
    assert told("SHOP-14").title == "Release it"


@pytest.mark.django_db
def test_a_quota_that_is_spent_in_mid_list_writes_nothing_half(site, flown):
    plays = flown._plays["jira:SearchIssues"]

    def search(params):
        if params.get("nextPageToken"):
            return Said({"errorMessages": ["Rate limit exceeded"]}, 429, {"Retry-After": "1800"})
        return plays(params)

    sweep(site.scope, "jira.tracker")
    flown.on("jira:SearchIssues", search)
    sweep(site.scope, "jira.issue")
    # The query's issues were read whole; of the project's, none that the query has not.
    assert sorted(Issue.objects.values_list("key", flat=True)) == ["OPS-3", "SHOP-12"]
    row = Operation.objects.get(kind="jira.issue", operation="jira:SearchIssues")
    assert (row.health, bool(row.cure)) == (Health.THROTTLED, True)
    flown.on("jira:SearchIssues", plays)
    sweep(site.scope, "jira.issue")
    assert Issue.objects.count() == 4
    assert Operation.objects.get(pk=row.pk).health == Health.OK


@pytest.mark.django_db
@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusal_leaves_all_rows_as_they_are(site, flown, monkeypatch, status):
    monkeypatch.setattr("apps.sites.reach.time.sleep", lambda _seconds: None)
    sweep(site.scope)
    before = list(Issue.objects.order_by("pk").values())
    flown.on("jira:SearchIssues", Said({"errorMessages": ["no"]}, status))
    sweep(site.scope, deep=True)
    assert list(Issue.objects.order_by("pk").values()) == before
    assert not Tracker.objects.exclude(gone_at=None).exists()


@pytest.mark.django_db
def test_a_token_that_jira_takes_for_nobody_buries_nothing(site, flown):
    sweep(site.scope)
    nobody = Said(
        {"issues": [], "isLast": True}, 200, {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    )
    flown.on("jira:SearchIssues", nobody).on("jira:GetProject", Said({}, 404, nobody.headers))
    sweep(site.scope)
    assert not Tracker.objects.exclude(gone_at=None).exists()
    row = Operation.objects.get(kind="jira.tracker", operation="jira:GetProject")
    assert (row.health, row.code) == (Health.CREDENTIALS, "NotSignedIn")
    assert "new token" in row.cure


def ten_thousand(jql: str, extra: int = 500):
    """A search that never seems to end, 100 a page."""

    def search(params):
        if params["fields"] == "key" or params["jql"] != jql:
            return {"issues": [], "isLast": True}
        begin = int(params.get("nextPageToken", 0))
        many = [
            {
                "id": str(number),
                "key": f"SHOP-{number}",
                "fields": {"summary": f"n{number}", "updated": "2026-11-01T00:00:00.000+0000"},
            }
            for number in range(20_000 - begin, 20_000 - begin - 100, -1)
        ]
        return {"issues": many, "nextPageToken": str(begin + 100), "isLast": False}

    return search


@pytest.mark.django_db
def test_of_more_than_ten_thousand_issues_the_newest_are_read_and_the_tracker_says_so(site, flown):
    sweep(site.scope, "jira.tracker")
    flown.on("jira:SearchIssues", ten_thousand(PROJECT))
    sweep(site.scope, "jira.issue")
    assert Issue.objects.count() == 10_000
    assert Tracker.objects.get(key="SHOP").more
    # The next reading looks at one page.
    before = len(flown.calls("jira:SearchIssues"))
    sweep(site.scope, "jira.issue")
    after = [one for one in flown.calls("jira:SearchIssues")[before:] if one["jql"] == PROJECT]
    assert len(after) == 1


@pytest.mark.django_db
def test_a_deleted_issue_vanishes_at_the_next_deep_look(site, flown):
    sweep(site.scope)
    plays, issues = flown._plays["jira:SearchIssues"], pages(flown)

    def search(params):
        if params["jql"] != PROJECT:
            return plays(params)
        return {"issues": [issues["SHOP-12"], issues["SHOP-9"]], "isLast": True}

    flown.on("jira:SearchIssues", search)
    known = flown._plays["jira:GetIssue"]
    missing = Said({"errorMessages": ["Issue does not exist"]}, 404)
    flown.on("jira:GetIssue", lambda one: missing if one["key"] == "SHOP-14" else known(one))
    sweep(site.scope, "jira.issue")
    assert told("SHOP-14").gone_at is None
    sweep(site.scope, "jira.issue", deep=True)
    assert told("SHOP-14").gone_at is not None
    assert told("SHOP-12").gone_at is None


def moved(flown: Any) -> None:
    """SHOP-14 becomes OPS-8 in Jira."""
    plays, issues = flown._plays["jira:SearchIssues"], pages(flown)
    issue = issues["SHOP-14"]
    issue["key"] = "SHOP-80"
    issue["fields"]["updated"] = "2026-11-28T12:00:00.000+0000"
    history = [{"items": [{"field": "Key", "fromString": "OLD-3", "toString": "SHOP-14"}]}]

    def search(params):
        if params["jql"] == PROJECT and params["fields"] != "key":
            return {"issues": [issue, issues["SHOP-12"], issues["SHOP-9"]], "isLast": True}
        return plays(params)

    def get(params):
        if params["key"] in ("SHOP-80", "SHOP-14"):
            more = {"changelog": {"histories": history}} if params["expand"] == "changelog" else {}
            return {**issue, **more}
        return Said({"errorMessages": ["Issue does not exist"]}, 404)

    flown.on("jira:SearchIssues", search).on("jira:GetIssue", get)


@pytest.mark.django_db
def test_a_moved_issue_takes_its_old_keys_along(site, flown):
    sweep(site.scope)
    moved(flown)
    sweep(site.scope, "jira.issue")
    assert told("SHOP-80").was == ["SHOP-14", "OLD-3"]
    assert told("SHOP-14").gone_at is not None
    # And keeps them, however often it is read.
    sweep(site.scope, "jira.issue", deep=True)
    assert told("SHOP-80").was == ["SHOP-14", "OLD-3"]


@pytest.mark.django_db
def test_a_hint_about_a_moved_issue_finds_it_under_its_new_key(site, flown):
    sweep(site.scope)
    moved(flown)
    reach = PROVIDERS.get("jira").open(site.scope)
    reread(site.scope, reach, "jira.issue", [Names(kind="jira.issue", key="SHOP-14")])
    assert told("SHOP-80").was == ["SHOP-14", "OLD-3"]
    assert told("SHOP-14").gone_at is not None


@pytest.mark.django_db
def test_webhooks_name_issues_and_nothing_of_what_is_not_chosen_is_read(site, flown):
    sweep(site.scope)
    for what, key in (
        ("jira:issue_updated", "SHOP-12"),
        ("comment_created", "SHOP-14"),
        ("jira:issue_deleted", "SHOP-99"),
        ("jira:issue_created", "SECRET-1"),
    ):
        detail = {"webhookEvent": what, "issue": {"id": "1", "key": key}}
        assert ingest("jira", [Event(site.scope.place, "jira", what, detail)]) == {site.scope_id}
    keys = list(Hint.objects.values_list("row_key", flat=True))
    assert sorted(keys) == ["SECRET-1", "SHOP-12", "SHOP-14", "SHOP-99"]
    hidden = deepcopy(pages(flown)["SHOP-12"])
    hidden |= {"key": "SECRET-1", "id": "777"}
    hidden["fields"]["project"] = {"key": "SECRET"}
    known = flown._plays["jira:GetIssue"]
    flown.on("jira:GetIssue", lambda one: hidden if one["key"] == "SECRET-1" else known(one))
    reach = PROVIDERS.get("jira").open(site.scope)
    reread(site.scope, reach, "jira.issue", [Names(kind="jira.issue", key=key) for key in keys])
    assert not Issue.objects.filter(key__in=["SECRET-1", "SHOP-99"]).exists()
    # Whether an event is good or nonsense, nothing breaks.
    for nonsense in ({}, {"issue": None}, {"issue": {"key": 7}}, []):
        ingest("jira", [Event(site.scope.place, "jira", "jira:issue_updated", nonsense)])


@pytest.mark.django_db
def test_data_center_is_read_by_v2_with_its_own_paging(db, fly):
    from tests.sites.flight import SiteFlight
    from tests.sites.people import jira_site

    base, selection = "https://jira.example.com/jira", {"projects": ["SHOP"], "queries": []}
    site = jira_site(method="pat", base_url=base, user="", selection=selection)
    flight = SiteFlight("jira", base, "pat", selection)
    flight.route("jira:GetProject", "GET", "/rest/api/2/project/{key}")
    flight.route("jira:SearchIssues", "GET", "/rest/api/2/search")
    flight.route("jira:GetFields", "GET", "/rest/api/2/field")
    many = [
        {
            "id": str(number),
            "key": f"SHOP-{number}",
            "fields": {
                "summary": f"n{number}",
                "description": "h2. As it is *written*\n# one\n|| a ||",
                "updated": "2026-11-01T00:00:00.000+0000",
                "assignee": {
                    "name": "developer",
                    "key": "JIRAUSER1",
                    "displayName": "checkout-developer",
                },
                "status": {"name": "Open", "statusCategory": {"key": "new"}},
                "customfield_10001": [
                    "com.atlassian.greenhopper.service.sprint.Sprint@1[id=1,rapidViewId=2,state=CLOSED,"
                    "name=Sprint 1,startDate=x]",
                    "com.atlassian.greenhopper.service.sprint.Sprint@2[id=2,rapidViewId=2,state=ACTIVE,"
                    "name=Sprint 2, the second,startDate=y]",
                ],
            },
            "transitions": [
                {
                    "id": "4",
                    "name": "Start",
                    "to": {"name": "Doing", "statusCategory": {"key": "indeterminate"}},
                }
            ],
        }
        for number in range(150, 0, -1)
    ]

    def search(params):
        begin, most = int(params.get("startAt", 0)), int(params["maxResults"])
        page = many[begin : begin + most]
        return {"startAt": begin, "maxResults": most, "total": len(many), "issues": page}

    flight.on("jira:SearchIssues", search)
    flight.on("jira:GetProject", {"key": "SHOP", "name": "Shop", "description": "All *of* it"})
    flight.on(
        "jira:GetFields",
        [{"id": "customfield_10001", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-sprint"}}],
    )
    fly(flight)
    sweep(site.scope)
    assert Issue.objects.count() == 150
    issue = told("SHOP-150")
    assert (issue.assignee_id, issue.sprint) == ("developer", "Sprint 2, the second")
    assert issue.body == "h2. As it is \\*written\\*\\\n\\# one\\\n\\|\\| a \\|\\|"
    assert flight.sent[0].headers["authorization"] == "Bearer t0ken"
