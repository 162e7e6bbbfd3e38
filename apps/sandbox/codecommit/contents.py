"""CodeCommit's operations on commits, what they changed, and files."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from apps.sandbox.codecommit import objects, writing
from apps.sandbox.codecommit.model import MODES, WORDS, Commit, Entry, Files, Repository, Who
from apps.sandbox.codecommit.repositories import bad_page, find_repository
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation, paginate

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE, BATCH = 100, 100
#: What GetBlob and GetFile give at most, in bytes.
LARGEST = 6 * 1024 * 1024


def describe(commit: Commit) -> Answer:
    """A commit as AWS shows it; git keeps whole seconds and the author's offset."""
    person = {
        "name": commit.author.name,
        "email": commit.author.email,
        "date": f"{int(commit.at)} +0000",
    }
    return {
        "commitId": commit.id,
        "treeId": commit.tree,
        "parents": list(commit.parents),
        "message": commit.message,
        "author": person,
        "committer": person,
        "additionalData": "",
    }


def find_commit(repository: Repository, specifier: str) -> Commit:
    """The commit of an id, branch or reference, or AWS's error."""
    found = repository.commit(specifier)
    if found is None:
        raise AwsError("CommitDoesNotExistException", f"The commit {specifier} does not exist.")
    return found


@operation("codecommit", "GetCommit")
def get_commit(call: Call, params: Params) -> Answer:
    """One commit by its full id."""
    repository = find_repository(call, params["repositoryName"])
    found = repository.commits.get(params["commitId"])
    if found is None:
        raise AwsError(
            "CommitIdDoesNotExistException", f"The commit {params['commitId']} does not exist."
        )
    return {"commit": describe(found)}


@operation("codecommit", "BatchGetCommits")
def batch_get_commits(call: Call, params: Params) -> Answer:
    """Up to 100 commits of a repository; the unknown ones are told apart."""
    repository = find_repository(call, params["repositoryName"])
    ids = params["commitIds"]
    if len(ids) > BATCH:
        raise AwsError(
            "CommitIdsLimitExceededException", f"At most {BATCH} commit ids can be given."
        )
    errors = [
        {
            "commitId": one,
            "errorCode": "CommitIdDoesNotExistException",
            "errorMessage": f"The commit {one} does not exist.",
        }
        for one in ids
        if one not in repository.commits
    ]
    found = [describe(repository.commits[one]) for one in ids if one in repository.commits]
    return {"commits": found, "errors": errors}


@operation("codecommit", "GetDifferences")
def get_differences(call: Call, params: Params) -> Answer:
    """What differs between two commits, by path; without a first one, all there is."""
    repository = find_repository(call, params["repositoryName"])
    after = find_commit(repository, params["afterCommitSpecifier"])
    before: Files = {}
    if specifier := params.get("beforeCommitSpecifier"):
        before = repository.files(find_commit(repository, specifier).id)
    folder = params.get("afterPath") or params.get("beforePath") or ""
    found = [
        one
        for one in objects.differences(before, repository.files(after.id))
        if one.path == folder or one.path.startswith(f"{folder.rstrip('/')}/" if folder else "")
    ]
    page, token = paginate(
        call,
        found,
        lambda one: one.path,
        size=params.get("MaxResults") or PAGE,
        token=params.get("NextToken"),
        error=bad_page,
        scope=f"{params.get('beforeCommitSpecifier')}/{after.id}",
    )
    differences = [
        {
            "changeType": one.change,
            "beforeBlob": _blob(one.path, one.before),
            "afterBlob": _blob(one.path, one.after),
        }
        for one in page
    ]
    return {"differences": differences, "NextToken": token}


def _blob(path: str, entry: Entry | None) -> Answer | None:
    return None if entry is None else {"blobId": entry.blob, "path": path, "mode": entry.mode}


@operation("codecommit", "GetBlob")
def get_blob(call: Call, params: Params) -> Answer:
    """A file's content."""
    repository = find_repository(call, params["repositoryName"])
    content = repository.blobs.get(params["blobId"])
    if content is None:
        raise AwsError(
            "BlobIdDoesNotExistException", f"The blob {params['blobId']} does not exist."
        )
    return {"content": _encoded(content)}


def _encoded(content: bytes) -> str:
    if len(content) > LARGEST:
        raise AwsError("FileTooLargeException", "The file is larger than 6 MB; use a git client.")
    return base64.b64encode(content).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AwsError("SerializationException", "The content is no base64.") from None


@operation("codecommit", "GetFile")
def get_file(call: Call, params: Params) -> Answer:
    """A file at a commit, the default branch's head unless told otherwise."""
    repository = find_repository(call, params["repositoryName"])
    commit = find_commit(repository, params.get("commitSpecifier") or "HEAD")
    path = params["filePath"].lstrip("/")
    entry = repository.files(commit.id).get(path)
    if entry is None:
        raise AwsError("FileDoesNotExistException", f"The file {path} does not exist.")
    content = repository.blobs[entry.blob]
    return {
        "commitId": commit.id,
        "blobId": entry.blob,
        "filePath": path,
        "fileMode": WORDS[entry.mode],
        "fileSize": len(content),
        "fileContent": _encoded(content),
    }


