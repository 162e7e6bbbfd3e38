"""What people do to issues, in words, as it is recorded and stands in the activity of projects."""

from typing import TYPE_CHECKING

from apps.audit.verbs import VERBS, Verb

from .doing import ASSIGN, CREATE, MOVE

if TYPE_CHECKING:
    from apps.deeds.models import Deed

GROUP = "Issues"
NOBODY = "nobody"

# What was recorded before deeds on issues lay with all others.
for _name, _told, _icon in (
    ("issue.made", "created issue {what}", "circle-plus"),
    ("issue.said", "commented on {what}", "message-square"),
    ("issue.moved", "moved {what}", "arrow-right-left"),
    ("issue.given", "assigned {what}", "user-check"),
):
    VERBS.add(Verb(_name, _told, GROUP, _icon))


def in_words(deed: "Deed") -> str:
    """Return what a deed was done with: "SHOP-12 to In Review"; of texts only whose they are."""
    said = deed.said
    if deed.act == CREATE:
        return f"{deed.made.get('key') or f'in {deed.name}'}: {said.get('title', '')}"
    # An issue is called by its key and its title; the key has no spaces.
    key = deed.name.partition(" ")[0]
    if deed.act == MOVE:
        return f"{key} to {said.get('to', '')}"
    if deed.act == ASSIGN:
        return f"{key} to {said.get('name') or NOBODY}"
    return key
