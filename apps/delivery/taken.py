"""What executions took of their sources: commits, by their ids and by what names them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import OuterRef, Subquery

from apps.codepipeline.models import LIST_COLUMNS, Action, Execution
from apps.mirror.models import Link

# What of an execution is not needed to tell what it took.
WIDE = tuple(name for name in LIST_COLUMNS if name != "revisions")


def revisions_of(one: Execution) -> tuple[str, ...]:
    """Return what an execution took of all its sources, the first one first."""
    told = [str(revision.get("id") or "") for revision in one.revisions]
    return tuple(dict.fromkeys(filter(None, (one.revision_id, *told))))


def sources_of(executions: Iterable[Execution]) -> Mapping[int, frozenset[str]]:
    """Return the ARNs of the commits that source actions took, by execution; in one query."""
    named = Link.objects.filter(
        from_kind="codepipeline.action", from_id=OuterRef("pk"), relation="takes"
    )
    rows = Action.objects.filter(execution__in=[one.pk for one in executions], category="Source")
    found: dict[int, set[str]] = defaultdict(set)
    told = rows.order_by().annotate(took=Subquery(named.values("to_arn")[:1]))
    for execution, arn in told.values_list("execution", "took"):
        if arn:
            found[execution].add(arn)
    return {pk: frozenset(arns) for pk, arns in found.items()}


def commits_of(executions: Iterable[Execution]) -> Mapping[int, frozenset[str]]:
    """Return the ids of the commits that executions took, by execution; in one query.

    A rollback has no source action, and may be told without revisions: it runs with what the
    execution that it brings back ran with. Where there is one, in two queries.
    """
    some = list(executions)
    brought_back = _brought_back(some)
    named = sources_of([*some, *brought_back.values()])
    return {one.pk: _took(brought_back.get(one.pk, one), named) for one in some}


def _took(one: Execution, named: Mapping[int, frozenset[str]]) -> frozenset[str]:
    arns = named.get(one.pk, frozenset())
    return frozenset([*revisions_of(one), *(arn.rpartition("#")[2] for arn in arns)])


def _brought_back(executions: Iterable[Execution]) -> Mapping[int, Execution]:
    """The executions that rollbacks among these bring back, by the rollback's id."""
    wanted = {one.pk: (one.pipeline_id, one.rollback_of) for one in executions if one.rollback_of}
    if not wanted:
        return {}
    rows = Execution.objects.filter(
        pipeline__in={pipeline for pipeline, _ in wanted.values()},
        key__in={key for _, key in wanted.values()},
    )
    found = {(row.pipeline_id, row.key): row for row in rows.defer(*WIDE)}
    return {pk: found[name] for pk, name in wanted.items() if name in found}
