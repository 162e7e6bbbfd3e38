"""Reads projects and named queries from Jira, Cloud or Data Center; no Django."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from apps.mirror.ask import UNREAD, Ask, LinkTo, Vanished
from apps.mirror.provider import Failure, Health
from apps.sites.failures import SiteError, said
from apps.sites.reach import Reach

from .jql import condition_of, newest_first, still_open
from .records import TrackerRecord, project_record, unreadable
from .searching import CLOUD, api, search

# Of each project or query, those that changed last; `Tracker.more` says that there are others.
MOST_ISSUES = 10_000
# A query that is rejected, and a project that is not there, are answers.
REJECTED = frozenset({400})
MISSING = frozenset({404})


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
    for answer in search(reach, newest_first(condition), unless=REJECTED, keys_alone=True):
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
