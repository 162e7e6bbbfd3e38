"""Loads what pages and fragments of CloudWatch show, in queries that rows do not multiply."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.timezone import now

from apps.live.cursor import cursor_behind, page_of
from apps.mirror.links import links_of, resolve, url_of
from apps.mirror.models import Link
from apps.mirror.resource import REGISTER
from apps.mirror.state import URGENCY, State
from apps.mirror.visibility import VISIBILITY

from .digest import children_named, why_alarm, with_red_children
from .models import Alarm, AlarmHistory, LogGroup
from .named import act_of, children_of
from .strips import STRIP_HOURS, strip
from .watched import WATCHED
from .words import threshold

# Items of its history that an alarm's page shows at once, the newest first. Of those of one time,
# "Action" stands above "StateUpdate": it is what that brought about.
SHOWN = 30
HISTORY_ORDER = ("-at", "item_type", "-pk")
# The strip's end moves on in steps, so that a picture of it can be kept for a while.
STEP = 300


def strip_end(at: datetime | None = None) -> datetime:
    """Return the end of every strip: the present, in steps of some minutes."""
    at = at or now()
    return at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0) + timedelta(seconds=STEP)


def alarm_rows(alarms: Iterable[Alarm]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of alarms: the alarm, its strip, its condition."""
    rows = with_red_children(alarms)
    until = strip_end()
    transitions = _transitions(rows, until)
    return {
        alarm.pk: {
            "alarm": alarm,
            "until": until,
            "strip": strip(
                transitions.get((alarm.scope_id, alarm.key), []),
                alarm.status,
                alarm.state,
                alarm.state_transitioned,
                until,
            ),
            "condition": threshold(alarm),
            "why": why_alarm(alarm),
        }
        for alarm in rows
    }


def _transitions(
    alarms: Sequence[Alarm], until: datetime
) -> dict[tuple[int, str], list[tuple[datetime, str, str, str]]]:
    """Return (when, before, after, our state after) of the last hours, by scope and name."""
    found: dict[tuple[int, str], list[tuple[datetime, str, str, str]]] = {}
    if not alarms:
        return found
    items = AlarmHistory.objects.filter(
        scope__in={alarm.scope_id for alarm in alarms},
        alarm_name__in={alarm.key for alarm in alarms},
        item_type="StateUpdate",
        at__gt=until - timedelta(hours=STRIP_HOURS),
    ).order_by("at", "pk")
    for scope, name, *told in items.values_list(
        "scope_id", "alarm_name", "at", "old_state", "status", "state"
    ):
        found.setdefault((scope, name), []).append(tuple(told))
    return found


def alarm_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return alarm_rows(Alarm.objects.for_list().filter(pk__in=ids))


def alarm_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Alarms with their strips, and of composite ones the alarms they ask."""
    contexts = alarm_row(ids)
    children = children_named(context["alarm"] for context in contexts.values())
    for context in contexts.values():
        alarm = context["alarm"]
        told = [
            {"name": arn.rpartition(":alarm:")[2], "alarm": children.get((alarm.scope_id, arn))}
            for arn in children_of(alarm.alarm_rule, alarm.arn)
        ]
        context["children"] = sorted(
            told, key=lambda one: one["alarm"].urgency if one["alarm"] else len(URGENCY)
        )
    return contexts


def alarm_facts(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Alarms with what they watch and what they would do in each state, by link."""
    alarms = Alarm.objects.select_related("scope").in_bulk(list(ids))
    links = _targets("cloudwatch.alarm", alarms)
    contexts: dict[int, dict[str, Any]] = {}
    for pk, alarm in alarms.items():
        known = links.get(pk, [])
        by_arn = {link.to_arn: (link.to_kind, target) for link, target in known if target}
        contexts[pk] = {
            "alarm": alarm,
            "condition": threshold(alarm),
            "watches": [
                *(
                    _linked(link.to_kind, link.to_arn, target)
                    for link, target in known
                    if link.relation == "watches"
                ),
                *_watched_by_name(alarm),
            ],
            "acts": [
                {
                    "word": word,
                    "state": state,
                    "acts": [_act(arn, by_arn) for arn in arns],
                }
                for word, state, arns in (
                    ("ALARM", State.FAILED, alarm.alarm_actions),
                    ("OK", State.DONE, alarm.ok_actions),
                    ("INSUFFICIENT_DATA", State.UNKNOWN, alarm.insufficient_data_actions),
                )
            ],
        }
    return contexts


# Dimensions whose things have more in their ARNs than their names: kind, and what stands before it.
_BY_NAME = {
    "EnvironmentName": ("beanstalk.environment", "/"),
    "AutoScalingGroupName": ("ec2.autoscalinggroup", ":autoScalingGroupName/"),
}


