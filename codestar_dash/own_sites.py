"""Connects the GitHub and the Jira that the sandbox plays, and asks them for webhooks."""

import json
import logging
import urllib.request
from collections import Counter
from typing import Any

from django.utils.timezone import now

from apps.issues.models import Issue
from apps.mirror.sealed import reveal
from apps.sites.connect import Given, connect, settle
from apps.sites.models import Site
from apps.source.models import PullRequest

log = logging.getLogger(__name__)

ANSWERS_WITHIN = 10
# Opens nothing but the sandbox.
TOKEN = "sandbox-dashboard"  # noqa: S105
OVERDUE = "project = SHOP AND statusCategory != Done AND priority = Highest ORDER BY updated DESC"


def connect_sites(url: str, base_url: str) -> None:
    """Make the sandbox's sites, or give those of an earlier start the new address.

    url       the sandbox's.       base_url  our own, where it sends webhooks to.
    """
    for name, provider, given in (
        (
            "Sandbox: GitHub",
            "github",
            Given(
                method="token",
                base_url=f"{url}/github/api/v3",
                secret=TOKEN,
                selection={"owners": ["example-shop"], "repositories": []},
                may_write=True,
            ),
        ),
        (
            "Sandbox: Jira",
            "jira",
            Given(
                method="cloud",
                base_url=f"{url}/jira",
                user="codestar-dash@example.com",
                secret=TOKEN,
                client_id="sandbox-dashboard",
                client_secret=TOKEN,
                selection={
                    "projects": ["SHOP", "DATA"],
                    "queries": [{"name": "Most urgent", "jql": OVERDUE}],
                },
                may_write=True,
            ),
        ),
    ):
        site = connect(provider=provider, name=name, given=given, managed=True)
        settle(site)
        _go_on_counting(url, site)
        _ask_for_webhooks(url, base_url, site)


def disconnect_sites() -> None:
    """Put the sandbox's sites aside; their rows stay, and nobody takes them for real ones."""
    for site in Site.objects.filter(managed=True, parked_at=None):
        site.parked_at = now()
        site.save(update_fields=["parked_at"])
        settle(site)


def _go_on_counting(url: str, site: Site) -> None:
    """Have the sandbox give no number again that an earlier one gave, and that rows here bear.

    A new sandbox has forgotten what people did in the one before it. What they made stays here,
    gone; it must not turn into something else of the same key.
    """
    numbers: Counter[str] = Counter()
    ids = [0]
    for key, issue_id in Issue.objects.filter(scope=site.scope_id).values_list("key", "issue_id"):
        name, _, number = key.rpartition("#" if site.provider == "github" else "-")
        numbers[name] = max(numbers[name], int(number) if number.isdecimal() else 0)
        ids.append(int(issue_id) if issue_id.isdecimal() else 0)
    pulls = PullRequest.objects.filter(scope=site.scope_id)
    for name, number in pulls.values_list("repository__key", "number"):
        numbers[name] = max(numbers[name], int(number) if number.isdecimal() else 0)
    if numbers:
        taken = {"provider": site.provider, "id": max(ids), "numbers": numbers}
        _tell(url, "taken", taken, site)


def _ask_for_webhooks(url: str, base_url: str, site: Site) -> None:
    """Let the sandbox tell what moves; without it everything is only read a little later."""
    wanted = {
        "provider": site.provider,
        "url": f"{base_url}/hooks/{site.provider}/{site.pk}/",
        "secret": reveal(site.webhook_secret),
    }
    _tell(url, "hooks", wanted, site)


def _tell(url: str, what: str, body: dict[str, Any], site: Site) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own child's address
        f"{url}/_sandbox/{what}", data=json.dumps(body).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN):  # noqa: S310
            pass
    except OSError as error:
        log.warning("sandbox.refused", extra={"what": what, "site": site.name, "error": str(error)})
