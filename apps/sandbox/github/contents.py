"""GitHub's operations on files: blobs, trees and commits one by one, and single files at once.

https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-your-git-database
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from apps.sandbox.codecommit.model import MODES, Entry, Files
from apps.sandbox.github import objects, writing
from apps.sandbox.github.door import may_write, missing, refused, repository, route, shows, written
from apps.sandbox.rest import Ask, Said

if TYPE_CHECKING:
    from apps.sandbox.github.model import Commit, Repository
    from apps.sandbox.github.shown import Shown, Shows

_GIT = "/repos/{owner}/{repo}/git"


def _with_history(ask: Ask) -> Repository:
    """The repository of the path, which nobody writes objects into before it has a commit."""
    one = repository(ask)
    if not one.commits:
        raise refused(409, "Git Repository is empty.")
    return one


def _decoded(text: Any, encoding: str) -> bytes:
    if not isinstance(text, str):
        raise refused(422, "Invalid request.\n\nFor 'properties/content', nil is not a string.")
    if encoding == "utf-8":
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise refused(422, "content is not valid Base64") from None


@route("POST", f"{_GIT}/blobs", "git/create-blob")
def create_blob(ask: Ask) -> Said:
    """A file's content, which nothing names yet."""
    one, wanted = _with_history(ask), written(ask)
    may_write(one)
    sha = objects.keep(one, _decoded(wanted.get("content"), wanted.get("encoding") or "utf-8"))
    url = f"{shows(ask).api}/repos/{one.full_name}/git/blobs/{sha}"
    return Said({"sha": sha, "url": url}, 201)


@route("POST", f"{_GIT}/trees", "git/create-tree")
def create_tree(ask: Ask) -> Said:
    """A tree of these files, on top of another one if that is named."""
    one, wanted = _with_history(ask), written(ask)
    may_write(one)
    found: Files = {}
    if base := wanted.get("base_tree"):
        below = objects.find_tree(one, str(base))
        if below is None:
            raise refused(422, "base_tree is not a valid tree oid")
        found = dict(below)
    for entry in wanted.get("tree") or ():
        _put(one, found, entry)
    sha = objects.keep_tree(one, found)
    return Said(_tree(shows(ask), one, sha, found, recursive=False), 201)


def _put(one: Repository, found: Files, entry: dict[str, Any]) -> None:
    path, mode = str(entry.get("path") or ""), str(entry.get("mode") or "")
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise refused(422, "tree.path contains a malformed path component")
    if mode not in MODES.values():
        raise refused(422, "tree.mode is not one of the modes of a file")
    if "content" in entry:
        sha = objects.keep(one, _decoded(entry["content"], "utf-8"))
    elif entry.get("sha") is None:
        if found.pop(path, None) is None:
            raise refused(422, "GitRPC::BadObjectState")
        return
    else:
        sha = str(entry["sha"])
        if sha not in one.blobs:
            raise refused(422, f"tree.sha {sha} is not a valid blob")
    # A file takes the place of a folder of its name, and a folder that of a file.
    parents = {path[:at] for at, letter in enumerate(path) if letter == "/"}
    for other in [it for it in found if it.startswith(f"{path}/") or it in parents]:
        del found[other]
    found[path] = Entry(sha, mode)


@route("GET", f"{_GIT}/trees/{{tree+}}", "git/get-tree")
def get_tree(ask: Ask) -> Said:
    """A tree by its id or a branch: what lies in it, or all that lies below it."""
    one = _with_history(ask)
    named = one.find(ask["tree"])
    found = objects.find_tree(one, named.sha if named is not None else ask["tree"])
    if found is None:
        raise missing()
    sha = objects.tree_of(named) if named is not None else ask["tree"]
    return Said(_tree(shows(ask), one, sha, found, recursive="recursive" in ask.query))


@route("POST", f"{_GIT}/commits", "git/create-commit")
def create_commit(ask: Ask) -> Said:
    """A commit that no branch points to yet."""
    one, wanted = _with_history(ask), written(ask)
    may_write(one)
    found = objects.find_tree(one, str(wanted.get("tree") or ""))
    if found is None:
        raise refused(422, "Tree SHA does not exist")
    parents = tuple(str(parent) for parent in wanted.get("parents") or ())
    if not all(parent in one.commits for parent in parents):
        raise refused(422, "Parent SHA does not exist or is not a commit object")
    message = str(wanted.get("message") or "")
    if not message:
        raise refused(422, 'Invalid request.\n\n"message" wasn\'t supplied.')
    made = writing.commit_files(ask.world, one, found, message, ask.caller.name, parents)
    return Said(_commit(shows(ask), one, made), 201)


