"""What AWS is told with a deed, and what people read of it afterwards."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from apps.codepipeline.transition import UNTAKEN
from apps.deeds.signature import bears, parted, signed, without_mark

MARK = UUID("8f0c1b6e-0000-4000-8000-1234567890ab")


def deed(why: str = "too slow", who: str = "Ada", mark: UUID = MARK) -> Any:
    return SimpleNamespace(why=why, who_name=who, mark=mark)


@pytest.mark.parametrize("why", ["too slow", "it waits (for \n 8f0c) since noon", ""])
@pytest.mark.parametrize("longest", [256, 512])
def test_what_was_said_is_read_without_its_mark(why: str, longest: int):
    told = signed(deed(why), longest)
    assert bears(told, deed())
    assert str(MARK) not in without_mark(told)
    assert parted(told) == (why, "Ada by CodeStar Dash")


def test_it_is_never_longer_than_is_taken_and_keeps_its_mark():
    told = signed(deed("w" * 1000, "n" * 1000), 256)
    assert len(told) <= 256
    assert bears(told, deed())
    said, who = parted(told)
    assert said
    assert set(said) == {"w"}
    assert who == f"{'n' * 80} by CodeStar Dash"


def test_letters_that_aws_does_not_take_hide_no_mark():
    assert parted(UNTAKEN.sub("-", signed(deed(), 300))) == ("too slow", "Ada by CodeStar Dash")


@pytest.mark.parametrize(
    "text",
    ["", "fine", "Ada by CodeStar Dash", "fine (Ada by CodeStar Dash)", f"see {MARK}", f"({MARK})"],
)
def test_what_others_said_stays_as_it_is(text: str):
    assert without_mark(text) == text
    assert parted(text) == (text, "")
