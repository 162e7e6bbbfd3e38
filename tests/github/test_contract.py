"""Every call that is made of GitHub, against its own OpenAPI description as Prism serves it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from apps.delivery.channels import deployment, status
from apps.delivery.models import Telling
from apps.github import collect, committing, connecting, issues, pulls
from apps.github.acting import GithubKeeper
from apps.github.committing import File, Put
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
from tests.prism import Called, Held, NotDescribedError, calls, served
from tests.vendors import cut, github

CALLS = {call for resource in REGISTER.of("github") for call in resource.calls}
WRITES = {
    "github:IssuesCreate",
    "github:IssuesCreateComment",
    "github:IssuesUpdate",
    "github:ReposCreateOrUpdateFileContents",
    "github:GitCreateBlob",
    "github:GitCreateTree",
    "github:GitCreateCommit",
    "github:GitCreateRef",
    "github:GitUpdateRef",
}
BESIDE = {
    "github:UsersGetAuthenticated",
    "github:IssuesListAssignees",
    "github:ReposGetBranch",
    "github:GitGetTree",
}
# The description names the plain type of what GitHub calls its own.
PLAIN = {**HEADERS, "Accept": "application/json"}
# Told of pipelines and deployments; there they are called by GitHub's words for people.
RESULTS = {
    "repos/create-commit-status": "github:CreateCommitStatus",
    "repos/list-deployments": "github:ListDeployments",
    "repos/create-deployment": "github:CreateDeployment",
    "repos/create-deployment-status": "github:CreateDeploymentStatus",
}
ALL = CALLS | WRITES | BESIDE | set(RESULTS.values())
# What signs asks for it, under no sweep.
TOKEN = "apps/create-installation-access-token"
NAME = "octocat/Hello-World"
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


def operation_of(operation_id: str) -> str:
    """Return what an operation is called here: "repos/list-for-org" is "github:ReposListForOrg"."""
    if operation_id in RESULTS:
        return RESULTS[operation_id]
    return "github:" + "".join(part.capitalize() for part in re.split("[/-]", operation_id))


@pytest.fixture(scope="module")
def served_by_prism(tmp_path_factory: Any) -> Iterator[tuple[str, dict[str, list[Called]]]]:
    """GitHub's address, and how its operations are called."""
    described = cut(github(), lambda name: operation_of(name) in ALL or name == TOKEN)
    known = {operation_of(name): ways for name, ways in calls(described).items()}
    with served(described, tmp_path_factory.mktemp("prism")) as address:
        yield address, known


class Opens:
    """Opens reaches of that GitHub, and remembers what they called."""

    name = "github"

    def __init__(self, address: str, known: dict[str, list[Called]]) -> None:
        self.address, self.known = address, known
        self.made: set[str] = set()

    def __call__(self, **options: Any) -> Reach:
        access = Access(base_url=self.address, method="token", secret="t0ken", guarded=False)
        return Held(
            **{
                "provider": "github",
                "base_url": self.address,
                "method": "token",
                "wire": wire(access),
                "headers": PLAIN,
                "read": read,
                # The examples lead on to further pages at api.github.com.
                "next_page": one_page,
                "selection": {"owners": ["octocat"]},
                "known": self.known,
                "made": self.made,
                **options,
            }
        )

    def open(self, _scope: Scope, *, urgent: bool = False) -> Reach:
        """As the provider does."""
        return self()


def records(answers: Any) -> list[Any]:
    return [one for one in answers if not isinstance(one, Covered | Ended | Vanished)]


def shop(**fields: Any) -> Parent:
    told = {"last_modified": datetime(2026, 1, 5, tzinfo=UTC), "status": "", "console_url": ""}
    return Parent(key=NAME, fields={**told, **fields})


def repositories_and_trackers_in_every_way(opened: Opens):
    for options in (
        {},
        {"selection": {}},
        {"selection": {"repositories": [NAME]}},
        {"method": "app", "selection": {}},
    ):
        reach = opened(**options)
        (found, *_) = records(collect.repositories(reach, Ask()))
        assert (found.key, found.repository_id) == (NAME, "1296269")
        assert found.clone_url_https.startswith("https://github.com/octocat/")
        assert all((found.created, found.last_modified))
        (kept, *_) = records(issues.trackers(reach, Ask()))
        assert kept.key == NAME
    # The description's own example of who there is is a person.
    for operation, path in (
        ("github:ReposListForOrg", "/orgs/octocat/repos"),
        ("github:ReposListForUser", "/users/octocat/repos"),
        ("github:ReposListForAuthenticatedUser", "/user/repos"),
    ):
        assert opened().get(operation, path, per_page=100).body
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


def deeds_on_issues(opened: Opens, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PROVIDERS.by_name, "github", opened)
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


def files_that_are_committed(reach: Reach):
    files = {"README.md": File(b"hello"), "a/run.sh": File(b"run", "100755")}
    put = Put(
        repository=NAME,
        branch="main",
        files=files,
        message="Begin",
        mark="CodeStar-Dash: 1",
        first="README.md",
    )
    standing = committing.look(reach, put)
    # The example of a repository has another name than we asked for.
    assert (standing.there, standing.whole, len(standing.head)) == (True, True, 40)
    assert standing.missing == ["README.md", "a/run.sh"]
    committing.ask_leave(reach, put)
    committing.begin(reach, put)
    made = committing.prepare(reach, put, standing)
    assert all((made.sha, made.url))
    committing.move(reach, put, standing, made)
    committing.move(reach, put, replace(standing, there=False), made)


