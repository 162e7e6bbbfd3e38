"""What people can do to issues: make one, say something, move it, give it to somebody.

Issues' own pages ask for it, by forms that stand there; `deeds` offers none of it by itself.
"""

from collections.abc import Iterable
from typing import Any

from django.http import Http404

from apps.deeds.acts import ACTS, Act
from apps.deeds.models import Deed
from apps.deeds.rights import Standing, standings_in
from apps.deeds.things import THINGS, Thing
from apps.mirror.resource import Names
from apps.people.rights import narrowed_to
from apps.projects.acting import held_by

from .acting_views import deed_page
from .doing import ASSIGN, COMMENT, CREATE, MOVE, AtKeeper, kind_in
from .kinds import ISSUE, TRACKER
from .models import Issue, Tracker
from .told import GROUP, in_words


def _standings(user: Any, row: Any) -> list[Standing]:
    """What a user is in each project that has the tracker."""
    if not user.is_authenticated or not user.is_active or narrowed_to(user) is not None:
        return []
    held = held_by(row).order_by("added_at", "pk").values_list("project", flat=True)
    return standings_in(user, list(dict.fromkeys(held)))


def _thing(model: type[Issue] | type[Tracker], *above: str) -> Thing:
    def rows() -> Any:
        return model.objects.select_related("scope", *above)

    def load(pk: int) -> Any:
        return rows().filter(pk=pk).first()

    def for_reader(user: Any, pk: int) -> Any:
        found = rows().visible_to(user).filter(pk=pk).first()
        if found is None:
            raise Http404("There is none that you may know of.")
        return found

    return Thing(
        load=load,
        for_reader=for_reader,
        url=lambda row: str(row.get_absolute_url()),
        standings=_standings,
    )


THINGS.add(ISSUE, _thing(Issue, "tracker"))
THINGS.add(TRACKER, _thing(Tracker))


def _reread(deed: Deed, row: Any) -> Iterable[Names]:
    key = row.key if isinstance(row, Issue) else deed.made.get("key", "")
    kind = kind_in(row)
    if kind and key:
        yield Names(kind=kind, key=key)


def _declare(name: str, kind: str, label: str, icon: str, told: str) -> None:
    ACTS.add(
        Act(
            name=name,
            kind=kind,
            label=label,
            group=GROUP,
            icon=icon,
            told=told,
            # Several at once are as good as one after the other: each looks at the issue first.
            alone=False,
            offered=lambda _row: None,
            doer=AtKeeper(name),
            reread=_reread,
            words=in_words,
            activity=GROUP,
            page=deed_page,
        )
    )


_declare(CREATE, TRACKER, "Create an issue", "circle-plus", "created issue {what}")
_declare(COMMENT, ISSUE, "Comment", "message-square", "commented on {what}")
_declare(MOVE, ISSUE, "Change the state", "arrow-right-left", "moved {what}")
_declare(ASSIGN, ISSUE, "Assign", "user-check", "assigned {what}")
