"""Draws up a build's log when it is read, and says which line appears when; nothing is stored."""

from __future__ import annotations

import functools
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apps.sandbox.codebuild import testruns
from apps.sandbox.codebuild.flavours import FLAVOURS, Step
from apps.sandbox.codebuild.model import Build, Phase, Project
from apps.sandbox.logs import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.sandbox.codebuild.buildspec import Ran
    from apps.sandbox.codebuild.shell import Case

#: (phase type, start, end, status, code, message): a plan that can be a cache key.
_Frozen = tuple[tuple[str, float, float, str, str, str], ...]

_STEPS = {
    "INSTALL": "install",
    "PRE_BUILD": "pre_build",
    "BUILD": "build",
    "POST_BUILD": "post_build",
}

#: Lines that a browser must show as text and a log view must survive.
HOSTILE_LINES = (
    "<script>alert('from the log')</script><img src=x onerror=alert(1)> &amp; <b>not bold</b>",
    "\x1b]0;a terminal title\x07\x1b[5mblinking\x1b[0m "
    "\x1b[38;5;208morange\x1b[0m \x1b[2J\x1b[1;1Hcleared?",
    "one very long line " + "0123456789abcdef" * 6400,
)


def failing_command(project: Project) -> tuple[str, str]:
    """(command, reason) of the command that fails when this project's build is to fail."""
    flavour = FLAVOURS[project.flavour]
    return flavour.failing_command, flavour.reason


def tests(build: Build) -> tuple[Case, ...]:
    """How the tests of a scripted build go; none where it has none, or does not come to them."""
    return testruns.of_build(build, FLAVOURS[build.project.flavour].failing_command)


def lines(build: Build) -> list[Line]:
    """The log's events up to now, oldest first."""
    now = build.place.world.now() if build.ended is None else max(build.ended, build.plan[-1].end)
    frozen = tuple((p.type, p.start, p.end, p.status, p.code, p.message) for p in build.plan)
    everything = _script(
        frozen,
        build.project.flavour,
        build.project.hostile_log,
        f"{build.place.world.seed}/{build.id}",
        build.resolved_source_version or build.source_version or "",
        tuple(build.outcome.ran) if build.outcome is not None else None,
        _printed(build),
    )
    limit = int(now * 1000)
    if everything and everything[-1].at <= limit:
        return everything
    return [line for line in everything if line.at <= limit]


def _printed(build: Build) -> tuple[str, ...]:
    suite, cases = build.project.tests, tests(build)
    return tuple(testruns.printed(suite, cases)) if suite is not None and cases else ()


@functools.lru_cache(maxsize=64)
def _script(  # noqa: PLR0913 - all that a log depends on
    plan: _Frozen,
    flavour: str,
    hostile: bool,
    seed: str,
    revision: str,
    ran: tuple[Ran, ...] | None,
    tested: tuple[str, ...],
) -> list[Line]:
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
    written: list[Line] = []
    last = 0
    for moment, text in _moments(
        [Phase(*phase) for phase in plan], flavour, hostile, chance, revision, ran, tested
    ):
        last = max(last, int(moment * 1000))
        written.append(Line(last, text + "\n"))
    return written


def _moments(  # noqa: PLR0913 - all that a log depends on
    plan: list[Phase],
    flavour: str,
    hostile: bool,
    chance: random.Random,
    revision: str,
    ran: tuple[Ran, ...] | None,
    tested: tuple[str, ...],
) -> Iterator[tuple[float, str]]:
    begun = next((phase.end for phase in plan if phase.type == "PROVISIONING"), None)
    if begun is None:
        return
    yield begun, _container(begun, "Running on CodeBuild On-demand")
    yield begun, _container(begun, "Waiting for agent ping")
    for phase in plan:
        if phase.start < begun or phase.type in ("COMPLETED", "FINALIZING"):
            continue
        if phase.type == "DOWNLOAD_SOURCE":
            yield phase.end, _container(phase.end, "Waiting for DOWNLOAD_SOURCE")
            yield phase.end, _container(phase.end, "Phase is DOWNLOAD_SOURCE")
            yield (
                phase.end,
                _container(phase.end, "CODEBUILD_SRC_DIR=/codebuild/output/src1284931021/src"),
            )
            yield (
                phase.end,
                _container(
                    phase.end, "YAML location is /codebuild/output/src1284931021/src/buildspec.yml"
                ),
            )
            yield from _complete(phase)
            continue
        yield phase.start, _container(phase.start, f"Entering phase {phase.type}")
        if phase.type in _STEPS and ran is not None:
            yield from _carried_out(phase, ran)
        elif phase.type in _STEPS:
            yield from _commands(phase, flavour, hostile, chance, revision, tested)
        elif phase.type == "UPLOAD_ARTIFACTS":
            yield phase.start, _container(phase.start, "Expanding base directory path: .")
            yield phase.end, _container(phase.end, "Assembling file list")
            yield phase.end, _container(phase.end, "Found 42 file(s)")
        if phase.status != "STOPPED":
            yield from _complete(phase)


