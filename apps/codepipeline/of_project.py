"""Reads the pipelines of a project once, for all that its page tells of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from apps.mirror.links import explain_then, resolve, url_of
from apps.mirror.models import Link
from apps.mirror.state import UNFINISHED, State
from apps.mirror.visibility import VISIBILITY
from apps.projects.held import Held

from .board import Ran, StageView, execution_board, first_failed, live_board
from .models import LIST_COLUMNS, Action, Execution, Pipeline, Stage

KIND = "codepipeline.pipeline"
HEARD = (KIND, "codepipeline.execution")
# Newest executions of which the page tells: how far each commit has come.
NEWEST = 60
# Boards that are unfolded at once.
UNFOLDED = 2
WIDE = ("artifact_stores", "triggers", "variables", "tags")
TROUBLE = (State.FAILED, State.WAITING, State.MOVING)
DEPLOYS = "Deploy"
# The stage in which an execution failed for good, "" for one that did not.
FAILED_IN = Case(
    When(
        state=State.FAILED,
        then=Coalesce(
            Subquery(
                Action.objects.filter(execution=OuterRef("pk"), state=State.FAILED)
                .order_by("-started_at", "-pk")
                .values("stage")[:1]
            ),
            Value(""),
        ),
    ),
    default=Value(""),
)


class Pipelines:
    """Some pipelines with their stages and the executions that these name; each read once."""

    def __init__(self, rows: Any) -> None:
        defer = (*WIDE, *(f"latest_execution__{name}" for name in LIST_COLUMNS))
        found = rows.select_related("scope", "latest_execution").defer(*defer)
        self.rows: list[Pipeline] = list(found.order_by("urgency", "key", "pk"))
        self.by_id = {row.pk: row for row in self.rows}

    @cached_property
    def stages(self) -> dict[int, list[Stage]]:
        """The stages of each, in order."""
        found: dict[int, list[Stage]] = defaultdict(list)
        rows = Stage.objects.filter(pipeline__in=self.by_id, gone_at=None)
        for row in rows.order_by("position", "pk"):
            found[row.pipeline_id].append(row)
        return found

    @cached_property
    def _runs(self) -> list[Execution]:
        named = {row.execution_id for some in self.stages.values() for row in some} - {""}
        named |= {
            key
            for some in self.stages.values()
            for row in some
            for key in row.inbound_execution_ids
        }
        of_these = Execution.objects.filter(pipeline__in=self.by_id)
        newest = of_these.order_by("-started_at", "-pk").values("pk")[:NEWEST]
        # By which a pipeline broke, and which failed last: others may have come since.
        failed = Execution.objects.filter(
            pipeline=OuterRef("pk"), state=State.FAILED, started_at__gte=OuterRef("failing_since")
        ).order_by("-started_at", "-pk")
        broken = Pipeline.objects.filter(pk__in=self.by_id).exclude(failing_since=None)
        which = (
            Q(key__in=named)
            | Q(pk__in=newest)
            | Q(pk__in=broken.values_list(Subquery(failed.values("pk")[:1])))
            | Q(pk__in=broken.values_list(Subquery(failed.reverse().values("pk")[:1])))
        )
        rows = of_these.filter(which).defer(*LIST_COLUMNS).annotate(failed_in=FAILED_IN)
        return list(rows.order_by("-started_at", "-pk"))

    @cached_property
    def executions(self) -> dict[str, Execution]:
        """What stages name, by AWS's id, and the newest."""
        return {row.key: row for row in self._runs}

    @cached_property
    def newest(self) -> list[Execution]:
        """The newest executions of all of them, the newest first."""
        return [row for row in self._runs if row.started_at is not None]

    @cached_property
    def by_pipeline(self) -> dict[int, list[Execution]]:
        """The executions that were read of each, the newest first."""
        found: dict[int, list[Execution]] = defaultdict(list)
        for row in self.newest:
            found[row.pipeline_id].append(row)
        return found

    @cached_property
    def links(self) -> list[Link]:
        """What the actions of the stages started."""
        ids = [row.pk for some in self.stages.values() for row in some]
        links = Link.objects.filter(from_kind="codepipeline.stage", from_id__in=ids)
        return list(links.filter(relation="runs").order_by("pk"))

    @property
    def unfolded(self) -> list[Pipeline]:
        """Those of which the page shows the whole board: what failed, waits or moves.

        One alone is always unfolded; of several that are all quiet the one that ran last.
        """
        if len(self.rows) == 1:
            return self.rows
        loud = [row for row in self.rows if row.state in TROUBLE]
        if loud:
            return loud[:UNFOLDED]
        ran = [row for row in self.rows if row.latest_started_at is not None]
        return sorted(ran, key=_when_it_ran, reverse=True)[:1]

    def boards(self, chosen: Sequence[Pipeline]) -> dict[int, dict[str, Any]]:
        """What the boards of some of them are drawn from."""
        told = {row.pk for row in chosen if any(one.execution_id for one in self.stages[row.pk])}
        live = [
            str(one.get("action_execution_id"))
            for row in chosen
            for stage in self.stages[row.pk]
            for one in stage.actions
            if isinstance(one, dict) and one.get("action_execution_id")
        ]
        # Where stages tell no executions (PARALLEL), the newest one says how it goes.
        apart = {row.latest_execution_id: row for row in chosen if row.pk not in told}
        apart.pop(None, None)
        recorded: dict[str, Action] = {}
        of_execution: dict[int, list[Action]] = defaultdict(list)
        wanted = Q(execution__pipeline__in=[row.pk for row in chosen])
        actions = Action.objects.filter(wanted, Q(key__in=live) | Q(execution__in=apart))
        for action in actions.order_by("started_at", "pk"):
            recorded[action.key] = action
            of_execution[action.execution_id].append(action)
        drawn: dict[int, list[StageView]] = {}
        for row in chosen:
            latest = row.latest_execution
            if row.pk in told or latest is None:
                drawn[row.pk] = live_board(row, self.stages[row.pk], recorded, self.executions, {})
            else:
                drawn[row.pk] = execution_board(latest, row.definition, of_execution[latest.pk], {})
        failed = {pk: first_failed(one for one in drawn[pk] if one.current) for pk in drawn}
        self._explain(failed)
        return {
            row.pk: {
                "pipeline": row,
                "board": drawn[row.pk],
                "failed": failed[row.pk] if row.state == State.FAILED else None,
                "apart": row.pk not in told,
            }
            for row in chosen
        }

    def _explain(self, failed: Mapping[int, Any]) -> None:
        """Tell of each board's first failed action what it ran, and why that failed.

        Only where whoever may see the pipeline may see that, too: the picture is shared.
        """
        by_stage = {
            (stage.row.pk, action.runs): (pk, action)
            for pk, found in failed.items()
            if found is not None
            for stage, action in (found,)
            if stage.row is not None and action.runs
        }
        links = {
            (link.from_id, link.to_arn): link
            for link in (self.links if by_stage else ())
            if (link.from_id, link.to_arn) in by_stage
        }
        kinds: dict[str, set[str]] = defaultdict(set)
        for link in links.values():
            kinds[link.to_kind].add(link.to_arn)
        rows = {
            (kind, arn): row for kind in kinds for arn, row in resolve(kind, kinds[kind]).items()
        }
        pairs = {}
        for name, link in links.items():
            row = rows.get((link.to_kind, link.to_arn))
            if row is not None:
                pairs[name] = ((KIND, by_stage[name][0]), (link.to_kind, row.pk)), row
        read = {pair[1]: row for pair, row in pairs.values()}
        tells = VISIBILITY.rule.tells((pair for pair, _ in pairs.values()), read)
        for name, (pair, row) in pairs.items():
            if tells[pair]:
                action, kind = by_stage[name][1], pair[1][0]
                why = explain_then(kind, row, action.started_at, action.ended_at)
                action.ran = Ran(
                    label=str(row), url=url_of(kind, row), why=lambda *_: "", explain=why
                )


