"""What a build leaves outside of itself: objects in S3, reports, and why it could not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.codebuild import output, reports
from apps.sandbox.inside import Inside, RefusedError
from apps.sandbox.rolepolicy import service_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.sandbox.codebuild.model import Build, Phase
    from apps.sandbox.codebuild.shell import Case


def follow(build: Build, phase: Phase) -> None:
    """What happens at the end of a phase that went well."""
    outcome = build.outcome
    if phase.type == "POST_BUILD" and outcome is not None and outcome.failed is None:
        _upload(build, phase)
    if phase.type == "UPLOAD_ARTIFACTS":
        _report(build)


def _upload(build: Build, phase: Phase) -> None:
    assert build.outcome is not None
    role = str(build.definition["serviceRole"])
    actor = service_session(build.place.world, role, f"AWSCodeBuild-{build.id[-36:]}")
    for one in build.outcome.uploads:
        encryption = {}
        if one.encryption_key:
            encryption = {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": one.encryption_key,
            }
        try:
            Inside(build.place, actor).call(
                "s3", "PutObject", Bucket=one.bucket, Key=one.key, Body=one.content, **encryption
            )
        except RefusedError as error:
            phase.status, phase.code = "FAILED", "COMMAND_EXECUTION_ERROR"
            phase.message = (
                f"Error while executing command: aws cloudformation package. Reason: {error.code}: "
                f"{error.message}"
            )
            return


def _report(build: Build) -> None:
    for name, cases in _reported(build).items():
        group = reports.group_for(build.place, build.project.name, name)
        build.reports.append(reports.put(build, group, cases).arn)


def _reported(build: Build) -> Mapping[str, Sequence[Case]]:
    if build.outcome is not None:
        return build.outcome.reports
    suite, cases = build.project.tests, output.tests(build)
    return {suite.runner: cases} if suite is not None and cases else {}
