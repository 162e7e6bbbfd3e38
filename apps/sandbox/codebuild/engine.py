"""Runs builds: draws up a plan of phases, walks through it, and tells everybody."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox.codebuild import buildspec, effects, events, output
from apps.sandbox.codebuild.model import (
    KEPT_BUILDS,
    Build,
    Declaration,
    Phase,
    Project,
    ProjectStore,
)
from apps.sandbox.logs import LogStore
from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from apps.sandbox.codebuild.buildspec import Outcome
    from apps.sandbox.files import Files

#: Virtual seconds of every phase but BUILD.
_SECONDS = {
    "SUBMITTED": (0.1, 0.3),
    "QUEUED": (0.5, 2),
    "PROVISIONING": (6, 12),
    "DOWNLOAD_SOURCE": (2, 5),
    "INSTALL": (6, 14),
    "PRE_BUILD": (3, 8),
    "POST_BUILD": (2, 6),
    "UPLOAD_ARTIFACTS": (1, 3),
    "FINALIZING": (1, 3),
}
_ORDER = (
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
)
_FAILING_COMMAND = re.compile(r"^\s*-\s*['\"]?(exit [1-9]\d{0,2}|false)['\"]?\s*$", re.MULTILINE)
_PHASE_HEAD = re.compile(r"^\s*(install|pre_build|build|post_build)\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Order:
    """What a build is asked to do.

    ``definition``  the project's with overrides; None for the project's own.
    ``seconds``     between which the BUILD phase lasts.
    ``on_end``      is called when the build has ended.
    ``names``       what its chance is drawn from, besides its number.
    ``files``       what the buildspec is carried out on; None where a script says how it goes.
    """

    initiator: str
    source_version: str | None = None
    resolved_source_version: str | None = None
    definition: Declaration | None = None
    fails: bool = False
    seconds: tuple[float, float] | None = None
    on_end: Callable[[Build], None] | None = None
    names: tuple[object, ...] = ()
    #: What its source holds, where there is more of it than a name.
    files: Files | None = None


def start(project: Project, order: Order) -> Build:
    """Start a build of ``project``.

    It fails when the order says so, when the project fails every n-th build, or when its buildspec
    runs ``exit 1`` or ``false``.
    """
    place = project.place
    world = place.world
    project.started_count += 1
    number = project.started_count
    chance = world.chance(project.arn, number, *order.names)
    definition = order.definition or project.definition
    store = place.of(ProjectStore)
    uuid = uuid_from(chance)
    now = world.now()
    outcome = None
    if order.files is not None:
        outcome = buildspec.carry_out(definition, order.files, _variables(project, order, uuid))
    prefix = definition.get("logsConfig", {}).get("cloudWatchLogs", {}).get("streamName")
    build = Build(
        id=f"{project.name}:{uuid}",
        number=number,
        project=project,
        definition=definition,
        initiator=order.initiator,
        source_version=order.source_version,
        resolved_source_version=order.resolved_source_version,
        started=now,
        plan=_plan(project, order, definition, chance, now, outcome),
        outcome=outcome,
        log_stream=f"{prefix}/{uuid}" if prefix else uuid,
        on_end=order.on_end,
    )
    store.builds[build.id] = build
    store.newest_first.insert(0, build)
    project.builds.insert(0, build)
    _forget_old(store, project)
    events.build_changed(build, now)
    for phase in build.plan[:-1]:
        over = functools.partial(_phase_over, build, phase)
        build.timers.append(world.scheduler.at(phase.end, over))
    return build


def _variables(project: Project, order: Order, uuid: str) -> dict[str, str]:
    """The environment variables of a build: CodeBuild's and the project's."""
    place = project.place
    told = {
        "AWS_DEFAULT_REGION": place.region,
        "AWS_REGION": place.region,
        "CODEBUILD_BUILD_ID": f"{project.name}:{uuid}",
        "CODEBUILD_BUILD_NUMBER": str(project.started_count),
        "CODEBUILD_INITIATOR": order.initiator,
        "CODEBUILD_RESOLVED_SOURCE_VERSION": order.resolved_source_version or "",
    }
    declared = (order.definition or project.definition)["environment"]["environmentVariables"]
    return {**told, **{str(one["name"]): str(one["value"]) for one in declared}}


def stop(build: Build) -> None:
    """StopBuild: the phase that runs ends as STOPPED, those after it never come."""
    if not build.running:
        return
    now = build.place.world.now()
    current = build.phase_at(now)
    kept = build.plan[: build.plan.index(current) + 1]
    current.end, current.status, current.code, current.message = now, "STOPPED", "", ""
    build.plan = [*kept, Phase("COMPLETED", now, now)]
    for timer in build.timers:
        timer.cancel()
    events.phase_changed(build, current)
    _finish(build, "STOPPED", now)


def _phase_over(build: Build, phase: Phase) -> None:
    if not build.running:
        return
    if phase.type == "PROVISIONING" and build.logs_to_cloudwatch():
        _open_log(build)
    if phase.status == "SUCCEEDED":
        effects.follow(build, phase)
    events.phase_changed(build, phase)
    if phase is build.plan[-2]:
        failed = build.failed_phase()
        _finish(build, failed.status if failed else "SUCCEEDED", phase.end)


def _finish(build: Build, status: str, ended: float) -> None:
    build.status, build.ended = status, ended
    build.timers.clear()
    if status == "SUCCEEDED":
        build.exported = {"IMAGE_TAG": (build.resolved_source_version or build.id[-12:])[:8]}
        if build.outcome is not None:
            build.exported = build.outcome.exported
    events.build_changed(build, build.ended)
    if build.on_end is not None:
        build.on_end(build)
        build.on_end = None


def _open_log(build: Build) -> None:
    group = build.place.of(LogStore).ensure_group(build.log_group)
    group.add_live(build.log_stream, build.place.world.now(), lambda: output.lines(build))


def _plan(  # noqa: PLR0913 - all that a plan depends on
    project: Project,
    order: Order,
    definition: Declaration,
    chance: random.Random,
    now: float,
    outcome: Outcome | None,
) -> list[Phase]:
    inline = str(definition.get("source", {}).get("buildspec", ""))
    stretch = project.place.world.scheduler.stretch
    broken = _broken_command(inline) if outcome is None else None
    fails = order.fails or _project_fails(project, project.started_count)
    failing = broken[0] if broken else ("BUILD" if fails else None)
    plan: list[Phase] = []
    moment = now
    for kind in _ORDER:
        bounds = (order.seconds or project.build_seconds) if kind == "BUILD" else _SECONDS[kind]
        phase = Phase(kind, moment, moment + stretch(chance.uniform(*bounds)))
        moment = phase.end
        plan.append(phase)
        if kind == failing:
            command, reason = broken[1:] if broken else output.failing_command(project)
            phase.status, phase.code = "FAILED", "COMMAND_EXECUTION_ERROR"
            phase.message = f"Error while executing command: {command}. Reason: {reason}"
        if outcome is not None and outcome.failed is not None and kind == outcome.failed[0]:
            failing, phase.status = kind, "FAILED"
            _, phase.code, phase.message = outcome.failed
    if failing in ("DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD"):
        # What comes after is skipped; only FINALIZING follows, at once.
        at = next(i for i, phase in enumerate(plan) if phase.type == failing)
        end = plan[at].end
        plan = [*plan[: at + 1], Phase("FINALIZING", end, end + stretch(1.0))]
    plan.append(Phase("COMPLETED", plan[-1].end, plan[-1].end))
    return plan


def _broken_command(buildspec: str) -> tuple[str, str, str] | None:
    """(phase, command, reason) of the first command in a buildspec that cannot succeed."""
    found = _FAILING_COMMAND.search(buildspec)
    if found is None:
        return None
    command = found.group(1)
    heads = [head.group(1).upper() for head in _PHASE_HEAD.finditer(buildspec, 0, found.start())]
    return (
        (heads[-1] if heads else "BUILD"),
        command,
        f"exit status {command.removeprefix('exit ') if ' ' in command else 1}",
    )


def _project_fails(project: Project, number: int) -> bool:
    return bool(project.fails_every) and number % project.fails_every == 0


def _forget_old(store: ProjectStore, project: Project) -> None:
    if len(project.builds) <= KEPT_BUILDS:
        return
    oldest = next((build for build in reversed(project.builds) if not build.running), None)
    if oldest is not None:
        project.builds.remove(oldest)
        store.newest_first.remove(oldest)
        del store.builds[oldest.id]
        store.place.of(LogStore).forget_stream(oldest.log_group, oldest.log_stream)
