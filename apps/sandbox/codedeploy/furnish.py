"""The default scenario's deployments: a group of each kind, with a past, and trouble of its own."""

from __future__ import annotations

import functools
import hashlib
import json
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudwatch.model import AlarmStore
from apps.sandbox.codedeploy import causes, engine, premises
from apps.sandbox.codedeploy.acts import make_application, make_config, make_group
from apps.sandbox.compute import balancers, containers, machines
from apps.sandbox.compute.furnish import image
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    from apps.sandbox.codedeploy.causes import Cause
    from apps.sandbox.codedeploy.model import Declaration, Group
    from apps.sandbox.world import Place, World

SHOP, LAB = "111122223333", "444455556666"
HOUR = 3600.0
#: How long the scenario's past is.
PAST = 7.5 * 24 * HOUR
ROLLS_BACK = {"enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]}
IN_PLACE = {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"}
BALANCED = {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
BLUE_GREEN = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}


def furnish(world: World) -> None:
    """Put it all into its places."""
    shop, lab = world.place(SHOP, "eu-west-1"), world.place(LAB, "eu-west-1")
    _checkout(shop)
    _release_train(shop)
    _orders(lab)
    _fraud_model(world.place(LAB, "us-east-1"))
    _Deployer(_basket(shop), gap=11 * HOUR, every=460, running_for=95).begin()
    _Deployer(_build_rack(shop), gap=19 * HOUR, every=380, running_for=6).begin()
    _Deployer(_search_index(shop), gap=17 * HOUR, every=300, running_for=48, failing=True).begin()


def _group(
    place: Place,
    application: str,
    name: str,
    *,
    platform: str = "Server",
    fails_of: tuple[Cause, ...] = (),
    **declaration: Any,
) -> Group:
    made = make_application(place, application, platform)
    group = make_group(
        made,
        {
            "deploymentGroupName": name,
            "serviceRoleArn": f"arn:aws:iam::{place.account}:role/service-role/codedeploy",
            **declaration,
        },
    )
    group.causes = fails_of
    return group


def _tags(**tags: str) -> Declaration:
    """A tag set that wants all of these."""
    return {
        "ec2TagSetList": [
            [{"Key": key, "Value": value, "Type": "KEY_AND_VALUE"}] for key, value in tags.items()
        ]
    }


def _alarm(place: Place, name: str, namespace: str, metric: str, **dimensions: str) -> Declaration:
    """An alarm that stops deployments, made if the scenario has none of that name."""
    store = place.of(AlarmStore)
    if name not in store.alarms:
        store.put(
            {
                "AlarmName": name,
                "AlarmDescription": "Stops deployments",
                "ActionsEnabled": True,
                "Namespace": namespace,
                "MetricName": metric,
                "Statistic": "Sum",
                "Dimensions": [{"Name": key, "Value": one} for key, one in dimensions.items()],
                "Period": 60,
                "EvaluationPeriods": 1,
                "DatapointsToAlarm": 1,
                "Threshold": 1.0,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "notBreaching",
            }
        )
        store.set_state(name, "OK", "Unchecked: Initial alarm creation")
    return {"enabled": True, "ignorePollAlarmFailure": False, "alarms": [{"name": name}]}


def _checkout(place: Place) -> None:
    trigger = {
        "triggerName": "tell-the-team",
        "triggerTargetArn": place.arn("sns", "checkout-releases"),
        "triggerEvents": ["DeploymentFailure", "DeploymentRollback"],
    }
    _group(
        place,
        "checkout-web",
        "production",
        deploymentConfigName="CodeDeployDefault.HalfAtATime",
        deploymentStyle=BALANCED,
        ec2TagSet=_tags(service="checkout-web", stage="production"),
        loadBalancerInfo={"targetGroupInfoList": [{"name": "checkout-web"}]},
        triggerConfigurations=[trigger],
        autoRollbackConfiguration=ROLLS_BACK,
        fails_of=(causes.START_CRASHES, causes.ACCESS_DENIED, causes.NO_APPSPEC),
    )
    make_config(
        place,
        deploymentConfigName="two-of-three-stay",
        minimumHealthyHosts={"type": "FLEET_PERCENT", "value": 66},
    )
    alarm = _alarm(
        place,
        "checkout-api-5xx",
        "AWS/ApplicationELB",
        "HTTPCode_Target_5XX_Count",
        TargetGroup="targetgroup/checkout-api",
    )
    _group(
        place,
        "checkout-api",
        "production",
        deploymentConfigName="two-of-three-stay",
        deploymentStyle=BALANCED,
        ec2TagSet=_tags(service="checkout-api", stage="production"),
        loadBalancerInfo={"targetGroupInfoList": [{"name": "checkout-api"}]},
        alarmConfiguration=alarm,
        autoRollbackConfiguration=ROLLS_BACK,
        fails_of=(causes.JAVA_CRASHES, causes.ALARM),
    )


def _release_train(place: Place) -> None:
    for stage, config in (("staging", "AllAtOnce"), ("production", "OneAtATime")):
        _group(
            place,
            "release-train",
            stage,
            deploymentConfigName=f"CodeDeployDefault.{config}",
            ec2TagSet=_tags(service="release-train", stage=stage),
            **_behind_classic("release-train" if stage == "production" else ""),
            fails_of=(causes.AGENT_SILENT,),
        )


def _behind_classic(name: str) -> Declaration:
    """How a group is deployed to in place, behind a classic load balancer where one is named."""
    if not name:
        return {"deploymentStyle": IN_PLACE}
    return {"deploymentStyle": BALANCED, "loadBalancerInfo": {"elbInfoList": [{"name": name}]}}


def _orders(place: Place) -> None:
    _group(
        place,
        "orders-backend",
        "blue-green",
        deploymentConfigName="CodeDeployDefault.AllAtOnce",
        deploymentStyle=BLUE_GREEN,
        autoScalingGroups=["orders-backend"],
        loadBalancerInfo={"targetGroupInfoList": [{"name": "orders-backend"}]},
        blueGreenDeploymentConfiguration={
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE",
                "terminationWaitTimeInMinutes": 2,
            },
            "deploymentReadyOption": {
                "actionOnTimeout": "CONTINUE_DEPLOYMENT",
                "waitTimeInMinutes": 1,
            },
            "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"},
        },
        autoRollbackConfiguration={"enabled": False, "events": []},
        fails_of=(causes.HEALTH_CHECK, causes.JAVA_CRASHES),
    )


