"""Pages of issues and trackers: for whom, at what cost, what they say, and what becomes of text."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.issues.models import Category, Issue, Tracker
from apps.mirror.models import Link, Operation, Scope
from apps.projects.follow import follow
from apps.projects.models import Project
from tests import factories
from tests.factories import hold, make_pipeline
from tests.source.making import make_commit, make_pull, make_repository

from .making import HOSTILE, Keeper, make_issue, make_site, make_tracker

pytestmark = pytest.mark.django_db


def paths(issue: Issue) -> list[str]:
    return [
        "/issues/",
        "/issues/trackers/",
        f"/issues/trackers/{issue.tracker_id}/",
        f"/issues/{issue.pk}/",
        f"/issues/{issue.pk}/named/",
    ]


# --- For whom -------------------------------------------------------------------------------------


def test_who_is_in_the_project_sees_its_issues_and_nobody_else(issue: Issue, browser_of: Any):
    for name in ("owner", "contributor", "viewer"):
        for path in paths(issue):
            page = browser_of(name).get(path)
            assert page.status_code == 200, path
            assert "Basket forgets items" in page.text or "Shop board" in page.text, path
    for path in paths(issue)[:2]:
        page = browser_of("stranger").get(path).text
        assert "SHOP" not in page
        assert "Basket forgets" not in page
    for path in paths(issue)[2:]:
        assert browser_of("stranger").get(path).status_code == 404, path
    assert Client().get(paths(issue)[0]).status_code == 302


def test_pages_that_read_take_no_writes(issue: Issue, browser_of: Any):
    for path in paths(issue):
        assert browser_of("owner").post(path).status_code == 405, path


# --- What they cost -------------------------------------------------------------------------------


@pytest.mark.sql
@pytest.mark.parametrize("at", range(5))
def test_the_number_of_queries_does_not_grow_with_the_rows(
    issue: Issue, project: Project, browser_of: Any, keeper: Keeper, at: int
):
    path, reader = paths(issue)[at], browser_of("contributor")
    repository = make_repository()
    hold(project, repository)
    _names(make_commit(repository, 1), "codecommit.commit", "mentions", issue.key)
    Issue.objects.filter(pk=issue.pk).update(related=[{"relation": "blocks", "key": "SHOP-1"}])
    reader.get(path)
    with CaptureQueriesContext(connection) as few:
        reader.get(path)
    for turn in range(20):
        other = make_tracker(f"OPS{turn}")
        hold(project, other)
        make_issue(other, assignee=f"Person {turn}", type=f"Type {turn}")
        make_issue(issue.tracker)
        _names(make_commit(repository, turn + 2), "codecommit.commit", "mentions", issue.key)
    links = [{"relation": "blocks", "key": one.key} for one in Issue.objects.all()[:20]]
    Issue.objects.filter(pk=issue.pk).update(related=links, comments=_comments(30))
    for model in (Issue, Tracker):
        model.objects.update(version=next(factories.number) + 10_000)
    with CaptureQueriesContext(connection) as many:
        reader.get(path)
    assert len(many) <= len(few) + 2, [query["sql"][:140] for query in many]


def _names(row: Any, kind: str, relation: str, key: str) -> Link:
    return Link.objects.create(
        from_kind=kind, from_id=row.pk, relation=relation, to_kind="jira.issue", to_arn=key
    )


def _comments(count: int) -> list[dict[str, str]]:
    at = "2026-03-01T12:00:00+00:00"
    return [{"id": str(n), "author": "Somebody", "at": at, "text": f"No {n}"} for n in range(count)]


def test_who_may_make_an_issue_is_offered_to_on_the_list(
    issue: Issue, browser_of: Any, keeper: Keeper
):
    offer = 'href="/issues/new/"'
    for name in ("owner", "contributor"):
        assert offer in browser_of(name).get("/issues/").text, name
    for name in ("viewer", "stranger"):
        assert offer not in browser_of(name).get("/issues/").text, name
    keeper.why_not = "Writing is off."
    assert offer not in browser_of("owner").get("/issues/").text


@pytest.mark.parametrize("path", ["/issues/", "/issues/trackers/"])
def test_where_nothing_keeps_issues_administrators_are_led_to_connect_it(
    people: dict[str, Any], browser_of: Any, path: str
):
    factories.make_scope()
    administrator = Client()
    administrator.force_login(factories.make_user("administrator", staff=True))
    page = administrator.get(path).text
    assert "No GitHub or Jira is connected" in page
    assert 'class="btn btn-primary" href="/sites/"' in page
    page = browser_of("stranger").get(path).text
    assert "You are in no project yet" in page
    assert "is connected" not in page
    make_tracker()
    assert "No GitHub or Jira" not in administrator.get(path).text


def test_a_list_that_nothing_happened_to_is_not_sent_again(issue: Issue, browser_of: Any):
    reader = browser_of("viewer")
    for path in paths(issue)[:3]:
        etag = reader.get(path).headers["ETag"]
        assert reader.get(path, headers={"If-None-Match": etag}).status_code == 304, path


# --- The list -------------------------------------------------------------------------------------


def rows(page: Any) -> list[str]:
    return re.findall(r'<span class="issue-key">([^<]+)</span>', page.text.partition("<main")[2])


def test_the_list_is_narrowed_by_everything_that_people_ask_for(
    issue: Issue, project: Project, browser_of: Any
):
    ops = make_tracker("OPS", make_site(host="jira.example.com"))
    hold(project, ops)
    doing = make_issue(ops, Category.DOING, assignee="", type="Task", labels=["Später", "x_y"])
    done = make_issue(issue.tracker, Category.DONE, assignee="Release Manager", labels=[])
    reader = browser_of("viewer")

    def found(**asked: Any) -> set[str]:
        return set(rows(reader.get("/issues/", asked)))

    every = {issue.key, doing.key, done.key}
    assert found() == every
    assert found(state="moving") == {doing.key}
    assert found(state="done") == {done.key}
    assert found(tracker=ops.pk) == {doing.key}
    assert found(assignee="Release Manager") == {done.key}
    assert found(assignee="-") == {doing.key}
    assert found(type="Task") == {doing.key}
    assert found(label="Später") == {doing.key}
    assert found(label="Spät") == set(), "a label is a whole one"
    assert found(label="xzy") == set(), "what databases take for any sign is none"
    assert found(state="open") == {issue.key, doing.key}
    assert found(account="jira.example.com") == {doing.key}
    assert found(site=ops.scope_id) == {doing.key}
    assert found(site=ops.scope_id, state="done") == set()
    assert found(q="forgets items") == {issue.key}
    assert issue.key in found(q="shop-12")
    assert found(within="checkout") == every


def test_what_means_nothing_in_the_address_is_told(issue: Issue, browser_of: Any):
    page = browser_of("viewer").get("/issues/", {"tracker": "999999", "state": "broken", "x": "y"})
    assert "There is no such tracker here." in page.text
    assert "is no state" in page.text
    assert "is no filter here" in page.text
    assert rows(page) == [issue.key]


def test_sites_are_offered_by_their_names_though_they_lie_at_one_host(
    issue: Issue, project: Project, browser_of: Any
):
    hold(project, make_pipeline("checkout"))
    ours, theirs, unseen = (
        Scope.objects.create(
            provider="github", place=f"github.com/{turn}", account="github.com", label=label
        )
        for turn, label in enumerate(("Ours", "Theirs", "Unseen"), 7)
    )
    for scope in (ours, theirs):
        hold(project, make_tracker(f"{scope.label.lower()}/shop", scope))
    make_tracker("unseen/shop", unseen)
    reader = browser_of("viewer")
    for path in ("/issues/", "/issues/trackers/"):
        page = reader.get(path).text
        offered = page.partition('id="filter-site"')[2].partition("</select>")[0]
        names = re.findall(r'<option value="\d+">([^<]*)</option>', offered)
        assert names == [issue.scope.account, "Ours", "Theirs"], path
        # Accounts of AWS keep no issues, and sites have no regions.
        assert "filter-account" not in page
        assert "filter-region" not in page
        assert "There is no such site here." in reader.get(path, {"site": unseen.pk}).text
    page = reader.get("/issues/trackers/", {"site": theirs.pk}).text.partition("<tbody")[2]
    assert "theirs/shop" in page
    assert "ours/shop" not in page


def test_lists_offer_only_places_in_which_such_rows_are_read(
    issue: Issue, project: Project, browser_of: Any
):
    for account in ("111122223333", "444455556666"):
        hold(project, make_pipeline(f"of-{account}", scope=factories.make_scope(account)))
    for path in ("/", "/running/", "/codebuild/builds/"):
        page = browser_of("viewer").get(path).text
        offered = page.partition('name="account"')[2].partition("</select>")[0]
        assert re.findall(r'<option value="(\d+)"', offered) == ["111122223333", "444455556666"]
        assert issue.scope.account not in offered, path


def test_a_tracker_of_others_is_not_there(issue: Issue, browser_of: Any):
    theirs = make_tracker("SECRET")
    make_issue(theirs)
    page = browser_of("viewer").get("/issues/", {"tracker": theirs.pk})
    assert "There is no such tracker here." in page.text
    assert "Secret" not in page.text.partition("<main")[2]


def test_the_list_goes_on_page_by_page(issue: Issue, browser_of: Any):
    for _ in range(120):
        make_issue(issue.tracker)
    reader = browser_of("viewer")
    page, seen = reader.get("/issues/"), []
    while True:
        seen += rows(page)
        following = re.search(r'href="(\?[^"]*after=[^"]*)" rel="next"', page.text)
        if following is None:
            break
        page = reader.get(f"/issues/{following[1].replace('&amp;', '&')}")
    assert len(seen) == len(set(seen)) == 121


def test_what_is_gone_or_not_read_yet_is_not_listed_and_has_its_page(issue: Issue, browser_of: Any):
    Issue.objects.filter(pk=issue.pk).update(gone_at=factories.LONG_AGO)
    make_issue(issue.tracker, updated=None)
    reader = browser_of("viewer")
    assert rows(reader.get("/issues/")) == []
    assert "Gone since" in reader.get(f"/issues/{issue.pk}/").text


# --- Trackers -------------------------------------------------------------------------------------


def test_a_query_that_jira_rejects_says_so_in_jiras_words(project: Project, browser_of: Any):
    words = "The value 'SHPO' does not exist for the field 'project'."
    query = make_tracker(
        "Urgent",
        query="project = SHPO",
        trouble=words,
        state="failed",
        status="Rejected",
        prefix="",
    )
    hold(project, query)
    reader = browser_of("viewer")
    for path in ("/issues/trackers/", f"/issues/trackers/{query.pk}/", "/projects/checkout/"):
        assert "does not exist for the field" in reader.get(path).text, path
    assert "project = SHPO" in reader.get(f"/issues/trackers/{query.pk}/").text


def test_a_tracker_is_not_told_to_be_unread_because_jira_rejects_another(
    issue: Issue, browser_of: Any
):
    reader, path = browser_of("viewer"), issue.tracker.get_absolute_url()
    lists = Operation.objects.filter(kind="jira.tracker", operation="jira:SearchIssues")
    at = now()
    failing = {"health": "failing", "error": "Secret query", "cure": "Correct the query."}
    assert lists.update(last_success=at, last_error=at + timedelta(seconds=1), **failing) == 1
    page = reader.get(path).text
    assert "Jira trackers: not all can be read" in page
    assert "Correct the query." in page
    assert "cannot be read" not in page
    assert "Secret query" not in page
    # What has not worked for longer than sweeps are apart works for nobody.
    lists.update(last_success=at - timedelta(hours=1))
    page = reader.get(path).text
    assert "Jira trackers cannot be read since" in page
    assert "not all can be read" not in page


def test_a_query_lists_what_it_finds_and_not_what_another_site_calls_so(
    issue: Issue, project: Project, browser_of: Any
):
    query = make_tracker("Urgent", query="priority = High", prefix="")
    hold(project, query)
    elsewhere = make_tracker("SHOP", make_site(host="jira.example.com"))
    hold(project, elsewhere)
    alone = make_issue(issue.tracker)
    Issue.objects.filter(pk=alone.pk).update(tracker=None)
    for key in (issue.key, alone.key):
        Link.objects.create(
            from_kind="jira.tracker",
            from_id=query.pk,
            relation="holds",
            to_kind="jira.issue",
            to_arn=key,
        )
    follow()
    make_issue(issue.tracker)
    make_issue(elsewhere, key=issue.key)
    reader = browser_of("viewer")
    assert set(rows(reader.get("/issues/", {"tracker": query.pk}))) == {issue.key, alone.key}
    assert reader.get(f"/issues/{alone.pk}/").status_code == 200


# --- The page of one ------------------------------------------------------------------------------


def test_an_issue_tells_all_that_is_known_of_it(issue: Issue, browser_of: Any):
    Issue.objects.filter(pk=issue.pk).update(
        sprint="Sprint 7", milestone="v2", was=["OLD-3"], priority="High", comments=_comments(1)
    )
    page = browser_of("viewer").get(f"/issues/{issue.pk}/").text
    for told in ("Sprint 7", "v2", "OLD-3", "High", "No 0", "Release Manager", "To Do"):
        assert told in page, told
    assert "<em>should</em>" in page
    assert f'href="https://example.atlassian.net/browse/{issue.key}"' in page


def test_what_names_it_shows_as_far_as_the_reader_may_see(
    issue: Issue, project: Project, browser_of: Any
):
    Issue.objects.filter(pk=issue.pk).update(was=["OLD-3"])
    mine, theirs = make_repository("shop"), make_repository("secret-shop")
    hold(project, mine)
    commit = make_commit(mine, 1, message="Remember items SHOP-12")
    old = make_commit(mine, 2, message="Begin OLD-3")
    hidden = make_commit(theirs, 3, message="Hidden work SHOP-12")
    pull = make_pull(mine, 4, title="Closes SHOP-12")
    _names(commit, "codecommit.commit", "mentions", "SHOP-12")
    _names(old, "codecommit.commit", "mentions", "OLD-3")
    _names(hidden, "codecommit.commit", "mentions", "SHOP-12")
    _names(pull, "codecommit.pullrequest", "closes", "SHOP-12")
    for path in (f"/issues/{issue.pk}/", f"/issues/{issue.pk}/named/"):
        page = browser_of("viewer").get(path).text
        assert "Remember items SHOP-12" in page
        assert "Begin OLD-3" in page
        assert "#4 Closes SHOP-12" in page
        assert "closes it" in page
        assert "Hidden work" not in page
        assert "secret-shop" not in page


def test_titles_of_other_issues_are_for_who_may_see_those(issue: Issue, browser_of: Any):
    seen = make_issue(issue.tracker, title="Seen title")
    unseen = make_issue(make_tracker("HR"), title="Unseen title")
    links = [
        {"relation": "blocks", "key": seen.key, "title": "Seen title", "url": ""},
        {
            "relation": "relates to",
            "key": unseen.key,
            "title": "Unseen title",
            "url": f"https://example.atlassian.net/browse/{unseen.key}",
        },
        {"relation": "relates to", "key": "X-1", "title": "t", "url": "javascript:alert(3)"},
    ]
    Issue.objects.filter(pk=issue.pk).update(related=links)
    page = browser_of("viewer").get(f"/issues/{issue.pk}/").text
    assert "Seen title" in page
    assert f"/issues/{seen.pk}/" in page
    assert "Unseen title" not in page
    assert f"/issues/{unseen.pk}/" not in page
    assert unseen.key in page
    assert "javascript:" not in page


def test_hostile_text_stays_text(issue: Issue, browser_of: Any):
    body = (
        f"{HOSTILE}\n\n![x](https://evil.example.com/track.png)\n\n<img src=x onerror=alert(4)>"
        "\n\n[here](data:text/html,x) [there](//evil.example.com) [page](settings)"
    )
    Issue.objects.filter(pk=issue.pk).update(
        title=HOSTILE,
        body=body,
        status=HOSTILE[:60],
        assignee=HOSTILE,
        labels=[HOSTILE],
        sprint=HOSTILE,
        url="javascript:alert(5)",
        comments=[{"id": "1", "author": HOSTILE, "at": "never", "text": body}],
        transitions=[{"id": HOSTILE, "name": HOSTILE, "to": HOSTILE}],
        version=99_999,
    )
    Tracker.objects.update(name=HOSTILE[:200], url="javascript:alert(6)", description=HOSTILE)
    reader = browser_of("contributor")
    for path in (*paths(issue), "/projects/checkout/", "/search?q=alert"):
        page = reader.get(path).text
        main = page.partition("<main")[2]
        assert "<script>alert" not in main, path
        assert "<img" not in main, path
        for name, value in attributes(main):
            assert not name.startswith("on"), (path, name)
            assert not re.match(r"\s*(javascript:|data:|//)", value), (path, name, value)
        assert "\x1b" not in page, path
        assert 'href="settings"' not in main, path


def attributes(html: str) -> list[tuple[str, str]]:
    """Every attribute of every element that a browser would make of this."""
    found: list[tuple[str, str]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            # What a button copies is text.
            found.extend((n, v or "") for n, v in attrs if n not in ("data-copy", "value", "title"))

    Reader().feed(html)
    return found


def test_a_page_without_a_keeper_offers_nothing(issue: Issue, browser_of: Any, keeperless: None):
    page = browser_of("owner").get(f"/issues/{issue.pk}/").text
    assert "/comment/" not in page
    assert "Nothing can be done from here" not in page


def test_only_who_works_in_the_project_is_offered_to_act(
    issue: Issue, browser_of: Any, keeper: Keeper
):
    for name, offered in (("owner", True), ("contributor", True), ("viewer", False)):
        page = browser_of(name).get(f"/issues/{issue.pk}/").text
        assert (f"/issues/{issue.pk}/comment/" in page) == offered, name
    keeper.why_not = "Writing is off for this site: an administrator can switch it on."
    assert "Writing is off for this site" in browser_of("owner").get(f"/issues/{issue.pk}/").text
    assert "Writing is off" not in browser_of("viewer").get(f"/issues/{issue.pk}/").text


# --- Found ----------------------------------------------------------------------------------------


def test_an_issue_is_found_by_its_key_at_once_and_by_words(issue: Issue, browser_of: Any):
    for turn in range(5):
        make_issue(issue.tracker, key=f"SHOP-12{turn}")
    moved = make_issue(issue.tracker, key="SHOP-900", was=["OLD-3"])
    reader = browser_of("viewer")

    def found(words: str) -> list[str]:
        page = reader.get("/search", {"q": words}).text.partition("<main")[2]
        return list(dict.fromkeys(re.findall(r'href="/issues/(\d+)/"', page)))

    assert found("SHOP-12") == found("shop-12") == [str(issue.pk)]
    assert found("OLD-3") == [str(moved.pk)]
    assert str(issue.pk) in found("forgets items")
    assert found("HR-1") == []
    found_by_stranger = browser_of("stranger").get("/search", {"q": "SHOP-12"}).text
    assert f"/issues/{issue.pk}/" not in found_by_stranger


# --- The tile -------------------------------------------------------------------------------------


def test_the_tile_shows_what_matters_first_and_counts_the_rest(
    issue: Issue, project: Project, browser_of: Any
):
    for _ in range(10):
        make_issue(issue.tracker, priority="Low")
    urgent = make_issue(issue.tracker, priority="Highest")
    doing = make_issue(issue.tracker, Category.DOING, priority="Low")
    make_issue(issue.tracker, Category.DONE)
    tile = browser_of("viewer").get("/projects/checkout/").text.partition('id="tile-issues"')[2]
    tile = tile.partition("</section>")[0]
    assert "12 to do · 1 in progress · 1 done in 7 days" in tile
    keys = re.findall(r'<span class="issue-key">([^<]+)</span>', tile)
    assert keys[:2] == [urgent.key, doing.key]
    assert "Changed lately" in tile
    assert "All 13 that are open" in tile
    assert 'data-refetch-on="jira.issue github.issue' in tile


def test_a_project_without_a_tracker_has_no_tile(people: dict[str, Any], browser_of: Any):
    factories.make_project("Empty", factories.make_pipeline(), viewer=people["viewer"])
    assert 'id="tile-issues"' not in browser_of("viewer").get("/projects/empty/").text


def test_a_tracker_with_nothing_open_says_so(project: Project, browser_of: Any):
    page = browser_of("viewer").get("/projects/checkout/").text
    assert "No issue is open" in page.partition('id="tile-issues"')[2]


# --- Linking --------------------------------------------------------------------------------------


def test_a_project_links_a_tracker_on_its_page_of_resources(
    project: Project, people: dict[str, Any], browser_of: Any
):
    ops = make_tracker("OPS")
    factories.make_project("Operations", ops, contributor=people["contributor"])
    page = browser_of("contributor").get("/projects/checkout/resources/", {"q": "ops"}).text
    assert "Jira tracker" in page
    assert "Ops board" in page
    told = f"{ops.scope.account} · <"
    assert told not in page, "a site lies in no region"
    answer = browser_of("contributor").post(
        "/projects/checkout/resources/link/", {"kind": "jira.tracker", "row": str(ops.pk)}
    )
    assert answer.status_code == 302
    assert project.holdings.filter(kind="jira.tracker", row_id=ops.pk).exists()
