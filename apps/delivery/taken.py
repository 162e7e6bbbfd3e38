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
    """Return the ids of the commits that executions took, by execution; in one query."""
    some = list(executions)
    named = sources_of(some)
    return {
        one.pk: frozenset(
            [*revisions_of(one), *(arn.rpartition("#")[2] for arn in named.get(one.pk, ()))]
        )
        for one in some
    }
