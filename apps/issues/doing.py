"""How acts on issues are done: by whoever keeps them, who knows a mark in what was made.

    form ──ask──▶ Deed ──perform──▶ keeper ──▶ record and keyed re-read

See `apps.deeds.performing`: what was sent and not answered is looked for by the deed's mark.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from apps.deeds.acts import Done, LaterError, Moved, RefusedError, Untold
from apps.mirror.resource import REGISTER

from .acting import KEEPERS, Draft, Keeper, Made, Standing
from .models import Issue, Tracker
from .signed import signed

if TYPE_CHECKING:
    from apps.deeds.models import Deed

CREATE, COMMENT, MOVE, ASSIGN = NAMES = (
    "issues.create",
    "issues.comment",
    "issues.move",
    "issues.assign",
)
# Clocks differ, and the keeper's tells when something was made.
BEFORE = timedelta(minutes=5)


def bears(deed: "Deed") -> str:
    """Return a deed's mark as what is made of it bears it."""
    return f"codestar-dash-{deed.mark}"


def kind_in(row: Issue | Tracker) -> str:
    """Return the kind of the issues where something lies; "" where nobody declares one."""
    provider = row.scope.provider
    mine = (kind for kind in REGISTER.kinds_in(Issue) if REGISTER.get(kind).provider == provider)
    return next(mine, "")


def _keeper(row: Issue | Tracker) -> Keeper:
    """Raises RefusedError where nobody writes there."""
    keeper = KEEPERS.by_provider.get(row.scope.provider)
    why_not = KEEPERS.why_not(row.scope)
    if keeper is None or why_not:
        raise RefusedError(why_not)
    return keeper


@dataclass(frozen=True, slots=True)
class AtKeeper:
    """Does an act at whoever keeps the issue, or the tracker in which one is made."""

    name: str
    # No keeper takes a token.
    repeats: timedelta | None = None

    def stands(self, deed: "Deed", row: Any) -> Moved | Done | None:
        """See `apps.deeds.acts.Doer`."""
        keeper = _keeper(row)
        if self.name not in (MOVE, ASSIGN):
            return None
        try:
            stands = keeper.standing(row)
        except (RefusedError, LaterError):
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: how the issue stands could not be read."
            raise LaterError(reason) from error
        if self._there(deed, stands):
            return Done()
        if self.name == MOVE and stands.status != deed.said.get("before", stands.status):
            return Moved(f"It is {stands.status} by now: somebody moved it meanwhile.")
        if self.name == ASSIGN and stands.assignee_id != deed.said.get(
            "before", stands.assignee_id
        ):
            return Moved("Somebody assigned it to somebody else meanwhile.")
        return None

    def send(self, deed: "Deed", row: Any) -> Done:
        """See `apps.deeds.acts.Doer`."""
        keeper, said = _keeper(row), deed.said
        if self.name == CREATE:
            draft = Draft(
                title=said["title"],
                text=signed(said["text"], deed.who),
                type=said.get("type", ""),
                labels=said.get("labels", ()),
            )
            return _done(row, keeper.create(row, draft, bears(deed)))
        if self.name == COMMENT:
            return _done(row, keeper.comment(row, signed(said["text"], deed.who), bears(deed)))
        if self.name == MOVE:
            keeper.transition(row, said["transition"])
        else:
            keeper.assign(row, said["person"])
        return Done()

    def found(self, deed: "Deed", row: Any) -> Done | Untold | None:
        """See `apps.deeds.acts.Doer`.

        Who moved or assigned an issue no mark tells: that it stands so is told of nobody.
        """
        keeper = KEEPERS.by_provider.get(row.scope.provider)
        if keeper is None:
            return None
        since = deed.since - BEFORE
        made: Made | None
        if self.name == CREATE:
            made = keeper.made(row, bears(deed), since)
        elif self.name == COMMENT:
            made = keeper.said(row, bears(deed), since)
        elif not self._there(deed, keeper.standing(row)):
            return None
        elif self.name == MOVE:
            return Untold(f"It is {deed.said['to']} now")
        elif not deed.said["person"]:
            return Untold("Nobody is assigned now")
        else:
            return Untold(f"It is assigned to {deed.said.get('name') or deed.said['person']} now")
        return None if made is None else _done(row, made)

    def _there(self, deed: "Deed", stands: Standing) -> bool:
        if self.name == MOVE:
            return bool(stands.status == deed.said["to"])
        return bool(stands.assignee_id == deed.said["person"])


def _done(row: Issue | Tracker, made: Made) -> Done:
    return Done(kind=kind_in(row), key=made.key[:512], name=made.key[:512], url=made.url[:1024])
