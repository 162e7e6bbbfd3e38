"""Git's objects: ids, trees, what differs, common ancestors, and merging line by line.

Ids are made as git makes them but for the dates, so that the same seed gives the same ones.
"""

from __future__ import annotations

import difflib
import hashlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox.codecommit.model import Entry, Files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apps.sandbox.codecommit.model import Repository, Who


def blob_id(content: bytes) -> str:
    """Git's id of a file's content."""
    return _hash("blob", content)


def tree_id(files: Files) -> str:
    """Git's id of a tree with these files, its folders' trees within it."""
    folders: dict[str, Files] = {}
    entries: list[tuple[str, str, str]] = []
    for path, entry in files.items():
        head, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(head, {})[rest] = entry
        else:
            entries.append((path, entry.mode, entry.blob))
    entries += [(f"{name}/", "40000", tree_id(inside)) for name, inside in folders.items()]
    body = b"".join(
        f"{mode} {name.rstrip('/')}\0".encode() + bytes.fromhex(sha)
        for name, mode, sha in sorted(entries)
    )
    return _hash("tree", body)


def commit_id(tree: str, parents: Sequence[str], message: str, author: Who, number: int) -> str:
    """The id of a commit; ``number`` stands where git has the date."""
    lines = [f"tree {tree}", *(f"parent {one}" for one in parents)]
    lines += [f"author {author.name} <{author.email}> {number} +0000", "", message]
    return _hash("commit", "\n".join(lines).encode("utf-8", "surrogatepass"))


def _hash(kind: str, body: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(body)}\0".encode() + body, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """How a file differs between two trees: A, M or D."""

    change: str
    path: str
    before: Entry | None
    after: Entry | None


def differences(before: Files, after: Files) -> list[Difference]:
    """What was added, modified and deleted, by path. CodeCommit shows a rename as both."""
    found = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old != new:
            found.append(
                Difference("A" if old is None else "D" if new is None else "M", path, old, new)
            )
    return found


def ancestors(repository: Repository, start: str) -> Iterator[str]:
    """A commit and everything before it, the nearest first."""
    seen, queue = {start}, deque([start])
    while queue:
        current = queue.popleft()
        yield current
        for parent in repository.commits[current].parents:
            if parent not in seen:
                seen.add(parent)
                queue.append(parent)


def merge_base(repository: Repository, one: str, other: str) -> str:
    """The nearest commit that both come from ("" where they have nothing in common)."""
    mine = set(ancestors(repository, one))
    return next((commit for commit in ancestors(repository, other) if commit in mine), "")


@dataclass(frozen=True, slots=True)
class Merged:
    """Two trees put together: the files, and path → how many places contradict each other."""

    files: Files
    conflicts: dict[str, int]


def merge(repository: Repository, base: str, source: str, destination: str) -> Merged:
    """Put a source commit's changes since ``base`` on top of the destination's."""
    old = repository.files(base) if base else {}
    theirs, ours = repository.files(source), repository.files(destination)
    files, conflicts = dict(ours), {}
    for difference in differences(old, theirs):
        path = difference.path
        was, wanted, have = old.get(path), theirs.get(path), ours.get(path)
        if have in (was, wanted):
            if wanted is None:
                files.pop(path, None)
            else:
                files[path] = wanted
        elif was is None or wanted is None or have is None:
            conflicts[path] = 1
        else:
            texts = [_lines(repository.blobs[entry.blob]) for entry in (was, wanted, have)]
            lines, clashes = merge_lines(*texts)
            if clashes:
                conflicts[path] = clashes
                continue
            content = "".join(lines).encode()
            repository.blobs[blob_id(content)] = content
            files[path] = Entry(blob_id(content), wanted.mode)
    return Merged(files, conflicts)


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines(keepends=True)


def merge_lines(
    base: Sequence[str], theirs: Sequence[str], ours: Sequence[str]
) -> tuple[list[str], int]:
    """Both changes of a text's lines, and in how many places they contradict each other."""
    mine = _changes(base, ours)
    clashes = 0
    wanted = []
    for change in _changes(base, theirs):
        if change in mine:
            continue
        begin, end, _ = change
        if any(begin <= last and first <= end for first, last, _ in mine):
            clashes += 1
        else:
            wanted.append(change)
    lines = list(base)
    for begin, end, replacement in sorted([*mine, *wanted], reverse=True):
        lines[begin:end] = replacement
    return lines, clashes


def _changes(base: Sequence[str], other: Sequence[str]) -> list[tuple[int, int, list[str]]]:
    """(first line, line after the last, what stands there instead) of each change."""
    matcher = difflib.SequenceMatcher(None, base, other, autojunk=False)
    return [
        (i1, i2, list(other[j1:j2]))
        for kind, i1, i2, j1, j2 in matcher.get_opcodes()
        if kind != "equal"
    ]
