"""CodeConnections, also by its older name: connections that wait for somebody to complete them.

https://docs.aws.amazon.com/codeconnections/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.sandbox import control
from apps.sandbox.operations import (
    TRAITS,
    Answer,
    AwsError,
    Call,
    Params,
    Traits,
    operation,
    paginate,
)
from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.operations import Handler
    from apps.sandbox.wire import Request
    from apps.sandbox.world import Place, World

NEW, OLD = "codeconnections", "codestar-connections"
PENDING, AVAILABLE = "PENDING", "AVAILABLE"
PAGE = 100


@dataclass(slots=True, eq=False)
class Connection:
    """A connection; ``arn`` is what the service calls it that made it."""

    arn: str
    name: str
    provider: str
    account: str
    status: str = PENDING
    host: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


class ConnectionStore:
    """The connections of one place, by the part of their ARNs that both services share."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.connections: dict[str, Connection] = {}
        self.made = 0

    def find(self, arn: str) -> Connection | None:
        """The connection of an ARN, in either service's spelling."""
        return self.connections.get(arn.rpartition("/")[2])


def make_connection(
    place: Place, name: str, provider: str = "GitHub", *, arn: str = "", status: str = PENDING
) -> Connection:
    """A connection that is there from now on."""
    store = place.of(ConnectionStore)
    store.made += 1
    chance = place.world.chance(place.account, place.region, "connection", name, store.made)
    arn = arn or place.arn(NEW, f"connection/{uuid_from(chance)}")
    made = Connection(arn, name, provider, place.account, status)
    store.connections[arn.rpartition("/")[2]] = made
    return made


def _resources(where: str, members: Params) -> list[str]:
    arn = members.get("ConnectionArn") or members.get("ResourceArn")
    return [str(arn) if arn else f"{where}*"]


for _service in (NEW, OLD):
    TRAITS[_service] = Traits(bad_page="ValidationException", resources=_resources)
control.COUNTERS["connections"] = lambda place: len(place.of(ConnectionStore).connections)


def _both(name: str) -> Callable[[Handler], Handler]:
    """Register a handler with both services."""

    def register(handler: Handler) -> Handler:
        return operation(NEW, name)(operation(OLD, name)(handler))

    return register


def _found(call: Call, arn: str) -> Connection:
    found = call.place.of(ConnectionStore).find(arn)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Connection {arn} not found")
    return found


def _shown(call: Call, one: Connection) -> Answer:
    name = one.arn.rpartition("/")[2]
    return {
        "ConnectionName": one.name,
        "ConnectionArn": call.place.arn(call.service, f"connection/{name}"),
        "ProviderType": one.provider,
        "OwnerAccountId": one.account,
        "ConnectionStatus": one.status,
        "HostArn": one.host,
    }


@_both("CreateConnection")
def create_connection(call: Call, params: Params) -> Answer:
    """A connection, PENDING until somebody signs in at the provider for it."""
    store = call.place.of(ConnectionStore)
    name = params["ConnectionName"]
    if not params.get("ProviderType") and not params.get("HostArn"):
        raise AwsError("InvalidInputException", "Provider type or host ARN is required")
    if any(one.name == name for one in store.connections.values()):
        raise AwsError("ResourceAlreadyExistsException", f"Connection {name} already exists")
    made = make_connection(call.place, name, params.get("ProviderType") or "GitHubEnterpriseServer")
    made.arn = call.place.arn(call.service, f"connection/{made.arn.rpartition('/')[2]}")
    made.host = params.get("HostArn")
    made.tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    return {"ConnectionArn": made.arn, "Tags": params.get("Tags")}


@_both("GetConnection")
def get_connection(call: Call, params: Params) -> Answer:
    """One connection."""
    return {"Connection": _shown(call, _found(call, params["ConnectionArn"]))}


@_both("ListConnections")
def list_connections(call: Call, params: Params) -> Answer:
    """Connections, of one provider or host if asked for."""
    provider, host = params.get("ProviderTypeFilter"), params.get("HostArnFilter")
    wanted = [
        one
        for one in call.place.of(ConnectionStore).connections.values()
        if provider in (None, one.provider) and host in (None, one.host)
    ]
    page, token = paginate(
        call,
        wanted,
        lambda one: one.arn,
        size=params.get("MaxResults") or PAGE,
        token=params.get("NextToken"),
        error=lambda: AwsError("ValidationException", "The next token is not valid."),
        scope=f"{provider}/{host}",
    )
    return {"Connections": [_shown(call, one) for one in page], "NextToken": token}


@_both("DeleteConnection")
def delete_connection(call: Call, params: Params) -> Answer:
    """No connection any more."""
    found = _found(call, params["ConnectionArn"])
    del call.place.of(ConnectionStore).connections[found.arn.rpartition("/")[2]]
    return {}


@_both("ListTagsForResource")
def list_tags(call: Call, params: Params) -> Answer:
    """A connection's tags."""
    tags = _found(call, params["ResourceArn"]).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


@_both("TagResource")
def tag(call: Call, params: Params) -> Answer:
    """Add tags."""
    found = _found(call, params["ResourceArn"])
    found.tags.update({tag["Key"]: tag["Value"] for tag in params["Tags"]})
    return {}


@_both("UntagResource")
def untag(call: Call, params: Params) -> Answer:
    """Take tags away."""
    for key in params["TagKeys"]:
        _found(call, params["ResourceArn"]).tags.pop(key, None)
    return {}


# -- the control path -----------------------------------------------------------------------------


def answer(world: World, request: Request, parts: list[str]) -> tuple[int, Any] | None:
    """``POST /_sandbox/connection``: complete a connection, or put it into another status."""
    if request.method != "POST" or parts != ["connection"]:
        return None
    try:
        wanted = json.loads(request.body)
        arn = str(wanted["arn"])
        status = str(wanted.get("status", AVAILABLE))
    except (ValueError, TypeError, KeyError):
        return 400, {"error": 'a connection is {"arn": …, "status": "AVAILABLE"}'}
    with world.lock:
        for place in world.places():
            found = place.of(ConnectionStore).find(arn)
            if found is not None:
                found.status = status
                return 200, {"arn": found.arn, "name": found.name, "status": status}
    return 404, {"error": f"no connection {arn}"}


control.MORE.append(answer)
