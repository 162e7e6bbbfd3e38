"""Works out what sites are to show of executions, and notes it; tells nobody."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from apps.codepipeline.models import Execution
from apps.mirror.state import UNFINISHED
from apps.projects.models import Holding

from . import for_github, for_jira
from .models import CHANNELS_OF, PIPELINE, Results, Telling
from .taken import WIDE
from .want import Want

# So many of the newest executions are looked at when a project begins to tell.
MOST_CAUGHT_UP = 200


def note(execution_ids: Iterable[int]) -> int:
    """Note what is wanted of these executions, in projects that tell; return how many changed."""
    ids = set(execution_ids)
    ids |= set(for_jira.taken_back(ids))
    found = Execution.objects.filter(pk__in=ids).exclude(started_at=None)
    executions = list(
        found.select_related("pipeline__scope").defer(*WIDE).order_by("started_at", "pk")
    )
    told = _told_by(executions)
    wants = [
        *for_github.wants(
            [one for one in executions if told[one.pipeline_id].github],
            {pipeline: frozenset(telling.github) for pipeline, telling in told.items()},
        ),
        *for_jira.wants(
            [one for one in executions if told[one.pipeline_id].jira],
            {pipeline: telling.switched for pipeline, telling in told.items()},
        ),
    ]
    return sum(_keep(want) for want in wants)


def catch_up(project_id: int) -> int:
    """Note what a project's pipelines want now that it tells: nobody heard of them until then.

    What is under way, and what was told before and is not how it is any more.
    """
    row = Results.objects.filter(project=project_id).first()
    on = [name for name in CHANNELS_OF if row is not None and getattr(row, name)]
    held = Holding.objects.shown().filter(kind=PIPELINE, project=project_id)
    of_mine = Execution.objects.filter(pipeline__in=held.values("row_id"))
    told = Telling.objects.filter(
        pipeline__in=held.values("row_id"),
        channel__in=[channel for name in on for channel in CHANNELS_OF[name]],
    )
    found = of_mine.filter(Q(state__in=UNFINISHED) | Q(pk__in=told.values("execution")))
    newest = found.exclude(started_at=None).order_by("-started_at", "-pk")
    return note(newest.values_list("pk", flat=True)[:MOST_CAUGHT_UP]) if on else 0


@dataclass(slots=True)
class _Telling:
    """Which of its results a pipeline's projects tell: those that tell GitHub, the rows of Jira."""

    github: set[int] = field(default_factory=set)
    jira: bool = False
    switched: tuple[Results, ...] = ()


def _told_by(executions: Sequence[Execution]) -> Mapping[int, _Telling]:
    found: dict[int, _Telling] = defaultdict(_Telling)
    held = Holding.objects.shown().filter(
        kind=PIPELINE, row_id__in={one.pipeline_id for one in executions}
    )
    switches = {one.project_id: one for one in Results.objects.all()}
    for pipeline, project in held.values_list("row_id", "project"):
        one = switches.get(project)
        if one is None:
            continue
        telling = found[pipeline]
        if one.github:
            telling.github.add(project)
        if one.jira:
            telling.jira = True
            telling.switched = (*telling.switched, one)
    return found


def _keep(want: Want) -> bool:
    """Note one; an older execution does not overwrite what a newer one wanted."""
    text = json.dumps(want.shows, sort_keys=True)
    mark = hashlib.sha256(text.encode()).hexdigest()
    named = {
        "pipeline": want.execution.pipeline,
        "scope_id": want.scope_id,
        "channel": want.channel,
        "about": want.about[:400],
    }
    values = {"execution": want.execution, "wanted": dict(want.shows), "wanted_mark": mark}
    with transaction.atomic():
        row, made = Telling.objects.get_or_create(**named, defaults=values)
        if made:
            return True
        rows = Telling.objects.filter(
            pk=row.pk, execution__started_at__lte=want.execution.started_at
        ).exclude(wanted_mark=mark)
        # Whatever kept the one before from being told is no reason not to try this.
        return bool(rows.update(**values, due_at=now(), attempts=0, given_up=False, trouble=""))
