"""Reads projects and named queries from Jira, Cloud or Data Center; no Django."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from apps.mirror.ask import UNREAD, Ask, LinkTo, Vanished
from apps.mirror.provider import Failure, Health
from apps.sites.failures import classify, said
from apps.sites.reach import Reach

from .jql import condition_of, newest_first, still_open
from .records import Aside, TrackerRecord, left_alone, project_record, unreadable
from .searching import CLOUD, api, search

# Of each project or query, those that changed last; `Tracker.more` says that there are others.
MOST_ISSUES = 10_000
# A query that is rejected, and a project that is not there, are answers.
REJECTED = frozenset({400})
MISSING = frozenset({404})
# What is wrong with one of them alone: the others are read.
ALONE = (Health.FAILING, Health.DENIED, Health.UNREACHABLE, Health.GONE)
# Of the issues that a query does not find any more, so many are read again at a time.
MOST_LEFT = 500


def trackers(reach: Reach, ask: Ask) -> Iterator[TrackerRecord | Vanished]:
    """Yield the projects and named queries that are chosen, or those of them named by `ask.keys`.

    A project that Jira does not know (any more), and a query that it rejects, are told as such. A
    project whose key was changed is known by the one that was chosen. One that could not be read
    stays as it was, and keeps none of the others from being read.
    """
    rows = _Rows(ask)
    wanted = None if ask.keys is None else set(ask.keys)
    tried: list[tuple[str, Callable[[], TrackerRecord]]] = [
        (str(key), partial(_project, reach, rows, str(key)))
        for key in reach.selection.get("projects") or ()
    ]
    tried += [
        (str(query["name"]), partial(_query, reach, rows, str(query["name"]), str(query["jql"])))
        for query in reach.selection.get("queries") or ()
    ]
    failed: Exception | None = None
    read = 0
    for name, reading in tried:
        if wanted is not None and not wanted & {name, rows.key_of(name)}:
            continue
        try:
            yield reading()
            read += 1
        except Exception as error:
            failure = classify(error)
            if reach.spent or failure.ours or failure.health not in ALONE:
                raise
            reach.troubled(
                failure.operation, replace(failure, message=f"{name}: {failure.message}")
            )
            failed = error
            if rows.has(name):
                yield left_alone(rows.key_of(name))
    if failed is not None and not read:
        raise failed


class _Rows:
    """The trackers that are mirrored, by the keys that they have or had."""

    def __init__(self, ask: Ask) -> None:
        self._by_key = {one.key: one for one in ask.parents}
        self._now = {was: one.key for one in ask.parents for was in one.fields.get("was") or ()}

    def key_of(self, name: str) -> str:
        """Return the key that a chosen tracker's row has."""
        return name if name in self._by_key else self._now.get(name, name)

    def has(self, name: str) -> bool:
        """Whether a chosen tracker has a row that is not gone."""
        row = self._by_key.get(self.key_of(name))
        return row is not None and not row.fields.get("gone")

    def held_by(self, name: str) -> list[str]:
        """Return the keys that a query found when it was read last."""
        row = self._by_key.get(name)
        return list(row.fields.get("holds") or ()) if row is not None else []


def _project(reach: Reach, rows: _Rows, key: str) -> TrackerRecord:
    answer = reach.get_unless(
        MISSING, "jira:GetProject", f"{api(reach)}/project/{key}", expand="description,issueTypes"
    )
    if not answer.ok:
        why = said(answer) or f"Jira knows no project {key}."
        reach.troubled("jira:GetProject", _told(f"Project {key}", why))
        return unreadable(rows.key_of(key), why)
    called = str(answer.body.get("key") or key)
    count = _count(reach, condition_of(called, ""))
    more = UNREAD if count is None else count > MOST_ISSUES
    record = project_record(reach.base_url, answer.body, more=more)
    if called != key and rows.has(key) and not rows.has(called):
        # Its rows have the key that was chosen until they were given the other one.
        return replace(record, key=rows.key_of(key), aside=Aside(called=called))
    return record


def _query(reach: Reach, rows: _Rows, name: str, jql: str) -> TrackerRecord:
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
    chosen = {str(key) for key in reach.selection.get("projects") or ()}
    found = set(keys)
    left = [
        key
        for key in rows.held_by(name)
        # A project's own list tells of these.
        if key.rpartition("-")[0] not in chosen and key not in found
    ]
    kept = tuple(dict.fromkeys(keys[:MOST_ISSUES]))
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
        links=[LinkTo("holds", "jira.issue", key) for key in kept],
        aside=Aside(found=kept, left=() if more else tuple(left[:MOST_LEFT])),
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
        except Exception:  # noqa: BLE001 - told on the scope; a number is no more than a detail
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
