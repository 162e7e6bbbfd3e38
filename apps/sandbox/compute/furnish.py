"""The default scenario's compute: fleets, functions and services, some of them in trouble."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from apps.sandbox.compute import (
    balancers,
    classic,
    containers,
    functions,
    groups,
    machines,
    profiles,
    rolling,
)
from apps.sandbox.compute.machines import MachineStore, Premises
from apps.sandbox.logs import LogStore
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    from apps.sandbox.world import Place, World

SHOP, LAB = "111122223333", "444455556666"
#: Virtual seconds from the beginning of the past (7.5 days ago) to shortly before the present.
LATELY = 7.4 * 24 * 3600


def furnish(world: World) -> None:
    """Put it all into its places."""
    _shop_fleets(world.place(SHOP, "eu-west-1"))
    _orders(world.place(LAB, "eu-west-1"))
    _shop_functions(world.place(SHOP, "us-east-1"))
    _fraud_model(world.place(LAB, "us-east-1"))
    _shop_services(world.place(SHOP, "eu-west-1"))
    _lab_services(world.place(LAB, "eu-west-1"))


def _fleet(place: Place, name: str, stage: str, count: int, kind: str) -> list[machines.Instance]:
    profile = profiles.make_profile(place, name)
    label = name if stage == "production" else f"{name}-{stage}"
    return [
        machines.furnish_running(
            place,
            {"Name": f"{label}-{number}", "service": name, "stage": stage},
            instance_type=kind,
            profile=profile,
        )
        for number in range(1, count + 1)
    ]


def _shop_fleets(place: Place) -> None:
    web = _fleet(place, "checkout-web", "production", 4, "t3.small")
    api = _fleet(place, "checkout-api", "production", 3, "m6i.large")
    _fleet(place, "release-train", "staging", 2, "t3.small")
    train = _fleet(place, "release-train", "production", 3, "t3.medium")
    old = machines.furnish_running(
        place, {"Name": "billing-jenkins", "team": "billing"}, instance_type="t2.large", public=True
    )
    idle = machines.furnish_running(place, {"Name": "load-generator"}, instance_type="c6i.xlarge")
    for name, fleet, path in (
        ("checkout-web", web, "/healthz"),
        ("checkout-api", api, "/actuator/health"),
    ):
        balancer = balancers.make_balancer(place, name)
        group = balancers.make_target_group(place, name, path=path, balancer=balancer)
        balancers.register(place, group.arn, [one.id for one in fleet], healthy=True)
    store = place.of(MachineStore)
    for number in (1, 2):
        name = f"build-rack-0{number}"
        store.premises[name] = Premises(name, {"Name": name, "location": "basement"})

    # A group that cannot grow, a machine whose host went bad, and one that somebody stopped.
    search = groups.make_group(
        place,
        "search-index",
        size=(2, 3, 6),
        tags={"service": "search-index"},
        instance_type="r6i.2xlarge",
        running=True,
    )
    after = place.world.scheduler.after
    after(LATELY, functools.partial(groups.fail_to_launch, search))
    after(LATELY, functools.partial(machines.impair, old, system=True))
    after(LATELY - 3600, functools.partial(machines.stop, idle))
    _classic(place, train)
    api_group = balancers.find(place, "checkout-api")
    if api_group is not None:
        after(
            LATELY,
            lambda: balancers.say(
                api_group.targets[api[2].id], "unhealthy", "Target.ResponseCodeMismatch"
            ),
        )


def _classic(place: Place, train: list[machines.Instance]) -> None:
    """A load balancer of the older kind, with a machine that nobody deploys to any more."""
    old = machines.furnish_running(place, {"Name": "release-train-2019"}, instance_type="t2.medium")
    balancer = classic.make_classic(place, "release-train", path="/ping")
    classic.register(balancer, [one.id for one in (*train, old)], healthy=True)
    ill = balancer.instances[old.id]
    place.world.scheduler.after(LATELY, functools.partial(classic.sicken, ill))


def _orders(place: Place) -> None:
    balancer = balancers.make_balancer(place, "orders-backend", scheme="internal")
    group = balancers.make_target_group(
        place, "orders-backend", path="/orders/health", balancer=balancer
    )
    groups.make_group(
        place,
        "orders-backend",
        size=(3, 3, 6),
        tags={"service": "orders-backend", "stage": "production"},
        target_groups=[group.arn],
        profile=profiles.make_profile(place, "orders-backend"),
        running=True,
    )
    stale = machines.furnish_running(place, {"Name": "orders-batch"}, instance_type="m6i.xlarge")
    spare = balancers.make_target_group(place, "orders-batch", path="/ready", balancer=balancer)
    balancers.register(place, spare.arn, [stale.id], healthy=True)
    place.world.scheduler.after(LATELY, functools.partial(machines.impair, stale))
    place.world.scheduler.after(
        LATELY, lambda: balancers.say(spare.targets[stale.id], "unhealthy", "Target.Timeout")
    )


def _shop_functions(place: Place) -> None:
    for name, runtime in (("image-resizer", "nodejs22.x"), ("image-resizer-smoke", "python3.12")):
        made = functions.make_function(
            place,
            name,
            Runtime=runtime,
            Handler="index.handler" if runtime.startswith("node") else "smoke.handler",
            Architectures=["arm64"],
            Environment={"Variables": {"BUCKET": "media", "API_KEY": "sandbox-secret-marker-4"}},
        )
        functions.publish(made)
        place.of(LogStore).ensure_group(f"/aws/lambda/{name}")
    known = place.of(functions.FunctionStore).functions
    known["image-resizer-smoke"].fails_every = 5
    resizer = known["image-resizer"]
    functions.point(resizer, "live", "1", "What the site calls")
    watermark = functions.make_function(
        place,
        "image-watermark",
        PackageType="Image",
        Timeout=60,
        MemorySize=2048,
        DeadLetterConfig={"TargetArn": place.arn("sqs", "image-watermark-dead")},
    )
    for absent in ("Runtime", "Handler"):
        watermark.configuration.pop(absent)
    place.world.scheduler.after(
        LATELY,
        lambda: functions.update_code(
            watermark,
            failure=(
                "ImageDeleted",
                "Lambda lost access to the image: the image with imageId {imageDigest:'sha256:"
                "4f0c1f7e'} does not exist in the repository with name 'image-watermark'.",
            ),
        ),
    )
    catalog = functions.make_function(
        place,
        "media-catalog",
        VpcConfig={
            "VpcId": balancers.VPC,
            "SubnetIds": ["subnet-0a1b2c3d4e5f60718"],
            "SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"],
        },
    )
    catalog.configuration.update(
        State="Inactive",
        StateReasonCode="Idle",
        StateReason="The function is Inactive because it has been idle.",
    )


def _fraud_model(place: Place) -> None:
    layer = place.arn("lambda", "layer:numeric:7")
    model = functions.make_function(
        place,
        "fraud-model",
        Runtime="java21",
        Handler="shop.fraud.Score::handle",
        MemorySize=3008,
        Timeout=30,
        Layers=[{"Arn": layer, "CodeSize": 41_000_000}],
        Environment={"Variables": {"THRESHOLD": "0.87", "FEATURE_STORE": "s3://features"}},
        DeadLetterConfig={"TargetArn": place.arn("sqs", "fraud-model-dead")},
    )
    for number in range(1, 4):
        functions.update_code(model, size=18_400_000 + number * 8_191)
        functions.publish(model, f"Model of week {46 + number}")
    functions.point(model, "live", "3", "Scores every order")
    place.of(LogStore).ensure_group("/aws/lambda/fraud-model")
    explain = functions.make_function(place, "fraud-explain", MemorySize=1024)
    explain.configuration.update(
        State="Failed",
        StateReasonCode="InsufficientRolePermissions",
        StateReason="The function's execution role does not have permissions to call "
        "CreateNetworkInterface on EC2.",
    )
    features = functions.make_function(place, "fraud-features", Timeout=300)
    place.world.scheduler.after(
        LATELY,
        lambda: functions.update_configuration(
            features,
            (
                "SubnetOutOfIPAddresses",
                "Lambda was not able to set up VPC access for your Lambda function because one or "
                "more configured subnets has no available IP addresses.",
            ),
            MemorySize=2048,
        ),
    )


def image(place: Place, repository: str, tag: str) -> str:
    """An image in the account's registry."""
    return f"{place.account}.dkr.ecr.{place.region}.amazonaws.com/{repository}:{tag}"


