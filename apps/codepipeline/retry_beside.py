"""Runs a stage of one execution once more where executions run side by side (PARALLEL).

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RetryStageExecution.html
There no stage has one state: what failed is told by the execution's own actions.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django import forms

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.deeds.forms import ActForm
from apps.mirror.state import State

from .acceptable import PARALLEL
from .begun import rereading
from .digest import last_tries
from .models import Execution
from .retry import AGAIN, ALL, FAILED, RETRYABLE
from .stop import status_of

if TYPE_CHECKING:
    from apps.deeds.models import Deed

BROKEN = (State.FAILED, State.STOPPED)


def _broken(execution: Execution) -> list[str]:
    """The stages in which an action failed or was stopped, by its last try, in order."""
    actions = execution.actions.order_by("started_at", "pk")
    return list(dict.fromkeys(one.stage for one in last_tries(actions) if one.state in BROKEN))


class RetryForm(ActForm):
    """Which stage, and what of it."""

    stage = forms.ChoiceField(
        label="Stage",
        error_messages={
            "required": "Choose the stage that runs again.",
            "invalid_choice": "Nothing failed in that stage, as far as was read. Choose another.",
        },
    )
    mode = forms.ChoiceField(
        label="What of it",
        choices=[
            (FAILED, "Only the actions that failed"),
            (ALL, "All of its actions, those too that succeeded"),
        ],
        initial=FAILED,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what is to run again."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["stage"]
        field.choices = [(name, name) for name in _broken(self.row)]
        field.initial = next((name for name, _ in field.choices), None)
        if not field.choices:
            field.help_text = "No stage is known in which something failed."


def _effect(execution: Execution, meant: Mapping[str, Any]) -> Iterator[str]:
    stage = meant.get("stage") or "the stage"
    if meant.get("mode") == ALL:
        yield f"All actions of {stage} run again, in the same execution: those too that succeeded."
    else:
        yield f"In {stage}, what failed runs again, and what comes after it, in the same execution."
    yield f"The other executions of {execution.pipeline.key} go on beside it."


def _judges(reach: Reach, _deed: "Deed", execution: Execution) -> Moved | Done | None:
    status = status_of(reach, execution)
    if status in RETRYABLE:
        return None
    return Moved(f"The execution is {status} by now: somebody retried it meanwhile.")


def _sends(reach: Reach, deed: "Deed", execution: Execution) -> Done:
    answer = reach.call(
        "codepipeline:RetryStageExecution",
        pipelineName=execution.pipeline.key,
        stageName=deed.said["stage"],
        pipelineExecutionId=execution.key,
        retryMode=deed.said["mode"],
    )
    return Done(request=request_of(answer), told=AGAIN)


def _finds(reach: Reach, deed: "Deed", execution: Execution) -> Untold | None:
    """Whether an action of the stage began since, or the execution is under way again."""
    begun = deed.since
    pages = reach.pages(
        "codepipeline:ListActionExecutions",
        pipelineName=execution.pipeline.key,
        filter={"pipelineExecutionId": execution.key},
    )
    again = any(
        one["stageName"] == deed.said["stage"] and one["startTime"] > begun
        for page in pages
        for one in page["actionExecutionDetails"]
    )
    if again or status_of(reach, execution) not in RETRYABLE:
        return Untold("The stage runs again")
    return None


def _offered(execution: Execution) -> str | None:
    beside = execution.execution_mode == PARALLEL and execution.gone_at is None
    return "" if beside and execution.status in RETRYABLE else None


ACTS.add(
    Act(
        name="codepipeline.retry_beside",
        kind="codepipeline.execution",
        label="Retry stage (parallel)",
        group="Pipelines",
        icon="rotate-cw",
        told="retried {what}",
        calls=("codepipeline:RetryStageExecution",),
        offered=_offered,
        form=RetryForm,
        effect=_effect,
        seen=lambda execution: {"status": execution.status},
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds),
        reread=rereading("execution", "action"),
    )
)
