"""What projects and builds name elsewhere: role, key, log group; a build its project; no Django."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.mirror.ask import LinkTo


def by_project(answer: Mapping[str, Any]) -> tuple[LinkTo, ...]:
    """Return what a project of BatchGetProjects names."""
    group = ((answer.get("logsConfig") or {}).get("cloudWatchLogs") or {}).get("groupName")
    # Where none is configured, CodeBuild logs to a group named after the project.
    return tuple(_named(answer, group or f"/aws/codebuild/{answer['name']}"))


def by_build(answer: Mapping[str, Any], project: str) -> tuple[LinkTo, ...]:
    """Return what a build of BatchGetBuilds names; AWS gives its project's name, not its ARN."""
    links = list(_named(answer, (answer.get("logs") or {}).get("groupName")))
    place, found, _ = str(answer.get("arn", "")).partition(":build/")
    if found:
        links.append(LinkTo("belongs to", "codebuild.project", f"{place}:project/{project}"))
    return tuple(links)


def _named(answer: Mapping[str, Any], group: str | None) -> Iterator[LinkTo]:
    role, key = answer.get("serviceRole") or "", answer.get("encryptionKey") or ""
    if role:
        yield LinkTo("assumes", "iam.role", role)
    if key.startswith("arn:"):
        yield LinkTo("encrypts with", "kms.key", key)
    parts = str(answer.get("arn", "")).split(":")
    if group and len(parts) > 5:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
        place = ":".join((parts[0], parts[1], "logs", parts[3], parts[4]))
        yield LinkTo("logs to", "cloudwatch.loggroup", f"{place}:log-group:{group}")