def _service(
    cluster: containers.Cluster, name: str, *, desired: int = 2, **members: object
) -> containers.Service:
    place = cluster.place
    tag = hex_from(place.world.chance(cluster.arn, name, "image"), 8)
    definition = containers.register_task_definition(
        place,
        name,
        [
            {
                "name": "app",
                "image": image(place, name, tag),
                "essential": True,
                "cpu": 512,
                "memory": 1024,
                "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
                "environment": [{"name": "DB_PASSWORD", "value": "sandbox-secret-marker-5"}],
                "secrets": [
                    {
                        "name": "API_TOKEN",
                        "valueFrom": place.arn("secretsmanager", f"secret:{name}/token"),
                    }
                ],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": f"/ecs/{name}",
                        "awslogs-region": place.region,
                        "awslogs-stream-prefix": "app",
                    },
                },
                "mountPoints": [],
                "volumesFrom": [],
            }
        ],
    )
    place.of(LogStore).ensure_group(f"/ecs/{name}")
    return containers.make_service(cluster, name, definition, desired=desired, **members)


def _shop_services(place: Place) -> None:
    payments = containers.make_cluster(place, "payments")
    balancer = balancers.make_balancer(place, "payments")
    group = balancers.make_target_group(place, "payments", kind="ip", balancer=balancer)
    service = _service(
        payments, "payments", desired=3, target_group=group.arn, trouble=(6, "health")
    )
    addresses = [task.address for task in service.running()]
    balancers.register(place, group.arn, addresses, healthy=True)
    behind = balancers.make_target_group(place, "invoices", kind="ip", balancer=balancer)
    invoices = _service(payments, "invoices", target_group=behind.arn)
    addresses = [task.address for task in invoices.running()]
    balancers.register(place, behind.arn, addresses, healthy=True)
    place.world.scheduler.after(LATELY, functools.partial(_redeploy, invoices, "health"))

    batch = containers.make_cluster(place, "batch", providers=(), instances=0)
    worker = _service(batch, "ledger-export", launch_type="EC2", breaker=(False, False))
    place.world.scheduler.after(LATELY, functools.partial(_redeploy, worker, "placement"))


def _lab_services(place: Place) -> None:
    mobile = containers.make_cluster(place, "mobile")
    gateway = _service(mobile, "gateway", desired=2, breaker=(True, False))
    place.world.scheduler.after(LATELY, functools.partial(_redeploy, gateway, "pull"))
    previews = containers.make_cluster(place, "previews")
    for stage, trouble in (
        ("preview", None),
        ("basket-2", (5, "pull")),
        ("search", (4, "crash")),
        ("wishlist", (6, "placement")),
    ):
        _service(previews, f"preview-{stage}", desired=1, trouble=trouble)
    checkout = _service(previews, "preview-checkout", desired=1, breaker=(True, False))
    place.world.scheduler.after(LATELY, functools.partial(_redeploy, checkout, "crash"))


def _redeploy(service: containers.Service, kind: str) -> None:
    place = service.place
    tag = hex_from(place.world.chance(service.arn, kind), 8)
    definition = containers.with_images(
        place, service.definition, {"app": image(place, service.name, tag)}
    )
    rolling.deploy(service, definition, rolling.Outcome(kind))