def _when_it_ran(row: Pipeline) -> float:
    return row.latest_started_at.timestamp() if row.latest_started_at else 0.0


def of(held: Held) -> Pipelines:
    """Return the pipelines of a project; whichever tile asks first has them read."""
    return held.once(KIND, lambda told: Pipelines(told.rows(KIND)))


def some(ids: Iterable[int]) -> Pipelines:
    """Return pipelines by id, for the stream."""
    return Pipelines(Pipeline.objects.filter(pk__in=list(ids)))


def boards(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What the boards of pipelines are drawn from, for the stream."""
    found = some(ids)
    return found.boards(found.rows)


def lines(found: Pipelines, chosen: Sequence[Pipeline]) -> dict[int, dict[str, Any]]:
    """What the lines of pipelines that are not unfolded are drawn from."""
    return {
        row.pk: {
            "pipeline": row,
            "strip": [
                {
                    "name": stage.name,
                    "state": stage.state,
                    "current": _is_of_newest(row, stage),
                    "shut": not stage.transition_enabled,
                }
                for stage in found.stages[row.pk]
            ],
            "trouble": _trouble(found, row),
        }
        for row in chosen
    }


def line(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    found = some(ids)
    return lines(found, found.rows)


def _is_of_newest(row: Pipeline, stage: Stage) -> bool:
    latest = row.latest_execution
    return latest is None or stage.execution_id in ("", latest.key)


def _trouble(found: Pipelines, row: Pipeline) -> dict[str, str] | None:
    """The stage and action in which a pipeline failed or waits: {stage, action, why}."""
    if row.state not in (State.FAILED, State.WAITING):
        return None
    for stage in found.stages[row.pk]:
        for action in stage.actions:
            if isinstance(action, dict) and action.get("state") == row.state:
                why = action.get("error_message") or action.get("summary") or ""
                return {"stage": stage.name, "action": str(action.get("name")), "why": str(why)}
    return None


def deploying(row: Pipeline) -> list[str]:
    """The names of the stages of a pipeline that bring something out, in order."""
    return [
        str(stage.get("name"))
        for stage in row.definition
        if any(one.get("category") == DEPLOYS for one in stage.get("actions") or ())
    ]


def is_over(execution: Execution) -> bool:
    """Whether an execution moves no more."""
    return execution.state not in UNFINISHED
