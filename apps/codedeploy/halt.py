"""Stops a deployment, and leaves what it reached or rolls it back.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_StopDeployment.html
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.mirror.resource import Names
from apps.projects.roles import Role

from . import words
from .begin import ACTIVE
from .models import SERVER, Deployment

if TYPE_CHECKING:
    from apps.deeds.models import Deed

BACK = "It stops, and CodeDeploy deploys the last good revision again."
STOPS = "It stops where it is."


def info_of(reach: Reach, deployment: Deployment) -> Mapping[str, Any]:
    """Return what AWS says of a deployment now, {} where it does not know it any more."""
    answer = reach.call("codedeploy:BatchGetDeployments", deploymentIds=[deployment.key])
    return next(iter(answer.get("deploymentsInfo", ())), {})


def reread(_deed: "Deed", deployment: Deployment) -> Iterable[Names]:
    """Name what is read again."""
    yield Names(kind="codedeploy.deployment", key=deployment.key)
    yield Names(kind="codedeploy.target", parent=deployment.key)
    if deployment.group is not None:
        yield Names(kind="codedeploy.deploymentgroup", key=deployment.group.key)


def is_over(status: str) -> Moved:
    """Return what is told of a deployment that does not run any more."""
    if not status:
        return Moved("CodeDeploy does not know this deployment any more.")
    return Moved(f"It is {status} by now: there is nothing to stop.")


def _judges(reach: Reach, _deed: "Deed", deployment: Deployment) -> Moved | Done | None:
    status = str(info_of(reach, deployment).get("status", ""))
    return None if status in ACTIVE else is_over(status)


def _stops(*, back: bool) -> AtAws:
    told = BACK if back else STOPS

    def sends(reach: Reach, _deed: "Deed", deployment: Deployment) -> Done:
        answer = reach.call(
            "codedeploy:StopDeployment", deploymentId=deployment.key, autoRollbackEnabled=back
        )
        return Done(request=request_of(answer), told=told)

    def finds(reach: Reach, _deed: "Deed", deployment: Deployment) -> Untold | None:
        """StopDeployment keeps neither who nor why: only whether something is rolled back."""
        info = info_of(reach, deployment)
        if info.get("status") != "Stopped":
            return None
        by = info.get("rollbackInfo", {}).get("rollbackDeploymentId")
        back = f"{by} rolls it back" if by else "nothing rolls it back so far"
        return Untold(f"It is Stopped, and {back}")

    return AtAws(judges=_judges, sends=sends, finds=finds)


def _effect_of_stopping(deployment: Deployment, _meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"Deployment {deployment.key} begins nothing more."
    if deployment.compute_platform in (SERVER, ""):
        yield (
            f"Nothing is rolled back: what it reached ({deployment.succeeded} of "
            f"{deployment.whole}) has the new revision, the rest the old one."
        )
    else:
        yield "Nothing is rolled back by a further deployment."
    if "DEPLOYMENT_STOP_ON_REQUEST" in (deployment.auto_rollback.get("events") or ()):
        yield "That its group rolls back what somebody stops is not heeded this time."


def _effect_of_rolling_back(deployment: Deployment, _meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"Deployment {deployment.key} begins nothing more."
    before = words.revision_in_short(deployment.previous_revision)
    yield f"Then CodeDeploy deploys {before or 'the last good revision'} again, where it got to."


def _nothing_to_roll_back(deployment: Deployment) -> str:
    if deployment.rollback_triggering_deployment_id:
        return "It is a rollback itself."
    if not deployment.previous_revision:
        return "There is nothing to go back to: nothing succeeded there before."
    return ""


def _reached(deployment: Deployment) -> Mapping[str, Any]:
    """People may stop what has moved on a little; not what waits for something else by now."""
    return {"ready": deployment.status == "Ready"}


ACTS.add(
    Act(
        name="codedeploy.stop",
        kind="codedeploy.deployment",
        label="Stop deployment",
        group="Deployments",
        icon="circle-stop",
        told="stopped {what}",
        calls=("codedeploy:StopDeployment",),
        offered=lambda deployment: "" if deployment.unfinished else None,
        effect=_effect_of_stopping,
        seen=_reached,
        doer=_stops(back=False),
        reread=reread,
    )
)
ACTS.add(
    Act(
        name="codedeploy.rollback",
        kind="codedeploy.deployment",
        label="Stop and roll back",
        group="Deployments",
        icon="history",
        told="stopped and rolled back {what}",
        needed=Role.OWNER,
        calls=("codedeploy:StopDeployment",),
        offered=lambda one: _nothing_to_roll_back(one) if one.unfinished else None,
        effect=_effect_of_rolling_back,
        seen=_reached,
        doer=_stops(back=True),
        reread=reread,
        grave=True,
    )
)