def _fraud_model(place: Place) -> None:
    make_config(
        place,
        deploymentConfigName="fraud-slowly",
        computePlatform="Lambda",
        trafficRoutingConfig={
            "type": "TimeBasedLinear",
            "timeBasedLinear": {"linearPercentage": 20, "linearInterval": 2},
        },
    )
    alarm = _alarm(place, "fraud-model-errors", "AWS/Lambda", "Errors", FunctionName="fraud-model")
    _group(
        place,
        "fraud-model",
        "canary",
        platform="Lambda",
        deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
        deploymentStyle=BLUE_GREEN,
        alarmConfiguration=alarm,
        autoRollbackConfiguration=ROLLS_BACK,
        fails_of=(causes.ALARM, causes.HOOK_FAILS),
    )


def _basket(place: Place) -> Group:
    """A service whose task sets CodeDeploy exchanges."""
    cluster = containers.make_cluster(place, "shop")
    balancer = balancers.make_balancer(place, "basket")
    blue = balancers.make_target_group(place, "basket-blue", kind="ip", balancer=balancer)
    balancers.make_target_group(place, "basket-green", kind="ip", balancer=balancer)
    definition = containers.register_task_definition(
        place,
        "basket",
        [
            {
                "name": "app",
                "image": image(place, "basket", "5d1f0a7c"),
                "essential": True,
                "cpu": 256,
                "memory": 512,
                "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
                "environment": [],
                "mountPoints": [],
                "volumesFrom": [],
            }
        ],
    )
    containers.make_service(
        cluster, "basket", definition, target_group=blue.arn, controller="CODE_DEPLOY"
    )
    listener = balancer.arn.replace(":loadbalancer/", ":listener/")
    number = hex_from(place.world.chance(balancer.arn, "listener"), 16)
    test = hex_from(place.world.chance(balancer.arn, "test listener"), 16)
    alarm = _alarm(
        place,
        "basket-5xx",
        "AWS/ApplicationELB",
        "HTTPCode_Target_5XX_Count",
        TargetGroup="targetgroup/basket-green",
    )
    return _group(
        place,
        "basket",
        "blue-green",
        platform="ECS",
        deploymentConfigName="CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
        deploymentStyle=BLUE_GREEN,
        ecsServices=[{"serviceName": "basket", "clusterName": "shop"}],
        loadBalancerInfo={
            "targetGroupPairInfoList": [
                {
                    "targetGroups": [{"name": "basket-blue"}, {"name": "basket-green"}],
                    "prodTrafficRoute": {"listenerArns": [f"{listener}/{number}"]},
                    # Without a test listener there is no test traffic, and no event of it.
                    "testTrafficRoute": {"listenerArns": [f"{listener}/{test}"]},
                }
            ]
        },
        blueGreenDeploymentConfiguration={
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE",
                "terminationWaitTimeInMinutes": 2,
            },
            "deploymentReadyOption": {
                "actionOnTimeout": "CONTINUE_DEPLOYMENT",
                "waitTimeInMinutes": 0,
            },
        },
        alarmConfiguration=alarm,
        autoRollbackConfiguration=ROLLS_BACK,
        fails_of=(causes.ALARM, causes.UNSTABLE),
    )


