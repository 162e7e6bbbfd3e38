"""Reads one kind in one scope and has it reconciled: everything, what moves, or what is named."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from . import known
from .ask import Ask, Continued, Covered, Ended, Parent
from .history import Histories
from .models import Scope
from .provider import Reach
from .reconcile import ChildrenOf, Everything, Extent, Nothing, Result, reconcile
from .resource import Names, Resource

# Records held before they are reconciled, while a long list of parents is being read.
GULP = 200

Step = Callable[[int, int], None]


def no_step(_done: int, _total: int) -> None:
    """Tell nobody how far a reading is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One reading: which kind, where, through which reach, and when it began.

    alive  called again and again while answers come, so that a lease can be renewed.

    Its methods raise what the collector raises; then nothing of a failed list was written.
    """

    resource: Resource
    scope: Scope
    reach: Reach
    at: datetime
    alive: Callable[[], None] = field(default=lambda: None)

    def everything(
        self, *, deep: bool = False, begin_with: str = "", step: Step = no_step
    ) -> Result | None:
        """Read the whole list; `step(done, total)` tells how far. None where no parent answered.

        `begin_with` is the key of the parent to begin with: where an earlier reading ran out of
        time, so that those at the end of a long list get their turn.
        """
        if self.resource.asked_by is not None:
            found = known.parents_of(self.resource, self.scope, moved=not deep)
            if not found and self.resource.spot_check:
                found = known.any_parent_of(self.resource, self.scope)
            parents = _beginning_with(begin_with, found)
            step(0, len(parents))
            return self._children(parents, deep=deep, step=step)
        histories = Histories(self.resource, self.scope)
        ask = Ask(
            parents=tuple(self.resource.given(self.scope)) if self.resource.given else (),
            known=known.stamps(self.resource, self.scope),
            finished=known.finished_among(self.resource, self.scope),
            unfinished={"": frozenset(known.unfinished_keys(self.resource, self.scope))},
            unended=histories.unended([""]),
            upto=histories.upto,
            deep=deep,
        )
        result = self._collect(ask, Everything())
        step(result.seen, result.seen)
        return result

    def what_moves(self) -> Result | None:
        """Read what moves or waits. None where no parent answered."""
        if self.resource.asked_by is not None:
            return self._children(known.hot_parents_of(self.resource, self.scope))
        return self._keyed(known.unfinished_keys(self.resource, self.scope))

    def named(self, names: Sequence[Names]) -> Result | None:
        """Read just these rows and the children of these parents."""
        result = self._keyed(sorted({name.key for name in names if name.key}))
        parents = {name.parent for name in names if name.parent}
        if not parents:
            return result
        found = known.parents_of(self.resource, self.scope, parents)
        children = self._children(found)
        return None if children is None else result.add(children)

    def _keyed(self, keys: Sequence[str]) -> Result:
        if not keys or not self.resource.keyed:
            return Result()
        ask = Ask(
            keys=tuple(keys),
            parents=tuple(self.resource.given(self.scope)) if self.resource.given else (),
            known=known.stamps(self.resource, self.scope, keys),
        )
        return self._collect(ask, Nothing())

    def _collect(self, ask: Ask, extent: Extent) -> Result:
        """Read to the end, then write: collecting is over before a transaction opens.

        A history proves no absence, so a long one is written in gulps while it is being read.
        """
        histories = Histories(self.resource, self.scope)
        ended: dict[str, str] = {}
        result = Result()
        held: list[Any] = []
        for item in self._answers(ask):
            if isinstance(item, Ended):
                ended[""] = item.upto
                continue
            held.append(item)
            if self.resource.history and len(held) >= GULP:
                if ask.keys is None:
                    histories.open([""])
                result = result.add(self._reconcile(held, Nothing()))
                held = []
        result = result.add(self._reconcile(held, extent))
        if ask.keys is None:
            histories.close([""], ended)
        return result

    def _answers(self, ask: Ask) -> Iterator[Any]:
        for item in self.resource.collect(self.reach, ask):
            self.alive()
            yield item

    def _reconcile(self, records: Sequence[Any], extent: Extent) -> Result:
        return reconcile(self.resource, self.scope, records, extent=extent, read_at=self.at)

    def _children(
        self, parents: Sequence[Parent], *, deep: bool = False, step: Step = no_step
    ) -> Result | None:
        """Read the children of many parents, writing in gulps while the next are being read."""
        result = Result()
        if not parents:
            return result
        histories = Histories(self.resource, self.scope)
        held: list[Any] = []
        covered: set[str] = set()
        ended: dict[str, str] = {}
        continued: set[str] = set()
        missed = {parent.key: None for parent in parents}
        by_key = {parent.key: parent for parent in parents}

        def write(records: list[Any]) -> Result:
            histories.open(continued)
            written = self._reconcile(records, ChildrenOf(frozenset(covered)))
            histories.close(covered, ended)
            read = [by_key[key] for key in covered if key in by_key]
            known.note_children_read(self.resource, self.scope, read)
            covered.clear()
            step(result.covered + written.covered, len(parents))
            return written

        for item in self._answers(self._ask_children(parents, histories, deep=deep)):
            match item:
                case Continued(parent=key):
                    continued.add(key)
                    if len(held) >= GULP:
                        ready, held = self._split(held, covered)
                        result = result.add(write(ready))
                case Ended(parent=key, upto=upto):
                    ended[key] = upto
                case Covered(parent=key):
                    covered.add(key)
                    continued.discard(key)
                    missed.pop(key, None)
                    if len(held) >= GULP or len(covered) >= GULP:
                        ready, held = self._split(held, covered)
                        result = result.add(write(ready))
                case _:
                    held.append(item)
        result = result.add(write(held))
        result.missed = tuple(missed)
        # Where not one parent could be read, the kind was not: its health says why.
        return result if result.was_read or result.changed else None

    def _split(self, held: list[Any], covered: set[str]) -> tuple[list[Any], list[Any]]:
        """Hold back the children of parents still being read: siblings are judged together."""
        if self.resource.history:
            return held, []
        ready = [item for item in held if getattr(item, "parent", None) in covered]
        return ready, [item for item in held if getattr(item, "parent", None) not in covered]

    def _ask_children(self, parents: Sequence[Parent], histories: Histories, *, deep: bool) -> Ask:
        keys = [parent.key for parent in parents]
        return Ask(
            parents=tuple(parents),
            finished=known.finished_among(self.resource, self.scope),
            unfinished=known.unfinished_by_parent(self.resource, self.scope, keys),
            unended=histories.unended(keys),
            upto=histories.upto,
            known=known.stamps(self.resource, self.scope),
            deep=deep,
        )


def _beginning_with(key: str, parents: Sequence[Parent]) -> list[Parent]:
    """Return the parents in a round that begins with the one of this key, where there is one."""
    first = next((at for at, parent in enumerate(parents) if parent.key == key), 0)
    return [*islice(parents, first, None), *islice(parents, first)]
