"""Looks for the build that a deed began, whose answer nobody heard; no Django.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from apps.aws.calls import Reach, batches
from apps.deeds.acts import Done, Untold

# AWS takes a token for the same request for five minutes, of which a call may take one.
REPEATS = timedelta(minutes=4)
# Clocks differ, and AWS's tells when a build began.
BEFORE = timedelta(seconds=30)
# What one BatchGetBuilds takes.
BATCH = 100


def made(build: Mapping[str, Any], request: str = "") -> Done:
    """Return what came of it."""
    number = build.get("buildNumber")
    project, _, uuid = str(build["id"]).partition(":")
    name = f"{project} #{number}" if number else f"{project} {uuid[:8]}"
    return Done(
        request=request,
        kind="codebuild.build",
        key=build["id"],
        name=name,
        told=f"Build {name} has begun.",
    )


def found(
    reach: Reach, project: str, *, since: datetime, caller: str, version: str
) -> Untold | None:
    """Return which builds these credentials began since: none tells the token that began it.

    caller   ARN of the credentials: a build tells who began it by how that ends.
    version  the source version that was asked for, "" for whichever.
    """
    ours = [
        one
        for one in _since(reach, project, since - BEFORE)
        if is_caller(str(one.get("initiator") or ""), caller)
        and (not version or one.get("sourceVersion") == version)
    ]
    if not ours:
        return None
    names = ", ".join(f"Build {made(one).name}" for one in ours)
    verb = "has" if len(ours) == 1 else "have"
    return Untold(f"{names} {verb} begun since, by this account's credentials")


def is_caller(initiator: str, caller: str) -> bool:
    """Whether a build's initiator is who these credentials are: "ada", "deploy-role/session"."""
    return bool(initiator) and caller.endswith((f"/{initiator}", f":{initiator}"))


def _since(reach: Reach, project: str, since: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield the builds of a project that began since; AWS lists the newest first."""
    for page in reach.pages("codebuild:ListBuildsForProject", projectName=project):
        for batch in batches(page.get("ids", ()), BATCH):
            answer = reach.call("codebuild:BatchGetBuilds", ids=list(batch))
            builds = answer.get("builds", ())
            new = [one for one in builds if one.get("startTime") and one["startTime"] >= since]
            yield from new
            if len(new) < len(builds):
                return
