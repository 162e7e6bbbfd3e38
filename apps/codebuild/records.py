"""CodeBuild's answers as frozen records in the columns' words, without what may be secret.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Project.html
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.aws.masking import tags_of, without_login
from apps.aws.wire import plain, snake
from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State

from . import masking, named

STATES = {
    "SUCCEEDED": State.DONE,
    "IN_PROGRESS": State.MOVING,
    "FAILED": State.FAILED,
    "FAULT": State.FAILED,
    "TIMED_OUT": State.FAILED,
    "STOPPED": State.STOPPED,
}
JSON = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectRecord:
    """A project as BatchGetProjects gives it."""

    key: str
    arn: str | Unread = UNREAD
    description: str | Unread = UNREAD
    source_type: str | Unread = UNREAD
    source_location: str | Unread = UNREAD
    source_version: str | Unread = UNREAD
    buildspec: str | Unread = UNREAD
    source: JSON = UNREAD
    secondary_sources: JSON = UNREAD
    image: str | Unread = UNREAD
    environment_type: str | Unread = UNREAD
    compute_type: str | Unread = UNREAD
    privileged_mode: bool | Unread = UNREAD
    environment: JSON = UNREAD
    environment_variables: JSON = UNREAD
    artifacts: JSON = UNREAD
    secondary_artifacts: JSON = UNREAD
    cache: JSON = UNREAD
    vpc_config: JSON = UNREAD
    file_system_locations: JSON = UNREAD
    service_role: str | Unread = UNREAD
    encryption_key: str | Unread = UNREAD
    timeout_in_minutes: int | Unread | None = UNREAD
    queued_timeout_in_minutes: int | Unread | None = UNREAD
    concurrent_build_limit: int | Unread | None = UNREAD
    auto_retry_limit: int | Unread | None = UNREAD
    logs_config: JSON = UNREAD
    build_batch_config: JSON = UNREAD
    webhook: JSON = UNREAD
    badge_enabled: bool | Unread = UNREAD
    project_visibility: str | Unread = UNREAD
    tags: JSON = UNREAD
    created: datetime | Unread | None = UNREAD
    last_modified: datetime | Unread | None = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRecord:
    """A build as BatchGetBuilds gives it; reports and the excerpt are read apart from it."""

    key: str
    parent: str | Unread = UNREAD
    arn: str | Unread = UNREAD
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    project_name: str | Unread = UNREAD
    build_number: int | Unread | None = UNREAD
    current_phase: str | Unread = UNREAD
    build_complete: bool | Unread = UNREAD
    started_at: datetime | Unread | None = UNREAD
    ended_at: datetime | Unread | None = UNREAD
    queued_seconds: int | Unread | None = UNREAD
    seconds: int | Unread | None = UNREAD
    initiator: str | Unread = UNREAD
    source_type: str | Unread = UNREAD
    source_location: str | Unread = UNREAD
    source_version: str | Unread = UNREAD
    resolved_source_version: str | Unread = UNREAD
    buildspec: str | Unread = UNREAD
    secondary_sources: JSON = UNREAD
    phases: JSON = UNREAD
    image: str | Unread = UNREAD
    environment_type: str | Unread = UNREAD
    compute_type: str | Unread = UNREAD
    privileged_mode: bool | Unread = UNREAD
    environment: JSON = UNREAD
    environment_variables: JSON = UNREAD
    artifacts: JSON = UNREAD
    secondary_artifacts: JSON = UNREAD
    cache: JSON = UNREAD
    vpc_config: JSON = UNREAD
    network_interface: JSON = UNREAD
    file_system_locations: JSON = UNREAD
    service_role: str | Unread = UNREAD
    encryption_key: str | Unread = UNREAD
    timeout_in_minutes: int | Unread | None = UNREAD
    queued_timeout_in_minutes: int | Unread | None = UNREAD
    logs: JSON = UNREAD
    exported_variables: JSON = UNREAD
    report_arns: JSON = UNREAD
    reports: JSON = UNREAD
    build_batch_arn: str | Unread = UNREAD
    auto_retry: JSON = UNREAD
    failing_phase: str | Unread = UNREAD
    failing_message: str | Unread = UNREAD
    excerpt: str | Unread = UNREAD
    excerpt_line: int | Unread | None = UNREAD
    excerpt_mark: int | Unread | None = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


def state_of(status: str) -> str:
    """Return our state for a build's or a phase's status; "" stays ""."""
    return STATES.get(status, State.UNKNOWN).value if status else ""


def project_record(answer: Mapping[str, Any]) -> ProjectRecord:
    """Read one project of BatchGetProjects."""
    source = answer.get("source") or {}
    environment = answer.get("environment") or {}
    versions = answer.get("secondarySourceVersions") or ()
    return ProjectRecord(
        key=answer["name"],
        arn=answer.get("arn", ""),
        description=answer.get("description") or "",
        source_type=source.get("type", ""),
        source_location=without_login(source.get("location") or ""),
        source_version=answer.get("sourceVersion") or "",
        buildspec=masking.buildspec(source.get("buildspec") or ""),
        source=_source_details(source),
        secondary_sources=_secondary_sources(answer.get("secondarySources"), versions),
        image=environment.get("image", ""),
        environment_type=environment.get("type", ""),
        compute_type=environment.get("computeType", ""),
        privileged_mode=bool(environment.get("privilegedMode")),
        environment=_environment_details(environment),
        environment_variables=_variables(environment.get("environmentVariables")),
        artifacts=snake(answer.get("artifacts") or {}),
        secondary_artifacts=snake(answer.get("secondaryArtifacts") or []),
        cache=snake(answer.get("cache") or {}),
        vpc_config=snake(answer.get("vpcConfig") or {}),
        file_system_locations=snake(answer.get("fileSystemLocations") or []),
        service_role=answer.get("serviceRole") or "",
        encryption_key=answer.get("encryptionKey") or "",
        timeout_in_minutes=answer.get("timeoutInMinutes"),
        queued_timeout_in_minutes=answer.get("queuedTimeoutInMinutes"),
        concurrent_build_limit=answer.get("concurrentBuildLimit"),
        auto_retry_limit=answer.get("autoRetryLimit"),
        logs_config=snake(answer.get("logsConfig") or {}),
        build_batch_config=snake(answer.get("buildBatchConfig") or {}),
        webhook=_webhook(answer.get("webhook") or {}),
        badge_enabled=bool((answer.get("badge") or {}).get("badgeEnabled")),
        project_visibility=answer.get("projectVisibility") or "",
        tags=tags_of(answer.get("tags")),
        created=answer.get("created"),
        last_modified=answer.get("lastModified"),
        links=named.by_project(answer),
    )


def build_record(answer: Mapping[str, Any]) -> BuildRecord:
    """Read one build of BatchGetBuilds."""
    source = answer.get("source") or {}
    environment = answer.get("environment") or {}
    status = answer.get("buildStatus") or ""
    name = answer.get("projectName") or answer["id"].partition(":")[0]
    values = masking.secret_values(environment.get("environmentVariables") or ())
    phases = [_phase(phase, values) for phase in answer.get("phases") or ()]
    failing = _failing(phases) if state_of(status) == State.FAILED else {}
    ended = answer.get("endTime")
    # Lists are sorted by it, so a build that names no start has its first phase's.
    began = (phase.get("startTime") for phase in answer.get("phases") or ())
    started = answer.get("startTime") or next(filter(None, began), ended)
    return BuildRecord(
        key=answer["id"],
        parent=name,
        arn=answer.get("arn", ""),
        status=status,
        state=state_of(status) or State.UNKNOWN.value,
        project_name=name,
        build_number=answer.get("buildNumber"),
        current_phase=answer.get("currentPhase") or "",
        build_complete=bool(answer.get("buildComplete")),
        started_at=started,
        ended_at=ended,
        queued_seconds=next((p["seconds"] for p in phases if p["type"] == "QUEUED"), None),
        seconds=_seconds(started, ended),
        initiator=answer.get("initiator") or "",
        source_type=source.get("type", ""),
        source_location=without_login(source.get("location") or ""),
        source_version=answer.get("sourceVersion") or "",
        resolved_source_version=answer.get("resolvedSourceVersion") or "",
        buildspec=masking.buildspec(source.get("buildspec") or ""),
        secondary_sources=_secondary_sources(
            answer.get("secondarySources"), answer.get("secondarySourceVersions") or ()
        ),
        phases=phases,
        image=environment.get("image", ""),
        environment_type=environment.get("type", ""),
        compute_type=environment.get("computeType", ""),
        privileged_mode=bool(environment.get("privilegedMode")),
        environment=_environment_details(environment),
        environment_variables=_variables(environment.get("environmentVariables")),
        artifacts=snake(answer.get("artifacts") or {}),
        secondary_artifacts=snake(answer.get("secondaryArtifacts") or []),
        cache=snake(answer.get("cache") or {}),
        vpc_config=snake(answer.get("vpcConfig") or {}),
        network_interface=snake(answer.get("networkInterface") or {}),
        file_system_locations=snake(answer.get("fileSystemLocations") or []),
        service_role=answer.get("serviceRole") or "",
        encryption_key=answer.get("encryptionKey") or "",
        timeout_in_minutes=answer.get("timeoutInMinutes"),
        queued_timeout_in_minutes=answer.get("queuedTimeoutInMinutes"),
        logs=_logs(answer.get("logs") or {}),
        exported_variables=sorted(
            variable.get("name", "")
            for variable in answer.get("exportedEnvironmentVariables") or ()
        ),
        report_arns=list(answer.get("reportArns") or ()),
        build_batch_arn=answer.get("buildBatchArn") or "",
        auto_retry=snake(answer.get("autoRetryConfig") or {}),
        failing_phase=failing.get("type", ""),
        failing_message=_message(failing),
        links=named.by_build(answer, name),
    )


def _without(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


def _variables(variables: Iterable[Mapping[str, Any]] | None) -> list[dict[str, str]]:
    """Name and kind; where the value is only the place of one (a parameter, a secret), that too."""
    found = []
    for variable in variables or ():
        kind = variable.get("type") or "PLAINTEXT"
        place = "" if kind == "PLAINTEXT" else str(variable.get("value", ""))
        found.append({"name": str(variable.get("name", "")), "type": kind, "reference": place})
    return found


def _source_details(source: Mapping[str, Any]) -> dict[str, Any]:
    """What a source says besides type, place and buildspec; an OAuth token is not kept."""
    details: dict[str, Any] = snake(_without(source, "type", "location", "buildspec", "auth"))
    auth = source.get("auth") or {}
    if auth:
        resource = str(auth.get("resource") or "")
        details["auth"] = {
            "type": auth.get("type", ""),
            "resource": resource if resource.startswith("arn:") else "",
        }
    target = (details.get("build_status_config") or {}).get("target_url")
    if target:
        details["build_status_config"]["target_url"] = without_login(target)
    return details


def _secondary_sources(
    sources: Iterable[Mapping[str, Any]] | None, versions: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    by_identifier = {
        version.get("sourceIdentifier"): version.get("sourceVersion", "") for version in versions
    }
    return [
        {
            **_source_details(source),
            "type": source.get("type", ""),
            "location": without_login(source.get("location") or ""),
            "buildspec": masking.buildspec(source.get("buildspec") or ""),
            "version": by_identifier.get(source.get("sourceIdentifier"), ""),
        }
        for source in sources or ()
    ]


def _environment_details(environment: Mapping[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = snake(
        _without(
            environment, "type", "image", "computeType", "privilegedMode", "environmentVariables"
        )
    )
    return details


def _webhook(webhook: Mapping[str, Any]) -> dict[str, Any]:
    """Without its secret; the payload address carries a token in its query."""
    kept: dict[str, Any] = snake(_without(webhook, "secret"))
    for name in ("url", "payload_url"):
        if kept.get(name):
            kept[name] = without_login(kept[name])
    return kept


def _phase(phase: Mapping[str, Any], values: Iterable[str]) -> dict[str, Any]:
    started, ended = phase.get("startTime"), phase.get("endTime")
    seconds = phase.get("durationInSeconds")
    status = phase.get("phaseStatus") or ""
    state = state_of(status)
    if not state and started and not ended and phase.get("phaseType") != "COMPLETED":
        # AWS leaves the status of the phase that runs empty.
        state = State.MOVING.value
    return {
        "type": phase.get("phaseType", ""),
        "status": status,
        "state": state,
        "start": plain(started),
        "end": plain(ended),
        "seconds": seconds if seconds is not None else _seconds(started, ended),
        "contexts": [
            {
                "code": context.get("statusCode") or "",
                "message": masked(context.get("message") or "", values),
            }
            for context in phase.get("contexts") or ()
            if context.get("statusCode") or context.get("message")
        ],
    }


def _failing(phases: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the first phase that failed: what failed after it (POST_BUILD) is a consequence."""
    return next((phase for phase in phases if phase["state"] == State.FAILED), {})


def _message(phase: Mapping[str, Any]) -> str:
    said = (
        ": ".join(filter(None, (context["code"], context["message"])))
        for context in phase.get("contexts", ())
    )
    return "\n".join(said)


def _seconds(started: datetime | None, ended: datetime | None) -> int | None:
    if started is None or ended is None:
        return None
    return max(0, round((ended - started).total_seconds()))


def _logs(logs: Mapping[str, Any]) -> dict[str, str]:
    """AWS's older answers say "null" where a log has not begun."""
    cloudwatch, s3 = logs.get("cloudWatchLogs") or {}, logs.get("s3Logs") or {}
    begun = bool(logs.get("groupName") and logs.get("streamName"))
    return {
        "group": logs.get("groupName") or cloudwatch.get("groupName") or "",
        "stream": logs.get("streamName") or "",
        "arn": (logs.get("cloudWatchLogsArn") or "") if begun else "",
        "url": (logs.get("deepLink") or "") if begun else "",
        "cloudwatch_status": cloudwatch.get("status") or "",
        "s3_location": s3.get("location") or "",
        "s3_status": s3.get("status") or "",
        "s3_arn": logs.get("s3LogsArn") or "",
        "s3_url": logs.get("s3DeepLink") or "",
    }
