"""Finds what was edited since it was made: an undo names that, and leaves it.

Both stacks are compared: by AWS's drift detection (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html),
and by their templates with those that they were made of. What the pipeline does by itself, new code
in the same function, is no edit: the code is in the repository.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from apps.aws.calls import Reach

from .blueprints.rendering import read_template
from .models import STACK, Bootstrap, Creation
from .parts import OF_APP, OF_TOOLCHAIN, Part, template_as_made
from .removing import HANDLE
from .stacks import COMPARED, is_gone, moves, resources_of, stack_of

# In `Bootstrap.preview`, by part, while AWS looks: {"detection": its id} or what came of it.
LOOKS = "looks"
# In `Bootstrap.preview`: what AWS compares of no type, and what it should have compared, each as
# [[logical id, type, stack]]; and why the latter could not be.
UNCHECKED, UNCOMPARED, WHY = "unchecked", "uncompared", "uncompared_why"
# Types whose members move by themselves: what scaling or a deployment changed, nobody edited.
MOVING = {
    "AWS::AutoScaling::AutoScalingGroup": ("/DesiredCapacity",),
    # Traffic is shifted from version to version.
    "AWS::Lambda::Alias": ("/FunctionVersion", "/RoutingConfig"),
}
# Without these, what stays neither works nor can be read: they stay with it.
SUPPORTS = (
    "AWS::CodeDeploy::Application",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
)
TOLD = ("IN_SYNC", "MODIFIED", "DELETED")
UNKNOWN = "The template that it was made of is not part of this version any more."
# What packaging writes into the application's template: where the code is.
PACKAGED = ("CodeUri", "ContentUri")
SAM = "AWS::Serverless::"

Edits = list[list[str]]


def find(bootstrap: Bootstrap, reach: Reach, part: Part) -> bool:
    """Whether AWS has compared a stack; what came of it is kept until `take`.

    Where AWS compares nothing any more (the stack is half deleted, or gone), what was found before
    stays found. Raises botocore's errors.
    """
    looks = _looks(bootstrap).get(part.name, {})
    if "found" in looks:
        return True
    name = part.stack(bootstrap)
    stack = stack_of(reach, name) if name else None
    if stack is not None and moves(stack):
        # Somebody updates it at this moment: what comes of that counts, too.
        _note(bootstrap, part, {})
        return False
    if stack is None or is_gone(stack) or stack["StackStatus"] not in COMPARED:
        _note(bootstrap, part, {"found": list(part.edited(bootstrap))})
        return True
    detection = looks.get("detection")
    if not detection:
        answer = reach.call("cloudformation:DetectStackDrift", StackName=name)
        _note(bootstrap, part, {"detection": answer["StackDriftDetectionId"]})
        return False
    try:
        told = reach.call(
            "cloudformation:DescribeStackDriftDetectionStatus", StackDriftDetectionId=detection
        )
    except ClientError:
        _note(bootstrap, part, {})
        raise
    if told["DetectionStatus"] == "DETECTION_IN_PROGRESS":
        return False
    failed = told["DetectionStatus"] == "DETECTION_FAILED"
    _note(bootstrap, part, _compared(bootstrap, reach, part, stack, told if failed else {}))
    return True


def forget(bootstrap: Bootstrap) -> None:
    """Let the next look compare anew."""
    bootstrap.forget(LOOKS)


def take(bootstrap: Bootstrap) -> None:
    """Take what was found of both stacks, once both are compared."""
    looks = _looks(bootstrap)
    forget(bootstrap)
    found = {part.name: looks.get(part.name, {}) for part in (OF_TOOLCHAIN, OF_APP)}
    below = found[OF_TOOLCHAIN.name].get("found", [])
    known = {one[0] for one in below}
    needed = found[OF_APP.name].get("needed", [])
    bootstrap.edited = [*below, *(one for one in needed if one[0] not in known)]
    bootstrap.edited_app = found[OF_APP.name].get("found", [])
    bootstrap.preview = {
        **bootstrap.preview,
        UNCHECKED: [one for of in found.values() for one in of.get(UNCHECKED, [])],
        UNCOMPARED: [one for of in found.values() for one in of.get(UNCOMPARED, [])],
        WHY: " ".join(dict.fromkeys(of[WHY] for of in found.values() if of.get(WHY))),
    }


def _looks(bootstrap: Bootstrap) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = bootstrap.preview.get(LOOKS, {})
    return found


def _note(bootstrap: Bootstrap, part: Part, told: Mapping[str, Any]) -> None:
    looks = {**_looks(bootstrap), part.name: dict(told)}
    bootstrap.preview = {**bootstrap.preview, LOOKS: looks}


def _compared(
    bootstrap: Bootstrap,
    reach: Reach,
    part: Part,
    stack: Mapping[str, Any],
    failed: Mapping[str, Any],
) -> dict[str, Any]:
    """Return all that is to be known of a stack that was compared.

    failed  what AWS says of the detection, where it did not compare all that it can.
    """
    name = str(stack["StackId"])
    there = [one for one in resources_of(reach, name) if one["ResourceStatus"] != "DELETE_COMPLETE"]
    now = _template(reach, name)
    then = _before(bootstrap, part, now)
    found = {
        one[0]: one
        for one in (
            *(_put_in(bootstrap, part, then, now, there) if then else ()),
            *_drifted(reach, name),
            # An undo that stood still had the stack keep these.
            *(one for one in part.edited(bootstrap) if _stays(now["Resources"].get(one[0], {}))),
        )
    }
    processed = now if part is OF_TOOLCHAIN else _template(reach, name, "Processed")
    for one in _supports(processed, found):
        found.setdefault(one[0], one)
    left = [
        (_status(one), [one["LogicalResourceId"], one["ResourceType"], str(stack["StackName"])])
        for one in there
        if _status(one) not in TOLD and not one["LogicalResourceId"].startswith(HANDLE)
    ]
    # Where AWS says of none that it could not compare it, it may be any that it did not.
    unknown = [one for status, one in left if status == "UNKNOWN"]
    lost = (unknown or [one for _status_, one in left]) if failed else []
    why = str(failed.get("DetectionStatusReason") or "AWS does not say why.") if failed else ""
    if then is None:
        why = f"{why} {UNKNOWN}".strip()
        lost = [
            [one["LogicalResourceId"], one["ResourceType"], str(stack["StackName"])]
            for one in there
        ]
    return {
        "found": sorted(found.values()),
        "needed": _below(bootstrap, stack, processed, found) if part is OF_APP else [],
        UNCHECKED: [one for _status_, one in left if one not in lost],
        UNCOMPARED: [one for one in lost if one[0] not in found],
        WHY: why,
    }


def _before(bootstrap: Bootstrap, part: Part, now: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the stack's template is compared with: what an undo of ours made of it counts."""
    kept = bootstrap.bodies.get(part.kept)
    if kept and any(name.startswith(HANDLE) for name in now["Resources"]):
        return read_template(kept)
    return template_as_made(bootstrap, part)


