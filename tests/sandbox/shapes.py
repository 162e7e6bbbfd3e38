"""Declarations that the tests create through boto3, as small as AWS takes them."""

from typing import Any


def action(
    name: str, category: str, provider: str, order: int = 1, **configuration: str
) -> dict[str, Any]:
    return {
        "name": name,
        "actionTypeId": {
            "category": category,
            "owner": "AWS",
            "provider": provider,
            "version": "1",
        },
        "runOrder": order,
        "configuration": configuration,
    }


def source(name: str = "Source") -> dict[str, Any]:
    made = action(name, "Source", "CodeCommit", RepositoryName="web", BranchName="main")
    return {**made, "outputArtifacts": [{"name": "SourceArtifact"}], "namespace": "SourceVariables"}


def deploy(name: str = "Deploy", order: int = 1) -> dict[str, Any]:
    return action(
        name, "Deploy", "CodeDeploy", order, ApplicationName="web", DeploymentGroupName="prod"
    )


def build(name: str = "Build", project: str = "web", order: int = 1) -> dict[str, Any]:
    return {
        **action(name, "Build", "CodeBuild", order, ProjectName=project),
        "inputArtifacts": [{"name": "SourceArtifact"}],
    }


def approval(name: str = "Approve", order: int = 1) -> dict[str, Any]:
    return action(name, "Approval", "Manual", order)


def pipeline(name: str, *stages: list[dict[str, Any]], **members: Any) -> dict[str, Any]:
    """Stages are named Source, Two, Three …; V2 unless told otherwise."""
    names = ["Source", "Two", "Three", "Four"]
    return {
        "name": name,
        "roleArn": "arn:aws:iam::111122223333:role/service-role/codepipeline",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "pipelineType": "V2",
        "stages": [
            {"name": stage, "actions": actions}
            for stage, actions in zip(names, ([source()], *stages), strict=False)
        ],
        **members,
    }


def project(name: str = "web", **members: Any) -> dict[str, Any]:
    return {
        "name": name,
        "source": {
            "type": "NO_SOURCE",
            "buildspec": "version: 0.2\nphases:\n  build:\n    commands:\n      - make\n",
        },
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        "serviceRole": "arn:aws:iam::111122223333:role/service-role/codebuild",
        **members,
    }


def stages(state: dict[str, Any]) -> dict[str, str | None]:
    """GetPipelineState in short: stage → status of its latest execution."""
    return {
        s["stageName"]: s.get("latestExecution", {}).get("status") for s in state["stageStates"]
    }


def actions(state: dict[str, Any]) -> dict[str, str | None]:
    """GetPipelineState in short: action → status of its latest execution."""
    return {
        a["actionName"]: a.get("latestExecution", {}).get("status")
        for s in state["stageStates"]
        for a in s["actionStates"]
    }


def action_state(state: dict[str, Any], name: str) -> dict[str, Any]:
    return next(
        a for s in state["stageStates"] for a in s["actionStates"] if a["actionName"] == name
    )
