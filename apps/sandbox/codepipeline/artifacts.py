"""What stages hand on: real files in the pipeline's bucket, where that bucket is a real one.

Pipelines whose bucket nobody made hand on nothing but its name, and act as their scripts say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox.buckets import owner_of
from apps.sandbox.codepipeline.providers import artifact_bucket, artifact_key, place_of
from apps.sandbox.files import Files, packed
from apps.sandbox.inside import Inside, RefusedError
from apps.sandbox.rolepolicy import service_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.sandbox.codepipeline.model import ActionRun, Execution
    from apps.sandbox.principals import Principal
    from apps.sandbox.world import Place


@dataclass(frozen=True, slots=True)
class Stored:
    """An artifact: its files, and the object that holds them."""

    files: Files
    bucket: str
    key: str
    version: str
    etag: str


def kept(execution: Execution) -> bool:
    """Whether the pipeline's bucket is there to keep artifacts in."""
    door = execution.pipeline.place.world.door
    return door is not None and bool(owner_of(artifact_bucket(execution)))


def put(
    execution: Execution, name: str, files: Mapping[str, bytes], actor: Principal | None
) -> Stored:
    """Hand an artifact on as ``actor``; raises RefusedError where it may not, or cannot."""
    bucket, key = artifact_bucket(execution), artifact_key(execution, name)
    store = execution.definition.get("artifactStore") or {}
    encryption = {"ServerSideEncryption": "aws:kms"}
    if told := store.get("encryptionKey"):
        encryption["SSEKMSKeyId"] = str(told["id"])
    answer = Inside(execution.pipeline.place, actor).call(
        "s3", "PutObject", Bucket=bucket, Key=key, Body=packed(files), **encryption
    )
    etag, version = str(answer["ETag"]).strip('"'), str(answer.get("VersionId") or "")
    execution.artifacts[name] = stored = Stored(dict(files), bucket, key, version, etag)
    return stored


def taken(execution: Execution, run: ActionRun) -> Stored | None:
    """The action's first input artifact; None where there is no such thing."""
    names = [str(one["name"]) for one in run.declaration.get("inputArtifacts") or ()]
    return execution.artifacts.get(names[0]) if names else None


def handed_on(run: ActionRun) -> str | None:
    """The name of what the action puts out."""
    names = [str(one["name"]) for one in run.declaration.get("outputArtifacts") or ()]
    return names[0] if names else None


def actor_of(execution: Execution, run: ActionRun | None = None) -> Principal | None:
    """Who acts: the action's role or the pipeline's; None where IAM does not have it."""
    arn = (run.declaration.get("roleArn") if run is not None else None) or str(
        execution.definition.get("roleArn", "")
    )
    return service_session(execution.pipeline.place.world, str(arn), str(execution.id)[:32])


def forbids(execution: Execution, run: ActionRun, action: str, resource: str) -> str | None:
    """Why the action's role may not do something, in AWS's words; None where it may."""
    actor, place = actor_of(execution, run), place_of(execution, run)
    return denial_of(place, actor, action, resource)


def denial_of(place: Place, actor: Principal | None, action: str, resource: str) -> str | None:
    """Why ``actor`` may not do something; None where it may, or nothing is known of it."""
    door = place.world.door
    if actor is None or door is None:
        return None
    if door.decides(actor, place, action, resource) == "allowed":
        return None
    return (
        f"User: {actor.arn} is not authorized to perform: {action} on resource: {resource} because "
        f"no identity-based policy allows the {action} action"
    )


def no_access(execution: Execution, error: RefusedError) -> str:
    """What CodePipeline says where its role cannot reach the bucket."""
    return (
        "The service role or action role doesn't have the permissions required to access the "
        f"Amazon S3 bucket named {artifact_bucket(execution)}. Update the IAM role permissions, "
        f"and then try again. Error: {error.message}"
    )
