"""Closes and opens the way into a stage.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_DisableStageTransition.html
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_EnableStageTransition.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, RefusedError, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.deeds.signature import bears, signed
from apps.projects.roles import Role

from .begun import rereading
from .models import Stage

if TYPE_CHECKING:
    from apps.deeds.models import Deed

LONGEST_REASON = 300
# AWS takes no other letters in a reason.
UNTAKEN = re.compile(r"[^a-zA-Z0-9!@ ().*?\-]")


def state_of(reach: Reach, stage: Stage) -> Mapping[str, Any]:
    """Return what AWS says of a stage now.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StageState.html
    Raises RefusedError where the pipeline has no such stage any more.
    """
    answer = reach.call("codepipeline:GetPipelineState", name=stage.pipeline.key)
    for one in answer["stageStates"]:
        if one["stageName"] == stage.name:
            found: Mapping[str, Any] = one
            return found
    raise RefusedError(f"The pipeline has no stage {stage.name} any more.")


def _way_into(reach: Reach, stage: Stage) -> tuple[bool, str]:
    """Return whether a stage's transition is enabled, and for which reason it is not."""
    told = state_of(reach, stage).get("inboundTransitionState", {})
    return bool(told.get("enabled", True)), str(told.get("disabledReason", ""))


def _disables(reach: Reach, deed: "Deed", stage: Stage) -> Done:
    answer = reach.call(
        "codepipeline:DisableStageTransition",
        pipelineName=stage.pipeline.key,
        stageName=stage.name,
        transitionType="Inbound",
        reason=UNTAKEN.sub("-", signed(deed, LONGEST_REASON)),
    )
    return Done(request=request_of(answer), told="Nothing goes into the stage any more.")


def _enables(reach: Reach, _deed: "Deed", stage: Stage) -> Done:
    answer = reach.call(
        "codepipeline:EnableStageTransition",
        pipelineName=stage.pipeline.key,
        stageName=stage.name,
        transitionType="Inbound",
    )
    return Done(request=request_of(answer), told="What waits goes into the stage again.")


def _closed_already(reach: Reach, _deed: "Deed", stage: Stage) -> Done | None:
    enabled, _reason = _way_into(reach, stage)
    return None if enabled else Done(told="The way into the stage was closed already.")


def _open_already(reach: Reach, _deed: "Deed", stage: Stage) -> Done | None:
    enabled, _reason = _way_into(reach, stage)
    return Done(told="The way into the stage was open already.") if enabled else None


def _closed(reach: Reach, deed: "Deed", stage: Stage) -> Done | Untold | None:
    """Whether it was closed for this deed's reason."""
    enabled, reason = _way_into(reach, stage)
    if enabled:
        return None
    if bears(reason, deed):
        return Done(told="The way into the stage is closed.")
    return Untold("The way into the stage is closed")


def _opened(reach: Reach, _deed: "Deed", stage: Stage) -> Untold | None:
    """AWS keeps no reason for what is open."""
    enabled, _reason = _way_into(reach, stage)
    return Untold("The way into the stage is open") if enabled else None


def _effect_of_disabling(stage: Stage, _meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"No execution goes into {stage.name} until somebody enables the transition again."
    yield "What is in the stage already goes on."
    yield "The reason is shown in AWS's console and on this page; AWS keeps plain letters of it."


def _effect_of_enabling(stage: Stage, _meant: Mapping[str, Any]) -> Iterator[str]:
    waiting = len(stage.inbound_execution_ids)
    if waiting:
        noun = "execution that waits goes" if waiting == 1 else "newest execution that waits goes"
        yield f"The {noun} into {stage.name} at once."
    else:
        yield f"The next execution goes into {stage.name}; none waits now."
    if stage.transition_reason:
        yield f"It was disabled because: {stage.transition_reason}"


def _has_a_way_in(stage: Stage) -> bool:
    return stage.gone_at is None and stage.position > 0


ACTS.add(
    Act(
        name="codepipeline.disable",
        kind="codepipeline.stage",
        label="Disable transition",
        group="Pipelines",
        icon="ban",
        told="disabled the transition into {what}",
        needed=Role.OWNER,
        calls=("codepipeline:DisableStageTransition",),
        offered=lambda stage: "" if _has_a_way_in(stage) and stage.transition_enabled else None,
        effect=_effect_of_disabling,
        doer=AtAws(judges=_closed_already, sends=_disables, finds=_closed),
        reread=rereading("stage"),
        grave=True,
        rare=True,
    )
)
ACTS.add(
    Act(
        name="codepipeline.enable",
        kind="codepipeline.stage",
        label="Enable transition",
        group="Pipelines",
        icon="circle-check",
        told="enabled the transition into {what}",
        needed=Role.OWNER,
        calls=("codepipeline:EnableStageTransition",),
        offered=lambda stage: None if stage.transition_enabled or stage.gone_at else "",
        effect=_effect_of_enabling,
        seen=lambda stage: {"reason": stage.transition_reason},
        doer=AtAws(judges=_open_already, sends=_enables, finds=_opened),
        reread=rereading("stage"),
    )
)
