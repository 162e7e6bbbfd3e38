"""What Jira is to show of executions: its deployments panel, or a link at each issue.

The panel where the site was given client credentials, else the link: never both of one execution,
but that a link which was made before they were given is told to its end.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q

from apps.codepipeline.models import Action, Execution
from apps.codepipeline.of_project import deploying
from apps.issues.meant import compound_prefixes, meant_of
from apps.issues.models import Issue
from apps.jira.panel import MOST_ISSUES
from apps.live.templatetags.live_tags import first_line, plain, word_of
from apps.mirror.models import Link
from apps.mirror.state import UNFINISHED, State
from apps.people.accounts import base_url
from apps.projects.models import Holding
from apps.sites.models import Site
from apps.source.mentions import JIRA

from .brought import brought
from .environments import environment_type
from .models import CLOUD, Channel, Results, Telling
from .want import LONGEST, Want, deploying_actions, fares, newest_of
from .ways import ROLLBACK

COMMITS = ("codecommit.commit", "github.commit")
PULLS = ("codecommit.pullrequest", "github.pullrequest")
# https://developer.atlassian.com/cloud/jira/software/rest/api-group-deployments/
STATES = {
    State.DONE: "successful",
    State.FAILED: "failed",
    State.STOPPED: "cancelled",
    State.WAITING: "pending",
    State.MOVING: "in_progress",
    State.UNKNOWN: "unknown",
}
# What a rollback may have taken back: so many deployments of its pipeline are looked at again.
MOST_BEFORE = 20


def wants(
    executions: Sequence[Execution], switched: Mapping[int, Sequence[Results]]
) -> Iterator[Want]:
    """Yield what Jira's sites are to show of executions.

    switched  pipeline's id -> what says that its projects tell, whose trackers have the issues.
    """
    named = _named(executions, switched)
    scopes = {issue.scope_id for issues in named.values() for issue in issues}
    panels = _panels(scopes)
    actions = deploying_actions(executions) if panels else {}
    begun = _links_before(executions, panels)
    over = _rolled_back(executions) if panels else frozenset[tuple[int, str]]()
    for one in executions:
        by_site: dict[int, list[Issue]] = defaultdict(list)
        for issue in named.get(one.pk, ()):
            by_site[issue.scope_id].append(issue)
        for scope, issues in by_site.items():
            for issue in issues:
                if scope not in panels or (one.pk, scope, issue.key) in begun:
                    shows = {"issue": issue.key, **_link_of(one)}
                    yield Want(one, scope, Channel.LINK, issue.key, shows)
            if scope in panels:
                yield from _deployments(one, scope, issues, actions.get(one.pk, ()), over)


def taken_back(execution_ids: Iterable[int]) -> list[int]:
    """Return the ids of executions that those of these which are rollbacks may have taken back."""
    rollbacks = Execution.objects.filter(
        pk__in=list(execution_ids), execution_type=ROLLBACK
    ).exclude(started_at=None)
    found: list[int] = []
    for pipeline, at in rollbacks.values_list("pipeline", "started_at"):
        told = Telling.objects.filter(
            channel=Channel.PANEL, pipeline=pipeline, execution__started_at__lt=at
        )
        newest = told.order_by("-execution__started_at").values_list("execution", flat=True)
        found += newest[:MOST_BEFORE]
    return found


def _panels(scopes: Iterable[int]) -> frozenset[int]:
    """Of these scopes, those whose deployments panel we were let in to."""
    sites = Site.objects.filter(scope__in=scopes, provider="jira", method=CLOUD)
    return frozenset(sites.exclude(client_id="").values_list("scope", flat=True))


def _links_before(
    executions: Sequence[Execution], panels: Iterable[int]
) -> frozenset[tuple[int, int, str]]:
    """(execution, scope, issue) of links that show an execution since there was no panel."""
    if not panels:
        return frozenset()
    told = Telling.objects.filter(
        channel=Channel.LINK, scope__in=panels, execution__in=[one.pk for one in executions]
    ).exclude(told_at=None)
    return frozenset(told.values_list("execution", "scope", "about"))


# --- The panel ------------------------------------------------------------------------------------


def _deployments(
    one: Execution,
    scope: int,
    issues: Sequence[Issue],
    actions: Sequence[Action],
    over: frozenset[tuple[int, str]],
) -> Iterator[Want]:
    """A deployment for each stage that brings something out, associated with all the issues."""
    for stage in deploying(one.pipeline):
        tried = [action for action in actions if action.stage == stage]
        if not tried:
            continue
        shows = {
            "issues": sorted({issue.key for issue in issues})[:MOST_ISSUES],
            **_deployment_of(one, stage, tried, rolled_back=(one.pk, stage) in over),
        }
        yield Want(one, scope, Channel.PANEL, f"{stage} by {one.key}", shows)


def _deployment_of(
    one: Execution, stage: str, tried: Sequence[Action], *, rolled_back: bool
) -> dict[str, Any]:
    """A deployment as Jira's API has it, but for its associations and the number of its update.

    Its sequence number is when the execution began: greater for whichever began later, however late
    it was read. The environment is the stage by its name, which pipelines share.
    """
    state = fares(one, stage, tried)
    began = one.started_at
    assert began is not None, "only executions that began are looked at"
    moved = [
        (action.started_at if action.state in UNFINISHED else action.last_update) or began
        for action in newest_of(tried)
    ]
    pipeline, url = one.pipeline, base_url()
    title = first_line(plain(one.summary)) or one.key
    return {
        "deploymentSequenceNumber": int(began.timestamp() * 1000),
        "displayName": f"{pipeline.key} {one.key[:8]}"[:LONGEST],
        "url": f"{url}{one.get_absolute_url()}",
        "description": title[:LONGEST],
        "lastUpdated": max(moved).isoformat(timespec="seconds"),
        "label": one.revision_id[:8],
        "state": "rolled_back" if rolled_back else STATES[state],
        "pipeline": {
            "id": pipeline.arn,
            "displayName": pipeline.key,
            "url": f"{url}{pipeline.get_absolute_url()}",
        },
        "environment": {
            "id": stage.lower(),
            "displayName": stage,
            "type": environment_type(stage, *(action.name for action in tried)),
        },
    }


def _rolled_back(executions: Sequence[Execution]) -> frozenset[tuple[int, str]]:
    """(execution, stage) of what a later execution took back: CodePipeline's rollback of a stage.

    It brings out again what an earlier one had; what was there until then was rolled back.
    """
    first = min(one.started_at for one in executions if one.started_at)
    rollbacks = Execution.objects.filter(
        pipeline__in={one.pipeline_id for one in executions},
        started_at__gt=first,
        execution_type=ROLLBACK,
    )
    pipelines = set(rollbacks.values_list("pipeline", flat=True))
    if not pipelines:
        return frozenset()
    rows = Action.objects.filter(
        execution__pipeline__in=pipelines, execution__started_at__gte=first, category="Deploy"
    ).order_by("execution__started_at", "execution", "pk")
    standing: dict[tuple[int, str], int] = {}
    found: set[tuple[int, str]] = set()
    told = rows.values_list(
        "execution__pipeline", "stage", "execution", "execution__execution_type", "state"
    )
    for pipeline, stage, execution, kind, state in told:
        before = standing.get((pipeline, stage))
        if before == execution:
            continue
        if kind != ROLLBACK:
            standing[pipeline, stage] = execution
        elif state == State.DONE and before is not None:
            found.add((before, stage))
            del standing[pipeline, stage]
    return frozenset(found)


# --- The link -------------------------------------------------------------------------------------


def _named(
    executions: Sequence[Execution], switched: Mapping[int, Sequence[Results]]
) -> dict[int, list[Issue]]:
    """The issues that what came with executions names, of trackers that their projects hold.

    By commits, and by the pull requests that brought these: by the key an issue has, or had before
    it was moved. In a number of queries that executions of one pipeline do not change.
    """
    came = brought(executions)
    keys = {
        kinds: _keys(kinds, {pk for one in came.values() for pk in getattr(one, what)})
        for kinds, what in ((COMMITS, "commits"), (PULLS, "pulls"))
    }
    found: dict[int, list[Issue]] = {}
    theirs: dict[int, Mapping[str, Sequence[Issue]]] = {}
    for one in executions:
        if one.pk not in came:
            continue
        if one.pipeline_id not in theirs:
            wanted = {key for some in keys.values() for names in some.values() for key in names}
            theirs[one.pipeline_id] = _issues(wanted, switched[one.pipeline_id])
        named = {
            key
            for kinds, ids in ((COMMITS, came[one.pk].commits), (PULLS, came[one.pk].pulls))
            for pk in ids
            for key in keys[kinds].get(pk, ())
        }
        issues = {row.pk: row for key in named for row in theirs[one.pipeline_id].get(key, ())}
        found[one.pk] = [issues[pk] for pk in sorted(issues)]
    return found


def _keys(kinds: Sequence[str], ids: Collection[int]) -> Mapping[int, Sequence[str]]:
    """The keys of Jira's issues that rows of these kinds name, by row."""
    found: dict[int, list[str]] = defaultdict(list)
    links = Link.objects.filter(from_kind__in=kinds, from_id__in=list(ids), to_kind=JIRA)
    for pk, key in links.values_list("from_id", "to_arn"):
        found[pk].append(key)
    prefixes = compound_prefixes() if found else ()
    return {pk: meant_of(some, prefixes) for pk, some in found.items()}


