"""ECS's operations: what clusters hold read, task definitions and services changed."""

from __future__ import annotations

from apps.sandbox.compute import containers, rolling
from apps.sandbox.compute.containers import (
    Cluster,
    ContainerStore,
    Rollout,
    Service,
    Task,
    TaskDefinition,
    TaskSet,
)
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

#: What one answer lists, and how many services one DescribeServices takes.
PAGE, SERVICES = 100, 10


def _resources(where: str, members: Params) -> list[str]:
    cluster = str(members.get("cluster") or "*").rpartition("/")[2]
    services = members.get("services") or ([members["service"]] if "service" in members else [])
    if services:
        names = [str(one).rpartition("/")[2] for one in services]
        return [f"{where}service/{cluster}/{name}" for name in names]
    if "cluster" in members or "clusters" in members:
        named = members.get("clusters") or [cluster]
        return [f"{where}cluster/{str(one).rpartition('/')[2]}" for one in named]
    return ["*"]


TRAITS["ecs"] = Traits(
    invalid="InvalidParameterException", bad_page="InvalidParameterException", resources=_resources
)
COUNTERS["services"] = lambda place: sum(
    len(cluster.services) for cluster in place.of(ContainerStore).clusters.values()
)


def _bad_token() -> AwsError:
    return AwsError("InvalidParameterException", "Invalid token")


def _cluster(call: Call, params: Params) -> Cluster:
    name = str(params.get("cluster") or "default").rpartition("/")[2]
    cluster = call.place.of(ContainerStore).clusters.get(name)
    if cluster is None:
        raise AwsError("ClusterNotFoundException", "Cluster not found.")
    return cluster


@operation("ecs", "ListClusters")
def list_clusters(call: Call, params: Params) -> Answer:
    """ARNs of the clusters, 100 a page."""
    page, token = paginate(
        call,
        list(call.place.of(ContainerStore).clusters.values()),
        lambda one: one.name,
        size=min(PAGE, params.get("maxResults", PAGE)),
        token=params.get("nextToken"),
        error=_bad_token,
    )
    return {"clusterArns": [one.arn for one in page], "nextToken": token}


@operation("ecs", "DescribeClusters")
def describe_clusters(call: Call, params: Params) -> Answer:
    """Up to 100 clusters; the unknown ones are named as failures."""
    known = call.place.of(ContainerStore).clusters
    found, failures = [], []
    for name in params.get("clusters") or ["default"]:
        cluster = known.get(name.rpartition("/")[2])
        if cluster is None:
            short = name.rpartition("/")[2]
            arn = call.place.arn("ecs", f"cluster/{short}")
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(_shown_cluster(cluster, params.get("include", ())))
    return {"clusters": found, "failures": failures}


def _shown_cluster(cluster: Cluster, include: list[str]) -> Answer:
    services = cluster.services.values()
    return {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": "ACTIVE",
        "registeredContainerInstancesCount": cluster.instances,
        "runningTasksCount": sum(len(one.running()) for one in services),
        "pendingTasksCount": sum(r.pending for one in services for r in one.rollouts),
        "activeServicesCount": len(services),
        "statistics": [],
        "tags": _tags(cluster.tags) if "TAGS" in include else [],
        "settings": [{"name": "containerInsights", "value": "disabled"}],
        "capacityProviders": list(cluster.providers),
        "defaultCapacityProviderStrategy": [],
    }


def _tags(tags: dict[str, str]) -> list[Answer]:
    return [{"key": key, "value": value} for key, value in tags.items()]


@operation("ecs", "ListServices")
def list_services(call: Call, params: Params) -> Answer:
    """ARNs of a cluster's services; 10 a page unless asked for up to 100."""
    cluster = _cluster(call, params)
    page, token = paginate(
        call,
        list(cluster.services.values()),
        lambda one: one.name,
        size=min(PAGE, params.get("maxResults", 10)),
        token=params.get("nextToken"),
        error=_bad_token,
        scope=cluster.name,
    )
    return {"serviceArns": [one.arn for one in page], "nextToken": token}


