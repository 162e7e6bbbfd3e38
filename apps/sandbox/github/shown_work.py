"""Shows issues, pull requests, checks, deployments and hooks the way GitHub's API does."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from apps.sandbox.github import history
from apps.sandbox.github.shown import Shown, moment, node
from apps.sandbox.github.shown_apps import ShowsApps

if TYPE_CHECKING:
    from apps.sandbox.github.model import (
        Check,
        Comment,
        Deployment,
        DeploymentStatus,
        Hook,
        Issue,
        Label,
        Milestone,
        Pull,
        Repository,
        Review,
        Status,
    )


class ShowsWork(ShowsApps):
    """Also words what people work on."""

    # -- issues -------------------------------------------------------------------------------

    def label(self, one: Repository, label: Label) -> Shown:
        """``label``."""
        return {
            "id": label.id,
            "node_id": node("LA", label.id),
            "url": f"{self.api}/repos/{one.full_name}/labels/{quote(label.name, safe='')}",
            "name": label.name,
            "color": label.color,
            "default": label.name in ("bug", "enhancement", "question"),
            "description": label.description,
        }

    def milestone(self, one: Repository, stone: Milestone) -> Shown:
        """``milestone``."""
        url = f"{self.api}/repos/{one.full_name}/milestones/{stone.number}"
        mine = [issue for issue in one.issues.values() if issue.milestone == stone.number]
        waiting = sum(issue.state == "open" for issue in mine)
        return {
            "url": url,
            "html_url": f"{self.web}/{one.full_name}/milestone/{stone.number}",
            "labels_url": f"{url}/labels",
            "id": stone.id,
            "node_id": node("MI", stone.id),
            "number": stone.number,
            "title": stone.title,
            "description": stone.description,
            "creator": self.user("release-manager"),
            "open_issues": waiting,
            "closed_issues": len(mine) - waiting,
            "state": "closed" if stone.closed else "open",
            "created_at": moment(stone.created),
            "updated_at": moment(stone.closed or stone.created),
            "due_on": moment(stone.due),
            "closed_at": moment(stone.closed),
        }

    def comment(self, one: Repository, issue: Issue, comment: Comment) -> Shown:
        """``issue-comment``."""
        url = f"{self.api}/repos/{one.full_name}/issues"
        return {
            "url": f"{url}/comments/{comment.id}",
            "html_url": f"{self._html(one, issue)}#issuecomment-{comment.id}",
            "issue_url": f"{url}/{issue.number}",
            "id": comment.id,
            "node_id": node("IC", comment.id),
            "user": self.user(comment.author),
            "created_at": moment(comment.created),
            "updated_at": moment(comment.updated),
            "author_association": self._association(comment.author),
            "body": comment.body,
            "reactions": self._reactions(f"{url}/comments/{comment.id}"),
            "performed_via_github_app": None,
        }

    def issue(self, one: Repository, issue: Issue) -> Shown:
        """``issue``; of a pull request, too, as GitHub's lists of issues show it."""
        url = f"{self.api}/repos/{one.full_name}"
        mine = f"{url}/issues/{issue.number}"
        stone = one.milestones.get(issue.milestone or 0)
        shown: Shown = {
            "url": mine,
            "repository_url": url,
            "labels_url": f"{mine}/labels{{/name}}",
            "comments_url": f"{mine}/comments",
            "events_url": f"{mine}/events",
            "html_url": self._html(one, issue),
            "id": issue.id,
            "node_id": node("I" if issue.pull is None else "PR", issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.author),
            "labels": [self.label(one, one.labels[name]) for name in issue.labels],
            "state": issue.state,
            "locked": False,
            "assignee": self.user(issue.assignees[0]) if issue.assignees else None,
            "assignees": [self.user(login) for login in issue.assignees],
            "milestone": self.milestone(one, stone) if stone else None,
            "comments": len(issue.comments),
            "created_at": moment(issue.created),
            "updated_at": moment(issue.updated),
            "closed_at": moment(issue.closed),
            "author_association": self._association(issue.author),
            "active_lock_reason": None,
            "body": issue.body,
            "closed_by": self.user(issue.closed_by) if issue.closed_by else None,
            "reactions": self._reactions(mine),
            "timeline_url": f"{mine}/timeline",
            "performed_via_github_app": None,
            "state_reason": issue.reason,
        }
        if issue.pull is not None:
            html = self._html(one, issue)
            shown["draft"] = issue.pull.draft
            shown["pull_request"] = {
                "url": f"{url}/pulls/{issue.number}",
                "html_url": html,
                "diff_url": f"{html}.diff",
                "patch_url": f"{html}.patch",
                "merged_at": moment(issue.pull.merged),
            }
        return shown

    def _html(self, one: Repository, issue: Issue) -> str:
        word = "issues" if issue.pull is None else "pull"
        return f"{self.web}/{one.full_name}/{word}/{issue.number}"

    def _association(self, login: str) -> str:
        return "NONE" if self.github.users[login].kind == "Bot" else "MEMBER"

    def _reactions(self, url: str) -> Shown:
        words = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
        return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(words, 0)}

    # -- pull requests ------------------------------------------------------------------------

    def pull(self, one: Repository, issue: Issue) -> Shown:
        """``pull-request-simple``."""
        assert issue.pull is not None
        pull, url = issue.pull, f"{self.api}/repos/{one.full_name}"
        mine, html = f"{url}/pulls/{issue.number}", self._html(one, issue)
        asked = self.issue(one, issue)
        same = [
            "node_id",
            "number",
            "title",
            "user",
            "labels",
            "milestone",
            "state",
            "locked",
            "created_at",
            "updated_at",
            "closed_at",
            "assignee",
            "assignees",
            "body",
            "author_association",
            "active_lock_reason",
            "id",
        ]
        links = {
            "self": mine,
            "html": html,
            "issue": asked["url"],
            "comments": asked["comments_url"],
            "review_comments": f"{mine}/comments",
            "review_comment": f"{url}/pulls/comments{{/number}}",
            "commits": f"{mine}/commits",
            "statuses": f"{url}/statuses/{pull.head_sha}",
        }
        return {
            "url": mine,
            **{name: asked[name] for name in same},
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "issue_url": asked["url"],
            "commits_url": links["commits"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "comments_url": links["comments"],
            "statuses_url": links["statuses"],
            "merged_at": moment(pull.merged),
            "merge_commit_sha": pull.merge_sha,
            "requested_reviewers": [self.user(login) for login in pull.requested],
            "requested_teams": [],
            "draft": pull.draft,
            "head": self._end(one, pull.head, pull.head_sha),
            "base": self._end(one, pull.base, pull.base_sha),
            "_links": {name: {"href": address} for name, address in links.items()},
            "auto_merge": None,
        }

    def full_pull(self, one: Repository, issue: Issue) -> Shown:
        """``pull-request``."""
        assert issue.pull is not None
        pull = issue.pull
        standing = history.compare(one, pull.base_sha, pull.head_sha)
        files = standing.files()
        waiting = issue.state == "open"
        return {
            **self.pull(one, issue),
            "merged": pull.merged is not None,
            "mergeable": True if waiting else None,
            "rebaseable": True if waiting else None,
            "mergeable_state": self._mergeable(pull) if waiting else "unknown",
            "merged_by": self.user(pull.merged_by) if pull.merged_by else None,
            "comments": len(issue.comments),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": len(standing.ahead),
            "additions": sum(change.additions for change in files),
            "deletions": sum(change.deletions for change in files),
            "changed_files": len(files),
        }

    def _mergeable(self, pull: Pull) -> str:
        if pull.draft:
            return "draft"
        last = {review.author: review.state for review in pull.reviews}
        approved = "APPROVED" in last.values() and "CHANGES_REQUESTED" not in last.values()
        return "clean" if approved else "blocked"

    def _end(self, one: Repository, ref: str, sha: str) -> Shown:
        return {
            "label": f"{one.owner}:{ref}",
            "ref": ref,
            "sha": sha,
            "user": self.user(one.owner),
            "repo": self.repository(one),
        }

    def review(self, one: Repository, issue: Issue, review: Review) -> Shown:
        """``pull-request-review``."""
        pull = f"{self.api}/repos/{one.full_name}/pulls/{issue.number}"
        html = f"{self._html(one, issue)}#pullrequestreview-{review.id}"
        return {
            "id": review.id,
            "node_id": node("PRR", review.id),
            "user": self.user(review.author),
            "body": review.body,
            "state": review.state,
            "html_url": html,
            "pull_request_url": pull,
            "author_association": self._association(review.author),
            "_links": {"html": {"href": html}, "pull_request": {"href": pull}},
            "submitted_at": moment(review.at),
            "commit_id": review.sha,
        }

    # -- checks, statuses, deployments --------------------------------------------------------

    def check(self, one: Repository, check: Check) -> Shown:
        """``check-run``."""
        url = f"{self.api}/repos/{one.full_name}/check-runs/{check.id}"
        html = f"{self.web}/{one.full_name}/actions/runs/{check.id}"
        passed = check.conclusion == "success"
        title = None if check.conclusion is None else "All good" if passed else "2 complaints"
        return {
            "id": check.id,
            "name": check.name,
            "node_id": node("CR", check.id),
            "head_sha": check.sha,
            "external_id": "",
            "url": url,
            "html_url": html,
            "details_url": html,
            "status": check.status,
            "conclusion": check.conclusion,
            "started_at": moment(check.started),
            "completed_at": moment(check.completed),
            "output": {
                "title": title,
                "summary": title,
                "text": None,
                "annotations_count": 0,
                "annotations_url": f"{url}/annotations",
            },
            "check_suite": {"id": check.id + 1},
            "app": self.actions_app(),
            "pull_requests": [],
        }

    def status(self, one: Repository, status: Status, sha: str) -> Shown:
        """``status``."""
        creator = self.user(status.creator)
        return {
            "url": f"{self.api}/repos/{one.full_name}/statuses/{sha}",
            "avatar_url": creator["avatar_url"],
            "id": status.id,
            "node_id": node("SC", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": moment(status.at),
            "updated_at": moment(status.at),
            "creator": creator,
        }

    def deployment(self, one: Repository, deployment: Deployment) -> Shown:
        """``deployment``."""
        url = f"{self.api}/repos/{one.full_name}/deployments/{deployment.id}"
        last = max((status.at for status in deployment.statuses), default=deployment.at)
        return {
            "url": url,
            "id": deployment.id,
            "node_id": node("DE", deployment.id),
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task,
            "payload": deployment.payload,
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": self.user(deployment.creator),
            "created_at": moment(deployment.at),
            "updated_at": moment(last),
            "statuses_url": f"{url}/statuses",
            "repository_url": f"{self.api}/repos/{one.full_name}",
            "transient_environment": deployment.transient,
            "production_environment": deployment.production,
            "performed_via_github_app": None,
        }

    def deployment_status(
        self, one: Repository, deployment: Deployment, status: DeploymentStatus
    ) -> Shown:
        """``deployment-status``."""
        url = f"{self.api}/repos/{one.full_name}"
        mine = f"{url}/deployments/{deployment.id}"
        return {
            "url": f"{mine}/statuses/{status.id}",
            "id": status.id,
            "node_id": node("DES", status.id),
            "state": status.state,
            "creator": self.user(status.creator),
            "description": status.description,
            "environment": status.environment,
            "target_url": status.log_url,
            "created_at": moment(status.at),
            "updated_at": moment(status.at),
            "deployment_url": mine,
            "repository_url": url,
            "environment_url": status.environment_url,
            "log_url": status.log_url,
            "performed_via_github_app": None,
        }

    # -- hooks --------------------------------------------------------------------------------

    def hook(self, one: Repository, hook: Hook) -> Shown:
        """``hook``; its secret is never shown."""
        url = f"{self.api}/repos/{one.full_name}/hooks/{hook.id}"
        return {
            "type": "Repository",
            "id": hook.id,
            "name": "web",
            "active": hook.active,
            "events": list(hook.events),
            "config": {
                "url": hook.url,
                "content_type": "json",
                "insecure_ssl": "0",
                **({"secret": "********"} if hook.secret else {}),
            },
            "updated_at": moment(hook.created),
            "created_at": moment(hook.created),
            "url": url,
            "test_url": f"{url}/test",
            "ping_url": f"{url}/pings",
            "deliveries_url": f"{url}/deliveries",
            "last_response": {"code": None, "status": "unused", "message": None},
        }