def _watched_by_name(alarm: Alarm) -> list[dict[str, Any]]:
    """Return what an alarm watches where no link can say so; a query for each such dimension."""
    found = []
    for dimension, (kind, mark) in _BY_NAME.items():
        name, resource = alarm.dimensions.get(dimension), REGISTER.by_kind.get(kind)
        if name and resource is not None:
            rows: Any = resource.model._default_manager.select_related("scope")
            named = rows.filter(scope=alarm.scope_id, arn__endswith=f"{mark}{name}")
            rows = {(("cloudwatch.alarm", alarm.pk), (kind, row.pk)): row for row in named[:3]}
            tells = VISIBILITY.rule.tells(rows)
            found += [_linked(kind, row.arn, row) for pair, row in rows.items() if tells[pair]]
    return found


def _targets(kind: str, ids: Iterable[int]) -> dict[int, list[tuple[Link, Any]]]:
    """Return what rows name, with the mirrored row where there is one; a query for each kind.

    The row is there only where whoever may see the one that names it may see it, too
    (docs/decisions/0011-links-in-shared-pictures.md).
    """
    links = links_of(kind, ids)
    by_kind: dict[str, set[str]] = {}
    for some in links.values():
        for link in some:
            by_kind.setdefault(link.to_kind, set()).add(link.to_arn)
    rows = {name: resolve(name, arns) for name, arns in by_kind.items()}
    pairs = {
        link.pk: ((kind, pk), (link.to_kind, row.pk))
        for pk, some in links.items()
        for link in some
        if (row := rows[link.to_kind].get(link.to_arn)) is not None
    }
    tells = VISIBILITY.rule.tells(pairs.values())
    told = {link for link, pair in pairs.items() if tells[pair]}
    return {
        pk: [(link, rows[link.to_kind][link.to_arn] if link.pk in told else None) for link in some]
        for pk, some in links.items()
    }


def _linked(kind: str, arn: str, row: Any) -> dict[str, Any]:
    """What a link leads to, as a template shows it; without a row only what was said."""
    ours = row is not None
    label = REGISTER.by_kind[kind].label if kind in REGISTER.by_kind else kind
    return {
        "label": label,
        "name": str(row) if ours else arn.split(":", 5)[-1],
        "url": url_of(kind, row) if ours else "",
        "row": row if ours else None,
    }


def _act(arn: str, by_arn: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    act = act_of(arn)
    kind, row = by_arn.get(":".join(arn.split(":")[:7]), ("", None))
    ours = row is not None
    return {
        "what": act.what,
        "name": act.name,
        "arn": arn,
        "url": url_of(kind, row) if ours else "",
    }


def alarm_history(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Alarms with the newest items of their history."""
    alarms = Alarm.objects.select_related("scope").in_bulk(list(ids))
    wanted = Q(pk__in=[])
    for alarm in alarms.values():
        wanted |= Q(scope=alarm.scope_id, alarm_name=alarm.key)
    # So many of each: one that flaps must not take the others' place.
    place = Window(
        RowNumber(),
        partition_by=[F("scope_id"), F("alarm_name")],
        order_by=[F("at").desc(nulls_last=True), F("item_type"), F("pk").desc()],
    )
    items = AlarmHistory.objects.filter(wanted).annotate(place=place).filter(place__lte=SHOWN + 1)
    by_name: dict[tuple[int, str], list[AlarmHistory]] = {}
    for item in items.order_by("place"):
        by_name.setdefault((item.scope_id, item.alarm_name), []).append(item)
    return {
        pk: _history(alarm, by_name.get((alarm.scope_id, alarm.key), []))
        for pk, alarm in alarms.items()
    }


def _history(alarm: Alarm, items: list[AlarmHistory]) -> dict[str, Any]:
    older = len(items) > SHOWN
    shown = items[:SHOWN]
    following = cursor_behind(shown[-1], HISTORY_ORDER) if older else ""
    return {"alarm": alarm, "items": shown, "older": older, "following": following}


def history_page(alarm: Alarm, cursor: str) -> tuple[dict[str, Any], bool]:
    """Return an older page of an alarm's history, and whether it is the first one after all."""
    rows = AlarmHistory.objects.filter(scope=alarm.scope_id, alarm_name=alarm.key)
    page = page_of(rows.exclude(at=None), HISTORY_ORDER, cursor, SHOWN)
    told = {"alarm": alarm, "items": page.rows, "following": page.following, "paged": True}
    return told, page.first


def group_rows(groups: Iterable[LogGroup]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of log groups."""
    return {group.pk: {"loggroup": group} for group in groups}


def group_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return group_rows(LogGroup.objects.for_list().filter(pk__in=ids))


def group_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Log groups with whose log they hold."""
    contexts = group_row(ids)
    links = _targets("cloudwatch.loggroup", contexts)
    for pk, context in contexts.items():
        context["of"] = [
            _linked(link.to_kind, link.to_arn, target)
            for link, target in links.get(pk, [])
            if link.relation == "log of"
        ]
    return contexts


def measured_kinds(user: Any) -> list[tuple[str, str, int]]:
    """Return (kind, label, how many) of each kind of resource that has metrics here."""
    found = []
    for kind in WATCHED:
        resource = REGISTER.by_kind.get(kind)
        if resource is not None:
            rows: Any = resource.model._default_manager
            found.append((kind, resource.label, rows.visible_to(user).filter(gone_at=None).count()))
    return found
