"""What GitHub is to show of executions: a status of the commit, a deployment for each stage.

At repositories of the projects that tell, and at those that a pipeline takes by their name. The
same commit may stand in forks and mirrors of others: those are left alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.codepipeline.models import Action, Execution
from apps.codepipeline.of_project import deploying
from apps.live.templatetags.live_tags import word_of
from apps.mirror.state import State
from apps.people.accounts import base_url
from apps.projects.models import Holding
from apps.source.models import Commit

from .environments import environment_type
from .models import Channel
from .taken import revisions_of, sources_of
from .want import LONGEST, Want, deploying_actions, fares

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


def wants(
    executions: Sequence[Execution], projects: Mapping[int, frozenset[int]]
) -> Iterator[Want]:
    """Yield what GitHub is to show of executions.

    projects  pipeline's id -> the ids of its projects that tell.
    """
    commits = _commits(executions, projects)
    actions = deploying_actions([one for one in executions if one.pk in commits])
    for one in executions:
        for commit in commits.get(one.pk, ()):
            place = f"{commit.repository.key}@{commit.commit_id}"
            about = {"repository": commit.repository.key, "commit": commit.commit_id}
            yield Want(one, commit.scope_id, Channel.STATUS, place, {**about, **_status_of(one)})
            for stage in deploying(one.pipeline):
                tried = [action for action in actions.get(one.pk, ()) if action.stage == stage]
                if tried:
                    shows = {**about, "environment": stage, **_deployment_of(one, tried)}
                    # One for each run: whoever brings an old commit out again deploys it anew.
                    name = f"{place} {stage} by {one.key}"
                    yield Want(one, commit.scope_id, Channel.DEPLOYMENT, name, shows)


def _commits(
    executions: Sequence[Execution], projects: Mapping[int, frozenset[int]]
) -> dict[int, list[Commit]]:
    """The commits at GitHub that executions took, by execution, as far as we tell of them."""
    ids = {commit for one in executions for commit in revisions_of(one)}
    by_id: dict[str, list[Commit]] = defaultdict(list)
    rows = Commit.objects.filter(
        commit_id__in=ids, scope__provider="github", scope__parked=False
    ).select_related("repository")
    for commit in rows.defer("comments").order_by("pk"):
        by_id[commit.commit_id].append(commit)
    if not by_id:
        return {}
    telling = {project for some in projects.values() for project in some}
    held = set(
        Holding.objects.shown()
        .filter(kind="github.repository", project__in=telling)
        .values_list("project", "row_id")
    )
    taken = sources_of(executions)
    found: dict[int, list[Commit]] = defaultdict(list)
    for one in executions:
        mine = projects.get(one.pipeline_id, frozenset())
        named = taken.get(one.pk, frozenset())
        for commit_id in revisions_of(one):
            rows_of_it = by_id.get(commit_id, [])
            by_name = [commit for commit in rows_of_it if commit.arn in named]
            for commit in rows_of_it:
                own = any((project, commit.repository_id) in held for project in mine)
                # A name says nothing of the host: one that two hosts have is neither's.
                if own or (commit in by_name and len(by_name) == 1):
                    found[one.pk].append(commit)
    return found


def _status_of(one: Execution) -> dict[str, Any]:
    state = State(one.state) if one.state else State.UNKNOWN
    scope = one.pipeline.scope
    return {
        "state": STATUSES.get(state, "pending"),
        # Pipelines of several accounts and regions may be called the same.
        "context": f"codestar-dash/{one.pipeline.key} ({scope.account} {scope.region})",
        "description": word_of(one.state, one.status)[:LONGEST],
        "target_url": f"{base_url()}{one.get_absolute_url()}",
    }


def _deployment_of(one: Execution, tried: Sequence[Action]) -> dict[str, Any]:
    """How a stage's deployment fares."""
    stage = tried[-1].stage
    state = fares(one, stage, tried)
    return {
        "state": DEPLOYED.get(state, "in_progress"),
        "execution": one.key,
        "production": environment_type(stage, *(act.name for act in tried)) == "production",
        "description": f"{one.pipeline.key}: {word_of(state)}"[:LONGEST],
        "log_url": f"{base_url()}{one.get_absolute_url()}",
    }
