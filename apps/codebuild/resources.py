"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from apps.aws.events import called
from apps.mirror.models import Change
from apps.mirror.resource import REGISTER, Cadence, Happened, Heard, Names, Resource
from apps.mirror.state import State

from . import collect, digest, models
from .tasks import adopt_builds, quote_failures, read_reports
from .ties import ties_of

SOURCE = "aws.codebuild"
# Let the log's last lines arrive before the error is looked for.
LOG_SETTLES = 2.0
# And let CodeBuild finish the reports, which it does after the build.
REPORTS_SETTLE = 3.0
ENDED = (State.DONE, State.FAILED, State.STOPPED)


def _build_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Events carry the build's ARN; its key is what follows "build/"."""
    yield Names(kind="codebuild.build", key=str(detail["build-id"]).rpartition(":build/")[2])


def _project_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    """CodeBuild's CloudTrail entries may tell what was made and hide what was asked for.

    https://docs.aws.amazon.com/codebuild/latest/userguide/understanding-service-name-entries.html
    """
    asked, answered = detail.get("requestParameters") or {}, detail.get("responseElements") or {}
    yield Names(kind="codebuild.project", key=asked.get("name") or answered["project"]["name"])


def _look_closer(scope_id: int, changes: Sequence[Change]) -> None:
    """Have what a build's own answer does not tell read: the log's error, and its reports."""
    if any(change.after.get("state") in ENDED for change in changes):
        read_reports.apply_async((scope_id,), countdown=REPORTS_SETTLE)
    if any(change.after.get("state") == State.FAILED for change in changes):
        quote_failures.apply_async((scope_id,), countdown=LOG_SETTLES)


def _adopt(scope_id: int, changes: Sequence[Change]) -> None:
    if any(change.verb == Change.Verb.APPEARED for change in changes):
        adopt_builds.delay(scope_id)


PROJECT = REGISTER.add(
    Resource(
        kind="codebuild.project",
        label="build projects",
        provider="aws",
        model=models.Project,
        collect=collect.projects,
        cadence=Cadence(cold=timedelta(minutes=5)),
        calls=("codebuild:ListProjects", "codebuild:BatchGetProjects"),
        events=(
            called(SOURCE, _project_called_on, "CreateProject", "UpdateProject", "DeleteProject"),
        ),
        # Not heard wholly: webhooks and visibility have calls of their own.
        keyed=True,
        after=_adopt,
        held=True,
        ties=(("arn", "source_type", "source_location"), ties_of),
        url=models.Project.get_absolute_url,
        listed="codebuild:projects",
        explain=digest.why_project,
    )
)

BUILD = REGISTER.add(
    Resource(
        kind="codebuild.build",
        label="builds",
        provider="aws",
        model=models.Build,
        collect=collect.builds,
        cadence=Cadence(cold=timedelta(seconds=60), hot=timedelta(seconds=3)),
        calls=(
            "codebuild:ListBuilds",
            "codebuild:BatchGetBuilds",
            "codebuild:BatchGetReports",
            "codebuild:DescribeTestCases",
            "logs:GetLogEvents",
        ),
        optional=(
            "codebuild:BatchGetReports",
            "codebuild:DescribeTestCases",
            "logs:GetLogEvents",
        ),
        events=(
            Heard(source=SOURCE, detail_type="CodeBuild Build State Change", names=_build_of),
            Heard(source=SOURCE, detail_type="CodeBuild Build Phase Change", names=_build_of),
        ),
        heard_wholly=True,
        parent=("codebuild.project", "project"),
        history=True,
        keyed=True,
        digest=digest.projects,
        after=_look_closer,
        happened=Happened(
            at="started_at",
            group="Builds",
            icon="hammer",
            told=lambda row: row.failing_message,
            by=lambda row: row.initiator,
            wide=models.WIDE_BUILD,
        ),
        url=models.Build.get_absolute_url,
        listed="codebuild:builds",
        explain=digest.why_build,
    )
)
