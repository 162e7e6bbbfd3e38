"""CodeBuild's operations on builds."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from apps.sandbox.codebuild import engine, events
from apps.sandbox.codebuild.model import COMMITS, Build, Declaration, Phase, Project, ProjectStore
from apps.sandbox.codebuild.paging import PAGE, invalid_token
from apps.sandbox.control import COUNTERS
from apps.sandbox.operations import (
    TRAITS,
    Answer,
    AwsError,
    Call,
    Params,
    Traits,
    operation,
    paginate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long a token stands for the same request, in virtual seconds.
TOKEN_LASTS = 300.0


def _resources(where: str, members: Params) -> list[str]:
    if "exportConfig" in members and "name" in members:
        return [f"{where}report-group/{members['name']}"]
    for member in ("arn", "reportGroupArn", "reportArn"):
        if member in members:
            return [str(members[member])]
    if arns := members.get("reportGroupArns") or members.get("reportArns"):
        return [str(arn) for arn in arns]
    names = members.get("names") or [members.get("projectName") or members.get("name")]
    ids = members.get("ids") or ([members["id"]] if "id" in members else [])
    if ids:
        names = [str(build).rpartition("build/")[2].partition(":")[0] for build in ids]
    return [f"{where}project/{name or '*'}" for name in names]


TRAITS["codebuild"] = Traits(bad_page="InvalidInputException", resources=_resources)
COUNTERS["projects"] = lambda place: len(place.of(ProjectStore).projects)
COUNTERS["builds"] = lambda place: len(place.of(ProjectStore).builds)

#: StartBuild's overrides → where they go in the project's declaration.
_OVERRIDES = {
    "buildspecOverride": ("source", "buildspec"),
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
    "environmentTypeOverride": ("environment", "type"),
    "privilegedModeOverride": ("environment", "privilegedMode"),
    "timeoutInMinutesOverride": ("timeoutInMinutes",),
    "queuedTimeoutInMinutesOverride": ("queuedTimeoutInMinutes",),
    "serviceRoleOverride": ("serviceRole",),
    "encryptionKeyOverride": ("encryptionKey",),
    "logsConfigOverride": ("logsConfig",),
    "cacheOverride": ("cache",),
    "artifactsOverride": ("artifacts",),
}


def find_project(call: Call, name: str) -> Project:
    """The project, or AWS's ResourceNotFoundException."""
    project = call.place.of(ProjectStore).projects.get(name.rpartition("project/")[2] or name)
    if project is None:
        arn = call.place.arn("codebuild", f"project/{name}")
        raise AwsError("ResourceNotFoundException", f"Project cannot be found: {arn}")
    return project


def _find_build(call: Call, name: str) -> Build:
    build = call.place.of(ProjectStore).builds.get(name.rpartition("build/")[2] or name)
    if build is None:
        raise AwsError("ResourceNotFoundException", f"Build cannot be found: {name}")
    return build


@operation("codebuild", "ListBuilds")
def list_builds(call: Call, params: Params) -> Answer:
    """All build ids of the place, newest first unless ASCENDING, 100 a page."""
    return _ids(call, call.place.of(ProjectStore).newest_first, params, "")


@operation("codebuild", "ListBuildsForProject")
def list_builds_for_project(call: Call, params: Params) -> Answer:
    """A project's build ids, newest first unless ASCENDING, 100 a page."""
    project = find_project(call, params["projectName"])
    return _ids(call, project.builds, params, project.name)


def _ids(call: Call, builds: list[Build], params: Params, scope: str) -> Answer:
    ascending = params.get("sortOrder") == "ASCENDING"
    page, token = paginate(
        call,
        builds[::-1] if ascending else builds,
        lambda build: build.id,
        size=PAGE,
        token=params.get("nextToken"),
        error=invalid_token,
        scope=f"{scope}/{ascending}",
    )
    return {"ids": [build.id for build in page], "nextToken": token}


