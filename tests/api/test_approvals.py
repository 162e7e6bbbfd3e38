"""Approvals that wait, in the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.people.models import Profile
from tests.api.conftest import Program
from tests.delivery.making import make_line, make_pipeline, run
from tests.delivery.test_approvals import ask
from tests.factories import make_project
from tests.source.making import sha

pytestmark = pytest.mark.django_db


def test_an_approval_tells_what_it_would_release(program: Program) -> None:
    make_line(3)
    pipeline = make_pipeline()
    stands = run(pipeline, 1)
    action = ask(
        pipeline,
        3,
        configuration={"CustomData": "Go?\x1b[1m", "ExternalEntityLink": "javascript:alert(1)"},
    )
    [found] = program.json("approvals")["items"]
    assert (found["name"], found["stage"], found["action"]) == ("shop", "Production", "Approve")
    assert (found["execution"], found["there_now"]) == (action.execution_id, stands.pk)
    assert [row["commit"] for row in found["commits"]] == [sha(3), sha(2)]
    assert (found["commits_in_all"], found["taken_back"], found["comparable"]) == (2, [], True)
    assert (found["message"], found["link"]) == ("Go?", "")
    assert found["goes_to"] == ["Production"]
    assert [test["action"] for test in found["tests"]] == ["Build"]
    assert found["url"].endswith(f"/approvals/#approval-{action.pk}")


def test_pages_follow_each_other_by_what_expires_first(program: Program) -> None:
    asked = [
        ask(make_pipeline(name), 1, expires_at=ends)
        for name, ends in (
            ("never", None),
            ("late", now() + timedelta(days=3)),
            ("soon", now() + timedelta(hours=1)),
        )
    ]
    first = program.json("approvals", limit=2)
    rest = program.json("approvals", limit=2, cursor=first["next_cursor"])
    told = [one["id"] for one in first["items"] + rest["items"]]
    assert told == [action.pk for action in reversed(asked)]


def test_mine_are_those_of_projects_in_which_one_works(program: Program, user: Any) -> None:
    pipeline = make_pipeline()
    action = ask(pipeline, 1)
    [seen] = program.json("approvals")["items"]
    assert seen["mine"] is False
    assert program.json("approvals", mine=True)["items"] == []
    make_project("shop", pipeline, contributor=user)
    [mine] = program.json("approvals", mine=True)["items"]
    assert (mine["id"], mine["mine"]) == (action.pk, True)


def test_nobody_is_told_of_pipelines_that_they_may_not_see(program: Program, user: Any) -> None:
    ask(make_pipeline(), 1)
    Profile.objects.filter(user=user).update(reads_everything=False)
    assert program.json("approvals")["items"] == []


def test_the_number_of_queries_does_not_grow(program: Program) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as made:
            program.json("approvals")
        return len(made)

    ask(make_pipeline("one"), 1)
    queries()
    few = queries()
    for name in ("two", "three", "four"):
        ask(make_pipeline(name), 1)
    assert queries() == few
