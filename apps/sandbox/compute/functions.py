"""Lambda functions: their code, versions, and aliases with weights."""

from __future__ import annotations

import base64
import copy
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from apps.sandbox.world import Place

#: Virtual seconds that a change of code or configuration stays InProgress.
UPDATING = 8.0


@dataclass(slots=True, eq=False)
class Version:
    """A published version: the configuration as it was then."""

    number: int
    configuration: dict[str, Any]


@dataclass(slots=True, eq=False)
class Alias:
    """An alias; ``weights`` send a share (0 to 1) to further versions."""

    name: str
    version: str
    description: str = ""
    weights: dict[str, float] = field(default_factory=dict)
    revision: str = ""


@dataclass(slots=True, eq=False)
class Function:
    """A function: ``configuration`` holds GetFunctionConfiguration's members of $LATEST.

    ``fails_with`` is the error (type, message) that invoking it ends with, if any;
    ``fails_every`` makes each n-th invocation by a pipeline fail.
    """

    place: Place
    name: str
    configuration: dict[str, Any]
    versions: list[Version] = field(default_factory=list)
    aliases: dict[str, Alias] = field(default_factory=dict)
    fails_with: tuple[str, str] | None = None
    fails_every: int = 0
    invoked_count: int = 0
    changes: int = 0
    updates: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    #: Statements of its resource policy, by id.
    permissions: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """``arn:aws:lambda:<region>:<account>:function:<name>``."""
        return self.place.arn("lambda", f"function:{self.name}")


class FunctionStore:
    """Lambda in one place: functions by name."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.functions: dict[str, Function] = {}


def make_function(place: Place, name: str, **members: Any) -> Function:
    """A function that is Active; ``members`` are GetFunctionConfiguration's own."""
    function = Function(place, name, {})
    function.configuration = {
        "FunctionName": name,
        "FunctionArn": function.arn,
        "Runtime": "python3.12",
        "Role": f"arn:aws:iam::{place.account}:role/service-role/{name}",
        "Handler": "app.handler",
        "CodeSize": 1_204_331,
        "Description": "",
        "Timeout": 15,
        "MemorySize": 512,
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
        **members,
    }
    place.of(FunctionStore).functions[name] = function
    _changed(function, "made")
    return function


def code_sha(place: Place, *names: object) -> str:
    """A CodeSha256 drawn for these names."""
    return base64.b64encode(place.world.chance(*names).randbytes(32)).decode()


def stamp(moment: float) -> str:
    """``2026-11-28T04:12:29.000+0000``: how Lambda writes LastModified."""
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(moment, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}+0000"


def _changed(function: Function, what: str) -> None:
    function.changes += 1
    place, number = function.place, function.changes
    function.configuration["RevisionId"] = uuid_from(place.world.chance(function.arn, number))
    function.configuration["LastModified"] = stamp(place.world.now())
    if what in ("made", "code"):
        function.configuration["CodeSha256"] = code_sha(place, function.arn, "code", number)


def update_code(
    function: Function, *, failure: tuple[str, str] | None = None, size: int | None = None
) -> None:
    """New code: InProgress, then Successful, or Failed with ``failure`` (reason code, reason).

    Reason codes are LastUpdateStatusReasonCode's: ``("InvalidImage", "…")``.
    """
    _changed(function, "code")
    if size is not None:
        function.configuration["CodeSize"] = size
    _begin_update(function, failure)


def update_configuration(
    function: Function, failure: tuple[str, str] | None = None, **members: Any
) -> None:
    """Change members of the configuration; the same InProgress follows."""
    function.configuration.update(members)
    _changed(function, "configuration")
    _begin_update(function, failure)


def _begin_update(function: Function, failure: tuple[str, str] | None) -> None:
    configuration = function.configuration
    configuration["LastUpdateStatus"] = "InProgress"
    configuration["LastUpdateStatusReasonCode"] = "Creating"
    configuration["LastUpdateStatusReason"] = "The function is being updated."
    function.updates += 1
    end = functools.partial(_end_update, function, function.updates, failure)
    function.place.world.scheduler.after(UPDATING, end)


def _end_update(function: Function, update: int, failure: tuple[str, str] | None) -> None:
    if function.updates != update:
        return
    configuration = function.configuration
    if failure is None:
        configuration["LastUpdateStatus"] = "Successful"
        configuration.pop("LastUpdateStatusReasonCode", None)
        configuration.pop("LastUpdateStatusReason", None)
        return
    configuration["LastUpdateStatus"] = "Failed"
    configuration["LastUpdateStatusReasonCode"], configuration["LastUpdateStatusReason"] = failure


def publish(function: Function, description: str = "") -> Version:
    """Publish $LATEST as the next version; the same code again answers the newest version."""
    newest = function.versions[-1] if function.versions else None
    latest = function.configuration
    if newest is not None and newest.configuration["CodeSha256"] == latest["CodeSha256"]:
        return newest
    number = newest.number + 1 if newest else 1
    configuration = copy.deepcopy(latest)
    configuration.update(
        Version=str(number),
        FunctionArn=f"{function.arn}:{number}",
        Description=description or latest["Description"],
        LastModified=stamp(function.place.world.now()),
        RevisionId=uuid_from(function.place.world.chance(function.arn, "version", number)),
        State="Active",
        LastUpdateStatus="Successful",
    )
    for name in ("LastUpdateStatusReason", "LastUpdateStatusReasonCode"):
        configuration.pop(name, None)
    version = Version(number, configuration)
    function.versions.append(version)
    return version


def point(function: Function, alias: str, version: str, description: str = "") -> Alias:
    """Let an alias name one version alone; made if missing."""
    found = function.aliases.get(alias)
    if found is None:
        found = function.aliases[alias] = Alias(alias, version, description)
    found.version, found.weights = version, {}
    _revise(function, found)
    return found


def shift(function: Function, alias: str, version: str, weight: float) -> Alias:
    """Send ``weight`` (0 to 1) of an alias's calls to another version; 1 makes it the only one."""
    found = function.aliases[alias]
    if weight >= 1:
        return point(function, alias, version)
    found.weights = {version: weight} if weight > 0 else {}
    _revise(function, found)
    return found


def _revise(function: Function, alias: Alias) -> None:
    function.changes += 1
    alias.revision = uuid_from(
        function.place.world.chance(function.arn, "alias", alias.name, function.changes)
    )
