"""Lambda's answers as frozen records in the columns' words, without the values of variables.

https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
https://docs.aws.amazon.com/lambda/latest/api/API_AliasConfiguration.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.aws.wire import utc
from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State, urgency_of

# https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
STATES = {
    "Active": State.DONE,
    "ActiveNonInvocable": State.DONE,
    "Pending": State.MOVING,
    "Deactivating": State.MOVING,
    "Deleting": State.MOVING,
    # Idle for long: the next call wakes it.
    "Inactive": State.STOPPED,
    "Deactivated": State.STOPPED,
    "Failed": State.FAILED,
}
UPDATES = {
    "Successful": State.DONE,
    "InProgress": State.MOVING,
    "Failed": State.FAILED,
}
LATEST = "$LATEST"
JSON = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionRecord:
    """A function as ListFunctions gives it: the configuration of $LATEST."""

    key: str
    arn: str | Unread = UNREAD
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    description: str | Unread = UNREAD
    runtime: str | Unread = UNREAD
    handler: str | Unread = UNREAD
    package_type: str | Unread = UNREAD
    code_sha256: str | Unread = UNREAD
    code_size: int | Unread | None = UNREAD
    memory_size: int | Unread | None = UNREAD
    timeout: int | Unread | None = UNREAD
    ephemeral_storage: int | Unread | None = UNREAD
    architectures: JSON = UNREAD
    last_modified: datetime | Unread | None = UNREAD
    revision_id: str | Unread = UNREAD
    function_state: str | Unread = UNREAD
    state_reason: str | Unread = UNREAD
    state_reason_code: str | Unread = UNREAD
    last_update_status: str | Unread = UNREAD
    last_update_status_reason: str | Unread = UNREAD
    last_update_status_reason_code: str | Unread = UNREAD
    environment: JSON = UNREAD
    layers: JSON = UNREAD
    role: str | Unread = UNREAD
    kms_key_arn: str | Unread = UNREAD
    log_group: str | Unread = UNREAD
    log_format: str | Unread = UNREAD
    dead_letter_arn: str | Unread = UNREAD
    vpc_config: JSON = UNREAD
    tracing_mode: str | Unread = UNREAD
    snap_start: str | Unread = UNREAD
    urgency: int | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionRecord:
    """A published version; it never changes."""

    key: str
    parent: str
    arn: str
    status: str
    state: str
    number: int
    description: str
    runtime: str
    code_sha256: str
    code_size: int | None
    memory_size: int | None
    timeout: int | None
    published_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AliasRecord:
    """An alias; `weights` is {version: share} of the further versions it sends calls to."""

    key: str
    parent: str
    arn: str
    state: str
    name: str
    description: str
    function_version: str
    weights: JSON
    revision_id: str
    links: tuple[LinkTo, ...]


def state_of(state: str, update: str) -> str:
    """Return our state: a function that does not run at all weighs more than an update that failed.

    Older answers name neither; such a function is there, and so it works.
    """
    own = STATES.get(state, State.UNKNOWN) if state else State.DONE
    if own is not State.DONE:
        return own.value
    return (UPDATES.get(update, State.UNKNOWN) if update else State.DONE).value


def status_of(state: str, update: str) -> str:
    """Return AWS's word for what matters: the state, or how the last update fares where it is on.

    An update's words are told apart from a state's: Failed is both.
    """
    active = STATES.get(state) is State.DONE or not state
    return f"LastUpdateStatus {update}" if active and update not in ("", "Successful") else state


def function_record(answer: Mapping[str, Any]) -> FunctionRecord:
    """Read one function of ListFunctions or GetFunctionConfiguration."""
    state, update = answer.get("State") or "", answer.get("LastUpdateStatus") or ""
    name = answer["FunctionName"]
    variables = (answer.get("Environment") or {}).get("Variables") or {}
    logging = answer.get("LoggingConfig") or {}
    vpc = answer.get("VpcConfig") or {}
    group = logging.get("LogGroup") or f"/aws/lambda/{name}"
    arn = unqualified(answer.get("FunctionArn") or "")
    return FunctionRecord(
        key=name,
        arn=arn,
        status=status_of(state, update),
        state=state_of(state, update),
        description=masked(answer.get("Description") or ""),
        runtime=answer.get("Runtime") or "",
        handler=answer.get("Handler") or "",
        package_type=answer.get("PackageType") or "",
        code_sha256=answer.get("CodeSha256") or "",
        code_size=answer.get("CodeSize"),
        memory_size=answer.get("MemorySize"),
        timeout=answer.get("Timeout"),
        ephemeral_storage=(answer.get("EphemeralStorage") or {}).get("Size"),
        architectures=list(answer.get("Architectures") or ()),
        last_modified=moment(answer.get("LastModified")),
        revision_id=answer.get("RevisionId") or "",
        function_state=state,
        state_reason=masked(answer.get("StateReason") or ""),
        state_reason_code=answer.get("StateReasonCode") or "",
        last_update_status=update,
        last_update_status_reason=masked(answer.get("LastUpdateStatusReason") or ""),
        last_update_status_reason_code=answer.get("LastUpdateStatusReasonCode") or "",
        environment=sorted(variables),
        layers=[layer.get("Arn", "") for layer in answer.get("Layers") or ()],
        role=answer.get("Role") or "",
        kms_key_arn=answer.get("KMSKeyArn") or "",
        log_group=group,
        log_format=logging.get("LogFormat") or "",
        dead_letter_arn=(answer.get("DeadLetterConfig") or {}).get("TargetArn") or "",
        vpc_config={
            "vpc_id": vpc["VpcId"],
            "subnet_ids": list(vpc.get("SubnetIds") or ()),
            "security_group_ids": list(vpc.get("SecurityGroupIds") or ()),
        }
        if vpc.get("VpcId")
        else {},
        tracing_mode=(answer.get("TracingConfig") or {}).get("Mode") or "",
        snap_start=(answer.get("SnapStart") or {}).get("ApplyOn") or "",
        urgency=urgency_of(state_of(state, update)),
        links=tuple(_named(answer, arn, group)),
    )


def _named(answer: Mapping[str, Any], arn: str, group: str) -> Iterator[LinkTo]:
    if role := answer.get("Role"):
        yield LinkTo("assumes", "iam.role", role)
    if key := answer.get("KMSKeyArn"):
        yield LinkTo("encrypts with", "kms.key", key)
    parts = arn.split(":")
    if len(parts) > 5:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
        place = ":".join((parts[0], parts[1], "logs", parts[3], parts[4]))
        yield LinkTo("logs to", "cloudwatch.loggroup", f"{place}:log-group:{group}")
    dead = (answer.get("DeadLetterConfig") or {}).get("TargetArn") or ""
    if ":sns:" in dead:
        yield LinkTo("fails to", "sns.topic", dead)


def version_record(function: str, answer: Mapping[str, Any]) -> VersionRecord | None:
    """Read one version of ListVersionsByFunction; None for $LATEST, which is the function."""
    number = str(answer.get("Version") or "")
    if not number.isdecimal():
        return None
    state = answer.get("State") or ""
    return VersionRecord(
        key=f"{function}:{number}",
        parent=function,
        arn=answer.get("FunctionArn") or "",
        status=state,
        state=state_of(state, ""),
        number=int(number),
        description=masked(answer.get("Description") or ""),
        runtime=answer.get("Runtime") or "",
        code_sha256=answer.get("CodeSha256") or "",
        code_size=answer.get("CodeSize"),
        memory_size=answer.get("MemorySize"),
        timeout=answer.get("Timeout"),
        published_at=moment(answer.get("LastModified")),
    )


def alias_record(function: str, answer: Mapping[str, Any]) -> AliasRecord:
    """Read one alias of ListAliases. Traffic that is split is being shifted: that moves."""
    weights = (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    arn, version = answer.get("AliasArn") or "", str(answer.get("FunctionVersion") or "")
    serves = [version, *weights] if arn else []
    return AliasRecord(
        key=f"{function}:{answer['Name']}",
        parent=function,
        arn=arn,
        state=(State.MOVING if any(weights.values()) else State.DONE).value,
        name=answer["Name"],
        description=masked(answer.get("Description") or ""),
        function_version=version,
        weights=dict(weights),
        revision_id=answer.get("RevisionId") or "",
        links=tuple(
            LinkTo("serves", "awslambda.version", f"{unqualified(arn)}:{number}")
            for number in serves
            if number.isdecimal()
        ),
    )


def unqualified(arn: str) -> str:
    """Return a function's ARN without version or alias."""
    return ":".join(arn.split(":")[:7])


def moment(text: Any) -> datetime | None:
    """Read LastModified, which is text; None where it is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return utc(text)
    except (ValueError, OverflowError):
        return None
