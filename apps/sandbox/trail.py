"""Tells EventBridge of API calls that changed something, as CloudTrail does where a trail records.

CloudTrail's own names: members begin with a small letter, some services' operations bear a date,
what the model calls sensitive is hidden.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.sandbox import wire
from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from apps.sandbox.operations import Answer, Call, Params
    from apps.sandbox.principals import Principal
    from apps.sandbox.wire import Request

API_CALL = "AWS API Call via CloudTrail"
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
#: What only reads is recorded and sent to no rule that does not ask for it.
_READS = re.compile(
    r"(Batch)?(Get|List|Describe|Search|Lookup|Filter|Poll|Test|Validate|Estimate|Check|Simulate)"
    r"[A-Z]"
)
#: Calls on what is inside of things are data events, which go to no rule; AssumeRole only reads.
_DATA = {
    ("logs", "PutLogEvents"),
    ("cloudwatch", "PutMetricData"),
    ("sts", "AssumeRole"),
}
_NAMES = {
    ("lambda", "CreateFunction"): "CreateFunction20150331",
    ("lambda", "DeleteFunction"): "DeleteFunction20150331",
    ("lambda", "UpdateFunctionCode"): "UpdateFunctionCode20150331v2",
    ("lambda", "UpdateFunctionConfiguration"): "UpdateFunctionConfiguration20150331v2",
    ("lambda", "PublishVersion"): "PublishVersion20150331",
    ("lambda", "CreateAlias"): "CreateAlias20150331",
    ("lambda", "UpdateAlias"): "UpdateAlias20150331",
    ("lambda", "DeleteAlias"): "DeleteAlias20150331",
}


def is_told(service: str, operation: str) -> bool:
    """Whether a call of this operation is a management event that changes something."""
    return _READS.match(operation) is None and (service, operation) not in _DATA


def tell(call: Call, request: Request, request_id: str, members: Params, answer: Answer) -> None:
    """Put a successful call on its place's default bus. Runs under the world's lock."""
    if not is_told(call.service, call.operation):
        return
    model = wire.operation_model(call.service, call.operation)
    prefix = model.service_model.endpoint_prefix
    chance = call.world.chance("trail", call.account, call.region, request_id)
    detail = {
        "eventVersion": "1.11",
        "userIdentity": _identity(call.caller),
        "eventTime": datetime.fromtimestamp(call.world.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{prefix}.amazonaws.com",
        "eventName": _NAMES.get((call.service, call.operation), call.operation),
        "awsRegion": call.region,
        "sourceIPAddress": request.client,
        "userAgent": request.headers.get("user-agent", ""),
        "requestParameters": recorded(model.input_shape, members) or None,
        "responseElements": recorded(model.output_shape, answer) or None,
        "requestID": request_id,
        "eventID": uuid_from(chance),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": call.account,
        "eventCategory": "Management",
    }
    call.place.emit(f"aws.{prefix}", API_CALL, detail, [])


def recorded(shape: Any, value: Any) -> Any:
    """Members of a request or an answer as CloudTrail writes them down."""
    if value is None or shape is None:
        return None
    if shape.metadata.get("sensitive"):
        return HIDDEN
    match shape.type_name:
        case "structure":
            return {
                name[0].lower() + name[1:]: recorded(shape.members[name], item)
                for name, item in value.items()
                if name in shape.members and item is not None
            }
        case "list":
            return [recorded(shape.member, item) for item in value]
        case "map":
            return {key: recorded(shape.value, item) for key, item in value.items()}
        case "timestamp" if isinstance(value, int | float):
            at = datetime.fromtimestamp(value, UTC)
            return at.strftime("%b %-d, %Y %-I:%M:%S %p")
        case "blob":
            return None
    return value if isinstance(value, str | int | float | bool) else str(value)


def _identity(caller: Principal) -> dict[str, Any]:
    identity = {
        "principalId": caller.user_id,
        "arn": caller.arn,
        "accountId": caller.account,
        "accessKeyId": caller.access_key,
    }
    if ":assumed-role/" in caller.arn:
        return {"type": "AssumedRole", **identity}
    return {"type": "IAMUser", **identity, "userName": caller.arn.rpartition("/")[2]}
