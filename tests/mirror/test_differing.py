"""Comparing two texts line by line."""

from hypothesis import given
from hypothesis import strategies as st

from apps.mirror.differing import differing

lines = st.lists(st.sampled_from("abcde"), max_size=40)


@given(lines, lines)
def test_the_runs_make_the_one_text_of_the_other(old: list[str], new: list[str]):
    made, at = [], 0
    for group in differing(old, new, 3):
        for tag, from_old, to_old, from_new, to_new in group:
            # What is between groups is the same.
            made += old[at:from_old]
            assert tag in ("equal", "replace")
            assert tag == "replace" or old[from_old:to_old] == new[from_new:to_new]
            made += new[from_new:to_new]
            at = to_old
    assert made + old[at:] == new


def test_nothing_is_told_of_the_same_text():
    assert differing(["a", "b"], ["a", "b"], 3) == []
    assert differing([], [], 3) == []


def test_what_was_replaced_stands_together_with_lines_around():
    old = [str(number) for number in range(20)]
    new = [*old[:10], "ten", "eleven", *old[12:]]
    assert differing(old, new, 3) == [
        [("equal", 7, 10, 7, 10), ("replace", 10, 12, 10, 12), ("equal", 12, 15, 12, 15)]
    ]


def test_thousands_of_lines_of_two_sorts_are_compared():
    """A difflib takes minutes for these, in which the test would be ended."""
    old, new = ["a", "b"] * 1500, ["b", "a", "a"] * 1000
    assert differing(old, new, 3)
