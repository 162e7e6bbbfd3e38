"""From CodeCommit's answers to rows: complete, without secrets, in as few calls as there can be."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import serializers
from django.test import Client

from apps.aws.calls import Reach
from apps.codecommit import collect, pulls, records
from apps.codecommit.resources import BRANCH
from apps.codecommit.why import why_repository
from apps.mirror.ask import UNREAD, Ask, Covered, Ended, Parent, Vanished
from apps.mirror.hints import follow_hints
from apps.mirror.ingest import Event, names_in
from apps.mirror.models import Change, Hint, Link, Operation, Scope, Sweep
from apps.mirror.resource import Names
from apps.source.digest import DEPTH
from apps.source.models import Branch, Commit, PullRequest, Repository
from apps.source.why import why_pull_request
from tests import factories
from tests.flight import PLANTED, Fault, Flight

from .conftest import Sweeper

ARN = "arn:aws:codecommit:eu-west-1:111122223333:shop"
HEAD, FIRST, FEATURE, LOST = ("a1" * 20, "b2" * 20, "c3" * 20, "d4" * 20)


# --- Rows -----------------------------------------------------------------------------------------


def test_a_repository_tells_where_to_clone_it_and_whom_pushes_are_told_to(
    full: Flight, aws: Any, sweep: Sweeper
):
    aws(full)
    sweep()
    row = Repository.objects.get(key="shop")
    assert row.clone_url_https.startswith("https://git-codecommit.eu-west-1.")
    assert row.clone_url_ssh.startswith("ssh://git-codecommit.eu-west-1.")
    assert row.clone_url_grc == "codecommit::eu-west-1://shop"
    assert row.key_id == "1234abcd-12ab-34cd-56ef-1234567890ab"
    assert [trigger["name"] for trigger in row.triggers] == ["tell-the-team", "index"]
    assert row.tags == {"team": "checkout"}
    links = set(Link.objects.filter(from_kind="codecommit.repository").values_list("to_kind"))
    assert links == {("kms.key",), ("sns.topic",), ("awslambda.function",)}
    # What follows from its branches, commits and pull requests.
    assert row.heads == {"feature/basket": FEATURE, "main": HEAD}
    assert (row.branch_count, row.open_pull_requests) == (2, 2)
    assert row.latest_commit.commit_id == HEAD
    assert (row.depth, row.unread) == (0, [])
    assert row.latest_commit.parents == [FIRST]


def test_a_repository_that_cannot_be_opened_says_why_and_what_cures_it(
    full: Flight, aws: Any, sweep: Sweeper
):
    aws(full)
    sweep()
    row = Repository.objects.get(key="vault")
    assert (row.status, row.state) == ("EncryptionKeyDisabledException", "failed")
    cause, cure = why_repository(row).splitlines()
    assert cause == "EncryptionKeyDisabledException: The encryption key is disabled."
    assert "aws kms enable-key" in cure
    row.trouble, row.encryption_key = "The encryption key arn:aws:kms:x:1:key/ab-1 is disabled.", ""
    assert "--key-id ab-1)" in why_repository(row)
    # Nothing below it is asked for, so nothing below it is refused.
    asked = [params.get("repositoryName") for _, params in full.asked]
    assert "vault" not in asked


def test_a_repository_that_opens_again_is_as_good_as_any(full: Flight, aws: Any, sweep: Sweeper):
    aws(full)
    sweep()
    answer = {
        "repositories": [{"repositoryName": "vault", "Arn": f"{ARN[:-4]}vault"}],
        "repositoriesNotFound": ["shop"],
    }
    full.on("codecommit:BatchGetRepositories", answer)
    full.on("codecommit:GetRepositoryTriggers", {"triggers": []})
    full.on("codecommit:ListTagsForResource", {"tags": {}})
    sweep("codecommit.repository")
    vault = Repository.objects.get(key="vault")
    assert (vault.status, vault.state, why_repository(vault)) == ("", "", "")
    assert Repository.objects.get(key="shop").gone_at is not None


def test_commits_keep_author_committer_message_and_parents(full: Flight, aws: Any, sweep: Sweeper):
    aws(full)
    sweep()
    row = Commit.objects.get(commit_id=HEAD)
    assert row.arn == f"{ARN}#{HEAD}"
    assert (row.author_name, row.committer_name) == ("platform-engineer", "security-reviewer")
    assert row.committed_by_another
    assert row.authored_at == datetime(2026, 1, 1, 9, 58, 20, tzinfo=UTC)
    assert row.parents == [FIRST]
    assert row.title == "Round totals half up"
    assert row.body.startswith("As the tax office wants it.")


def test_an_open_pull_request_says_what_keeps_it_from_being_merged(
    full: Flight, aws: Any, sweep: Sweeper
):
    aws(full)
    sweep()
    row = PullRequest.objects.get(key="12")
    assert (row.status, row.state, row.word) == ("OPEN", "waiting", "Open")
    assert why_pull_request(row).splitlines() == [
        "Merge conflict with main in src/basket.js",
        "Approval rule “Two reviewers” is not satisfied: 1 of 2 approvals",
    ]
    assert [rule["satisfied"] for rule in row.approval_rules] == [False, True]
    assert row.approval_rules[0]["needed"] == 2
    assert row.approval_rules[0]["branches"] == ["main"]
    assert [comment["id"] for comment in row.comments] == ["c1:1", "c1:2", "c1:3"]
    assert row.comments[0]["deleted"]
    assert row.comments[0]["text"] == ""
    assert row.comments[2]["reply_to"] == "c1:2"
    assert row.comments[1]["path"] == "src/basket.js"
    overridden = PullRequest.objects.get(key="13")
    assert overridden.overridden
    assert why_pull_request(overridden) == "Merge conflict with main in src/basket.js"


def test_a_merged_pull_request_is_done_and_says_as_what(full: Flight, aws: Any, sweep: Sweeper):
    aws(full)
    sweep()
    row = PullRequest.objects.get(key="11")
    assert (row.status, row.state, row.word) == ("CLOSED", "done", "Merged")
    assert row.merge_option == "THREE_WAY_MERGE"
    assert Link.objects.filter(relation="merged as", to_arn=f"{ARN}#{row.merge_commit}").exists()
    # Comments and approvals are read of open ones alone.
    asked = full.calls("codecommit:GetCommentsForPullRequest")
    assert sorted(params["pullRequestId"] for params in asked) == ["12", "13"]


def test_a_status_we_have_not_heard_of_is_unknown_and_shown_as_it_is():
    pull = {"pullRequestId": "1", "pullRequestStatus": "PONDERED"}
    record = pulls.pull_request_record(Flight().reach(), pull)
    assert (record.status, record.state) == ("PONDERED", "unknown")
    assert PullRequest(status="PONDERED", state="unknown").word == "PONDERED"


def test_an_answer_with_nothing_but_names_is_no_crash():
    reach = Flight().reach()
    records.commit_record(reach, "shop", {"commitId": "a"})
    records.repository_record(reach, {"repositoryName": "shop"}, triggers={}, tags={})
    pulls.pull_request_record(reach, {"pullRequestId": "1"})
    assert pulls.comments([{}, {"comments": [{}]}])[0]["text"] == ""
    hostile = {"approvalRules": [{"approvalRuleContent": text} for text in ("", "[]", "{", '"x"')]}
    assert [rule["needed"] for rule in pulls.approval_rules(hostile, None)] == [None] * 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1517247681 -0800", datetime(2018, 1, 29, 17, 41, 21, tzinfo=UTC)),
        ("1517247681", datetime(2018, 1, 29, 17, 41, 21, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("yesterday", None),
        ("999999999999 +0000", None),
    ],
)
def test_a_git_date_is_read_as_utc(text: Any, wanted: Any):
    assert records.git_date(text) == wanted


def test_no_planted_secret_gets_behind_the_collector(full: Flight, aws: Any, sweep: Sweeper):
    aws(full)
    sweep()
    rows: list[Any] = [
        *Repository.objects.all(),
        *Commit.objects.all(),
        *PullRequest.objects.all(),
        *Change.objects.all(),
        *Link.objects.all(),
    ]
    stored = serializers.serialize("json", rows)
    assert PLANTED not in stored
    assert "index-code" in stored


# --- What it costs --------------------------------------------------------------------------------


def test_an_idle_sweep_calls_nothing_about_branches_and_commits(
    full: Flight, aws: Any, sweep: Sweeper
):
    aws(full)
    # No commit is missing, so there is nothing to go on with.
    complete(full)
    sweep()
    with full.recorded() as asked:
        sweep()
    made = sorted({operation for operation, _ in asked})
    assert made == [
        "codecommit:BatchGetRepositories",
        "codecommit:GetPullRequest",
        "codecommit:ListPullRequests",
        "codecommit:ListRepositories",
    ]
    # The two open ones: there is no batch of them.
    assert len([1 for operation, _ in asked if operation == "codecommit:GetPullRequest"]) == 2
    with full.recorded() as asked:
        sweep("codecommit.branch", deep=True)
    assert len(asked) == 3


def complete(flight: Flight) -> None:
    flight.on("codecommit:BatchGetCommits", known_commits(flight))


def known_commits(flight: Flight) -> Any:
    works = flight._plays["codecommit:BatchGetCommits"]

    def play(params: Any) -> Any:
        if params["commitIds"] == [FIRST]:
            return {"commits": [{"commitId": FIRST, "parents": []}]}
        assert callable(works)
        return works(params)

    return play


def test_repositories_are_described_a_hundred_at_a_time():
    names = [f"service-{number}" for number in range(250)]
    sizes: list[int] = []

    def batch(params: Any) -> Any:
        sizes.append(len(params["repositoryNames"]))
        return {"repositories": [{"repositoryName": one} for one in params["repositoryNames"]]}

    flight = (
        Flight()
        .on(
            "codecommit:ListRepositories",
            {"repositories": [{"repositoryName": name} for name in names]},
        )
        .on("codecommit:BatchGetRepositories", batch)
        .on("codecommit:GetRepositoryTriggers", {"triggers": []})
        .on("codecommit:ListTagsForResource", {"tags": {}})
    )
    found = list(collect.repositories(flight.reach(), Ask()))
    assert (len(found), sizes) == (250, [100, 100, 50])


def history(length: int) -> Flight:
    """A repository whose main has so many commits in a row, "0" the newest."""

    def batch(params: Any) -> Any:
        return {
            "commits": [
                {"commitId": one, "parents": [str(int(one) + 1)] if int(one) + 1 < length else []}
                for one in params["commitIds"]
            ]
        }

    return Flight().on("codecommit:BatchGetCommits", batch)


def shop(**fields: Any) -> Parent:
    return Parent(key="shop", fields={"heads": {"main": "0"}, "unread": [], "status": "", **fields})


def read_commits(reach: Reach, ask: Ask) -> list[str]:
    found = list(collect.commits(reach, ask))
    assert found[-1] == Covered("shop")
    return [item.commit_id for item in found if isinstance(item, records.CommitRecord)]


def test_at_first_the_heads_are_read_in_one_call_and_later_what_was_pushed():
    flight = history(100)
    heads = {"main": "0", "release": "50"}
    ask = Ask(parents=(shop(heads=heads),), unended=frozenset({"shop"}))
    found = list(collect.commits(flight.reach(), ask))
    assert [item.key for item in found if isinstance(item, records.CommitRecord)] == [
        "shop/0",
        "shop/50",
    ]
    assert found[-2:] == [Ended("shop"), Covered("shop")]
    assert flight.count() == {"codecommit:BatchGetCommits": 1}
    # A push of few is read whole; of a new branch's past no more than a push may have brought.
    known = frozenset({"shop/3", "shop/50"})
    ask = Ask(parents=(shop(heads=heads),), finished=lambda keys: known & frozenset(keys))
    assert read_commits(flight.reach(), ask) == ["0", "1", "2"]
    ask = Ask(parents=(shop(heads={"old": "60"}),), finished=lambda keys: known & frozenset(keys))
    assert len(read_commits(flight.reach(), ask)) == collect.PUSHED


def test_the_heads_of_very_many_branches_come_a_hundred_a_call():
    flight = history(1000)
    heads = {f"branch-{number}": str(number) for number in range(250)}
    ask = Ask(parents=(shop(heads=heads),), unended=frozenset({"shop"}))
    assert len(read_commits(flight.reach(), ask)) == 250
    assert flight.count() == {"codecommit:BatchGetCommits": 3}


def test_a_long_history_that_somebody_opened_is_read_in_bites_and_gone_on_with():
    flight = history(100)
    opened = Ask(parents=(shop(depth=120),), unended=frozenset({"shop"}))
    first = read_commits(flight.reach(), opened)
    assert first == [str(number) for number in range(collect.STEPS)]
    known = {f"shop/{one}" for one in first}
    rest = Ask(
        parents=(shop(depth=120, unread=[str(collect.STEPS)]),),
        finished=lambda keys: known & frozenset(keys),
    )
    following = read_commits(flight.reach(), rest)
    assert following[0] == str(collect.STEPS)
    assert not set(first) & set(following)


@pytest.mark.parametrize("opened", ["page", "list"])
def test_who_opens_a_repositorys_commits_has_the_older_ones_read(
    opened: str, full: Flight, aws: Any, sweep: Sweeper, client: Client
):
    client.force_login(factories.make_user("checkout-developer"))
    aws(full)
    sweep()
    assert set(Commit.objects.values_list("commit_id", flat=True)) == {HEAD, FEATURE}
    Hint.objects.all().delete()
    shop = Repository.objects.get(key="shop")
    path = shop.get_absolute_url() if opened == "page" else "/source/commits/?repository=shop"
    assert client.get(path).status_code == 200
    shop.refresh_from_db()
    assert (shop.depth, shop.unread) == (DEPTH, [FIRST])
    assert list(Hint.objects.values_list("kind", "parent_key")) == [("codecommit.commit", "shop")]
    follow_hints(shop.scope_id)
    shop.refresh_from_db()
    assert Commit.objects.filter(commit_id=FIRST).exists()
    # What cannot be found is asked for again; what is there is not.
    assert shop.unread == [LOST]
    Hint.objects.all().delete()
    client.get(path)
    assert not Hint.objects.exists()


def test_new_commits_are_read_until_a_known_one_comes():
    flight = history(100)
    known = frozenset(f"shop/{number}" for number in range(2, 100))
    ask = Ask(parents=(shop(),), finished=lambda keys: known & frozenset(keys))
    assert read_commits(flight.reach(), ask) == ["0", "1"]
    assert len(flight.asked) == 2


def test_the_heads_of_many_branches_and_both_parents_of_a_merge_come_in_one_call():
    parents = {"m": ["a", "b"], "a": [], "b": [], "other": ["a"]}

    def batch(params: Any) -> Any:
        return {
            "commits": [{"commitId": one, "parents": parents[one]} for one in params["commitIds"]]
        }

    flight = Flight().on("codecommit:BatchGetCommits", batch)
    ask = Ask(parents=(shop(heads={"main": "m", "other": "other"}),))
    assert sorted(read_commits(flight.reach(), ask)) == ["a", "b", "m", "other"]
    assert [params["commitIds"] for _, params in flight.asked] == [["m", "other"], ["a", "b"]]


def test_a_head_that_cannot_be_read_is_kept_and_asked_for_again(
    full: Flight, aws: Any, sweep: Sweeper
):
    aws(full)
    sweep()
    works = full._plays["codecommit:GetBranch"]
    full.on("codecommit:GetBranch", Fault("AccessDeniedException", "no"))
    sweep("codecommit.branch", deep=True)
    assert Branch.objects.get(name="main").commit_id == HEAD
    assert Branch.objects.present().count() == 2
    full.on("codecommit:GetBranch", works)
    with full.recorded() as asked:
        sweep("codecommit.branch", deep=True)
    assert len(asked) == 3


def test_a_push_found_by_polling_has_the_branches_of_that_repository_read(
    full: Flight, aws: Any, sweep: Sweeper, scope: Scope
):
    aws(full)
    sweep()
    Hint.objects.all().delete()
    move(full)
    sweep("codecommit.repository")
    found = Hint.objects.values_list("kind", "parent_key")
    assert list(found) == [(BRANCH.kind, "shop")]
    # Where events flow, each push is told of by one.
    Hint.objects.all().delete()
    Sweep.objects.filter(kind=BRANCH.kind).update(events_at=datetime.now(UTC))
    move(full, later=120)
    sweep("codecommit.repository")
    assert not Hint.objects.exists()


def move(flight: Flight, later: float = 60) -> None:
    """Somebody pushed: the repository's date moves."""
    works = flight._plays["codecommit:BatchGetRepositories"]
    assert callable(works)
    answer = json.loads(json.dumps(works({"repositoryNames": ["shop", "vault"]})))
    answer["repositories"][0]["lastModifiedDate"] += later
    flight.on("codecommit:BatchGetRepositories", lambda _params: answer)