def _build_rack(place: Place) -> Group:
    """Machines in the basement; the oldest was taken out of service."""
    user = f"arn:aws:iam::{place.account}:user/CodeDeploy/build-rack"
    session = f"arn:aws:sts::{place.account}:assumed-role/build-rack/build-rack-02"
    premises.register(place, "build-rack-01", user=f"{user}-01")
    premises.register(place, "build-rack-02", session=session)
    premises.register(place, "build-rack-00", {"location": "basement"}, user=f"{user}-00")
    premises.deregister(place, "build-rack-00")
    where = {"Key": "location", "Value": "basement", "Type": "KEY_AND_VALUE"}
    return _group(
        place,
        "build-rack",
        "basement",
        deploymentConfigName="CodeDeployDefault.OneAtATime",
        deploymentStyle=IN_PLACE,
        onPremisesInstanceTagFilters=[where],
        fails_of=(causes.DISK_FULL, causes.AGENT_SILENT),
    )


def _search_index(place: Place) -> Group:
    """A fleet of an Auto Scaling group that is deployed to in place, behind a load balancer."""
    balancer = balancers.make_balancer(place, "search-index", scheme="internal")
    group = balancers.make_target_group(place, "search-index", balancer=balancer)
    fleet = place.of(machines.MachineStore).groups["search-index"].instances()
    balancers.register(place, group.arn, [one.id for one in fleet], healthy=True)
    return _group(
        place,
        "search-index",
        "production",
        deploymentConfigName="CodeDeployDefault.OneAtATime",
        deploymentStyle=BALANCED,
        autoScalingGroups=["search-index"],
        loadBalancerInfo={"targetGroupInfoList": [{"name": "search-index"}]},
        autoRollbackConfiguration=ROLLS_BACK,
        fails_of=(causes.DISK_FULL, causes.START_CRASHES),
    )


class _Deployer:
    """Somebody who deploys to one group by hand: in the past, and from now on.

    ``gap`` seconds lie between deployments of the past, ``every`` virtual seconds between those to
    come. The last one of the past has been ``running_for`` so many seconds when the present begins,
    and fails where ``failing`` says so; of the others each third fails.
    """

    def __init__(
        self, group: Group, *, gap: float, every: float, running_for: float, failing: bool = False
    ) -> None:
        self.group, self.every = group, every
        self.gap, self.running_for, self.failing = gap, running_for, failing
        self.count = 0

    def begin(self) -> None:
        """Put the past on the heap, and the future behind it."""
        world = self.group.place.world
        present = world.now() + PAST
        last = present - self.running_for
        moments = [last - self.gap * back for back in range(int(PAST // self.gap), -1, -1)]
        for moment in moments:
            newest = moment == last
            fails = self.failing if newest else None
            world.scheduler.at(moment, functools.partial(self._deploy, fails=fails))
        if world.lives:
            world.scheduler.at(present + self.every / world.scheduler.speed, self._live)

    def _live(self) -> None:
        self._deploy()
        self.group.place.world.scheduler.after(self.every, self._live)

    def _deploy(self, *, fails: bool | None = None) -> None:
        group = self.group
        if group.active() is not None:
            return
        self.count += 1
        wrong = self.count % 3 == 0 if fails is None else fails
        order = engine.Order(
            description=f"Release {self.count}", cause=group.next_cause() if wrong else None
        )
        engine.start(group, self._revision(), order)

    def _revision(self) -> Declaration:
        group, place = self.group, self.group.place
        chance = place.world.chance(group.id, "revision", self.count)
        if group.application.platform == "ECS":
            return _task_definition(group, hex_from(chance, 8))
        if self.count % 2:
            commit = hex_from(chance, 40)
            repository = f"example-shop/{group.application.name}"
            return {
                "revisionType": "GitHub",
                "gitHubLocation": {"repository": repository, "commitId": commit},
            }
        return {
            "revisionType": "S3",
            "s3Location": {
                "bucket": f"releases-{place.account}",
                "key": f"{group.application.name}/{self.count}.tgz",
                "bundleType": "tgz",
                "eTag": hex_from(chance, 32),
            },
        }


def _task_definition(group: Group, tag: str) -> Declaration:
    place = group.place
    declared = group.declaration["ecsServices"][0]
    store = place.of(containers.ContainerStore)
    service = store.service(declared["clusterName"], declared["serviceName"])
    old = service.definition if service is not None else ""
    new = containers.with_images(place, old, {"app": image(place, "basket", tag)})
    properties = {
        "TaskDefinition": new.arn,
        "LoadBalancerInfo": {"ContainerName": "app", "ContainerPort": 8080},
    }
    resource = {"Type": "AWS::ECS::Service", "Properties": properties}
    content = json.dumps({"version": 0.0, "Resources": [{"TargetService": resource}]})
    digest = hashlib.sha256(content.encode()).hexdigest()
    return {
        "revisionType": "AppSpecContent",
        "appSpecContent": {"content": content, "sha256": digest},
        "taskDefinition": new.arn,
    }
