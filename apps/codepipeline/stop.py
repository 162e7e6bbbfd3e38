"""Stops an execution: lets its running actions finish, or abandons them.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StopPipelineExecution.html
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django import forms

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.deeds.forms import ActForm
from apps.deeds.signature import bears, signed
from apps.mirror.masking import masked
from apps.mirror.state import UNFINISHED

from .begun import rereading
from .models import Execution

if TYPE_CHECKING:
    from apps.deeds.models import Deed

LONGEST_REASON = 200
WAIT, ABANDON = "wait", "abandon"


class StopForm(ActForm):
    """How it is stopped."""

    how = forms.ChoiceField(
        label="How",
        choices=[
            (WAIT, "Stop and wait: what runs now finishes first"),
            (ABANDON, "Stop and abandon: what runs now is left to itself"),
        ],
        initial=WAIT,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how it is to be stopped."},
    )


def _effect(execution: Execution, meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"Execution {execution.key[:8]} of {execution.pipeline.key} begins nothing more."
    if meant.get("how") == ABANDON:
        yield (
            "Actions that run now are abandoned: AWS does not undo what they did, and what they "
            "started (a build, a deployment) may go on by itself."
        )
    else:
        yield "Actions that run now finish first, then it stops."
    yield "A stage that was stopped can be retried."


def _summary_of(reach: Reach, execution: Execution) -> Mapping[str, Any]:
    """Return what the list of executions says of one, with the reason for which it was stopped.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StopExecutionTrigger.html
    {} where it is not listed any more.
    """
    pages = reach.pages("codepipeline:ListPipelineExecutions", pipelineName=execution.pipeline.key)
    told = (one for page in pages for one in page["pipelineExecutionSummaries"])
    return next((one for one in told if one["pipelineExecutionId"] == execution.key), {})


def status_of(reach: Reach, execution: Execution) -> str:
    """Return how an execution fares by what AWS says now, in its word."""
    answer = reach.call(
        "codepipeline:GetPipelineExecution",
        pipelineName=execution.pipeline.key,
        pipelineExecutionId=execution.key,
    )
    return str(answer["pipelineExecution"]["status"])


def _judges(reach: Reach, deed: "Deed", execution: Execution) -> Moved | Done | None:
    status = status_of(reach, execution)
    if status == "InProgress":
        return None
    if status == "Stopping":
        # Whoever waits for it to stop may still abandon what it waits for.
        abandons = deed.said.get("how") == ABANDON
        return None if abandons else Done(told="It was stopping already.")
    return Moved(f"It is {status} by now: there is nothing to stop.")


def _sends(reach: Reach, deed: "Deed", execution: Execution) -> Done:
    answer = reach.call(
        "codepipeline:StopPipelineExecution",
        pipelineName=execution.pipeline.key,
        pipelineExecutionId=execution.key,
        abandon=deed.said.get("how") == ABANDON,
        reason=signed(deed, LONGEST_REASON),
    )
    return Done(request=request_of(answer), told="It is stopping.")


def _finds(reach: Reach, deed: "Deed", execution: Execution) -> Done | Untold | None:
    """Whether it was stopped for this deed's reason: where there is another's, who knows."""
    now = _summary_of(reach, execution)
    if now.get("status") not in ("Stopping", "Stopped"):
        return None
    reason = str(now.get("stopTrigger", {}).get("reason", ""))
    if bears(reason, deed):
        return Done(told="It is stopping.")
    return Untold(f"It is {now['status']}, for {f'“{masked(reason)}”' if reason else 'no reason'}")


ACTS.add(
    Act(
        name="codepipeline.stop",
        kind="codepipeline.execution",
        label="Stop execution",
        group="Pipelines",
        icon="circle-stop",
        told="stopped {what}",
        called=lambda execution: f"{execution.pipeline.key} · {execution.key[:8]}",
        calls=("codepipeline:StopPipelineExecution",),
        offered=lambda execution: "" if execution.state in UNFINISHED else None,
        form=StopForm,
        effect=_effect,
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds),
        reread=rereading("stage", "execution"),
    )
)
