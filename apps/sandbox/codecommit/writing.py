"""Changes repositories: makes commits, moves branches, and tells everybody who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.codecommit import events, listening, objects
from apps.sandbox.codecommit.model import (
    Commit,
    Entry,
    Files,
    PullRequest,
    Repository,
    SourceStore,
    Who,
)
from apps.sandbox.world import hex_from, uuid_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.sandbox.world import Place

#: Path → its new content, or None where it is deleted.
Changes = dict[str, bytes | None]


def make_repository(place: Place, name: str, description: str | None = None) -> Repository:
    """Put a new, empty repository into its place."""
    now = place.world.now()
    store = place.of(SourceStore)
    store.made[name] += 1
    # Another repository of a name is another repository.
    again = [store.made[name]] if store.made[name] > 1 else []
    chance = place.world.chance(place.account, place.region, "repository", name, *again)
    # AWS's own key, as long as nobody chooses another.
    key = uuid_from(place.world.chance(place.account, place.region, "aws/codecommit"))
    repository = Repository(
        place,
        name,
        uuid_from(chance),
        now,
        now,
        kms_key=place.arn("kms", f"key/{key}"),
        description=description,
    )
    place.of(SourceStore).repositories[name] = repository
    return repository


def store_files(repository: Repository, files: Files, changes: Mapping[str, bytes | None]) -> Files:
    """``files`` with changes, whose contents are kept as blobs."""
    changed = dict(files)
    for path, content in changes.items():
        if content is None:
            changed.pop(path, None)
            continue
        blob = objects.blob_id(content)
        repository.blobs[blob] = content
        mode = changed[path].mode if path in changed else "100644"
        changed[path] = Entry(blob, mode)
    return changed


def make_commit(
    repository: Repository, files: Files, message: str, author: Who, parents: Sequence[str]
) -> Commit:
    """A commit object that no branch points to yet."""
    repository.made += 1
    tree = objects.tree_id(files)
    repository.trees[tree] = files
    commit = Commit(
        objects.commit_id(tree, parents, message, author, repository.made),
        tree,
        tuple(parents),
        message,
        author,
        repository.place.world.now(),
    )
    repository.commits[commit.id] = commit
    return commit


def push(  # noqa: PLR0913 - a push is this much
    repository: Repository,
    branch: str,
    changes: Changes,
    message: str,
    author: str,
    *,
    who: str | None = None,
    starts: bool = True,
) -> Commit:
    """A commit on top of a branch, and everything that follows from it.

    With ``starts`` the pipelines that listen to the branch begin an execution.
    """
    head = repository.branches.get(branch)
    files = store_files(repository, repository.files(head) if head else {}, changes)
    person = Who(author, f"{author}@example.com")
    commit = make_commit(repository, files, message, person, [head] if head else [])
    arn = who or f"arn:aws:iam::{repository.place.account}:user/{author}"
    move(repository, branch, commit.id, arn, starts=starts)
    return commit


def move(
    repository: Repository, branch: str, commit_id: str, who: str, *, starts: bool = True
) -> None:
    """Let a branch point to a commit; a repository's first branch is its default."""
    old = repository.branches.get(branch)
    if old == commit_id:
        return
    repository.branches[branch] = commit_id
    repository.modified = repository.place.world.now()
    repository.default_branch = repository.default_branch or branch
    events.reference_changed(repository, branch, old, commit_id, who)
    _follow_in_pull_requests(repository, branch, who)
    kind = "createReference" if old is None else "updateReference"
    listening.fire_triggers(repository, branch, kind, commit_id, who)
    if starts:
        listening.start_pipelines(repository, branch)


def delete_branch(repository: Repository, branch: str, who: str) -> str | None:
    """Take a branch away; what it pointed to, None where there was none."""
    old = repository.branches.pop(branch, None)
    if old is not None:
        repository.modified = repository.place.world.now()
        events.reference_changed(repository, branch, old, None, who)
        listening.fire_triggers(repository, branch, "deleteReference", old, who)
    return old


def _follow_in_pull_requests(repository: Repository, branch: str, who: str) -> None:
    """Open pull requests propose what their source branch holds; a push takes approvals back."""
    for pull in repository.place.of(SourceStore).pulls.values():
        if pull.repository is not repository or pull.status != "OPEN":
            continue
        if pull.source == branch:
            pull.source_commit = repository.branches[branch]
            pull.approvals.clear()
            pull.overridden_by = None
            renew(pull)
            events.pull_request_changed(pull, "pullRequestSourceBranchUpdated", who)
        elif pull.destination == branch:
            pull.destination_commit = repository.branches[branch]


def renew(pull: PullRequest) -> None:
    """Give a pull request a new revision."""
    world = pull.repository.place.world
    pull.activity = world.now()
    pull.merge_base = objects.merge_base(
        pull.repository, pull.destination_commit, pull.source_commit
    )
    chance = world.chance(pull.repository.arn, pull.id, pull.source_commit)
    pull.revision = hex_from(chance, 64)