def test_a_deleted_branch_is_gone_and_one_that_is_named_is_read_alone(
    full: Flight, aws: Any, sweep: Sweeper
):
    aws(full)
    reach = full.reach()
    (record,) = collect.branches(reach, Ask(keys=("shop/feature/basket",)))
    assert isinstance(record, records.BranchRecord)
    assert (record.name, record.commit_id) == ("feature/basket", FEATURE)
    assert record.read_at_change is UNREAD
    assert len(full.asked) == 1
    full.on("codecommit:GetBranch", Fault("BranchDoesNotExistException", "no"))
    assert list(collect.branches(reach, Ask(keys=("shop/gone",)))) == [Vanished("shop/gone")]


def test_a_pull_request_is_described_again_where_something_happened_or_it_was_named(
    full: Flight, aws: Any, sweep: Sweeper
):
    aws(full)
    sweep()
    known = dict(PullRequest.objects.values_list("key", "described"))
    assert all(known.values())
    with full.recorded() as asked:
        (record,) = collect.pull_requests(full.reach(), Ask(keys=("12",), known=known))
    assert len(asked) == 5
    assert isinstance(record, pulls.PullRequestRecord)
    assert record.described == known["12"]
    with full.recorded() as asked:
        list(collect.pull_requests(full.reach(), Ask(parents=(shop(),), known={"12": "older"})))
    details = [p for name, p in asked if name == "codecommit:GetPullRequestApprovalStates"]
    assert {params["pullRequestId"] for params in details} == {"12", "13"}


