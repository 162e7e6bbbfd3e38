"""Reads pull requests with reviews, checks and comments from GitHub; no Django.

https://docs.github.com/en/rest/pulls · https://docs.github.com/en/rest/checks
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from apps.mirror.ask import UNREAD, Ask, Covered, Ended, LinkTo, Parent, Unread, Vanished
from apps.mirror.masking import masked
from apps.mirror.state import State
from apps.sites.reach import Failed, Reach
from apps.source.mentions import mentioned

from .checks import checks_of, sum_of
from .collect import comment
from .listing import GONE, PAGE, items, path
from .newest import Newest, newest
from .records import JSON, arn_of, commit_arn, host_of, login, moment

# Pages of open ones that are read at first.
OPEN_PAGES = 5
SETTLED, MOVES = "settled", "moves"
# Key -> its repository, and what a list says of it.
Wanted = dict[str, tuple[str, Mapping[str, Any] | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequestRecord:
    """A pull request as lists give it, and what the calls about an open one add."""

    key: str
    parent: str
    arn: str | Unread = UNREAD
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    number: str | Unread = UNREAD
    title: str | Unread = UNREAD
    description: str | Unread = UNREAD
    author: str | Unread = UNREAD
    created: datetime | Unread | None = UNREAD
    last_activity: datetime | Unread | None = UNREAD
    source_branch: str | Unread = UNREAD
    destination_branch: str | Unread = UNREAD
    source_commit: str | Unread = UNREAD
    destination_commit: str | Unread = UNREAD
    merged: bool | Unread = UNREAD
    merged_by: str | Unread = UNREAD
    merge_commit: str | Unread = UNREAD
    approved: bool | Unread | None = UNREAD
    approvals: JSON = UNREAD
    mergeable: bool | Unread | None = UNREAD
    draft: bool | Unread = UNREAD
    merge_state: str | Unread = UNREAD
    reviewers: JSON = UNREAD
    checks: JSON = UNREAD
    checks_state: str | Unread = UNREAD
    comments: JSON = UNREAD
    console_url: str | Unread = UNREAD
    described: str | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


def pull_key(repository: str, number: Any) -> str:
    """Return the key of a pull request: "owner/name#7"."""
    return f"{repository}#{number}"


def stamp_of(told: Mapping[str, Any], settled: str) -> str:
    """Return what tells that nobody did anything to a pull request since it was read.

    settled  whether its checks and whether it can be merged were decided by then: what is not
             moves without any activity of its own.
    """
    head, base = told.get("head") or {}, told.get("base") or {}
    parts = (
        told.get("updated_at"),
        str(head.get("sha") or "")[:12],
        str(base.get("sha") or "")[:12],
        settled,
    )
    return " ".join(str(part or "-") for part in parts)


def pull_requests(
    reach: Reach, ask: Ask
) -> Iterator[PullRequestRecord | Covered | Ended | Vanished]:
    """Pull requests of each repository, what was done last first, down to what is known.

    PullsList tells a hundred a call and costs nothing while nobody does anything (304). What else
    is told of an open one (reviews, comments, checks, whether it can be merged) is read where
    somebody did something to it, where that is undecided, and where it was named.
    """
    if ask.keys is not None:
        for key, found in reach.each(ask.keys, lambda key: _by_key(reach, ask, key)):
            if not isinstance(found, Failed):
                yield found or Vanished(key)
        return
    listed, wanted = _wanted(reach, ask)
    missed: set[str] = set()
    for key, found in reach.each(wanted, lambda key: _read(reach, ask, key, *wanted[key])):
        if isinstance(found, Failed):
            missed.add(wanted[key][0])
        else:
            yield found or Vanished(key)
    for name, upto in listed.items():
        if name not in missed:
            yield Ended(name, upto)
            yield Covered(name)
    yield from (Covered(parent.key) for parent in ask.parents if parent.fields.get("status"))


def _wanted(reach: Reach, ask: Ask) -> tuple[dict[str, str], Wanted]:
    """Return up to what the lists of repositories were read, and what is to be read of them."""
    readable = [parent for parent in ask.parents if not parent.fields.get("status")]
    listed: dict[str, str] = {}
    wanted: Wanted = {}
    for parent, told in reach.each(readable, lambda parent: _listed(reach, ask, parent)):
        if isinstance(told, Failed):
            continue
        listed[parent.key] = told.upto
        for number, pull in told.told.items():
            wanted[pull_key(parent.key, number)] = (parent.key, pull)
        for key in sorted(ask.unfinished.get(parent.key, ())):
            if ask.deep or (ask.known.get(key) or MOVES).endswith(MOVES):
                wanted.setdefault(key, (parent.key, None))
    return listed, wanted


def _listed(reach: Reach, ask: Ask, parent: Parent) -> Newest:
    """Return the pull requests to which something was done since they were read.

    At first those on which somebody did something last, and all that are open.
    """
    operation, address = "github:PullsList", path(parent.key, "/pulls")

    def known(pull: Mapping[str, Any]) -> bool:
        stamp = ask.known.get(pull_key(parent.key, pull["number"]), "")
        return stamp.startswith(f"{pull.get('updated_at')} ")

    pages = reach.pages(
        operation, address, state="all", sort="updated", direction="desc", per_page=PAGE
    )
    found = newest(pages, ask, parent.key, known)
    if found.at_first and found.seen >= PAGE:
        pages = reach.pages(operation, address, state="open", per_page=PAGE)
        for page in islice(pages, OPEN_PAGES):
            found.told.update({pull["number"]: pull for pull in items(page) if not known(pull)})
    return found


def _by_key(reach: Reach, ask: Ask, key: str) -> PullRequestRecord | None:
    return _read(reach, ask, key, key.rpartition("#")[0], None)


def _read(
    reach: Reach, ask: Ask, key: str, repository: str, told: Mapping[str, Any] | None
) -> PullRequestRecord | None:
    """Read one: `told` is what a list says of it. None where it is gone (its repository, then)."""
    known = ask.known.get(key, "")
    is_open = told is None or told.get("state") == "open"
    # Of one that was closed before anybody here knew it, the list tells enough.
    if told is not None and not is_open and not known:
        return pull_record(repository, told, described=stamp_of(told, SETTLED))
    number = key.rpartition("#")[2]
    address = path(repository, f"/pulls/{number}")
    answer = reach.get_unless(GONE, "github:PullsGet", address)
    if not answer.ok:
        return None
    whole: Mapping[str, Any] = answer.body
    if whole.get("state") != "open":
        return pull_record(repository, whole, described=stamp_of(whole, SETTLED))
    details = _checks(reach, repository, whole)
    same = known.split(" ")[:3] == stamp_of(whole, "").split(" ")[:3]
    if not same or ask.deep or ask.keys is not None:
        details |= _talk(reach, repository, address, number)
    read = UNREAD not in details.values()
    decided = whole.get("mergeable") is not None and details["checks_state"] not in (
        State.MOVING,
        State.WAITING,
    )
    stamp = stamp_of(whole, SETTLED if decided else MOVES)
    # What lacks a part is read again, wherever in the list it stands by then.
    described: Any = stamp if read else UNREAD if same else ""
    return pull_record(repository, whole, described=described, **details)


def _checks(reach: Reach, repository: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was checked of the newest commit: check runs of apps, statuses of everybody."""
    head = str((told.get("head") or {}).get("sha") or "")
    address = path(repository, f"/commits/{head}")
    runs = reach.detail("github:ChecksListForRef", f"{address}/check-runs", per_page=PAGE)
    status = reach.detail("github:ReposGetCombinedStatusForRef", f"{address}/status", per_page=PAGE)
    if runs is None or status is None:
        return {"checks": UNREAD, "checks_state": UNREAD}
    found = checks_of(items(runs), status.body.get("statuses") or ())
    return {"checks": found, "checks_state": sum_of(found)}


