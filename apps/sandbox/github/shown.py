"""Shows accounts, repositories and commits the way GitHub's REST API does.

https://docs.github.com/en/enterprise-server@3.19/rest
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from apps.sandbox.github import objects

if TYPE_CHECKING:
    from apps.sandbox.github.history import Standing
    from apps.sandbox.github.model import Change, Commit, GitHub, Repository

Shown = dict[str, Any]

#: What GitHub's objects name by templates, and the rest of their address.
_PARTS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def moment(at: float | None) -> str | None:
    """``2026-11-28T22:00:00Z``."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node(kind: str, number: object) -> str:
    """An id as GraphQL knows it."""
    return base64.urlsafe_b64encode(f"0:{kind}{number}".encode()).decode().rstrip("=")


class Shows:
    """Words things with the addresses of one base, ``http://host:port``."""

    def __init__(self, github: GitHub, base: str) -> None:
        self.github = github
        self.web = f"{base}/github"
        self.api = f"{base}/github/api/v3"

    # -- accounts -----------------------------------------------------------------------------

    def user(self, login: str) -> Shown:
        """``simple-user``."""
        known = self.github.add_user(login)
        path = quote(login)
        url = f"{self.api}/users/{path}"
        html = f"{self.web}/{path}" if known.kind != "Bot" else f"{self.web}/apps/{path[:-9]}"
        return {
            "login": login,
            "id": known.id,
            "node_id": node("U", known.id),
            "avatar_url": f"{self.web}/avatars/u/{known.id}?",
            "gravatar_id": "",
            "url": url,
            "html_url": html,
            "followers_url": f"{url}/followers",
            "following_url": f"{url}/following{{/other_user}}",
            "gists_url": f"{url}/gists{{/gist_id}}",
            "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{url}/subscriptions",
            "organizations_url": f"{url}/orgs",
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events{{/privacy}}",
            "received_events_url": f"{url}/received_events",
            "type": known.kind,
            "user_view_type": "public",
            "site_admin": False,
        }

    def person(self, login: str) -> Shown:
        """``public-user``."""
        owned = [one for one in self.github.repositories.values() if one.owner == login]
        return {
            **self.user(login),
            "name": login.replace("-", " ").capitalize(),
            "company": None,
            "blog": "",
            "location": None,
            "email": None,
            "hireable": None,
            "bio": None,
            "public_repos": len(owned),
            "public_gists": 0,
            "followers": 3,
            "following": 2,
            "created_at": "2021-03-01T08:00:00Z",
            "updated_at": "2026-01-10T08:00:00Z",
        }

    def simple_organization(self, login: str) -> Shown:
        """``organization-simple``."""
        known, url = self.github.users[login], f"{self.api}/orgs/{quote(login)}"
        return {
            "login": login,
            "id": known.id,
            "node_id": node("O", known.id),
            "url": url,
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events",
            "hooks_url": f"{url}/hooks",
            "issues_url": f"{url}/issues",
            "members_url": f"{url}/members{{/member}}",
            "public_members_url": f"{url}/public_members{{/member}}",
            "avatar_url": f"{self.web}/avatars/u/{known.id}?",
            "description": "A shop that exists in examples alone",
        }

    # -- repositories -------------------------------------------------------------------------

    def repository(self, one: Repository) -> Shown:
        """``repository``, which is ``minimal-repository`` with more."""
        url, html = f"{self.api}/repos/{one.full_name}", f"{self.web}/{one.full_name}"
        host = self.web.split("/")[2]
        waiting = sum(issue.state == "open" for issue in one.issues.values())
        return {
            "id": one.id,
            "node_id": node("R", one.id),
            "name": one.name,
            "full_name": one.full_name,
            "private": one.private,
            "owner": self.user(one.owner),
            "html_url": html,
            "description": one.description,
            "fork": False,
            "url": url,
            **{name: url + rest for name, rest in _PARTS.items()},
            "created_at": moment(one.created),
            "updated_at": moment(one.updated),
            "pushed_at": moment(one.pushed),
            "git_url": f"git://{host}/{one.full_name}.git",
            "ssh_url": f"git@{host}:{one.full_name}.git",
            "clone_url": f"{html}.git",
            "svn_url": html,
            "mirror_url": None,
            "homepage": None,
            "size": 12 * len(one.commits),
            "stargazers_count": 0,
            "watchers_count": 0,
            "language": one.language,
            "has_issues": one.has_issues,
            "has_projects": True,
            "has_downloads": True,
            "has_wiki": False,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": 0,
            "archived": one.archived,
            "disabled": False,
            "open_issues_count": waiting,
            "license": None,
            "allow_forking": True,
            "is_template": False,
            "web_commit_signoff_required": False,
            "topics": list(one.topics),
            "visibility": "private" if one.private else "public",
            "forks": 0,
            "open_issues": waiting,
            "watchers": 0,
            "default_branch": one.default,
            "permissions": {
                "admin": False,
                "maintain": False,
                "push": not one.archived,
                "triage": True,
                "pull": True,
            },
        }

    def full_repository(self, one: Repository) -> Shown:
        """``full-repository``."""
        shown = {
            **self.repository(one),
            "allow_squash_merge": True,
            "allow_merge_commit": True,
            "allow_rebase_merge": True,
            "allow_auto_merge": False,
            "delete_branch_on_merge": True,
            "network_count": 0,
            "subscribers_count": 6,
        }
        if self.github.users[one.owner].kind == "Organization":
            shown["organization"] = self.user(one.owner)
        return shown

    def branch(self, one: Repository, name: str) -> Shown:
        """``short-branch``."""
        sha = one.branches[name]
        return {
            "name": name,
            "commit": {"sha": sha, "url": f"{self.api}/repos/{one.full_name}/commits/{sha}"},
            "protected": name in one.protected,
        }

    def full_branch(self, one: Repository, name: str) -> Shown:
        """``branch-with-protection``."""
        url = f"{self.api}/repos/{one.full_name}/branches/{quote(name, safe='')}"
        html = f"{self.web}/{one.full_name}/tree/{quote(name)}"
        kept = name in one.protected
        return {
            "name": name,
            "commit": self.commit(one, one.commits[one.branches[name]]),
            "_links": {"self": url, "html": html},
            "protected": kept,
            "protection": {
                "enabled": kept,
                "required_status_checks": {
                    "enforcement_level": "non_admins" if kept else "off",
                    "contexts": ["lint"] if kept else [],
                    "checks": [{"context": "lint", "app_id": 15368}] if kept else [],
                },
            },
            "protection_url": f"{url}/protection",
        }

    def reference(self, one: Repository, name: str) -> Shown:
        """``git-ref`` of a branch."""
        url, sha = f"{self.api}/repos/{one.full_name}/git", one.branches[name]
        return {
            "ref": f"refs/heads/{name}",
            "node_id": node("Ref", f"{one.id}:refs/heads/{name}"),
            "url": f"{url}/refs/heads/{quote(name)}",
            "object": {"sha": sha, "type": "commit", "url": f"{url}/commits/{sha}"},
        }

    # -- commits ------------------------------------------------------------------------------

    def commit(self, one: Repository, commit: Commit) -> Shown:
        """``commit`` as lists show it."""
        url, html = f"{self.api}/repos/{one.full_name}", f"{self.web}/{one.full_name}"
        who = {
            "name": commit.author,
            "email": f"{commit.author.removesuffix('[bot]')}@example.com",
            "date": moment(commit.at),
        }
        tree = objects.tree_of(commit)
        known = commit.author in self.github.users
        author = self.user(commit.author) if known else None
        return {
            "sha": commit.sha,
            "node_id": node("C", commit.sha),
            "commit": {
                "author": who,
                "committer": who,
                "message": commit.message,
                "tree": {"sha": tree, "url": f"{url}/git/trees/{tree}"},
                "url": f"{url}/git/commits/{commit.sha}",
                "comment_count": 0,
                "verification": {
                    "verified": False,
                    "reason": "unsigned",
                    "signature": None,
                    "payload": None,
                    "verified_at": None,
                },
            },
            "url": f"{url}/commits/{commit.sha}",
            "html_url": f"{html}/commit/{commit.sha}",
            "comments_url": f"{url}/commits/{commit.sha}/comments",
            "author": author,
            "committer": author,
            "parents": [
                {
                    "sha": parent,
                    "url": f"{url}/commits/{parent}",
                    "html_url": f"{html}/commit/{parent}",
                }
                for parent in commit.parents
            ],
        }

    def full_commit(self, one: Repository, commit: Commit) -> Shown:
        """``commit`` with what it changed."""
        added = sum(change.additions for change in commit.changes)
        removed = sum(change.deletions for change in commit.changes)
        return {
            **self.commit(one, commit),
            "stats": {"total": added + removed, "additions": added, "deletions": removed},
            "files": [self.change(one, commit.sha, change) for change in commit.changes],
        }

    def change(self, one: Repository, sha: str, change: Change) -> Shown:
        """``diff-entry``."""
        url, html = f"{self.api}/repos/{one.full_name}", f"{self.web}/{one.full_name}"
        path = quote(change.path)
        blob = hashlib.sha1(f"{sha}{change.path}".encode(), usedforsecurity=False).hexdigest()
        return {
            "sha": blob,
            "filename": change.path,
            "status": change.status,
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
            "blob_url": f"{html}/blob/{sha}/{path}",
            "raw_url": f"{html}/raw/{sha}/{path}",
            "contents_url": f"{url}/contents/{path}?ref={sha}",
            "patch": change.patch,
        }

    def comparison(
        self, one: Repository, base: Commit, head: Commit, standing: Standing, page: list[Commit]
    ) -> Shown:
        """``commit-comparison``; ``page`` is the part of the commits that is shown."""
        name = f"{base.sha}...{head.sha}"
        html = f"{self.web}/{one.full_name}/compare/{name}"
        assert standing.base is not None
        return {
            "url": f"{self.api}/repos/{one.full_name}/compare/{name}",
            "html_url": html,
            "permalink_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "base_commit": self.commit(one, base),
            "merge_base_commit": self.commit(one, standing.base),
            "status": standing.word,
            "ahead_by": len(standing.ahead),
            "behind_by": standing.behind_by,
            "total_commits": len(standing.ahead),
            "commits": [self.commit(one, commit) for commit in page],
            "files": [self.change(one, head.sha, change) for change in standing.files()][:300],
        }
