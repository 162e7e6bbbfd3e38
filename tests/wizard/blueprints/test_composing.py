"""Pieces are composed by facts and values, and a value is never anything but a value."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from apps.wizard.blueprints.composing import compose

PIECE = """\
always: yes
#: when one
one: yes
  #: when not-two
alone: yes
  #: otherwise
both: yes
  #: end
#: otherwise
none: yes
#: end
value: @{name}
"""


def lines(*facts):
    return set(compose(PIECE, facts, {"name": "x"}).splitlines()) - {"always: yes", 'value: "x"'}


def test_lines_stand_where_their_facts_hold():
    assert lines() == {"none: yes"}
    assert lines("one") == {"one: yes", "alone: yes"}
    assert lines("one", "two") == {"one: yes", "both: yes"}
    assert lines("two") == {"none: yes"}


def test_all_facts_of_a_condition_have_to_hold():
    piece = "#: when one two\nx: y\n#: end\n"
    assert compose(piece, {"one"}, {}) == ""
    assert compose(piece, {"one", "two"}, {}) == "x: y\n"


@pytest.mark.parametrize(
    "piece", ["#: end\n", "#: when x\n", "#: otherwise\n", "#: when x\n#: end y\n"]
)
def test_a_piece_that_is_not_well_formed_is_refused(piece):
    with pytest.raises(ValueError, match=r"never ended|belongs to nothing"):
        compose(piece, (), {})


def test_a_value_that_nobody_knows_is_refused():
    with pytest.raises(KeyError):
        compose("x: @{unknown}\n", (), {})


@given(st.text())
def test_no_value_can_be_more_than_a_value(value):
    written = compose("before: 1\nx: @{name}\nafter: 2\n", (), {"name": value})
    assert len(written.splitlines()) == 3
    # YAML has no way to write half of a surrogate pair, and reads it as nothing it could be.
    if all(not "\ud800" <= character <= "\udfff" for character in value):
        assert yaml.safe_load(written) == {"before": 1, "x": value, "after": 2}
