"""Puts files into a repository by a commit: beside what is there, and never over it.

Nothing is forced. A branch is moved to a commit whose parent is the head that was looked at, so
that GitHub refuses it where somebody pushed meanwhile; of two that come at once one lands. What is
made before that (blobs, a tree, a commit) no branch points to, and GitHub clears it away by itself.

https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-your-git-database
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from itertools import islice
from typing import Any
from urllib.parse import quote

from apps.sites.failures import SiteError
from apps.sites.reach import Reach

from .listing import PAGE, items, path
from .words import GET_REPOSITORY

# Pages of a branch's commits that are looked through for one that bears a mark.
LOOKED = 3
MISSING = frozenset({404})
# GitHub says so of a repository that nobody committed to.
EMPTY = 409
NOWHERE = "0" * 40
# What it says to a reference that cannot be, and to whoever may not make one it says 403.
IMPOSSIBLE = frozenset({EMPTY, 422})


@dataclass(frozen=True, slots=True)
class File:
    """A file as git keeps it: its content, and "100755" for one that is run."""

    content: bytes
    mode: str = "100644"

    @property
    def sha(self) -> str:
        """Git's id of the content."""
        head = f"blob {len(self.content)}\0".encode()
        return sha1(head + self.content, usedforsecurity=False).hexdigest()


Files = Mapping[str, File]


