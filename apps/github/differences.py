"""Reads what a commit or a pull request changes into the cache, page by page; runs in workers.

https://docs.github.com/en/rest/commits/commits#get-a-commit
https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.mirror.ask import UNREAD
from apps.mirror.linestore import Contents
from apps.mirror.reconcile import Nothing, reconcile
from apps.mirror.resource import REGISTER
from apps.sites.reach import Reach
from apps.source import looked
from apps.source.models import Commit, PullRequest

from . import collect
from .listing import items, path
from .patches import file_lines
from .records import CommitRecord

CALLS = ("github:ReposGetCommit", "github:PullsListFiles")
# Files whose lines are read; GitHub tells a hundred a call.
MOST_FILES, PAGE = 300, 100
GONE = (
    "GitHub no longer has it",
    "The commit or its repository was deleted, or nothing leads to it any more.",
)


def read(look: str, row: Commit | PullRequest, ours: Callable[[], bool]) -> None:
    """Read all of it; what keeps it from being read stands beside the lines.

    ours  asked before anything read is kept; where it says no, another reader has it.
    """
    looked.fill(
        look,
        row,
        ours,
        kind="github.commit",
        operation="",
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
    count, more = 0, False
    for files in _pages(reach, row):
        more = count + len(files) > MOST_FILES
        some = files[: MOST_FILES - count]
        count += len(some)
        lines = [line for told in some for line in file_lines(told)]
        if not ours():
            return
        looked.store_of(row).extend(contents, lines)
        looked.publish(look, row, contents)
        if count >= MOST_FILES:
            break
    if not ours():
        return
    contents.done = True
    if more or count >= MOST_FILES:
        text = f"The first {MOST_FILES} files are shown; GitHub has all of them."
        looked.say(contents, "unknown", f"More than {MOST_FILES} files changed", text)
    elif not count:
        looked.say(contents, "unknown", "No file changed", "")
    looked.publish(look, row, contents)
    if isinstance(row, Commit):
        _read_comments(reach, row)


def _pages(reach: Reach, row: Commit | PullRequest) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the files of a change. GitHub compares a commit with its first parent."""
    name = row.repository.key
    if isinstance(row, Commit):
        address = path(name, f"/commits/{row.commit_id}")
        for page in reach.pages(CALLS[0], address, per_page=PAGE):
            yield list((page.body or {}).get("files") or ())
    else:
        address = path(name, f"/pulls/{row.number}/files")
        for page in reach.pages(CALLS[1], address, per_page=PAGE):
            yield items(page)


def _read_comments(reach: Reach, commit: Commit) -> None:
    """Keep what people said of the commit: where no webhooks tell, this is when it is read."""
    repository = commit.repository.key
    comments = collect.comments_of_commit(reach, repository, commit.commit_id)
    if comments is not UNREAD:
        record = CommitRecord(key=commit.key, parent=repository, comments=comments)
        reconcile(REGISTER.get("github.commit"), commit.scope, [record], extent=Nothing())