@operation("codecommit", "GetFolder")
def get_folder(call: Call, params: Params) -> Answer:
    """What is in a folder at a commit."""
    repository = find_repository(call, params["repositoryName"])
    commit = find_commit(repository, params.get("commitSpecifier") or "HEAD")
    folder = params["folderPath"].strip("/")
    start = f"{folder}/" if folder else ""
    inside = {
        path.removeprefix(start): entry
        for path, entry in repository.files(commit.id).items()
        if path.startswith(start)
    }
    if not inside:
        raise AwsError("FolderDoesNotExistException", f"The folder {folder} does not exist.")
    names = sorted({path.partition("/")[0] for path in inside if "/" in path})
    folders = [
        {
            "treeId": objects.tree_id(
                {p.partition("/")[2]: e for p, e in inside.items() if p.startswith(f"{name}/")}
            ),
            "absolutePath": f"{start}{name}",
            "relativePath": name,
        }
        for name in names
    ]
    files = [
        {
            "blobId": entry.blob,
            "absolutePath": f"{start}{path}",
            "relativePath": path,
            "fileMode": WORDS[entry.mode],
        }
        for path, entry in sorted(inside.items())
        if "/" not in path
    ]
    return {
        "commitId": commit.id,
        "folderPath": folder,
        "treeId": objects.tree_id(inside),
        "subFolders": folders,
        "files": [one for one in files if one["fileMode"] != "SYMLINK"],
        "symbolicLinks": [one for one in files if one["fileMode"] == "SYMLINK"],
        "subModules": [],
    }


def _parent(repository: Repository, branch: str, params: Params) -> list[str]:
    """The commit a new one stands on: it must be the branch's head, and be named."""
    head = repository.branches.get(branch)
    parent = params.get("parentCommitId")
    if head is None:
        if repository.branches:
            raise AwsError("BranchDoesNotExistException", f"The branch {branch} does not exist.")
        return []
    if parent is None:
        raise AwsError("ParentCommitIdRequiredException", "The parent commit id is required.")
    if parent not in repository.commits:
        raise AwsError("ParentCommitDoesNotExistException", f"The commit {parent} does not exist.")
    if parent != head:
        raise AwsError(
            "ParentCommitIdOutdatedException",
            f"The parent commit is not the head of the branch {branch}.",
        )
    return [head]


@operation("codecommit", "CreateCommit")
def create_commit(call: Call, params: Params) -> Answer:
    """A commit that puts and deletes files on a branch."""
    repository = find_repository(call, params["repositoryName"])
    branch = params["branchName"]
    parents = _parent(repository, branch, params)
    before = repository.files(parents[0]) if parents else {}
    files = _changed(repository, before, params)
    if files == before:
        raise AwsError("NoChangeException", "The commit changes nothing.")
    commit = _commit(call, repository, branch, files, parents, params, params.get("authorName"))
    told: dict[str, list[Answer]] = {"A": [], "M": [], "D": []}
    for one in objects.differences(before, files):
        entry = one.after or one.before
        assert entry is not None
        told[one.change].append(
            {
                "absolutePath": one.path,
                "blobId": entry.blob,
                "fileMode": WORDS[entry.mode],
            }
        )
    return {
        "commitId": commit.id,
        "treeId": commit.tree,
        "filesAdded": told["A"],
        "filesUpdated": told["M"],
        "filesDeleted": told["D"],
    }


def _changed(repository: Repository, before: Files, params: Params) -> Files:
    puts = params.get("putFiles", [])
    changes: dict[str, bytes | None] = {
        put["filePath"].lstrip("/"): _decoded(put["fileContent"])
        for put in puts
        if "fileContent" in put
    }
    for deleted in params.get("deleteFiles", []):
        path = deleted["filePath"].lstrip("/")
        if path not in before:
            raise AwsError("FileDoesNotExistException", f"The file {path} does not exist.")
        changes[path] = None
    files = writing.store_files(repository, before, changes)
    for put in [*puts, *params.get("setFileModes", [])]:
        path = put["filePath"].lstrip("/")
        if "fileMode" in put and path in files:
            files[path] = Entry(files[path].blob, MODES[put["fileMode"]])
    return files


def _commit(  # noqa: PLR0913 - a commit is this much
    call: Call,
    repository: Repository,
    branch: str,
    files: Files,
    parents: list[str],
    params: Mapping[str, str],
    name: str | None,
) -> Commit:
    name = name or call.caller.arn.rpartition("/")[2]
    author = Who(name, params.get("email") or "")
    message = params.get("commitMessage") or "Edited through the API"
    commit = writing.make_commit(repository, files, message, author, parents)
    writing.move(repository, branch, commit.id, call.caller.arn)
    return commit


@operation("codecommit", "PutFile")
def put_file(call: Call, params: Params) -> Answer:
    """A commit of one file."""
    repository = find_repository(call, params["repositoryName"])
    branch, path = params["branchName"], params["filePath"].lstrip("/")
    parents = _parent(repository, branch, params)
    before = repository.files(parents[0]) if parents else {}
    content = _decoded(params["fileContent"])
    files = writing.store_files(repository, before, {path: content})
    if "fileMode" in params:
        files[path] = Entry(files[path].blob, MODES[params["fileMode"]])
    if files == before:
        raise AwsError("SameFileContentException", f"The file {path} has this content already.")
    commit = _commit(call, repository, branch, files, parents, params, params.get("name"))
    return {"commitId": commit.id, "blobId": files[path].blob, "treeId": commit.tree}


@operation("codecommit", "DeleteFile")
def delete_file(call: Call, params: Params) -> Answer:
    """A commit that deletes a file."""
    repository = find_repository(call, params["repositoryName"])
    branch, path = params["branchName"], params["filePath"].lstrip("/")
    parents = _parent(repository, branch, params)
    before = repository.files(parents[0]) if parents else {}
    if path not in before:
        raise AwsError("FileDoesNotExistException", f"The file {path} does not exist.")
    files = writing.store_files(repository, before, {path: None})
    commit = _commit(call, repository, branch, files, parents, params, params.get("name"))
    return {
        "commitId": commit.id,
        "blobId": before[path].blob,
        "treeId": commit.tree,
        "filePath": path,
    }
