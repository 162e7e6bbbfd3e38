"""Says under what is written into issues whose words it is: the keeper knows one token alone."""

import re
from typing import Any

from apps.people.models import profile_of

# What Markdown, or a keeper's mentions, would make something of.
SIGNS = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&-])")


def signed(text: str, who: Any) -> str:
    """Return a text with who wrote it below; a name may be hostile and is told letter by letter."""
    if who is None:
        return text
    name = SIGNS.sub(r"\\\1", " ".join(profile_of(who).name.split()))
    return f"{text.rstrip()}\n\n— {name}, by CodeStar Dash"
