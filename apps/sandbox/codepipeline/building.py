"""What CodePipeline's CodeBuild actions do: build what was handed to them, hand on what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.codebuild import engine as builds
from apps.sandbox.codebuild.model import Build, ProjectStore
from apps.sandbox.codepipeline import artifacts
from apps.sandbox.codepipeline.providers import (
    Ends,
    artifact_bucket,
    artifact_key,
    place_of,
    provider,
)
from apps.sandbox.inside import RefusedError
from apps.sandbox.rolepolicy import service_session

if TYPE_CHECKING:
    from apps.sandbox.codepipeline.model import ActionRun, Execution


@provider("CodeBuild")
def start_build(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    """Build the action's input artifact; the action ends as the build does."""
    place, name = place_of(execution, run), run.resolved.get("ProjectName", "")
    project = place.of(ProjectStore).projects.get(name)
    arn = place.arn("codebuild", f"project/{name}")
    denied = artifacts.forbids(execution, run, "codebuild:StartBuild", arn)
    text = ""
    if denied is not None:
        text = f"Error calling startBuild: {denied} ({_SAID} AccessDeniedException)"
    elif project is None:
        text = (
            f"Error calling startBuild: Project cannot be found: {arn} "
            f"({_SAID} ResourceNotFoundException)"
        )
    if text or project is None:
        code = "PermissionError" if denied is not None else "ConfigurationError"
        run.timers.append(
            place.world.scheduler.after(1, lambda: ends.fail(execution, run, code, text))
        )
        return True
    script = execution.pipeline.script(run.stage, run.name)
    primary = run.declaration.get("inputArtifacts") or [{"name": "SourceArtifact"}]
    commit = next(iter(execution.revisions.values()), None)
    stored = artifacts.taken(execution, run)
    bucket, key = artifact_bucket(execution), artifact_key(execution, primary[0]["name"])
    order = builds.Order(
        initiator=f"codepipeline/{execution.pipeline.name}",
        source_version=f"arn:aws:s3:::{bucket}/{key}",
        resolved_source_version=commit.sha if commit else None,
        fails=script.fails(execution.number, run.attempt),
        seconds=script.seconds,
        on_end=lambda build: _ended(execution, run, ends, build),
        names=(run.id,),
        files=stored.files if stored is not None else None,
    )
    build = builds.start(project, order)
    run.external_id, run.external_url = build.id, build.console_url()
    run.log_stream_arn = build.log_stream_arn()
    return True


_SAID = "Service: AWSCodeBuild; Status Code: 400; Error Code:"


def _ended(execution: Execution, run: ActionRun, ends: Ends, build: Build) -> None:
    if build.status != "SUCCEEDED":
        ends.fail(execution, run, "JobFailed", build.failure_text())
        return
    run.output = dict(build.exported)
    name = artifacts.handed_on(run)
    if build.outcome is not None and name is not None:
        role = str(build.definition["serviceRole"])
        actor = service_session(build.place.world, role, f"AWSCodeBuild-{build.id[-36:]}")
        try:
            artifacts.put(execution, name, build.outcome.artifact, actor)
        except RefusedError as error:
            text = f"Build terminated with state: FAILED. Phase: UPLOAD_ARTIFACTS, {error.message}"
            ends.fail(execution, run, "JobFailed", text)
            return
    ends.succeed(execution, run)
