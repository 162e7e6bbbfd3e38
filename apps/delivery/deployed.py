"""Where a change was deployed, a line each: what the page of an issue or a commit shows at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.mirror.state import State

from .alone import Place
from .ways import Ran, Step, Way

DEPLOY = "Deploy"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stage of a pipeline, or a deployment group, in which the change was tried.

    by      the deployments themselves, each with its page; none where AWS names none of them.
    at      when it was over, of one that goes on when it began.
    gone    whether something else stands there by now.
    """

    where: str
    of: str
    url: str
    state: str
    status: str
    by: Sequence[Ran]
    at: datetime | None
    gone: bool


def deployed(ways: Sequence[Way], places: Sequence[Place]) -> Iterator[Deployed]:
    """Yield where the change was brought out or is being, in the order in which that happens."""
    for way in ways:
        for step in way.steps:
            if step.out and step.run is not None:
                yield _in_stage(way, step)
    for place in places:
        if place.out and place.runs:
            yield _in_place(place)


def _in_stage(way: Way, step: Step) -> Deployed:
    assert step.run is not None
    return Deployed(
        where=step.name,
        of=way.name,
        url=step.run.get_absolute_url(),
        state=step.state,
        status="",
        by=[act.ran for act in step.acts if act.ran is not None and act.category == DEPLOY],
        at=step.ended or step.began,
        gone=step.remains is False,
    )


def _in_place(place: Place) -> Deployed:
    newest = place.runs[-1]
    return Deployed(
        where=place.name,
        of="",
        url=place.url,
        state=newest.state,
        status=newest.status,
        by=[newest],
        at=newest.ended or newest.began,
        gone=not place.is_there and any(run.state == State.DONE for run in place.runs),
    )
