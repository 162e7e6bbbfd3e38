"""How each channel is opened and tells a site; knows their calls, not who wants what.

https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
https://docs.github.com/en/rest/deployments/deployments
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-remote-links/
https://developer.atlassian.com/cloud/jira/software/rest/api-group-deployments/
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from apps.jira.panel import Panel, open_panel
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.sites.models import Site
from apps.sites.reach import Reach

from .models import Channel, Telling


@dataclass(frozen=True, slots=True)
class Told:
    """What a site shows now: its id of it, and in words what it would not have of it."""

    id: str = ""
    but: str = ""


# (what the channel is opened as, what is to be told) -> what the site shows now
Tell = Callable[[Any, Telling], Told]
MINE = "codestar-dash"


def status(reach: Reach, row: Telling) -> Told:
    """Set a commit's status; the newest of one context counts."""
    shows = row.wanted
    path = f"/repos/{_repository(shows)}/statuses/{quote(str(shows['commit']), safe='')}"
    body = {name: shows[name] for name in ("state", "context", "description", "target_url")}
    answer = reach.send("github:CreateCommitStatus", "POST", path, body)
    return Told(str(answer.body.get("id") or ""))


def deployment(reach: Reach, row: Telling) -> Told:
    """Make a deployment unless it is there, and say how it fares.

    GitHub takes no key of ours for it: who was cut off after it was made finds it by its payload.
    """
    shows = row.wanted
    base = f"/repos/{_repository(shows)}/deployments"
    number = row.remote_id or _made_before(reach, base, shows)
    if not number:
        body = {
            "ref": shows["commit"],
            "environment": shows["environment"],
            "description": shows["description"],
            "auto_merge": False,
            "required_contexts": [],
            "production_environment": shows["production"],
            "payload": {MINE: shows["execution"]},
        }
        number = str(reach.send("github:CreateDeployment", "POST", base, body).body["id"])
    told = {name: shows[name] for name in ("state", "description", "log_url")}
    reach.send("github:CreateDeploymentStatus", "POST", f"{base}/{number}/statuses", told)
    return Told(number)


def _made_before(reach: Reach, base: str, shows: Mapping[str, Any]) -> str:
    params = {"sha": shows["commit"], "environment": shows["environment"], "per_page": 100}
    for one in reach.get("github:ListDeployments", base, **params).body:
        payload = one.get("payload")
        if isinstance(payload, Mapping) and payload.get(MINE) == shows["execution"]:
            return str(one["id"])
    return ""


def link(reach: Reach, row: Telling) -> Told:
    """Make or change a link at an issue: Jira keeps one of each global id."""
    shows = row.wanted
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
    return Told(str(answer.body.get("id") or ""))


def panel(opened: Panel, row: Telling) -> Told:
    """Tell Jira's deployments panel how a deployment fares.

    Jira keeps one of each sequence number in a pipeline and environment, and of what is told of it
    what has the greatest number: told twice it stands once, told late it changes nothing.
    """
    shows = dict(row.wanted)
    issues = shows.pop("issues")
    unknown = opened.submit(
        {
            **shows,
            "schemaVersion": "1.0",
            "updateSequenceNumber": row.sequence,
            "associations": [{"associationType": "issueIdOrKeys", "values": issues}],
        }
    )
    return Told(but=f"Jira does not know {', '.join(unknown)}." if unknown else "")


def _repository(shows: Mapping[str, Any]) -> str:
    return quote(str(shows["repository"]), safe="/")


CHANNELS: Mapping[str, Tell] = {
    Channel.STATUS: status,
    Channel.DEPLOYMENT: deployment,
    Channel.LINK: link,
    Channel.PANEL: panel,
}


def open_for(channel: str, scope: Scope) -> Any:
    """Open what a channel tells: the site, but for the one that has a door of its own.

    Raises as the scope's provider does, and Site.DoesNotExist where the connection is gone.
    """
    if channel == Channel.PANEL:
        return open_panel(Site.objects.get(scope=scope))
    return PROVIDERS.get(scope.provider).open(scope)