def _issues(keys: Collection[str], switched: Sequence[Results]) -> Mapping[str, Sequence[Issue]]:
    """The issues of these keys that projects hold, by key; also by one that they had before."""
    held = Holding.objects.shown().filter(kind="jira.tracker")
    own = held.filter(project__in=[row.project_id for row in switched if not row.by_itself])
    any_of = held.filter(project__in=[row.project_id for row in switched])
    rows = Issue.objects.filter(
        Q(tracker__in=own.values("row_id")) | Q(scope__site__managed=True),
        tracker__in=any_of.values("row_id"),
        scope__provider="jira",
        gone_at=None,
    ).only("pk", "key", "arn", "was", "scope_id")
    found: dict[str, list[Issue]] = defaultdict(list)
    for row in rows.filter(arn__in=keys):
        found[row.arn].append(row)
    # Few were ever moved.
    for row in rows.exclude(was=[]):
        for key in {str(one) for one in row.was} & set(keys) - {row.arn}:
            found[key].append(row)
    return found


def _link_of(one: Execution) -> dict[str, Any]:
    word = word_of(one.state, one.status)
    title = first_line(plain(one.summary))
    return {
        "global_id": f"codestar-dash:{one.pipeline.arn}",
        "url": f"{base_url()}{one.get_absolute_url()}",
        "title": f"{one.pipeline.key}: {word}"[:LONGEST],
        "summary": title[:LONGEST],
        "resolved": one.state not in UNFINISHED and one.state == State.DONE,
    }
