"""What went off since a change was brought out: alarms of its pipelines' projects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.cloudwatch.models import Alarm, AlarmHistory
from apps.codedeploy.models import DeploymentGroup
from apps.mirror.state import State
from apps.projects.models import Holding

from .alone import Place
from .ways import Way

MOST = 6


@dataclass(frozen=True, slots=True)
class Alarmed:
    """An alarm that went off; `still` tells whether it is still in alarm."""

    alarm: Alarm
    at: datetime
    reason: str
    still: bool


def alarms(user: Any, ways: Sequence[Way], places: Sequence[Place] = ()) -> list[Alarmed]:
    """Return the alarms that went off since anything was first brought out by one of these.

    Of the projects that have the pipelines, or the applications whose groups were deployed to.
    """
    out = [step.ended for way in ways for step in way.steps if step.out and step.through]
    out += [place.arrived for place in places if place.out]
    since = min(filter(None, out), default=None)
    if since is None:
        return []
    groups = [place.group for place in places if place.group]
    applications = DeploymentGroup.objects.filter(pk__in=groups).values("application")
    projects = Holding.objects.shown().filter(
        Q(kind="codepipeline.pipeline", row_id__in=[way.pipeline.pk for way in ways])
        | Q(kind="codedeploy.deploymentgroup", row_id__in=groups)
        | Q(kind="codedeploy.application", row_id__in=applications)
    )
    held = Holding.objects.shown().filter(
        kind="cloudwatch.alarm", project__in=projects.values("project")
    )
    seen = Alarm.objects.visible_to(user).filter(pk__in=held.values("row_id"), gone_at=None)
    told = AlarmHistory.objects.filter(
        alarm__in=seen, at__gte=since, item_type="StateUpdate", status="ALARM"
    )
    found: dict[int, Alarmed] = {}
    for one in told.select_related("alarm__scope").order_by("-at", "-pk")[: 4 * MOST]:
        if one.alarm is not None and one.at is not None:
            still = one.alarm.state == State.FAILED
            found.setdefault(one.alarm.pk, Alarmed(one.alarm, one.at, one.reason, still))
    # Of what is in alarm now the history may not have been read yet.
    now = seen.filter(state=State.FAILED, state_transitioned__gte=since).select_related("scope")
    for alarm in now.order_by("-state_transitioned", "-pk")[:MOST]:
        if alarm.state_transitioned is not None:
            told_now = Alarmed(alarm, alarm.state_transitioned, alarm.state_reason, still=True)
            found.setdefault(alarm.pk, told_now)
    return sorted(found.values(), key=lambda one: one.at)[-MOST:]