def results(reach: Reach):
    shows = {
        "repository": NAME,
        "commit": SHA,
        "context": "codestar-dash/checkout-web",
        "description": "Deployed to production",
        "state": "success",
    }
    target = {"target_url": "https://dash.example.com/1"}
    assert status(reach, Telling(wanted={**shows, **target})).id
    told = {"execution": "f3c1", "environment": "Live", "production": True}
    place = {"log_url": "https://dash.example.com"}
    assert deployment(reach, Telling(wanted={**shows, **told, **place})).id


def whose_a_token_is_and_what_it_may_read(reach: Reach):
    assert connecting.identify(reach).identity == "octocat"
    assert all(finding.ok for finding in connecting.findings(reach))


@pytest.mark.django_db
def test_every_call_is_what_github_describes_and_its_answer_is_read(
    served_by_prism: Any, monkeypatch: pytest.MonkeyPatch
):
    """It fails where a call was left out."""
    opened = Opens(*served_by_prism)
    repositories_and_trackers_in_every_way(opened)
    reach = opened()
    branches_and_where_they_moved(reach)
    commits_by_their_branch_and_one_by_one_with_comments(reach)
    pull_requests_with_reviews_checks_and_comments(reach)
    issues_with_comments(reach)
    what_a_change_changed(reach)
    deeds_on_issues(opened, monkeypatch)
    whose_a_token_is_and_what_it_may_read(reach)
    files_that_are_committed(reach)
    results(reach)
    assert opened.made == ALL
    # Each says which right it needs, but the one that asks whose the token is.
    assert {f"github:{name}" for name in NEEDS} == opened.made - {"github:UsersGetAuthenticated"}


@pytest.mark.parametrize(
    ("operation", "verb", "path", "params", "body", "why"),
    [
        ("IssuesCreate", "PUT", f"/repos/{NAME}/issues", {}, {"title": "x"}, "is not called by"),
        ("IssuesGet", "GET", f"/repo/{NAME}/issues/7", {}, None, "is not called by"),
        ("IssuesListForRepo", "GET", f"/repos/{NAME}/issues", {"until": "x"}, None, "no until"),
        ("IssuesListForRepo", "GET", f"/repos/{NAME}/issues", {"state": "new"}, None, "422"),
        ("IssuesCreate", "POST", f"/repos/{NAME}/issues", {}, {"body": "x"}, "422"),
        ("IssuesUpdate", "PATCH", f"/repos/{NAME}/issues/7", {}, {"state": "new"}, "422"),
    ],
)
def test_a_wrong_call_is_refused(
    served_by_prism: Any, operation: str, verb: str, path: str, params: Any, body: Any, why: str
):
    reach = Opens(*served_by_prism)()
    with pytest.raises(NotDescribedError, match=why):
        reach.send(f"github:{operation}", verb, path, body, **params)


def test_a_body_that_is_none_is_refused_everywhere(served_by_prism: Any):
    """So Prism understands what is described of each."""
    address, known = served_by_prism
    paths = {
        "github:IssuesCreate": f"/repos/{NAME}/issues",
        "github:IssuesCreateComment": f"/repos/{NAME}/issues/7/comments",
        "github:IssuesUpdate": f"/repos/{NAME}/issues/7",
        "github:ReposCreateOrUpdateFileContents": f"/repos/{NAME}/contents/README.md",
        "github:GitCreateBlob": f"/repos/{NAME}/git/blobs",
        "github:GitCreateTree": f"/repos/{NAME}/git/trees",
        "github:GitCreateCommit": f"/repos/{NAME}/git/commits",
        "github:GitCreateRef": f"/repos/{NAME}/git/refs",
        "github:GitUpdateRef": f"/repos/{NAME}/git/refs/heads%2Fmain",
        "github:CreateCommitStatus": f"/repos/{NAME}/statuses/{SHA}",
        "github:CreateDeployment": f"/repos/{NAME}/deployments",
        "github:CreateDeploymentStatus": f"/repos/{NAME}/deployments/7/statuses",
    }
    writes = {name for name, ways in known.items() if any(one.verb != "GET" for one in ways)}
    assert set(paths) == writes - {operation_of(TOKEN)}
    for operation, path in paths.items():
        verb = known[operation][0].verb
        with pytest.raises(NotDescribedError, match="422"):
            Opens(address, known)().send(operation, verb, path, [7])


def test_an_apps_token_is_asked_for_as_it_is_described(
    served_by_prism: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("apps.github.wire.HEADERS", PLAIN)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    access = Access(
        base_url=served_by_prism[0],
        method="app",
        secret=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        app_id="4711",
        installation_id="7",
        guarded=False,
    )
    signed: Any = wire(access).session.auth
    assert signed.auth.token.startswith("ghs_")


def test_every_call_is_among_them(project_root):
    """Those that the source names, beside those of the register."""
    named = {
        name
        for app in ("github", "delivery")
        for path in (project_root / "apps" / app).glob("*.py")
        for name in re.findall(r'"(github:[A-Z]\w+)"', path.read_text())
    }
    assert named <= ALL | {operation_of(TOKEN)}


def test_the_described_link_leads_on():
    from apps.sites.answers import Answer

    link = '<https://api.github.com/resource?page=2>; rel="next", <https://x>; rel="last"'
    found = next_page("/x", {}, Answer(200, {"link": link}))
    assert found == ("https://api.github.com/resource?page=2", {})
    assert next_page("/x", {}, Answer(200, {})) is None
