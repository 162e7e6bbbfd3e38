"""The pieces of pages that picture issues and trackers, of whichever keeper."""

from typing import Any

from apps.live.fragment import FRAGMENTS, Fragment, Load

from . import load
from .kinds import ISSUES, TRACKERS


def _picture(kinds: tuple[str, ...], row: str, name: str, template: str, loaded: Load) -> Fragment:
    """Add a fragment of rows of these kinds; `row` is what its context calls one."""
    first, *others = kinds

    def version(context: Any) -> str:
        return str(context[row].version)

    return FRAGMENTS.add(
        Fragment(
            name=name,
            of=first,
            also=others,
            template=f"issues/{template}",
            load=loaded,
            version=version,
        )
    )


def _of_issue(name: str, template: str, loaded: Load) -> Fragment:
    return _picture(ISSUES, "issue", name, template, loaded)


TRACKER_ROW = _picture(TRACKERS, "tracker", "tracker-row", "trackers.html#row", load.tracker_row)
TRACKER_HEAD = _picture(TRACKERS, "tracker", "tracker-head", "tracker.html#head", load.tracker_row)
ISSUE_ROW = _of_issue("issue-row", "issues.html#row", load.issue_row)
ISSUE_HEAD = _of_issue("issue-head", "issue.html#head", load.issue_page)
ISSUE_BODY = _of_issue("issue-body", "issue.html#body", load.issue_page)
ISSUE_TALK = _of_issue("issue-talk", "issue.html#talk", load.issue_page)
ISSUE_FACTS = _of_issue("issue-facts", "issue.html#facts", load.issue_page)
