"""How far each of the latest commits has come: through which stages, as the mirror knows it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.live.templatetags.live_tags import first_line, plain, word_of
from apps.mirror.state import State
from apps.projects.held import Held
from apps.source.models import Commit

from .models import Execution, Pipeline, Stage
from .of_project import Pipelines, deploying, is_over, of

SHOWN = 6
# Repositories that a project may hold, whoever hosts them.
REPOSITORIES = ("codecommit.repository", "github.repository")
MOST_CHIPS = 5


@dataclass(frozen=True, slots=True)
class Chip:
    """A stage to which a commit has come. `here`: it is what stands there now."""

    stage: str
    state: str
    word: str = ""
    title: str = ""
    here: bool = True


@dataclass(slots=True)
class Journey:
    """A commit and how far it has come."""

    sha: str
    title: str = ""
    author: str = ""
    at: datetime | None = None
    url: str = ""
    state: str = ""
    status: str = ""
    chips: list[Chip] = field(default_factory=list)
    more: int = 0


def journeys(held: Held) -> dict[str, Any] | None:
    """What the tile of commits shows, the newest first."""
    found = of(held)
    repositories = [pk for kind in REPOSITORIES for pk in held[kind]]
    by_sha: dict[str, list[Execution]] = {}
    for run in found.newest:
        if run.revision_id:
            by_sha.setdefault(run.revision_id, []).append(run)
    told = {sha: _of_runs(sha, runs) for sha, runs in by_sha.items()}
    for commit in _commits(repositories, list(told)[: 2 * SHOWN]):
        one = told.setdefault(commit.commit_id, Journey(commit.commit_id))
        one.title = plain(commit.title) or one.title
        one.author = commit.author_name or one.author
        one.at = commit.committed_at or one.at
        one.url = commit.get_absolute_url()
    newest = sorted(told.values(), key=_moment, reverse=True)[:SHOWN]
    for one in newest:
        chips = list(_chips(found, by_sha.get(one.sha, ())))
        one.chips, one.more = chips[:MOST_CHIPS], max(0, len(chips) - MOST_CHIPS)
    if not newest and not repositories:
        return None
    return {"journeys": newest, "repositories": repositories}


def _moment(one: Journey) -> float:
    return one.at.timestamp() if one.at else 0.0


def _commits(repositories: Sequence[int], known: Sequence[str]) -> Iterable[Commit]:
    """The newest commits of the repositories, and those that executions name, if they are there."""
    if not repositories:
        return ()
    rows = Commit.objects.filter(repository__in=repositories).order_by("-committed_at", "-pk")
    newest = rows.values("pk")[: 2 * SHOWN]
    chosen = Commit.objects.filter(pk__in=newest) | Commit.objects.filter(
        repository__in=repositories, commit_id__in=known
    )
    return chosen.defer("comments", "parents")


def _of_runs(sha: str, runs: Sequence[Execution]) -> Journey:
    newest = runs[0]
    return Journey(
        sha=sha,
        title=first_line(plain(newest.summary)),
        author=newest.author,
        at=runs[-1].started_at,
        url=newest.get_absolute_url(),
        state=newest.state,
        status=newest.status,
    )


def _chips(found: Pipelines, runs: Sequence[Execution]) -> Iterable[Chip]:
    """A chip for each stage that brings out, and for one in which it moves, waits or failed."""
    for row in found.rows:
        mine = [run for run in runs if run.pipeline_id == row.pk]
        if not mine:
            continue
        names = deploying(row)
        chips = [
            chip
            for stage in found.stages[row.pk]
            if (chip := _chip(found, row, stage, mine[0], out=stage.name in names)) is not None
        ]
        if not chips and (last := _end_of(mine[0])) is not None:
            chips = [last]
        yield from chips


def _chip(
    found: Pipelines, row: Pipeline, stage: Stage, run: Execution, *, out: bool
) -> Chip | None:
    title = f"{row.key} / {stage.name}"
    if stage.execution_id == run.key:
        if not out and stage.state == State.DONE:
            return None
        return Chip(stage.name, stage.state, _how_far(stage), title)
    there = found.executions.get(stage.execution_id)
    # What came after it stands there now; one that ended well has been there.
    later = there is not None and _began(there) > _began(run) > 0
    if out and later and run.state == State.DONE:
        return Chip(stage.name, State.DONE, "", f"{title}, before", here=False)
    return None


def _began(run: Execution) -> float:
    return run.started_at.timestamp() if run.started_at else 0.0


def _how_far(stage: Stage) -> str:
    """What is said of a stage beside its name: per cent while it moves."""
    if stage.state == State.MOVING:
        told = [one.get("percent") for one in stage.actions if one.get("state") == State.MOVING]
        percent = next((one for one in told if isinstance(one, int)), None)
        return f"{percent} %" if percent is not None else ""
    words = {State.FAILED: "failed", State.WAITING: "waits", State.STOPPED: "stopped"}
    return words.get(State(stage.state), "") if stage.state else ""


def _end_of(run: Execution) -> Chip | None:
    """Of a commit that stands nowhere (any more): how its execution ended, or that it moves."""
    if run.state in (State.DONE, State.UNKNOWN):
        return None
    return Chip(word_of(run.state, run.status) if is_over(run) else "On its way", run.state)
