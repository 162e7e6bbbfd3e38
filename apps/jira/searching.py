"""Asks Jira, Cloud or Data Center, for what JQL finds; no Django.

Cloud is asked by REST v3: searches page by `nextPageToken`, texts are ADF. Data Center by REST v2:
searches page by `startAt`, texts are wiki markup.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from apps.sites.answers import Answer
from apps.sites.reach import Reach

CLOUD = "cloud"
PAGE = 100
# Of keys alone: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/
KEYS_PAGE = {CLOUD: 5_000}
KEYS_PAGE_ELSEWHERE = 1_000
FIELDS = (
    "summary,description,status,issuetype,assignee,reporter,labels,priority,project,parent,"
    "fixVersions,issuelinks,comment,created,updated,resolutiondate,duedate"
)
SPRINT_FIELD = "com.pyxis.greenhopper.jira:gh-sprint"
# Seconds for which a site's custom fields are believed to stay.
FIELDS_STAY = 3_600.0


def api(reach: Reach) -> str:
    """Return the path of the API that a site has."""
    return "/rest/api/3" if reach.method == CLOUD else "/rest/api/2"


def search(  # noqa: PLR0913 - all by name
    reach: Reach,
    jql: str,
    *,
    page: int = PAGE,
    sprint: str = "",
    keys_alone: bool = False,
    unless: frozenset[int] = frozenset(),
) -> Iterator[Answer]:
    """Yield the pages of a search; a first one that is refused with one of `unless`, too."""
    path = f"{api(reach)}/search{'/jql' if reach.method == CLOUD else ''}"
    if keys_alone:
        page = KEYS_PAGE.get(reach.method, KEYS_PAGE_ELSEWHERE)
    params: dict[str, Any] = {
        "jql": jql,
        "maxResults": page,
        "fields": "key" if keys_alone else ",".join(filter(None, (FIELDS, sprint))),
        "expand": None if keys_alone else "transitions",
    }
    yield from reach.pages("jira:SearchIssues", path, unless=unless, **params)


# --- Custom fields --------------------------------------------------------------------------------

_sprint_fields: dict[str, tuple[float, str]] = {}
_lock = threading.Lock()


def sprint_field(reach: Reach, *, fresh: bool = False) -> str:
    """Return which custom field holds sprints, "" where there is none or Jira does not say.

    https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-fields/
    """
    with _lock:
        known = _sprint_fields.get(reach.base_url)
    if known is not None and not fresh and time.monotonic() - known[0] < FIELDS_STAY:
        return known[1]
    answer = reach.detail("jira:GetFields", f"{api(reach)}/field")
    if answer is None or not isinstance(answer.body, list):
        return known[1] if known is not None else ""
    found = next(
        (
            str(one.get("id") or "")
            for one in answer.body
            if isinstance(one, Mapping)
            and isinstance(one.get("schema"), Mapping)
            and one["schema"].get("custom") == SPRINT_FIELD
        ),
        "",
    )
    with _lock:
        _sprint_fields[reach.base_url] = (time.monotonic(), found)
    return found


def forget_fields() -> None:
    """Forget which custom fields sites have."""
    with _lock:
        _sprint_fields.clear()