@operation("codebuild", "BatchGetBuilds")
def batch_get_builds(call: Call, params: Params) -> Answer:
    """Up to 100 builds by id or ARN, in the order asked for; the unknown ones are named apart."""
    store, now = call.place.of(ProjectStore), call.world.now()
    found: list[Answer] = []
    missing: list[str] = []
    for name in params["ids"]:
        build = store.builds.get(name.rpartition("build/")[2] or name)
        if build is None:
            missing.append(name)
        else:
            found.append(describe(build, now))
    return {"builds": found, "buildsNotFound": missing}


@operation("codebuild", "StartBuild")
def start_build(call: Call, params: Params) -> Answer:
    """Start a build by hand; overrides shape this build only."""
    project = find_project(call, params["projectName"])
    definition = _overridden(project.definition, params)
    version = params.get("sourceVersion") or definition.get("sourceVersion")
    order = engine.Order(
        initiator=_initiator(call),
        source_version=version,
        resolved_source_version=_resolved(call, definition["source"], version),
        definition=definition,
    )
    build = _once(call, params, lambda: engine.start(project, order))
    return {"build": describe(build, call.world.now())}


def _resolved(call: Call, source: Declaration, version: str | None) -> str | None:
    """The commit that is built, where its host is simulated, too; else what was asked for."""
    commit_of = COMMITS.get(str(source.get("type")))
    if commit_of is None:
        return version
    return commit_of(call.place, str(source.get("location", "")), version) or version


def _once(call: Call, params: Params, begin: Callable[[], Build]) -> Build:
    """The build that this request began, or begins: one for each token, as long as that lasts."""
    token = params.get("idempotencyToken")
    if token is None:
        return begin()
    known, now = call.place.of(ProjectStore).tokens, call.world.now()
    for old in [one for one, (_, at, _) in known.items() if now - at >= TOKEN_LASTS]:
        del known[old]
    if (call.operation, token) in known:
        asked, _, build = known[call.operation, token]
        if asked != params:
            raise AwsError(
                "InvalidInputException",
                "Invalid input: the idempotencyToken was used with other parameters",
            )
        return build
    build = begin()
    known[call.operation, token] = (dict(params), now, build)
    return build


@operation("codebuild", "RetryBuild")
def retry_build(call: Call, params: Params) -> Answer:
    """Run an ended build again with the same declaration and source."""
    if "id" not in params:
        raise AwsError("InvalidInputException", "Build ID is required")
    old = _find_build(call, params["id"])
    if old.initiator.startswith("codepipeline/"):
        raise AwsError(
            "InvalidInputException", "Build can't be retried: it was started by CodePipeline"
        )
    if old.running:
        raise AwsError("InvalidInputException", f"Build {old.id} is still in progress")
    order = engine.Order(
        initiator=_initiator(call),
        source_version=old.source_version,
        resolved_source_version=old.resolved_source_version,
        definition=old.definition,
    )
    build = _once(call, params, lambda: engine.start(old.project, order))
    return {"build": describe(build, call.world.now())}


@operation("codebuild", "StopBuild")
def stop_build(call: Call, params: Params) -> Answer:
    """Stop a build; one that has ended stays as it is."""
    build = _find_build(call, params["id"])
    engine.stop(build)
    return {"build": describe(build, call.world.now())}


def _initiator(call: Call) -> str:
    return call.caller.arn.rpartition("/")[2]


def _overridden(definition: Declaration, params: Params) -> Declaration:
    if not any(name in params for name in (*_OVERRIDES, "environmentVariablesOverride")):
        return definition
    changed: dict[str, Any] = copy.deepcopy(definition)
    for name, path in _OVERRIDES.items():
        if name in params:
            target = changed
            for step in path[:-1]:
                target = target.setdefault(step, {})
            target[path[-1]] = params[name]
    variables = {v["name"]: v for v in changed["environment"].get("environmentVariables", [])}
    variables.update(
        {
            v["name"]: {"type": "PLAINTEXT", **v}
            for v in params.get("environmentVariablesOverride", [])
        }
    )
    changed["environment"]["environmentVariables"] = list(variables.values())
    return changed


