"""Tells webhooks what happened, in GitHub's form and with its signatures.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from apps.sandbox.github import history, objects
from apps.sandbox.github.model import APP_ID, ORGANIZATION, GitHub
from apps.sandbox.github.shown import moment
from apps.sandbox.github.shown_work import ShowsWork
from apps.sandbox.posting import signature

if TYPE_CHECKING:
    from apps.sandbox.github.model import (
        Check,
        Comment,
        Commit,
        Deployment,
        DeploymentStatus,
        Hook,
        Issue,
        Repository,
        Review,
        Status,
    )
    from apps.sandbox.world import World

Payload = dict[str, Any]

#: Commits that a push names at most.
MOST = 20
NOTHING = "0" * 40


def tell(world: World, one: Repository, event: str, who: str, **members: Any) -> None:
    """Post an event to everybody who hears it; a past that is replayed tells nobody."""
    store = world.of(GitHub)
    hooks = [
        hook
        for hook in (*one.hooks.values(), *store.listeners.values())
        if hook.active and {event, "*"} & set(hook.events)
    ]
    if world.poster is None or not hooks:
        return
    shows = ShowsWork(store, world.address)
    payload = {**members, "repository": shows.repository(one), "sender": shows.user(who)}
    if one.owner == ORGANIZATION:
        payload["organization"] = shows.simple_organization(ORGANIZATION)
    for hook in hooks:
        send(world, hook, event, payload)


def send(world: World, hook: Hook, event: str, payload: Payload) -> None:
    """Post one event to one address."""
    if world.poster is None:
        return
    body = json.dumps(payload).encode()
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/5a4d0b5",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(APP_ID),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-GitHub-Enterprise-Version": "3.19.2",
    }
    if hook.secret:
        headers["X-Hub-Signature"] = signature(hook.secret, body, how="sha1")
        headers["X-Hub-Signature-256"] = signature(hook.secret, body)
    world.poster.post(hook.url, headers, body)


def pushed(  # noqa: PLR0913 - a push is this much
    world: World, one: Repository, branch: str, old: str | None, new: str | None, who: str
) -> None:
    """``push``; with ``forced`` where the old head is not behind the new one."""
    if world.poster is None:
        return
    commits: list[Commit] = []
    forced = False
    if old and new:
        standing = history.compare(one, old, new)
        commits, forced = standing.ahead[-MOST:], standing.behind_by > 0
    elif new:
        commits = [one.commits[new]]
    shows = ShowsWork(world.of(GitHub), world.address)
    named = [_commit(shows, one, commit) for commit in commits]
    tell(
        world,
        one,
        "push",
        who,
        ref=f"refs/heads/{branch}",
        before=old or NOTHING,
        after=new or NOTHING,
        created=old is None,
        deleted=new is None,
        forced=forced,
        base_ref=None,
        compare=f"{shows.web}/{one.full_name}/compare/{(old or NOTHING)[:12]}...{(new or '')[:12]}",
        commits=named,
        head_commit=named[-1] if new and named else None,
        pusher={"name": who, "email": f"{who}@example.com"},
    )


def _commit(shows: ShowsWork, one: Repository, commit: Commit) -> Payload:
    who = {
        "name": commit.author,
        "email": f"{commit.author}@example.com",
        "username": commit.author,
    }
    paths = {
        word: [change.path for change in commit.changes if change.status == word]
        for word in ("added", "removed", "modified")
    }
    return {
        "id": commit.sha,
        "tree_id": objects.tree_of(commit),
        "distinct": True,
        "message": commit.message,
        "timestamp": moment(commit.at),
        "url": f"{shows.web}/{one.full_name}/commit/{commit.sha}",
        "author": who,
        "committer": who,
        **paths,
    }


def renamed(world: World, one: Repository, was: tuple[str, str]) -> None:
    """``repository``: it has another name, or another owner; ``was`` is its owner and name."""
    shows = ShowsWork(world.of(GitHub), world.address)
    owner, name = was
    who = "release-manager"
    if owner == one.owner:
        changes: Payload = {"repository": {"name": {"from": name}}}
        tell(world, one, "repository", who, action="renamed", changes=changes)
        return
    if owner == ORGANIZATION:
        left: Payload = {"organization": shows.simple_organization(owner)}
    else:
        left = {"user": shows.user(owner)}
    tell(world, one, "repository", who, action="transferred", changes={"owner": {"from": left}})


def referenced(world: World, one: Repository, branch: str, who: str, *, gone: bool) -> None:
    """``create`` or ``delete`` of a branch."""
    members: Payload = {"ref": branch, "ref_type": "branch", "pusher_type": "user"}
    if not gone:
        members |= {"master_branch": one.default, "description": one.description}
    tell(world, one, "delete" if gone else "create", who, **members)


def issue(world: World, one: Repository, it: Issue, action: str, who: str, **more: Any) -> None:
    """``issues``, or ``pull_request`` for one that is a pull request."""
    if world.poster is None:
        return
    shows = ShowsWork(world.of(GitHub), world.address)
    if it.pull is None:
        tell(world, one, "issues", who, action=action, issue=shows.issue(one, it), **more)
        return
    pull = shows.full_pull(one, it)
    tell(
        world, one, "pull_request", who, action=action, number=it.number, pull_request=pull, **more
    )


def commented(world: World, one: Repository, it: Issue, comment: Comment) -> None:
    """``issue_comment``."""
    shows = ShowsWork(world.of(GitHub), world.address)
    said = shows.comment(one, it, comment)
    shown = shows.issue(one, it)
    tell(world, one, "issue_comment", comment.author, action="created", issue=shown, comment=said)


def reviewed(world: World, one: Repository, it: Issue, review: Review) -> None:
    """``pull_request_review``."""
    shows = ShowsWork(world.of(GitHub), world.address)
    tell(
        world,
        one,
        "pull_request_review",
        review.author,
        action="submitted",
        review={**shows.review(one, it, review), "state": review.state.lower()},
        pull_request=shows.pull(one, it),
    )


def status(world: World, one: Repository, sha: str, it: Status) -> None:
    """``status``."""
    shows = ShowsWork(world.of(GitHub), world.address)
    commit = shows.commit(one, one.commits[sha])
    tell(
        world,
        one,
        "status",
        it.creator,
        id=it.id,
        sha=sha,
        name=one.full_name,
        target_url=it.target_url,
        context=it.context,
        description=it.description,
        state=it.state,
        commit=commit,
        branches=[shows.branch(one, name) for name, head in one.branches.items() if head == sha],
        created_at=moment(it.at),
        updated_at=moment(it.at),
    )


def checked(world: World, one: Repository, check: Check, action: str, who: str) -> None:
    """``check_run``."""
    shows = ShowsWork(world.of(GitHub), world.address)
    tell(world, one, "check_run", who, action=action, check_run=shows.check(one, check))


def deployed(
    world: World, one: Repository, it: Deployment, status: DeploymentStatus | None = None
) -> None:
    """``deployment``, or ``deployment_status`` of it."""
    shows = ShowsWork(world.of(GitHub), world.address)
    members: Payload = {"action": "created", "deployment": shows.deployment(one, it)}
    if status is None:
        # None of GitHub's own workflows made it.
        members |= {"workflow": None, "workflow_run": None}
    else:
        members["deployment_status"] = shows.deployment_status(one, it, status)
    event = "deployment" if status is None else "deployment_status"
    tell(world, one, event, status.creator if status else it.creator, **members)
