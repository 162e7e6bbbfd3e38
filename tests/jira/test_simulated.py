"""The sandbox's Jira, read and written through the real wire: as Cloud and as Data Center."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils.timezone import now

from apps.issues.acting import KEEPERS, Draft, LaterError, RefusedError
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Operation
from apps.mirror.provider import PROVIDERS, Health
from apps.mirror.resource import Names
from apps.mirror.sweep import reread
from apps.sandbox.process import SandboxProcess
from apps.sites import trial
from apps.sites.connect import Given, change, connect, pause
from apps.sites.forms import given_of
from apps.sites.models import Site
from tests.flown import queued  # noqa: F401 - nothing runs by itself
from tests.jira.test_sweep import sweep

pytestmark = pytest.mark.django_db
SELECTION = {
    "projects": ["SHOP", "DATA"],
    "queries": [
        {"name": "Bugs", "jql": 'issuetype = Bug AND project = "SHOP" ORDER BY created'},
        {"name": "Wrong", "jql": "projekt = SHOP"},
    ],
}
TEXT = (
    "# It failed\n\nThe step **Deploy** said `exit 1`:\n\n```\nnpm ERR! {noformat} <b>\n```\n\n"
    "- commit [1a2b3c4](https://example.com/c/1)\n- by *hand*\n\n1. one\n2. two\n\n> quoted\n"
)


@pytest.fixture(scope="module")
def box() -> Iterator[Any]:
    """A sandbox whose clock stands still."""
    with SandboxProcess("--seed", "1", "--speed", "0") as sandbox:
        yield sandbox


def given(box: Any, method: str, **fields: Any) -> Given:
    return Given(
        **{
            "method": method,
            "base_url": f"{box.url}/jira",
            "user": "reader@example.com" if method == "cloud" else "",
            "secret": "sandbox-reader",
            "selection": SELECTION,
            "may_write": True,
            **fields,
        }
    )


@pytest.fixture(params=["cloud", "pat"])
def site(request: Any, box: Any) -> Iterator[Site]:
    """That Jira, connected as `make up` does."""
    cache.clear()
    yield connect(provider="jira", name="Simulated", given=given(box, request.param), managed=True)
    cache.clear()


def again(site: Site, key: str) -> Issue:
    reach = PROVIDERS.get("jira").open(site.scope)
    reread(site.scope, reach, "jira.issue", [Names(kind="jira.issue", key=key)])
    return Issue.objects.get(key=key)


def test_it_is_read_whole(site):
    sweep(site.scope)
    # What is selected and rejected is told, and nothing else is troubled.
    troubled = Operation.objects.exclude(health=Health.OK)
    assert [(row.code, "projekt" in row.error) for row in troubled] == [("Rejected", True)]
    shop = Tracker.objects.get(key="SHOP")
    assert Issue.objects.filter(tracker=shop).count() > 50
    assert not Issue.objects.filter(tracker=None).exists()
    assert {"todo", "doing", "done"} == set(Issue.objects.values_list("category", flat=True))
    assert Issue.objects.exclude(sprint="").exists()
    assert Issue.objects.exclude(related=[]).exists()
    assert Issue.objects.exclude(parent_key="").exists()
    assert all(issue.transitions for issue in Issue.objects.filter(tracker__key="DATA"))
    wrong = Tracker.objects.get(key="Wrong")
    assert (wrong.state, "projekt" in wrong.trouble) == ("failed", True)
    site.refresh_from_db()
    assert site.identity
    # And nothing changes where nothing happened.
    assert [result.changes for result in sweep(site.scope)] == [[], []]
    assert [result.changes for result in sweep(site.scope, deep=True)] == [[], []]


def test_the_connections_test_says_what_may_be_read(site):
    token = trial.begin(
        trial.Draft(
            name="Simulated", provider="jira", given=given_of(site), site=site.pk, stored=True
        ),
        user_id=1,
    )
    report = trial.run(token)
    assert [(line.what, line.troubled) for line in report.lines] == [
        ("Who are we?", False),
        ("Project SHOP", False),
        ("Project DATA", False),
        ("Query Bugs", False),
        ("Query Wrong", True),
    ]
    assert "Jira rejects this JQL" in report.of_field("queries")[0].told


@pytest.mark.parametrize("secret", ["sandbox-expired", "sandbox-revoked", "nonsense"])
def test_a_token_that_is_not_accepted_reads_nothing_and_buries_nothing(site, secret):
    sweep(site.scope)
    before = list(Issue.objects.order_by("pk").values("pk", "gone_at", "changed_at"))
    entered = given_of(site)
    entered.secret = secret
    change(site, entered, by="administrator")
    sweep(site.scope, "jira.tracker")
    assert list(Issue.objects.order_by("pk").values("pk", "gone_at", "changed_at")) == before
    assert not Tracker.objects.exclude(gone_at=None).exists()
    row = Operation.objects.get(kind="jira.tracker", operation="jira:GetMyself")
    assert row.health in (Health.CREDENTIALS, Health.DENIED)
    assert row.cure


def test_an_issue_is_made_once_and_known_by_its_mark(site):
    sweep(site.scope, "jira.tracker")
    keeper, tracker = KEEPERS.by_provider["jira"], Tracker.objects.get(key="DATA")
    began = now() - timedelta(minutes=1)
    bug = next(one["id"] for one in tracker.types)
    draft = Draft(title="Deploy\nfailed", text=TEXT, type=bug, labels=["from pipeline"])
    made = keeper.create(tracker, draft, f"codestar-dash-deed-1-{site.method}")
    assert made.key.startswith("DATA-")
    assert made.url == f"{site.base_url}/browse/{made.key}"
    assert keeper.made(tracker, f"codestar-dash-deed-1-{site.method}", began) == made
    assert keeper.made(tracker, f"codestar-dash-deed-2-{site.method}", began) is None
    # A row that was never read is read by its key, with its parent.
    issue = again(site, made.key)
    assert (issue.title, issue.labels, issue.tracker) == (
        "Deploy failed",
        ["from-pipeline"],
        tracker,
    )
    for words in ("It failed", "Deploy", "exit 1", "npm ERR!", "1a2b3c4", "quoted"):
        assert words in issue.body


def test_a_comment_is_said_once_and_known_by_its_mark(site):
    sweep(site.scope)
    keeper = KEEPERS.by_provider["jira"]
    issue = Issue.objects.filter(tracker__key="DATA").first()
    began = now() - timedelta(minutes=1)
    assert keeper.said(issue, f"codestar-dash-deed-3-{site.method}", began) is None
    said = keeper.comment(issue, TEXT, f"codestar-dash-deed-3-{site.method}")
    assert (said.key, f"focusedCommentId={said.id}" in said.url) == (issue.key, True)
    assert keeper.said(issue, f"codestar-dash-deed-3-{site.method}", began) == said
    issue = again(site, issue.key)
    assert said.id in [one["id"] for one in issue.comments]
    assert "codestar-dash-deed" not in str(issue.comments)


def test_an_issue_moves_as_its_workflow_allows_and_is_given_to_people(site):
    sweep(site.scope)
    keeper = KEEPERS.by_provider["jira"]
    issue = Issue.objects.filter(tracker__key="DATA", category="todo").first()
    way = next(one for one in issue.transitions if one["to"] != issue.status)
    keeper.transition(issue, way["id"])
    assert keeper.standing(issue).status == way["to"]
    with pytest.raises(RefusedError):
        keeper.transition(issue, "999")
    somebody = keeper.people(issue.tracker)[0]
    keeper.assign(issue, somebody.id)
    assert keeper.standing(issue).assignee_id == somebody.id
    issue = again(site, issue.key)
    assert (issue.status, issue.assignee_id) == (way["to"], somebody.id)
    keeper.assign(issue, "")
    assert keeper.standing(issue).assignee_id == ""
    with pytest.raises(RefusedError):
        keeper.assign(issue, "nobody-of-this-name")


def test_nothing_is_written_where_that_is_off(site):
    keeper = KEEPERS.by_provider["jira"]
    assert keeper.allowed(site.scope) == ""
    entered = given_of(site)
    entered.may_write = False
    change(site, entered, by="administrator")
    assert "Writing is off for this site" in KEEPERS.why_not(site.scope)
    pause(site, by="administrator")
    assert keeper.allowed(site.scope) == "The connection is paused."


def test_what_goes_wrong_says_what_follows(site, box):
    sweep(site.scope)
    keeper = KEEPERS.by_provider["jira"]
    issue = Issue.objects.filter(tracker__key="DATA").first()
    Issue.objects.filter(pk=issue.pk).update(key="DATA-99999")
    issue.refresh_from_db()
    with pytest.raises(RefusedError):
        keeper.comment(issue, "x", "mark")
    entered = given_of(site)
    entered.secret = "sandbox-expired"
    change(site, entered, by="administrator")
    with pytest.raises(RefusedError, match="new token"):
        keeper.comment(issue, "x", "mark")
    Site.objects.filter(pk=site.pk).update(base_url="http://127.0.0.1:9/jira", identity_error="")
    with pytest.raises(LaterError):
        keeper.comment(issue, "x", "mark")


def test_an_issue_that_was_moved_and_one_that_was_deleted(site, box):
    sweep(site.scope)
    rows = Issue.objects.filter(tracker__key="SHOP", parent_key="").order_by("pk")
    move, gone = [row.key for row in rows if row.type == "Bug"][:2]
    box.control("POST", "move", {"issue": move, "project": "DATA"})
    again(site, move)
    old = Issue.objects.get(key=move)
    fresh = Issue.objects.get(issue_id=old.issue_id, gone_at=None)
    assert fresh.key.startswith("DATA-")
    assert move in fresh.was
    assert old.gone_at is not None
    reach = PROVIDERS.get("jira").open(site.scope, urgent=True)
    reach.send("jira:DeleteIssue", "DELETE", f"/rest/api/2/issue/{gone}")
    sweep(site.scope, "jira.issue", deep=True)
    assert Issue.objects.get(key=gone).gone_at is not None
