"""Every call that is made of Jira, against Atlassian's own OpenAPI description as Prism serves it.

The description is that of Cloud's REST v3. Data Center, which has none that is current, is asked by
REST v2 in the same words; where both have an operation, its calls are held to the same description.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.delivery.channels import link
from apps.delivery.models import Telling
from apps.issues.acting import Draft
from apps.issues.models import Issue, Tracker
from apps.jira import collect, issues, site
from apps.jira.acting import JiraKeeper
from apps.jira.records import comments_of
from apps.jira.searching import api
from apps.mirror.ask import Ask, Continued, Covered, Ended, Parent, Vanished
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER
from apps.sites.answers import Access
from apps.sites.reach import Reach
from tests.delivery.test_panel_contract import OPERATIONS as PANEL_OPERATIONS
from tests.prism import Called, Held, NotDescribedError, calls, served
from tests.vendors import Contract, Described, component, cut, jira, without_false_examples

from .conftest import FLIGHTS

# As they are called here → as Atlassian calls them in Cloud, and in Data Center's version 2.
OPERATIONS = {
    "jira:GetMyself": ("getCurrentUser",) * 2,
    "jira:GetServerInfo": ("getServerInfo",) * 2,
    "jira:GetProject": ("getProject",) * 2,
    "jira:GetMyPermissions": ("getMyPermissions",) * 2,
    "jira:GetFields": ("getFields",) * 2,
    "jira:SearchIssues": ("searchAndReconsileIssuesUsingJql", "searchForIssuesUsingJql"),
    "jira:CountIssues": ("countIssues", "searchForIssuesUsingJql"),
    "jira:GetIssue": ("getIssue",) * 2,
    "jira:GetComments": ("getComments",) * 2,
    "jira:CreateIssue": ("createIssue",) * 2,
    "jira:AddComment": ("addComment",) * 2,
    "jira:DoTransition": ("doTransition",) * 2,
    "jira:AssignIssue": ("assignIssue",) * 2,
    "jira:FindAssignableUsers": ("findAssignableUsers",) * 2,
    # A link has no text in it: one way to make it serves both.
    "jira:CreateRemoteLink": ("createOrUpdateRemoteIssueLink",) * 2,
}
REFUSED = r": 4\d\d "
V3, V2 = "/rest/api/3", "/rest/api/2"


def described() -> Described:
    """What is called, by version 3 and, what both have, by version 2."""
    told = cut(jira(), {name for names in OPERATIONS.values() for name in names}.__contains__)
    # It says in words that null assigns an issue to nobody, and in its schema that it is no text.
    told["components"]["schemas"]["User"]["properties"]["accountId"]["nullable"] = True
    told["components"]["schemas"]["User"]["properties"]["name"]["nullable"] = True
    for path, verbs in list(told["paths"].items()):
        told["paths"][path.replace(V3, V2)] = verbs
    return without_false_examples(told)


@pytest.fixture(scope="module")
def served_by_prism(tmp_path_factory: Any) -> Iterator[tuple[str, dict[str, list[Called]]]]:
    """Jira's address, and how its operations are called."""
    told = described()
    with served(told, tmp_path_factory.mktemp("prism")) as address:
        yield address, calls(told)


class Opens:
    """Opens reaches of that Jira, and remembers what they called."""

    name = "jira"

    def __init__(self, address: str, known: dict[str, list[Called]], method: str) -> None:
        self.address, self.method = address, method
        mine = V3 if method == "cloud" else V2
        self.known = {
            name: [
                way
                for way in known[names[method != "cloud"]]
                if way.path.pattern.startswith(mine) or name == "jira:CreateRemoteLink"
            ]
            for name, names in OPERATIONS.items()
        }
        self.made: set[str] = set()

    def __call__(self, **options: Any) -> Reach:
        access = Access(
            base_url=self.address,
            method=self.method,
            user="reader@example.com",
            secret="t0ken",
            guarded=False,
        )
        return Held(
            **{
                "provider": "jira",
                "base_url": self.address,
                "method": self.method,
                "wire": site.JIRA.wire(access),
                "headers": site.JIRA.headers,
                "read": site.read,
                "next_page": site.next_page,
                "selection": {
                    "projects": ["EX"],
                    "queries": [{"name": "Overdue", "jql": "duedate < now()"}],
                },
                "known": self.known,
                "made": self.made,
                **options,
            }
        )

    def open(self, _scope: Scope, *, urgent: bool = False) -> Reach:
        """As the provider does."""
        return self()


