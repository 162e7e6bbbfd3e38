"""How each channel tells a site; knows their calls, and nothing of who wants what.

https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
https://docs.github.com/en/rest/deployments/deployments
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-remote-links/
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from apps.sites.reach import Reach

from .models import Channel

# (open site, what it is to show, its id of what was made there before) -> that id
Tell = Callable[[Reach, Mapping[str, Any], str], str]
MINE = "codestar-dash"


def status(reach: Reach, shows: Mapping[str, Any], _known: str) -> str:
    """Set a commit's status; the newest of one context counts."""
    path = f"/repos/{_repository(shows)}/statuses/{quote(str(shows['commit']), safe='')}"
    body = {name: shows[name] for name in ("state", "context", "description", "target_url")}
    answer = reach.send("github:CreateCommitStatus", "POST", path, body)
    return str(answer.body.get("id") or "")


def deployment(reach: Reach, shows: Mapping[str, Any], known: str) -> str:
    """Make a deployment unless it is there, and say how it fares.

    GitHub takes no key of ours for it: who was cut off after it was made finds it by its payload.
    """
    base = f"/repos/{_repository(shows)}/deployments"
    number = known or _made_before(reach, base, shows)
    if not number:
        body = {
            "ref": shows["commit"],
            "environment": shows["environment"],
            "description": shows["description"],
            "auto_merge": False,
            "required_contexts": [],
            "payload": {MINE: shows["execution"]},
        }
        number = str(reach.send("github:CreateDeployment", "POST", base, body).body["id"])
    told = {name: shows[name] for name in ("state", "description", "log_url")}
    reach.send("github:CreateDeploymentStatus", "POST", f"{base}/{number}/statuses", told)
    return number


def _made_before(reach: Reach, base: str, shows: Mapping[str, Any]) -> str:
    params = {"sha": shows["commit"], "environment": shows["environment"], "per_page": 100}
    for one in reach.get("github:ListDeployments", base, **params).body:
        payload = one.get("payload")
        if isinstance(payload, Mapping) and payload.get(MINE) == shows["execution"]:
            return str(one["id"])
    return ""


def link(reach: Reach, shows: Mapping[str, Any], _known: str) -> str:
    """Make or change a link at an issue: Jira keeps one of each global id."""
    path = f"/rest/api/2/issue/{quote(str(shows['issue']), safe='')}/remotelink"
    body = {
        "globalId": shows["global_id"],
        "application": {"name": "CodeStar Dash", "type": "io.github.codestar-dash"},
        "relationship": "is brought out by",
        "object": {
            "url": shows["url"],
            "title": shows["title"],
            "summary": shows["summary"],
            "status": {"resolved": shows["resolved"]},
        },
    }
    answer = reach.send("jira:CreateRemoteLink", "POST", path, body)
    return str(answer.body.get("id") or "")


def _repository(shows: Mapping[str, Any]) -> str:
    return quote(str(shows["repository"]), safe="/")


CHANNELS: Mapping[str, Tell] = {
    Channel.STATUS: status,
    Channel.DEPLOYMENT: deployment,
    Channel.LINK: link,
}
