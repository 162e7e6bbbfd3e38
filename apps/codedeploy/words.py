"""Says in words what CodeDeploy writes as codes: configurations, styles, revisions, creators.

Pure functions; nothing here knows Django or AWS's client.
"""

import re
from collections.abc import Mapping
from typing import Any

# https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
PREDEFINED = "CodeDeployDefault."
BY_NAME = {
    "AllAtOnce": "all instances at once",
    "HalfAtATime": "half of the instances at a time",
    "OneAtATime": "one instance at a time",
}
SHIFTS = re.compile(
    r"^(?P<platform>Lambda|ECS)(?:(?P<all>AllAtOnce)"
    r"|(?P<way>Canary|Linear)(?P<percent>\d+)Percent(?:Every)?(?P<minutes>\d+)Minutes?)$"
)
STYLES = {"IN_PLACE": "in place", "BLUE_GREEN": "blue/green"}
OPTIONS = {"WITH_TRAFFIC_CONTROL": "behind a load balancer", "WITHOUT_TRAFFIC_CONTROL": ""}
# https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentInfo.html
ANYBODY = "user"
CREATORS = {
    ANYBODY: "a person or a pipeline",
    "autoscaling": "Auto Scaling, for a new instance",
    "autoscalingTermination": "Auto Scaling, for an instance that ends",
    "codeDeployRollback": "CodeDeploy, to roll back",
    "CodeDeploy": "CodeDeploy",
    "CodeDeployAutoUpdate": "CodeDeploy, to update outdated instances",
    "CloudFormation": "CloudFormation",
    "CloudFormationRollback": "CloudFormation, to roll back",
}
ROLLBACKS = {
    "DEPLOYMENT_FAILURE": "a deployment fails",
    "DEPLOYMENT_STOP_ON_ALARM": "an alarm goes off",
    "DEPLOYMENT_STOP_ON_REQUEST": "somebody stops it",
}
# https://docs.github.com/en/rest/repos/repos: a name is no "." and no "..".
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[\w.-]{1,100}", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{7,64}")

# How AWS calls it that an alarm stopped a deployment; each stands in angle brackets.
ALARM_ACTIVE = "ALARM_ACTIVE"
ACTIVATED = re.compile(r"Activated alarms: *(?P<names>(?:<[^>]*>[ ,]*)+)")
ALARM = re.compile(r"<([^>]+)>")


def activated(message: str) -> list[str]:
    """Return the alarms that AWS's sentence says have stopped a deployment."""
    found = ACTIVATED.search(message)
    return ALARM.findall(found["names"]) if found else []


def predefined_shift(name: str) -> tuple[str, str, int | None, int | None] | None:
    """Return (platform, traffic type, percentage, minutes) of a name AWS predefines, else None."""
    found = SHIFTS.match(name.removeprefix(PREDEFINED)) if name.startswith(PREDEFINED) else None
    if found is None:
        return None
    if found["all"]:
        return found["platform"], "AllAtOnce", None, None
    way = f"TimeBased{found['way']}"
    return found["platform"], way, int(found["percent"]), int(found["minutes"])


def configuration(
    name: str,
    *,
    minimum: tuple[str, int | None] = ("", None),
    traffic: tuple[str, int | None, int | None] = ("", None, None),
    zones: Mapping[str, Any] | None = None,
) -> str:
    """Say what a configuration does.

    minimum  (HOST_COUNT or FLEET_PERCENT, value).
    traffic  (TimeBasedCanary, TimeBasedLinear or AllAtOnce, percentage, minutes).
    zones    see models.DeploymentConfig.
    """
    shift = predefined_shift(name)
    if shift is not None:
        traffic = shift[1:]
    if traffic[0] and (traffic[0] != "AllAtOnce" or not minimum[0]):
        return _traffic(*traffic)
    if name.startswith(PREDEFINED):
        told = BY_NAME.get(name.removeprefix(PREDEFINED), "")
        if told:
            return told
    return "; ".join(filter(None, (_minimum(*minimum), _zones(zones or {}))))


def _traffic(way: str, percent: int | None, minutes: int | None) -> str:
    if way == "TimeBasedCanary":
        return f"{percent} percent for {_minutes(minutes)}, then the rest"
    if way == "TimeBasedLinear":
        return f"{percent} percent more every {_minutes(minutes, every=True)}"
    return "all traffic at once" if way == "AllAtOnce" else way


def _minimum(kind: str, value: int | None) -> str:
    if not kind or value is None:
        return ""
    if value == 0:
        return "all instances at once"
    if kind == "HOST_COUNT":
        return f"at least {value} {'instance stays' if value == 1 else 'instances stay'} healthy"
    if kind == "FLEET_PERCENT":
        return f"at least {value} percent of the instances stay healthy"
    return f"{kind} {value}"