@dataclass(frozen=True, slots=True)
class Made:
    """A commit: its id, and its page at GitHub."""

    sha: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a branch stands to files that are to lie on it.

    name       what the repository is called by now.
    default    its default branch.
    archived   nobody writes to it any more.
    empty      nobody committed to it yet.
    there      whether the branch is there; `protected` whether it has rules.
    head, tree what a new commit goes on: of the default branch where this one is not there, "" for
               none.
    whole      False where there is so much in it that GitHub does not list it all.
    missing    paths that nothing lies at; `differing` those where something else does.
    made       the commit that bears the mark.
    """

    name: str
    default: str
    archived: bool = False
    empty: bool = False
    there: bool = True
    protected: bool = False
    head: str = ""
    tree: str = ""
    whole: bool = True
    missing: Sequence[str] = ()
    differing: Sequence[str] = ()
    made: Made | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Put:
    """What is to be put where.

    message  what the commit says; `mark`, which nothing else bears, is a line of its own in it.
    first    the path that an empty repository begins with.
    """

    repository: str
    branch: str
    files: Files = field(repr=False)
    message: str
    mark: str
    first: str

    def address(self, rest: str = "") -> str:
        """Path of something in the repository."""
        return path(self.repository, rest)

    @property
    def said(self) -> str:
        """The whole message."""
        return f"{self.message}\n\n{self.mark}\n"


def look(reach: Reach, put: Put) -> Standing:
    """Return how things stand; four calls and up to three more. Raises what the reach raises."""
    told = reach.get(GET_REPOSITORY, put.address()).body
    known: dict[str, Any] = {
        "name": str(told.get("full_name") or put.repository),
        "default": str(told.get("default_branch") or ""),
        "archived": bool(told.get("archived")),
    }
    branch = _branch(reach, put, put.branch)
    there = branch is not None
    if branch is None:
        answer = reach.get_unless(
            MISSING | {EMPTY}, "github:ReposListCommits", put.address("/commits"), per_page=1
        )
        if answer.status == EMPTY:
            return Standing(**known, empty=True, there=False, missing=sorted(put.files))
        branch = _branch(reach, put, known["default"])
    if branch is None:
        return Standing(**known, there=False, missing=sorted(put.files))
    commit = branch["commit"]
    tree = str(commit["commit"]["tree"]["sha"])
    listed = reach.get("github:GitGetTree", put.address(f"/git/trees/{tree}"), recursive="1").body
    missing, differing = _compared(put.files, listed)
    return Standing(
        **known,
        there=there,
        protected=there and bool(branch.get("protected")),
        head=str(commit["sha"]),
        tree=tree,
        whole=not listed.get("truncated"),
        missing=missing,
        differing=differing,
        made=_made(reach, put) if there else None,
    )


def _branch(reach: Reach, put: Put, name: str) -> Mapping[str, Any] | None:
    address = put.address(f"/branches/{quote(name, safe='')}")
    answer = reach.get_unless(MISSING, "github:ReposGetBranch", address)
    # One that was renamed leads to what it is called now.
    found = answer.ok and answer.body.get("name") == name
    return answer.body if found else None


def _compared(files: Files, listed: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    there = {str(one["path"]): one for one in listed["tree"]}
    missing, differing = [], []
    for name, file in sorted(files.items()):
        one = there.get(name)
        if one is not None:
            if (one["type"], one["sha"], one["mode"]) != ("blob", file.sha, file.mode):
                differing.append(name)
        elif any(there[above]["type"] != "tree" for above in _above(name) if above in there):
            differing.append(name)
        else:
            missing.append(name)
    return missing, differing


def _above(name: str) -> list[str]:
    """The folders that a path lies in."""
    return [name[:at] for at, letter in enumerate(name) if letter == "/"]


def _made(reach: Reach, put: Put) -> Made | None:
    pages = reach.pages(
        "github:ReposListCommits", put.address("/commits"), sha=put.branch, per_page=PAGE
    )
    for page in islice(pages, LOOKED):
        for one in items(page):
            if put.mark in str(one["commit"].get("message") or "").splitlines():
                return Made(str(one["sha"]), str(one.get("html_url") or ""))
    return None


def ask_leave(reach: Reach, put: Put) -> None:
    """Raise what GitHub says where the token may not write contents; nothing comes of asking.

    A branch is asked for on a commit that there is none of. GitHub looks at rights first: whoever
    may do it hears that it cannot be (409, 422).
    """
    body = {"ref": f"refs/heads/{put.branch}", "sha": NOWHERE}
    address = put.address("/git/refs")
    reach.query("github:GitCreateRef", address, body, unless=IMPOSSIBLE)


def begin(reach: Reach, put: Put) -> None:
    """Make the first commit of an empty repository, of one file: it takes nothing else.

    It goes to the default branch. Where a file lies there by now, GitHub refuses it (422).
    """
    reach.send(
        "github:ReposCreateOrUpdateFileContents",
        "PUT",
        put.address(f"/contents/{quote(put.first, safe='')}"),
        {
            "message": f"Begin with {put.first}",
            "content": base64.b64encode(put.files[put.first].content).decode(),
        },
    )


def prepare(reach: Reach, put: Put, standing: Standing) -> Made:
    """Make a commit of what is missing on top of the head; no branch points to it yet."""
    for content in {put.files[name].content for name in standing.missing}:
        body = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
        reach.send("github:GitCreateBlob", "POST", put.address("/git/blobs"), body)
    entries = [
        {"path": name, "mode": put.files[name].mode, "type": "blob", "sha": put.files[name].sha}
        for name in standing.missing
    ]
    grown: dict[str, Any] = {"tree": entries}
    if standing.tree:
        grown["base_tree"] = standing.tree
    tree = reach.send("github:GitCreateTree", "POST", put.address("/git/trees"), grown).body
    commit = {
        "message": put.said,
        "tree": tree["sha"],
        "parents": [standing.head] if standing.head else [],
    }
    made = reach.send("github:GitCreateCommit", "POST", put.address("/git/commits"), commit).body
    return Made(str(made["sha"]), str(made.get("html_url") or ""))


def was_quicker(error: SiteError) -> bool:
    """Whether GitHub did not move a branch because somebody else did meanwhile."""
    words = str(error).lower()
    return error.status == 422 and ("fast forward" in words or "already exists" in words)


def move(reach: Reach, put: Put, standing: Standing, made: Made) -> None:
    """Let the branch point to a commit, where its head is still the one that was looked at."""
    if standing.there:
        address = put.address(f"/git/refs/{quote(f'heads/{put.branch}', safe='')}")
        reach.send("github:GitUpdateRef", "PATCH", address, {"sha": made.sha, "force": False})
    else:
        body = {"ref": f"refs/heads/{put.branch}", "sha": made.sha}
        reach.send("github:GitCreateRef", "POST", put.address("/git/refs"), body)
