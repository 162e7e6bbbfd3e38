"""Elastic Beanstalk's operations that change something, and what CodePipeline's actions do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apps.sandbox.beanstalk import engine, failures
from apps.sandbox.beanstalk.model import (
    PLATFORMS,
    STACKS,
    Application,
    BeanstalkStore,
    Environment,
    Version,
)
from apps.sandbox.beanstalk.reads import (
    application_of,
    environment_of,
    find_environment,
    refused,
    version_of,
)
from apps.sandbox.codepipeline.providers import (
    Ends,
    artifact_bucket,
    artifact_key,
    chance_of,
    place_of,
    provider,
)
from apps.sandbox.operations import AwsError, operation
from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from apps.sandbox.codepipeline.model import ActionRun, Execution
    from apps.sandbox.operations import Answer, Call, Params
    from apps.sandbox.world import Place

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]")


def make_application(place: Place, name: str, description: str = "") -> Application:
    """An application, or the one of that name that is there."""
    store = place.of(BeanstalkStore)
    if name not in store.applications:
        now = place.world.now()
        store.applications[name] = Application(place, name, now, description, now)
    return store.applications[name]


def make_version(application: Application, label: str, **members: object) -> Version:
    """A version of an application; its bundle is where the console would put it."""
    place = application.place
    bucket = f"elasticbeanstalk-{place.region}-{place.account}"
    version = Version(application, label, place.world.now())
    version.bundle = {"S3Bucket": bucket, "S3Key": f"{application.name}/{label}.zip"}
    for member, value in members.items():
        setattr(version, member, value)
    application.versions[label] = version
    application.updated = version.created
    return version


def _application(call: Call, name: str) -> Application:
    found = call.place.of(BeanstalkStore).applications.get(name)
    if found is None:
        raise refused(f"No Application named '{name}' found.")
    return found


def _version(application: Application, label: str | None) -> Version | None:
    if label is None:
        return None
    found = application.versions.get(label)
    if found is None:
        raise refused(f"No Application Version named '{label}' found.")
    return found


def _ready(environment: Environment) -> Environment:
    if environment.status != "Ready":
        raise refused(
            f"Environment {environment.name} is in an invalid state for this operation. "
            "Must be Ready."
        )
    return environment


@operation("elasticbeanstalk", "CreateApplication")
def create_application(call: Call, params: Params) -> Answer:
    """An application without versions."""
    name = params["ApplicationName"]
    if name in call.place.of(BeanstalkStore).applications:
        raise refused(f"Application {name} already exists.")
    return {
        "Application": application_of(
            make_application(call.place, name, params.get("Description", ""))
        )
    }


@operation("elasticbeanstalk", "UpdateApplication")
def update_application(call: Call, params: Params) -> Answer:
    """What is said of an application."""
    application = _application(call, params["ApplicationName"])
    application.description = params.get("Description", application.description)
    application.updated = call.world.now()
    return {"Application": application_of(application)}


@operation("elasticbeanstalk", "DeleteApplication")
def delete_application(call: Call, params: Params) -> Answer:
    """An application with its versions; its environments are in the way unless that is forced."""
    store, name = call.place.of(BeanstalkStore), params["ApplicationName"]
    application = store.applications.get(name)
    if application is None:
        return {}
    running = [
        one
        for one in store.environments
        if one.application is application and one.terminated is None
    ]
    if running and not params.get("TerminateEnvByForce"):
        raise AwsError(
            "OperationInProgressFailure",
            f"Unable to delete application {name} because it has a version that is deployed.",
        )
    for one in running:
        engine.terminate(one)
    del store.applications[name]
    return {}


@operation("elasticbeanstalk", "DeleteApplicationVersion")
def delete_application_version(call: Call, params: Params) -> Answer:
    """A version that is not deployed; its bundle stays."""
    application = _application(call, params["ApplicationName"])
    label = params["VersionLabel"]
    deployed = [
        one.name
        for one in call.place.of(BeanstalkStore).environments
        if one.application is application and one.terminated is None and one.label == label
    ]
    if deployed:
        raise AwsError(
            "SourceBundleDeletionFailure",
            f"Unable to delete application version {label} because it is deployed to "
            f"{deployed[0]}.",
        )
    application.versions.pop(label, None)
    return {}


@operation("elasticbeanstalk", "CreateApplicationVersion")
def create_application_version(call: Call, params: Params) -> Answer:
    """A version of a bundle. A description that says ``fails: pip`` makes its deployments fail."""
    name, label = params["ApplicationName"], params["VersionLabel"]
    if params.get("AutoCreateApplication"):
        make_application(call.place, name)
    application = _application(call, name)
    if label in application.versions:
        raise refused(f"Application Version {label} already exists.")
    description = params.get("Description", "")
    process = params.get("Process", False)
    bundle = params.get("SourceBundle")
    version = make_version(
        application,
        label,
        description=description,
        process=process,
        source_build=params.get("SourceBuildInformation"),
        status="Processed" if process else "Unprocessed",
        breaks=description.partition("fails: ")[2].partition(" ")[0],
        **({"bundle": bundle} if bundle else {}),
    )
    return {"ApplicationVersion": version_of(version)}


@operation("elasticbeanstalk", "ListAvailableSolutionStacks")
def list_solution_stacks(_call: Call, _params: Params) -> Answer:
    """The platforms that an environment can be made of."""
    details = [{"SolutionStackName": one, "PermittedFileTypes": ["zip"]} for one in STACKS]
    return {"SolutionStacks": list(STACKS), "SolutionStackDetails": details}


@operation("elasticbeanstalk", "CreateEnvironment")
def create_environment(call: Call, params: Params) -> Answer:
    """Launch an environment with a version, or with AWS's sample application."""
    application = _application(call, params["ApplicationName"])
    name = params.get("EnvironmentName") or f"{application.name[:35]}-env"
    if not _NAME.fullmatch(name):
        raise refused(f"Value {name} at 'EnvironmentName' failed to satisfy constraint.")
    if call.place.of(BeanstalkStore).environment(name) is not None:
        raise refused(f"Environment {name} already exists.")
    platform = params.get("SolutionStackName")
    if platform is not None and platform not in STACKS:
        raise refused(f"No Solution Stack named '{platform}' found.")
    environment = engine.make_environment(
        application,
        name,
        platform=params.get("SolutionStackName") or PLATFORMS["python"],
        tier=params.get("Tier", {}).get("Name", "WebServer"),
        description=params.get("Description", ""),
    )
    _settle(environment, params)
    engine.launch(environment, _version(application, params.get("VersionLabel")))
    return environment_of(environment)