@route("PUT", "/repos/{owner}/{repo}/contents/{path+}", "repos/create-or-update-file-contents")
def put_file(ask: Ask) -> Said:
    """A commit of one file, which may be the first of all."""
    one, wanted = repository(ask), written(ask)
    may_write(one)
    path, branch = ask["path"], str(wanted.get("branch") or one.default)
    head = one.find(f"refs/heads/{branch}") if branch in one.branches else None
    if head is None and (one.commits or branch != one.default):
        raise refused(404, f"Branch {branch} not found")
    writing.may_push(one, branch)
    found = objects.files(one, head) if head is not None else {}
    before, content = found.get(path), _decoded(wanted.get("content"), "base64")
    if before is not None and not wanted.get("sha"):
        raise refused(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if wanted.get("sha") and (before is None or before.blob != wanted["sha"]):
        raise refused(409, f"{path} does not match {wanted['sha']}")
    mode = before.mode if before is not None else MODES["NORMAL"]
    found = {**found, path: Entry(objects.keep(one, content), mode)}
    message = str(wanted.get("message") or f"Create {path}")
    parents = (head.sha,) if head is not None else ()
    made = writing.commit_files(ask.world, one, found, message, ask.caller.name, parents)
    writing.move(ask.world, one, branch, made.sha, ask.caller.name)
    return Said(_file_commit(ask, one, path, made), 200 if before is not None else 201)


# -- how they are shown ----------------------------------------------------------------------------


def _commit(shown: Shows, one: Repository, commit: Commit) -> Shown:
    """``git-commit``."""
    listed = shown.commit(one, commit)
    told = {name: listed[name] for name in ("sha", "node_id", "html_url", "parents")}
    known = ("author", "committer", "message", "tree", "verification", "url")
    return {**told, **{name: listed["commit"][name] for name in known}}


def _tree(shown: Shows, one: Repository, sha: str, files: Files, *, recursive: bool) -> Shown:
    """``git-tree``: what lies in it, or with ``recursive`` all that lies below it."""
    url = f"{shown.api}/repos/{one.full_name}/git"
    folders: dict[str, Files] = {}
    told: dict[str, Shown] = {}
    for path, entry in files.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folders.setdefault("/".join(parts[:depth]), {})["/".join(parts[depth:])] = entry
        told[path] = {
            "path": path,
            "mode": entry.mode,
            "type": "blob",
            "sha": entry.blob,
            "size": len(one.blobs[entry.blob]),
            "url": f"{url}/blobs/{entry.blob}",
        }
    for path, inside in folders.items():
        below = objects.keep_tree(one, inside)
        address = f"{url}/trees/{below}"
        told[path] = {
            "path": path,
            "mode": "040000",
            "type": "tree",
            "sha": below,
            "url": address,
        }
    listed = [told[path] for path in sorted(told) if recursive or "/" not in path]
    return {"sha": sha, "url": f"{url}/trees/{sha}", "tree": listed, "truncated": False}


def _file_commit(ask: Ask, one: Repository, path: str, made: Commit) -> Shown:
    """``file-commit``."""
    shown, blob = shows(ask), objects.files(one, made)[path].blob
    url, place = f"{shown.api}/repos/{one.full_name}", quote(path)
    links = {
        "self": f"{url}/contents/{place}?ref={made.sha}",
        "git": f"{url}/git/blobs/{blob}",
        "html": f"{shown.web}/{one.full_name}/blob/{made.sha}/{place}",
    }
    content = {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": blob,
        "size": len(one.blobs[blob]),
        "url": links["self"],
        "html_url": links["html"],
        "git_url": links["git"],
        "download_url": f"{shown.web}/raw/{one.full_name}/{made.sha}/{place}",
        "type": "file",
        "_links": links,
    }
    return {"content": content, "commit": _commit(shown, one, made)}