def _zones(zones: Mapping[str, Any]) -> str:
    if not zones:
        return ""
    told = "one Availability Zone after the other"
    first = zones.get("first_zone_monitor_duration_in_seconds")
    each = zones.get("monitor_duration_in_seconds")
    if first:
        told += f", {_seconds(first)} of watching after the first"
    if each:
        told += f", {_seconds(each)} after each{' other' if first else ''}"
    healthy = zones.get("minimum_healthy_hosts_per_zone") or {}
    least = _minimum(str(healthy.get("type") or ""), healthy.get("value"))
    return f"{told}; in each zone {least}" if least else told


def _minutes(minutes: int | None, *, every: bool = False) -> str:
    if minutes == 1:
        return "minute" if every else "1 minute"
    return f"{minutes} minutes"


def _seconds(seconds: Any) -> str:
    whole = int(seconds)
    return _minutes(whole // 60) if whole % 60 == 0 else f"{whole} seconds"


def style(kind: str, option: str) -> str:
    """Say how it is deployed: "blue/green, behind a load balancer"."""
    return ", ".join(filter(None, (STYLES.get(kind, kind), OPTIONS.get(option, option))))


def creator(code: str) -> str:
    """Say who or what began a deployment."""
    return CREATORS.get(code, code)


def revision(told: Mapping[str, Any]) -> str:
    """Say which revision this is, as people tell it from the one before."""
    match told.get("type"):
        case "S3":
            version = told.get("version") or told.get("etag") or ""
            place = f"{told.get('bucket', '')}/{told.get('key', '')}"
            return f"{place} ({str(version)[:12]})" if version else place
        case "GitHub":
            return f"{told.get('repository', '')} {str(told.get('commit_id', ''))[:7]}"
        case "String" | "AppSpecContent":
            return f"AppSpec {str(told.get('sha256', ''))[:12]}".strip()
    return str(told.get("type") or "")


def revision_in_short(told: Mapping[str, Any]) -> str:
    """Say the same without the bucket, which is hardly ever another."""
    short = revision(told)
    return short.removeprefix(f"{told.get('bucket', '')}/") if told.get("type") == "S3" else short


def appspec_on_github(told: Mapping[str, Any]) -> str:
    """Return where GitHub shows the AppSpec of a revision, "" for one that is none of GitHub's."""
    repository, commit = str(told.get("repository") or ""), str(told.get("commit_id") or "")
    known = REPOSITORY.fullmatch(repository) and COMMIT.fullmatch(commit)
    return f"https://github.com/{repository}/blob/{commit}/appspec.yml" if known else ""


def target_groups(info: Mapping[str, Any]) -> list[str]:
    """Return the names of the target groups of a loadBalancerInfo in snake case, of pairs too."""
    found = [one.get("name") for one in info.get("target_group_info_list") or ()]
    for pair in info.get("target_group_pair_info_list") or ():
        found += [one.get("name") for one in pair.get("target_groups") or ()]
    return [str(name) for name in dict.fromkeys(found) if name]


def makes_a_fleet(blue_green: Mapping[str, Any]) -> bool:
    """Whether a blue/green deployment makes new instances, which none but it deploys to."""
    fleet = blue_green.get("green_fleet_provisioning_option") or {}
    return bool(fleet.get("action") == "COPY_AUTO_SCALING_GROUP")


def waits(blue_green: Mapping[str, Any]) -> list[str]:
    """Say what a blue/green deployment does with its instances and when, a sentence each."""
    told = []
    fleet = (blue_green.get("green_fleet_provisioning_option") or {}).get("action")
    if makes_a_fleet(blue_green):
        told.append("The replacements come from a copy of the Auto Scaling group.")
    elif fleet == "DISCOVER_EXISTING":
        told.append("The replacements are there already: the instances with the group's tags.")
    ready = blue_green.get("deployment_ready_option") or {}
    wait = ready.get("wait_time_in_minutes") or 0
    if ready.get("action_on_timeout") == "CONTINUE_DEPLOYMENT":
        told.append(
            f"Traffic is rerouted after a wait of {_minutes(wait)}."
            if wait
            else "Traffic is rerouted as soon as the replacements are ready."
        )
    elif ready.get("action_on_timeout") == "STOP_DEPLOYMENT":
        told.append(
            "Traffic is rerouted when somebody says so"
            + (f"; after {_minutes(wait)} without that, the deployment stops." if wait else ".")
        )
    blue = blue_green.get("terminate_blue_instances_on_deployment_success") or {}
    after = blue.get("termination_wait_time_in_minutes") or 0
    if blue.get("action") == "TERMINATE":
        told.append(
            f"The originals are terminated {_minutes(after)} later."
            if after
            else "The originals are terminated at once."
        )
    elif blue.get("action") == "KEEP_ALIVE":
        told.append("The originals are kept.")
    return told
