"""What each approval that waits would release, and what to know before it is decided.

From the mirror alone, across accounts and regions, in a number of queries that rows do not change.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils.timezone import now

from apps.cloudwatch.models import Alarm
from apps.codebuild.models import Build
from apps.codebuild.reports import Results, group_of
from apps.codepipeline.digest import last_tries
from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.codepipeline.of_project import DEPLOYS
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from apps.deeds.offers import ask_url, deeds_on_each
from apps.deeds.rights import whys_not
from apps.issues.models import Issue
from apps.mirror.state import UNFINISHED
from apps.source.models import Commit, PullRequest

from . import naming, reading, taken
from .alarmed import alarms_now
from .between import Between, Pair, between
from .brought import Brought
from .environments import IDLE, goal_of
from .taken import WIDE
from .waiting import APPROVE, PIPELINE, REJECT, to_decide
from .ways import Ran

ACTION = "codepipeline.action"
TESTS = ("Build", "Test")
PARALLEL = "PARALLEL"
# Less is left than this: it is told that it expires soon.
SOON = timedelta(hours=24)
# Commits that are shown of one approval, newest first; newer executions.
MOST_SHOWN, MOST_NEWER = 12, 5
# Names of failed tests that are shown of one build.
MOST_FAILED = 8


@dataclass(frozen=True, slots=True)
class Tested:
    """A build or test of the execution: how it went, and what it ran; None for nothing mirrored.

    reports  names of the report groups that it wrote to.
    results  what its tests came to; None for no test report.
    """

    action: Action
    ran: Ran | None
    reports: Sequence[str] = ()
    results: Results | None = None

    @property
    def builds(self) -> bool:
        """Whether it ran a build, of which reports can be told."""
        return self.ran is not None and isinstance(self.ran.row, Build)

    @property
    def failed(self) -> Sequence[str]:
        """The names of failed tests that are shown."""
        return () if self.results is None else self.results.names[:MOST_FAILED]

    @property
    def more(self) -> int:
        """How many failed tests are not shown."""
        return 0 if self.results is None else self.results.failed - len(self.failed)


@dataclass(frozen=True, slots=True)
class Newer:
    """A newer execution of the pipeline that is still under way.

    enters  whether it waits to enter the very stage that this approval holds.
    """

    execution: Execution
    enters: bool


@dataclass(slots=True)
class Approval:
    """An approval that waits, with what to know before it is decided.

    approves  the page on which the reader approves it, "" where they may not; `rejects` as well.
    why_not   why the reader may do neither though their role would do; "" where it would not.
    deeds     what became of it where somebody decided it lately.
    out       the stages that bring something out once it is approved, in order.
    instead   what stands in the first of these now, and since when; None where nothing is known to.
    change    what lies between that and this: of its commits some are shown as `commits`, and as
              `taken_back`; `issues` and `issues_back` are what they name. `unseen`: there are
              others, which the reader may not know of.
    newer     what comes after it, the first in line first; `more_newer` others.
    message   what its configuration says to whoever decides, hostile; `link` as well.
    """

    action: Action
    approves: str = ""
    rejects: str = ""
    why_not: str = ""
    deeds: Sequence[Deed] = ()
    out: Sequence[str] = ()
    instead: Execution | None = None
    instead_since: datetime | None = None
    change: Between = field(default_factory=Between)
    commits: Sequence[Commit] = ()
    taken_back: Sequence[Commit] = ()
    issues: Sequence[Issue] = ()
    issues_back: Sequence[Issue] = ()
    unseen: bool = False
    tests: Sequence[Tested] = ()
    alarms: Sequence[Alarm] = ()
    newer: Sequence[Newer] = ()
    more_newer: int = 0

    @property
    def mine(self) -> bool:
        """Whether the reader may decide it."""
        return bool(self.approves or self.rejects)

    @property
    def moves(self) -> bool:
        """Whether what somebody decided is on its way."""
        return any(one.waits for one in self.deeds)

    @property
    def execution(self) -> Execution:
        """The execution that waits."""
        return self.action.execution

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that waits."""
        return self.action.execution.pipeline

    @property
    def message(self) -> str:
        """What it tells whoever decides it; "" for nothing."""
        return str(self.action.configuration.get("CustomData") or "")

    @property
    def link(self) -> str:
        """The address that it gives to look at; "" for none."""
        return str(self.action.configuration.get("ExternalEntityLink") or "")

    @property
    def soon(self) -> bool:
        """Whether it expires within a day."""
        return self.action.expires_at is not None and self.action.expires_at - now() < SOON

    @property
    def overdue(self) -> bool:
        """Whether its time is over, and AWS's word for it was not read yet."""
        return self.action.expires_at is not None and self.action.expires_at < now()

    @property
    def replaces(self) -> bool:
        """Whether newer executions take the place of one that waits between stages."""
        return self.pipeline.execution_mode == "SUPERSEDED"

    @property
    def more(self) -> int:
        """How many commits are not shown."""
        return max(0, len(self.change.came.commits) - len(self.commits))

    @property
    def more_back(self) -> int:
        """How many of those that would be taken back are not shown."""
        return max(0, len(self.change.went.commits) - len(self.taken_back))


