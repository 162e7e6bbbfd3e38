"""Reads single answers of CodeDeploy into records; what may be a secret is dropped here.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_Types.html
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from apps.aws.calls import Reach
from apps.aws.wire import plain, snake
from apps.mirror.ask import UNREAD
from apps.mirror.masking import masked
from apps.mirror.state import State

from . import masking, named, words
from .records import (
    ApplicationRecord,
    DeploymentConfigRecord,
    DeploymentGroupRecord,
    DeploymentRecord,
)

STATES = {
    "Created": State.MOVING,
    "Queued": State.MOVING,
    "InProgress": State.MOVING,
    "Baking": State.MOVING,
    "Ready": State.MOVING,
    "Succeeded": State.DONE,
    "Failed": State.FAILED,
    "Stopped": State.STOPPED,
}


def state_of(answer: Mapping[str, Any]) -> str:
    """Return our state of a deployment; a status we have not heard of is unknown.

    One that an alarm has stopped went wrong, whatever AWS calls it; one that is ready waits for a
    person where nothing goes on by itself.
    """
    status = answer.get("status") or ""
    if (
        status == "Stopped"
        and (answer.get("errorInformation") or {}).get("code") == words.ALARM_ACTIVE
    ):
        return State.FAILED.value
    if status == "Ready":
        blue_green = answer.get("blueGreenDeploymentConfiguration") or {}
        ready = blue_green.get("deploymentReadyOption") or {}
        if ready.get("actionOnTimeout") == "STOP_DEPLOYMENT":
            return State.WAITING.value
    return STATES.get(status, State.UNKNOWN).value


def application_record(
    reach: Reach, name: str, answer: Mapping[str, Any] | None = None
) -> ApplicationRecord:
    """Return an application by its name, with what BatchGetApplications told of it."""
    arn = reach.arn("codedeploy", f"application:{name}")
    if answer is None:
        return ApplicationRecord(key=name, arn=arn)
    return ApplicationRecord(
        key=name,
        arn=arn,
        application_id=answer.get("applicationId") or "",
        compute_platform=answer.get("computePlatform") or "",
        linked_to_github=bool(answer.get("linkedToGitHub")),
        github_account=answer.get("gitHubAccountName") or "",
        create_time=answer.get("createTime"),
    )


def group_record(
    reach: Reach, application: str, name: str, answer: Mapping[str, Any] | None = None
) -> DeploymentGroupRecord:
    """Return a group by its names, with what BatchGetDeploymentGroups told of it."""
    key = f"{application}/{name}"
    arn = reach.arn("codedeploy", f"deploymentgroup:{key}")
    if answer is None:
        return DeploymentGroupRecord(key=key, parent=application, arn=arn, name=name)
    style = answer.get("deploymentStyle") or {}
    return DeploymentGroupRecord(
        key=key,
        parent=application,
        arn=arn,
        name=name,
        group_id=answer.get("deploymentGroupId") or "",
        config_name=answer.get("deploymentConfigName") or "",
        compute_platform=answer.get("computePlatform") or "",
        service_role=answer.get("serviceRoleArn") or "",
        deployment_type=style.get("deploymentType") or "",
        deployment_option=style.get("deploymentOption") or "",
        ec2_tag_set=_tag_set(
            (answer.get("ec2TagSet") or {}).get("ec2TagSetList"), answer.get("ec2TagFilters")
        ),
        on_premises_tag_set=_tag_set(
            (answer.get("onPremisesTagSet") or {}).get("onPremisesTagSetList"),
            answer.get("onPremisesInstanceTagFilters"),
        ),
        auto_scaling_groups=[
            {
                "name": group.get("name") or "",
                "hook": group.get("hook") or "",
                "termination_hook": group.get("terminationHook") or "",
            }
            for group in answer.get("autoScalingGroups") or ()
        ],
        load_balancer_info=snake(answer.get("loadBalancerInfo") or {}),
        blue_green=snake(answer.get("blueGreenDeploymentConfiguration") or {}),
        alarm_configuration=alarms(answer.get("alarmConfiguration")),
        auto_rollback=snake(answer.get("autoRollbackConfiguration") or {}),
        triggers=[
            {
                "name": trigger.get("triggerName") or "",
                "target_arn": trigger.get("triggerTargetArn") or "",
                "events": list(trigger.get("triggerEvents") or ()),
            }
            for trigger in answer.get("triggerConfigurations") or ()
        ],
        ecs_services=[
            {"service": one.get("serviceName") or "", "cluster": one.get("clusterName") or ""}
            for one in answer.get("ecsServices") or ()
        ],
        outdated_instances_strategy=answer.get("outdatedInstancesStrategy") or "",
        termination_hook_enabled=bool(answer.get("terminationHookEnabled")),
        ec2_deployment_options=snake(answer.get("ec2DeploymentOptions") or {}),
        target_revision=revision(answer.get("targetRevision")),
        last_attempted=_last(answer.get("lastAttemptedDeployment")),
        last_successful=_last(answer.get("lastSuccessfulDeployment")),
        links=named.by_group(reach, answer),
    )


def config_record(
    reach: Reach, name: str, answer: Mapping[str, Any] | None = None, *, known: bool = False
) -> DeploymentConfigRecord:
    """Return a configuration by its name, with what GetDeploymentConfig told of it.

    known  it was read before: without an answer its columns are left alone.
    """
    arn = reach.arn("codedeploy", f"deploymentconfig:{name}")
    predefined = name.startswith(words.PREDEFINED)
    if answer is None and not predefined:
        return DeploymentConfigRecord(key=name, arn=arn, predefined=False)
    shift = words.predefined_shift(name)
    if answer is None and known:
        return DeploymentConfigRecord(key=name, arn=arn, predefined=True)
    if answer is None:
        platform, way, percent, minutes = shift or ("Server", "", None, None)
        return DeploymentConfigRecord(
            key=name,
            arn=arn,
            predefined=True,
            compute_platform=platform,
            traffic_type=way,
            traffic_percentage=percent,
            traffic_interval=minutes,
        )
    healthy = answer.get("minimumHealthyHosts") or {}
    routing = answer.get("trafficRoutingConfig") or {}
    canary, linear = routing.get("timeBasedCanary") or {}, routing.get("timeBasedLinear") or {}
    return DeploymentConfigRecord(
        key=name,
        arn=arn,
        predefined=predefined,
        config_id=answer.get("deploymentConfigId") or "",
        compute_platform=answer.get("computePlatform") or "",
        minimum_healthy_type=healthy.get("type") or "",
        minimum_healthy_value=healthy.get("value"),
        traffic_type=routing.get("type") or "",
        traffic_percentage=canary.get("canaryPercentage", linear.get("linearPercentage")),
        traffic_interval=canary.get("canaryInterval", linear.get("linearInterval")),
        zonal_config=snake(answer.get("zonalConfig") or {}),
        create_time=answer.get("createTime"),
    )


def deployment_record(reach: Reach, answer: Mapping[str, Any]) -> DeploymentRecord:
    """Return a deployment of BatchGetDeployments."""
    application = answer.get("applicationName") or ""
    group = answer.get("deploymentGroupName") or ""
    error, back = answer.get("errorInformation") or {}, answer.get("rollbackInfo") or {}
    style, counts = answer.get("deploymentStyle") or {}, answer.get("deploymentOverview") or {}
    created, completed = answer.get("createTime"), answer.get("completeTime")
    started = answer.get("startTime")
    what = revision(answer.get("revision"))
    content = appspec(answer.get("revision"))
    return DeploymentRecord(
        key=answer["deploymentId"],
        parent=f"{application}/{group}" if group else UNREAD,
        # AWS has no ARN for a deployment; its id is what actions and events name.
        arn=answer["deploymentId"],
        status=answer.get("status") or "",
        state=state_of(answer),
        application_name=application,
        group_name=group,
        config_name=answer.get("deploymentConfigName") or "",
        compute_platform=answer.get("computePlatform") or "",
        description=masked(answer.get("description") or ""),
        creator=answer.get("creator") or "",
        created_at=created or started or completed,
        started_at=started,
        completed_at=completed,
        seconds=seconds(started or created, completed),
        revision=what,
        revision_id=_revision_id(what)[:255],
        previous_revision=revision(answer.get("previousRevision")),
        appspec=content or UNREAD,
        appspec_sha256=str(what.get("sha256", "")) if content else UNREAD,
        pending=_count(counts, "Pending"),
        in_progress=_count(counts, "InProgress"),
        succeeded=_count(counts, "Succeeded"),
        failed=_count(counts, "Failed"),
        skipped=_count(counts, "Skipped"),
        ready=_count(counts, "Ready"),
        error_code=error.get("code") or "",
        error_message=masked(error.get("message") or ""),
        rollback_deployment_id=back.get("rollbackDeploymentId") or "",
        rollback_triggering_deployment_id=back.get("rollbackTriggeringDeploymentId") or "",
        rollback_message=masked(back.get("rollbackMessage") or ""),
        ignore_application_stop_failures=bool(answer.get("ignoreApplicationStopFailures")),
        update_outdated_instances_only=bool(answer.get("updateOutdatedInstancesOnly")),
        file_exists_behavior=answer.get("fileExistsBehavior") or "",
        deployment_mode=answer.get("deploymentMode") or "",
        deployment_type=style.get("deploymentType") or "",
        deployment_option=style.get("deploymentOption") or "",
        auto_rollback=snake(answer.get("autoRollbackConfiguration") or {}),
        target_instances=_target_instances(answer.get("targetInstances") or {}),
        blue_green=snake(answer.get("blueGreenDeploymentConfiguration") or {}),
        instance_termination_wait_started=bool(answer.get("instanceTerminationWaitTimeStarted")),
        load_balancer_info=snake(answer.get("loadBalancerInfo") or {}),
        override_alarms=alarms(answer.get("overrideAlarmConfiguration")),
        ec2_deployment_options=snake(answer.get("ec2DeploymentOptions") or {}),
        related_deployments=snake(answer.get("relatedDeployments") or {}),
        additional_status=masked(answer.get("additionalDeploymentStatusInfo") or ""),
        status_messages=[masked(said) for said in answer.get("deploymentStatusMessages") or ()],
        external_id=answer.get("externalId") or "",
        links=named.by_deployment(reach, answer),
    )


def revision(told: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a revision's place, or the hash of its content."""
    told = told or {}
    kind = told.get("revisionType") or ""
    found: dict[str, Any] = {"type": kind} if kind else {}
    if s3 := told.get("s3Location"):
        found |= {
            "bucket": s3.get("bucket") or "",
            "key": s3.get("key") or "",
            "bundle_type": s3.get("bundleType") or "",
            "version": s3.get("version") or "",
            "etag": s3.get("eTag") or "",
        }
    if github := told.get("gitHubLocation"):
        found |= {
            "repository": github.get("repository") or "",
            "commit_id": github.get("commitId") or "",
        }
    if content := told.get("appSpecContent") or told.get("string"):
        found["sha256"] = content.get("sha256") or ""
    return found


