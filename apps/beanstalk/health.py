"""What Elastic Beanstalk's words for status and health mean for who looks at them; no Django.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-status.html
"""

from apps.mirror.state import URGENCY, State

# An operation is in progress, whatever the health says meanwhile.
MOVING = frozenset({"Launching", "Updating", "Terminating", "Aborting", "LinkingFrom", "LinkingTo"})
# Enhanced health. A warning is neither: it serves, and some of it fails (strangers who ask for
# pages that are not there suffice). It is not painted red, not told to be well, and its causes are
# shown.
ENHANCED = {
    "Ok": State.DONE,
    "Info": State.DONE,
    "Pending": State.MOVING,
    "Warning": State.UNKNOWN,
    "Degraded": State.FAILED,
    "Severe": State.FAILED,
    # Beanstalk does not look any more.
    "Suspended": State.STOPPED,
    "NoData": State.UNKNOWN,
    "Unknown": State.UNKNOWN,
}
# Basic health has a colour alone.
BASIC = {"Green": State.DONE, "Yellow": State.UNKNOWN, "Red": State.FAILED, "Grey": State.UNKNOWN}
# Of environments in the same state these come first.
WORSE = frozenset({"Severe", "Warning", "Yellow"})
CALM = frozenset({"Ok", "Green"})
VERSIONS = {
    "Processed": State.DONE,
    # It is looked at when it is deployed; nothing is wrong with it.
    "Unprocessed": State.DONE,
    "Processing": State.MOVING,
    "Building": State.MOVING,
    "Failed": State.FAILED,
}
DEPLOYMENTS = {"In Progress": State.MOVING, "Failed": State.FAILED}
# What AWS does to an environment by itself; what is scheduled has not begun to be anything.
MANAGED = {
    "Scheduled": "",
    "Pending": State.MOVING,
    "Running": State.MOVING,
    "Completed": State.DONE,
    "Failed": State.FAILED,
}


def state_of_health(health_status: str, color: str) -> State:
    """Return our state of a health; enhanced health says more than the colour alone."""
    if health_status:
        return ENHANCED.get(health_status, State.UNKNOWN)
    return BASIC.get(color, State.UNKNOWN)


def state_of(status: str, health_status: str, color: str) -> State:
    """Return our state of an environment; words we have not heard of are unknown."""
    if status in MOVING:
        return State.MOVING
    if status == "Terminated":
        return State.STOPPED
    return state_of_health(health_status, color) if status == "Ready" else State.UNKNOWN


def state_of_instance(health_status: str, color: str, deployment_status: str) -> State:
    """Return our state of an instance: what is being deployed on it moves."""
    if DEPLOYMENTS.get(deployment_status) == State.MOVING:
        return State.MOVING
    return state_of_health(health_status, color)


def state_of_version(status: str) -> State:
    """Return our state of an application version; those of long ago have no status."""
    return VERSIONS.get(status, State.UNKNOWN) if status else State.DONE


def state_of_managed(status: str) -> str:
    """Return our state of a managed action, "" of one that waits for its window."""
    return str(MANAGED.get(status, State.UNKNOWN))


def urgency(state: State, health_status: str, color: str) -> int:
    """Return where an environment stands in a list: by its state, like everything, in two steps."""
    return 2 * URGENCY[state] + ((health_status or color) not in WORSE)


def is_calm(status: str, health_status: str, color: str) -> bool:
    """Whether there is nothing to ask: ready, and plainly well."""
    return status == "Ready" and (health_status or color) in CALM and color in ("Green", "")
