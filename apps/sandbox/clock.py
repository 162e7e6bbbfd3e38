"""The sandbox's only clock and its one scheduler heap: what moves by itself, moves here.

Timestamps are real time (seconds since the epoch), so "started 12 s ago" is true on a dashboard;
``speed`` compresses *durations* (a build of 120 virtual seconds takes 20 real ones at speed 6).
While a past is being replayed the clock runs behind real time and never ahead of it.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("sandbox.clock")

#: How far behind real time a clock of speed 0 starts: the room in which immediate work may last.
IMMEDIATE_LEAD = 3600.0
#: With less room than this, work at speed 0 takes no time, rather than running into the future.
IMMEDIATE_MARGIN = 900.0


@dataclass(slots=True, eq=False)
class Timer:
    """One deed on the heap; ``cancel()`` makes it a no-op."""

    due: float
    deed: Callable[[], None] | None
    calendar: bool

    def cancel(self) -> None:
        """Forget the deed; the heap drops the timer when its time comes."""
        self.deed = None


class Scheduler:
    """Runs deeds when their time has come, one at a time, under ``lock``.

    ``speed`` is virtual seconds per real second. 0 means immediate: :meth:`settle` runs all work
    that is scheduled, jumping over the time between. Calendar timers (an approval's seven days)
    are never compressed and never jumped to. ``hold()`` stops time for a test,
    ``advance(seconds)`` then moves it by hand.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.lock = threading.RLock()
        self._wake = threading.Condition(self.lock)
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._lead = IMMEDIATE_LEAD if speed == 0 else 0.0
        self._frozen: float | None = None
        self._held = False
        self._replaying = False
        self._stopped = False
        self._doing = False
        self._thread: threading.Thread | None = None
        self.deeds_done = 0

    # -- time ---------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds since the epoch by the sandbox's clock."""
        return (time.time() if self._frozen is None else self._frozen) - self._lead

    def present(self) -> float:
        """The moment that a replayed past leads up to; outside of a replay, now."""
        if not self._replaying or self._frozen is None:
            return self.now()
        return self._frozen - (IMMEDIATE_LEAD if self.speed == 0 else 0.0)

    def stretch(self, seconds: float) -> float:
        """How long work of ``seconds`` virtual seconds takes on the clock's timestamps."""
        if self._replaying:
            return seconds
        if self.speed == 0:
            return seconds if self._held or self._lead > IMMEDIATE_MARGIN else 0.0
        return seconds / self.speed

    def after(self, seconds: float, deed: Callable[[], None], *, calendar: bool = False) -> Timer:
        """Run ``deed`` in ``seconds`` virtual seconds (real ones when ``calendar``)."""
        return self.at(
            self.now() + (seconds if calendar else self.stretch(seconds)), deed, calendar=calendar
        )

    def at(self, due: float, deed: Callable[[], None], *, calendar: bool = False) -> Timer:
        """Run ``deed`` at ``due`` (epoch seconds)."""
        timer = Timer(due, deed, calendar)
        with self.lock:
            heapq.heappush(self._heap, (due, next(self._order), timer))
            if self._thread is not None and self._heap[0][2] is timer:
                self._wake.notify()
        return timer

    def pending(self) -> int:
        """Timers that still mean something."""
        with self.lock:
            return sum(1 for _, _, timer in self._heap if timer.deed is not None)

    # -- the past -----------------------------------------------------------------------------

    def begin_replay(self, seconds_ago: float) -> None:
        """Set the clock ``seconds_ago`` back and freeze real time until :meth:`end_replay`."""
        self._frozen, self._lead, self._replaying = time.time(), seconds_ago, True

    def replay_until(self, moment: float) -> None:
        """Run every deed due before ``moment`` (epoch seconds), in order, and stand there."""
        while self._heap and self._heap[0][0] <= moment:
            self._run_next()
        self._jump_to(moment)

    def end_replay(self) -> None:
        """Come back to the present; at speed 0 stay an hour behind it."""
        if self._frozen is None:
            return
        self.replay_until(self.present())
        self._frozen, self._replaying = None, False

    # -- the present --------------------------------------------------------------------------

    def settle(self) -> None:
        """At speed 0, run all scheduled work to its end (calendar timers only when really due)."""
        if self.speed != 0 or self._held or self._replaying:
            return
        with self.lock:
            if self._doing:
                return  # a deed asked for more: who runs the deeds comes to it
            aside: list[tuple[float, int, Timer]] = []
            while self._heap:
                due, _, timer = self._heap[0]
                if timer.calendar and due > self.now():
                    aside.append(heapq.heappop(self._heap))
                else:
                    self._run_next()
            for entry in aside:
                heapq.heappush(self._heap, entry)

    def hold(self) -> None:
        """Stop time; from now on only :meth:`advance` moves it (at speed 0 as if speed were 1)."""
        with self.lock:
            if not self._held:
                self._held, self._frozen = True, time.time()

    def advance(self, seconds: float) -> None:
        """Move a held clock by ``seconds``, past real time even, running what comes due."""
        with self.lock:
            if not self._held:
                raise RuntimeError("hold() the clock before advancing it")
            target = self.now() + seconds
            while self._heap and self._heap[0][0] <= target:
                self._run_next()
            self._jump_to(target)

    def release(self) -> None:
        """Let time run again after :meth:`hold`."""
        with self.lock:
            self._held, self._frozen = False, None
            self._wake.notify()
        self.settle()

    def start(self) -> None:
        """Start the thread that runs deeds in real time (not needed at speed 0)."""
        self._thread = threading.Thread(target=self._run, name="sandbox-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; deeds that are pending never happen."""
        with self.lock:
            self._stopped = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        with self.lock:
            while not self._stopped:
                if self._held or not self._heap:
                    self._wake.wait(timeout=60)
                    continue
                wait = self._heap[0][0] - self.now()
                if wait > 0:
                    self._wake.wait(timeout=min(wait, 60))
                    continue
                self._run_next()
                # Let requests in between two deeds: a burst must not make the account stand still.
                self._wake.wait(timeout=0)

    def _run_next(self) -> None:
        due, _, timer = heapq.heappop(self._heap)
        deed = timer.deed
        if deed is None:
            return
        self._jump_to(due)
        timer.deed = None
        self.deeds_done += 1
        before, self._doing = self._doing, True
        try:
            deed()
        except Exception:
            # One broken deed must not stop the whole account from living.
            log.exception("a scheduled deed failed")
        finally:
            self._doing = before

    def _jump_to(self, moment: float) -> None:
        ahead = moment - self.now()
        if ahead > 0:
            self._lead -= ahead
            if not self._held:
                self._lead = max(self._lead, 0.0)
