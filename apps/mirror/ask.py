"""What a collector is asked for, and what it may answer besides records; nothing here knows Django.

A collector is `collect(reach, ask) -> Iterator[record | Covered | Vanished]`, for histories also of
`Continued` and `Ended`. Records are frozen dataclasses with at least `key`; every other field
carries the name of a column of the resource's model. A field left at `UNREAD` was not read this
time and leaves its column alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final


class Unread(Enum):
    """The type of `UNREAD`."""

    UNREAD = "unread"

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD: Final = Unread.UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """A mirrored row whose children are asked for.

    `fields` holds the columns that the asked resource named in `parent_fields`.
    """

    key: str
    arn: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


def none_finished(_keys: Iterable[str]) -> frozenset[str]:
    """Answer `Ask.finished` where nothing is known yet."""
    return frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Everything (no parents, no keys), the children of `parents`, or the rows named by `keys`.

    Where a resource is `given` rows, `parents` are those, whatever is asked.

    known       key -> stamp: rows whose details were read before, for `Resource.stamp`.
    finished    keys -> those among them that are mirrored and will not change any more.
    unfinished  parent key ("" where the resource is not asked by parent) -> known keys still
                moving or waiting; a history re-reads by key those its newest pages did not show.
    unended     parents ("" where the resource is not asked by parent) whose history was never
                read to its end: no known page ends reading there.
    upto        parent -> what `Ended.upto` last said of it, where it did.
    deep        read details even where the stamp is unchanged.
    """

    parents: tuple[Parent, ...] = ()
    keys: tuple[str, ...] | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    finished: Callable[[Iterable[str]], frozenset[str]] = none_finished
    unfinished: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unended: frozenset[str] = frozenset()
    upto: Mapping[str, str] = field(default_factory=dict)
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Covered:
    """The children of this parent were listed to the end: what is missing there is gone.

    A parent that is asked for and never covered leaves its rows as they are.
    """

    parent: str


@dataclass(frozen=True, slots=True)
class Continued:
    """A parent's history goes on, on a page that was not read yet."""

    parent: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A parent's history was read back to its end ("" where it belongs to the whole scope).

    From then on reading may stop at the first page that holds nothing new; or back to where it had
    been read before, where its rows change and move to the front of their list: `upto` is then by
    what the newest of them was ordered. A row that is known proves nothing of those behind it there
    (a hint may have had it read alone), this does: it moves only with a list that was read so far.
    """

    parent: str = ""
    upto: str = ""


@dataclass(frozen=True, slots=True)
class Vanished:
    """The outside says that this row does not exist (any more)."""

    key: str


@dataclass(frozen=True, slots=True)
class LinkTo:
    """What a record names: a build by an action, a role by a pipeline.

    `to` is the ARN (or the other provider's own id) as the target's `arn` column holds it; the
    target need not be mirrored. `owning` links carry a change of the target to the page of the
    one that links (a build's failure shows on the action's page).
    """

    relation: str
    to_kind: str
    to: str
    owning: bool = False