def _settle(environment: Environment, params: Params) -> bool:
    settings = params.get("OptionSettings") or []
    for one in settings:
        environment.settings[one["Namespace"], one["OptionName"]] = one.get("Value", "")
    told = environment.settings
    environment.policy = told.get(
        ("aws:elasticbeanstalk:command", "DeploymentPolicy"), environment.policy
    )
    kind = told.get(("aws:elasticbeanstalk:healthreporting:system", "SystemType"))
    environment.enhanced = environment.enhanced if kind is None else kind == "enhanced"
    return bool(settings)


#: What Beanstalk does with its caller's permissions: IAM action and the ARN of what it is done to.
FINDS = (
    ("cloudformation:DescribeStackResources", "cloudformation:stack/awseb-{id}-stack/1"),
    ("autoscaling:DescribeAutoScalingGroups", "*"),
    ("ec2:DescribeInstances", "*"),
    ("s3:PutObject", "s3:elasticbeanstalk-{region}-{account}/resources/environments/{id}/x"),
)
UPDATES = (
    *FINDS,
    ("cloudformation:UpdateStack", "cloudformation:stack/awseb-{id}-stack/1"),
    (
        "autoscaling:SuspendProcesses",
        "autoscaling:autoScalingGroup:1:autoScalingGroupName/awseb-{id}",
    ),
    (
        "autoscaling:ResumeProcesses",
        "autoscaling:autoScalingGroup:1:autoScalingGroupName/awseb-{id}",
    ),
    ("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:targetgroup/awseb-{id}/1"),
)


def _let(call: Call, environment: Environment, *needs: tuple[str, str]) -> None:
    """Hold the caller to what Beanstalk does in its name; it says of what it may not do the first.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/concepts-roles-user.html
    """
    door, place = call.world.door, call.place
    if door is None or environment.operates:
        return
    words = {"id": environment.id, "region": place.region, "account": place.account}
    for action, what in needs:
        service, _, name = what.format(**words).partition(":")
        arn = what
        if name:
            arn = f"arn:aws:s3:::{name}" if service == "s3" else place.arn(service, name)
        if door.decides(call.caller, place, action, arn) != "allowed":
            raise AwsError(
                "InsufficientPrivilegesException",
                f"You do not have permission to perform the '{action}' action. Verify that your "
                f"policies allow you to perform it on {arn}.",
                status=403,
            )


