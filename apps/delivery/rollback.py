"""What would go back if a stage were rolled back: the commits and issues, execution by execution.

From the mirror alone, in a number of queries that executions do not change; AWS has the last word.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.codepipeline.acceptable import Came, choice
from apps.codepipeline.models import Execution, Pipeline, Stage
from apps.issues.models import Issue
from apps.source.models import Commit

from . import naming, taken
from .approvals import MOST_SHOWN, commits_shown
from .between import Between, Pair, between

# Commits and issues that are named in one sentence.
MOST_NAMED = 5


@dataclass(slots=True)
class Candidate:
    """An execution that came to the stage.

    why      why the stage cannot be rolled back to it, in a sentence; "" where it can.
    through  when it was through the stage; None where it never was.
    change   what lies between it and what is there: `went` would go back, `came` would come again.
    """

    execution: Execution
    why: str = ""
    through: datetime | None = None
    change: Between = field(default_factory=Between)
    commits: Sequence[Commit] = ()
    issues: Sequence[Issue] = ()
    again: Sequence[Commit] = ()
    issues_again: Sequence[Issue] = ()

    @property
    def more(self) -> int:
        """How many commits that would go back are not shown."""
        return max(0, len(self.change.went.commits) - len(self.commits))

    @property
    def more_again(self) -> int:
        """How many that would come again are not shown."""
        return max(0, len(self.change.came.commits) - len(self.again))


@dataclass(slots=True)
class Plan:
    """What rolling back a stage would mean; see `apps.codepipeline.acceptable.Choice`."""

    pipeline: Pipeline
    stage: str
    why: str = ""
    stands: Execution | None = None
    held: bool = False
    accepted: Sequence[Candidate] = ()
    refused: Sequence[Candidate] = ()


def plan(user: Any, pipeline: Pipeline, stage: str) -> Plan | None:
    """Return how a stage can be rolled back; None where the pipeline has no such stage."""
    offered = choice(pipeline, stage)
    if offered is None:
        return None
    told = Plan(pipeline, stage, offered.why, offered.stands, offered.held)
    if offered.came:
        found = [_candidate(one) for one in offered.came]
        told.accepted = [one for one in found if not one.why]
        told.refused = [one for one in found if one.why]
    if told.stands is not None:
        _compare(user, told.stands, told.accepted)
    return told


def _candidate(came: Came) -> Candidate:
    return Candidate(came.execution, came.why, came.through)


def _compare(user: Any, stands: Execution, accepted: Sequence[Candidate]) -> None:
    """Tell what would go back, and what would come again, with each."""
    took = taken.commits_of([stands, *(one.execution for one in accepted)])
    now = took.get(stands.pk, ())
    told = between({one.execution.pk: Pair(took[one.execution.pk], now) for one in accepted})
    for one in accepted:
        one.change = told[one.execution.pk]
    both = [brought for one in accepted for brought in (one.change.went, one.change.came)]
    shown = commits_shown(user, both)
    issues = naming.issues_of(user, both)
    for place, one in enumerate(accepted):
        one.commits, one.again = (some[:MOST_SHOWN] for some in shown[2 * place :][:2])
        one.issues, one.issues_again = issues[2 * place :][:2]


def in_words(user: Any, stage: Stage, meant: Mapping[str, Any]) -> Iterator[str]:
    """Yield what goes back with the execution that somebody chose, as far as they may know of it.

    meant  {"to": the execution's id}, as the confirmation asks for it; anything else tells nothing.
    """
    offered = choice(stage.pipeline, stage.name)
    chosen = (
        [one for one in offered.came if one.execution.key == meant.get("to")] if offered else []
    )
    if offered is None or not chosen:
        return
    one = _candidate(chosen[0])
    if offered.stands is not None:
        _compare(user, offered.stands, [one])
    if offered.stands is None or one.change.unread:
        yield (
            "Which commits go back is not known: they are of a repository that is not read that "
            "far, or that you may not know of."
        )
        return
    went, came = len(one.change.went.commits), len(one.change.came.commits)
    if one.commits:
        yield f"{_counted(went)} back: {_named(one.commits, went)}."
    if one.issues:
        yield f"With {'it' if went == 1 else 'them'} goes the work on {_keys(one.issues)}."
    if one.again:
        yield f"{_counted(came, 'come')} again: {_named(one.again, came)}."
    if one.issues_again:
        yield f"With {'it' if came == 1 else 'them'} comes the work on {_keys(one.issues_again)}."
    if not one.commits and not one.again:
        yield "It has the same commits, as far as you may know of them."


def _counted(count: int, verb: str = "go") -> str:
    ending = {"go": "es", "come": "s"}[verb] if count == 1 else ""
    return f"{count} commit{'' if count == 1 else 's'} {verb}{ending}"


def _named(commits: Sequence[Commit], count: int) -> str:
    named = [f"{row.short_id} {row.title[:60]}".strip() for row in commits[:MOST_NAMED]]
    return ", ".join([*named, *_and_more(count - len(named))])


def _keys(issues: Sequence[Issue]) -> str:
    keys = [row.key for row in issues[:MOST_NAMED]]
    return ", ".join([*keys, *_and_more(len(issues) - len(keys))])


def _and_more(count: int) -> list[str]:
    return [f"and {count} more"] if count > 0 else []
