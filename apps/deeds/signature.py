"""What AWS is told of who does something, and why: it keeps it with what was done.

"too slow (Ada by CodeStar Dash, 8f0c…)": by its mark a deed knows again what came of it. People
are shown it without the mark.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import Deed

BY = "CodeStar Dash"
LONGEST_NAME = 80
# The comma becomes a hyphen where AWS takes none.
_MARK = re.compile(r"[,-] [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\)?$)")
_WHO = re.compile(rf"(?:^| ?\()([^()\n]{{1,{LONGEST_NAME}}} by {BY})\)?$")


def signed(deed: "Deed", longest: int) -> str:
    """Return why, who, and the deed's mark, in no more letters than are taken."""
    who = f"{(deed.who_name or 'somebody')[:LONGEST_NAME]} by {BY}, {deed.mark}"
    if not deed.why:
        return who
    end = f" ({who})"
    return f"{deed.why[: longest - len(end)].rstrip()}{end}"


def bears(text: str, deed: "Deed") -> bool:
    """Whether a text that AWS kept was said for this deed."""
    return str(deed.mark) in text


def without_mark(text: str) -> str:
    """Return what AWS kept as people read it: "too slow (Ada by CodeStar Dash)"."""
    return _MARK.sub("", text.rstrip())


def parted(text: str) -> tuple[str, str]:
    """Return what was said and who it was: ("too slow", "Ada by CodeStar Dash").

    (text, "") for what was not said by a deed: without a mark a name is only a claim.
    """
    plain = without_mark(text)
    found = _WHO.search(plain) if plain != text.rstrip() else None
    return (plain, "") if found is None else (plain[: found.start()], found[1])
