"""Reads issues from GitHub, and the repositories that keep them; no Django.

https://docs.github.com/en/rest/issues/issues · https://docs.github.com/en/rest/issues/comments
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Any

from apps.mirror.ask import UNREAD, Ask, Covered, Ended, LinkTo, Parent, Unread, Vanished
from apps.mirror.masking import masked
from apps.mirror.state import State
from apps.sites.reach import Failed, Reach
from apps.source.mentions import mentioned

from .collect import comment
from .listing import GONE, PAGE, Known, items, listed, named, pages_unless, path
from .newest import Newest, newest
from .records import JSON, arn_of, host_of, login, moment

# Key -> its tracker, and what a list says of it.
Wanted = dict[str, tuple[str, Mapping[str, Any] | None]]
# Pages of open issues of a tracker that are read at first; issues of it whose comments are read in
# one sweep: those of the others are read by the next ones.
OPEN_PAGES, TALKED = 10, 50
TODO, DONE = "todo", "done"
REASONS = {"completed": "Completed", "not_planned": "Not planned", "duplicate": "Duplicate"}
# What may be done with an issue: GitHub has two states, and reasons for the second.
CLOSES = "closed:"
REOPEN = "open"
TO_CLOSE = [
    {"id": f"{CLOSES}completed", "name": "Close as completed", "to": "Completed"},
    {"id": f"{CLOSES}not_planned", "name": "Close as not planned", "to": "Not planned"},
]
WHEN_OPEN = [{**one, "category": DONE} for one in TO_CLOSE]
WHEN_CLOSED = [{"id": REOPEN, "name": "Reopen", "to": "Open", "category": TODO}]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerRecord:
    """The issues of a repository as a whole."""

    key: str
    arn: str | Unread = UNREAD
    name: str | Unread = UNREAD
    description: str | Unread = UNREAD
    url: str | Unread = UNREAD
    more: bool | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueRecord:
    """An issue as lists give it; comments are read apart from it."""

    key: str
    parent: str
    arn: str | Unread = UNREAD
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    issue_id: str | Unread = UNREAD
    title: str | Unread = UNREAD
    type: str | Unread = UNREAD
    category: str | Unread = UNREAD
    assignee: str | Unread = UNREAD
    assignee_id: str | Unread = UNREAD
    reporter: str | Unread = UNREAD
    labels: JSON = UNREAD
    milestone: str | Unread = UNREAD
    parent_key: str | Unread = UNREAD
    body: str | Unread = UNREAD
    comments: JSON = UNREAD
    transitions: JSON = UNREAD
    created: datetime | Unread | None = UNREAD
    updated: datetime | Unread | None = UNREAD
    resolved: datetime | Unread | None = UNREAD
    due: date | Unread | None = UNREAD
    url: str | Unread = UNREAD
    described: str | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


def issue_key(tracker: str, number: Any) -> str:
    """Return what people call an issue: "owner/name#7"."""
    return f"{tracker}#{number}"


def trackers(reach: Reach, ask: Ask) -> Iterator[TrackerRecord | Vanished]:
    """The repositories that keep issues: the same lists as theirs, which cost nothing again (304).

    One whose issues were switched off is no tracker any more.
    """
    known = Known.told_by(ask)
    for item in listed(reach, known) if ask.keys is None else named(reach, ask.keys, known):
        if isinstance(item, Vanished):
            yield item
        elif item.told is None:
            yield TrackerRecord(key=item.key)
        elif item.told.get("has_issues"):
            yield tracker_record(item.told, item.key)
        elif ask.keys is not None:
            yield Vanished(item.key)


def tracker_record(told: Mapping[str, Any], key: str) -> TrackerRecord:
    """Read a repository as what keeps its issues."""
    page = told.get("html_url") or ""
    return TrackerRecord(
        key=key,
        arn=arn_of(key),
        name=key,
        description=masked(told.get("description") or ""),
        url=f"{page}/issues" if page else "",
        # Pull requests count in, too, so it may say so of a tracker of which all is read.
        more=int(told.get("open_issues_count") or 0) > OPEN_PAGES * PAGE,
    )


def issues(reach: Reach, ask: Ask) -> Iterator[IssueRecord | Covered | Ended | Vanished]:
    """Issues of each tracker, what was done last first, down to what is known; no pull requests.

    IssuesListForRepo tells a hundred a call and costs nothing while nobody does anything (304).
    Comments are read of those to which somebody did something. An issue that is deleted or
    transferred is in no list: where `ask.deep`, open ones that are not listed are asked for.
    """
    if ask.keys is not None:
        for key, found in reach.each(ask.keys, lambda key: _by_key(reach, ask, key)):
            if not isinstance(found, Failed):
                yield found or Vanished(key)
        return
    wanted: Wanted = {}
    covered: dict[str, str] = {}
    untold = _untold(ask)
    for parent, told in reach.each(ask.parents, lambda parent: _listed(reach, ask, parent)):
        if not isinstance(told, Failed):
            covered[parent.key] = told.upto
            yield from _told(ask, parent.key, told.told, wanted, untold.get(parent.key, ()))
    for key, found in reach.each(wanted, lambda key: _read(reach, ask, key, *wanted[key])):
        if not isinstance(found, Failed):
            yield found or Vanished(key)
        elif wanted[key][1] is not None:
            # Its place in the list is told only once.
            covered.pop(wanted[key][0], None)
    for name, upto in covered.items():
        yield Ended(name, upto)
        yield Covered(name)


def _untold(ask: Ask) -> dict[str, list[str]]:
    """Return tracker -> the known issues whose comments were not read as they are."""
    found: dict[str, list[str]] = {}
    for key, stamp in ask.known.items():
        if not stamp:
            found.setdefault(key.rpartition("#")[0], []).append(key)
    return found


def _told(
    ask: Ask,
    tracker: str,
    told: Mapping[Any, Mapping[str, Any]],
    wanted: Wanted,
    untold: Iterable[str],
) -> Iterator[IssueRecord]:
    """Yield the issues of which the list tells all; add to `wanted` those that are read apart."""
    left = TALKED
    by_key = {issue_key(tracker, number): issue for number, issue in told.items()}
    # What is not known as it is first: a deep look tells all.
    for key in sorted(by_key, key=lambda key: _is_known(ask, key, by_key[key])):
        issue = by_key[key]
        if not issue.get("comments"):
            yield issue_record(tracker, issue, [])
        elif left > 0:
            left -= 1
            wanted[key] = (tracker, issue)
        elif not _is_known(ask, key, issue):
            # Where more have comments than are read at once, the next sweep reads these.
            yield issue_record(tracker, issue, UNREAD)
    later = sorted(key for key in untold if key not in by_key)[: max(0, left)]
    wanted |= dict.fromkeys(later, (tracker, None))
    if ask.deep:
        gone = ask.unfinished.get(tracker, frozenset()) - by_key.keys()
        wanted |= dict.fromkeys(sorted(gone), (tracker, None))


def _is_known(ask: Ask, key: str, issue: Mapping[str, Any]) -> bool:
    stamp = ask.known.get(key)
    return bool(stamp) and stamp == issue.get("updated_at")


def _listed(reach: Reach, ask: Ask, parent: Parent) -> Newest:
    """Return the issues to which something was done since they were read; where deep, all open.

    At first those to which somebody did something last, and what is open.
    """
    operation, address = "github:IssuesListForRepo", path(parent.key, "/issues")

    def known(issue: Mapping[str, Any]) -> bool:
        # GitHub counts pull requests among issues; here they are their own.
        return "pull_request" in issue or _is_known(
            ask, issue_key(parent.key, issue["number"]), issue
        )

    order: dict[str, Any] = {
        "state": "all",
        "sort": "updated",
        "direction": "desc",
        "per_page": PAGE,
    }
    # Where issues were switched off GitHub answers 410.
    pages = pages_unless(reach, GONE, operation, address, **order)
    found = newest(pages, ask, parent.key, known)
    if found.at_first or ask.deep:
        pages = pages_unless(reach, GONE, operation, address, state="open", per_page=PAGE)
        for page in islice(pages, OPEN_PAGES):
            for issue in items(page):
                if "pull_request" not in issue:
                    found.told.setdefault(issue["number"], issue)
    return found


def _by_key(reach: Reach, ask: Ask, key: str) -> IssueRecord | None:
    return _read(reach, ask, key, key.rpartition("#")[0], None)


def _read(
    reach: Reach, ask: Ask, key: str, tracker: str, told: Mapping[str, Any] | None
) -> IssueRecord | None:
    """Read one with its comments; None where it was deleted, transferred, or is a pull request."""
    number = key.rpartition("#")[2]
    address = path(tracker, f"/issues/{number}")
    if told is None:
        answer = reach.get_unless(GONE, "github:IssuesGet", address)
        if not answer.ok or "pull_request" in answer.body:
            return None
        told = answer.body
        # One that was transferred is told by its new repository, mostly with another number.
        if str(told.get("number")) != number:
            return None
    comments: Any = []
    if told.get("comments"):
        said = reach.detail("github:IssuesListComments", f"{address}/comments", per_page=PAGE)
        comments = UNREAD if said is None else [_said(one) for one in items(said)]
    record = issue_record(tracker, told, comments)
    # Of one that is known as it is, what was read of it before still holds.
    return replace(record, described=UNREAD) if _is_known(ask, key, told) else record


def _said(told: Mapping[str, Any]) -> dict[str, Any]:
    found = comment(told)
    return {name: found[name] for name in ("id", "author", "at", "text")}


def issue_record(tracker: str, told: Mapping[str, Any], comments: Any) -> IssueRecord:
    """Read one issue of a list, or one alone; `comments` as `Issue.comments` keeps them."""
    key, closed = issue_key(tracker, told["number"]), told.get("state") == "closed"
    assignees = assignees_of(told)
    milestone = told.get("milestone") or {}
    title, body = masked(told.get("title") or ""), masked(told.get("body") or "")
    due = moment(milestone.get("due_on"))
    reason = REASONS.get(str(told.get("state_reason")), "Closed")
    # One whose comments are not read is looked at again, wherever in the list it stands by then.
    described = "" if comments is UNREAD else str(told.get("updated_at") or "")
    # Issues of other trackers, and Jira's; its own number in its title would name itself.
    host = host_of(told.get("html_url"))
    named = mentioned(title, body, repository=tracker, host=host)
    return IssueRecord(
        key=key,
        parent=tracker,
        arn=key.lower(),
        status=reason if closed else "Open",
        state=State.DONE.value if closed else State.WAITING.value,
        issue_id=str(told.get("id") or ""),
        title=title,
        type=str((told.get("type") or {}).get("name") or ""),
        category=DONE if closed else TODO,
        assignee=", ".join(assignees),
        assignee_id=next(iter(assignees), ""),
        reporter=login(told.get("user")),
        labels=[str(one.get("name") if isinstance(one, Mapping) else one)
                for one in told.get("labels") or ()],
        milestone=str(milestone.get("title") or ""),
        parent_key=_parent_key(str(told.get("parent_issue_url") or "")),
        body=body,
        comments=comments,
        transitions=WHEN_CLOSED if closed else WHEN_OPEN,
        created=moment(told.get("created_at")),
        updated=moment(told.get("updated_at")),
        resolved=moment(told.get("closed_at")),
        due=due.date() if due else None,
        url=told.get("html_url") or "",
        described=described,
        links=tuple(one for one in named if one.to != key.lower()),
    )  # fmt: skip


def assignees_of(told: Mapping[str, Any]) -> list[str]:
    """Return who has an issue, as GitHub calls them; older servers tell of one alone."""
    people = told.get("assignees") or [told.get("assignee")]
    return [name for one in people if (name := login(one))]


def _parent_key(url: str) -> str:
    """Return "owner/name#7" of the API's address of an issue, "" of none."""
    name, _, number = url.partition("/repos/")[2].partition("/issues/")
    return issue_key(name, number) if name and number else ""
