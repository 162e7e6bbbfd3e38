"""Jira's deployments panel: what a client with OAuth credentials tells of deployments.

https://developer.atlassian.com/cloud/jira/software/rest/api-group-deployments/
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from apps.sandbox.jira.door import refused, route, written
from apps.sandbox.jira.model import CLOUD_ID, Jira
from apps.sandbox.rest import Ask, RestError, Said
from apps.sandbox.world import hex_from

_STATES = frozenset(
    ["unknown", "pending", "in_progress", "cancelled", "failed", "rolled_back", "successful"]
)
_TYPES = frozenset(["unmapped", "development", "testing", "staging", "production"])
_REQUIRED = (
    "deploymentSequenceNumber",
    "updateSequenceNumber",
    "displayName",
    "url",
    "description",
    "lastUpdated",
    "state",
    "pipeline",
    "environment",
)
_LIFETIME = 900.0
_MOST_ASSOCIATED = 500
_PATHS = ("/rest/deployments/0.1", f"/deployments/0.1/cloud/{CLOUD_ID}")


@route("POST", "/oauth/token", "getAccessToken")
def token(ask: Ask) -> Said:
    """A token for client credentials that begin with ``sandbox-``."""
    wanted = written(ask)
    if wanted.get("grant_type") != "client_credentials":
        text = "grant_type is not supported"
        raise RestError(400, {"error": "unsupported_grant_type", "error_description": text})
    client, secret = str(wanted.get("client_id", "")), str(wanted.get("client_secret", ""))
    good = client.startswith("sandbox-") and secret.startswith("sandbox-")
    if not good or secret in ("sandbox-expired", "sandbox-revoked"):
        raise RestError(401, {"error": "access_denied", "error_description": "Unauthorized"})
    store = ask.world.of(Jira)
    made = hex_from(ask.world.chance("jira", "oauth", store.next_id()), 48)
    store.tokens[made] = time.time() + _LIFETIME
    scope = "write:deployment:jira-software read:deployment:jira-software"
    return Said(
        {"access_token": made, "expires_in": int(_LIFETIME), "token_type": "Bearer", "scope": scope}
    )


def _complaint(one: dict[str, Any]) -> str:
    missing = [name for name in _REQUIRED if one.get(name) in (None, "")]
    if missing:
        return f"{missing[0]} is required"
    if one["state"] not in _STATES:
        return f"state must be one of {', '.join(sorted(_STATES))}"
    if one["environment"].get("type") not in _TYPES:
        return f"environment.type must be one of {', '.join(sorted(_TYPES))}"
    for name in ("deploymentSequenceNumber", "updateSequenceNumber"):
        if not isinstance(one[name], int):
            return f"{name} must be an integer"
    try:
        datetime.fromisoformat(str(one["lastUpdated"]).replace("Z", "+00:00"))
    except ValueError:
        return "lastUpdated must be a date-time"
    if not _keys(one):
        return "associations must not be empty"
    return ""


def _keys(one: dict[str, Any]) -> list[str]:
    found = list(one.get("issueKeys") or ())
    for association in one.get("associations") or ():
        if association.get("associationType") in ("issueKeys", "issueIdOrKeys"):
            found += association.get("values") or ()
    return [str(key) for key in found]


def _key(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "pipelineId": (one.get("pipeline") or {}).get("id"),
        "environmentId": (one.get("environment") or {}).get("id"),
        "deploymentSequenceNumber": one.get("deploymentSequenceNumber"),
    }


def _bulk(ask: Ask) -> Said:
    """Take deployments in; each is judged by itself."""
    _only_a_client(ask)
    wanted = written(ask).get("deployments")
    if not isinstance(wanted, list) or not wanted:
        raise refused(400, "deployments must not be empty")
    most = max(len(_keys(one)) for one in wanted)
    if most > _MOST_ASSOCIATED:
        text = (
            "Sum of Association values across all association types can have a maximum of "
            f"{_MOST_ASSOCIATED} elements. Found {most}."
        )
        raise refused(400, text)
    store = ask.world.of(Jira)
    accepted, rejected, unknown = [], [], []
    for one in wanted:
        wrong, mark = _complaint(one), _key(one)
        strangers = [key for key in _keys(one) if store.find(key) is None]
        unknown += strangers
        if wrong or len(strangers) == len(_keys(one)):
            text = wrong or "No valid issue keys were given"
            rejected.append({"key": mark, "errors": [{"message": text}]})
            continue
        accepted.append(mark)
        place = (
            str(mark["pipelineId"]),
            str(mark["environmentId"]),
            int(mark["deploymentSequenceNumber"]),
        )
        known = store.deployments.get(place)
        if known is None or known["updateSequenceNumber"] < one["updateSequenceNumber"]:
            store.deployments[place] = one
    body = {
        "acceptedDeployments": accepted,
        "rejectedDeployments": rejected,
        "unknownIssueKeys": sorted(set(unknown)),
        "unknownAssociations": [],
    }
    return Said(body, 202)


def _read(ask: Ask) -> Said:
    """One deployment as it was told last."""
    _only_a_client(ask)
    number = int(ask["number"]) if ask["number"].isdecimal() else -1
    found = ask.world.of(Jira).deployments.get((ask["pipeline"], ask["environment"], number))
    if found is None:
        raise RestError(404, [{"message": "No deployment found"}])
    return Said(found)


def _only_a_client(ask: Ask) -> None:
    if ask.caller.method != "oauth":
        # The gateway's own words, not Jira's.
        raise RestError(401, {"code": 401, "message": "Unauthorized; scope does not match"})


_ONE = "/pipelines/{pipeline}/environments/{environment}/deployments/{number}"
for _path in _PATHS:
    route("POST", f"{_path}/bulk", "submitDeployments")(_bulk)
    route("GET", _path + _ONE, "getDeploymentByKey")(_read)
