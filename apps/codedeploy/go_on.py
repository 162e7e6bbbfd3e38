"""Lets a blue/green deployment go on: reroutes its traffic, or ends the wait before its end.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ContinueDeployment.html
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.projects.roles import Role

from .begin import ACTIVE
from .halt import info_of, is_over, reread
from .models import Deployment

if TYPE_CHECKING:
    from apps.deeds.models import Deed

READY = "Ready"
REROUTES = "Traffic is being rerouted."
ENDS = "The wait is over: the originals go."


def _continues(wait: str, told: str) -> Any:
    def sends(reach: Reach, _deed: "Deed", deployment: Deployment) -> Done:
        answer = reach.call(
            "codedeploy:ContinueDeployment", deploymentId=deployment.key, deploymentWaitType=wait
        )
        return Done(request=request_of(answer), told=told)

    return sends


def _is_ready(reach: Reach, _deed: "Deed", deployment: Deployment) -> Moved | Done | None:
    status = str(info_of(reach, deployment).get("status", ""))
    if status == READY:
        return None
    if status in ACTIVE:
        return Moved("It does not wait any more: its traffic is rerouted already.")
    return is_over(status)


def _rerouted(reach: Reach, _deed: "Deed", deployment: Deployment) -> Untold | None:
    """Whether it went on: it waited when it was sent."""
    status = info_of(reach, deployment).get("status")
    if status not in ("InProgress", "Baking", "Succeeded"):
        return None
    return Untold("It waits no more to reroute its traffic")


def _is_waiting(reach: Reach, _deed: "Deed", deployment: Deployment) -> Moved | Done | None:
    info = info_of(reach, deployment)
    status = str(info.get("status", ""))
    if status in ACTIVE:
        waits = info.get("instanceTerminationWaitTimeStarted")
        return None if waits else Moved("It does not wait to terminate its originals.")
    return Done(told="Its originals went already.") if status == "Succeeded" else is_over(status)


def _went(reach: Reach, _deed: "Deed", deployment: Deployment) -> Untold | None:
    """Whether the wait is over, which it is by itself, too."""
    info = info_of(reach, deployment)
    ended = info.get("status") == "Succeeded" or (
        info.get("status") in ACTIVE and not info.get("instanceTerminationWaitTimeStarted")
    )
    return Untold("It waits no more to terminate its originals") if ended else None


def _effect_of_rerouting(deployment: Deployment, _meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"The traffic goes from the originals to what {deployment.key} deployed, at once."
    blue = deployment.blue_green.get("terminate_blue_instances_on_deployment_success") or {}
    minutes = blue.get("termination_wait_time_in_minutes") or 0
    if blue.get("action") == "TERMINATE":
        when = f"{minutes} minutes later" if minutes else "then"
        yield f"The originals are terminated {when}."


def _effect_of_ending(deployment: Deployment, _meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"The originals of {deployment.key} are terminated now instead of at the wait's end."
    yield "After that the way back is another deployment: there is nothing to send traffic back to."


ACTS.add(
    Act(
        name="codedeploy.reroute",
        kind="codedeploy.deployment",
        label="Reroute traffic",
        group="Deployments",
        icon="shuffle",
        told="rerouted the traffic of {what}",
        calls=("codedeploy:ContinueDeployment",),
        offered=lambda deployment: "" if deployment.status == READY else None,
        effect=_effect_of_rerouting,
        seen=lambda deployment: {"status": deployment.status},
        doer=AtAws(judges=_is_ready, sends=_continues("READY_WAIT", REROUTES), finds=_rerouted),
        reread=reread,
    )
)
ACTS.add(
    Act(
        name="codedeploy.terminate",
        kind="codedeploy.deployment",
        label="Terminate the originals now",
        group="Deployments",
        icon="trash-2",
        told="ended the wait of {what}",
        # It takes the quick way back away.
        needed=Role.OWNER,
        calls=("codedeploy:ContinueDeployment",),
        offered=lambda deployment: (
            "" if deployment.unfinished and deployment.instance_termination_wait_started else None
        ),
        effect=_effect_of_ending,
        seen=lambda deployment: {"waits": deployment.instance_termination_wait_started},
        doer=AtAws(judges=_is_waiting, sends=_continues("TERMINATION_WAIT", ENDS), finds=_went),
        reread=reread,
        grave=True,
    )
)
