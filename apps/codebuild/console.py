"""Addresses of CodeBuild's pages in AWS's console; pure functions."""

from apps.aws.console import console, part


def project_url(region: str, account: str, project: str) -> str:
    """A build project's history."""
    return console(
        region,
        f"codesuite/codebuild/{part(account)}/projects/{part(project)}/history"
        f"?region={part(region)}",
    )


def build_url(region: str, account: str, build_id: str) -> str:
    """A build's page; `build_id` is AWS's "<project>:<uuid>"."""
    project = build_id.partition(":")[0]
    return console(
        region,
        f"codesuite/codebuild/{part(account)}/projects/{part(project)}/build/{part(build_id)}"
        f"/?region={part(region)}",
    )
