"""Tells on a terminal how far a bootstrap is: each resource as it changes, live where it can be.

In a terminal what is under way stands in a block below, drawn anew each time, and what is over
above it. Into a file or a pipe each change is a line of its own.
"""

from collections.abc import Callable
from shutil import get_terminal_size
from typing import Any

from .models import Bootstrap
from .shown import counts_of, steps_of

# https://en.wikipedia.org/wiki/ANSI_escape_code#CSI_(Control_Sequence_Introducer)_sequences
UP_AND_CLEAR = "\x1b[{lines}F\x1b[J"
BAR = 24
STATUS, NAME = 26, 30


class Follower:
    """Writes what is new of a bootstrap each time that it is told to.

    out    a stream with `write` and `isatty`.
    paint  puts a line into the colour of its state: "done", "failed" or "now".
    """

    def __init__(self, out: Any, paint: Callable[[str, str], str]) -> None:
        self.out, self.paint = out, paint
        self.live = bool(out.isatty())
        self.steps: dict[str, str] = {}
        self.told: dict[str, str] = {}
        self.drawn = 0
        self.later = ""

    def tell(self, bootstrap: Bootstrap) -> None:
        """Write what changed since."""
        self._wipe()
        for step in steps_of(bootstrap):
            if step.state and self.steps.get(step.label) != step.state:
                self.steps[step.label] = step.state
                self._step(step.label, step.state)
        later = (bootstrap.preview.get("later") or {}).get("why", "")
        if later and later != self.later:
            self._line(f"      {later} It is asked again.", "failed")
        self.later = later
        resources = bootstrap.progress
        counts = counts_of(bootstrap)
        for one in resources:
            if self.told.get(one["id"]) == one["status"]:
                continue
            if not self.live or not _moves(one):
                self.told[one["id"]] = one["status"]
                self._line(_resource(one), "failed" if "_FAILED" in one["status"] else "")
                if one["reason"] and "_FAILED" in one["status"]:
                    self._line(f"      {one['reason']}", "failed")
        if self.live and bootstrap.state == Bootstrap.State.MOVING and counts["every"]:
            self._draw([one for one in resources if _moves(one)], counts["done"], counts["every"])

    def end(self) -> None:
        """Leave nothing of the block."""
        self._wipe()

    def _step(self, label: str, state: str) -> None:
        if state == "now":
            self._line(f"{label} …", "now")
        elif state == "failed":
            self._line(f"{label}: stands still", "failed")

    def _draw(self, moving: list[dict[str, str]], over: int, every: int) -> None:
        rows = max(get_terminal_size().lines - 4, 1)
        lines = [_resource(one) for one in moving[:rows]]
        if len(moving) > rows:
            lines[-1] = f"    and {len(moving) - rows + 1} more under way"
        filled = BAR * over // every
        lines.append(f"  [{'#' * filled}{'.' * (BAR - filled)}] {over} of {every} resources")
        for line in lines:
            self._line(line, "now")
        self.drawn = len(lines)

    def _wipe(self) -> None:
        if self.drawn:
            self.out.write(UP_AND_CLEAR.format(lines=self.drawn), ending="")
            self.drawn = 0

    def _line(self, text: str, state: str) -> None:
        told = "".join(sign if sign.isprintable() else " " for sign in text)
        if self.live:
            # A line that wraps is two, and would not be wiped.
            told = told[: max(get_terminal_size().columns - 1, 20)]
        self.out.write(self.paint(told, state))


def _moves(resource: dict[str, str]) -> bool:
    return resource["status"].endswith("_IN_PROGRESS")


def _resource(one: dict[str, str]) -> str:
    status = one["status"].replace("_", " ").lower()
    return f"  {status:<{STATUS}}{one['id']:<{NAME}} {one['type']}"
