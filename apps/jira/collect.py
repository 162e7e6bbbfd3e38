"""Reads projects, named queries and issues from Jira, Cloud or Data Center; no Django.

Cloud is asked by REST v3: searches page by `nextPageToken`, texts are ADF. Data Center by REST v2:
searches page by `startAt`, texts are wiki markup.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from apps.mirror.ask import UNREAD, Ask, Continued, Covered, Ended, LinkTo, Parent, Vanished
from apps.mirror.provider import Failure, Health
from apps.sites.answers import Answer
from apps.sites.failures import SiteError, said
from apps.sites.reach import Failed, Reach

from .jql import condition_of, newest_first, still_open
from .records import (
    COMMENTS,
    IssueRecord,
    TrackerRecord,
    id_in,
    issue_record,
    old_keys,
    project_record,
    stamp_of,
    unreadable,
)

CLOUD = "cloud"
# Of each project or query, those that changed last; `Tracker.more` says that there are others.
MOST_ISSUES = 10_000
PAGE = 100
# Where a project was read to its end, its newest page seldom holds more that is new.
NEWEST = 25
# Of keys alone: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/
KEYS_PAGE = {CLOUD: 5_000}
KEYS_PAGE_ELSEWHERE = 1_000
# A query that is rejected, and a project that is not there, are answers.
REJECTED = frozenset({400})
MISSING = frozenset({404})
FIELDS = (
    "summary,description,status,issuetype,assignee,reporter,labels,priority,project,parent,"
    "fixVersions,issuelinks,comment,created,updated,resolutiondate,duedate"
)
SPRINT_FIELD = "com.pyxis.greenhopper.jira:gh-sprint"
# Seconds for which a site's custom fields are believed to stay.
FIELDS_STAY = 3_600.0

Told = IssueRecord | Vanished | Covered | Continued | Ended


def api(reach: Reach) -> str:
    """Return the path of the API that a site has."""
    return "/rest/api/3" if reach.method == CLOUD else "/rest/api/2"


# --- Projects and queries -------------------------------------------------------------------------


def trackers(reach: Reach, ask: Ask) -> Iterator[TrackerRecord | Vanished]:
    """Yield the projects and named queries that are chosen, or those of them named by `ask.keys`.

    A project that Jira does not know (any more), and a query that it rejects, are told as such. A
    project whose key was changed comes under the new one.
    """
    wanted = None if ask.keys is None else set(ask.keys)
    for key in reach.selection.get("projects") or ():
        if wanted is None or key in wanted:
            yield _project(reach, str(key))
    for query in reach.selection.get("queries") or ():
        if wanted is None or query["name"] in wanted:
            yield _query(reach, str(query["name"]), str(query["jql"]))


def _project(reach: Reach, key: str) -> TrackerRecord:
    answer = reach.get_unless(
        MISSING, "jira:GetProject", f"{api(reach)}/project/{key}", expand="description,issueTypes"
    )
    if not answer.ok:
        why = said(answer) or f"Jira knows no project {key}."
        reach.troubled("jira:GetProject", _told(f"Project {key}", why))
        return unreadable(key, why)
    count = _count(reach, condition_of(key, ""))
    more = UNREAD if count is None else count > MOST_ISSUES
    return project_record(reach.base_url, answer.body, more=more)


def _query(reach: Reach, name: str, jql: str) -> TrackerRecord:
    condition = condition_of(name, jql)
    keys: list[str] = []
    more = False
    for answer in _found(reach, newest_first(condition), unless=REJECTED, keys_alone=True):
        if not answer.ok:
            why = said(answer) or "Jira rejects this JQL."
            reach.troubled("jira:SearchIssues", _told(f"Query {name}", why))
            return unreadable(name, why, query=jql)
        keys += [str(issue["key"]) for issue in answer.body.get("issues") or ()]
        if len(keys) > MOST_ISSUES:
            more = True
            break
    is_open = _count(reach, still_open(condition))
    return TrackerRecord(
        key=name,
        arn=f"{reach.base_url}/issues/?jql={quote(jql)}",
        name=name,
        prefix="",
        description="",
        query=jql,
        url=f"{reach.base_url}/issues/?jql={quote(jql)}",
        types=[],
        open_issues=UNREAD if is_open is None else is_open,
        more=more,
        links=[LinkTo("holds", "jira.issue", key) for key in dict.fromkeys(keys[:MOST_ISSUES])],
    )


def _told(what: str, why: str) -> Failure:
    return Failure(
        health=Health.FAILING,
        code="Rejected",
        message=f"{what}: {why}",
        cure="Correct it on the connection's page, or leave it out there. Its rows are kept.",
    )


def _count(reach: Reach, condition: str) -> int | None:
    """Return how many issues there are, as well as Jira knows; None where it does not say."""
    if reach.method == CLOUD:
        path = f"{api(reach)}/search/approximate-count"
        try:
            answer = reach.query("jira:CountIssues", path, {"jql": condition}, unless=REJECTED)
        except SiteError:
            return None
        body = answer.body if answer.ok else None
        name = "count"
    else:
        told = reach.detail(
            "jira:CountIssues", f"{api(reach)}/search", jql=condition, maxResults=0, fields="key"
        )
        body = told.body if told is not None else None
        name = "total"
    found = body.get(name) if isinstance(body, Mapping) else None
    return found if isinstance(found, int) else None


# --- Issues ---------------------------------------------------------------------------------------


def issues(reach: Reach, ask: Ask) -> Iterator[Told]:
    """Yield the issues of each project and query, those that changed last first.

    A list that was read to its end once is read until a page holds only issues that were read as
    they are. Each sixth hour (`ask.deep`) all keys are listed, and known issues that are not among
    them are asked for one by one. `ask.keys` reads just those. An issue that was moved takes its
    old keys along; one that is deleted vanishes.
    """
    sprint = _sprint_field(reach, fresh=ask.deep)
    ids = {id_in(stamp): key for key, stamp in ask.known.items() if stamp}
    if ask.keys is not None:
        yield from _named(reach, ask, ids, sprint)
        return
    for parent, found in reach.each(
        ask.parents, lambda parent: _issues_of(reach, ask, parent, sprint)
    ):
        if isinstance(found, Failed):
            continue
        records, ended = found
        if len(records) > PAGE:
            # Should writing them be cut off, the next reading goes to the end again.
            yield Continued(parent.key)
        yield from _as_moved(reach, records, ids)
        if ask.deep:
            yield from _missing(reach, ask, parent, ids, sprint)
        if ended:
            yield Ended(parent.key)
        yield Covered(parent.key)


def _issues_of(
    reach: Reach, ask: Ask, parent: Parent, sprint: str
) -> tuple[list[IssueRecord], bool]:
    """Return the issues of a tracker that are news, and whether its list was read to its end."""
    if parent.fields.get("state"):
        # Its tracker says why there is nothing to read.
        return [], False
    condition = condition_of(parent.key, str(parent.fields.get("query") or ""))
    whole = parent.key in ask.unended
    records: list[IssueRecord] = []
    seen = 0
    pages = _found(reach, newest_first(condition), page=PAGE if whole else NEWEST, sprint=sprint)
    for answer in pages:
        told = answer.body.get("issues") or []
        seen += len(told)
        news = [one for one in told if ask.known.get(str(one.get("key"))) != stamp_of(one)]
        records += [_whole(reach, one, sprint) for one in news]
        if (told and not news and not whole) or seen >= MOST_ISSUES:
            return records[:MOST_ISSUES], seen >= MOST_ISSUES
    return records, True


def _whole(reach: Reach, told: Mapping[str, Any], sprint: str) -> IssueRecord:
    """Return an issue's record; where a list shows not all of its comments, the newest are read."""
    comment = (told.get("fields") or {}).get("comment")
    comment = comment if isinstance(comment, Mapping) else {}
    shown = len(comment.get("comments") or ())
    newest: Any = None
    if isinstance(comment.get("total"), int) and comment["total"] > shown < COMMENTS:
        answer = reach.detail(
            "jira:GetComments",
            f"{api(reach)}/issue/{told['key']}/comment",
            orderBy="-created",
            maxResults=COMMENTS,
        )
        newest = answer.body if answer is not None else None
    return issue_record(reach.base_url, told, sprint=sprint, comments=newest)