def approvals(user: Any, actions: Sequence[Action]) -> list[Approval]:
    """Return approvals for actions that wait, in their order.

    actions  with execution, pipeline and scope; see `with_all`.
    """
    found = [Approval(action) for action in actions]
    if not found:
        return []
    ids = [one.action.pk for one in found]
    approves, rejects = (_may(user, name, ids) for name in (APPROVE, REJECT))
    whys = _whys_not(user, [one for one in found if one.action.pk not in approves | rejects])
    decided = deeds_on_each(ACTION, ids)
    pipelines = {one.pipeline.pk for one in found}
    stands, since = reading.standing(user, {one.pipeline.pk: [one.execution] for one in found})
    red = alarms_now(user, pipelines)
    tested = _tested(user, [one.execution for one in found])
    newer, entering = _newer(user, found)
    for one in found:
        one.approves = _page(APPROVE, one.action) if one.action.pk in approves else ""
        one.rejects = _page(REJECT, one.action) if one.action.pk in rejects else ""
        one.why_not = whys.get(one.pipeline.pk, "")
        one.deeds = decided.get(one.action.pk, ())
        one.out = stages_after(one.action)
        place = (one.pipeline.pk, one.out[0]) if one.out else (0, "")
        one.instead, one.instead_since = stands.get(place), since.get(place)
        one.alarms = red.get(one.pipeline.pk, ())
        one.tests = tested.get(one.execution.pk, ())
        behind = [
            Newer(run, run.key in entering.get((one.pipeline.pk, one.action.stage), ()))
            for run in newer.get(one.pipeline.pk, ())
            if _is_after(run, one.execution)
        ]
        behind.sort(key=lambda newer: not newer.enters)
        one.newer, one.more_newer = behind[:MOST_NEWER], max(0, len(behind) - MOST_NEWER)
    _compare(user, found)
    return found


def _may(user: Any, name: str, ids: Sequence[int]) -> set[int]:
    return set(to_decide(user, [name]).filter(pk__in=ids).values_list("pk", flat=True))


def _whys_not(user: Any, found: Sequence[Approval]) -> Mapping[int, str]:
    scopes = {one.pipeline.pk: one.pipeline.scope_id for one in found}
    return whys_not(user, ACTS.by_name[APPROVE], kind=PIPELINE, scopes=scopes) if scopes else {}


def _page(name: str, action: Action) -> str:
    return ask_url(ACTS.by_name[name], action)


def with_all(rows: Any) -> Any:
    """Return waiting actions as `approvals` takes them, the first to expire first."""
    wide = [f"execution__{name}" for name in WIDE if name != "trigger_detail"]
    columns = "execution__pipeline__scope", "scope"
    found = rows.select_related(*columns).defer(*wide, "output_variables")
    return found.order_by(F("expires_at").asc(nulls_last=True), "started_at", "pk")


def stages_after(action: Action) -> list[str]:
    """Return the stages that bring something out after an approval; its own where that does, too.

    Where people bring it out by something else than a deployment, the pipeline's goal.
    """
    pipeline = action.execution.pipeline
    names = [str(stage.get("name")) for stage in pipeline.definition]
    if action.stage not in names:
        return []
    place = names.index(action.stage)
    # What of each stage is still to come once this is approved.
    ahead = [
        (
            str(stage.get("name")),
            {
                str(one.get("category"))
                for one in stage.get("actions") or ()
                if later or _runs_after(action, one.get("run_order", 1))
            },
        )
        for later, stage in enumerate(pipeline.definition[place:])
    ]
    out = [name for name, does in ahead if DEPLOYS in does]
    goal = None if out else goal_of(pipeline.key, pipeline.definition)
    reached = goal is not None and any(name == goal.stage and does - IDLE for name, does in ahead)
    return [goal.stage] if goal is not None and reached else out


