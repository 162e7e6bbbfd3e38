"""Says what an issue about a failed build begins with."""

from apps.issues.failures import FAILURES, Failure

FAILURES.add(
    Failure(
        kind="codebuild.build",
        name=lambda build: f"Build {build}",
        at=lambda build: build.ended_at or build.started_at,
        commit=lambda build: (build.resolved_source_version, ""),
        lines=lambda build: build.excerpt,
    )
)