def test_of_a_long_list_the_newest_page_and_all_open_ones_are_read_at_first():
    def listed(params: Any) -> Any:
        if params.get("pullRequestStatus") == "OPEN":
            return {"pullRequestIds": ["3"]}
        return {"pullRequestIds": ["200", "199"], "nextToken": "more"}

    def one(params: Any) -> Any:
        target = {"repositoryName": "shop"}
        pull = {"pullRequestStatus": "CLOSED", "pullRequestTargets": [target]}
        return {"pullRequest": {"pullRequestId": params["pullRequestId"], **pull}}

    flight = Flight().on("codecommit:ListPullRequests", listed)
    flight.on("codecommit:GetPullRequest", one)
    ask = Ask(parents=(shop(),), unended=frozenset({"shop"}))
    found = list(collect.pull_requests(flight.reach(), ask))
    keys = [item.key for item in found if isinstance(item, pulls.PullRequestRecord)]
    assert sorted(keys) == ["199", "200", "3"]
    flight.asked.clear()
    list(collect.pull_requests(flight.reach(), Ask(parents=(shop(),))))
    assert flight.count()["codecommit:ListPullRequests"] == 1


def test_a_repository_of_which_a_pull_request_cannot_be_read_is_listed_again():
    refused = Fault("ThrottlingException", "Rate exceeded", status=400)
    answers: dict[str, Any] = {"2": refused, "3": Fault("PullRequestDoesNotExistException", "no")}

    def one(params: Any) -> Any:
        target = {"repositoryName": "till" if params["pullRequestId"] == "9" else "shop"}
        pull = {"pullRequestStatus": "CLOSED", "pullRequestTargets": [target]}
        told = {"pullRequest": {"pullRequestId": params["pullRequestId"], **pull}}
        return answers.get(params["pullRequestId"], told)

    ids = {"shop": ["1", "2", "3"], "till": ["9"]}
    flight = Flight().on(
        "codecommit:ListPullRequests", lambda p: {"pullRequestIds": ids[p["repositoryName"]]}
    )
    flight.on("codecommit:GetPullRequest", one)
    till = Parent(key="till", fields={"status": ""})

    def read() -> list[Any]:
        return list(collect.pull_requests(flight.reach(), Ask(parents=(shop(), till))))

    found = read()
    keys = [item.key for item in found if isinstance(item, pulls.PullRequestRecord)]
    assert sorted(keys) == ["1", "9"]
    # The throttled one would be forgotten if its repository were over; one that is gone is no loss.
    assert [item for item in found if isinstance(item, Covered | Ended)] == [
        Ended("till"),
        Covered("till"),
    ]
    del answers["2"]
    assert Ended("shop") in read()