def _runs_after(action: Action, order: int) -> bool:
    return action.run_order is None or order > action.run_order


def _is_after(one: Execution, other: Execution) -> bool:
    return (
        one.pk != other.pk
        and one.started_at is not None
        and other.started_at is not None
        and one.started_at > other.started_at
    )


def _tested(user: Any, executions: Sequence[Execution]) -> Mapping[int, list[Tested]]:
    """The builds and tests of executions, the last try of each, in the order they began first."""
    rows = Action.objects.filter(
        execution__in=[one.pk for one in executions], category__in=TESTS
    ).defer("configuration", "output_variables")
    by_execution: dict[int, list[Action]] = defaultdict(list)
    for action in rows.order_by("started_at", "pk"):
        by_execution[action.execution_id].append(action)
    last = {pk: last_tries(some) for pk, some in by_execution.items()}
    ran = reading.what_ran(user, [one for some in last.values() for one in some])
    return {pk: [_told(one, ran.get(one.pk)) for one in some] for pk, some in last.items()}


def _told(action: Action, ran: Ran | None) -> Tested:
    if ran is None or not isinstance(ran.row, Build):
        return Tested(action, ran)
    return Tested(action, ran, [group_of(one) for one in ran.row.report_arns], ran.row.tests)


def _newer(
    user: Any, found: Sequence[Approval]
) -> tuple[Mapping[int, list[Execution]], Mapping[tuple[int, str], Sequence[str]]]:
    """Executions under way of the pipelines, and the keys of those that wait for each stage."""
    pipelines = {one.pipeline.pk for one in found if one.pipeline.execution_mode != PARALLEL}
    rows = Execution.objects.visible_to(user).filter(
        pipeline__in=pipelines, state__in=UNFINISHED, gone_at=None
    )
    newer: dict[int, list[Execution]] = defaultdict(list)
    for run in rows.defer(*WIDE).order_by("started_at", "pk"):
        newer[run.pipeline_id].append(run)
    stages = Stage.objects.filter(pipeline__in=pipelines, gone_at=None)
    entering = {
        (pipeline, name): keys
        for pipeline, name, keys in stages.values_list("pipeline", "name", "inbound_execution_ids")
    }
    return newer, entering


def _compare(user: Any, found: Sequence[Approval]) -> None:
    """Tell what lies between what each would release and what stands there now."""
    runs = [run for one in found for run in (one.execution, one.instead) if run is not None]
    took = taken.commits_of(runs)
    told = between(
        {
            one.action.pk: Pair(
                took.get(one.execution.pk, ()),
                took.get(one.instead.pk, ()) if one.instead is not None else (),
            )
            for one in found
        }
    )
    for one in found:
        one.change = told[one.action.pk]
    both = [brought for one in found for brought in (one.change.came, one.change.went)]
    lay = [len(one.change.came.commits) + len(one.change.went.commits) for one in found]
    shown = commits_shown(user, both)
    issues = naming.issues_of(user, both)
    for place, one in enumerate(found):
        one.unseen = lay[place] > len(one.change.came.commits) + len(one.change.went.commits)
        one.commits, one.taken_back = (some[:MOST_SHOWN] for some in shown[2 * place :][:2])
        one.issues, one.issues_back = issues[2 * place :][:2]


def commits_shown(user: Any, brought: Sequence[Brought]) -> list[list[Commit]]:
    """Return the commits of each that a user may know of, the newest first; two queries.

    What they may not know of is taken out of `brought`. A commit of several repositories is told
    once.
    """
    wanted = {pk for one in brought for pk in one.commits}
    rows = Commit.objects.visible_to(user).filter(pk__in=wanted).select_related("repository")
    by_id = {row.pk: row for row in rows.defer("comments").order_by("-committed_at", "-pk")}
    pulls = {pk for one in brought for pk in one.pulls}
    known = set(
        PullRequest.objects.visible_to(user).filter(pk__in=pulls).values_list("pk", flat=True)
    )
    found = []
    for one in brought:
        mine = {by_id[pk].commit_id: by_id[pk] for pk in by_id if pk in one.commits}
        found.append(list(mine.values()))
        one.commits, one.pulls = {row.pk for row in mine.values()}, one.pulls & known
    return found
