"""Answers an approval: approves or rejects, with a comment.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutApprovalResult.html
The token of an approval is read just before it is answered, and kept nowhere.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, RefusedError
from apps.deeds.at_aws import AtAws, request_of
from apps.deeds.forms import ActForm
from apps.deeds.signature import bears, signed
from apps.mirror.state import State

from .acceptable import PARALLEL
from .begun import rereading
from .models import Action

if TYPE_CHECKING:
    from apps.deeds.models import Deed

LONGEST_SUMMARY = 512
# Approvals that nobody has answered.
WAITS = {"category": "Approval", "state": State.WAITING}
APPROVED, REJECTED = "Approved", "Rejected"


def _run_of(reach: Reach, action: Action) -> Mapping[str, Any] | None:
    """Return the run of an approval as AWS tells it now: {status, token, summary}; None for none.

    GetPipelineState tells the token, but nothing of pipelines in PARALLEL mode, where the action's
    external execution id is the token.
    """
    pipeline = action.execution.pipeline
    if action.execution.execution_mode == PARALLEL:
        filters = {"pipelineExecutionId": action.execution.key}
        pages = reach.pages(
            "codepipeline:ListActionExecutions", pipelineName=pipeline.key, filter=filters
        )
        for page in pages:
            for one in page["actionExecutionDetails"]:
                if one["actionExecutionId"] == action.key:
                    result = one.get("output", {}).get("executionResult", {})
                    return {
                        "status": one["status"],
                        "token": result.get("externalExecutionId", ""),
                        "summary": result.get("externalExecutionSummary", ""),
                    }
        return None
    answer = reach.call("codepipeline:GetPipelineState", name=pipeline.key)
    for stage in answer["stageStates"]:
        for one in stage.get("actionStates", ()):
            run = one.get("latestExecution", {})
            if stage["stageName"] == action.stage and one["actionName"] == action.name:
                same = run.get("actionExecutionId", action.key) == action.key
                return run if same else None
    return None


def _token_of(reach: Reach, _deed: "Deed", action: Action) -> str:
    """Return the token of an approval that waits. Raises RefusedError where it does not."""
    run = _run_of(reach, action)
    if run is None:
        raise RefusedError("Another execution asks for approval there by now: look at that one.")
    if run.get("status") != "InProgress" or not run.get("token"):
        raise RefusedError("It was answered meanwhile, or its time is over.")
    return str(run["token"])


def _answers(status: str) -> AtAws:
    def sends(reach: Reach, deed: "Deed", action: Action) -> Done:
        answer = reach.call(
            "codepipeline:PutApprovalResult",
            pipelineName=action.execution.pipeline.key,
            stageName=action.stage,
            actionName=action.name,
            result={"status": status, "summary": signed(deed, LONGEST_SUMMARY)},
            token=deed.ready,
        )
        return Done(request=request_of(answer), told=f"{status}.")

    def finds(reach: Reach, deed: "Deed", action: Action) -> Done | None:
        """Whether it was answered in this deed's words."""
        run = _run_of(reach, action) or {}
        mine = bears(str(run.get("summary", "")), deed)
        return Done(told=f"{status}.") if mine and run.get("status") != "InProgress" else None

    return AtAws(prepares=_token_of, sends=sends, finds=finds)


class AnswerForm(ActForm):
    """What is said with the answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        comment = self.fields["why"]
        comment.label = "Comment"
        comment.help_text = "Stands with it in AWS" + (
            "." if comment.required else "; may stay empty."
        )


def _effect_of_approving(action: Action, _meant: Mapping[str, Any]) -> Iterator[str]:
    execution = action.execution
    change = f" ({execution.summary.splitlines()[0][:80]})" if execution.summary.strip() else ""
    yield f"Execution {execution.key[:8]}{change} goes on behind {action.stage} / {action.name}."
    following = _following(action)
    if following:
        yield f"Next comes {following}."
    yield "Your comment stands with it in AWS."


def _following(action: Action) -> str:
    names = [stage["name"] for stage in action.execution.pipeline.definition]
    if action.stage not in names:
        return ""
    behind = names[names.index(action.stage) + 1 :]
    return behind[0] if behind else ""


def _effect_of_rejecting(action: Action, _meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"{action.stage} fails for execution {action.execution.key[:8]}: it goes no further."
    yield "The stage can be retried, which asks for the approval again."


def _offered(action: Action) -> str | None:
    waits = action.category == WAITS["category"] and action.state == WAITS["state"]
    return "" if waits else None


def _seen(action: Action) -> Mapping[str, Any]:
    return {"action": action.key}


ACTS.add(
    Act(
        name="codepipeline.approve",
        kind="codepipeline.action",
        label="Approve",
        group="Approvals",
        icon="circle-check",
        told="approved {what}",
        calls=("codepipeline:PutApprovalResult",),
        offered=_offered,
        form=AnswerForm,
        effect=_effect_of_approving,
        seen=_seen,
        doer=_answers(APPROVED),
        reread=rereading("stage", "execution", "action"),
    )
)
ACTS.add(
    Act(
        name="codepipeline.reject",
        kind="codepipeline.action",
        label="Reject",
        group="Approvals",
        icon="circle-x",
        told="rejected {what}",
        calls=("codepipeline:PutApprovalResult",),
        offered=_offered,
        form=AnswerForm,
        effect=_effect_of_rejecting,
        seen=_seen,
        doer=_answers(REJECTED),
        reread=rereading("stage", "execution", "action"),
        grave=True,
    )
)
