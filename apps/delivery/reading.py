"""Reads what ways are put together from: a number of queries that rows do not change."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber

from apps.codepipeline.board import EXECUTION_ID
from apps.codepipeline.models import Action, Execution, Stage
from apps.codepipeline.of_project import DEPLOYS, deploying
from apps.issues.meant import Meant
from apps.mirror.links import by_name, explain_then, named, url_of
from apps.mirror.models import Link
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from apps.source.models import Branch, Commit, PullRequest

from .environments import IDLE, goal_of
from .taken import WIDE, commits_of
from .ways import Found, Ran

COMMITS = ("codecommit.commit", "github.commit")
PULLS = ("codecommit.pullrequest", "github.pullrequest")
BRANCHES = ("codecommit.branch", "github.branch")
PIPELINE_WIDE = ("artifact_stores", "triggers", "variables", "tags")
# Pipelines that are followed at once, and runs of each: the first that contain a change, and the
# newest.
MOST_PIPELINES, FIRST_RUNS, NEWEST_RUNS = 30, 5, 3
STANDING = ("execution", "stage", "last_update")
# Of a change after which so many came, the nearest are looked for in executions.
MOST_COMMITS = 800


def executions_of(user: Any, commits: Sequence[str], arns: Sequence[str]) -> list[Execution]:
    """Return executions that took one of these commits, the first and the newest of each pipeline.

    commits  ids, nearest first.   arns  of those that are mirrored: an execution's second source
             is named by a link alone.
    """
    links = Link.objects.filter(
        from_kind="codepipeline.action",
        relation="takes",
        to_kind__in=COMMITS,
        to_arn__in=arns[:MOST_COMMITS],
    )
    by_link = Action.objects.filter(pk__in=links.values("from_id")).values("execution")
    took = Q(revision_id__in=commits[:MOST_COMMITS]) | Q(pk__in=by_link)
    rows = Execution.objects.visible_to(user).filter(took).exclude(started_at=None)
    order = [F("started_at").asc(), F("pk").asc()]
    back = [F("started_at").desc(), F("pk").desc()]
    placed = rows.annotate(
        first=Window(RowNumber(), partition_by=F("pipeline"), order_by=order),
        newest=Window(RowNumber(), partition_by=F("pipeline"), order_by=back),
    ).filter(Q(first__lte=FIRST_RUNS) | Q(newest__lte=NEWEST_RUNS))
    wide = [f"pipeline__{name}" for name in PIPELINE_WIDE]
    found = placed.select_related("pipeline__scope", "scope").defer(*WIDE, *wide)
    return list(found.order_by("started_at", "pk"))


def by_pipeline(executions: Iterable[Execution]) -> tuple[dict[int, list[Execution]], int]:
    """Group executions by pipeline: those that took a change first; and how many others did."""
    found: dict[int, list[Execution]] = defaultdict(list)
    for one in executions:
        found[one.pipeline_id].append(one)
    return dict(islice(found.items(), MOST_PIPELINES)), max(0, len(found) - MOST_PIPELINES)


def read(user: Any, runs: Mapping[int, Sequence[Execution]]) -> Found:
    """Read stages, actions, what these started and what stands in each stage now."""
    stands, since = standing(user, runs)
    # What stands there may be none of the first runs, nor of the newest.
    every = list(
        {
            one.pk: one
            for one in (*(one for some in runs.values() for one in some), *stands.values())
        }.values()
    )
    stages: dict[int, list[Stage]] = defaultdict(list)
    for stage in Stage.objects.filter(pipeline__in=runs, gone_at=None).order_by("position", "pk"):
        stages[stage.pipeline_id].append(stage)
    actions: dict[int, list[Action]] = defaultdict(list)
    rows = Action.objects.filter(execution__in=[one.pk for one in every])
    for action in rows.defer("configuration", "output_variables").order_by("started_at", "pk"):
        actions[action.execution_id].append(action)
    return Found(
        stages=stages,
        actions=actions,
        ran=what_ran(user, [one for some in actions.values() for one in some]),
        standing=stands,
        standing_since=since,
        over=_over(user, every),
        took=commits_of(every),
    )


def taken_repositories(user: Any, repositories: Collection[int]) -> set[int]:
    """Return those of these repositories of which some execution took a commit."""
    runs = Execution.objects.visible_to(user).filter(revision_id=OuterRef("commit_id"))
    links = Link.objects.filter(
        from_kind="codepipeline.action",
        relation="takes",
        to_kind__in=COMMITS,
        to_arn=OuterRef("arn"),
    )
    seen = Action.objects.visible_to(user).filter(pk=OuterRef("from_id"))
    rows = Commit.objects.filter(
        Exists(runs) | Exists(links.filter(Exists(seen))), repository__in=repositories
    )
    return set(rows.order_by().values_list("repository", flat=True).distinct())


def standing(
    user: Any, runs: Mapping[int, Sequence[Execution]]
) -> tuple[dict[tuple[int, str], Execution], dict[tuple[int, str], datetime]]:
    """Return the newest execution that brought something out, by pipeline and stage, and when.

    However long ago: an older change of an issue is asked for, too.
    """
    out = Q(category=DEPLOYS)
    for one in (some[0].pipeline for some in runs.values()):
        aim = goal_of(one.key, one.definition)
        if aim is not None and aim.stage not in deploying(one):
            # Brought out by something else than a deployment.
            out |= Q(execution__pipeline=one.pk, stage=aim.stage) & ~Q(category__in=IDLE)
    deployed = Action.objects.filter(out, execution__pipeline__in=runs, state=State.DONE)
    newest = Window(
        RowNumber(),
        partition_by=[F("execution__pipeline"), F("stage")],
        order_by=[F("last_update").desc(), F("pk").desc()],
    )
    rows = deployed.annotate(place=newest).filter(place=1)
    places = {(execution, stage): at for execution, stage, at in rows.values_list(*STANDING) if at}
    wanted = {execution for execution, _ in places}
    found = Execution.objects.visible_to(user).filter(pk__in=wanted).defer(*WIDE)
    by_id = {one.pk: one for one in found}
    seen = {
        (by_id[execution].pipeline_id, stage): (by_id[execution], at)
        for (execution, stage), at in places.items()
        if execution in by_id
    }
    return {name: one for name, (one, _) in seen.items()}, {
        name: at for name, (_, at) in seen.items()
    }


def _over(user: Any, runs: Sequence[Execution]) -> dict[int, Execution]:
    """The executions that superseded some of these."""
    said = {
        one.pk: (one.pipeline_id, told[0])
        for one in runs
        if one.status == "Superseded" and (told := EXECUTION_ID.search(one.status_summary))
    }
    rows = Execution.objects.visible_to(user).filter(
        pipeline__in={pipeline for pipeline, _ in said.values()},
        key__in={key for _, key in said.values()},
    )
    found = {(one.pipeline_id, one.key): one for one in rows.defer(*WIDE)}
    return {pk: found[name] for pk, name in said.items() if name in found}


def what_ran(user: Any, actions: Sequence[Action]) -> dict[int, Ran]:
    """Return what actions started, by their ids, as the user may see it; a query a kind."""
    by_id = {one.pk: one for one in actions}
    links = list(
        Link.objects.filter(
            from_kind="codepipeline.action", from_id__in=by_id, relation="runs"
        ).order_by("pk")
    )
    arns: dict[str, set[str]] = defaultdict(set)
    for link in links:
        arns[link.to_kind].add(link.to_arn)
    rows: dict[tuple[str, str], Any] = {}
    for kind, wanted in sorted(arns.items()):
        resource = REGISTER.by_kind.get(kind)
        if resource is not None:
            manager: Any = resource.model._default_manager
            seen = manager.visible_to(user).select_related("scope").filter(named(wanted))
            rows |= {(kind, arn): row for arn, row in by_name(seen, wanted).items()}
    found: dict[int, Ran] = {}
    for link in links:
        row = rows.get((link.to_kind, link.to_arn))
        if row is None or link.from_id in found:
            continue
        action = by_id[link.from_id]
        found[link.from_id] = Ran(
            kind=link.to_kind,
            row=row,
            label=str(row),
            url=url_of(link.to_kind, row),
            state=row.state,
            status=row.status,
            strip=getattr(row, "strip", ()) or (),
            why=explain_then(link.to_kind, row, action.started_at, action.last_update),
        )
    return found


def commits_named(user: Any, issue: Meant) -> list[Commit]:
    """Return the commits that name an issue, the newest first, each once."""
    links = issue.links(Link.objects.filter(from_kind__in=COMMITS))
    rows = Commit.objects.visible_to(user).filter(pk__in=links.values("from_id"))
    found = issue.written(rows).select_related("repository", "scope").defer("comments")
    return list(found.order_by("-committed_at", "-pk"))


def heads_named(user: Any, issue: Meant, *, but: Collection[int]) -> list[Commit]:
    """Return the heads of branches whose names name an issue, without some commits."""
    links = issue.links(Link.objects.filter(from_kind__in=BRANCHES))
    branches = Branch.objects.visible_to(user).filter(pk__in=links.values("from_id"), gone_at=None)
    rows = issue.written(Commit.objects.visible_to(user).exclude(pk__in=but))
    of_branch = branches.filter(repository=OuterRef("repository"), commit_id=OuterRef("commit_id"))
    found = rows.filter(Exists(of_branch), commit_id__in=branches.values("commit_id"))
    return list(found.select_related("repository", "scope").defer("comments").order_by("pk"))


def pulls_named(user: Any, issue: Meant) -> list[PullRequest]:
    """Return the pull requests that name an issue, the oldest first."""
    links = issue.links(Link.objects.filter(from_kind__in=PULLS))
    rows = PullRequest.objects.visible_to(user).filter(pk__in=links.values("from_id"))
    found = issue.written(rows).select_related("repository", "scope")
    return list(found.defer("description", "comments").order_by("created", "pk"))