def test_comments_on_a_commit_are_read_where_it_is_named(full: Flight):
    (record,) = collect.commits(full.reach(), Ask(keys=(f"shop/{HEAD}",)))
    assert isinstance(record, records.CommitRecord)
    assert [comment["text"] for comment in record.comments] == ["Why half up?"]


def test_a_denied_comment_leaves_everything_else(full: Flight, aws: Any, sweep: Sweeper):
    aws(full)
    full.on("codecommit:GetCommentsForPullRequest", Fault("AccessDeniedException", "no"))
    sweep()
    row = PullRequest.objects.get(key="12")
    assert row.comments == []
    assert row.mergeable is False
    told = Operation.objects.get(operation="codecommit:GetCommentsForPullRequest")
    assert (told.health, bool(told.cure)) == ("denied", True)


# --- Events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "detail", "wanted"),
    [
        (
            "Repository State Change",
            {
                "event": "referenceUpdated",
                "repositoryName": "shop",
                "referenceType": "branch",
                "referenceName": "feature/basket",
            },
            [
                Names(kind="codecommit.repository", key="shop"),
                Names(kind="codecommit.branch", key="shop/feature/basket"),
            ],
        ),
        (
            "Repository State Change",
            {
                "event": "referenceCreated",
                "repositoryName": "shop",
                "referenceType": "tag",
                "referenceName": "v1",
            },
            [Names(kind="codecommit.repository", key="shop")],
        ),
        (
            "Pull Request State Change",
            {"event": "pullRequestMergeStatusUpdated", "pullRequestId": "12"},
            [Names(kind="codecommit.pullrequest", key="12")],
        ),
        (
            "Comment on Pull Request",
            {"event": "commentOnPullRequestCreated", "pullRequestId": "12"},
            [Names(kind="codecommit.pullrequest", key="12")],
        ),
        (
            "Comment on Commit",
            {"event": "x", "repositoryName": "shop", "afterCommitId": HEAD},
            [Names(kind="codecommit.commit", key=f"shop/{HEAD}")],
        ),
        (
            "Approval Rule Template Change",
            {"event": "approvalRuleTemplateUpdated", "repositories": {"shop": "vault"}},
            [
                Names(kind="codecommit.pullrequest", parent="shop"),
                Names(kind="codecommit.pullrequest", parent="vault"),
            ],
        ),
        ("Approval Rule Template Change", {"event": "approvalRuleTemplateCreated"}, []),
        ("Pull Request State Change", {"event": "no id"}, []),
    ],
)
def test_an_event_names_what_to_read_again(kind: str, detail: Any, wanted: list[Names]):
    place = "111122223333/eu-west-1"
    event = Event(place=place, source="aws.codecommit", type=f"CodeCommit {kind}", detail=detail)
    assert names_in(event) == wanted
