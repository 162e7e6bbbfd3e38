"""Reads repositories, branches, commits and pull requests from CodeCommit; no Django.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_Operations.html
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from apps.aws.calls import Failed, Fed, Reach, batches
from apps.mirror.ask import UNREAD, Ask, Covered, Ended, Parent, Vanished
from apps.mirror.provider import Health

from . import pulls
from .pulls import PullRequestRecord, pull_request_record
from .records import (
    BranchRecord,
    CommitRecord,
    RepositoryRecord,
    branch_record,
    commit_record,
    headless_record,
    key_of,
    named_record,
    repository_record,
    troubled_record,
)

# What one BatchGetRepositories or BatchGetCommits takes.
BATCH = 100
# CodeCommit lists no commits: each step from a commit to its parents is a call. So many of them at
# a time in a repository whose commits somebody opened; what is left is read by the next sweeps.
STEPS = 30
# And so many in any other, from a head that moved: a push brings few commits.
PUSHED = 5
# Comments of a pull request or commit that are kept, in pages of a call each.
COMMENT_PAGES, COMMENTS = 3, 100
CONFLICT_FILES = 50
Told = Covered | Ended | Vanished
GONE = "RepositoryDoesNotExistException"


def repositories(reach: Reach, ask: Ask) -> Iterator[RepositoryRecord | Vanished]:
    """Every repository; triggers and tags only of those that are new, or where `ask.deep`.

    ListRepositories (1,000 a page), then BatchGetRepositories (100). A repository that CodeCommit
    cannot open (its key is disabled, …) is told with its error.
    """
    if ask.keys is not None:
        names: list[str] = list(ask.keys)
    else:
        names = [
            repository["repositoryName"]
            for page in reach.pages("codecommit:ListRepositories")
            for repository in page["repositories"]
        ]
    new: list[Mapping[str, Any]] = []
    for batch in batches(dict.fromkeys(names), BATCH):
        answer = reach.detail("codecommit:BatchGetRepositories", repositoryNames=batch)
        if answer is None:
            # The list says that they are there; what a hint names may be nothing.
            listed = batch if ask.keys is None else []
            yield from (named_record(reach, name) for name in listed)
            continue
        yield from (Vanished(name) for name in answer.get("repositoriesNotFound", ()))
        for error in answer.get("errors", ()):
            gone = error.get("errorCode") == GONE
            yield Vanished(error["repositoryName"]) if gone else troubled_record(reach, error)
        for repository in answer.get("repositories", ()):
            known = ask.known.get(repository["repositoryName"])
            if ask.deep or not known or known != repository.get("repositoryId"):
                new.append(repository)
            else:
                yield repository_record(reach, repository)
    for repository, details in reach.each(new, lambda one: _describe(reach, one["repositoryName"])):
        told = {} if isinstance(details, Failed) else details
        yield repository_record(reach, repository, **told)


def _describe(reach: Reach, name: str) -> dict[str, Any]:
    arn = reach.arn("codecommit", name)
    return {
        "triggers": reach.detail("codecommit:GetRepositoryTriggers", repositoryName=name),
        "tags": reach.detail("codecommit:ListTagsForResource", resourceArn=arn),
    }


def branches(reach: Reach, ask: Ask) -> Iterator[BranchRecord | Covered | Vanished]:
    """The branches of repositories with their heads; of keys just those.

    ListBranches, then GetBranch a branch, only where the repository changed since its branches
    were read (or where `ask.deep`): a push moves its `lastModifiedDate`.
    """
    if ask.keys is not None:
        yield from _branches_by_key(reach, ask.keys)
        return
    known: dict[str, dict[str, str]] = {}
    for key, stamp in ask.known.items():
        known.setdefault(key.partition("/")[0], {})[key] = stamp
    changed = []
    for parent in ask.parents:
        have = known.get(parent.key, {})
        unchanged = _stamp(parent) in filter(None, have.values())
        if _cannot_be_read(parent) or (unchanged and not ask.deep):
            yield from (BranchRecord(key=key, parent=parent.key) for key in have)
            yield Covered(parent.key)
        else:
            changed.append(parent)
    yield from _branches_of(reach, changed)


def _cannot_be_read(parent: Parent) -> bool:
    """Whether CodeCommit could not open the repository: it would refuse each call about it."""
    return bool(parent.fields.get("status"))


def _stamp(parent: Parent) -> str:
    changed = parent.fields.get("last_modified")
    return changed.isoformat() if changed else ""


def _branches_by_key(reach: Reach, keys: Iterable[str]) -> Iterator[BranchRecord | Vanished]:
    def read(key: str) -> Any:
        repository, _, name = key.partition("/")
        return reach.call("codecommit:GetBranch", repositoryName=repository, branchName=name)

    for key, answer in reach.each(keys, read):
        if not isinstance(answer, Failed):
            yield branch_record(reach, key.partition("/")[0], answer, UNREAD)
        elif answer.failure.health is Health.GONE:
            yield Vanished(key)


def _branches_of(reach: Reach, parents: Iterable[Parent]) -> Iterator[BranchRecord | Covered]:
    """List the branches of each repository; each head is read before the next repository."""
    pending: Fed[tuple[Parent, str | None]] = Fed((parent, None) for parent in parents)
    left: dict[str, int] = {}
    found: dict[str, list[BranchRecord]] = {}

    def read(item: tuple[Parent, str | None]) -> Any:
        parent, name = item
        if name is not None:
            return reach.call("codecommit:GetBranch", repositoryName=parent.key, branchName=name)
        pages = reach.pages("codecommit:ListBranches", repositoryName=parent.key)
        return [branch for page in pages for branch in page.get("branches", ())]

    for (parent, name), answer in reach.each(pending, read):
        if name is None:
            if isinstance(answer, Failed):
                continue
            left[parent.key], found[parent.key] = len(answer), []
            for branch in reversed(answer):
                pending.feed((parent, branch))
        else:
            left[parent.key] -= 1
            if not isinstance(answer, Failed):
                found[parent.key].append(branch_record(reach, parent.key, answer, ""))
            elif answer.failure.health is not Health.GONE:
                found[parent.key].append(headless_record(reach, parent.key, name))
        if not left[parent.key]:
            yield from _stamped(found.pop(parent.key), _stamp(parent))
            yield Covered(parent.key)


def _stamped(branches: list[BranchRecord], stamp: str) -> list[BranchRecord]:
    """Let the first of a repository's branches say up to which change all of them were read.

    One of them is enough, and then a push changes no other rows. Where a head could not be read,
    none says so, and all are read again.
    """
    branches.sort(key=lambda record: record.key)
    if branches and all(record.commit_id is not UNREAD for record in branches):
        branches[0] = replace(branches[0], read_at_change=stamp)
    return branches


def commits(reach: Reach, ask: Ask) -> Iterator[CommitRecord | Covered | Ended]:
    """Commits of each repository from its heads back to known ones; of keys those, with comments.

    CodeCommit has no list of them: BatchGetCommits reads heads, then their parents, and so on. At
    first the heads alone, later what was pushed (`PUSHED` calls at most); the history behind them
    (`STEPS` calls a repository and sweep) once somebody opened it, which its `depth` says. Where
    all heads are known nothing is called. The end of what is read unasked is that of the heads.
    """
    if ask.keys is not None:
        yield from _commits_by_key(reach, ask.keys)
        return
    ahead = {parent.key: deque(dict.fromkeys(_wanted(parent))) for parent in ask.parents}
    seen = {name: set(queue) for name, queue in ahead.items()}
    _drop_known(ask, ahead)
    steps: dict[str, int] = dict.fromkeys(ahead, 0)
    pending: Fed[tuple[Parent, list[str]]] = Fed(())
    for parent in reversed(ask.parents):
        if _cannot_be_read(parent) or not ahead[parent.key]:
            yield Covered(parent.key)
        else:
            pending.feed((parent, _bite(ahead[parent.key])))

    def read(item: tuple[Parent, list[str]]) -> Any:
        parent, ids = item
        return reach.call("codecommit:BatchGetCommits", repositoryName=parent.key, commitIds=ids)

    for (parent, _), answer in reach.each(pending, read):
        if isinstance(answer, Failed):
            continue
        steps[parent.key] += 1
        fresh: list[str] = []
        for commit in answer.get("commits", ()):
            yield commit_record(reach, parent.key, commit)
            fresh += [one for one in commit.get("parents") or () if one not in seen[parent.key]]
            seen[parent.key].update(fresh)
        queue = ahead[parent.key]
        at_first = parent.key in ask.unended and not parent.fields.get("depth")
        if not at_first:
            queue.extend(dict.fromkeys(fresh))
            _drop_known(ask, {parent.key: queue})
        if queue and (at_first or steps[parent.key] < _most_steps(parent)):
            pending.feed((parent, _bite(queue)))
        else:
            yield Ended(parent.key)
            yield Covered(parent.key)


def _wanted(parent: Parent) -> list[str]:
    """Return the commits that reading begins with."""
    return [*(parent.fields.get("heads") or {}).values(), *parent.fields.get("unread", ())]


def _most_steps(parent: Parent) -> int:
    return STEPS if parent.fields.get("depth") else PUSHED


def _bite(queue: deque[str]) -> list[str]:
    return [queue.popleft() for _ in range(min(BATCH, len(queue)))]


def _drop_known(ask: Ask, ahead: Mapping[str, deque[str]]) -> None:
    """Take out of these queues, by repository, the commits that are mirrored."""
    keys = [key_of(repository, one) for repository, queue in ahead.items() for one in queue]
    known: set[str] = set()
    for some in batches(keys, BATCH):
        known |= ask.finished(some)
    for repository, queue in ahead.items():
        left = [one for one in queue if key_of(repository, one) not in known]
        queue.clear()
        queue.extend(left)


def _commits_by_key(reach: Reach, keys: Iterable[str]) -> Iterator[CommitRecord]:
    by_repository: dict[str, list[str]] = {}
    for key in keys:
        repository, _, commit_id = key.partition("/")
        by_repository.setdefault(repository, []).append(commit_id)
    for repository, ids in by_repository.items():
        for batch in batches(ids, BATCH):
            answer = reach.call(
                "codecommit:BatchGetCommits", repositoryName=repository, commitIds=batch
            )
            for commit in answer.get("commits", ()):
                told = comments_of_commit(reach, repository, commit["commitId"])
                yield commit_record(reach, repository, commit, told)


def comments_of_commit(reach: Reach, repository: str, commit_id: str) -> Any:
    """Return what people said about a commit, UNREAD where that could not be read."""
    asked = {"repositoryName": repository, "afterCommitId": commit_id}
    return _comments(
        reach,
        "codecommit:GetCommentsForComparedCommit",
        "commentsForComparedCommitData",
        asked,
    )


def _comments(reach: Reach, operation: str, member: str, asked: Mapping[str, str]) -> Any:
    data: list[Mapping[str, Any]] = []
    token: dict[str, str] = {}
    for _ in range(COMMENT_PAGES):
        page = reach.detail(operation, **asked, maxResults=COMMENTS, **token)
        if page is None:
            return UNREAD
        data += page.get(member) or ()
        if not page.get("nextToken"):
            break
        token = {"nextToken": page["nextToken"]}
    return pulls.comments(data)


def pull_requests(reach: Reach, ask: Ask) -> Iterator[PullRequestRecord | Told]:
    """Pull requests of each repository: open ones always, closed ones until they are known.

    ListPullRequests gives ids only, so an open one costs a GetPullRequest; what else is told of it
    (approvals, rules, comments, conflicts) is read where that says that something happened, and
    where it was named. Of the closed ones that were there before, the newest page is read. A
    repository of which one could not be read is not over: the list that showed it is read again.
    """
    if ask.keys is not None:
        for key, answer in reach.each(ask.keys, lambda key: _pull_request(reach, key)):
            yield from _described(reach, ask, key, answer, named=True)
        return
    listed, wanted = _list_pull_requests(reach, ask)
    missed: set[str] = set()
    for key, answer in reach.each(wanted, lambda key: _pull_request(reach, key)):
        if isinstance(answer, Failed) and answer.failure.health is not Health.GONE:
            missed.add(wanted[key])
        yield from _described(reach, ask, key, answer)
    for name in listed:
        if name not in missed:
            yield Ended(name)
            yield Covered(name)
    yield from (Covered(parent.key) for parent in ask.parents if _cannot_be_read(parent))


def _list_pull_requests(reach: Reach, ask: Ask) -> tuple[list[str], dict[str, str]]:
    """Return the repositories that were listed, and by pull request to read its repository."""
    readable = [parent for parent in ask.parents if not _cannot_be_read(parent)]
    wanted: dict[str, str] = {}
    listed: list[str] = []

    def read(parent: Parent) -> list[str]:
        first = reach.call("codecommit:ListPullRequests", repositoryName=parent.key)
        ids = list(first.get("pullRequestIds", ()))
        if first.get("nextToken") and parent.key in ask.unended:
            pages = reach.pages(
                "codecommit:ListPullRequests", repositoryName=parent.key, pullRequestStatus="OPEN"
            )
            ids += chain.from_iterable(page.get("pullRequestIds", ()) for page in pages)
        return ids

    for parent, ids in reach.each(readable, read):
        if isinstance(ids, Failed):
            continue
        finished = ask.finished(ids)
        found = [key for key in ids if key not in finished]
        for key in (*found, *sorted(ask.unfinished.get(parent.key, ()))):
            wanted.setdefault(key, parent.key)
        listed.append(parent.key)
    return listed, wanted


def _pull_request(reach: Reach, key: str) -> Any:
    return reach.call("codecommit:GetPullRequest", pullRequestId=key)["pullRequest"]


def _described(
    reach: Reach, ask: Ask, key: str, pull: Any, *, named: bool = False
) -> Iterator[PullRequestRecord | Vanished]:
    if isinstance(pull, Failed):
        if pull.failure.health is Health.GONE:
            yield Vanished(key)
        return
    stamp = pulls.stamp_of(pull)
    known = ask.known.get(key)
    if known == stamp and not ask.deep and not named:
        yield pull_request_record(reach, pull)
    elif pulls.is_open(pull):
        details = _details(reach, pull, stamp)
        if not known:
            details.setdefault("approval_rules", pulls.approval_rules(pull, None))
        yield pull_request_record(reach, pull, **details)
    elif known:
        # How it stood when it was closed is kept: nobody can approve it any more.
        yield pull_request_record(reach, pull, described=stamp)
    else:
        rules = pulls.approval_rules(pull, None)
        yield pull_request_record(reach, pull, described=stamp, approval_rules=rules)


def _details(reach: Reach, pull: Mapping[str, Any], stamp: str) -> dict[str, Any]:
    """Return the columns of an open pull request that calls of their own tell."""
    number, repository = pull["pullRequestId"], pulls.repository_of(pull)
    revision = {"pullRequestId": number, "revisionId": pull.get("revisionId") or ""}
    approvals = reach.detail("codecommit:GetPullRequestApprovalStates", **revision)
    evaluated = reach.detail("codecommit:EvaluatePullRequestApprovalRules", **revision)
    target = pull["pullRequestTargets"][0]
    conflicts = reach.detail(
        "codecommit:GetMergeConflicts",
        repositoryName=repository,
        sourceCommitSpecifier=target.get("sourceCommit") or target.get("sourceReference"),
        destinationCommitSpecifier=target.get("destinationCommit")
        or target.get("destinationReference"),
        mergeOption="THREE_WAY_MERGE",
        # Not FILE_LEVEL: two changes of one file need not conflict.
        conflictDetailLevel="LINE_LEVEL",
        maxConflictFiles=CONFLICT_FILES,
    )
    told = _comments(
        reach,
        "codecommit:GetCommentsForPullRequest",
        "commentsForPullRequestData",
        {"pullRequestId": number},
    )
    columns: dict[str, Any] = {"comments": told}
    if approvals is not None:
        columns["approvals"] = [
            {"user": one.get("userArn") or "", "state": one.get("approvalState") or ""}
            for one in approvals.get("approvals") or ()
        ]
    if evaluated is not None:
        evaluation = evaluated["evaluation"]
        columns |= {
            "approved": evaluation.get("approved"),
            "overridden": bool(evaluation.get("overridden")),
            "approval_rules": pulls.approval_rules(pull, evaluation),
        }
    if conflicts is not None:
        columns |= {
            "mergeable": conflicts["mergeable"],
            "conflicts": [
                one.get("filePath") or "" for one in conflicts.get("conflictMetadataList") or ()
            ],
        }
    if told is not UNREAD and None not in (approvals, evaluated, conflicts):
        columns["described"] = stamp
    return columns
