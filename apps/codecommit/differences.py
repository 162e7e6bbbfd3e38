"""Reads what a commit or a pull request changes into the cache, file by file; runs in workers.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetDifferences.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from apps.aws.calls import Failed, Reach
from apps.mirror.ask import UNREAD
from apps.mirror.linestore import Contents
from apps.mirror.reconcile import Nothing, reconcile
from apps.mirror.resource import REGISTER
from apps.source import diff, looked
from apps.source.models import Commit, PullRequest

from . import collect
from .records import CommitRecord

CALLS = ("codecommit:GetDifferences", "codecommit:GetBlob")
# Files listed, and those whose lines are read: two calls each.
MOST_FILES, READ_FILES = 300, 60
# GetDifferences tells no sizes: what is larger is left out once it is here.
LARGEST = 512 * 1024
AT_ONCE = 8
GONE = (
    "CodeCommit no longer has it",
    "The commit or its repository was deleted meanwhile.",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One of GetDifferences."""

    path: str
    change: str
    before: str
    after: str


def read(look: str, row: Commit | PullRequest, ours: Callable[[], bool]) -> None:
    """Read all of it; what keeps it from being read stands beside the lines.

    ours  asked before anything read is kept; where it says no, another reader has it.
    """
    looked.fill(
        look,
        row,
        ours,
        kind="codecommit.commit",
        operation=CALLS[0],
        gone=GONE,
        read=lambda reach, contents: _read(reach, look, row, contents, ours),
    )


def _read(
    reach: Reach,
    look: str,
    row: Commit | PullRequest,
    contents: Contents,
    ours: Callable[[], bool],
) -> None:
    repository = row.repository.key
    before, after = _versions(row)
    found = list(islice(_changes(reach, repository, before, after), MOST_FILES + 1))
    for start in range(0, min(len(found), MOST_FILES), AT_ONCE):
        some = found[start : min(start + AT_ONCE, MOST_FILES)]
        read = some[: max(0, READ_FILES - start)]
        lines = [*_lines(reach, repository, read), *map(_named, some[len(read) :])]
        if not ours():
            return
        looked.store_of(row).extend(contents, lines)
        looked.publish(look, row, contents)
    if not ours():
        return
    contents.done = True
    if len(found) > READ_FILES:
        count = "More than 300" if len(found) > MOST_FILES else str(len(found))
        text = f"The lines of the first {READ_FILES} are shown; AWS's console has all of them."
        looked.say(contents, "unknown", f"{count} files changed", text)
    elif not found:
        looked.say(contents, "unknown", "No file changed", "")
    looked.publish(look, row, contents)
    if isinstance(row, Commit):
        _read_comments(reach, row)


def _versions(row: Commit | PullRequest) -> tuple[str, str]:
    """Return what is compared: the first parent, or where it branched off ("" for none), and it."""
    if isinstance(row, Commit):
        return next(iter(row.parents), ""), row.commit_id
    return row.merge_base or row.destination_commit, row.source_commit


def _changes(reach: Reach, repository: str, before: str, after: str) -> Iterator[Change]:
    asked = {"beforeCommitSpecifier": before} if before else {}
    for page in reach.pages(
        CALLS[0], repositoryName=repository, afterCommitSpecifier=after, **asked
    ):
        for one in page.get("differences", ()):
            old, new = one.get("beforeBlob") or {}, one.get("afterBlob") or {}
            yield Change(
                path=new.get("path") or old.get("path") or "",
                change=one.get("changeType") or "",
                before=old.get("blobId") or "",
                after=new.get("blobId") or "",
            )


def _lines(reach: Reach, repository: str, changes: Sequence[Change]) -> list[str]:
    """Read both versions of some files, and return their lines in order."""
    wanted = dict.fromkeys(
        blob for change in changes for blob in (change.before, change.after) if blob
    )

    def get(blob: str) -> bytes:
        answer = reach.call(CALLS[1], repositoryName=repository, blobId=blob)
        return bytes(answer["content"])

    blobs = dict(reach.each(wanted, get))
    return [line for change in changes for line in _file(change, blobs)]


def _file(change: Change, blobs: Mapping[str, bytes | Failed]) -> list[str]:
    versions: list[bytes | None] = []
    for blob in (change.before, change.after):
        content = blobs[blob] if blob else None
        if isinstance(content, Failed):
            told = content.failure.message or content.failure.code
            return [diff.head(change.path, change.change, f"It cannot be read: {told}")]
        if content is not None and len(content) > LARGEST:
            note = f"Too large to compare here: {len(content):,} bytes"
            return [diff.head(change.path, change.change, note)]
        versions.append(content)
    return diff.file_lines(change.path, change.change, *versions)


def _named(change: Change) -> str:
    return diff.head(change.path, change.change, "Its lines were not read")


def _read_comments(reach: Reach, commit: Commit) -> None:
    """Keep what people said of the commit: where no events tell, this is when it is read."""
    repository = commit.repository.key
    comments = collect.comments_of_commit(reach, repository, commit.commit_id)
    if comments is not UNREAD:
        record = CommitRecord(key=commit.key, parent=repository, comments=comments)
        reconcile(REGISTER.get("codecommit.commit"), commit.scope, [record], extent=Nothing())
