"""Lambda's operations: functions, versions and aliases read and changed, and an invocation."""

from __future__ import annotations

import json

from apps.sandbox.compute import functions
from apps.sandbox.compute.functions import Alias, Function, FunctionStore
from apps.sandbox.control import COUNTERS
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

#: ListFunctions and ListVersionsByFunction give no more, whatever MaxItems says.
PAGE = 50


def _resources(where: str, members: Params) -> list[str]:
    name = str(members.get("FunctionName") or "*").rpartition("function:")[2]
    return [f"{where}function:{name}"]


TRAITS["lambda"] = Traits(
    invalid="InvalidParameterValueException",
    bad_page="InvalidParameterValueException",
    resources=_resources,
)
COUNTERS["functions"] = lambda place: len(place.of(FunctionStore).functions)


def _bad_marker() -> AwsError:
    return AwsError("InvalidParameterValueException", "The provided Marker is not valid.")


def find(call: Call, params: Params) -> Function:
    """The function by name or ARN, or AWS's ResourceNotFoundException."""
    name = str(params["FunctionName"]).rpartition("function:")[2].partition(":")[0]
    function = call.place.of(FunctionStore).functions.get(name)
    if function is None:
        arn = call.place.arn("lambda", f"function:{name}")
        raise AwsError("ResourceNotFoundException", f"Function not found: {arn}", Type="User")
    return function


@operation("lambda", "ListFunctions")
def list_functions(call: Call, params: Params) -> Answer:
    """$LATEST of every function, by name, 50 a page."""
    found = sorted(call.place.of(FunctionStore).functions.values(), key=lambda one: one.name)
    page, token = paginate(
        call,
        found,
        lambda one: one.name,
        size=min(PAGE, params.get("MaxItems", PAGE)),
        token=params.get("Marker"),
        error=_bad_marker,
    )
    return {"Functions": [dict(one.configuration) for one in page], "NextMarker": token}


@operation("lambda", "GetFunctionConfiguration")
def get_function_configuration(call: Call, params: Params) -> Answer:
    """$LATEST of one function."""
    return dict(find(call, params).configuration)


@operation("lambda", "ListVersionsByFunction")
def list_versions(call: Call, params: Params) -> Answer:
    """$LATEST and the published versions, the oldest first."""
    function = find(call, params)
    every = [function.configuration, *(version.configuration for version in function.versions)]
    page, token = paginate(
        call,
        every,
        lambda one: str(one["Version"]),
        size=min(PAGE, params.get("MaxItems", PAGE)),
        token=params.get("Marker"),
        error=_bad_marker,
        scope=function.name,
    )
    return {"Versions": [dict(one) for one in page], "NextMarker": token}


@operation("lambda", "ListAliases")
def list_aliases(call: Call, params: Params) -> Answer:
    """A function's aliases, by name."""
    function = find(call, params)
    page, token = paginate(
        call,
        sorted(function.aliases.values(), key=lambda one: one.name),
        lambda one: one.name,
        size=min(PAGE, params.get("MaxItems", PAGE)),
        token=params.get("Marker"),
        error=_bad_marker,
        scope=function.name,
    )
    return {"Aliases": [alias_of(function, one) for one in page], "NextMarker": token}


def alias_of(function: Function, alias: Alias) -> Answer:
    """An alias as Lambda shows it."""
    return {
        "AliasArn": f"{function.arn}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RoutingConfig": {"AdditionalVersionWeights": dict(alias.weights)}
        if alias.weights
        else None,
        "RevisionId": alias.revision,
    }


@operation("lambda", "PublishVersion")
def publish_version(call: Call, params: Params) -> Answer:
    """$LATEST as the next version."""
    version = functions.publish(find(call, params), params.get("Description", ""))
    return dict(version.configuration)


@operation("lambda", "UpdateAlias")
def update_alias(call: Call, params: Params) -> Answer:
    """Point an alias elsewhere, or shift a share of its calls."""
    function = find(call, params)
    alias = function.aliases.get(params["Name"])
    if alias is None:
        arn = f"{function.arn}:{params['Name']}"
        raise AwsError("ResourceNotFoundException", f"Cannot find alias arn: {arn}", Type="User")
    if "FunctionVersion" in params:
        functions.point(function, alias.name, params["FunctionVersion"])
    weights = params.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    for version, weight in (weights or {}).items():
        functions.shift(function, alias.name, version, weight)
    if weights == {}:
        functions.point(function, alias.name, alias.version)
    return alias_of(function, alias)


@operation("lambda", "Invoke")
def invoke(call: Call, params: Params) -> Answer:
    """Call it: the error it fails with, or an empty answer."""
    function = find(call, params)
    answer: Answer = {"StatusCode": 200, "ExecutedVersion": params.get("Qualifier", "$LATEST")}
    if function.fails_with is None:
        return {**answer, "Payload": b"null"}
    kind, message = function.fails_with
    payload = {
        "errorMessage": message,
        "errorType": kind,
        "requestId": uuid_from(call.world.chance(function.arn, call.world.now())),
        "stackTrace": [],
    }
    return {**answer, "FunctionError": "Unhandled", "Payload": json.dumps(payload).encode()}
