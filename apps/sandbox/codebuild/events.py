"""Words CodeBuild's events as AWS does, with dates like "Sep 1, 2017 4:12:29 PM"."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.sandbox.codebuild.model import Build, Phase


def build_changed(build: Build, now: float) -> None:
    """``CodeBuild Build State Change``."""
    if build.place.world.bus is None:
        return
    current = "SUBMITTED" if build.running else "COMPLETED"
    detail = {
        "build-status": build.status,
        "project-name": build.project.name,
        "build-id": build.arn,
        "additional-information": _information(build, now),
        "current-phase": current,
        "current-phase-context": "[]",
        "version": "1",
    }
    build.place.emit("aws.codebuild", "CodeBuild Build State Change", detail, [build.arn])


def phase_changed(build: Build, phase: Phase) -> None:
    """``CodeBuild Build Phase Change``: ``phase`` is over."""
    if build.place.world.bus is None:
        return
    detail = {
        "completed-phase": phase.type,
        "project-name": build.project.name,
        "build-id": build.arn,
        "completed-phase-context": json.dumps(_contexts(phase)) if phase.message else "[]",
        "additional-information": _information(build, phase.end),
        "completed-phase-status": phase.status,
        "completed-phase-duration-seconds": round(phase.end - phase.start, 0),
        "version": "1",
        "completed-phase-start": spoken(phase.start),
        "completed-phase-end": spoken(phase.end),
    }
    build.place.emit("aws.codebuild", "CodeBuild Build Phase Change", detail, [build.arn])


def spoken(moment: float) -> str:
    """``Sep 1, 2017 4:12:29 PM``: how CodeBuild's events write a time (UTC)."""
    return _spoken(int(moment))


@functools.lru_cache(maxsize=4096)  # a build's times are written again with each of its events
def _spoken(second: int) -> str:
    when = datetime.fromtimestamp(second, UTC)
    return f"{when:%b} {when.day}, {when.year} {when.hour % 12 or 12}:{when:%M:%S} {when:%p}"


def _contexts(phase: Phase) -> list[str]:
    return [f"{phase.code}: {phase.message}"] if phase.message else []


def _information(build: Build, now: float) -> dict[str, Any]:
    definition = build.definition
    environment = definition["environment"]
    phases: list[dict[str, Any]] = []
    for phase in build.plan:
        if phase.start > now or phase.type == "COMPLETED":
            break
        shown: dict[str, Any] = {
            "phase-context": _contexts(phase),
            "start-time": spoken(phase.start),
        }
        if phase.end <= now:
            shown["end-time"] = spoken(phase.end)
            shown["duration-in-seconds"] = round(phase.end - phase.start, 0)
        shown["phase-type"] = phase.type
        if phase.end <= now:
            shown["phase-status"] = phase.status
        phases.append(shown)
    if not build.running:
        phases.append({"start-time": spoken(build.ended or now), "phase-type": "COMPLETED"})
    region = build.place.region
    information: dict[str, Any] = {
        "artifact": {"location": artifact_location(build)},
        "environment": {
            "image": environment["image"],
            "privileged-mode": bool(environment.get("privilegedMode", False)),
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": environment.get("environmentVariables", []),
        },
        "timeout-in-minutes": float(definition.get("timeoutInMinutes", 60)),
        "build-complete": not build.running,
        "build-number": float(build.number),
        "initiator": build.initiator,
        "build-start-time": spoken(build.started),
        "source": {
            name: value
            for name in ("location", "type", "buildspec")
            if (value := definition["source"].get(name)) is not None
        },
        "phases": phases,
    }
    if build.source_version:
        information["source-version"] = build.source_version
    if build.logs_to_cloudwatch():
        information["logs"] = {
            "group-name": build.log_group,
            "stream-name": build.log_stream,
            "deep-link": (
                f"https://console.aws.amazon.com/cloudwatch/home?region={region}"
                f"#logEvent:group={build.log_group};stream={build.log_stream}"
            ),
        }
    return information


def artifact_location(build: Build) -> str:
    """Where the build puts its artifact, as an S3 ARN (empty when it has none)."""
    artifacts = build.definition["artifacts"]
    if artifacts["type"] == "NO_ARTIFACTS":
        return ""
    bucket = artifacts.get("location") or f"codepipeline-{build.place.region}-{build.place.account}"
    return f"arn:aws:s3:::{bucket}/{build.project.name}/{build.id.rpartition(':')[2]}"
