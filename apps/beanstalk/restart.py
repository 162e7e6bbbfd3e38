"""Restarts the application servers of an environment.

https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RestartAppServer.html
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of

from . import asked, needed
from .models import Environment

if TYPE_CHECKING:
    from apps.deeds.models import Deed

TOLD = "The application servers restart."
BEGINS = "restartAppServer is starting"


def _effect(environment: Environment, _meant: Mapping[str, Any]) -> Iterator[str]:
    count = len(environment.instances)
    which = f"its {count} instances" if count > 1 else "its instances"
    yield f"The application servers of {environment.key} restart on {which}, at once."
    yield "What they were answering may fail; the instances and the version stay."


def _judges(reach: Reach, _deed: "Deed", environment: Environment) -> Moved | Done | None:
    now = asked.described(reach, environment)
    if not now:
        return asked.GONE
    return None if now.get("Status") == asked.READY else asked.not_ready(str(now.get("Status")))


def _sends(reach: Reach, _deed: "Deed", environment: Environment) -> Done:
    answer = reach.call(
        "elasticbeanstalk:RestartAppServer", EnvironmentId=environment.environment_id
    )
    return Done(request=request_of(answer), told=TOLD)


def _finds(reach: Reach, deed: "Deed", environment: Environment) -> Untold | None:
    """An event bears the id of its request, which is not known of one that nobody answered."""
    said = asked.was_said(reach, deed, environment, BEGINS)
    return Untold("A restart of the application servers has begun since") if said else None


ACTS.add(
    Act(
        name="beanstalk.restart",
        kind="beanstalk.environment",
        label="Restart app servers",
        group="Environments",
        icon="rotate-cw",
        told="restarted the application servers of {what}",
        calls=("elasticbeanstalk:RestartAppServer",),
        beyond=needed.to_restart,
        beyond_page=needed.PAGE,
        offered=lambda environment: None if environment.gone_at else asked.busy(environment),
        effect=_effect,
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds),
        reread=asked.reread,
    )
)
