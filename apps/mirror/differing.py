"""The runs of lines in which two texts differ.

The matching is rapidfuzz's, by the longest common subsequence: what difflib's own takes depends on
the lines, up to minutes for a thousand of few sorts; this takes milliseconds whatever they are.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher

from rapidfuzz.distance import LCSseq

# What became of old lines (first, past the last) and new ones: "equal" or "replace".
Run = tuple[str, int, int, int, int]


class _Matcher(SequenceMatcher[str]):
    """difflib's grouping over another matching."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        super().__init__()
        self._old, self._new = old, new

    def get_opcodes(self) -> list[Run]:  # type: ignore[override]
        runs: list[Run] = []
        for one in LCSseq.opcodes(self._old, self._new):
            tag = "equal" if one.tag == "equal" else "replace"
            if runs and tag == runs[-1][0]:
                _, from_old, _, from_new, _ = runs.pop()
            else:
                from_old, from_new = one.src_start, one.dest_start
            runs.append((tag, from_old, one.src_end, from_new, one.dest_end))
        return runs


def differing(old: Sequence[str], new: Sequence[str], around: int) -> list[list[Run]]:
    """Return groups of runs that differ, with `around` equal lines about each; [] for the same."""
    return [list(group) for group in _Matcher(old, new).get_grouped_opcodes(around)]
