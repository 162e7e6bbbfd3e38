"""What comes of a deed on a pipeline: the execution that it began, and what is read again."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from apps.deeds.acts import Done, Untold
from apps.mirror.resource import Names

from .models import Action, Execution, Pipeline, Stage

if TYPE_CHECKING:
    from apps.deeds.models import Deed


def made(execution: str, told: str, request: str = "") -> Done:
    """Return what came of it, by the execution's id."""
    return Done(
        request=request,
        kind="codepipeline.execution",
        key=execution,
        name=f"Execution {execution[:8]}",
        told=told,
    )


def begun_by_us(executions: Sequence[str]) -> Untold | None:
    """Return what is told of executions that our credentials began, maybe for somebody else."""
    if not executions:
        return None
    verb = "has" if len(executions) == 1 else "have"
    told = ", ".join(f"Execution {one[:8]}" for one in executions)
    return Untold(f"{told} {verb} begun since, by this account's credentials")


def rereading(*children: str) -> "Callable[[Deed, Any], Iterable[Names]]":
    """Name these children of the pipeline that a row is or belongs to: "stage", "execution"."""

    def names(_deed: "Deed", row: Any) -> Iterable[Names]:
        parent = _pipeline_of(row).key
        return [Names(kind=f"codepipeline.{child}", parent=parent) for child in children]

    return names


def _pipeline_of(row: Pipeline | Stage | Execution | Action) -> Pipeline:
    if isinstance(row, Pipeline):
        return row
    return row.execution.pipeline if isinstance(row, Action) else row.pipeline