@pytest.fixture(params=["cloud", "pat"])
def opened(request: Any, served_by_prism: Any) -> Opens:
    """Cloud, and Data Center."""
    return Opens(*served_by_prism, request.param)


def records(answers: Any) -> list[Any]:
    return [one for one in answers if not isinstance(one, Continued | Covered | Ended | Vanished)]


def projects_and_queries(reach: Reach):
    project, query = collect.trackers(reach, Ask())
    assert (project.key, project.name, project.state) == ("EX", "Example", "")
    assert query.state == ""
    assert isinstance(project.more, bool)
    assert isinstance(query.open_issues, int)


def issues_with_comments(reach: Reach):
    (found, *_) = records(issues.issues(reach, Ask(parents=(Parent(key="ED"),))))
    assert (found.key, found.issue_id, found.parent) == ("ED-1", "10002", "EX")
    # One that was moved is asked for the keys it had.
    (named,) = records(issues.issues(reach, Ask(keys=("OLD-1",), known={"OLD-1": ""})))
    assert (named.key, named.was) == ("ED-1", ["OLD-1"])
    # Of which a list shows not all comments.
    listed = {"key": "ED-1", "fields": {"comment": {"total": 99, "comments": []}}}
    assert issues._records(reach, [listed], "")[0].key == "ED-1"
    # The example is for administrators alone, and so not for here; without that it is.
    told = reach.get("jira:GetComments", f"{api(reach)}/issue/ED-1/comment").body
    assert comments_of(told) == []
    del told["comments"][0]["visibility"]
    (said,) = comments_of(told)
    assert all((said["author"], said["at"], said["text"]))


def deeds(opened: Opens, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PROVIDERS.by_name, "jira", opened)
    scope = Scope.objects.create(provider="jira", place="x", account="jira")
    tracker = Tracker.objects.create(scope=scope, key="ED")
    issue = Issue.objects.create(scope=scope, tracker=tracker, key="ED-24")
    keeper, since = JiraKeeper(), datetime(2026, 1, 5, tzinfo=UTC)
    draft = Draft(title="Found a bug", text="It is **broken**", type="10000", labels=("bug",))
    assert keeper.create(tracker, draft, "codestar-dash-deed-1").key == "ED-24"
    assert keeper.made(tracker, "no-such-mark", since) is None
    assert keeper.comment(issue, "Me too", "codestar-dash-deed-2").id == "10000"
    assert keeper.said(issue, "no-such-mark", since) is None
    keeper.transition(issue, "5")
    keeper.assign(issue, "5b10a2844c20165700ede21g")
    keeper.assign(issue, "")
    keeper.standing(issue)
    assert keeper.people(tracker)


def results(reach: Reach):
    shows = {
        "issue": "ED-24",
        "global_id": "codestar-dash/checkout-web",
        "url": "https://dash.example.com/executions/1",
        "title": "checkout-web: deployed to production",
        "summary": "1a2b3c4",
        "resolved": True,
    }
    assert link(reach, Telling(wanted=shows)).id == "10000"


def whose_a_token_is_and_what_it_may_read(reach: Reach):
    whose = site.identify(reach)
    assert whose.identity.startswith("Mia Krystof")
    assert whose.version
    project, query = site.findings(reach)
    # The example's permissions are others than those that are asked for.
    assert (project.ok, project.told) == (False, "Example: its issues may not be read.")
    assert query.ok


@pytest.mark.django_db
def test_every_call_is_what_atlassian_describes_and_its_answer_is_read(
    opened: Opens, monkeypatch: pytest.MonkeyPatch
):
    """It fails where a call was left out."""
    reach = opened()
    projects_and_queries(reach)
    issues_with_comments(reach)
    deeds(opened, monkeypatch)
    results(reach)
    whose_a_token_is_and_what_it_may_read(reach)
    assert opened.made == set(OPERATIONS)


