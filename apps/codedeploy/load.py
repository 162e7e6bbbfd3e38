"""Loads what pages and fragments of deployments show, in a number of queries rows don't change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Case, Count, F, IntegerField, When, Window
from django.db.models.functions import RowNumber
from django.utils.safestring import SafeString, mark_safe

from apps.live.cursor import PAGE
from apps.live.fragment import FRAGMENTS
from apps.mirror.links import started_by
from apps.mirror.models import ReadToEnd
from apps.mirror.resource import Names
from apps.mirror.state import UNFINISHED, State

from . import diagnose, words
from .digest import why_deployment
from .models import (
    DEPLOYMENT_WIDE,
    GROUP_WIDE,
    SERVER,
    Application,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    Target,
)

# Targets that a deployment's page shows with their events; what failed comes first.
SHOWN = 60
_ORDER = (State.FAILED, State.MOVING, State.WAITING, State.UNKNOWN, State.STOPPED, State.DONE)
_URGENCY = Case(
    *(When(state=state.value, then=place) for place, state in enumerate(_ORDER)),
    default=len(_ORDER),
    output_field=IntegerField(),
)
# Of a target's bar in per cent: less is not seen.
LEAST_SHARE = 2.5
# Segments of a strip in a list; the page shows them all.
LIST_STRIP = 40


# --- Deployments ----------------------------------------------------------------------------------


def deployment_rows(deployments: Iterable[Deployment]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of deployments."""
    return {
        one.pk: {"deployment": one, "strip": one.strip[:LIST_STRIP], "cause": first_line(one)}
        for one in deployments
    }


def deployment_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return deployment_rows(Deployment.objects.for_list().filter(pk__in=ids))


def first_line(deployment: Deployment) -> str:
    """The line that a list quotes of why a deployment failed."""
    return why_deployment(deployment).split("\n", 1)[0]


def draw_rows(contexts: Mapping[int, Mapping[str, Any]]) -> list[SafeString]:
    """Return the pictures of deployments in order; templates escape what they hold."""
    pictures = FRAGMENTS.by_name["deployment-row"].render_loaded(contexts)
    return [mark_safe(pictures[pk]) for pk in contexts]  # noqa: S308


def _deployments(ids: Sequence[int]) -> list[Deployment]:
    rows = Deployment.objects.select_related("scope", "group").filter(pk__in=ids)
    return list(rows.defer(*(f"group__{name}" for name in GROUP_WIDE)))


def deployment_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Deployments with what began them, the ones beside them, and why they failed."""
    found = _deployments(ids)
    starters = started_by("codedeploy.deployment", found)
    others = _named(found)
    why = _first_failed(found)
    contexts = {}
    for one in found:
        target = why.get(one.pk)
        contexts[one.pk] = {
            "deployment": one,
            "starters": starters.get(one.arn, []),
            "begun_by": _begun_by(one),
            "rolled_back_by": others.get((one.scope_id, one.rollback_deployment_id)),
            "rolls_back": others.get((one.scope_id, one.rollback_triggering_deployment_id)),
            "failed": target,
            "excerpt": excerpt(target) if target else [],
            "line": diagnose.line(target) if target else "",
            "left_failed": _left_failed(one),
            "alarms": alarms(one),
        }
    return contexts


def _begun_by(deployment: Deployment) -> str:
    """Who or what began it; "" where its description alone tells people from pipelines."""
    anybody = deployment.creator == words.ANYBODY and deployment.description
    return "" if anybody else deployment.creator_in_words


def alarms(deployment: Deployment) -> list[str]:
    """The alarms that stopped a deployment."""
    stopped = deployment.error_code == words.ALARM_ACTIVE
    return words.activated(deployment.error_message) if stopped else []


def _left_failed(deployment: Deployment) -> list[str]:
    """Instances that this deployment failed on and that none has been deployed to since."""
    if deployment.compute_platform != SERVER or deployment.group is None:
        return []
    still = set(deployment.group.failed_instances)
    return [one for one in deployment.failed_targets if one in still]


def _named(deployments: Iterable[Deployment]) -> dict[tuple[int, str], Deployment]:
    """Return the deployments that these name as rolled back or rolling back, by scope and id."""
    wanted = {
        key
        for one in deployments
        for key in (one.rollback_deployment_id, one.rollback_triggering_deployment_id)
        if key
    }
    if not wanted:
        return {}
    rows = Deployment.objects.filter(key__in=wanted).only("key", "scope", "state", "status")
    return {(row.scope_id, row.key): row for row in rows}


def _first_failed(deployments: Sequence[Deployment]) -> dict[int, Target]:
    """Return the target whose failure is quoted, by deployment."""
    wanted = [f"{one.key}/{name}" for one in deployments if (name := _quoted(one))]
    if not wanted:
        return {}
    of = [one.pk for one in deployments]
    rows = Target.objects.filter(deployment__in=of, key__in=wanted, state=State.FAILED)
    return {row.deployment_id: row for row in rows}


def _quoted(deployment: Deployment) -> str:
    """Return the id of the target whose failure stands for the deployment's, "" for none."""
    return deployment.cause_target if deployment.state == State.FAILED else ""


