"""Whether a change is out, in one line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.mirror.state import State
from apps.source.models import PullRequest

from .alone import Place, Single
from .holds import Hold
from .roots import Root
from .ways import Way


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a change stands.

    state  ours; "" where nothing is known.    text   one sentence without its full stop.
    since  since when; None where nobody says.  why    the cause in its own words, "" for none.
    url    the page that tells more.            by     who did it.
    """

    state: str
    text: str
    since: datetime | None = None
    why: str = ""
    url: str = ""
    by: str = ""


def answer_of(
    changes: Sequence[Root],
    pulls: Sequence[PullRequest],
    ways: Sequence[Way],
    places: Sequence[Place] = (),
) -> Answer:
    """Say of everything together where it stands."""
    if not changes:
        return _proposed(pulls) or Answer("", "No commit names it yet")
    goals = goals_of(ways, places)
    if not goals:
        return _without_goal(changes, pulls, [*ways, *places])
    where = _where(goals)
    counted = [root for root in changes if not root.apart]
    there = [root for root in counted if root.there]
    apart = _apart(len(changes) - len(counted))
    if len(there) == len(counted) and all(way.is_there for way in goals):
        since = max((way.arrived for way in goals if way.arrived), default=None)
        return Answer(State.DONE, where[:1].upper() + where[1:] + apart, since)
    hold = next((way.hold for way in goals if way.hold is not None), None)
    some = [way.name for way in goals if way.is_there]
    if len(counted) > 1 and there:
        beginning = f"{len(there)} of {len(counted)} changes are {where}"
    elif some and len(some) < len(goals):
        out = where[:1].upper() + where[1:]
        beginning = f"{out} by {', '.join(some)}, not by the others"
    else:
        beginning = f"Not {where}"
    open_pull = _proposed(pulls)
    if hold is None and open_pull is not None:
        return Answer(open_pull.state, f"{beginning}: {_inside(open_pull.text)}", open_pull.since)
    if hold is None and all(way.is_there for way in goals):
        rest = len(counted) - len(there)
        what = "the other" if rest == 1 else f"the other {rest}"
        return Answer(State.MOVING, f"{beginning}: no pipeline has taken {what} yet")
    return _held(beginning, hold)


def _apart(count: int) -> str:
    """What is said of changes that nothing brings out."""
    if not count:
        return ""
    return f"; {count} other change{'' if count == 1 else 's'} nothing brings out that is seen here"


def _held(beginning: str, hold: Hold | None) -> Answer:
    if hold is None:
        return Answer(State.UNKNOWN, beginning)
    # Where nobody knows what stands there, it is not said to be out either.
    unknown = hold.state == State.UNKNOWN and hold.what
    text = hold.text if unknown else f"{beginning}: {_inside(hold.text)}"
    return Answer(hold.state, text, hold.since, hold.why, hold.url, hold.by)


def _inside(text: str) -> str:
    """A sentence as it stands behind a colon."""
    return text[:1].lower() + text[1:]


def goals_of(ways: Sequence[Way], places: Sequence[Place] = ()) -> list[Way | Place]:
    """Return what tells whether it is out: the ways to production, where any leads there."""
    out: list[Way | Place] = [way for way in ways if way.goal is not None]
    # A pipeline that is gone brings nothing out any more, where another does.
    out = [one for one in out if isinstance(one, Way) and one.pipeline.gone_at is None] or out
    out += [one for one in places if one.out and not one.beside]
    return [one for one in out if one.production] or out


def _where(goals: Sequence[Way | Place]) -> str:
    """Where what is through the last stages is: in production, else by their names."""
    if all(one.production for one in goals):
        return "in production"
    names = list(dict.fromkeys(one.where for one in goals))
    return f"through {' and '.join(names[:3])}"


def _without_goal(
    changes: Sequence[Root], pulls: Sequence[PullRequest], ways: Sequence[Way | Place]
) -> Answer:
    """Of what no pipeline brings out: merged or not, taken or not."""
    hold = next((way.hold for way in ways if way.hold is not None), None)
    if hold is not None:
        return Answer(hold.state, hold.text, hold.since, hold.why, hold.url, hold.by)
    proposed = _proposed(pulls)
    if ways and (proposed is None or proposed.state != State.WAITING):
        ends = [_ended(way) for way in ways]
        text = (
            "Through every pipeline that took it; none of them brings it out"
            if any(isinstance(way, Way) for way in ways)
            else "Built; nothing has brought it out yet"
        )
        return Answer(State.DONE, text, max(filter(None, ends), default=None))
    if proposed is not None:
        return proposed
    if all(root.rewritten and root.anew is None for root in changes):
        return Answer(State.STOPPED, "No branch contains it any more")
    if any(root.unread for root in changes):
        text = "Not known: it is older than the commits that are looked through"
        return Answer(State.UNKNOWN, text)
    return Answer("", "No pipeline has taken it yet")


def _proposed(pulls: Sequence[PullRequest]) -> Answer | None:
    """The pull request that waits to be merged, or was closed without."""
    waiting = next((one for one in pulls if one.open), None)
    if waiting is not None:
        text = f"Pull request #{waiting.number} is not merged yet"
        return Answer(State.WAITING, text, waiting.created, url=waiting.get_absolute_url())
    closed = next((one for one in reversed(pulls) if not one.merged), None)
    if closed is None or any(one.merged for one in pulls):
        return None
    text = f"Pull request #{closed.number} was closed without being merged"
    return Answer(State.STOPPED, text, closed.last_activity, url=closed.get_absolute_url())


def _ended(way: Way | Place) -> datetime | None:
    """When the newest run was over."""
    newest = way.runs[-1]
    return newest.ended if isinstance(newest, Single) else newest.ended_at
