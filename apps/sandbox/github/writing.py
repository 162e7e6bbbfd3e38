"""Changes the simulated GitHub: pushes, merges, issues; and tells everybody who listens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apps.sandbox.github import listening, objects, told
from apps.sandbox.github.model import (
    ACTIONS,
    ORGANIZATION,
    Change,
    Check,
    Comment,
    Commit,
    GitHub,
    Issue,
    Label,
    Pull,
    Repository,
)
from apps.sandbox.rest import RestError
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    from apps.sandbox.codecommit.model import Files
    from apps.sandbox.world import World

_CLOSING = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:([\w.-]+/[\w.-]+)?#|GH-)(\d+)",
    re.IGNORECASE,
)
#: Labels that a new repository has.
_LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("question", "d876e3", "Further information is requested"),
)
#: Virtual seconds a check takes.
_CHECK = (25.0, 70.0)
_PATHS = (
    "src/basket.py",
    "src/money.py",
    "src/retry.py",
    "web/checkout.tsx",
    "web/summary.tsx",
    "README.md",
    "tests/test_money.py",
    "infra/template.yaml",
)


def make_repository(
    world: World, name: str, description: str | None, *, owner: str = ORGANIZATION
) -> Repository:
    """Put a new, empty repository in."""
    store, now = world.of(GitHub), world.now()
    made = Repository(store.next_id(), owner, name, now, now, now, description)
    for label, color, text in _LABELS:
        made.labels[label] = Label(store.next_id(), label, color, text)
    store.repositories[made.id] = made
    store.names[made.full_name.lower()] = made.id
    return made


def rename(world: World, one: Repository, name: str, *, owner: str | None = None) -> None:
    """Give a repository another name or owner; the old name leads to it."""
    store = world.of(GitHub)
    was = one.owner, one.name
    one.name, one.owner, one.updated = name, owner or one.owner, world.now()
    store.add_user(one.owner)
    store.names[one.full_name.lower()] = one.id
    told.renamed(world, one, was)


def make_commit(  # noqa: PLR0913 - a commit is this much
    world: World,
    one: Repository,
    message: str,
    author: str,
    parents: tuple[str, ...],
    sha: str | None = None,
) -> Commit:
    """A commit that no branch points to yet, with a few lines changed."""
    one.made += 1
    chance = world.chance("github", one.id, "commit", one.made)
    made = hex_from(chance, 40)
    path = _PATHS[chance.randrange(len(_PATHS))]
    added, removed = chance.randrange(1, 9), chance.randrange(4) if parents else 0
    title = next(iter(message.splitlines()), "")[:60]
    lines = [f"-was {n}" for n in range(removed)] + [f"+# {title} {n}" for n in range(added)]
    patch = "\n".join([f"@@ -1,{removed} +1,{added} @@", *lines])
    change = Change(path, "modified" if parents else "added", added, removed, patch)
    commit = Commit(sha or made, parents, message, author, world.now(), (change,))
    one.commits[commit.sha] = commit
    return commit


def commit_files(  # noqa: PLR0913 - a commit is this much
    world: World,
    one: Repository,
    files: Files,
    message: str,
    author: str,
    parents: tuple[str, ...] = (),
) -> Commit:
    """A commit of exactly these files that no branch points to yet."""
    one.made += 1
    before = objects.files(one, one.commits[parents[0]]) if parents else {}
    sha = hex_from(world.chance("github", one.id, "commit", one.made), 40)
    tree, changes = objects.keep_tree(one, files), objects.changes(one, before, files)
    made = Commit(sha, parents, message, author, world.now(), changes, tree)
    one.commits[sha] = made
    return made


def may_push(one: Repository, branch: str) -> None:
    """Raise what GitHub says of a push to a branch that wants its checks first."""
    if branch in one.protected:
        raise RestError(
            422,
            {
                "message": 'Required status check "lint" is expected.',
                "documentation_url": "https://docs.github.com/articles/about-protected-branches",
            },
        )


def push(  # noqa: PLR0913 - a push is this much
    world: World,
    one: Repository,
    branch: str,
    message: str,
    author: str,
    *,
    sha: str | None = None,
    starts: bool = True,
) -> Commit:
    """A commit on top of a branch (a new one leaves the default), and what follows from it.

    With ``starts`` the pipelines that listen to the branch begin an execution.
    """
    head = one.branches.get(branch) or one.branches.get(one.default)
    made = make_commit(world, one, message, author, (head,) if head else (), sha)
    move(world, one, branch, made.sha, author, starts=starts)
    return made


def move(  # noqa: PLR0913 - as above
    world: World, one: Repository, branch: str, sha: str, who: str, *, starts: bool = True
) -> None:
    """Let a branch point to a commit, wherever it pointed before."""
    old = one.branches.get(branch)
    if old == sha:
        return
    one.branches[branch] = sha
    one.pushed = one.updated = world.now()
    if old is None:
        told.referenced(world, one, branch, who, gone=False)
    told.pushed(world, one, branch, old, sha, who)
    _follow(world, one, branch, who)
    if branch == one.default and old is not None:
        _close_what_it_fixes(world, one, one.commits[sha].message, who)
    _check(world, one, sha)
    if starts:
        listening.start_pipelines(world, one, branch)


def delete_branch(world: World, one: Repository, branch: str, who: str) -> None:
    """Take a branch away."""
    old = one.branches.pop(branch, None)
    if old is not None:
        told.referenced(world, one, branch, who, gone=True)
        told.pushed(world, one, branch, old, None, who)


def _follow(world: World, one: Repository, branch: str, who: str) -> None:
    """Open pull requests propose what their branch holds."""
    for issue in one.pulls():
        pull = issue.pull
        if issue.state == "open" and pull is not None and pull.head == branch:
            pull.head_sha, issue.updated = one.branches[branch], world.now()
            told.issue(world, one, issue, "synchronize", who)


def _close_what_it_fixes(world: World, one: Repository, text: str, who: str) -> None:
    for name, number in _CLOSING.findall(text):
        there = world.of(GitHub).find(name) if name else one
        issue = there.issues.get(int(number)) if there else None
        if there and issue and issue.state == "open" and issue.pull is None:
            close(world, there, issue, who)


def _check(world: World, one: Repository, sha: str) -> None:
    """GitHub Actions looks at every head."""
    store = world.of(GitHub)
    check = Check(store.next_id(), sha, "lint", "in_progress", world.now())
    one.checks.setdefault(sha, []).append(check)
    told.checked(world, one, check, "created", ACTIONS)
    chance = world.chance("github", one.id, "check", sha)

    def done() -> None:
        check.status, check.completed = "completed", world.now()
        check.conclusion = "failure" if chance.random() < 0.08 else "success"
        told.checked(world, one, check, "completed", ACTIONS)

    world.scheduler.after(chance.uniform(*_CHECK), done)


# -- issues and pull requests --------------------------------------------------------------------


def open_issue(world: World, one: Repository, title: str, body: str | None, author: str) -> Issue:
    """A new issue; call :func:`opened` once it is complete."""
    now = world.now()
    number = max(one.taken, *one.issues, 0) + 1
    issue = Issue(world.of(GitHub).next_id(), number, title, body, author, now, now)
    one.issues[number] = issue
    one.updated = now
    return issue


def opened(world: World, one: Repository, issue: Issue) -> Issue:
    """Tell of a new issue."""
    told.issue(world, one, issue, "opened", issue.author)
    return issue


def close(
    world: World, one: Repository, issue: Issue, who: str, reason: str | None = "completed"
) -> None:
    """Close an issue or a pull request."""
    issue.state, issue.closed, issue.closed_by = "closed", world.now(), who
    issue.reason = reason if issue.pull is None else None
    issue.updated = world.now()
    told.issue(world, one, issue, "closed", who)


def reopen(world: World, one: Repository, issue: Issue, who: str) -> None:
    """Open it again."""
    issue.state, issue.closed, issue.closed_by = "open", None, None
    issue.reason = "reopened" if issue.pull is None else None
    issue.updated = world.now()
    told.issue(world, one, issue, "reopened", who)


def comment(world: World, one: Repository, issue: Issue, body: str, author: str) -> Comment:
    """Say something under an issue or pull request."""
    now = world.now()
    made = Comment(world.of(GitHub).next_id(), author, body, now, now)
    issue.comments.append(made)
    issue.updated = now
    told.commented(world, one, issue, made)
    return made


def propose(  # noqa: PLR0913 - a pull request is this much
    world: World,
    one: Repository,
    title: str,
    body: str | None,
    head: str,
    author: str,
    *,
    base: str | None = None,
    draft: bool = False,
) -> Issue:
    """Open a pull request of a branch against another, the default unless said otherwise."""
    issue = open_issue(world, one, title, body, author)
    target = base or one.default
    issue.pull = Pull(head, target, one.branches[head], one.branches[target], draft)
    return opened(world, one, issue)


def merge(  # noqa: PLR0913 - as above
    world: World,
    one: Repository,
    issue: Issue,
    who: str,
    *,
    squash: bool = True,
    message: str | None = None,
    sha: str | None = None,
    starts: bool = True,
) -> Commit:
    """Merge a pull request into its base, by a squashed commit or a merge commit."""
    pull = issue.pull
    assert pull is not None
    base = one.branches[pull.base]
    title = f"{issue.title} (#{issue.number})"
    if squash:
        text = message or (f"{title}\n\n{issue.body}" if issue.body else title)
        parents: tuple[str, ...] = (base,)
    else:
        text = message or (
            f"Merge pull request #{issue.number} from {one.owner}/{pull.head}\n\n{issue.title}"
        )
        parents = (base, pull.head_sha)
    made = make_commit(world, one, text, who, parents, sha)
    now = world.now()
    pull.base_sha = base
    pull.merged, pull.merged_by, pull.merge_sha = now, who, made.sha
    issue.state, issue.closed, issue.closed_by, issue.updated = "closed", now, who, now
    move(world, one, pull.base, made.sha, who, starts=starts)
    told.issue(world, one, issue, "closed", who)
    if pull.base == one.default and issue.body:
        _close_what_it_fixes(world, one, issue.body, who)
    delete_branch(world, one, pull.head, who)
    return made