def _status(resource: Mapping[str, Any]) -> str:
    return str(resource.get("DriftInformation", {}).get("StackResourceDriftStatus", "NOT_CHECKED"))


def _template(reach: Reach, name: str, stage: str = "Original") -> dict[str, Any]:
    body = reach.call("cloudformation:GetTemplate", StackName=name, TemplateStage=stage)
    given = body["TemplateBody"]
    return dict(given) if isinstance(given, Mapping) else read_template(given)


def _drifted(reach: Reach, name: str) -> Iterator[list[str]]:
    pages = reach.pages(
        "cloudformation:DescribeStackResourceDrifts",
        StackName=name,
        StackResourceDriftStatusFilters=["MODIFIED"],
    )
    for page in pages:
        for one in page["StackResourceDrifts"]:
            paths = _paths(one)
            if paths:
                told = f"edited outside of the stack: {', '.join(paths[:5])}"
                yield [one["LogicalResourceId"], one["ResourceType"], told]


def _paths(drift: Any) -> list[str]:
    by_itself = MOVING.get(drift["ResourceType"], ())
    differing = [one["PropertyPath"] for one in drift.get("PropertyDifferences", ())]
    return [path for path in differing if not path.startswith(by_itself or ("\0",))]


def _stays(resource: Any) -> bool:
    return str(resource.get("DeletionPolicy", "")).startswith("Retain")


