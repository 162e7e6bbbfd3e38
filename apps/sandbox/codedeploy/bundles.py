"""The bundles of deployments' revisions, as S3 has them: real archives with the hooks that are run.

They are made when somebody asks for them; S3's other operations are moto's.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

from apps.sandbox.buckets import owner_of
from apps.sandbox.codedeploy import causes, fleet
from apps.sandbox.codedeploy.model import Deployment, DeployStore
from apps.sandbox.operations import (
    TRAITS,
    Answer,
    AwsError,
    Call,
    NotOursError,
    Params,
    Traits,
    operation,
)

if TYPE_CHECKING:
    from apps.sandbox.codedeploy.model import Group
    from apps.sandbox.world import World

#: Events of an instance that scripts may be run at; CodeDeploy does the others itself.
HOOKS = (*fleet.BLOCK, *fleet.INSTALL, *fleet.ALLOW)
_OWN = ("BlockTraffic", "DownloadBundle", "Install", "AllowTraffic")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
#: The oldest time that a zip can tell.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def _resources(_where: str, members: Params) -> list[str]:
    bucket, key = members.get("Bucket"), members.get("Key")
    keys = [key] if key else [one["Key"] for one in members.get("Delete", {}).get("Objects", ())]
    if not bucket or keys:
        return [f"arn:aws:s3:::{bucket}/{one}" for one in keys] if bucket else ["*"]
    return [f"arn:aws:s3:::{bucket}"]


TRAITS["s3"] = Traits(own=False, resources=_resources)


@operation("s3", "GetObject")
def get_object(call: Call, params: Params) -> Answer:
    """A bundle that was deployed, the whole of it or a range; a real object is moto's."""
    if owner_of(params["Bucket"]):
        raise NotOursError
    deployment = _wanted(_deployed(call.world, call.account, params), params)
    location = deployment.revision["s3Location"]
    content = packed(deployment)
    answer: Answer = {
        "AcceptRanges": "bytes",
        "ContentType": "application/octet-stream",
        "ETag": _etag(location),
        "VersionId": location.get("version"),
    }
    if wanted := params.get("Range"):
        start, end = _span(str(wanted), len(content))
        answer["ContentRange"] = f"bytes {start}-{end - 1}/{len(content)}"
        content = content[start:end]
    body = {"Body": content, "ContentLength": len(content)}
    return {name: value for name, value in {**answer, **body}.items() if value is not None}


def _etag(location: dict[str, Any]) -> str:
    return f'"{location.get("eTag", "")}"'


def _wanted(deployments: list[Deployment], params: Params) -> Deployment:
    """The newest of an object's deployments, of the version or entity that is asked for."""
    version, etag = params.get("VersionId"), params.get("IfMatch")
    found = deployments
    if version is not None:
        found = [one for one in found if one.revision["s3Location"].get("version") == version]
        if not found:
            raise AwsError("NoSuchVersion", "The specified version does not exist.", status=404)
    if etag is not None:
        found = [one for one in found if _etag(one.revision["s3Location"]) == etag]
        if not found:
            text = "At least one of the pre-conditions you specified did not hold"
            raise AwsError("PreconditionFailed", text, status=412)
    return found[0]


def _deployed(world: World, account: str, params: Params) -> list[Deployment]:
    """The deployments of an object, the newest first; buckets without bundles are moto's."""
    bucket, key = params["Bucket"], params["Key"]
    buckets, found = set(), []
    for place in world.places():
        if place.account != account:
            continue
        for deployment in place.of(DeployStore).newest_first:
            location: dict[str, Any] = deployment.revision.get("s3Location", {})
            if (location.get("bucket"), location.get("key")) == (bucket, key):
                found.append(deployment)
            buckets.add(location.get("bucket"))
    if found:
        return found
    if bucket in buckets:
        raise AwsError("NoSuchKey", "The specified key does not exist.", status=404)
    raise NotOursError


def _span(wanted: str, size: int) -> tuple[int, int]:
    """The bytes that a range names, the last one excluded."""
    found = _RANGE.fullmatch(wanted)
    first, last = found.groups() if found else ("", "")
    if first:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    else:
        start, end = max(0, size - int(last or 0)), size
    if start >= end:
        raise AwsError("InvalidRange", "The requested range is not satisfiable", status=416)
    return start, end


def packed(deployment: Deployment) -> bytes:
    """A deployment's bundle: the same bytes each time."""
    files = _files(deployment)
    kind = deployment.revision["s3Location"].get("bundleType", "zip")
    if kind in ("YAML", "JSON"):
        return appspec(deployment).encode()
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
        return made.getvalue()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return gzip.compress(made.getvalue(), mtime=0) if kind == "tgz" else made.getvalue()


def _files(deployment: Deployment) -> dict[str, str]:
    application = deployment.group.application.name
    files = {
        f"app/{application}.conf": f"name = {application}\nlisten = 8080\n",
        "README.md": f"# {application}\n",
    }
    if deployment.platform == "Server":
        scripts = _scripts(deployment.group)
        files |= dict.fromkeys(scripts.values(), "#!/bin/sh\nset -eu\n")
    if deployment.cause is not causes.NO_APPSPEC:
        name = "appspec.yml" if deployment.platform == "Server" else "appspec.yaml"
        files[name] = appspec(deployment)
    return files


def _scripts(group: Group) -> dict[str, str]:
    """The script of each event: what its deployments fail of is run at its event."""
    traffic = (*fleet.BLOCK, *fleet.ALLOW) if group.balanced else ()
    events = [one for one in HOOKS if one in (*fleet.INSTALL, *traffic) and one not in _OWN]
    failing = {cause.event: cause.script for cause in group.causes if cause.script}
    folder = next(iter(failing.values()), "scripts/x").partition("/")[0]
    told = {one: f"{folder}/{one[0].lower()}{one[1:]}.sh" for one in events}
    return told | {event: script for event, script in failing.items() if event in told}


def appspec(deployment: Deployment) -> str:
    """The AppSpec in a bundle: where its files go and which hooks are run, or what is replaced."""
    if deployment.platform == "Server":
        return _of_instances(deployment)
    arn = deployment.revision.get("taskDefinition", "<TASK_DEFINITION>")
    return (
        "version: 0.0\n"
        "Resources:\n"
        "  - TargetService:\n"
        "      Type: AWS::ECS::Service\n"
        "      Properties:\n"
        f"        TaskDefinition: {arn}\n"
        "        LoadBalancerInfo:\n"
        "          ContainerName: app\n"
        "          ContainerPort: 8080\n"
    )


def _of_instances(deployment: Deployment) -> str:
    application = deployment.group.application.name
    lines = [
        "version: 0.0",
        "os: linux",
        "files:",
        "  - source: app",
        f"    destination: /srv/{application}",
        "file_exists_behavior: OVERWRITE",
        "hooks:",
    ]
    for event, script in _scripts(deployment.group).items():
        lines += [f"  {event}:", f"    - location: {script}", "      timeout: 300"]
        lines += ["      runas: root"]
    return "\n".join(lines) + "\n"