@operation("ecs", "DescribeServices")
def describe_services(call: Call, params: Params) -> Answer:
    """Up to ten services of a cluster; the unknown ones are named as failures."""
    cluster = _cluster(call, params)
    if len(params["services"]) > SERVICES:
        raise AwsError(
            "InvalidParameterException", f"services cannot have more than {SERVICES} elements"
        )
    found, failures = [], []
    for name in params["services"]:
        service = cluster.services.get(name.rpartition("/")[2])
        if service is None:
            arn = call.place.arn("ecs", f"service/{cluster.name}/{name.rpartition('/')[2]}")
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(shown(service, params.get("include", ())))
    return {"services": found, "failures": failures}


def shown(service: Service, include: list[str] | tuple[str, ...] = ()) -> Answer:
    """A service as DescribeServices shows it."""
    balanced = [_balanced(service, service.target_group)] if service.target_group else []
    enabled, rolls_back = service.breaker
    rollouts = [] if service.controller == "CODE_DEPLOY" else service.rollouts
    return {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster.arn,
        "loadBalancers": balanced,
        "serviceRegistries": [],
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": len(service.running()),
        "pendingCount": sum(one.pending for one in service.rollouts),
        "launchType": service.launch_type,
        "platformVersion": "LATEST" if service.launch_type == "FARGATE" else None,
        "taskDefinition": service.definition,
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": enabled, "rollback": rolls_back},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
        },
        "taskSets": [_task_set(service, one) for one in service.task_sets],
        "deployments": [_deployment(service, rollout) for rollout in rollouts],
        "roleArn": f"arn:aws:iam::{service.place.account}:role/aws-service-role/"
        "ecs.amazonaws.com/AWSServiceRoleForECS",
        "events": [
            {"id": event.id, "createdAt": event.at, "message": event.message}
            for event in service.events
        ],
        "createdAt": service.created,
        "placementConstraints": [],
        "placementStrategy": [],
        "healthCheckGracePeriodSeconds": 30 if service.target_group else None,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": service.controller},
        "createdBy": f"arn:aws:iam::{service.place.account}:role/platform-admin",
        "enableECSManagedTags": True,
        "propagateTags": "SERVICE",
        "enableExecuteCommand": False,
        "tags": _tags(service.tags) if "TAGS" in include else [],
    }


def _balanced(service: Service, group: str) -> Answer:
    name, port = service.container
    return {"targetGroupArn": group, "containerName": name, "containerPort": port}


def _deployment(service: Service, rollout: Rollout) -> Answer:
    return {
        "id": rollout.id,
        "status": rollout.status,
        "taskDefinition": rollout.definition,
        "desiredCount": rollout.desired,
        "pendingCount": rollout.pending,
        "runningCount": sum(t.definition == rollout.definition for t in service.running()),
        "failedTasks": rollout.failed,
        "createdAt": rollout.created,
        "updatedAt": rollout.updated,
        "launchType": service.launch_type,
        "platformVersion": "1.4.0" if service.launch_type == "FARGATE" else None,
        "rolloutState": rollout.state,
        "rolloutStateReason": rollout.reason,
    }


def _task_set(service: Service, task_set: TaskSet) -> Answer:
    return {
        "id": task_set.id,
        "taskSetArn": task_set.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "startedBy": "CODE_DEPLOY",
        "externalId": task_set.external or None,
        "status": task_set.status,
        "taskDefinition": task_set.definition,
        "computedDesiredCount": task_set.desired,
        "pendingCount": task_set.pending,
        "runningCount": task_set.running,
        "createdAt": task_set.created,
        "updatedAt": task_set.updated,
        "launchType": service.launch_type,
        "loadBalancers": [_balanced(service, task_set.target_group)],
        "serviceRegistries": [],
        "scale": {"value": task_set.scale, "unit": "PERCENT"},
        "stabilityStatus": task_set.stability,
        "stabilityStatusAt": task_set.updated,
    }


def _definition(call: Call, name: str) -> TaskDefinition:
    found = call.place.of(ContainerStore).definition(name)
    if found is None:
        raise AwsError("ClientException", "Unable to describe task definition.")
    return found


def _shown_definition(definition: TaskDefinition) -> Answer:
    return {
        **definition.declaration,
        "taskDefinitionArn": definition.arn,
        "family": definition.family,
        "revision": definition.revision,
        "status": definition.status,
        "volumes": definition.declaration.get("volumes", []),
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": definition.registered,
        "registeredBy": f"arn:aws:iam::{definition.place.account}:role/platform-admin",
    }


