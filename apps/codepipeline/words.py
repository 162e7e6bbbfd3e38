"""What CodePipeline is told of who does something, and why: it keeps it with what was done."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.deeds.models import Deed

BY = "CodeStar Dash"


def signed(deed: "Deed", longest: int) -> str:
    """Return why, who, and the deed's mark, in no more letters than are taken.

    "too slow (Ada by CodeStar Dash, 8f0c…)": by its mark a deed knows again what came of it.
    """
    who = f"{(deed.who_name or 'somebody')[:80]} by {BY}, {deed.mark}"
    end = f" ({who})" if deed.why else who
    return f"{deed.why[: longest - len(end)]}{end}"


def bears(text: str, deed: "Deed") -> bool:
    """Whether a text that AWS kept was said for this deed."""
    return str(deed.mark) in text