def _talk(reach: Reach, repository: str, address: str, number: str) -> dict[str, Any]:
    """Return who reviewed it and what people said, to it and to its lines."""
    reviews = reach.detail("github:PullsListReviews", f"{address}/reviews", per_page=PAGE)
    lines = reach.detail("github:PullsListReviewComments", f"{address}/comments", per_page=PAGE)
    said = reach.detail(
        "github:IssuesListComments", path(repository, f"/issues/{number}/comments"), per_page=PAGE
    )
    told: dict[str, Any] = {"approvals": UNREAD, "approved": UNREAD, "comments": UNREAD}
    if reviews is not None:
        told["approvals"] = approvals = approvals_of(items(reviews))
        states = {one["state"] for one in approvals}
        told["approved"] = "APPROVE" in states and "CHANGES_REQUESTED" not in states
    if reviews is not None and lines is not None and said is not None:
        spoken = [one for one in items(reviews) if one.get("body")]
        found = [comment(one) for one in (*items(said), *items(lines), *spoken)]
        told["comments"] = sorted(found, key=lambda one: (one["at"] or "", one["id"]))
    return told


def approvals_of(reviews: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return what each reviewer said last, as far as it decides: a comment takes nothing back.

    Reviews come in the order in which they were given.
    """
    last: dict[str, str] = {}
    for review in reviews:
        name, state = login(review.get("user")), str(review.get("state") or "").upper()
        if state == "APPROVED":
            last[name] = "APPROVE"
        elif state in ("CHANGES_REQUESTED", "DISMISSED"):
            last[name] = state
    return [{"user": name, "state": state} for name, state in last.items()]


def pull_record(repository: str, told: Mapping[str, Any], **details: Any) -> PullRequestRecord:
    """Read one of PullsList, or PullsGet's answer; `details` are what other calls told."""
    number = str(told["number"])
    head, base = told.get("head") or {}, told.get("base") or {}
    source, status = str(head.get("sha") or ""), str(told.get("state") or "")
    merged = bool(told.get("merged_at"))
    merge_commit = str(told.get("merge_commit_sha") or "") if merged else ""
    links = [LinkTo("proposes", "github.commit", commit_arn(repository, source))] if source else []
    if merge_commit:
        links.append(LinkTo("merged as", "github.commit", commit_arn(repository, merge_commit)))
    title, description = masked(told.get("title") or ""), masked(told.get("body") or "")
    branch = str(head.get("ref") or "")
    host = host_of(told.get("html_url"))
    links += mentioned(title, branch, description, repository=repository, host=host)
    if "mergeable" in told:
        # Null while GitHub works it out, which asking makes it do.
        details.setdefault("mergeable", told["mergeable"])
        details.setdefault("merge_state", str(told.get("mergeable_state") or ""))
        details.setdefault("merged_by", login(told.get("merged_by")))
    return PullRequestRecord(
        key=pull_key(repository, number),
        parent=repository,
        arn=f"{arn_of(repository)}/pull/{number}",
        status=status,
        state=_state(status, merged=merged),
        number=number,
        title=title,
        description=description,
        author=login(told.get("user")),
        created=moment(told.get("created_at")),
        # Lists are sorted by it.
        last_activity=moment(told.get("updated_at")) or moment(told.get("created_at")),
        source_branch=branch,
        destination_branch=str(base.get("ref") or ""),
        source_commit=source,
        destination_commit=str(base.get("sha") or ""),
        merged=merged,
        merge_commit=merge_commit,
        draft=bool(told.get("draft")),
        reviewers=[
            *(login(one) for one in told.get("requested_reviewers") or ()),
            *(f"team {one.get('slug')}" for one in told.get("requested_teams") or ()),
        ],
        console_url=told.get("html_url") or "",
        links=tuple(links),
        **details,
    )


def _state(status: str, *, merged: bool) -> str:
    if status == "closed":
        return State.DONE.value if merged else State.STOPPED.value
    return State.WAITING.value if status == "open" else State.UNKNOWN.value
