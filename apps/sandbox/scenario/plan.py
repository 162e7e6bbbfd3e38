"""The words a scenario is written in: how a pipeline looks, how often it runs, how it goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.sandbox.codebuild.testruns import Suite
    from apps.sandbox.codepipeline.model import Declaration, Script

RELEASE_MANAGER = "arn:aws:iam::{account}:user/release-manager"

MESSAGES = (
    "Round totals half up, as the tax office wants it",
    "Keep the basket when the session is renewed",
    "Bump the base image",
    "Log the request id on every error",
    "Fix flaky retry test\n\nThe clock ran on between two asserts.",
    "CHK-214 show delivery date before payment",
    "Use the connection pool in the health check",
    "Remove the unused currency table",
    "Speed up the price index by a third",
    "Document the rollback",
)
AUTHORS = ("checkout-developer", "payments-developer", "platform-engineer", "release-manager")


@dataclass(frozen=True)
class ProjectPlan:
    """A CodeBuild project: its declaration, without its role, and what its builds are like.

    ``tests`` are those its builds write a report of.
    """

    name: str
    flavour: str
    declaration: Mapping[str, Any] = field(default_factory=dict)
    build_seconds: tuple[float, float] = (35, 80)
    fails_every: int = 0
    hostile_log: bool = False
    tests: Suite | None = None


@dataclass(frozen=True)
class PipelinePlan:
    """A pipeline: its declaration (roleArn and artifact store get filled in), past and rhythm.

    ``past`` executions began about ``gap_hours`` apart; ``every`` and ``first`` are virtual
    seconds between new commits while it lives, and to the first one. ``scripts`` are keyed
    ``Stage/Action``.
    """

    name: str
    stages: tuple[Declaration, ...]
    projects: tuple[ProjectPlan, ...] = ()
    declaration: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, Script] = field(default_factory=dict)
    messages: tuple[str, ...] = MESSAGES
    trigger: tuple[str, str] = ("Webhook", "{connection}")
    past: int = 12
    gap_hours: float = 7.0
    last_hours_ago: float = 1.0
    every: float = 600.0
    first: float = 60.0
    burst: int = 1
    stops_every: int = 0
    disabled: tuple[str, str, float] | None = None
    variables: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class PlacePlan:
    """What one account holds in one region."""

    account: str
    region: str
    pipelines: tuple[PipelinePlan, ...]
    projects: tuple[ProjectPlan, ...] = ()


def stage(name: str, *actions: Declaration, **members: Any) -> Declaration:
    """A stage."""
    return {"name": name, "actions": list(actions), **members}


def action(  # noqa: PLR0913 - an action is this much
    name: str,
    category: str,
    provider: str,
    configuration: Mapping[str, str] | None = None,
    *,
    owner: str = "AWS",
    order: int = 1,
    takes: tuple[str, ...] = (),
    gives: tuple[str, ...] = (),
    **members: Any,
) -> Declaration:
    """An action; ``takes`` and ``gives`` name artifacts."""
    return {
        "name": name,
        "actionTypeId": {
            "category": category,
            "owner": owner,
            "provider": provider,
            "version": "1",
        },
        "runOrder": order,
        "configuration": dict(configuration or {}),
        "inputArtifacts": [{"name": artifact} for artifact in takes],
        "outputArtifacts": [{"name": artifact} for artifact in gives],
        **members,
    }


def from_connection(repository: str, branch: str = "main", name: str = "Source") -> Declaration:
    """A source action on GitHub through CodeConnections."""
    return action(
        name,
        "Source",
        "CodeStarSourceConnection",
        {
            "ConnectionArn": "{connection}",
            "FullRepositoryId": repository,
            "BranchName": branch,
            "OutputArtifactFormat": "CODE_ZIP",
            "DetectChanges": "true",
        },
        gives=("SourceArtifact",),
        namespace="SourceVariables",
    )


def from_codecommit(repository: str, branch: str = "main") -> Declaration:
    """A source action on CodeCommit."""
    return action(
        "Source",
        "Source",
        "CodeCommit",
        {"RepositoryName": repository, "BranchName": branch, "PollForSourceChanges": "false"},
        gives=("SourceArtifact",),
        namespace="SourceVariables",
    )


def build(
    name: str,
    project: str,
    *,
    order: int = 1,
    gives: tuple[str, ...] = (),
    test: bool = False,
    **members: Any,
) -> Declaration:
    """A CodeBuild action on the source artifact."""
    configuration = {"ProjectName": project, **members.pop("configuration", {})}
    return action(
        name,
        "Test" if test else "Build",
        "CodeBuild",
        configuration,
        order=order,
        takes=("SourceArtifact",),
        gives=gives,
        **members,
    )


def approval(name: str = "Approve", order: int = 1, **configuration: str) -> Declaration:
    """A manual approval."""
    return action(name, "Approval", "Manual", configuration, order=order)


def codedeploy(name: str, application: str, group: str, **members: Any) -> Declaration:
    """A CodeDeploy action on the build artifact."""
    return action(
        name,
        "Deploy",
        "CodeDeploy",
        {"ApplicationName": application, "DeploymentGroupName": group},
        takes=("BuildArtifact",),
        **members,
    )