@operation("elasticbeanstalk", "UpdateEnvironment")
def update_environment(call: Call, params: Params) -> Answer:
    """Deploy another version, or change settings."""
    environment = _ready(find_environment(call, params))
    _let(call, environment, *UPDATES)
    version = _version(environment.application, params.get("VersionLabel"))
    environment.description = params.get("Description", environment.description)
    changed = _settle(environment, params)
    if version is not None:
        engine.deploy(environment, version)
    elif changed:
        engine.configure(environment)
    return environment_of(environment)


@operation("elasticbeanstalk", "TerminateEnvironment")
def terminate_environment(call: Call, params: Params) -> Answer:
    """Take an environment down."""
    environment = find_environment(call, params)
    if environment.status not in ("Ready", "Launching", "Updating"):
        _ready(environment)
    engine.terminate(environment)
    return environment_of(environment)


@operation("elasticbeanstalk", "AssociateEnvironmentOperationsRole")
def associate_operations_role(call: Call, params: Params) -> Answer:
    """From now on Beanstalk acts with the role's permissions, whoever calls."""
    find_environment(call, params).operates = True
    return {}


@operation("elasticbeanstalk", "DisassociateEnvironmentOperationsRole")
def disassociate_operations_role(call: Call, params: Params) -> Answer:
    """From now on Beanstalk acts with its callers' permissions."""
    find_environment(call, params).operates = False
    return {}


@operation("elasticbeanstalk", "AbortEnvironmentUpdate")
def abort_environment_update(call: Call, params: Params) -> Answer:
    """Abort what is being done to an environment."""
    environment = find_environment(call, params)
    if environment.status != "Updating" or environment.operation is None:
        raise refused(f"Environment {environment.name} has no operation that can be aborted.")
    _let(call, environment, *UPDATES)
    engine.abort(environment)
    return {}


@operation("elasticbeanstalk", "RestartAppServer")
def restart_app_server(call: Call, params: Params) -> Answer:
    """Restart the application servers of an environment."""
    environment = _ready(find_environment(call, params))
    _let(call, environment, *FINDS)
    engine.restart(environment)
    return {}


@provider("ElasticBeanstalk")
def update_by_pipeline(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    """Make a version of the artifact and deploy it; the action ends with the deployment."""
    place = place_of(execution, run)
    name = run.resolved.get("EnvironmentName", "")
    environment = place.of(BeanstalkStore).environment(name)
    if environment is None or environment.application.name != run.resolved.get("ApplicationName"):
        return False
    label = f"code-pipeline-{int(run.started * 1000)}-{uuid_from(chance_of(execution, run))}"
    artifact = (run.declaration.get("inputArtifacts") or [{"name": "SourceArtifact"}])[0]["name"]
    commit = next(iter(execution.revisions.values()), None)
    run.external_id = label
    run.external_url = (
        f"https://{place.region}.console.aws.amazon.com/elasticbeanstalk/home"
        f"?region={place.region}#/environment/dashboard?environmentId={environment.id}"
    )
    if environment.status != "Ready":
        text = f"Environment {name} is in an invalid state for this operation. Must be Ready."
        fail = place.world.scheduler.after(
            1, lambda: ends.fail(execution, run, "ConfigurationError", text)
        )
        run.timers.append(fail)
        return True
    version = make_version(
        environment.application,
        label,
        description=commit.message.partition("\n")[0][:200] if commit else "",
        process=True,
        status="Processed",
        bundle={"S3Bucket": artifact_bucket(execution), "S3Key": artifact_key(execution, artifact)},
    )
    script = execution.pipeline.script(run.stage, run.name)

    def ended(ok: bool, said: str) -> None:
        if ok:
            ends.succeed(execution, run, "Deployment completed successfully.")
        else:
            ends.fail(execution, run, script.code, said[:4000])

    fails = script.fails(execution.number, run.attempt)
    engine.deploy(
        environment,
        version,
        engine.Order(
            seconds=script.seconds,
            fails=failures.of_platform(environment.platform) if fails else "",
            on_end=ended,
        ),
    )
    return True
