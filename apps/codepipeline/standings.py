"""What the head of a project's page is told of pipelines: how they fare, what came in last."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.live.moments import parsed
from apps.live.templatetags.live_tags import first_line, plain
from apps.mirror.state import UNFINISHED, State
from apps.projects.held import Held
from apps.projects.offers import Change, Moment, Origin, Standing, Start

from .models import Execution, Pipeline, Stage
from .of_project import Pipelines, deploying, of

# By what the moving stage does.
WORDS = {"Deploy": "Deploying", "Build": "Building", "Test": "Testing"}
UNDER_WAY = (State.WAITING, State.MOVING)
REPOSITORY = ("FullRepositoryId", "RepositoryName")
BRANCH = ("BranchName", "Branch")


def standings(held: Held) -> Iterator[Standing]:
    """How each pipeline fares: each stage that is broken, then what waits, and what moves."""
    found = of(held)
    for row in found.rows:
        told = [*_broken(found, row), *_under_way(found, row)]
        yield from told or [_quiet(row)]


def _broken(found: Pipelines, row: Pipeline) -> Iterator[Standing]:
    """Where a pipeline is broken: until something succeeds, whatever newer waits or moves."""
    if row.state != State.FAILED and row.failing_since is None:
        return
    failed = [run for run in found.by_pipeline[row.pk] if run.state == State.FAILED]
    began = next((run for run in failed if run.started_at == row.failing_since), None)
    stages = [one for one in found.stages[row.pk] if one.state == State.FAILED]
    # How far it has come tells whom it concerns: the last stage comes first.
    at: list[tuple[str, Change | None]] = [
        (one.name, _run_of(found, one)) for one in reversed(stages)
    ]
    if not at:
        # Something newer is in the stage that failed, or the stages tell nothing at all.
        last = next(iter(failed), row.latest_execution if row.state == State.FAILED else None)
        at = [(getattr(last, "failed_in", ""), change_of(last) if last else None)]
    first = change_of(began) if began else None
    for name, change in at:
        yield Standing(
            state=State.FAILED,
            name=row.key,
            url=row.get_absolute_url(),
            what=name,
            since=row.failing_since or row.latest_started_at,
            word="" if row.state == State.FAILED else "Failing",
            runs=True,
            change=change,
            first=first if change is None or (first and first.url != change.url) else None,
            behind=_behind(row, change),
        )


def _under_way(found: Pipelines, row: Pipeline) -> Iterator[Standing]:
    """What waits in a pipeline and what moves, by whichever execution is there."""
    for state in UNDER_WAY:
        stages = [one for one in found.stages[row.pk] if one.state == state]
        runs = [run for run in found.by_pipeline[row.pk] if run.state == state]
        if not stages and not (row.state == state or runs):
            continue
        stage = stages[-1] if stages else None
        change = _run_of(found, stage) if stage else next(map(change_of, runs), None)
        moves = state is State.MOVING
        dates: list[Any] = [change.at if change else None, _since(stage, state)]
        yield Standing(
            state=state,
            name=row.key,
            url=row.get_absolute_url(),
            what=stage.name if stage else "",
            # What a stage names may not be read yet; when its action came to this is told there.
            since=next(iter(filter(None, dates if moves else reversed(dates))), None),
            word=_word(row, stage) if moves else "",
            runs=True,
            change=change,
            behind=_behind(row, change),
        )


def _quiet(row: Pipeline) -> Standing:
    """A pipeline in which nothing is broken, waits or moves."""
    run = row.latest_execution
    return Standing(
        state=row.state,
        name=row.key,
        url=row.get_absolute_url(),
        since=(run and run.ended_at) or row.latest_started_at,
        runs=True,
        change=change_of(run) if run else None,
    )


def _run_of(found: Pipelines, stage: Stage) -> Change | None:
    """The execution that a stage names, also where it was not read yet."""
    run = found.executions.get(stage.execution_id)
    if run is not None:
        return change_of(run)
    if not stage.execution_id:
        return None
    page = found.by_id[stage.pipeline_id].get_absolute_url()
    return Change(at=None, title=f"Execution {stage.execution_id[:8]}", url=page)


def _behind(row: Pipeline, change: Change | None) -> Change | None:
    """The newest execution, where it is a later one and not over."""
    run = row.latest_execution
    if run is None or run.state not in UNFINISHED or change is None:
        return None
    newest = change_of(run)
    later = change.at is not None and newest.at is not None and newest.at > change.at
    return newest if later and newest.url != change.url else None


def _since(stage: Stage | None, state: str) -> Any:
    told = [one for one in stage.actions if one.get("state") == state] if stage else []
    return parsed(told[0].get("last_change")) if told else None


def _word(row: Pipeline, stage: Stage | None) -> str:
    name = stage.name if stage else ""
    actions = [one.get("actions") or () for one in row.definition if one.get("name") == name]
    categories = [one.get("category") for some in actions for one in some]
    return next((WORDS[one] for one in WORDS if one in categories), "Running")


def change_of(run: Execution) -> Change:
    """An execution, as the change that it brings."""
    return Change(
        at=run.started_at,
        title=first_line(plain(run.summary)) or f"Execution {run.key[:8]}",
        url=run.get_absolute_url(),
        sha=run.revision_id,
        author=run.author,
    )


def change(held: Held) -> Change | None:
    """The newest execution of all, as the change that came in last."""
    return next(map(change_of, of(held).newest), None)


def origins(held: Held) -> Iterator[Origin]:
    """The repositories and branches that pipelines take."""
    for row in of(held).rows:
        for stage in row.definition:
            for action in stage.get("actions") or ():
                told = action.get("configuration") or {}
                name = next((str(told[key]) for key in REPOSITORY if told.get(key)), "")
                branch = next((str(told[key]) for key in BRANCH if told.get(key)), "")
                if action.get("category") == "Source" and name:
                    owner = f"{told['Owner']}/" if told.get("Owner") and told.get("Repo") else ""
                    yield Origin(f"{owner}{name}", branch)


def starts(held: Held) -> Mapping[str, Start]:
    """By what stages have begun: which execution has come to them."""
    if not held["codepipeline.pipeline"]:
        return {}
    found = of(held)
    stages = {row.pk: row for some in found.stages.values() for row in some}
    told: dict[str, Start] = {}
    for link in found.links:
        stage = stages[link.from_id]
        run = found.executions.get(stage.execution_id)
        if run is not None:
            title = first_line(plain(run.summary)) or f"Execution {run.key[:8]}"
            told[link.to_arn] = Start(title, run.get_absolute_url(), run.revision_id, run.author)
    return told


def moments(held: Held) -> Iterator[Moment]:
    """The executions that ended lately, of pipelines that deploy."""
    if not held["codepipeline.pipeline"]:
        return
    found = of(held)
    out = {row.pk for row in found.rows if deploying(row)}
    for run in found.newest:
        if run.pipeline_id in out and run.ended_at and run.state in (State.DONE, State.FAILED):
            title = first_line(plain(run.summary)) or f"Execution {run.key[:8]}"
            yield Moment(run.ended_at, title, run.get_absolute_url(), run.state, run.status)
