"""CodeCommit's operations on repositories, their triggers, tags and branches."""

from __future__ import annotations

from typing import Any

from apps.sandbox.codecommit import writing
from apps.sandbox.codecommit.model import Repository, SourceStore, missing
from apps.sandbox.control import COUNTERS
from apps.sandbox.operations import (
    TRAITS,
    Answer,
    AwsError,
    Call,
    Params,
    Traits,
    operation,
    paginate,
)

PAGE, BATCH = 1000, 100


def _resources(where: str, members: Params) -> list[str]:
    names = members.get("repositoryNames") or [members.get("repositoryName")]
    names += [target.get("repositoryName") for target in members.get("targets") or ()]
    arn = members.get("resourceArn")
    return [arn] if arn else [f"{where}{name or '*'}" for name in names]


TRAITS["codecommit"] = Traits(
    invalid="InvalidParameterException",
    bad_page="InvalidContinuationTokenException",
    resources=_resources,
)
COUNTERS["repositories"] = lambda place: len(place.of(SourceStore).repositories)


def find_repository(call: Call, name: str, *, closed: bool = True) -> Repository:
    """The repository, or AWS's error; ``closed``: also where its contents cannot be decrypted."""
    found = call.place.of(SourceStore).repositories.get(name)
    if found is None:
        raise missing(name)
    if closed and found.trouble is not None:
        raise AwsError(*found.trouble)
    return found


def bad_page() -> AwsError:
    """The error for a token of another list."""
    return AwsError(
        "InvalidContinuationTokenException", "The specified continuation token is not valid."
    )


def describe(repository: Repository) -> Answer:
    """A repository's metadata as AWS shows it."""
    place, name = repository.place, repository.name
    host = f"git-codecommit.{place.region}.amazonaws.com/v1/repos/{name}"
    return {
        "accountId": place.account,
        "repositoryId": repository.id,
        "repositoryName": name,
        "repositoryDescription": repository.description,
        "defaultBranch": repository.default_branch,
        "lastModifiedDate": repository.modified,
        "creationDate": repository.created,
        "cloneUrlHttp": f"https://{host}",
        "cloneUrlSsh": f"ssh://{host}",
        "Arn": repository.arn,
        "kmsKeyId": repository.kms_key,
    }


@operation("codecommit", "ListRepositories")
def list_repositories(call: Call, params: Params) -> Answer:
    """Names and ids, by name unless asked otherwise."""
    by = params.get("sortBy", "repositoryName")
    falling = params.get("order") == "descending"
    repositories = sorted(
        call.place.of(SourceStore).repositories.values(),
        key=lambda one: (one.modified if by == "lastModifiedDate" else 0, one.name),
        reverse=falling,
    )
    page, token = paginate(
        call,
        repositories,
        lambda one: one.id,
        size=PAGE,
        token=params.get("nextToken"),
        error=bad_page,
        scope=f"{by}/{falling}",
    )
    listed = [{"repositoryName": one.name, "repositoryId": one.id} for one in page]
    return {"repositories": listed, "nextToken": token}


@operation("codecommit", "BatchGetRepositories")
def batch_get_repositories(call: Call, params: Params) -> Answer:
    """Up to 100 repositories; those that are not there or cannot be opened are told apart."""
    names = params["repositoryNames"]
    if len(names) > BATCH:
        raise AwsError(
            "MaximumRepositoryNamesExceededException",
            f"At most {BATCH} repository names can be given.",
        )
    store = call.place.of(SourceStore).repositories
    answer: Answer = {"repositories": [], "repositoriesNotFound": [], "errors": []}
    for name in names:
        repository = store.get(name)
        if repository is None:
            answer["repositoriesNotFound"].append(name)
        elif repository.trouble is not None:
            code, message = repository.trouble
            answer["errors"].append(
                {
                    "repositoryId": repository.id,
                    "repositoryName": name,
                    "errorCode": code,
                    "errorMessage": message,
                }
            )
        else:
            answer["repositories"].append(describe(repository))
    return answer


@operation("codecommit", "GetRepository")
def get_repository(call: Call, params: Params) -> Answer:
    """A repository's metadata."""
    return {"repositoryMetadata": describe(find_repository(call, params["repositoryName"]))}


@operation("codecommit", "CreateRepository")
def create_repository(call: Call, params: Params) -> Answer:
    """An empty repository."""
    name = params["repositoryName"]
    if name in call.place.of(SourceStore).repositories:
        raise AwsError("RepositoryNameExistsException", f"Repository named {name} already exists")
    repository = writing.make_repository(call.place, name, params.get("repositoryDescription"))
    repository.tags.update(params.get("tags", {}))
    if "kmsKeyId" in params:
        repository.kms_key = _key_arn(call, params["kmsKeyId"])
    return {"repositoryMetadata": describe(repository)}


def _key_arn(call: Call, key: str) -> str:
    return key if key.startswith("arn:") else call.place.arn("kms", f"key/{key}")


@operation("codecommit", "DeleteRepository")
def delete_repository(call: Call, params: Params) -> Answer:
    """Take a repository away; one that is not there is no error, as at AWS."""
    store = call.place.of(SourceStore)
    gone = store.repositories.pop(params["repositoryName"], None)
    if gone is None:
        return {}
    store.pulls = {key: pull for key, pull in store.pulls.items() if pull.repository is not gone}
    return {"repositoryId": gone.id}


@operation("codecommit", "UpdateRepositoryDescription")
def update_description(call: Call, params: Params) -> Answer:
    """Say something else of a repository."""
    repository = find_repository(call, params["repositoryName"])
    repository.description = params.get("repositoryDescription")
    repository.modified = call.world.now()
    return {}


