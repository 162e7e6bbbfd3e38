"""What pipelines' CodeDeploy actions do: deploy the artifact to the group, and say how it went."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

from apps.sandbox.codedeploy import appspec, engine
from apps.sandbox.codedeploy.acts import appspec_of_function
from apps.sandbox.codedeploy.model import Declaration, Deployment, DeployStore, Group
from apps.sandbox.codepipeline import artifacts
from apps.sandbox.codepipeline.providers import (
    artifact_bucket,
    artifact_key,
    chance_of,
    place_of,
    provider,
)
from apps.sandbox.compute import functions
from apps.sandbox.compute.functions import FunctionStore
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    from apps.sandbox.codepipeline.model import ActionRun, Execution
    from apps.sandbox.codepipeline.providers import Ends

#: Virtual seconds after which a deployment is tried again that found another under way.
_AGAIN = 10.0


@provider("CodeDeploy")
@provider("CodeDeployToECS")
def _deploy(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    place = place_of(execution, run)
    application = place.of(DeployStore).applications.get(run.resolved.get("ApplicationName", ""))
    if application is None:
        return False
    name = run.resolved.get("DeploymentGroupName", "")
    group = application.groups.get(name)
    arn = place.arn("codedeploy", f"deploymentgroup:{application.name}/{name}")
    denied = artifacts.forbids(execution, run, "codedeploy:CreateDeployment", arn)
    if denied is not None:
        said = functools.partial(ends.fail, execution, run, "PermissionError", denied)
        run.timers.append(place.world.scheduler.after(1, said))
        return True
    if group is None:
        text = (
            f"The deployment group {name} could not be found in the application "
            f"{application.name}. (Service: AmazonCodeDeploy; Status Code: 400; Error Code: "
            "DeploymentGroupDoesNotExistException)"
        )
        fail = functools.partial(ends.fail, execution, run, "ConfigurationError", text)
        run.timers.append(place.world.scheduler.after(1, fail))
        return True
    _begin(execution, run, ends, group)
    return True


def _begin(execution: Execution, run: ActionRun, ends: Ends, group: Group) -> None:
    world = group.place.world
    if group.active() is not None:
        again = functools.partial(_begin, execution, run, ends, group)
        run.timers.append(world.scheduler.after(_AGAIN, again))
        return

    def ended(deployment: Deployment) -> None:
        if deployment.status == "Succeeded":
            ends.succeed(execution, run, "Deployment Succeeded")
        else:
            ends.fail(execution, run, "JobFailed", deployment.failure_text())

    fails = execution.pipeline.script(run.stage, run.name).fails(execution.number, run.attempt)
    stored = artifacts.taken(execution, run)
    cause = group.next_cause() if fails else None
    if stored is not None and group.application.platform == "Server":
        cause = cause or appspec.cause_in(stored.files)
    order = engine.Order(
        description=f"Deployed by CodePipeline {execution.pipeline.name}",
        cause=cause,
        on_end=ended,
    )
    deployment = engine.start(group, revision(execution, run, group), order)
    region = group.place.region
    run.external_id = deployment.id
    run.external_url = (
        f"https://{region}.console.aws.amazon.com/codesuite/codedeploy/deployments/"
        f"{deployment.id}?region={region}"
    )


def revision(execution: Execution, run: ActionRun, group: Group) -> Declaration:
    """The action's artifact in S3; for a function, the AppSpec that names its new version."""
    chance = chance_of(execution, run)
    if group.application.platform == "Lambda":
        return function_revision(group, str(execution.id)[:8])
    stored = artifacts.taken(execution, run)
    if stored is not None:
        location = {"bucket": stored.bucket, "key": stored.key, "bundleType": "zip"}
        if stored.version:
            location["version"] = stored.version
        return {"revisionType": "S3", "s3Location": {**location, "eTag": stored.etag}}
    taken = run.declaration.get("inputArtifacts") or [{"name": "BuildArtifact"}]
    return {
        "revisionType": "S3",
        "s3Location": {
            "bucket": artifact_bucket(execution),
            "key": artifact_key(execution, taken[0]["name"]),
            "bundleType": "zip",
            "version": "".join(
                chance.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789._", k=32)
            ),
            "eTag": hex_from(chance, 32),
        },
    }


def function_revision(group: Group, what: str) -> Declaration:
    """Publish the function's next version, and shift its alias to it."""
    name, alias = group.application.name, "live"
    function = group.place.of(FunctionStore).functions.get(name)
    current, target = "1", str(group.started_count + 2)
    if function is not None:
        functions.update_code(function)
        target = str(functions.publish(function, f"Built by {what}").number)
        known = function.aliases.get(alias)
        current = known.version if known is not None else current
    content = appspec_of_function(name, alias, current, target, f"{name}-smoke")
    digest = hashlib.sha256(content.encode()).hexdigest()
    return {
        "revisionType": "String",
        "string": {"content": content, "sha256": digest},
        "lambda": (name, alias, target),
    }
