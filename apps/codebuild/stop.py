"""Stops a build that runs.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StopBuild.html
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.mirror.state import UNFINISHED

from .models import Build

if TYPE_CHECKING:
    from apps.deeds.models import Deed

BY_PIPELINE = "codepipeline/"
STOPPED = "It is stopped."


def status_of(reach: Reach, build: Build) -> str:
    """Return how a build stands now, "" where AWS does not know it any more."""
    answer = reach.call("codebuild:BatchGetBuilds", ids=[build.key])
    return next((str(one.get("buildStatus", "")) for one in answer.get("builds", ())), "")


def _effect(build: Build, _meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"Build {build} ends at once: what it has not uploaded by then is lost."
    yield "What its commands did outside stays done."
    if build.initiator.startswith(BY_PIPELINE):
        name = build.initiator.removeprefix(BY_PIPELINE)
        yield f"The action of the pipeline {name} that waits for it fails."


def _judges(reach: Reach, _deed: "Deed", build: Build) -> Moved | Done | None:
    status = status_of(reach, build)
    if status == "IN_PROGRESS":
        return None
    if status == "STOPPED":
        return Done(told="It was stopped already.")
    if not status:
        return Moved("CodeBuild does not know this build any more.")
    return Moved(f"It is {status} by now: there is nothing to stop.")


def _sends(reach: Reach, _deed: "Deed", build: Build) -> Done:
    answer = reach.call("codebuild:StopBuild", id=build.key)
    return Done(request=request_of(answer), told=STOPPED)


def _finds(reach: Reach, _deed: "Deed", build: Build) -> Untold | None:
    """A build does not tell who stopped it."""
    return Untold("It is stopped") if status_of(reach, build) == "STOPPED" else None


ACTS.add(
    Act(
        name="codebuild.stop",
        kind="codebuild.build",
        label="Stop build",
        group="Builds",
        icon="circle-stop",
        told="stopped {what}",
        calls=("codebuild:StopBuild",),
        offered=lambda build: "" if build.state in UNFINISHED else None,
        effect=_effect,
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds),
    )
)
