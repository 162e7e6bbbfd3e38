"""Aborts what is being done to an environment, which goes back to what it was.

https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_AbortEnvironmentUpdate.html
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.projects.roles import Role

from . import asked, needed
from .models import Environment

if TYPE_CHECKING:
    from apps.deeds.models import Deed

BEGINS = ("Aborting", "abortEnvironmentUpdate is starting")
TOLD = "The update is being aborted."


def _effect(environment: Environment, _meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"What is being done to {environment.key} is aborted."
    back = environment.version_label
    yield f"It goes back to what it was before{f', {back}' if back else ''}, which takes a while."


def _judges(reach: Reach, _deed: "Deed", environment: Environment) -> Moved | Done | None:
    now = asked.described(reach, environment)
    if not now:
        return asked.GONE
    if now.get("Status") == "Aborting":
        return Done(told="It was being aborted already.")
    if not now.get("AbortableOperationInProgress"):
        return Moved(f"It is {now.get('Status')} by now: there is nothing to abort.")
    return None


def _sends(reach: Reach, _deed: "Deed", environment: Environment) -> Done:
    answer = reach.call(
        "elasticbeanstalk:AbortEnvironmentUpdate", EnvironmentId=environment.environment_id
    )
    return Done(request=request_of(answer), told=TOLD)


def _finds(reach: Reach, deed: "Deed", environment: Environment) -> Untold | None:
    """Whether it is being aborted, or was: that a deployment failed says "aborted", too."""
    aborts = asked.described(reach, environment).get("Status") == "Aborting"
    if aborts or asked.was_said(reach, deed, environment, *BEGINS):
        return Untold("The update is being aborted, or was")
    return None


ACTS.add(
    Act(
        name="beanstalk.abort",
        kind="beanstalk.environment",
        label="Abort the update",
        group="Environments",
        icon="circle-stop",
        told="aborted the update of {what}",
        # It goes back to what it was.
        needed=Role.OWNER,
        calls=("elasticbeanstalk:AbortEnvironmentUpdate",),
        beyond=needed.to_update,
        beyond_page=needed.PAGE,
        offered=lambda environment: (
            "" if environment.abortable_operation_in_progress and not environment.gone_at else None
        ),
        effect=_effect,
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds),
        reread=asked.reread,
        grave=True,
    )
)