def _named(
    reach: Reach, ask: Ask, ids: Mapping[str, str], sprint: str
) -> Iterator[IssueRecord | Vanished]:
    """Read issues by their keys; of what was never read only what lies in a chosen project."""
    chosen = {str(key) for key in reach.selection.get("projects") or ()}
    for key, answer in reach.each(ask.keys or (), lambda key: _get(reach, key, sprint)):
        if isinstance(answer, Failed):
            if answer.failure.health is Health.GONE:
                yield Vanished(key)
            continue
        record = _whole(reach, answer.body, sprint)
        if key not in ask.known and record.key not in ask.known and record.parent not in chosen:
            continue
        yield from _as_moved(reach, [record], ids, asked=key)


def _get(reach: Reach, key: str, sprint: str) -> Answer:
    return reach.get(
        "jira:GetIssue",
        f"{api(reach)}/issue/{key}",
        fields=",".join(filter(None, (FIELDS, sprint))),
        expand="transitions",
    )


def _as_moved(
    reach: Reach, records: list[IssueRecord], ids: Mapping[str, str], asked: str = ""
) -> Iterator[IssueRecord | Vanished]:
    """Yield records; those of issues that had another key take it along, and that one vanishes."""
    for record in records:
        before = ids.get(record.issue_id, "")
        old = before if before and before != record.key else asked
        if not old or old == record.key:
            yield record
            continue
        told = reach.detail(
            "jira:GetIssue",
            f"{api(reach)}/issue/{record.key}",
            fields="summary",
            expand="changelog",
        )
        known = old_keys(told.body, record.key) if told is not None else []
        yield replace(record, was=list(dict.fromkeys([old, *known])))
        yield Vanished(old)


def _missing(
    reach: Reach, ask: Ask, parent: Parent, ids: Mapping[str, str], sprint: str
) -> Iterator[IssueRecord | Vanished]:
    """Ask for known issues of a project that its list of keys does not hold any more."""
    if parent.fields.get("query") or parent.fields.get("state"):
        return
    listed: set[str] = set()
    try:
        for answer in _found(reach, newest_first(condition_of(parent.key, "")), keys_alone=True):
            listed.update(str(issue["key"]) for issue in answer.body.get("issues") or ())
    except Exception:  # noqa: BLE001 - told on the scope; what is not listed proves nothing then
        return
    known = {key for key in ask.known if key.rpartition("-")[0] == parent.key}
    keys = tuple(sorted(known - listed))
    yield from _named(reach, replace(ask, keys=keys), ids, sprint)


def _found(  # noqa: PLR0913 - all by name
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


def _sprint_field(reach: Reach, *, fresh: bool = False) -> str:
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