@pytest.mark.parametrize(
    ("operation", "verb", "path", "params", "body", "why"),
    [
        ("GetIssue", "GET", f"{V3}/issues/ED-1", {}, None, "is not called by"),
        ("GetIssue", "GET", f"{V2}/issue/ED-1", {}, None, "is not called by"),
        ("AssignIssue", "POST", f"{V3}/issue/ED-1/assignee", {}, {}, "is not called by"),
        ("SearchIssues", "GET", f"{V3}/search/jql", {"startAt": 50}, None, "knows no startAt"),
        ("SearchIssues", "GET", f"{V3}/search/jql", {"maxResults": "all"}, None, REFUSED),
        ("GetComments", "GET", f"{V3}/issue/ED-1/comment", {"orderBy": "age"}, None, REFUSED),
        ("CountIssues", "POST", f"{V3}/search/approximate-count", {}, {"query": "x"}, REFUSED),
        ("CreateIssue", "POST", f"{V3}/issue", {}, {"fields": "Found a bug"}, REFUSED),
        ("AssignIssue", "PUT", f"{V3}/issue/ED-1/assignee", {}, {"account": "1"}, REFUSED),
        ("DoTransition", "POST", f"{V3}/issue/ED-1/transitions", {}, {"transition": 5}, REFUSED),
        (
            "CreateRemoteLink",
            "POST",
            f"{V2}/issue/ED-1/remotelink",
            {},
            {"globalId": "x"},
            "400|422",
        ),
    ],
)
def test_a_wrong_call_is_refused(
    served_by_prism: Any, operation: str, verb: str, path: str, params: Any, body: Any, why: str
):
    reach = Opens(*served_by_prism, "cloud")()
    with pytest.raises(NotDescribedError, match=why):
        reach.send(f"jira:{operation}", verb, path, body, **params)


def test_a_body_that_is_none_is_refused_everywhere(served_by_prism: Any):
    """So Prism understands what is described of each."""
    opened = Opens(*served_by_prism, "cloud")
    paths = {
        "jira:CountIssues": f"{V3}/search/approximate-count",
        "jira:CreateIssue": f"{V3}/issue",
        "jira:AddComment": f"{V3}/issue/ED-1/comment",
        "jira:DoTransition": f"{V3}/issue/ED-1/transitions",
        "jira:AssignIssue": f"{V3}/issue/ED-1/assignee",
        "jira:CreateRemoteLink": f"{V2}/issue/ED-1/remotelink",
    }
    writes = {name for name, ways in opened.known.items() if any(one.verb != "GET" for one in ways)}
    assert set(paths) == writes
    for operation, path in paths.items():
        with pytest.raises(NotDescribedError, match=REFUSED):
            opened().send(operation, opened.known[operation][0].verb, path, [7])


def test_every_call_is_among_them(project_root):
    """Those of the register, and those that the source names."""
    assert {call for kind in REGISTER.of("jira") for call in kind.calls} <= set(OPERATIONS)
    sources = [
        *(project_root / "apps/jira").glob("*.py"),
        *(project_root / "apps/delivery").glob("*.py"),
    ]
    named = {
        name for path in sources for name in re.findall(r'"(jira:[A-Z]\w+)"', path.read_text())
    }
    # Of the site's own id there is no description; the panel's calls are held to that of its own.
    elsewhere = {"jira:GetTenantInfo", *PANEL_OPERATIONS}
    assert named == set(OPERATIONS) | elsewhere


# What an issue's fields are is said elsewhere in the description than at its answer.
FIELDS: dict[str, Any] = {
    "status": component("StatusDetails"),
    "issuetype": component("IssueTypeDetails"),
    "priority": component("Priority"),
    "project": component("ProjectDetails"),
    "assignee": component("UserDetails"),
    "reporter": component("UserDetails"),
    "comment": component("PageOfComments"),
    # Of its two ends it is said that both are there; the issue that is asked for is not.
    "issuelinks": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["type"],
            "properties": {
                "type": component("IssueLinkType"),
                "inwardIssue": component("LinkedIssue"),
                "outwardIssue": component("LinkedIssue"),
            },
        },
    },
    "fixVersions": {"type": "array", "items": component("Version")},
}


@pytest.mark.parametrize(
    "path", sorted((FLIGHTS / "full").glob("*.json")), ids=lambda one: one.stem
)
def test_the_flights_are_what_atlassian_describes(path):
    contract = Contract(jira())
    operation = OPERATIONS[path.stem.replace(".", ":")][0]
    wrong = []
    for told in json.loads(path.read_text())["answers"]:
        status, answer = told.get("status", 200), told["answer"]
        wrong += contract.complaints(operation, status, answer if status < 300 else None)
        wrong += [] if status >= 300 else fields_of(contract, answer)
    assert wrong == []


def fields_of(contract: Contract, answer: Any) -> list[str]:
    """Return what the fields of the issues in an answer have that is not described."""
    issues = answer.get("issues", [answer]) if isinstance(answer, dict) else []
    return [
        f"{issue['key']}: {name}: {told}"
        for issue in issues
        if isinstance(issue.get("fields"), dict)
        for name, value in issue["fields"].items()
        if name in FIELDS and value is not None
        for told in contract.wrong(FIELDS[name], value)
    ]
