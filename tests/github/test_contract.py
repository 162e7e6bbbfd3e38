"""Every call that is made of GitHub, against its own OpenAPI description as Prism serves it.

Prism refuses what the description does not know (422), and answers with its examples.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.github import collect, connecting, issues, pulls
from apps.github.acting import GithubKeeper
from apps.github.listing import items
from apps.github.wire import wire
from apps.github.words import HEADERS, NEEDS, next_page, read
from apps.issues.acting import Draft
from apps.issues.models import Issue, Tracker
from apps.mirror.ask import Ask, Covered, Ended, Parent, Vanished
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER
from apps.sites.answers import Access
from apps.sites.reach import Reach, one_page
from apps.source.models import Commit, PullRequest, Repository

from .prism import described, operation_of, served

CALLS = {call for resource in REGISTER.of("github") for call in resource.calls}
WRITES = {"github:IssuesCreate", "github:IssuesCreateComment", "github:IssuesUpdate"}
BESIDE = {"github:UsersGetAuthenticated", "github:IssuesListAssignees"}
NAME = "octocat/Hello-World"
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
MADE: set[str] = set()


class Told(Reach):
    """A reach that tells which request was made for which operation."""

    templates: Any = None

    def _sent(self, operation: str, verb: str, url: str, *rest: Any) -> Any:
        answer = super()._sent(operation, verb, url, *rest)
        path = url.removeprefix(self.base_url).partition("?")[0]
        assert answer.status < 300, (operation, verb, path, answer.body)
        template, told = self.templates[operation]
        assert (verb, bool(re.fullmatch(template, path))) == (told, True), (operation, path)
        MADE.add(operation)
        return answer


def opened(address: str, description: Any, **options: Any) -> Reach:
    access = Access(base_url=address, method="token", secret="t0ken", guarded=False)
    made = Told(
        provider="github",
        base_url=address,
        wire=wire(access),
        # The description names the plain type of what GitHub calls its own.
        headers={**HEADERS, "Accept": "application/json"},
        read=read,
        # The examples lead on to further pages at api.github.com.
        next_page=one_page,
        **{"method": "token", "selection": {"owners": ["octocat"]}, **options},
    )
    made.templates = {
        operation_of(told["operationId"]): (
            re.sub(r"\\\{\w+\\\}", ".+", re.escape(path)),
            verb.upper(),
        )
        for path, verbs in description["paths"].items()
        for verb, told in verbs.items()
    }
    return made


def records(answers: Any) -> list[Any]:
    return [one for one in answers if not isinstance(one, Covered | Ended | Vanished)]


def shop(**fields: Any) -> Parent:
    told = {"last_modified": datetime(2026, 1, 5, tzinfo=UTC), "status": "", "console_url": ""}
    return Parent(key=NAME, fields={**told, **fields})


def repositories_and_trackers_in_every_way(address: str, description: Any):
    for options in (
        {},
        {"selection": {}},
        {"selection": {"repositories": [NAME]}},
        {"method": "app", "selection": {}},
    ):
        reach = opened(address, description, **options)
        (found, *_) = records(collect.repositories(reach, Ask()))
        assert (found.key, found.repository_id) == (NAME, "1296269")
        assert found.clone_url_https.startswith("https://github.com/octocat/")
        assert all((found.created, found.last_modified))
        (kept, *_) = records(issues.trackers(reach, Ask()))
        assert kept.key == NAME
    # A person, as GitHub tells by 404 that it is no organisation.
    for operation, path in (
        ("github:ReposListForUser", "/users/octocat/repos"),
        ("github:ReposListForAuthenticatedUser", "/user/repos"),
    ):
        assert opened(address, description).get(operation, path, per_page=100).body
    assert records(collect.repositories(reach, Ask(keys=(NAME,))))


def branches_and_where_they_moved(reach: Reach):
    found = records(collect.branches(reach, Ask(parents=(shop(),))))
    assert found
    assert all(record.commit_id for record in found)
    before = {str(record.name): "f" * 40 for record in found}
    moved = records(collect.branches(reach, Ask(parents=(shop(heads=before),))))
    # The example's comparison is of a branch that is behind.
    assert moved[0].replaced == "f" * 40


def commits_by_their_branch_and_one_by_one_with_comments(reach: Reach):
    parent = shop(heads={"main": SHA}, default_branch="main")
    (found, *_) = records(collect.commits(reach, Ask(parents=(parent,))))
    assert len(found.commit_id) == 40
    assert all((found.author_name, found.committed_at, found.parents))
    (named,) = records(collect.commits(reach, Ask(keys=(f"{NAME}/{SHA}",))))
    assert named.comments[0]["text"]


def pull_requests_with_reviews_checks_and_comments(reach: Reach):
    (found, *_) = records(
        pulls.pull_requests(reach, Ask(parents=(shop(),), unended=frozenset({NAME})))
    )
    assert (found.status, found.state, found.number) == ("open", "waiting", "1347")
    assert all((found.source_branch, found.destination_branch))
    assert found.approvals[0]["state"] == "APPROVE"
    assert all((found.checks, found.checks_state))
    assert len(found.comments) >= 2
    assert found.mergeable is True
    assert found.described


def issues_with_comments(reach: Reach):
    ask = Ask(parents=(Parent(key=NAME),), unended=frozenset({NAME}))
    list(issues.issues(reach, ask))
    assert records(issues.issues(reach, Ask(keys=(f"{NAME}#1347",)))) == []
    # The examples are issues that bear a pull request, and so are none; without that they are.
    answer = reach.get("github:IssuesGet", f"/repos/{NAME}/issues/1347")
    told = {name: value for name, value in answer.body.items() if name != "pull_request"}
    said = reach.get("github:IssuesListComments", f"/repos/{NAME}/issues/1347/comments")
    found = issues.issue_record(NAME, told, [issues._said(one) for one in items(said)])
    assert (found.key, found.status, found.reporter) == (f"{NAME}#1347", "Open", "octocat")
    assert all((found.labels, found.milestone, found.due, found.created, found.comments))


def what_a_change_changed(reach: Reach):
    from apps.github.differences import _pages
    from apps.github.patches import file_lines

    repository = Repository(key=NAME)
    for row in (
        Commit(repository=repository, commit_id=SHA),
        PullRequest(repository=repository, number="1347"),
    ):
        files = [told for page in _pages(reach, row) for told in page]
        assert [line for told in files for line in file_lines(told)]


def deeds_on_issues(reach: Reach, monkeypatch: pytest.MonkeyPatch):
    class Opens:
        name = "github"

        def open(self, scope: Scope, *, urgent: bool = False) -> Reach:
            return reach

    monkeypatch.setitem(PROVIDERS.by_name, "github", Opens())
    scope = Scope.objects.create(provider="github", place="x", account="github.com")
    tracker = Tracker.objects.create(scope=scope, key=NAME)
    issue = Issue.objects.create(scope=scope, tracker=tracker, key=f"{NAME}#1347")
    keeper, since = GithubKeeper(), datetime(2026, 1, 5, tzinfo=UTC)
    draft = Draft(title="Found a bug", text="It is broken", labels=("bug",))
    made = keeper.create(tracker, draft, "codestar-dash-deed-1")
    assert made.key == f"{NAME}#1347"
    assert keeper.made(tracker, "no-such-mark", since) is None
    assert keeper.comment(issue, "Me too", "codestar-dash-deed-2").id
    assert keeper.said(issue, "no-such-mark", since) is None
    keeper.transition(issue, "closed:completed")
    keeper.transition(issue, "open")
    keeper.assign(issue, "octocat")
    assert keeper.standing(issue).assignee_id == "octocat"
    assert [person.id for person in keeper.people(tracker)] == ["octocat"]


def whose_a_token_is_and_what_it_may_read(reach: Reach):
    assert connecting.identify(reach).identity == "octocat"
    assert all(finding.ok for finding in connecting.findings(reach))


@pytest.mark.django_db
def test_every_call_is_what_github_describes_and_its_answer_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One test, because Prism is started once; it fails where a call was left out."""
    description = described(CALLS | WRITES | BESIDE)
    MADE.clear()
    with served(description, tmp_path) as address:
        repositories_and_trackers_in_every_way(address, description)
        reach = opened(address, description)
        branches_and_where_they_moved(reach)
        commits_by_their_branch_and_one_by_one_with_comments(reach)
        pull_requests_with_reviews_checks_and_comments(reach)
        issues_with_comments(reach)
        what_a_change_changed(reach)
        deeds_on_issues(reach, monkeypatch)
        whose_a_token_is_and_what_it_may_read(reach)
    assert MADE == CALLS | WRITES | BESIDE
    # Each says which right it needs, but the one that asks whose the token is.
    assert {f"github:{name}" for name in NEEDS} == MADE - {"github:UsersGetAuthenticated"}


def test_the_described_link_leads_on():
    from apps.sites.answers import Answer

    link = '<https://api.github.com/resource?page=2>; rel="next", <https://x>; rel="last"'
    found = next_page("/x", {}, Answer(200, {"link": link}))
    assert found == ("https://api.github.com/resource?page=2", {})
    assert next_page("/x", {}, Answer(200, {})) is None
