"""Of what was not read, nothing is said as if it were known."""

from typing import Any

import pytest

from apps.delivery import roots
from tests.delivery.making import make_line, make_pipeline, of, point, run
from tests.source.making import make_commit

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


def test_what_is_older_than_what_is_looked_through_is_not_known(
    reader: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(roots, "LOOK_BACK", 3)
    make_line(5)
    assert of(reader, 5).answer.text == "No pipeline has taken it yet"
    answer = of(reader, 1).answer
    assert answer.state == "unknown"
    assert answer.text.startswith("Not known")


def test_gaps_in_what_was_read_are_told(reader: Any):
    repository, _ = make_line(2)
    # Commit 4 came, 3 was not read.
    make_commit(repository, 4)
    point(repository, main=4)
    pipeline = make_pipeline()
    run(pipeline, 2, to="Staging", status="Failed")
    run(pipeline, 4)
    [way] = of(reader, 2).ways
    assert way.holes
    assert not way.is_there


def test_what_stood_there_before_hides_nothing(reader: Any):
    repository, _ = make_line(3)
    make_commit(repository, 90, parents=[])
    pipeline = make_pipeline()
    run(pipeline, 99, at=1)
    run(pipeline, 2, to="Staging", status="Failed")
    [way] = of(reader, 2).ways
    assert not way.holes


def test_of_what_was_not_read_nobody_says_that_it_does_not_contain_it(reader: Any):
    pipeline = make_pipeline()
    run(pipeline, 7, at=10)
    later = run(pipeline, 8, at=20)
    answer = of(reader, 7).answer
    assert (answer.state, answer.url) == ("unknown", later.get_absolute_url())
    assert answer.text == (
        "It was in Production; whether what runs there now contains it is not known"
    )
    goal = of(reader, 7).ways[0].goal
    assert goal is not None
    assert goal.remains is None
    # A rollback is known to go back.
    run(pipeline, 6, at=30, execution_type="ROLLBACK")
    assert of(reader, 7).answer.text.startswith("Not in production: it was in Production")


def test_what_failed_may_have_come_further_with_what_was_not_read(reader: Any):
    pipeline = make_pipeline()
    run(pipeline, 7, at=10, to="Staging", status="Failed")
    run(pipeline, 8, at=20)
    [way] = of(reader, 7).ways
    assert way.holes