@operation("ecs", "DescribeTaskDefinition")
def describe_task_definition(call: Call, params: Params) -> Answer:
    """One task definition by ARN, family:revision or family."""
    found = _definition(call, params["taskDefinition"])
    return {"taskDefinition": _shown_definition(found), "tags": []}


@operation("ecs", "ListTasks")
def list_tasks(call: Call, params: Params) -> Answer:
    """ARNs of a cluster's tasks of a desired status (RUNNING unless told), 100 a page."""
    cluster = _cluster(call, params)
    wanted = params.get("desiredStatus", "RUNNING")
    name = params.get("serviceName", "").rpartition("/")[2]
    tasks = [
        task
        for service in cluster.services.values()
        if not name or service.name == name
        for task in service.tasks.values()
        if task.status == wanted and _still_shown(call, task)
    ]
    page, token = paginate(
        call,
        tasks,
        lambda one: one.arn,
        size=min(PAGE, params.get("maxResults", PAGE)),
        token=params.get("nextToken"),
        error=_bad_token,
        scope=f"{cluster.name}/{name}/{wanted}",
    )
    return {"taskArns": [one.arn for one in page], "nextToken": token}


def _still_shown(call: Call, task: Task) -> bool:
    return task.stopped is None or task.stopped > call.world.now() - containers.STOPPED_SHOWN


@operation("ecs", "DescribeTasks")
def describe_tasks(call: Call, params: Params) -> Answer:
    """Up to 100 tasks of a cluster; the unknown ones are named as failures."""
    cluster = _cluster(call, params)
    known = {t.id: t for service in cluster.services.values() for t in service.tasks.values()}
    found, failures = [], []
    for name in params["tasks"]:
        task = known.get(name.rpartition("/")[2])
        if task is None:
            failures.append({"arn": name, "reason": "MISSING"})
        else:
            found.append(_shown_task(call, cluster, task))
    return {"tasks": found, "failures": failures}


def _shown_task(call: Call, cluster: Cluster, task: Task) -> Answer:
    definition = call.place.of(ContainerStore).definition(task.definition)
    declared = definition.declaration["containerDefinitions"] if definition else []
    return {
        "taskArn": task.arn,
        "clusterArn": cluster.arn,
        "taskDefinitionArn": task.definition,
        "group": task.group,
        "lastStatus": task.status,
        "desiredStatus": task.status,
        "launchType": task.launch_type,
        "createdAt": task.started,
        "startedAt": task.started if task.stop_code != "TaskFailedToStart" else None,
        "stoppedAt": task.stopped,
        "stopCode": task.stop_code,
        "stoppedReason": task.reason,
        "startedBy": "ecs-svc",
        "containers": [
            {
                "name": one["name"],
                "image": one["image"],
                "lastStatus": task.status,
                "exitCode": task.exit_code,
                "reason": task.container_reason,
            }
            for one in declared
        ],
    }


@operation("ecs", "RegisterTaskDefinition")
def register_task_definition(call: Call, params: Params) -> Answer:
    """The next revision of a family."""
    members = {k: v for k, v in params.items() if k not in ("family", "containerDefinitions")}
    made = containers.register_task_definition(
        call.place, params["family"], params["containerDefinitions"], **members
    )
    return {"taskDefinition": _shown_definition(made), "tags": []}


@operation("ecs", "UpdateService")
def update_service(call: Call, params: Params) -> Answer:
    """Another task definition or desired count: a rolling deployment begins."""
    cluster = _cluster(call, params)
    service = cluster.services.get(params["service"].rpartition("/")[2])
    if service is None:
        raise AwsError("ServiceNotFoundException", "Service not found.")
    if service.controller != "ECS" and "taskDefinition" in params:
        raise AwsError(
            "InvalidParameterException",
            "Unable to update task definition on services with a CODE_DEPLOY deployment "
            "controller. Use AWS CodeDeploy to trigger a new deployment.",
        )
    service.desired = params.get("desiredCount", service.desired)
    if "taskDefinition" in params or params.get("forceNewDeployment"):
        definition = _definition(call, params.get("taskDefinition", service.definition))
        rolling.deploy(service, definition)
    return {"service": shown(service)}