def excerpt(target: Target) -> list[dict[str, Any]]:
    """Return the lines of a failed script's log tail: [{text, marked}]."""
    lines = target.log_tail.split("\n") if target.log_tail else []
    return [
        {"text": diagnose.shown(line), "marked": at == target.log_mark}
        for at, line in enumerate(lines)
    ]


def deployment_targets(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Deployments with their targets and lifecycle events: what failed first, then what runs."""
    found = {one.pk: one for one in _deployments(ids)}
    rows, counts = _shown(found)
    keys = {(one.scope_id, one.key) for one in found.values()}
    read = set(
        ReadToEnd.objects.filter(
            kind="codedeploy.target", parent_key__in=[key for _, key in keys]
        ).values_list("scope_id", "parent_key")
    )
    contexts = {}
    for pk, one in found.items():
        views = [target_view(target, _quoted(one)) for target in rows[pk]]
        say_once(views)
        contexts[pk] = {
            "deployment": one,
            "targets": views,
            "left_out": max(0, counts.get(pk, 0) - SHOWN),
            "read": bool(rows[pk]) or (one.scope_id, one.key) in read,
        }
    return contexts


def targets_read(deployment: Deployment) -> bool:
    """Whether the targets of a deployment of which none is known were read: it has none."""
    rows = ReadToEnd.objects.filter(scope=deployment.scope_id, kind="codedeploy.target")
    return rows.filter(parent_key=deployment.key).exists()


def unread_of(deployment: Deployment, *, targets_read: bool) -> list[Names]:
    """Return what is to be read of a deployment because somebody looks at it."""
    wanted = [] if targets_read else [Names(kind="codedeploy.target", parent=deployment.key)]
    if deployment.appspec_unread:
        wanted.append(Names(kind="codedeploy.deployment", key=deployment.key))
    return wanted


def _shown(
    deployments: Mapping[int, Deployment],
) -> tuple[dict[int, list[Target]], dict[int, int]]:
    """Return the targets that are shown, `SHOWN` of each, and how many there are of each.

    The database puts them in order and leaves out the rest. Logs are long: they are read of those
    alone that failed.
    """
    order: list[Any] = [_URGENCY, "label", "target_id", "pk"]
    all_of = Target.objects.filter(deployment__in=deployments)
    place = Window(RowNumber(), partition_by=F("deployment"), order_by=order)
    shown: dict[int, list[Target]] = {pk: [] for pk in deployments}
    chosen = all_of.defer("log_tail").annotate(place=place).filter(place__lte=SHOWN)
    for target in chosen.order_by("place"):
        shown[target.deployment_id].append(target)
    logged = [
        target.pk
        for targets in shown.values()
        for target in targets
        if target.state == State.FAILED
    ]
    tails = dict(Target.objects.filter(pk__in=logged).values_list("pk", "log_tail"))
    for targets in shown.values():
        for target in targets:
            target.log_tail = tails.get(target.pk, "")
    counts = all_of.order_by().values_list("deployment").annotate(Count("pk"))
    return shown, dict(counts)


def say_once(views: Sequence[dict[str, Any]]) -> None:
    """Let what failed alike on several targets be said on the first of them, and of which others.

    A target that failed like one before it names that one (`same_as`), and shows its log only where
    it is another one.
    """
    first: dict[tuple[str, ...], dict[str, Any]] = {}
    for view in views:
        row = view["row"]
        told = (row.failing_event, row.failing_code, row.failing_script, row.failing_message)
        if not row.failing_event:
            continue
        earlier = first.setdefault(told, view)
        if earlier is view:
            continue
        view["same_as"] = earlier["row"]
        earlier["also"].append(row)
        if row.log_tail == earlier["row"].log_tail:
            view["excerpt"] = []


def target_view(target: Target, quoted: str = "") -> dict[str, Any]:
    """Return a target with its events, each with its share of the whole in per cent.

    quoted  the id of the target whose log is shown already.
    """
    whole = sum(event.get("seconds") or 0 for event in target.lifecycle_events) or 1
    before = 0.0
    events = []
    for event in target.lifecycle_events:
        share = (event.get("seconds") or 0) / whole * 100
        # What took no time to speak of is seen all the same; what has not begun has no bar.
        shown = max(share, LEAST_SHARE) if event.get("start") else 0.0
        offset = min(before, 100 - shown)
        events.append({**event, "offset": round(offset, 2), "share": round(shown, 2)})
        before += share
    return {
        "row": target,
        "events": events,
        "excerpt": [] if target.target_id == quoted else excerpt(target),
        "runs": target.state in UNFINISHED,
        "same_as": None,
        "also": [],
        "open": target.state in (State.FAILED, *UNFINISHED),
    }


def deployment_facts(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Deployments with their configuration in words and what they were to do."""
    found = _deployments(ids)
    configs = configurations(found)
    return {
        one.pk: {
            "deployment": one,
            "configuration": configs.get((one.scope_id, one.config_name), ""),
            "waits": words.waits(one.blue_green),
            "rolls_back_when": rolls_back_when(one.auto_rollback),
            "target_groups": traffic_by(one.load_balancer_info),
        }
        for one in found
    }


def rolls_back_when(told: Mapping[str, Any]) -> list[str]:
    """Return when a rollback follows by itself, in words; nothing where it never does."""
    if not told.get("enabled"):
        return []
    return [words.ROLLBACKS.get(one, str(one)) for one in told.get("events") or ()]


def configurations(rows: Iterable[Deployment | DeploymentGroup]) -> dict[tuple[int, str], str]:
    """Return what the configurations of rows do, by scope and name."""
    wanted = {(row.scope_id, row.config_name) for row in rows if row.config_name}
    known = DeploymentConfig.objects.filter(key__in={name for _, name in wanted})
    told = {(one.scope_id, one.key): one.in_words for one in known}
    return {name: told.get(name) or words.configuration(name[1]) for name in wanted}


# --- Groups, applications, configurations ---------------------------------------------------------


def group_rows(groups: Iterable[DeploymentGroup]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of groups."""
    return {
        one.pk: {
            "deploymentgroup": one,
            "cause": first_line(one.latest_deployment) if one.latest_deployment else "",
        }
        for one in groups
    }


def group_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return group_rows(DeploymentGroup.objects.for_list().filter(pk__in=ids))


def group_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Groups with their newest deployments as a strip, and who was left failed."""
    return group_row(ids)


def group_facts(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Groups with where and how they deploy, in words."""
    rows = DeploymentGroup.objects.select_related("scope", "application", "latest_deployment")
    rows = rows.defer(*(f"latest_deployment__{name}" for name in DEPLOYMENT_WIDE))
    found = list(rows.filter(pk__in=ids))
    configs = configurations(found)
    return {
        one.pk: {
            "deploymentgroup": one,
            "configuration": configs.get((one.scope_id, one.config_name), ""),
            "waits": words.waits(one.blue_green),
            "rolls_back_when": rolls_back_when(one.auto_rollback),
            "target_groups": traffic_by(one.load_balancer_info),
        }
        for one in found
    }


def traffic_by(info: Mapping[str, Any]) -> list[str]:
    """Return the names of what sends traffic: target groups, pairs of them, classic balancers."""
    balancers = [str(one["name"]) for one in info.get("elb_info_list") or () if one.get("name")]
    return [*words.target_groups(info), *balancers]


def group_deployments(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Groups with the rows of their newest deployments."""
    contexts = {}
    for group in DeploymentGroup.objects.filter(pk__in=ids).only("pk", "key", "version"):
        newest = Deployment.objects.for_list().filter(group=group, created_at__isnull=False)
        contexts[group.pk] = {
            "deploymentgroup": group,
            "rows": draw_rows(deployment_rows(list(newest[:PAGE]))),
        }
    return contexts


def application_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Applications with their scope."""
    rows = Application.objects.select_related("scope").filter(pk__in=ids)
    return {one.pk: {"application": one} for one in rows}


def config_rows(configs: Iterable[DeploymentConfig]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of configurations."""
    return {one.pk: {"deploymentconfig": one} for one in configs}


def config_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return config_rows(DeploymentConfig.objects.select_related("scope").filter(pk__in=ids))
