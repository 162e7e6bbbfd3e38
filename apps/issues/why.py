"""Says what keeps a tracker from being read, in its keeper's words."""

from .models import Tracker


def why_tracker(tracker: Tracker) -> str:
    """Return why a tracker cannot be read (a JQL that Jira rejects), "" where it can."""
    return tracker.trouble if tracker.state else ""
