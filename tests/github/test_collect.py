"""From GitHub's answers to rows: complete, without secrets, in as few calls as there can be."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core import serializers

from apps.issues.models import Issue, Tracker
from apps.mirror.hints import follow_hints
from apps.mirror.models import Change, Hint, Link, Operation, Scope
from apps.mirror.provider import Health
from apps.source.models import Branch, Commit, PullRequest, Repository
from apps.source.why import why_pull_request
from tests.flight import PLANTED
from tests.sites.flight import Said, SiteFlight

from .conftest import Sweeper, played

HEAD, FIRST, FEATURE = "a1" * 20, "b2" * 20, "c3" * 20
NEXT = "d4" * 20
SHOP = "example/shop"


def answers(flight: SiteFlight, operation: str, **asked: Any) -> Any:
    """What a flight says to a call, to be changed and said instead."""
    play: Any = flight._plays[operation]
    said = play({"owner": "example", "repo": "shop", **asked}) if callable(play) else play
    return said.body if isinstance(said, Said) else said


def told_as(flight: SiteFlight, operation: str, body: Any, **asked: Any) -> None:
    """Let a flight answer so where it is asked for this, and as before otherwise."""
    before: Any = flight._plays[operation]

    def play(params: Any) -> Any:
        return body if asked.items() <= params.items() else before(params)

    flight.on(operation, play)


def push(flight: SiteFlight, name: str = "main", head: str = NEXT, parent: str = HEAD) -> None:
    """Somebody pushes: the repository's date moves, a head does, and there is a commit more."""
    repositories = answers(flight, "github:ReposListForOrg", org="example")
    repositories[0] = {**repositories[0], "pushed_at": "2026-01-05T11:00:00Z"}
    flight.on("github:ReposListForOrg", repositories)
    told_as(flight, "github:ReposGet", repositories[0], repo="shop")
    branches = answers(flight, "github:ReposListBranches")
    moved = [{**one, "commit": {"sha": head}} if one["name"] == name else one for one in branches]
    told_as(flight, "github:ReposListBranches", moved, repo="shop")
    last = answers(flight, "github:ReposListCommits", sha=HEAD)
    commit = {**last[0], "sha": head, "parents": [{"sha": parent}]}
    told_as(flight, "github:ReposListCommits", [commit, *last], sha=head)


# --- Rows -----------------------------------------------------------------------------------------


