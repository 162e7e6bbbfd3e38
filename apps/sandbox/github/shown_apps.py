"""Shows the app, its installation and organizations the way GitHub's API does."""

from __future__ import annotations

from urllib.parse import quote

from apps.sandbox.github.model import APP_ID, APP_SLUG, INSTALLATION_ID, ORGANIZATION
from apps.sandbox.github.shown import Shown, Shows, node

PERMISSIONS = {
    "checks": "read",
    "contents": "read",
    "deployments": "write",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "read",
    "statuses": "write",
}
EVENTS = ["check_run", "issues", "issue_comment", "pull_request", "pull_request_review", "push"]


class ShowsApps(Shows):
    """Also words apps and organizations."""

    def app(self) -> Shown:
        """``integration``: the app of the simulated installation."""
        return {
            "id": APP_ID,
            "slug": APP_SLUG,
            "client_id": "Iv1.sandbox4711",
            "node_id": node("A", APP_ID),
            "owner": self.user(ORGANIZATION),
            "name": "CodeStar Dash",
            "description": "Shows what is delivered where",
            "external_url": "https://dash.example.com",
            "html_url": f"{self.web}/apps/{APP_SLUG}",
            "created_at": "2026-01-05T08:00:00Z",
            "updated_at": "2026-01-05T08:00:00Z",
            "permissions": dict(PERMISSIONS),
            "events": list(EVENTS),
            "installations_count": 1,
        }

    def installation(self) -> Shown:
        """``installation``."""
        account = self.user(ORGANIZATION)
        return {
            "id": INSTALLATION_ID,
            "account": account,
            "access_tokens_url": f"{self.api}/app/installations/{INSTALLATION_ID}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{self.web}/organizations/{ORGANIZATION}/settings/installations/1",
            "app_id": APP_ID,
            "app_slug": APP_SLUG,
            "target_id": account["id"],
            "target_type": "Organization",
            "repository_selection": "all",
            "permissions": dict(PERMISSIONS),
            "events": list(EVENTS),
            "created_at": "2026-01-05T08:00:00Z",
            "updated_at": "2026-01-05T08:00:00Z",
            "single_file_name": None,
            "suspended_by": None,
            "suspended_at": None,
        }

    def organization(self, login: str) -> Shown:
        """``organization-full``, which is ``organization-simple`` with more."""
        return {
            **self.simple_organization(login),
            "name": "Example shop",
            "has_organization_projects": True,
            "has_repository_projects": True,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "html_url": f"{self.web}/{quote(login)}",
            "created_at": "2021-03-01T08:00:00Z",
            "updated_at": "2026-01-10T08:00:00Z",
            "archived_at": None,
            "type": "Organization",
        }

    def actions_app(self) -> Shown:
        """The app that is GitHub Actions."""
        return {
            **self.app(),
            "id": 15368,
            "slug": "github-actions",
            "node_id": node("A", 15368),
            "name": "GitHub Actions",
            "description": "Automate your workflow from idea to production",
            "html_url": f"{self.web}/apps/github-actions",
        }
