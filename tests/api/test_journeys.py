"""Journeys in the API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.issues.models import Issue, Tracker
from apps.mirror.models import Scope
from tests.api.conftest import Program
from tests.delivery.making import make_line, make_pipeline, name_issue, run
from tests.factories import make_user
from tests.issues.making import make_issue, make_tracker
from tests.source.making import sha

pytestmark = pytest.mark.django_db


def test_a_commit_is_followed_by_the_beginning_of_its_id(program: Program) -> None:
    make_line(2)
    execution = run(make_pipeline(), 2, to="Production", status="Waiting")
    [found] = program.json("journeys", commit=sha(1)[:40])["items"]
    assert found["of"] == sha(1)
    assert found["answer"]["state"] == "waiting"
    assert found["answer"]["text"] == "Not in production: waits for approval in Production"
    assert found["answer"]["url"].endswith(execution.get_absolute_url())
    [way] = found["ways"]
    assert (way["name"], way["is_there"]) == ("shop", False)
    assert way["executions"] == [execution.pk]
    assert [step["state"] for step in way["stages"]] == ["done", "done", "done", "waiting"]
    assert way["hold"]["text"] == "Waits for approval in Production"
    several = program.json("journeys", commit=sha(1)[:7])["items"]
    assert [one["of"] for one in several] == [sha(1), sha(2)]


def test_what_nobody_knows_is_no_journey(program: Program) -> None:
    for asked in ({"commit": "0123456"}, {"commit": ""}, {"issue": "SHOP-1"}):
        assert program.json("journeys", **asked)["items"] == []


@pytest.mark.parametrize("commit", ["abc123", "x", "main", "g" * 40, " ", "0" * 65, "012345é"])
def test_what_is_no_commits_id_is_told_so(program: Program, commit: str) -> None:
    make_line(1)
    told = program.json("journeys", status=422, commit=commit)
    assert [one["parameter"] for one in told["errors"]] == ["commit"]
    assert "[0-9a-fA-F]{7,64}" in told["detail"]
    assert program.json("journeys", commit=sha(1).upper())["items"][0]["of"] == sha(1)


def test_an_issue_is_followed_by_a_key_that_it_was_moved_from(program: Program) -> None:
    moved = make_issue(make_tracker("NEW"), key="NEW-3", was=["OLD-12"])
    make_issue(moved.tracker, key="NEW-4", was=["OLD-1"])
    for key in ("NEW-3", "new-3", "OLD-12"):
        [found] = program.json("journeys", issue=key)["items"]
        assert found["of"] == "NEW-3", key


def test_the_newest_are_followed_where_nothing_is_asked_for(program: Program) -> None:
    make_line(9)
    found = program.json("journeys")["items"]
    assert [one["of"] for one in found] == [sha(number) for number in (9, 8, 7, 6, 5)]
    both = program.json("journeys", commit=sha(3), issue="SHOP-1")["items"]
    assert [one["of"] for one in both] == [sha(3)]


def test_a_stranger_is_told_of_nothing(db: None) -> None:
    from apps.api.models import ApiToken

    make_line(1)
    run(make_pipeline(), 1)
    row = ApiToken(name="x", user=make_user("stranger", reads_everything=False))
    token = row.renew()
    row.save()
    assert Program(token).json("journeys", commit=sha(1))["items"] == []


@pytest.mark.parametrize("commit", ["abc", "main", "0123456 ", "0" * 65])
def test_what_can_be_no_commit_is_refused_in_words(program: Program, commit: str) -> None:
    answer = program.json("journeys", status=422, commit=commit)
    assert [one["parameter"] for one in answer["errors"]] == ["commit"]


@pytest.mark.parametrize("asked", ["SHOP-12", "shop-12", "OLD-3", "old-3"])
def test_an_issue_is_found_by_a_key_it_had_before(program: Program, asked: str) -> None:
    scope = Scope.objects.create(provider="jira", place="j/1", account="jira.example.com")
    tracker = Tracker.objects.create(scope=scope, key="SHOP", prefix="SHOP")
    Issue.objects.create(scope=scope, key="SHOP-12", arn="SHOP-12", was=["OLD-3"], tracker=tracker)
    _, [commit] = make_line(1)
    name_issue(commit, "OLD-3")
    [found] = program.json("journeys", issue=asked)["items"]
    assert found["of"] == "SHOP-12"
    assert [one["commit"] for one in found["changes"]] == [sha(1)]


def test_a_whole_id_is_looked_up_and_not_searched_for(program: Program) -> None:
    make_line(1)
    with CaptureQueriesContext(connection) as told:
        program.json("journeys", commit=sha(1))
    assert not [one for one in told if f"{sha(1)}%" in one["sql"]]