def _put_in(
    bootstrap: Bootstrap,
    part: Part,
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    there: Iterable[Mapping[str, Any]],
) -> Iterator[list[str]]:
    """Yield what the team put into the stack since, or changed in its template.

    What one resource of SAM is made into has its name at the beginning; what several share (the
    application of CodeDeploy) has none, and goes with the rest.
    """
    changed = dict(_changed(then, now))
    made = then["Resources"]
    if part is OF_TOOLCHAIN:
        noted = bootstrap.creations.exclude(kind=STACK).exclude(fate=Creation.Fate.REMOVED)
        made = {**made, **dict.fromkeys(noted.values_list("ident", flat=True))}
    added = {name: "added to the stack since" for name in now["Resources"] if name not in made}
    told = {**changed, **added}
    for one in there:
        logical = str(one["LogicalResourceId"])
        if logical.startswith(HANDLE):
            continue
        if what := told.get(_origin(logical, now["Resources"])):
            yield [logical, str(one["ResourceType"]), what]


def _origin(logical: str, resources: Mapping[str, Any]) -> str:
    """Return which resource of a template one of the stack comes from; "" for none of them."""
    if logical in resources:
        return logical
    begins = [
        name
        for name, one in resources.items()
        if logical.startswith(name) and str(one["Type"]).startswith(SAM)
    ]
    return max(begins, key=len, default="")


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (logical id, what) of each resource that another template says otherwise."""
    others = then.get("Globals") != now.get("Globals")
    for logical, one in now["Resources"].items():
        before = then["Resources"].get(logical)
        if before is None:
            continue
        shared = others and str(one["Type"]).startswith(SAM)
        if shared or _says(before) != _says(one):
            yield logical, "changed in the stack's template"
        elif _stays(one) and not _stays(before):
            # The team said so, or an undo that stood still.
            yield logical, "kept by the stack's template"


def _says(resource: Mapping[str, Any]) -> dict[str, Any]:
    told = resource.get("Properties") or {}
    return {name: value for name, value in told.items() if name not in PACKAGED}


# --- What stays with what stays -------------------------------------------------------------------


def _supports(template: Mapping[str, Any], edited: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the roles and keys that what was edited refers to."""
    resources = template["Resources"]
    for logical in sorted(edited):
        for name in sorted(set(_referred(resources.get(logical, {})))):
            kind = str(resources.get(name, {}).get("Type", ""))
            if kind in SUPPORTS and name != logical:
                yield [name, kind, f"needed by {logical}, which stays"]


def _below(
    bootstrap: Bootstrap,
    stack: Mapping[str, Any],
    template: Mapping[str, Any],
    edited: Mapping[str, Any],
) -> Edits:
    """Return the toolchain's roles and keys that the application's stack gives to what stays."""
    given = {
        one["ParameterKey"]: str(one.get("ParameterValue", ""))
        for one in stack.get("Parameters", ())
    }
    supports = [one for one in bootstrap.creations.filter(kind__in=SUPPORTS) if one.name]
    found: dict[str, list[str]] = {}
    for logical in sorted(edited):
        names = set(_referred(template["Resources"].get(logical, {}))) & given.keys()
        values = [given[name] for name in names]
        for one in supports:
            if any(value == one.name or value.endswith(f"/{one.name}") for value in values):
                what = f"needed by {logical} of {stack['StackName']}, which stays"
                found.setdefault(one.ident, [one.ident, one.kind, what])
    return list(found.values())


def _referred(told: Any) -> Iterator[str]:
    """Yield the names that a part of a template refers to."""
    if isinstance(told, list):
        for one in told:
            yield from _referred(one)
    if not isinstance(told, Mapping):
        return
    for name, value in told.items():
        match name, value:
            case "Ref", str():
                yield value
            case "Fn::GetAtt", [str(), *_]:
                yield value[0]
            case "Fn::GetAtt", str():
                yield value.partition(".")[0]
            case "Fn::Sub", str():
                yield from _in_text(value)
            case "Fn::Sub", [str(), *_]:
                yield from _in_text(value[0])
                yield from _referred(value[1:])
            case _:
                yield from _referred(value)


def _in_text(text: str) -> Iterator[str]:
    for piece in text.split("${")[1:]:
        yield piece.partition("}")[0].partition(".")[0]
