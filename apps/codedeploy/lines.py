"""An AppSpec out of S3 as the cache keeps it and pages draw it: lines, and how reading it went."""

from apps.mirror import loglines
from apps.mirror.linestore import Contents, LineStore
from apps.mirror.looks import Drawn, Follower


def name_of(deployment_id: int) -> str:
    """Return the beginning of an AppSpec's cache keys."""
    return f"look:appspec:{deployment_id}"


def follower_of(deployment_id: int) -> Follower:
    """Return who reads a deployment's AppSpec."""
    return Follower(name_of(deployment_id))


def store_of(deployment_id: int) -> LineStore:
    """Return where a deployment's AppSpec is kept."""
    return loglines.line_store(name_of(deployment_id), whole="the bundle")


def draw(deployment_id: int, contents: Contents, first: int) -> Drawn:
    """Return the lines from `first` on."""
    return loglines.draw(store_of(deployment_id), f"appspec-{deployment_id}", contents, first)


def draw_note(deployment_id: int, contents: Contents | None) -> str:
    """Return the element that says what reading has to say; empty where there is nothing."""
    return loglines.draw_note(f"appspec-{deployment_id}", contents)
