"""Remembers which histories were read back to their end, so that each is read whole only once."""

from collections.abc import Collection, Iterable, Mapping

from .models import ReadToEnd, Scope
from .resource import Resource
from .text import storable

BATCH = 500


class Histories:
    """The histories of one kind in one scope, during one reading."""

    def __init__(self, resource: Resource, scope: Scope) -> None:
        self._kept = resource.history
        self._rows = ReadToEnd.objects.filter(scope=scope, kind=resource.kind)
        self._scope, self._kind = scope, resource.kind
        # Parents whose history had been read to its end when this reading began.
        self._whole: set[str] = set()
        self._open: set[str] = set()
        # Parent -> up to where its list was read, see `Ended.upto`.
        self.upto: dict[str, str] = {}

    def unended(self, parents: Collection[str]) -> frozenset[str]:
        """Return those among these parents whose history was never read to its end."""
        if not self._kept:
            return frozenset()
        rows = self._rows
        if len(parents) <= BATCH:
            rows = rows.filter(parent_key__in=[_column(key) for key in parents])
        found = dict(rows.values_list("parent_key", "upto"))
        self._whole = {key for key in parents if _column(key) in found}
        self.upto = {key: upto for key in self._whole if (upto := found[_column(key)])}
        return frozenset(parents) - self._whole

    def open(self, parents: Iterable[str]) -> None:
        """Say that rows of these are about to be written before their reading is over.

        Whatever ends this process now, the next reading looks for what is missing between them.
        """
        fresh = (set(parents) & self._whole) - self._open
        self._open |= fresh
        keys = sorted(_column(key) for key in fresh)
        for start in range(0, len(keys), BATCH):
            self._rows.filter(parent_key__in=keys[start : start + BATCH]).delete()

    def close(self, covered: Collection[str], ended: Mapping[str, str]) -> None:
        """Say that the rows of `covered` are all written.

        `ended` were read back to their end, or to where they had been read: parent -> up to what.
        """
        if not self._kept:
            return
        whole = {
            key for key in covered if (key in ended and key not in self._whole) or key in self._open
        }
        self._open -= whole
        self._whole |= whole
        ReadToEnd.objects.bulk_create(
            [
                ReadToEnd(scope=self._scope, kind=self._kind, parent_key=key)
                for key in sorted({_column(key) for key in whole})
            ],
            batch_size=BATCH,
            ignore_conflicts=True,
        )
        for key in sorted(set(covered) & self._whole):
            upto = ended.get(key, "")
            if upto and upto != self.upto.get(key):
                self._rows.filter(parent_key=_column(key)).update(upto=upto)
                self.upto[key] = upto


def rename_parent(scope: Scope, kind: str, before: str, after: str) -> None:
    """Let what is known of a parent's history be known of it by another key."""
    rows = ReadToEnd.objects.filter(scope=scope, kind=kind)
    if not rows.filter(parent_key=_column(after)).exists():
        rows.filter(parent_key=_column(before)).update(parent_key=_column(after))


def _column(key: str) -> str:
    return storable(key)[:512]
