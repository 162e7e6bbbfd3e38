"""Works out what sites are to show of executions, and notes it; tells nobody."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from apps.codepipeline.models import LIST_COLUMNS, Action, Execution
from apps.codepipeline.of_project import deploying
from apps.issues.models import Issue
from apps.live.templatetags.live_tags import first_line, plain, word_of
from apps.mirror.models import Link
from apps.mirror.state import UNFINISHED, State
from apps.people.accounts import base_url
from apps.projects.models import Holding
from apps.source.models import Commit

from .models import Channel, Results, Telling

PIPELINE = "codepipeline.pipeline"
# As GitHub shows a status: https://docs.github.com/en/rest/commits/statuses
STATUSES = {
    State.DONE: "success",
    State.FAILED: "failure",
    State.STOPPED: "error",
    State.UNKNOWN: "error",
}
DEPLOYED = {
    State.DONE: "success",
    State.FAILED: "failure",
    State.STOPPED: "inactive",
    State.UNKNOWN: "error",
    State.WAITING: "queued",
}
LONGEST = 140
# Commits that an execution brings, since the one before it, in which issues are looked for.
MOST_COMMITS = 200


@dataclass(frozen=True, slots=True)
class Want:
    """What one site is to show."""

    execution: Execution
    scope_id: int
    channel: Channel
    about: str
    shows: Mapping[str, Any]


def note(execution_ids: Iterable[int]) -> int:
    """Note what is wanted of these executions, in projects that tell; return how many changed."""
    found = Execution.objects.filter(pk__in=list(execution_ids)).exclude(started_at=None)
    executions = list(
        found.select_related("pipeline__scope").defer(*LIST_COLUMNS).order_by("started_at", "pk")
    )
    told = _told_by(executions)
    wants = [
        *_statuses([one for one in executions if told[one.pipeline_id].github]),
        *_links([one for one in executions if told[one.pipeline_id].jira], told),
    ]
    return sum(_keep(want) for want in wants)


@dataclass(slots=True)
class _Telling:
    """Which of its results a pipeline's projects tell, and which these projects are."""

    github: bool = False
    jira: bool = False
    projects: tuple[int, ...] = ()


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
        telling.github = telling.github or one.github
        if one.jira:
            telling.jira = True
            telling.projects = (*telling.projects, project)
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


# --- GitHub ---------------------------------------------------------------------------------------


def _statuses(executions: Sequence[Execution]) -> Iterable[Want]:
    """A status of the commit, and a deployment for each stage that brings it out."""
    ids = {one.revision_id for one in executions if one.revision_id}
    commits = Commit.objects.filter(
        commit_id__in=ids, scope__provider="github", scope__parked=False
    ).select_related("repository")
    by_id: dict[str, list[Commit]] = defaultdict(list)
    for commit in commits.defer("comments"):
        by_id[commit.commit_id].append(commit)
    actions = _actions([one for one in executions if one.revision_id in by_id])
    for one in executions:
        for commit in by_id.get(one.revision_id, ()):
            place = f"{commit.repository.key}@{commit.commit_id}"
            about = {"repository": commit.repository.key, "commit": commit.commit_id}
            yield Want(one, commit.scope_id, Channel.STATUS, place, {**about, **_status_of(one)})
            for stage in deploying(one.pipeline):
                tried = [action for action in actions.get(one.pk, ()) if action.stage == stage]
                if tried:
                    shows = {**about, "environment": stage, **_deployment_of(one, tried)}
                    name = f"{place} {stage}"
                    yield Want(one, commit.scope_id, Channel.DEPLOYMENT, name, shows)


def _actions(executions: Sequence[Execution]) -> Mapping[int, Sequence[Action]]:
    found: dict[int, list[Action]] = defaultdict(list)
    rows = Action.objects.filter(execution__in=[one.pk for one in executions], category="Deploy")
    for row in rows.defer("configuration", "output_variables").order_by("started_at", "pk"):
        found[row.execution_id].append(row)
    return found


def _status_of(one: Execution) -> dict[str, Any]:
    state = State(one.state) if one.state else State.UNKNOWN
    return {
        "state": STATUSES.get(state, "pending"),
        "context": f"codestar-dash/{one.pipeline.key}",
        "description": word_of(one.state, one.status)[:LONGEST],
        "target_url": f"{base_url()}{one.get_absolute_url()}",
    }


def _deployment_of(one: Execution, tried: Sequence[Action]) -> dict[str, Any]:
    """How a stage's deployment fares: as the newest of each action, the gravest of them."""
    newest = {action.name: action for action in tried}
    states = {State(action.state) if action.state else State.UNKNOWN for action in newest.values()}
    order = (State.FAILED, State.WAITING, State.MOVING, State.STOPPED, State.UNKNOWN, State.DONE)
    state = next(state for state in order if state in states)
    return {
        "state": DEPLOYED.get(state, "in_progress"),
        "execution": one.key,
        "description": f"{one.pipeline.key}: {word_of(state)}"[:LONGEST],
        "log_url": f"{base_url()}{one.get_absolute_url()}",
    }


# --- Jira -----------------------------------------------------------------------------------------


def _links(executions: Sequence[Execution], told: Mapping[int, _Telling]) -> Iterable[Want]:
    """A link at each issue that a commit of the execution names, which says how far it is."""
    for one in executions:
        if not one.revision_id:
            continue
        for issue in _issues_of(one, told[one.pipeline_id].projects):
            shows = {"issue": issue.key, **_link_of(one)}
            yield Want(one, issue.scope_id, Channel.LINK, issue.key, shows)


def _issues_of(one: Execution, projects: Sequence[int]) -> list[Issue]:
    """The issues that an execution's commits name, of trackers that its projects hold."""
    commits = _brought(one)
    links = Link.objects.filter(
        from_kind__in=("codecommit.commit", "github.commit"),
        from_id__in=commits,
        to_kind="jira.issue",
    )
    held = Holding.objects.shown().filter(kind="jira.tracker", project__in=projects)
    rows = Issue.objects.filter(
        arn__in=links.values("to_arn"),
        tracker__in=held.values("row_id"),
        scope__provider="jira",
        gone_at=None,
    )
    return list(rows.only("pk", "key", "scope_id").order_by("pk"))


def _brought(one: Execution) -> list[int]:
    """The ids of the commits that came with an execution: since what the ones before it took."""
    heads = Commit.objects.filter(commit_id=one.revision_id, scope__parked=False)
    repositories = {commit.repository_id: commit for commit in heads.defer("comments")}
    rows = Commit.objects.filter(repository__in=repositories).order_by("-committed_at", "-pk")
    known = {
        (repository, commit): (pk, parents)
        for pk, repository, commit, parents in rows.values_list(
            "pk", "repository", "commit_id", "parents"
        )[: 5 * MOST_COMMITS]
    }
    before = Execution.objects.filter(
        pipeline=one.pipeline_id, started_at__lt=one.started_at, state=State.DONE
    )
    taken = set(
        before.order_by("-started_at").values_list("revision_id", flat=True)[:MOST_COMMITS]
    ) - {one.revision_id}
    found: list[int] = []
    for repository in repositories:
        ahead, seen = [one.revision_id], set(taken)
        while ahead and len(found) < MOST_COMMITS:
            commit = ahead.pop(0)
            if commit in seen or (repository, commit) not in known:
                continue
            seen.add(commit)
            pk, parents = known[repository, commit]
            found.append(pk)
            ahead += parents
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