def test_a_repository_tells_where_to_clone_it_and_how_it_stands(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    assert not Operation.objects.exclude(health=Health.OK).exists()
    row = Repository.objects.get(key=SHOP)
    assert (row.arn, row.repository_id, row.private) == (SHOP, "4001", True)
    assert row.clone_url_https == "https://github.com/example/shop.git"
    assert row.clone_url_ssh == "git@github.com:example/shop.git"
    assert row.tags == {"checkout": "", "team": "checkout"}
    assert row.last_modified == datetime(2026, 1, 5, 10, tzinfo=UTC)
    # What follows from its branches, commits and pull requests.
    assert row.heads == {"main": HEAD, "feature-basket": FEATURE}
    assert (row.branch_count, row.open_pull_requests) == (2, 2)
    assert row.latest_commit.commit_id == HEAD
    assert Repository.objects.get(key="example/old-shop").archived
    vault = Repository.objects.get(key="example/vault")
    assert (vault.status, vault.state) == ("disabled", "failed")
    # Nothing below it is asked for, so nothing below it is refused.
    asked = [params for name, params in full.asked if name == "github:ReposListBranches"]
    assert "vault" not in [params["repo"] for params in asked]


def test_a_branch_and_a_commit_say_what_they_are(full: SiteFlight, github: Any, sweep: Sweeper):
    github(full)
    sweep()
    branch = Branch.objects.get(name="feature-basket")
    assert branch.key == "example/shop/feature-basket"
    assert branch.console_url == "https://github.com/example/shop/tree/feature-basket"
    row = Commit.objects.get(commit_id=HEAD)
    assert row.arn == f"{SHOP}#{HEAD}"
    assert (row.title, row.author_name) == ("Round totals half up (#11)", "platform-engineer")
    assert row.committed_by_another
    assert row.authored_at == datetime(2026, 1, 5, 9, 58, 20, tzinfo=UTC)
    assert row.parents == [FIRST]
    named = Link.objects.filter(from_kind="github.commit", from_id=row.pk).order_by("pk")
    assert set(named.values_list("relation", "to_kind", "to_arn")) == {
        ("mentions", "github.issue", "example/shop#11"),
        ("closes", "github.issue", "example/shop#7"),
        ("mentions", "jira.issue", "SHOP-12"),
    }


def test_an_open_pull_request_says_what_keeps_it_from_being_merged(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    row = PullRequest.objects.get(key="example/shop#12")
    assert (row.number, row.status, row.state, row.word) == ("12", "open", "waiting", "Open")
    assert row.approvals == [
        {"user": "security-reviewer", "state": "CHANGES_REQUESTED"},
        {"user": "platform-engineer", "state": "APPROVE"},
    ]
    assert (row.approved, row.mergeable, row.merge_state) == (False, False, "dirty")
    assert row.reviewers == ["security-reviewer", "team platform"]
    told = [(one["name"], one["state"]) for one in row.checks]
    assert told == [("lint", "failed"), ("codebuild/shop", "done"), ("unit", "done")]
    assert row.checks_state == "failed"
    assert why_pull_request(row).splitlines() == [
        "Merge conflict with main",
        "Changes are wanted by security-reviewer",
        "Failed: lint",
    ]
    assert [one["text"] for one in row.comments] == [
        "Here, too",
        "Done",
        "Looks fine to me",
        "Round once",
    ]
    assert row.comments[1]["reply_to"] == "71"
    links = Link.objects.filter(from_kind="github.pullrequest", from_id=row.pk)
    assert set(links.values_list("relation", "to_arn")) == {
        ("proposes", f"{SHOP}#{FEATURE}"),
        ("mentions", "SHOP-13"),
        ("closes", "example/shop#7"),
    }


def test_a_draft_and_a_merged_one_are_told_as_such(full: SiteFlight, github: Any, sweep: Sweeper):
    github(full)
    sweep()
    draft = PullRequest.objects.get(number="13")
    assert (draft.draft, draft.word, draft.merge_state) == (True, "Draft", "draft")
    merged = PullRequest.objects.get(number="11")
    assert (merged.state, merged.word, merged.merged) == ("done", "Merged", True)
    assert Link.objects.filter(relation="merged as", to_arn=f"{SHOP}#{HEAD}").exists()
    # What was closed before anybody looked costs no call of its own.
    assert {params["pull_number"] for params in full.calls("github:PullsGet")} == {"12", "13"}


def test_one_that_is_merged_says_by_whom(full: SiteFlight, github: Any, sweep: Sweeper):
    github(full)
    sweep()
    closed = {
        **answers(full, "github:PullsGet", pull_number="11"),
        "number": 12,
        "updated_at": "2026-01-05T11:00:00Z",
    }
    told_as(full, "github:PullsGet", closed, pull_number="12")
    listed = [closed, *answers(full, "github:PullsList", state="all")[1:]]
    told_as(full, "github:PullsList", listed, state="all", repo="shop")
    sweep("github.pullrequest")
    row = PullRequest.objects.get(number="12")
    assert (row.state, row.merged_by, row.merge_commit) == ("done", "release-manager", HEAD)


def test_issues_are_told_without_pull_requests(full: SiteFlight, github: Any, sweep: Sweeper):
    github(full)
    sweep()
    assert set(Tracker.objects.values_list("key", flat=True)) == {SHOP, "example/vault"}
    tracker = Tracker.objects.get(key=SHOP)
    assert (tracker.url, tracker.open_issues) == ("https://github.com/example/shop/issues", 1)
    assert set(Issue.objects.values_list("key", flat=True)) == {"example/shop#7", "example/shop#6"}
    row = Issue.objects.get(key="example/shop#7")
    assert (row.status, row.state, row.category, row.type) == ("Open", "waiting", "todo", "Bug")
    assert (row.assignee, row.assignee_id) == (
        "checkout-developer, security-reviewer",
        "checkout-developer",
    )
    assert (row.labels, row.milestone, row.due) == (["bug"], "Spring", date(2026, 3, 1))
    assert row.parent_key == "example/shop#2"
    assert [one["text"] for one in row.comments] == ["It is the rounding"]
    assert [one["id"] for one in row.transitions] == ["closed:completed", "closed:not_planned"]
    done = Issue.objects.get(key="example/shop#6")
    assert (done.status, done.state, done.category) == ("Not planned", "done", "done")
    assert [one["id"] for one in done.transitions] == ["open"]
    # The repository leads to what keeps its issues, so that projects have that, too.
    link = Link.objects.get(from_kind="github.repository", to_arn=SHOP)
    assert (link.relation, link.to_kind) == ("keeps issues in", "github.tracker")


def test_no_planted_secret_gets_behind_the_collector(full: SiteFlight, github: Any, sweep: Sweeper):
    github(full)
    sweep()
    rows: list[Any] = []
    for model in (Repository, Commit, PullRequest, Issue, Change, Link):
        rows += model.objects.all()
    assert PLANTED not in serializers.serialize("json", rows)


def test_nothing_there_is_no_crash(github: Any, sweep: Sweeper):
    github(played("empty"))
    sweep()
    assert not Repository.objects.exists()
    assert not Operation.objects.exclude(health=Health.OK).exists()


@pytest.mark.parametrize("method", ["token", "app"])
def test_without_a_choice_everything_that_was_given_is_read(
    method: str, github: Any, sweep: Sweeper, monkeypatch: pytest.MonkeyPatch
):
    flight = github(played(method=method, selection={}))
    if method == "app":
        monkeypatch.setattr("apps.github.wire._auth", lambda _access, _made: Signs())
    sweep("github.repository")
    assert Repository.objects.count() == 3
    asked = {name for name, _ in flight.asked}
    assert (
        asked
        == {
            "token": {"github:ReposListForAuthenticatedUser"},
            "app": {"github:AppsListReposAccessibleToInstallation"},
        }[method]
    )


class Signs:
    """Signs nothing."""

    def authentication(self, headers: dict[str, str]) -> None:
        headers["Authorization"] = "token x"


def test_a_person_is_no_organisation_and_has_private_repositories(github: Any, sweep: Sweeper):
    flight = github(played(selection={"owners": ["Example-Person"]}))
    mine = {**answers(flight, "github:ReposGet"), "full_name": "example-person/notes", "id": 7}
    flight.on("github:ReposListForAuthenticatedUser", [mine])
    sweep("github.repository")
    assert set(Repository.objects.values_list("key", flat=True)) == {"example-person/notes"}


def test_a_chosen_repository_that_cannot_be_seen_says_so_and_stays(
    github: Any, sweep: Sweeper, scope: Scope
):
    flight = github(played(selection={"repositories": [SHOP, "example/secret"]}))
    sweep("github.repository")
    told = Operation.objects.get(operation="github:ReposGet", kind="github.repository")
    assert told.health == Health.DENIED
    assert "this token may not see it" in told.cure
    assert set(Repository.objects.values_list("key", flat=True)) == {SHOP}
    # What was there and is refused now may be back: it is not gone.
    flight.on("github:ReposGet", Said({"message": "Not Found"}, 404))
    sweep("github.repository")
    assert Repository.objects.get(key=SHOP).gone_at is None


def test_a_repository_that_is_blocked_says_so(github: Any, sweep: Sweeper):
    flight = github(played(selection={"repositories": [SHOP]}))
    sweep("github.repository")
    flight.on("github:ReposGet", Said({"message": "Repository access blocked"}, 451))
    sweep("github.repository")
    row = Repository.objects.get(key=SHOP)
    assert (row.status, row.state, row.trouble) == (
        "blocked",
        "failed",
        "Repository access blocked",
    )


# --- What it costs --------------------------------------------------------------------------------


def test_an_idle_sweep_asks_for_lists_alone(full: SiteFlight, github: Any, sweep: Sweeper):
    github(full)
    sweep()
    full.asked.clear()
    sweep()
    asked = sorted((name, params.get("repo", "")) for name, params in full.asked)
    assert asked == [
        ("github:IssuesListForRepo", "shop"),
        ("github:IssuesListForRepo", "vault"),
        ("github:PullsList", "old-shop"),
        ("github:PullsList", "shop"),
        # One without a branch has nothing that says up to when it was read.
        ("github:ReposListBranches", "old-shop"),
        ("github:ReposListForOrg", ""),
        ("github:ReposListForOrg", ""),
        ("github:UsersGetByUsername", ""),
        ("github:UsersGetByUsername", ""),
    ]


# --- Pushes ---------------------------------------------------------------------------------------


def test_a_push_is_read_in_one_call_for_branches_and_one_for_commits(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    push(full)
    told_as(full, "github:ReposCompareCommitsWithBasehead", {"status": "ahead"})
    full.asked.clear()
    sweep("github.repository", "github.branch", "github.commit")
    made = [name for name, params in full.asked if params.get("repo") != "old-shop"]
    assert made == [
        "github:UsersGetByUsername",
        "github:ReposListForOrg",
        "github:ReposListBranches",
        "github:ReposCompareCommitsWithBasehead",
        "github:ReposListCommits",
    ]
    assert Commit.objects.filter(commit_id=NEXT).exists()
    row = Branch.objects.get(name="main")
    assert (row.commit_id, row.replaced, row.replaced_at) == (NEXT, "", None)
    assert Repository.objects.get(key=SHOP).latest_commit.commit_id == NEXT


def test_a_force_push_is_told_and_its_new_history_read(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    push(full, parent=FIRST)
    sweep("github.repository", "github.branch", "github.commit")
    row = Branch.objects.get(name="main")
    assert (row.commit_id, row.replaced) == (NEXT, HEAD)
    assert row.replaced_at is not None
    # What was there stays: pipelines may have brought it out.
    assert Commit.objects.filter(commit_id=HEAD).exists()
    assert Commit.objects.get(commit_id=NEXT).parents == [FIRST]


def test_a_head_that_was_thrown_away_is_told_as_one_that_was_replaced(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    push(full)
    full.on("github:ReposCompareCommitsWithBasehead", Said({"message": "Not Found"}, 404))
    sweep("github.repository", "github.branch")
    assert Branch.objects.get(name="main").replaced == HEAD


def test_a_long_push_is_read_page_by_page_down_to_what_is_known(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    push(full)
    known = answers(full, "github:ReposListCommits", sha=HEAD)
    shas = [f"{number:040x}" for number in range(1, 150)]
    chain = [
        {**known[0], "sha": sha, "parents": [{"sha": after}]}
        for sha, after in zip([NEXT, *shas], [*shas, HEAD], strict=True)
    ]
    link = '<https://api.github.com/repos/example/shop/commits?page=2>; rel="next"'
    told_as(full, "github:ReposListCommits", Said(chain[:100], headers={"Link": link}), sha=NEXT)
    told_as(full, "github:ReposListCommits", [*chain[100:], *known], page="2")
    full.asked.clear()
    sweep("github.repository", "github.branch", "github.commit")
    assert Commit.objects.count() == 3 + 150
    assert len(full.calls("github:ReposListCommits")) == 2


def test_an_empty_repository_has_no_commits_and_is_no_fault(github: Any, sweep: Sweeper):
    flight = github(played())
    flight.on("github:ReposListCommits", Said({"message": "Git Repository is empty."}, 409))
    sweep()
    assert not Commit.objects.exists()
    assert not Operation.objects.exclude(health=Health.OK).exists()


# --- Renamed, transferred, deleted ----------------------------------------------------------------


@pytest.mark.sql
def test_a_repository_with_another_name_keeps_its_rows(
    full: SiteFlight, github: Any, sweep: Sweeper, scope: Scope
):
    github(full)
    sweep()
    ids = {model: set(model.objects.values_list("pk", flat=True)) for model in MODELS}
    shop = Repository.objects.get(key=SHOP)
    pipeline = Link.objects.create(
        from_kind="codepipeline.action",
        from_id=1,
        relation="takes",
        to_kind="github.commit",
        to_arn=f"{SHOP}#{HEAD}",
    )
    repositories = answers(full, "github:ReposListForOrg", org="example")
    moved = {**repositories[0], "full_name": "other-owner/Store"}
    full.on("github:ReposListForOrg", [moved, *repositories[1:]])
    sweep("github.repository")
    shop.refresh_from_db()
    assert (shop.key, shop.arn, shop.was) == ("other-owner/Store", "other-owner/store", [SHOP])
    branch = Branch.objects.get(name="main")
    assert (branch.key, branch.arn) == (
        "other-owner/Store/main",
        "other-owner/store/refs/heads/main",
    )
    commit = Commit.objects.get(commit_id=HEAD)
    assert (commit.key, commit.arn) == (f"other-owner/Store/{HEAD}", f"other-owner/store#{HEAD}")
    pull = PullRequest.objects.get(number="12")
    assert (pull.key, pull.arn) == ("other-owner/Store#12", "other-owner/store/pull/12")
    issue = Issue.objects.get(title="Totals are off by a cent")
    assert (issue.key, issue.arn) == ("other-owner/Store#7", "other-owner/store#7")
    assert issue.was == ["example/shop#7"]
    assert Tracker.objects.get(key="other-owner/Store", arn="other-owner/store").was == [SHOP]
    pipeline.refresh_from_db()
    assert pipeline.to_arn == commit.arn
    # Read again by its new name, everything lands on the same rows.
    sweep()
    sweep(deep=True)
    assert {model: set(model.objects.values_list("pk", flat=True)) for model in MODELS} == ids
    assert not Repository.objects.exclude(gone_at=None).exists()
    assert not Link.objects.filter(to_arn__startswith=SHOP, to_kind="github.tracker").exists()


MODELS = (Repository, Branch, Commit, PullRequest, Tracker, Issue)


def test_a_name_that_another_repository_has_by_now_is_told_apart_by_its_id(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    repositories = answers(full, "github:ReposListForOrg", org="example")
    moved = {**repositories[0], "full_name": "example/store"}
    another = {**repositories[1], "full_name": SHOP, "id": 4999, "description": "Begun anew"}
    full.on("github:ReposListForOrg", [another, moved, *repositories[1:]])
    sweep("github.repository")
    sweep("github.repository")
    assert Repository.objects.get(key="example/store").repository_id == "4001"
    assert Repository.objects.get(key=SHOP).repository_id == "4999"
    assert Commit.objects.get(commit_id=HEAD).repository.key == "example/store"


def test_a_webhook_by_the_new_name_makes_no_second_repository(
    full: SiteFlight, github: Any, sweep: Sweeper, scope: Scope
):
    github(full)
    sweep()
    moved = {**answers(full, "github:ReposGet"), "full_name": "example/store"}
    told_as(full, "github:ReposGet", moved, repo="store")
    Hint.objects.all().delete()
    from apps.mirror.asking import hint
    from apps.mirror.resource import Names

    hint(scope, [Names(kind="github.repository", key="example/store")])
    follow_hints(scope.pk)
    assert set(Repository.objects.filter(repository_id="4001").values_list("key", flat=True)) == {
        "example/store"
    }


def test_a_repository_that_is_deleted_is_gone_with_what_is_in_it_kept(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    left = answers(full, "github:ReposListForOrg", org="example")[1:]
    full.on("github:ReposListForOrg", left)
    sweep()
    assert Repository.objects.get(key=SHOP).gone_at is not None
    assert Tracker.objects.get(key=SHOP).gone_at is not None
    assert Commit.objects.get(commit_id=HEAD).gone_at is None


def test_an_issue_that_was_deleted_is_noticed_by_a_deep_sweep(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    full.on("github:IssuesListForRepo", [])
    full.on("github:IssuesGet", Said({"message": "This issue was deleted"}, 410))
    sweep("github.issue")
    assert Issue.objects.get(key="example/shop#7").gone_at is None
    sweep("github.issue", deep=True)
    assert Issue.objects.get(key="example/shop#7").gone_at is not None
    assert Issue.objects.get(key="example/shop#6").gone_at is None


# --- Bad days -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        Said({"message": "API rate limit exceeded"}, 403, {"X-RateLimit-Remaining": "0"}),
        Said({"message": "You have exceeded a secondary rate limit."}, 403, {"Retry-After": "60"}),
        Said({"message": "Server Error"}, 502),
        Said.page(500),
    ],
)
def test_a_list_that_breaks_off_in_the_middle_changes_nothing(
    refusal: Said, full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    before = picture()
    first = answers(full, "github:ReposListForOrg", org="example")[:1]
    link = '<https://api.github.com/organizations/1/repos?page=2>; rel="next"'
    full.on("github:ReposListForOrg", Said(first, headers={"Link": link}))
    full.route("github:Further", "GET", "/organizations/1/repos").on("github:Further", refusal)
    sweep("github.repository", "github.tracker")
    told = Operation.objects.get(operation="github:ReposListForOrg", kind="github.repository")
    assert told.health in (Health.THROTTLED, Health.FAILING)
    assert picture() == before


def test_details_that_are_refused_leave_their_columns_and_name_the_permission(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    before = picture()
    no = Said(
        {"message": "Resource not accessible by personal access token"},
        403,
        {"X-Accepted-GitHub-Permissions": "checks=read"},
    )
    full.on("github:ChecksListForRef", no)
    sweep("github.pullrequest", deep=True)
    assert picture() == before
    told = Operation.objects.get(operation="github:ChecksListForRef")
    assert told.health == Health.DENIED
    assert "the permission checks: read" in told.cure


def picture() -> dict[Any, list[Any]]:
    """Return all mirrored columns, without what says when they were written."""
    left_out = ("changed_at", "first_seen_at", "version")
    return {
        model: [
            {name: value for name, value in row.items() if name not in left_out}
            for row in model.objects.order_by("pk").values()
        ]
        for model in MODELS
    }
