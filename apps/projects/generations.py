"""Keeps at hand what is held by whom, until somebody changes it."""

import threading
import time
from typing import Any

from django.db import transaction
from django.db.models import F

from apps.live.bus import AUDIENCE, BUS

from .models import Generation, Holding

# Another process that shares the database and no bus is heard of this much later (seconds).
PATIENCE = 15.0


class Memo:
    """What of the holdings every picture asks for; one for the process."""

    def __init__(self) -> None:
        self._number = 0
        self._held: dict[tuple[str, int], frozenset[int]] | None = None
        self._looked_at = float("-inf")
        self._listening = False
        # What is held belongs to one number: no thread reads for one and keeps it under the next.
        self._lock = threading.RLock()

    def number(self) -> int:
        """The generation, as it was a moment ago."""
        with self._lock:
            self._look()
            return self._number

    def held(self) -> dict[tuple[str, int], frozenset[int]]:
        """(kind, row id) -> the projects that hold the row."""
        with self._lock:
            self._look()
            if self._held is None:
                found: dict[tuple[str, int], set[int]] = {}
                rows = Holding.objects.values_list("kind", "row_id", "project_id")
                for kind, row_id, project in rows.iterator():
                    found.setdefault((kind, row_id), set()).add(project)
                self._held = {row: frozenset(projects) for row, projects in found.items()}
            return self._held

    def begin(self) -> None:
        """Take it that nothing is held, as in a database that is new."""
        with self._lock:
            self._number, self._held, self._looked_at = 0, {}, time.monotonic()

    def forget(self, *_told: Any) -> None:
        """Look again when asked next."""
        self._looked_at = float("-inf")

    def _look(self) -> None:
        at = time.monotonic()
        if at - self._looked_at < PATIENCE:
            return
        if not self._listening:
            BUS.subscribe(self._heard)
            self._listening = True
        number = Generation.objects.filter(pk=1).values_list("number", flat=True).first() or 0
        if number != self._number:
            self._number, self._held = number, None
        self._looked_at = at

    def _heard(self, topic: str, _text: str) -> None:
        if topic == AUDIENCE:
            self.forget()


MEMO = Memo()


def begin_another() -> None:
    """Say that memberships or holdings were changed, in the transaction that changes them."""
    Generation.objects.get_or_create(pk=1)
    Generation.objects.filter(pk=1).update(number=F("number") + 1)
    MEMO.forget()
    transaction.on_commit(lambda: BUS.publish(AUDIENCE))