@operation("codecommit", "UpdateRepositoryName")
def update_name(call: Call, params: Params) -> Answer:
    """Another name for a repository; its id stays."""
    store, name = call.place.of(SourceStore).repositories, params["newName"]
    repository = find_repository(call, params["oldName"])
    if name in store:
        raise AwsError("RepositoryNameExistsException", f"Repository named {name} already exists")
    del store[repository.name]
    repository.name, repository.modified = name, call.world.now()
    store[name] = repository
    return {}


@operation("codecommit", "UpdateDefaultBranch")
def update_default_branch(call: Call, params: Params) -> Answer:
    """Choose the default branch."""
    repository = find_repository(call, params["repositoryName"])
    _head(repository, params["defaultBranchName"])
    repository.default_branch = params["defaultBranchName"]
    repository.modified = call.world.now()
    return {}


@operation("codecommit", "UpdateRepositoryEncryptionKey")
def update_encryption_key(call: Call, params: Params) -> Answer:
    """Encrypt with another key, which works: that opens a repository whose key did not."""
    repository = find_repository(call, params["repositoryName"], closed=False)
    before = repository.kms_key
    repository.kms_key = _key_arn(call, params["kmsKeyId"])
    repository.trouble = None
    repository.modified = call.world.now()
    return {
        "repositoryId": repository.id,
        "kmsKeyId": repository.kms_key,
        "originalKmsKeyId": before,
    }


@operation("codecommit", "GetRepositoryTriggers")
def get_triggers(call: Call, params: Params) -> Answer:
    """Whom pushes are told to."""
    repository = find_repository(call, params["repositoryName"])
    return {"configurationId": repository.id, "triggers": repository.triggers}


@operation("codecommit", "PutRepositoryTriggers")
def put_triggers(call: Call, params: Params) -> Answer:
    """Replace all triggers."""
    repository = find_repository(call, params["repositoryName"])
    for trigger in params["triggers"]:
        if trigger["destinationArn"].split(":")[2:3] not in (["sns"], ["lambda"]):
            raise AwsError(
                "InvalidRepositoryTriggerDestinationArnException",
                f"The trigger {trigger['name']} goes neither to an SNS topic nor to a function.",
            )
    repository.triggers = [{"branches": [], **trigger} for trigger in params["triggers"]]
    return {"configurationId": repository.id}


def _tagged(call: Call, params: Params) -> Repository:
    return find_repository(call, params["resourceArn"].rpartition(":")[2])


@operation("codecommit", "ListTagsForResource")
def list_tags(call: Call, params: Params) -> Answer:
    """A repository's tags."""
    return {"tags": _tagged(call, params).tags}


@operation("codecommit", "TagResource")
def tag(call: Call, params: Params) -> Answer:
    """Add tags."""
    _tagged(call, params).tags.update(params["tags"])
    return {}


@operation("codecommit", "UntagResource")
def untag(call: Call, params: Params) -> Answer:
    """Take tags away."""
    tags = _tagged(call, params).tags
    for key in params["tagKeys"]:
        tags.pop(key, None)
    return {}


# --- Branches -------------------------------------------------------------------------------------


def _head(repository: Repository, branch: str) -> str:
    if branch not in repository.branches:
        raise AwsError("BranchDoesNotExistException", f"The branch {branch} does not exist.")
    return repository.branches[branch]


@operation("codecommit", "ListBranches")
def list_branches(call: Call, params: Params) -> Answer:
    """The names of a repository's branches."""
    repository = find_repository(call, params["repositoryName"])
    page, token = paginate(
        call,
        sorted(repository.branches),
        str,
        size=PAGE,
        token=params.get("nextToken"),
        error=bad_page,
        scope=repository.id,
    )
    return {"branches": page, "nextToken": token}


@operation("codecommit", "GetBranch")
def get_branch(call: Call, params: Params) -> Answer:
    """A branch's head."""
    for member, code in (
        ("repositoryName", "RepositoryNameRequiredException"),
        ("branchName", "BranchNameRequiredException"),
    ):
        if not params.get(member):
            raise AwsError(code, f"A value for {member} is required.")
    repository = find_repository(call, params["repositoryName"])
    name = params["branchName"].removeprefix("refs/heads/")
    return {"branch": {"branchName": name, "commitId": _head(repository, name)}}


@operation("codecommit", "CreateBranch")
def create_branch(call: Call, params: Params) -> Answer:
    """A branch that points to a commit."""
    repository = find_repository(call, params["repositoryName"])
    name = params["branchName"]
    if name in repository.branches:
        raise AwsError("BranchNameExistsException", f"The branch {name} already exists.")
    if params["commitId"] not in repository.commits:
        raise AwsError(
            "CommitDoesNotExistException", f"The commit {params['commitId']} does not exist."
        )
    writing.move(repository, name, params["commitId"], call.caller.arn)
    return {}


@operation("codecommit", "DeleteBranch")
def delete_branch(call: Call, params: Params) -> Answer:
    """Take a branch away; one that is not there is no error."""
    repository = find_repository(call, params["repositoryName"])
    name = params["branchName"]
    if name == repository.default_branch:
        raise AwsError(
            "DefaultBranchCannotBeDeletedException",
            f"The default branch {name} cannot be deleted.",
        )
    old = writing.delete_branch(repository, name, call.caller.arn)
    deleted: dict[str, Any] | None = {"branchName": name, "commitId": old} if old else None
    return {"deletedBranch": deleted}
