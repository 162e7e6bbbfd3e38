"""Which revisions can be deployed to a group, and how CodeDeploy wants to be told of one.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_RevisionLocation.html
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from apps.aws.calls import Reach
from apps.deeds.acts import RefusedError
from apps.mirror.carried import Carried, carried_by

from . import words
from .models import DEPLOYMENT_WIDE, SERVER, Deployment, DeploymentGroup, Target

# Revisions that a form offers, and deployments among which they are looked for.
MOST, LOOK_BACK = 25, 150
# The member of a revision that has its AppSpec, by AWS's type.
WRITTEN = {"AppSpecContent": "appSpecContent", "String": "string"}
NO_APPSPEC = "Its AppSpec cannot be read as YAML or JSON: deploy it by your pipeline instead."


@dataclass(frozen=True, slots=True)
class Choice:
    """A revision that may be deployed: the newest deployment of it, and what it is in words."""

    deployment: Deployment
    told: str


def deployed(group: DeploymentGroup) -> Any:
    """Return the deployments whose revisions may go to a group.

    Bundles and commits of all groups of the application; an AppSpec is written for one service or
    function, so that of this group alone.
    """
    rows = Deployment.objects.filter(
        scope=group.scope_id, application_name=group.application.key
    ).exclude(revision={})
    return rows if group.compute_platform == SERVER else rows.filter(group=group)


def choices(group: DeploymentGroup) -> list[Choice]:
    """Return what may be deployed to a group, what was deployed last first.

    In a number of queries that revisions do not change.
    """
    newest: dict[str, Deployment] = {}
    for one in deployed(group).defer(*DEPLOYMENT_WIDE).order_by("-created_at", "-pk")[:LOOK_BACK]:
        newest.setdefault(identity(one.revision), one)
    found = list(newest.values())[:MOST]
    told = in_words(found)
    return [Choice(one, _told(one, group, told[one.pk])) for one in found]


def _told(one: Deployment, group: DeploymentGroup, what: str) -> str:
    where = "here" if one.group_id == group.pk else f"to {one.group_name}"
    moment = f"{one.created_at:%Y-%m-%d %H:%M} UTC" if one.created_at else "at some time"
    return f"{what} · {one.status.lower() or 'deployed'} {where}, {moment}"


def identity(revision: Mapping[str, Any]) -> str:
    """Return what tells a revision from every other."""
    return json.dumps(revision, sort_keys=True)


def in_words(deployments: Sequence[Deployment]) -> dict[int, str]:
    """Return what deployments deploy: the commit where it is known, else what they say themselves.

    "1a2b3c4 Fix the basket (build.zip)", "version 7 of fraud-model", "shop/web 1a2b3c4".
    """
    commits = _commits(deployments)
    written = [one.pk for one in deployments if one.revision.get("type") in WRITTEN]
    versions = {
        target.deployment_id: f"version {target.function['target_version']} of {name}"
        for target in Target.objects.filter(deployment__in=written).only("deployment", "function")
        if (name := target.function.get("name")) and target.function.get("target_version")
    }
    found = {}
    for one in deployments:
        own = versions.get(one.pk) or words.revision_in_short(one.revision)
        commit = commits.get(one.pk)
        if commit and one.in_s3:
            own = str(one.revision.get("key", "")).rpartition("/")[2]
        found[one.pk] = f"{commit} ({own})" if commit else own
    return found


def _commits(deployments: Sequence[Deployment]) -> dict[int, Carried]:
    """Return the commits that deployments carry, by their row's id.

    A rollback deploys what a pipeline deployed before: what that deployment carries, it does. A
    bundle without version and ETag may be another each time.
    """
    same = Deployment.objects.filter(
        scope__in={one.scope_id for one in deployments},
        application_name__in={one.application_name for one in deployments},
        revision_id__in={one.revision_id for one in deployments if one.revision_id},
    ).only("arn", "revision", "revision_id")
    rows = [*deployments, *same.order_by("-created_at", "-pk")[:LOOK_BACK]]
    carried = carried_by("codedeploy.deployment", rows)
    by_revision = {
        identity(one.revision): carried[one.arn]
        for one in rows
        if one.revision_id and one.arn in carried
    }
    found = {one.pk: carried.get(one.arn, by_revision.get(identity(one.revision))) for one in rows}
    return {pk: commit for pk, commit in found.items() if commit is not None}


def as_asked(reach: Reach, deployment: Deployment) -> dict[str, Any]:
    """Return the revision of an earlier deployment as CreateDeployment takes it.

    The content of an AppSpec is kept nowhere: it is read again. That of a function tells between
    which versions traffic is shifted, so it is turned to what runs now. Raises RefusedError where
    that is the same version, or where it cannot be read.
    """
    told = deployment.revision
    kind = told.get("type", "")
    if kind == "S3":
        names = {
            "bucket": "bucket",
            "key": "key",
            "bundle_type": "bundleType",
            "version": "version",
            "etag": "eTag",
        }
        place = {aws: told[ours] for ours, aws in names.items() if told.get(ours)}
        return {"revisionType": kind, "s3Location": place}
    if kind == "GitHub":
        commit = {"repository": told.get("repository"), "commitId": told.get("commit_id")}
        return {"revisionType": kind, "gitHubLocation": commit}
    if kind not in WRITTEN:
        raise RefusedError(f"A revision of the kind {kind or 'unknown'} cannot be deployed again.")
    content = _content(reach, deployment, WRITTEN[kind])
    if deployment.compute_platform == "Lambda":
        content = _turned(reach, content)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return {
        "revisionType": "AppSpecContent",
        "appSpecContent": {"content": content, "sha256": digest},
    }


def _content(reach: Reach, deployment: Deployment, member: str) -> str:
    revision = deployment.revision
    answer = reach.call(
        "codedeploy:GetApplicationRevision",
        applicationName=deployment.application_name,
        revision={"revisionType": revision["type"], member: {"sha256": revision.get("sha256")}},
    )
    held = answer.get("revision") or {}
    content = (held.get("appSpecContent") or held.get("string") or {}).get("content")
    if not content:
        raise RefusedError("CodeDeploy does not tell the AppSpec of that revision any more.")
    return str(content)


def _turned(reach: Reach, content: str) -> str:
    """Return the AppSpec of a function, shifting traffic from the version that has it now.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html
    """
    try:
        appspec = yaml.safe_load(content)
        (resource,) = appspec["Resources"]
        (told,) = resource.values()
        properties = told["Properties"]
        name, alias = str(properties["Name"]), str(properties["Alias"])
        target = str(properties["TargetVersion"])
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError):
        raise RefusedError(NO_APPSPEC) from None
    now = _version_now(reach, name, alias)
    if now == target:
        raise RefusedError(f"Version {target} of {name} is what {alias} points to already.")
    properties["CurrentVersion"] = now
    return json.dumps(appspec, default=str)


def _version_now(reach: Reach, name: str, alias: str) -> str:
    for page in reach.pages("lambda:ListAliases", FunctionName=name):
        for one in page.get("Aliases", ()):
            if one.get("Name") == alias:
                return str(one.get("FunctionVersion", ""))
    raise RefusedError(f"The function {name} has no alias {alias} any more.")
