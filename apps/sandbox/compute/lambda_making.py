"""Lambda's operations that make, configure and delete functions, aliases and permissions."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from apps.sandbox.compute import functions
from apps.sandbox.compute.functions import Function, FunctionStore
from apps.sandbox.compute.lambda_operations import alias_of, find
from apps.sandbox.inside import Inside, RefusedError
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation

#: Megabytes that a function may have.
MOST_MEMORY = 10_240
#: Members of CreateFunction that GetFunctionConfiguration tells the same way.
_TOLD = (
    "Runtime",
    "Role",
    "Handler",
    "Description",
    "Timeout",
    "MemorySize",
    "PackageType",
    "Architectures",
    "EphemeralStorage",
    "DeadLetterConfig",
    "KMSKeyArn",
    "FileSystemConfigs",
)


@operation("lambda", "CreateFunction")
def create_function(call: Call, params: Params) -> Answer:
    """A function of code that is there and a role that Lambda may take."""
    name = str(params["FunctionName"]).rpartition("function:")[2]
    if name in call.place.of(FunctionStore).functions:
        raise AwsError("ResourceConflictException", f"Function already exist: {name}", Type="User")
    _judge(call, params)
    content = _content(call, params["Code"])
    members = {one: params[one] for one in _TOLD if one in params}
    defaults = {"Timeout": 3, "MemorySize": 128}
    function = functions.make_function(call.place, name, **{**defaults, **members, **_rest(params)})
    _hold(function, content)
    function.tags = dict(params.get("Tags") or {})
    if params.get("Publish"):
        return dict(functions.publish(function).configuration)
    return dict(function.configuration)


def _judge(call: Call, params: Params) -> None:
    memory = params.get("MemorySize", 128)
    if memory > MOST_MEMORY:
        raise AwsError(
            "InvalidParameterValueException",
            f"1 validation error detected: Value '{memory}' at 'memorySize' failed to satisfy "
            f"constraint: Member must have value less than or equal to {MOST_MEMORY}",
            Type="User",
        )
    if "Role" in params and not _trusts(call.account, str(params["Role"])):
        text = "The role defined for the function cannot be assumed by Lambda."
        raise AwsError("InvalidParameterValueException", text, Type="User")


def _trusts(account: str, arn: str) -> bool:
    from apps.sandbox.rolepolicy import role_of

    role = role_of(arn) if arn.split(":")[4:5] == [account] else None
    if role is None:
        return False
    trust = role.assume_role_policy_document
    return "lambda.amazonaws.com" in (trust if isinstance(trust, str) else json.dumps(trust))


def _rest(params: Params) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "Environment" in params:
        found["Environment"] = {"Variables": params["Environment"].get("Variables", {})}
    if "TracingConfig" in params:
        found["TracingConfig"] = params["TracingConfig"]
    if "VpcConfig" in params:
        found["VpcConfig"] = {"VpcId": "", **params["VpcConfig"]}
    if "Layers" in params:
        found["Layers"] = [{"Arn": arn, "CodeSize": 1024} for arn in params["Layers"]]
    if logging := params.get("LoggingConfig"):
        name = str(params["FunctionName"]).rpartition("function:")[2]
        found["LoggingConfig"] = {
            "LogFormat": "Text",
            "LogGroup": f"/aws/lambda/{name}",
            **logging,
        }
    return found


def _content(call: Call, code: dict[str, Any]) -> bytes:
    """The code itself; raises AWS's words for an object that is not there."""
    packed = code.get("ZipFile")
    if packed is not None:
        return base64.b64decode(packed) if isinstance(packed, str) else bytes(packed)
    if "S3Bucket" not in code:
        return str(code.get("ImageUri", "")).encode()
    version = {"VersionId": code["S3ObjectVersion"]} if code.get("S3ObjectVersion") else {}
    try:
        found = Inside(call.place, call.caller).call(
            "s3", "GetObject", Bucket=code["S3Bucket"], Key=code["S3Key"], **version
        )
    except RefusedError as error:
        text = (
            f"Error occurred while GetObject. S3 Error Code: {error.code}. "
            f"S3 Error Message: {error.message}"
        )
        raise AwsError("InvalidParameterValueException", text, Type="User") from None
    return bytes(found["Body"].read())


def _hold(function: Function, content: bytes) -> None:
    digest = hashlib.sha256(content).digest()
    function.configuration["CodeSha256"] = base64.b64encode(digest).decode()
    function.configuration["CodeSize"] = len(content)


@operation("lambda", "UpdateFunctionCode")
def update_function_code(call: Call, params: Params) -> Answer:
    """New code; ``Publish`` makes it a version at once. Without any, the code is made up."""
    function = find(call, params)
    if "S3Bucket" in params or "ZipFile" in params:
        content = _content(call, params)
        functions.update_code(function)
        _hold(function, content)
    else:
        functions.update_code(function)
    if params.get("Publish"):
        return dict(functions.publish(function).configuration)
    return dict(function.configuration)


