"""The files behind commits at GitHub: trees, blobs, and what a new tree changes.

Commits that the scenario made know only what they changed. Their files are worked out of that when
somebody asks, each with its patch for a content; their trees' ids are no hashes of them.
"""

from __future__ import annotations

import difflib
import hashlib
from typing import TYPE_CHECKING

from apps.sandbox.codecommit.model import Entry, Files
from apps.sandbox.codecommit.objects import blob_id, differences, tree_id
from apps.sandbox.github.model import Change, Commit

if TYPE_CHECKING:
    from apps.sandbox.github.model import Repository

#: CodeCommit's letters for what became of a file, as GitHub says it.
_WORDS = {"A": "added", "M": "modified", "D": "removed"}


def tree_of(commit: Commit) -> str:
    """The id of a commit's tree."""
    if commit.tree:
        return commit.tree
    return hashlib.sha1(f"tree {commit.sha}".encode(), usedforsecurity=False).hexdigest()


def files(one: Repository, commit: Commit) -> Files:
    """The whole tree of a commit, flat."""
    line = [commit]
    while not line[-1].tree and line[-1].parents and line[-1].parents[0] in one.commits:
        line.append(one.commits[line[-1].parents[0]])
    found: Files = {}
    for each in reversed(line):
        if each.tree:
            found = dict(one.trees[each.tree])
            continue
        for change in each.changes:
            if change.status == "removed":
                found.pop(change.path, None)
            else:
                found[change.path] = Entry(keep(one, f"{change.patch}\n".encode()))
    return found


def find_tree(one: Repository, sha: str) -> Files | None:
    """The files of a tree's id, or of a commit's; None where there is no such tree."""
    if sha in one.trees:
        return one.trees[sha]
    commit = one.commits.get(sha)
    if commit is None:
        commit = next((it for it in one.commits.values() if tree_of(it) == sha), None)
    return None if commit is None else files(one, commit)


def keep(one: Repository, content: bytes) -> str:
    """Keep a file's content; its id."""
    sha = blob_id(content)
    one.blobs[sha] = content
    return sha


def keep_tree(one: Repository, found: Files) -> str:
    """Keep a tree; its id."""
    sha = tree_id(found)
    one.trees[sha] = found
    return sha


def contents(one: Repository, commit: Commit) -> dict[str, bytes]:
    """The files of a commit with their contents."""
    return {path: one.blobs[entry.blob] for path, entry in files(one, commit).items()}


def changes(one: Repository, before: Files, after: Files) -> tuple[Change, ...]:
    """What differs between two trees, as a commit tells it."""
    told = []
    for each in differences(before, after):
        old, new = (_lines(one, entry) for entry in (each.before, each.after))
        lines = list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]
        added = sum(line.startswith("+") for line in lines)
        removed = sum(line.startswith("-") for line in lines)
        told.append(Change(each.path, _WORDS[each.change], added, removed, "\n".join(lines)))
    return tuple(told)


def _lines(one: Repository, entry: Entry | None) -> list[str]:
    return [] if entry is None else one.blobs[entry.blob].decode("utf-8", "replace").splitlines()
