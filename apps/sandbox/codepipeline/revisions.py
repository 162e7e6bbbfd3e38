"""Words what a source action found the way each provider's revisions look at AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from apps.sandbox.codepipeline.model import Commit, Declaration
    from apps.sandbox.world import Place


def summary(action: Declaration, commit: Commit) -> str:
    """``revisionSummary``: JSON text for connections, the plain commit message elsewhere."""
    provider = action["actionTypeId"]["provider"]
    if provider == "CodeStarSourceConnection":
        return json.dumps({"ProviderType": "GitHub", "CommitMessage": commit.message})
    if provider == "S3":
        return f"Amazon S3 version id: {commit.sha}"
    return commit.message


def url(action: Declaration, place: Place, commit: Commit) -> str:
    """``revisionUrl``: where the revision can be looked at."""
    asked, region = action.get("configuration", {}), place.region
    console = f"https://{region}.console.aws.amazon.com"
    match action["actionTypeId"]["provider"]:
        case "CodeStarSourceConnection":
            return _redirect(console, asked, f"COMMIT&{_repository(asked)}&Commit={commit.sha}")
        case "GitHub":
            return (
                f"https://github.com/{asked.get('Owner')}/{asked.get('Repo')}/commit/{commit.sha}"
            )
        case "CodeCommit":
            repository = (
                f"{console}/codesuite/codecommit/repositories/{asked.get('RepositoryName')}"
            )
            return f"{repository}/commit/{commit.sha}?region={region}"
        case "S3":
            key = quote(str(asked.get("S3ObjectKey")))
            return f"{console}/s3/object/{asked.get('S3Bucket')}?prefix={key}"
    return f"{console}/codesuite/codepipeline"


def entity_url(action: Declaration, region: str) -> str | None:
    """``entityUrl``: the console page of what an action works on, where AWS shows one."""
    asked: dict[str, str] = action.get("configuration", {})
    console = f"https://{region}.console.aws.amazon.com"
    suite = f"{console}/codesuite"
    match action["actionTypeId"]["provider"]:
        case "CodeBuild":
            return f"{suite}/codebuild/projects/{asked.get('ProjectName')}/history?region={region}"
        case "CodeDeploy":
            application = f"{suite}/codedeploy/applications/{asked.get('ApplicationName')}"
            group = asked.get("DeploymentGroupName")
            return f"{application}/deployment-groups/{group}?region={region}"
        case "CodeCommit":
            repository = f"{suite}/codecommit/repositories/{asked.get('RepositoryName')}"
            return f"{repository}/browse/refs/heads/{asked.get('BranchName')}?region={region}"
        case "GitHub":
            repository = f"https://github.com/{asked.get('Owner')}/{asked.get('Repo')}"
            return f"{repository}/tree/{asked.get('Branch')}"
        case "CodeStarSourceConnection":
            branch = asked.get("BranchName")
            return _redirect(console, asked, f"BRANCH&{_repository(asked)}&Branch={branch}")
        case "CloudFormation":
            stacks = f"{console}/cloudformation/home?region={region}#/stacks"
            return f"{stacks}?filteringText={asked.get('StackName')}"
        case "Lambda":
            functions = f"{console}/lambda/home?region={region}#/functions"
            return f"{functions}/{asked.get('FunctionName')}"
    return asked.get("ExternalEntityLink")


def _redirect(console: str, asked: dict[str, str], reference: str) -> str:
    """CodeConnections' link, which leads to wherever the repository is hosted."""
    connection = quote(asked.get("ConnectionArn", ""), safe="")
    return (
        f"{console}/codesuite/settings/connections/redirect?connectionArn={connection}"
        f"&referenceType={reference}"
    )


def _repository(asked: dict[str, str]) -> str:
    return f"FullRepositoryId={quote(asked.get('FullRepositoryId', ''), safe='')}"


def output_variables(action: Declaration, place: Place, commit: Commit) -> dict[str, str]:
    """The variables a source action puts out, named per provider as AWS documents them."""
    configuration = action.get("configuration", {})
    date = datetime.fromtimestamp(commit.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shared = {
        "CommitId": commit.sha,
        "CommitMessage": commit.message,
        "AuthorDate": date,
        "BranchName": commit.branch,
    }
    match action["actionTypeId"]["provider"]:
        case "CodeStarSourceConnection":
            return {
                **shared,
                "AuthorDisplayName": commit.author,
                "AuthorEmail": f"{commit.author}@example.com",
                "AuthorId": commit.author,
                "FullRepositoryName": configuration.get("FullRepositoryId", ""),
                "ProviderType": "GitHub",
                "ConnectionArn": configuration.get("ConnectionArn", ""),
            }
        case "GitHub":
            return {**shared, "CommitterDate": date, "CommitUrl": url(action, place, commit)}
        case "CodeCommit":
            return {
                **shared,
                "CommitterDate": date,
                "RepositoryName": configuration.get("RepositoryName", ""),
            }
        case "S3":
            return {
                "BucketName": configuration.get("S3Bucket", ""),
                "ObjectKey": configuration.get("S3ObjectKey", ""),
                "VersionId": commit.sha,
                "ETag": commit.sha[:32],
            }
    return {}
