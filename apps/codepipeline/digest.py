"""What follows from children for their parents: the columns of lists, and why something failed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import OuterRef, Subquery

from apps.mirror.links import explain_then, links_of, resolve, same_account, unexplained
from apps.mirror.state import State, failing_since, urgency_of

from .board import in_words, own_error
from .models import Action, Execution, Pipeline, Stage

# How far back "failing since" looks.
LOOK_BACK = 50


def pipelines(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return the denormalised columns of pipelines, from their newest executions and stages."""
    # PARALLEL pipelines tell nothing in their stages, others not at once in their executions.
    waiting = {pipeline for (pipeline,) in _waiting(Stage, ids).union(_waiting(Execution, ids))}
    newest = (
        # Postgres would put those without a start first, SQLite last.
        Execution.objects.filter(pipeline=OuterRef("pk"), gone_at=None, started_at__isnull=False)
        .order_by("-started_at", "-pk")
        .values("pk")[:1]
    )
    by_pipeline = dict(
        Pipeline.objects.filter(pk__in=ids)
        .annotate(newest=Subquery(newest))
        .exclude(newest=None)
        .values_list("pk", "newest")
    )
    latest = {
        row["pk"]: row
        for row in Execution.objects.filter(pk__in=list(by_pipeline.values())).values(
            "pk", "status", "state", "started_at"
        )
    }
    return {
        pk: _pipeline(pk, latest[execution], waiting=pk in waiting)
        for pk, execution in by_pipeline.items()
        if execution in latest
    }


def _waiting(model: type[Stage | Execution], ids: Sequence[int]) -> Any:
    rows = model.objects.filter(pipeline__in=ids, state=State.WAITING, gone_at=None)
    return rows.order_by().values_list("pipeline")


def _pipeline(pk: int, latest: Mapping[str, Any], *, waiting: bool) -> dict[str, Any]:
    state = latest["state"]
    if waiting and state != State.FAILED:
        # Also where the newest is out: an earlier one that runs beside it still needs a person.
        state = State.WAITING
    return {
        "latest_execution_id": latest["pk"],
        "latest_started_at": latest["started_at"],
        "status": latest["status"],
        "state": state,
        # Most work, and need no look at what was before.
        "failing_since": None if latest["state"] == State.DONE else _failing_since(pk),
        "urgency": urgency_of(state),
    }


def _failing_since(pk: int) -> Any:
    """Return when the first of the newest executions since the last good one failed."""
    newest = Execution.objects.filter(pipeline=pk, gone_at=None, started_at__isnull=False)
    told = newest.order_by("-started_at", "-pk").values_list("state", "started_at")
    return failing_since(told[:LOOK_BACK])


def executions(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return what the actions tell of executions: whether they wait for a person, and the authors.

    CodePipeline names no author; a source action through a connection does, in its variables.
    """
    by_execution: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    told = Action.objects.filter(execution__in=ids).order_by("pk")
    for action in told.values("execution_id", "name", "state", "category", "output_variables"):
        by_execution[action["execution_id"]].append(action)
    rows = Execution.objects.filter(pk__in=ids).only("state", "author", "authors", "revisions")
    return {row.pk: _execution(row, by_execution[row.pk]) for row in rows}


def _execution(row: Execution, actions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    told = {
        action["name"]: author[:255]
        for action in actions
        if action["category"] == "Source" and (author := _author(action["output_variables"]))
    }
    authors = {**row.authors, **told}
    first = next((str(revision.get("action")) for revision in row.revisions), "")
    # Not the last of `authors`: databases keep their order or do not.
    shown = authors.get(first) or next(reversed(told.values()), row.author)
    values: dict[str, Any] = {"author": shown, "authors": authors}
    if row.state in (State.MOVING, State.WAITING):
        waits = any(action["state"] == State.WAITING for action in actions)
        values["state"] = State.WAITING.value if waits else State.MOVING.value
    return values


def _author(said: Mapping[str, str]) -> str:
    """Return whom a source action names, by name before by number or address."""
    names = ("AuthorDisplayName", "AuthorName", "AuthorId", "AuthorEmail")
    return next((said[name] for name in names if said.get(name)), "")


def why_action(action: Action) -> str:
    """Return why an action failed: what it ran says it best, else its own error.

    What it ran in another account says nothing here: who reads this may not know that account.
    """
    if action.state != State.FAILED:
        return ""
    for link in links_of("codepipeline.action", [action.pk]).get(action.pk, []):
        if link.relation == "runs":
            for row in resolve(link.to_kind, [link.to_arn]).values():
                same = same_account(row.scope, action.scope)
                since, until = action.started_at, action.last_update
                if same and (told := explain_then(link.to_kind, row, since, until)):
                    return told
                if same and (unread := unexplained(link.to_kind, row, since, until)):
                    return "\n".join(filter(None, (own_error(action), unread)))
    return own_error(action)


def last_tries(actions: Iterable[Action]) -> list[Action]:
    """Return actions without the tries that a retry came after; `actions` in the order they ran."""
    return list({(action.stage, action.name): action for action in actions}.values())


def why_execution(execution: Execution) -> str:
    """Return why an execution failed: the reason of its first action that failed for good."""
    if execution.state != State.FAILED:
        return ""
    first = first_failure(execution.actions.order_by("started_at", "pk"))
    if first is not None:
        return told_failure(first, why_action(first))
    return execution.status_summary or unmet([execution]).get(execution.pk, "")


def unmet(executions: Iterable[Execution]) -> dict[int, str]:
    """Return why executions failed of which no action did, as far as AWS tells: {id: sentence}.

    executions  with their pipelines; one query for all.
    The definition says what a stage was to meet; which of it was not, no answer here says.
    """
    by_key = {(one.pipeline_id, one.key): one for one in executions}
    rows = Stage.objects.filter(
        pipeline__in={pipeline for pipeline, _ in by_key},
        execution_id__in={key for _, key in by_key},
        state=State.FAILED,
    )
    told = {}
    for pipeline, key, name in rows.values_list("pipeline", "execution_id", "name"):
        execution = by_key.get((pipeline, key))
        stages = execution.pipeline.definition if execution is not None else ()
        rules = next((one.get("rules") for one in stages if one.get("name") == name), None)
        if execution is not None and rules:
            named = ", ".join(in_words(one) for one in rules)
            told[execution.pk] = (
                f"{name}: no action failed; a condition of the stage was not met: {named}."
            )
    return told


def first_failure(actions: Iterable[Action]) -> Action | None:
    """Return the first action that failed for good; `actions` in the order they ran."""
    failed = [action for action in last_tries(actions) if action.state == State.FAILED]
    in_order = sorted(failed, key=lambda action: (str(action.last_update or "9"), action.pk))
    return next(iter(in_order), None)


def told_failure(action: Action, why: str) -> str:
    """Return why an execution failed of which this is the first failure."""
    return f"{action.stage} / {action.name}: {why}"


def why_pipeline(pipeline: Pipeline) -> str:
    """Return why the newest execution failed."""
    return why_execution(pipeline.latest_execution) if pipeline.latest_execution else ""
