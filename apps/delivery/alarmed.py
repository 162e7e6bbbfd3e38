"""Which alarms are in ALARM now, of the projects that have a pipeline."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from apps.cloudwatch.models import Alarm
from apps.mirror.state import State
from apps.projects.models import Holding

from .waiting import PIPELINE

ALARM = "cloudwatch.alarm"


def alarms_now(user: Any, pipelines: Collection[int]) -> Mapping[int, list[Alarm]]:
    """Return the alarms that are in ALARM and that a user may know of, by pipeline; two queries.

    The latest to come there first.
    """
    having = Holding.objects.shown().filter(kind=PIPELINE, row_id__in=pipelines)
    rows = Holding.objects.shown().filter(kind__in=(PIPELINE, ALARM))
    rows = rows.filter(project__in=having.values("project"))
    of_project: dict[int, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for project, kind, row_id in rows.values_list("project", "kind", "row_id"):
        of_project[project][kind == ALARM].add(row_id)
    held: dict[int, set[int]] = defaultdict(set)
    for mine, alarms in of_project.values():
        for pipeline in mine.intersection(pipelines):
            held[pipeline] |= alarms
    seen = Alarm.objects.visible_to(user).filter(
        pk__in={pk for some in held.values() for pk in some}, state=State.FAILED, gone_at=None
    )
    latest = seen.select_related("scope").order_by("-state_transitioned", "-pk")
    red = list(latest)
    return {
        pipeline: [alarm for alarm in red if alarm.pk in some] for pipeline, some in held.items()
    }
