"""Reads repositories, branches and commits from GitHub; no Django.

https://docs.github.com/en/rest/repos · https://docs.github.com/en/rest/commits
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.mirror.ask import UNREAD, Ask, Covered, Ended, Parent, Vanished
from apps.mirror.masking import masked
from apps.sites.reach import Failed, Reach

from .listing import GONE, PAGE, Known, items, listed, named, path
from .records import (
    BranchRecord,
    CommitRecord,
    RepositoryRecord,
    branch_record,
    commit_record,
    key_of,
    login,
    repository_record,
    split,
    troubled_record,
)
from .words import next_page

# Of a history that nobody opened: what the first page of each unknown head tells.
FIRST = 30
# Calls for commits of one repository in one sweep; what is left is read by the next ones.
STEPS = 10
# Pages behind one head that moved: a push of more is read as far as this.
PUSHED = 3
# Branches of a repository that are asked in one sweep whether they were forced.
COMPARED = 20
# What was pushed to so lately may be pushed to again in the same second, or ours is another clock.
SECONDS = timedelta(seconds=30)
# A repository without any commit; a commit that is not there.
NO_COMMITS = GONE | {409, 422}


def repositories(reach: Reach, ask: Ask) -> Iterator[RepositoryRecord | Vanished]:
    """Every repository that was chosen: a call a hundred of an owner, or one each.

    Where none changed, all answers are as they were and cost nothing (304).
    """
    known = Known.told_by(ask)
    for item in listed(reach, known) if ask.keys is None else named(reach, ask.keys, known):
        if isinstance(item, Vanished):
            yield item
        elif item.told is not None:
            yield repository_record(item.told, item.key)
        elif item.blocked:
            yield troubled_record(item.key, "blocked", item.blocked)
        else:
            yield RepositoryRecord(key=item.key)


def branches(reach: Reach, ask: Ask) -> Iterator[BranchRecord | Covered]:
    """The branches of repositories with their heads.

    ReposListBranches, a hundred a call, only where somebody pushed since they were read (or where
    `ask.deep`). Where a head moved, ReposCompareCommitsWithBasehead says whether the one before is
    still behind it: else somebody forced it.
    """
    known: dict[str, dict[str, str]] = {}
    for key, stamp in ask.known.items():
        known.setdefault(split(key)[0], {})[key] = stamp
    changed = []
    for parent in ask.parents:
        have = known.get(parent.key, {})
        unchanged = _stamp(parent) in filter(None, have.values())
        if _cannot_be_read(parent) or (unchanged and not ask.deep):
            yield from (BranchRecord(key=key, parent=parent.key) for key in have)
            yield Covered(parent.key)
        else:
            changed.append(parent)
    for parent, found in reach.each(changed, lambda parent: _branches_of(reach, parent)):
        if not isinstance(found, Failed):
            yield from found
            yield Covered(parent.key)


def _cannot_be_read(parent: Parent) -> bool:
    """Whether GitHub did not open the repository: it would refuse each call about it."""
    return bool(parent.fields.get("status"))


def _is_settled(parent: Parent) -> bool:
    """Whether another push would be told by another time: GitHub tells of seconds."""
    pushed = parent.fields.get("last_modified")
    return pushed is None or datetime.now(UTC) - pushed > SECONDS


def _stamp(parent: Parent) -> str:
    pushed = parent.fields.get("last_modified")
    return pushed.isoformat() if pushed else ""


def _branches_of(reach: Reach, parent: Parent) -> list[BranchRecord]:
    page = str(parent.fields.get("console_url") or "")
    answers = reach.pages("github:ReposListBranches", path(parent.key, "/branches"), per_page=PAGE)
    told = [branch for answer in answers for branch in items(answer)]
    before: Mapping[str, str] = parent.fields.get("heads") or {}
    found: list[BranchRecord] = []
    compared = 0
    for branch in sorted(told, key=lambda one: str(one["name"])):
        record = branch_record(parent.key, page, branch, read_at_change="")
        head = before.get(str(record.name))
        if head and head != record.commit_id and compared < COMPARED:
            compared += 1
            record = _compared(reach, parent.key, head, record)
        found.append(record)
    if found and _is_settled(parent):
        # One of them says up to which push all were read, so that a push changes no other rows.
        found[0] = replace(found[0], read_at_change=_stamp(parent))
    return found


def _compared(reach: Reach, repository: str, before: str, record: BranchRecord) -> BranchRecord:
    """Say of a branch that moved whether the head before is no more in its history.

    Behind the first page are no files, which nobody here wants.
    """
    rest = f"/compare/{before}...{record.commit_id}"
    operation = "github:ReposCompareCommitsWithBasehead"
    try:
        answer = reach.get_unless(GONE, operation, path(repository, rest), per_page=1, page=2)
    except Exception:  # noqa: BLE001 - told on the scope; the branch is where it is all the same
        return record
    status = answer.body.get("status") if isinstance(answer.body, Mapping) else None
    if answer.ok and status in ("ahead", "identical"):
        return record
    return replace(record, replaced=before, replaced_at=datetime.now(UTC))


@dataclass(slots=True)
class _Walk:
    """How far reading one repository's commits is."""

    parent: Parent
    ahead: deque[str]
    size: int
    seen: set[str] = field(default_factory=set)
    calls: int = 0
    pages: int = 0
    # The next page behind the head that is being read, "" for the next head.
    following: str = ""
    # Read behind it so far: a head that is mirrored is not read again, so it comes with the rest.
    held: list[CommitRecord] = field(default_factory=list)


