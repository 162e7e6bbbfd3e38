"""Source in the API: repositories, branches, commits and pull requests, list and detail."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from apps.mirror.models import Scope
from apps.mirror.visibility import VISIBILITY
from apps.source.models import PullRequest, Repository
from tests.api.conftest import BEGAN, Program
from tests.source.making import (
    make_branch,
    make_commit,
    make_pull,
    make_repository,
    sha,
    tell,
)

LISTS = ("repositories", "branches", "commits", "pull-requests")
COMMON = {
    "id",
    "arn",
    "account",
    "region",
    "status",
    "state",
    "why",
    "gone_at",
    "url",
    "console_url",
}


@pytest.fixture
def shop(scope: Scope) -> Repository:
    repository = make_repository("shop", scope, description="The shop's front")
    for number in (1, 2, 3):
        make_commit(repository, number)
    make_branch(repository, "main", 3)
    make_branch(repository, "feature/basket", 2)
    make_pull(repository, 12, console_url="https://example.com/12")
    return tell(repository)


def test_every_item_tells_where_it_is_and_how_it_fares(program: Program, shop: Repository) -> None:
    for path in LISTS:
        page = program.json(path)
        assert page["items"], path
        for item in page["items"]:
            assert item.keys() >= COMMON, path
            assert (item["account"], item["region"]) == ("111122223333", "eu-west-1")
            assert item["arn"].startswith("arn:aws:codecommit:eu-west-1:111122223333:shop")
            assert item["url"].startswith("http://testserver/source/"), path
            detail = program.json(f"{path}/{item['id']}")
            assert {name: detail[name] for name in item} == item, path


def test_a_repository_tells_where_to_clone_it_and_its_newest_commit(
    program: Program, shop: Repository
) -> None:
    Repository.objects.update(
        triggers=[
            {
                "name": "tell",
                "destination": "arn:aws:sns:eu-west-1:1:t",
                "branches": [],
                "events": ["all"],
            }
        ]
    )
    (item,) = program.json("repositories")["items"]
    assert (item["name"], item["branch_count"], item["open_pull_requests"]) == ("shop", 2, 1)
    assert program.json(f"commits/{item['latest_commit']}")["commit_id"] == sha(3)
    detail = program.json(f"repositories/{shop.pk}")
    assert detail["clone_url_grc"] == "codecommit::eu-west-1://shop"
    assert detail["triggers"][0]["destination"] == "arn:aws:sns:eu-west-1:1:t"


def test_a_repository_that_cannot_be_opened_says_why(program: Program, shop: Repository) -> None:
    Repository.objects.update(
        status="EncryptionKeyDisabledException", state="failed", trouble="The key is disabled."
    )
    (item,) = program.json("repositories", state="failed")["items"]
    assert item["why"].startswith("EncryptionKeyDisabledException: The key is disabled.\n")
    assert "aws kms enable-key" in item["why"]


def test_a_branch_names_its_head_and_whether_it_is_the_default(
    program: Program, shop: Repository
) -> None:
    found = {item["name"]: item for item in program.json("branches")["items"]}
    assert (found["main"]["default"], found["main"]["commit_id"]) == (True, sha(3))
    assert not found["feature/basket"]["default"]
    make_branch(make_repository("other", shop.scope), "main", 1)
    assert len(program.json("branches", repository="shop")["items"]) == 2
    assert len(program.json("branches", q="basket")["items"]) == 1


def test_commits_come_newest_first_and_are_narrowed(program: Program, shop: Repository) -> None:
    make_commit(make_repository("other", shop.scope), 50, author_name="security-reviewer")
    everything = program.everything("commits", limit=2)
    assert [item["commit_id"] for item in everything] == [sha(n) for n in (50, 3, 2, 1)]
    assert [
        item["repository"] for item in program.json("commits", q="security-reviewer")["items"]
    ] == ["other"]
    assert len(program.json("commits", repository="shop")["items"]) == 3
    (one,) = program.json("commits", q=sha(2))["items"]
    assert one["parents"] == [sha(1)]
    detail = program.json(f"commits/{one['id']}")
    assert (detail["committer_name"], detail["comments"]) == ("platform-engineer", [])


def test_a_pull_request_tells_its_rules_approvals_comments_and_what_keeps_it(
    program: Program, shop: Repository
) -> None:
    PullRequest.objects.update(
        approved=False,
        mergeable=False,
        conflicts=["src/basket.js"],
        approval_rules=[
            {
                "name": "Two",
                "needed": 2,
                "members": ["*"],
                "branches": ["main"],
                "satisfied": False,
                "template": "",
            }
        ],
        approvals=[{"user": "arn:aws:iam::1:user/platform-engineer", "state": "APPROVE"}],
        comments=[
            {
                "id": "1",
                "author": "arn:aws:iam::1:user/platform-engineer",
                "at": BEGAN.isoformat(),
                "text": "<b>Why?</b>",
                "path": "src/basket.js",
                "position": 4,
            }
        ],
    )
    (item,) = program.json("pull-requests", state="waiting")["items"]
    assert (item["status"], item["state"]) == ("OPEN", "waiting")
    assert item["why"].splitlines() == [
        "Merge conflict with main in src/basket.js",
        "Approval rule “Two” is not satisfied: 1 of 2 approvals",
    ]
    assert item["console_url"] == "https://example.com/12"
    detail = program.json(f"pull-requests/{item['id']}")
    assert detail["approval_rules"][0]["satisfied"] is False
    assert detail["approvals"] == [
        {"user": "arn:aws:iam::1:user/platform-engineer", "state": "APPROVE"}
    ]
    assert detail["comments"][0]["text"] == "<b>Why?</b>"
    assert detail["comments"][0]["position"] == 4
    assert detail["conflicts"] == ["src/basket.js"]


def test_pull_requests_come_by_their_last_activity(program: Program, shop: Repository) -> None:
    make_pull(shop, 3, last_activity=BEGAN + timedelta(days=900), state="done", status="CLOSED")
    make_pull(shop, 4, last_activity=None)
    numbers = [item["number"] for item in program.everything("pull-requests", limit=1)]
    assert numbers == ["3", "12", "4"]


@pytest.mark.parametrize("path", LISTS)
def test_what_one_may_not_see_is_missing(
    program: Program, shop: Repository, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = program.json(path)["items"][0]["id"]
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    assert program.json(path)["items"] == []
    program.json(f"{path}/{number}", status=404)
    program.json(f"{path}/999999", status=404)


@pytest.mark.parametrize("path", LISTS)
def test_the_number_of_queries_does_not_grow_with_the_rows(
    program: Program, shop: Repository, path: str
) -> None:
    def cost(**params: Any) -> int:
        program.json(path, **params)
        with CaptureQueriesContext(connection) as captured:
            program.json(path, **params)
        return len(captured)

    few = cost()
    for number in range(20, 30):
        make_commit(shop, number)
        make_pull(shop, number)
        make_branch(shop, f"b{number}", number)
        make_repository(f"r{number}", shop.scope)
    assert cost() == few
    assert few <= 6
