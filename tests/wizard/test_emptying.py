"""Buckets are emptied for as long as it goes on, and only what brings nothing is a try in vain."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.aws.failures import OutOfTimeError
from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.wizard import emptying, undoing
from apps.wizard.models import Bootstrap, Creation
from apps.wizard.shown import steps_of
from apps.wizard.steps import Back

from .making import drafted

pytestmark = pytest.mark.django_db
BUCKET = "shop-web-pipe"


class Bucket:
    """S3 with one bucket, whose time is over after so many deletions."""

    def __init__(self, objects: int, within: int) -> None:
        self.left = [{"Key": f"{at}.zip", "VersionId": "1"} for at in range(objects)]
        self.within = within
        self.budget = 60.0

    def call(self, operation: str, **params: Any) -> Any:
        if operation == "s3:HeadBucket":
            return {}
        assert operation == "s3:DeleteObjects"
        if not self.within:
            raise OutOfTimeError("the time is over")
        self.within -= 1
        gone = params["Delete"]["Objects"]
        self.left = [one for one in self.left if one not in gone]
        return {}

    def pages(self, operation: str, **_params: Any) -> Iterator[Any]:
        assert operation == "s3:ListObjectVersions"
        there = list(self.left)
        for at in range(0, max(len(there), 1), 1000):
            yield {"Versions": there[at : at + 1000]}


@pytest.fixture
def undone(people: dict[str, Any], scope: Scope) -> Bootstrap:
    found = drafted(people["owner"], scope)
    found.creations.create(
        kind=emptying.BUCKET, ident="ArtifactBucket", name=BUCKET, fate=Creation.Fate.MADE
    )
    found.course, found.step, found.state = "undo", "empty", Bootstrap.State.MOVING
    return found


def bitten(undone: Bootstrap, s3: Any) -> Any:
    """Take one bite, and say what comes of it."""
    done = emptying.EMPTY.sends(s3, Deed(), undone)
    undone.deed = Deed(made={"key": done.key})
    return undoing.emptied(undone, s3)


def test_it_goes_on_bite_by_bite_and_tells_how_many_are_gone(undone: Bootstrap):
    s3: Any = Bucket(objects=7_000, within=0)
    for bite in range(1, 4):
        s3.within = 2
        assert bitten(undone, s3) == Back("empty")
        assert undone.preview["cleared"] == bite * 2000
    told = [one.label for one in steps_of(undone) if one.state == "now"]
    assert told == ["Emptying the buckets: 6,000 objects deleted"]
    s3.within = 2
    assert bitten(undone, s3) is None
    assert (s3.left, undone.preview["cleared"]) == ([], 7_000)


def test_what_brings_nothing_is_a_try_in_vain(undone: Bootstrap):
    with pytest.raises(OutOfTimeError):
        bitten(undone, Bucket(objects=10, within=0))


def test_what_is_written_meanwhile_is_left_to_the_stack_to_say(undone: Bootstrap):
    s3: Any = Bucket(objects=0, within=1)
    assert emptying.EMPTY.sends(s3, Deed(), undone).key == ""
    undone.deed = Deed(made={})
    s3.left = [{"Key": "late.zip", "VersionId": "1"}]
    assert undoing.emptied(undone, s3) is None
