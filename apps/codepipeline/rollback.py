"""Rolls a stage back: AWS runs it again with what an execution that succeeded in it ran with.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RollbackStage.html
It takes no token: what was sent and not answered is looked for.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.timezone import localtime

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.deeds.forms import ActForm
from apps.deeds.permits import caller_in
from apps.live.templatetags.live_tags import first_line, plain
from apps.projects.roles import Role

from .acceptable import RUNNING, Came, choice, why_never, why_not_now
from .begun import begun_by_us, made, rereading
from .models import Execution, Stage
from .transition import state_of

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# Clocks differ, and AWS's tells when an execution began.
BEFORE = timedelta(seconds=30)
BEGUN = "The rollback has begun."
BUSY = ("InProgress", "Stopping")


class RollbackForm(ActForm):
    """What it goes back to: of the executions that came through the stage, as AWS accepts them."""

    to = forms.ChoiceField(
        label="Back to",
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose the execution that it goes back to.",
            "invalid_choice": "AWS does not accept that one, as far as was read. Choose another.",
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stage: Stage = self.row
        offered = choice(stage.pipeline, stage.name)
        accepted = offered.accepted if offered is not None else []
        field: Any = self.fields["to"]
        field.choices = [(one.execution.key, _called(one)) for one in accepted]
        if not accepted:
            field.help_text = "No execution that AWS would accept is known."


def _called(one: Came) -> str:
    when = f"through {localtime(one.through):%Y-%m-%d %H:%M %Z}" if one.through else ""
    more = ", ".join(filter(None, (one.execution.revision_id[:8], when)))
    return f"{_name(one.execution)} ({more})" if more else _name(one.execution)


def _name(execution: Execution) -> str:
    title = first_line(plain(execution.summary))[:100]
    return title or f"Execution {execution.key[:8]}"


def _effect(stage: Stage, meant: Mapping[str, Any]) -> Iterator[str]:
    to = str(meant.get("to") or "")
    rows = (
        Execution.objects.filter(pipeline=stage.pipeline, key=to)
        if to
        else Execution.objects.none()
    )
    target = rows.first()
    whose = (
        f"execution {target.key[:8]} ({_name(target)})"
        if target is not None
        else "the execution that you choose"
    )
    what = "the sources, artifacts and variables"
    yield f"AWS runs {stage.name} again, alone, with {what} of {whose}."
    yield "The other stages stay as they are, and the next change goes through them as always."


def _judges(reach: Reach, deed: "Deed", stage: Stage) -> Moved | Done | None:
    now = state_of(reach, stage).get("latestExecution", {})
    if now.get("status") in BUSY:
        return Moved(RUNNING)
    if now.get("pipelineExecutionId", "") != deed.seen["execution"]:
        return Moved("Another execution came to the stage meanwhile: look at what would go back.")
    return None


def _sends(reach: Reach, deed: "Deed", stage: Stage) -> Done:
    answer = reach.call(
        "codepipeline:RollbackStage",
        pipelineName=stage.pipeline.key,
        stageName=stage.name,
        targetPipelineExecutionId=deed.said["to"],
    )
    return made(answer["pipelineExecutionId"], BEGUN, request_of(answer))


def _finds(reach: Reach, deed: "Deed", stage: Stage) -> Untold | None:
    """Look for the rollback of this stage to that execution that these credentials began since."""
    ours = _begun_since(reach, deed, stage)
    standing = state_of(reach, stage).get("latestExecution", {}).get("pipelineExecutionId")
    if standing in ours:
        return begun_by_us([standing])
    # Another execution came to the stage behind it.
    return begun_by_us([one for one in ours if _ran_in(reach, stage, one)])


def _begun_since(reach: Reach, deed: "Deed", stage: Stage) -> list[str]:
    since = deed.since - BEFORE
    caller = caller_in(stage.scope)
    found = []
    pages = reach.pages("codepipeline:ListPipelineExecutions", pipelineName=stage.pipeline.key)
    for page in pages:
        told = page["pipelineExecutionSummaries"]
        for one in told:
            target = one.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId")
            trigger = one.get("trigger", {})
            if (
                one.get("executionType") == "ROLLBACK"
                and target == deed.said["to"]
                and one["startTime"] >= since
                and trigger.get("triggerType") == "ManualRollback"
                and trigger.get("triggerDetail") == caller
            ):
                found.append(one["pipelineExecutionId"])
        # The newest come first.
        if any(one["startTime"] < since for one in told if "startTime" in one):
            break
    return found


def _ran_in(reach: Reach, stage: Stage, execution: str) -> bool:
    pages = reach.pages(
        "codepipeline:ListActionExecutions",
        pipelineName=stage.pipeline.key,
        filter={"pipelineExecutionId": execution},
    )
    return any(
        one["stageName"] == stage.name for page in pages for one in page["actionExecutionDetails"]
    )


def _offered(stage: Stage) -> str | None:
    if stage.gone_at or not stage.execution_id or why_never(stage.pipeline, stage.name):
        return None
    return why_not_now(stage)


ACTS.add(
    Act(
        name="codepipeline.rollback",
        kind="codepipeline.stage",
        label="Roll back",
        group="Pipelines",
        icon="undo-2",
        told="rolled back {what}",
        needed=Role.OWNER,
        calls=("codepipeline:RollbackStage",),
        offered=_offered,
        form=RollbackForm,
        effect=_effect,
        seen=lambda stage: {"execution": stage.execution_id},
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds),
        reread=rereading("stage", "execution", "action"),
        grave=True,
        rare=True,
    )
)