def _carried_out(phase: Phase, ran: tuple[Ran, ...]) -> Iterator[tuple[float, str]]:
    """The commands of a buildspec, as CodeBuild shows them, and what they print."""
    texts: list[tuple[str, bool]] = []
    for one in ran:
        if one.phase == _STEPS[phase.type]:
            texts.append((f"Running command {one.command}", True))
            texts += [(line, False) for line in one.lines]
    span = (phase.end - phase.start) / (len(texts) + 1)
    for number, (text, by_container) in enumerate(texts, 1):
        moment = phase.start + span * number
        yield moment, _container(moment, text) if by_container else text
    if phase.status == "FAILED":
        yield phase.end, ""
        said = phase.message.partition("command: ")[2].replace(". Reason:", "")
        yield phase.end, _container(phase.end, f"Command did not execute successfully {said}")


def _commands(  # noqa: PLR0913 - all that a phase's lines depend on
    phase: Phase,
    flavour: str,
    hostile: bool,
    chance: random.Random,
    revision: str,
    tested: tuple[str, ...],
) -> Iterator[tuple[float, str]]:
    kind = FLAVOURS[flavour]
    steps: tuple[Step, ...] = getattr(kind, _STEPS[phase.type])
    failed = phase.status == "FAILED"
    own_failure = failed and kind.failing_command in phase.message
    texts: list[tuple[str, bool]] = []
    for step in steps:
        texts.append((f"Running command {step.command}", True))
        texts.extend((line, False) for line in step.lines)
        if tested and step.command == kind.failing_command:
            texts.extend((line, False) for line in tested)
        else:
            kinds = len(step.repeat)
            texts.extend(
                (_counted(step.repeat[number % kinds], number, step), False)
                for number in range(step.times)
            )
        if own_failure and step.command == kind.failing_command:
            break
    if failed and not own_failure:
        command = phase.message.removeprefix("Error while executing command: ").partition(
            ". Reason:"
        )[0]
        texts.append((f"Running command {command}", True))
    if hostile and phase.type == "BUILD":
        texts[2:2] = [(line, False) for line in HOSTILE_LINES]
    if own_failure and not tested:
        texts.extend((line, False) for line in kind.failure)
    span = (phase.end - phase.start) / (len(texts) + 1)
    for number, (text, by_container) in enumerate(texts, 1):
        moment = phase.start + span * number
        filled = text if "{" not in text or text in HOSTILE_LINES else _fill(text, chance, revision)
        yield moment, _container(moment, filled) if by_container else filled
    if failed:
        yield phase.end, ""
        yield (
            phase.end,
            _container(
                phase.end,
                "Command did not execute successfully "
                + phase.message.partition("command: ")[2].replace(". Reason:", ""),
            ),
        )


def _counted(text: str, number: int, step: Step) -> str:
    """Say in a repeated line which one it is and how far the command has come."""
    turn = str(number // len(step.repeat) + 1)
    percent = f"{100 * (number + 1) // step.times:3d}"
    return text.replace("{i}", turn).replace("{percent}", percent)


def _fill(text: str, chance: random.Random, revision: str) -> str:
    while "{n}" in text:
        text = text.replace("{n}", str(chance.randint(1, 99)), 1)
    return text.replace("{ms}", str(chance.randint(1, 60))).replace(
        "{sha}", revision[:12] or "latest"
    )


def _complete(phase: Phase) -> Iterator[tuple[float, str]]:
    yield phase.end, _container(phase.end, f"Phase complete: {phase.type} State: {phase.status}")
    yield (
        phase.end,
        _container(phase.end, f"Phase context status code: {phase.code} Message: {phase.message}"),
    )


def _container(moment: float, text: str) -> str:
    when = datetime.fromtimestamp(moment, UTC)
    return f"[Container] {when:%Y/%m/%d %H:%M:%S.%f} {text}"
