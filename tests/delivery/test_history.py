"""What contains what, in a history that may not have been read whole."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from apps.delivery.history import History

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def history(heads: str, **parents: str) -> History:
    """Commits named by letters, each a minute after the one before: a="", b="a", c="ab"."""
    at = {one: BEGAN + timedelta(minutes=turn) for turn, one in enumerate(parents)}
    return History({one: list(above) for one, above in parents.items()}, at, list(heads))


def test_what_came_after_contains_it_nearest_first():
    told = history("d", a="", b="a", c="a", d="bc")
    assert told.containing("a") == ["a", "b", "c", "d"]
    assert told.containing("b") == ["b", "d"]
    assert told.containing("d") == ["d"]


def test_what_no_branch_contains_was_rewritten():
    told = history("c", a="", b="a", c="a")
    assert told.is_rewritten("b")
    assert not told.is_rewritten("a")
    assert not told.is_rewritten("c")


def test_what_is_not_known_is_not_said_to_be_rewritten():
    # A commit of which only the id is known, a repository without a head, and a gap before a head.
    assert not history("c", a="", b="a", c="a").is_rewritten("x")
    assert not history("", a="", b="a").is_rewritten("b")
    assert not history("d", a="", b="a", d="c").is_rewritten("b")


def test_a_gap_before_something_older_hides_nothing():
    told = history("c", a="x", b="a", c="a")
    assert told.is_rewritten("b")
    assert not told.may_contain("c", "b")
    assert told.may_contain("z", "b")


@given(st.lists(st.lists(st.integers(0, 30), max_size=2), min_size=1, max_size=30))
def test_containing_is_being_contained(shape: list[list[int]]):
    parents = {
        str(turn): [str(one) for one in above if one < turn] for turn, above in enumerate(shape)
    }
    told = History(parents, {})
    for commit in parents:
        for later in told.containing(commit):
            assert commit in History(parents, {}, [later]).living