def commits(reach: Reach, ask: Ask) -> Iterator[CommitRecord | Covered | Ended]:
    """Commits of each repository from its heads back to known ones; of keys those, with comments.

    ReposListCommits tells a hundred of a head's history a call. At first the newest of each head
    (the default branch's come first), later what was pushed; the history behind them once somebody
    opened it, which `depth` says. Where all heads are known nothing is called.
    """
    if ask.keys is not None:
        yield from _commits_by_key(reach, ask.keys)
        return
    walks = [_walk(parent, ask) for parent in ask.parents]
    _drop_known(ask, walks)
    while walks:
        ready = [walk for walk in walks if walk.ahead or walk.following]
        for walk in walks:
            if walk not in ready:
                yield Ended(walk.parent.key)
                yield Covered(walk.parent.key)
        walks = []
        for walk, answer in reach.each(ready, lambda walk: _next_page(reach, walk)):
            if isinstance(answer, Failed):
                continue
            walk.held += _fresh(ask, walk, answer)
            if not walk.following:
                yield from walk.held
                walk.held = []
                if walk.calls >= STEPS:
                    walk.ahead.clear()
            walks.append(walk)
        _drop_known(ask, walks)


def _walk(parent: Parent, ask: Ask) -> _Walk:
    heads: Mapping[str, str] = parent.fields.get("heads") or {}
    own = heads.get(str(parent.fields.get("default_branch") or ""))
    wanted = [*filter(None, [own]), *heads.values(), *(parent.fields.get("unread") or ())]
    at_first = parent.key in ask.unended and not parent.fields.get("depth")
    ahead = deque([] if _cannot_be_read(parent) else dict.fromkeys(wanted))
    return _Walk(parent, ahead, FIRST if at_first else PAGE)


def _drop_known(ask: Ask, walks: list[_Walk]) -> None:
    """Take the commits that are mirrored, or were read just now, out of what is to be read."""
    keys = {key_of(walk.parent.key, sha) for walk in walks for sha in walk.ahead}
    known = ask.finished(sorted(keys)) if keys else frozenset()
    for walk in walks:
        name = walk.parent.key
        left = [sha for sha in walk.ahead if sha not in walk.seen]
        walk.ahead = deque(sha for sha in left if key_of(name, sha) not in known)