def appspec(told: Mapping[str, Any] | None) -> str:
    """Return the content of a revision's AppSpec, what may be a secret masked; "" for none."""
    held = (told or {}).get("appSpecContent") or (told or {}).get("string") or {}
    return masking.text(held.get("content") or "")


def _revision_id(told: Mapping[str, Any]) -> str:
    names = ("commit_id", "version", "etag", "sha256")
    return next((str(told[name]) for name in names if told.get(name)), "")


def alarms(told: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an alarm configuration with its alarms' names alone."""
    if not told:
        return {}
    return {
        "enabled": bool(told.get("enabled")),
        "ignore_poll_alarm_failure": bool(told.get("ignorePollAlarmFailure")),
        "alarms": [alarm.get("name") or "" for alarm in told.get("alarms") or ()],
    }


def seconds(started: datetime | None, ended: datetime | None) -> int | None:
    """Return how long something took, None where it has not begun or not ended."""
    if started is None or ended is None:
        return None
    return max(0, round((ended - started).total_seconds()))


def _count(counts: Mapping[str, Any], name: str) -> int:
    return max(0, int(counts.get(name) or 0))


def _last(told: Mapping[str, Any] | None) -> dict[str, Any]:
    if not told:
        return {}
    return {
        "deployment_id": told.get("deploymentId") or "",
        "status": told.get("status") or "",
        "create_time": plain(told.get("createTime")),
        "end_time": plain(told.get("endTime")),
    }


def _target_instances(told: Mapping[str, Any]) -> dict[str, Any]:
    if not told:
        return {}
    tags = _tag_set((told.get("ec2TagSet") or {}).get("ec2TagSetList"), told.get("tagFilters"))
    return {"tag_set": tags, "auto_scaling_groups": list(told.get("autoScalingGroups") or ())}


def _tag_set(
    sets: Iterable[Iterable[Mapping[str, Any]]] | None,
    filters: Iterable[Mapping[str, Any]] | None,
) -> list[list[dict[str, str]]]:
    """Return a tag set; plain filters are a set of one list."""
    found = [[_tag(one) for one in group] for group in sets or ()]
    plain_filters = [_tag(one) for one in filters or ()]
    if not found and plain_filters:
        found = [plain_filters]
    return found


def _tag(told: Mapping[str, Any]) -> dict[str, str]:
    return {
        "key": told.get("Key") or "",
        "value": told.get("Value") or "",
        "type": told.get("Type") or "",
    }