def describe(build: Build, now: float) -> Answer:
    """A build as BatchGetBuilds shows it at ``now``."""
    definition = build.definition
    current = build.phase_at(now) if build.running else build.plan[-1]
    answer: Answer = {
        "id": build.id,
        "arn": build.arn,
        "buildNumber": build.number,
        "startTime": build.started,
        "endTime": build.ended,
        "currentPhase": current.type,
        "buildStatus": build.status,
        "sourceVersion": build.source_version,
        "resolvedSourceVersion": build.resolved_source_version
        if current.type not in ("SUBMITTED", "QUEUED")
        else None,
        "projectName": build.project.name,
        "phases": [
            _phase(phase, now) for phase in build.plan if phase.start <= now or not build.running
        ],
        "source": definition["source"],
        "secondarySources": definition.get("secondarySources", []),
        "secondarySourceVersions": definition.get("secondarySourceVersions", []),
        "artifacts": _artifacts(build),
        "secondaryArtifacts": [],
        "cache": definition.get("cache", {"type": "NO_CACHE"}),
        "environment": definition["environment"],
        "serviceRole": definition["serviceRole"],
        "logs": _logs(build, now),
        "timeoutInMinutes": definition.get("timeoutInMinutes", 60),
        "queuedTimeoutInMinutes": definition.get("queuedTimeoutInMinutes", 480),
        "buildComplete": not build.running,
        "initiator": build.initiator,
        "encryptionKey": definition.get(
            "encryptionKey", f"arn:aws:kms:{build.place.region}:{build.place.account}:alias/aws/s3"
        ),
        "vpcConfig": definition.get("vpcConfig"),
        "exportedEnvironmentVariables": [
            {"name": k, "value": v} for k, v in build.exported.items()
        ],
        "reportArns": build.reports,
    }
    return answer


def _phase(phase: Phase, now: float) -> Answer:
    shown: Answer = {"phaseType": phase.type, "startTime": phase.start}
    if phase.type == "COMPLETED" or phase.end > now:
        return shown
    return {
        **shown,
        "phaseStatus": phase.status,
        "endTime": phase.end,
        "durationInSeconds": round(phase.end - phase.start),
        "contexts": [{"statusCode": phase.code, "message": phase.message}],
    }


def _artifacts(build: Build) -> Answer:
    location = events.artifact_location(build)
    return {"location": location, "encryptionDisabled": False} if location else {"location": ""}


def _logs(build: Build, now: float) -> Answer:
    cloudwatch, s3 = build.logs_config("cloudWatchLogs"), build.logs_config("s3Logs")
    region = build.place.region
    provisioned = next((phase.end for phase in build.plan if phase.type == "PROVISIONING"), None)
    answer: Answer = {"cloudWatchLogs": cloudwatch, "s3Logs": s3}
    console = f"https://console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups/log-group/"
    started = provisioned is not None and provisioned <= now
    if build.logs_to_cloudwatch():
        group, stream = build.log_group, build.log_stream
        if started:
            answer["groupName"], answer["streamName"] = group, stream
        else:
            group = stream = "null"  # what AWS shows until the container runs
        answer["deepLink"] = (
            f"{console}{group.replace('/', '$252F')}/log-events/{stream.replace('/', '$252F')}"
        )
        answer["cloudWatchLogsArn"] = build.place.arn(
            "logs", f"log-group:{group}:log-stream:{stream}"
        )
    if s3["status"] == "ENABLED":
        bucket, _, prefix = str(s3.get("location", "")).partition("/")
        key = "/".join(part for part in (prefix, build.id.rpartition(":")[2] + ".gz") if part)
        answer["s3LogsArn"] = f"arn:aws:s3:::{bucket}/{key}"
        answer["s3DeepLink"] = (
            f"https://s3.console.aws.amazon.com/s3/object/{bucket}/{key}?region={region}"
        )
    return answer