def _next_page(reach: Reach, walk: _Walk) -> Any:
    """Read the next page of a repository's commits: no other thread has this walk."""
    operation = "github:ReposListCommits"
    if walk.following:
        return reach.get_unless(NO_COMMITS, operation, walk.following)
    walk.pages = 0
    start = walk.ahead.popleft()
    walk.seen.add(start)
    return reach.get_unless(
        NO_COMMITS, operation, path(walk.parent.key, "/commits"), sha=start, per_page=walk.size
    )


def _fresh(ask: Ask, walk: _Walk, answer: Any) -> list[CommitRecord]:
    """Return the commits of a page that are not mirrored; say on the walk where it goes on."""
    walk.calls += 1
    walk.pages += 1
    walk.following = ""
    if not answer.ok:
        return []
    told = {str(commit["sha"]): commit for commit in items(answer)}
    name = walk.parent.key
    known = ask.finished([key_of(name, sha) for sha in told]) if told else frozenset()
    walk.seen.update(told)
    new = [commit_record(name, told[sha]) for sha in told if key_of(name, sha) not in known]
    # What was merged lies between commits that are known: a push is read until it hangs on those,
    # unless it is the first look.
    if walk.size == PAGE and walk.pages < PUSHED and _hangs_loose(ask, walk, new):
        walk.following = _following(answer)
    return new


def _hangs_loose(ask: Ask, walk: _Walk, new: list[CommitRecord]) -> bool:
    """Whether some of these have a parent that is neither mirrored nor was read just now."""
    parents = {sha for record in new for sha in record.parents} - walk.seen
    keys = sorted(key_of(walk.parent.key, sha) for sha in parents)
    return bool(keys) and len(ask.finished(keys)) < len(keys)


def _following(answer: Any) -> str:
    found = next_page("", {}, answer)
    return found[0] if found else ""


def _commits_by_key(reach: Reach, keys: tuple[str, ...]) -> Iterator[CommitRecord]:
    def read(key: str) -> Any:
        repository, commit_id = split(key)
        answer = reach.get_unless(
            NO_COMMITS,
            "github:ReposGetCommit",
            path(repository, f"/commits/{commit_id}"),
            per_page=1,
        )
        comments = comments_of_commit(reach, repository, commit_id) if answer.ok else UNREAD
        return answer, comments

    for key, found in reach.each(keys, read):
        if not isinstance(found, Failed) and found[0].ok:
            yield commit_record(split(key)[0], found[0].body, found[1])


def comments_of_commit(reach: Reach, repository: str, commit_id: str) -> Any:
    """Return what people said about a commit, UNREAD where that could not be read.

    One that nothing leads to any more is thrown away by GitHub some day ("No commit found for SHA",
    422), which is no trouble of anybody's.
    """
    try:
        answer = reach.get_unless(
            NO_COMMITS,
            "github:ReposListCommentsForCommit",
            path(repository, f"/commits/{commit_id}/comments"),
            per_page=PAGE,
        )
    except Exception:  # noqa: BLE001 - told on the scope, as of every detail
        return UNREAD
    return [comment(told) for told in items(answer)] if answer.ok else UNREAD


def comment(told: Mapping[str, Any], text: str = "") -> dict[str, Any]:
    """Read a comment on a commit, pull request or one of its lines, as `PullRequest` keeps it."""
    at, edited = told.get("created_at") or told.get("submitted_at"), told.get("updated_at")
    return {
        "id": str(told.get("id") or ""),
        "author": login(told.get("user")),
        "at": at,
        "edited": bool(edited and at and edited != at),
        "text": text or masked(told.get("body") or ""),
        "reply_to": str(told.get("in_reply_to_id") or ""),
        "deleted": False,
        "path": told.get("path") or "",
        "position": told.get("line") or told.get("original_line"),
        "version": told.get("side") or "",
    }
