"""Runs a build that is over once more, with what it was made of.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_RetryBuild.html
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.deeds.permits import caller_in
from apps.mirror.resource import Names
from apps.mirror.state import State

from . import begun
from .models import Build
from .stop import BY_PIPELINE, status_of

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# What went well need not be repeated; there is Start build for that.
RETRYABLE = (State.FAILED, State.STOPPED)


def _effect(build: Build, _meant: Mapping[str, Any]) -> Iterator[str]:
    commit = build.resolved_source_version[:12]
    version = build.asked_version or commit or "the same source"
    same = f" ({commit})" if commit and commit != version else ""
    yield f"A new build begins with what {build} was made of: {version}{same}."
    yield "It has the overrides that were given then, and the project's settings otherwise."


def _judges(reach: Reach, _deed: "Deed", build: Build) -> Moved | Done | None:
    status = status_of(reach, build)
    if not status:
        return Moved("CodeBuild does not know this build any more: start a build of the project.")
    if status == "IN_PROGRESS":
        return Moved("It still runs, or runs again: there is nothing to retry.")
    return None


def _sends(reach: Reach, deed: "Deed", build: Build) -> Done:
    answer = reach.call("codebuild:RetryBuild", id=build.key, idempotencyToken=str(deed.mark))
    return begun.made(answer["build"], request_of(answer))


def _finds(reach: Reach, deed: "Deed", build: Build) -> Untold | None:
    return begun.found(
        reach,
        build.project_name,
        since=deed.since,
        caller=caller_in(build.scope),
        version=build.source_version,
    )


def _reread(deed: "Deed", build: Build) -> Iterable[Names]:
    yield Names(kind="codebuild.build", key=build.key)
    if key := deed.made.get("key"):
        yield Names(kind="codebuild.build", key=key)


def _offered(build: Build) -> str | None:
    if build.state not in RETRYABLE:
        return None
    if build.project is None or build.project.gone_at:
        return "Its project is not there any more."
    if build.initiator.startswith(BY_PIPELINE):
        name = build.initiator.removeprefix(BY_PIPELINE)
        return f"The pipeline {name} started it: retry the stage there, which waits for the build."
    if build.build_batch_arn:
        return "It is part of a batch, which AWS's console retries as a whole."
    return ""


ACTS.add(
    Act(
        name="codebuild.retry",
        kind="codebuild.build",
        label="Retry build",
        group="Builds",
        icon="rotate-cw",
        told="retried {what}",
        calls=("codebuild:RetryBuild", "codebuild:ListBuildsForProject"),
        offered=_offered,
        effect=_effect,
        seen=lambda build: {"status": build.status},
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds, repeats=begun.REPEATS),
        reread=_reread,
    )
)