@operation("lambda", "GetFunction")
def get_function(call: Call, params: Params) -> Answer:
    """A function with its tags; where its code is stays AWS's."""
    function = find(call, params)
    return {
        "Configuration": dict(function.configuration),
        "Code": {"RepositoryType": "S3"},
        "Tags": dict(function.tags) or None,
    }


@operation("lambda", "UpdateFunctionConfiguration")
def update_function_configuration(call: Call, params: Params) -> Answer:
    """How a function runs."""
    function = find(call, params)
    _judge(call, params)
    members = {one: params[one] for one in _TOLD if one in params}
    functions.update_configuration(function, **members, **_rest(params))
    return dict(function.configuration)


@operation("lambda", "DeleteFunction")
def delete_function(call: Call, params: Params) -> Answer:
    """A function, or one of its versions that no alias names."""
    function = find(call, params)
    named = str(params["FunctionName"]).rpartition("function:")[2].partition(":")[2]
    number = str(params.get("Qualifier") or named)
    if not number:
        del call.place.of(FunctionStore).functions[function.name]
        return {}
    users = [one.name for one in function.aliases.values() if number in {one.version, *one.weights}]
    if users:
        raise AwsError(
            "ResourceConflictException",
            f"Version {number} is referenced by one or more aliases: {', '.join(users)}",
            Type="User",
        )
    function.versions = [one for one in function.versions if str(one.number) != number]
    return {}


@operation("lambda", "CreateAlias")
def create_alias(call: Call, params: Params) -> Answer:
    """An alias of a version that is there."""
    function, name, version = find(call, params), params["Name"], params["FunctionVersion"]
    if name in function.aliases:
        text = f"Alias already exists: {function.arn}:{name}"
        raise AwsError("ResourceConflictException", text, Type="User")
    if version != "$LATEST" and version not in {str(one.number) for one in function.versions}:
        text = f"Function not found: {function.arn}:{version}"
        raise AwsError("ResourceNotFoundException", text, Type="User")
    alias = functions.point(function, name, version, params.get("Description", ""))
    weights = params.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}
    for other, weight in weights.items():
        functions.shift(function, name, other, weight)
    return alias_of(function, alias)


@operation("lambda", "GetAlias")
def get_alias(call: Call, params: Params) -> Answer:
    """One alias."""
    function = find(call, params)
    alias = function.aliases.get(params["Name"])
    if alias is None:
        text = f"Cannot find alias arn: {function.arn}:{params['Name']}"
        raise AwsError("ResourceNotFoundException", text, Type="User")
    return alias_of(function, alias)


@operation("lambda", "DeleteAlias")
def delete_alias(call: Call, params: Params) -> Answer:
    """One that is not there is no error."""
    find(call, params).aliases.pop(params["Name"], None)
    return {}


@operation("lambda", "AddPermission")
def add_permission(call: Call, params: Params) -> Answer:
    """Somebody else may call a function."""
    function = find(call, params)
    name = params["StatementId"]
    if name in function.permissions:
        text = f"The statement id ({name}) provided already exists. Please provide a new one."
        raise AwsError("ResourceConflictException", text, Type="User")
    qualifier = params.get("Qualifier")
    qualified = str(params["FunctionName"]).rpartition("function:")[2].partition(":")[2]
    ending = f":{qualifier or qualified}" if qualifier or qualified else ""
    who = str(params["Principal"])
    conditions = {
        "ArnLike": {"AWS:SourceArn": params["SourceArn"]} if "SourceArn" in params else None,
        "StringEquals": {"AWS:SourceAccount": params["SourceAccount"]}
        if "SourceAccount" in params
        else None,
    }
    statement = {
        "Sid": name,
        "Effect": "Allow",
        "Principal": {"Service": who} if who.endswith(".amazonaws.com") else {"AWS": who},
        "Action": params["Action"],
        "Resource": f"{function.arn}{ending}",
        "Condition": {key: one for key, one in conditions.items() if one},
    }
    function.permissions[name] = statement
    return {"Statement": json.dumps(statement)}


@operation("lambda", "RemovePermission")
def remove_permission(call: Call, params: Params) -> Answer:
    """No longer."""
    function = find(call, params)
    if function.permissions.pop(params["StatementId"], None) is None:
        text = f"Statement {params['StatementId']} is not found in resource policy."
        raise AwsError("ResourceNotFoundException", text, Type="User")
    return {}


@operation("lambda", "GetPolicy")
def get_policy(call: Call, params: Params) -> Answer:
    """Who else may call a function."""
    function = find(call, params)
    if not function.permissions:
        text = "The resource you requested does not exist."
        raise AwsError("ResourceNotFoundException", text, Type="User")
    statements = list(function.permissions.values())
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    return {"Policy": json.dumps(policy)}
