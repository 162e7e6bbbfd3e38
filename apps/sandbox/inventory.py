"""A picture of everything that is in an account, so that a test can compare before and after.

``GET /_sandbox/inventory?account=111122223333`` answers ``{"inventory": {type: [names]}}``: ARNs,
or names where a thing has no ARN, of all regions (``&region=`` for one), sorted. What has its end
behind it is left out: terminated instances, deleted stacks, keys that only wait for their deletion.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from apps.sandbox import control
from apps.sandbox.beanstalk.model import BeanstalkStore
from apps.sandbox.cloudformation.model import StackStore
from apps.sandbox.cloudwatch.model import AlarmStore
from apps.sandbox.codebuild.model import ProjectStore
from apps.sandbox.codebuild.reports import ReportStore
from apps.sandbox.codecommit.model import SourceStore
from apps.sandbox.codedeploy.model import DeployStore
from apps.sandbox.codepipeline.model import PipelineStore
from apps.sandbox.compute.containers import ContainerStore
from apps.sandbox.compute.functions import FunctionStore
from apps.sandbox.compute.machines import MachineStore, live
from apps.sandbox.connections import ConnectionStore
from apps.sandbox.logs import LogStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from apps.sandbox.wire import Request
    from apps.sandbox.world import Place, World

#: Type → the names of what there is.
Inventory = dict[str, list[str]]


def inventory(world: World, account: str, region: str | None = None) -> Inventory:
    """Everything in an account, in one region or in all of them."""
    found: dict[str, set[str]] = {}
    for place in world.places():
        if place.account == account and region in (None, place.region):
            for kind, look in _OWN.items():
                found.setdefault(kind, set()).update(look(place))
    for kind, (service, regional) in _MOTOS.items():
        backends = _loaded(service)
        for where in list(backends[account]) if backends is not None else ():
            if not regional or region in (None, where):
                found.setdefault(kind, set()).update(_LOOKS[kind](backends[account][where]))
    return {kind: sorted(names) for kind, names in sorted(found.items()) if names}


def _loaded(service: str) -> Any:
    """Moto's backends of a service, None where nobody has used it."""
    module = sys.modules.get(f"moto.{service}.models")
    return getattr(module, f"{service}_backends", None)


def _functions(place: Place) -> Iterator[str]:
    for one in place.of(FunctionStore).functions.values():
        yield one.arn
        yield from (f"{one.arn}:{version.number}" for version in one.versions)
        yield from (f"{one.arn}:{alias}" for alias in one.aliases)
        yield from (f"{one.arn} permission {name}" for name in one.permissions)


def _deployers(place: Place) -> Iterator[str]:
    for one in place.of(DeployStore).applications.values():
        yield place.arn("codedeploy", f"application:{one.name}")
        for group in one.groups:
            yield place.arn("codedeploy", f"deploymentgroup:{one.name}/{group}")
    for name in place.of(DeployStore).configs:
        yield place.arn("codedeploy", f"deploymentconfig:{name}")


def _beanstalk(place: Place) -> Iterator[str]:
    store = place.of(BeanstalkStore)
    for application in store.applications.values():
        yield application.arn
        yield from (version.arn for version in application.versions.values())
    yield from (one.arn for one in store.environments if one.terminated is None)


def _containers(place: Place) -> Iterator[str]:
    for cluster in place.of(ContainerStore).clusters.values():
        yield cluster.arn


#: What the sandbox keeps itself.
_OWN: dict[str, Callable[[Place], Iterable[str]]] = {
    "autoscaling": lambda place: (one.arn for one in place.of(MachineStore).groups.values()),
    "cloudformation": lambda place: (one.id for one in place.of(StackStore).stacks.values()),
    "cloudwatch": lambda place: (one.arn for one in place.of(AlarmStore).alarms.values()),
    "codebuild": lambda place: (one.arn for one in place.of(ProjectStore).projects.values()),
    "codebuild reports": lambda place: (one.arn for one in place.of(ReportStore).groups.values()),
    "codecommit": lambda place: (one.arn for one in place.of(SourceStore).repositories.values()),
    "codeconnections": lambda place: (
        one.arn for one in place.of(ConnectionStore).connections.values()
    ),
    "codedeploy": _deployers,
    "codepipeline": lambda place: (one.arn for one in place.of(PipelineStore).pipelines.values()),
    "ec2 instances": lambda place: (one.arn for one in live(place)),
    "ecs": _containers,
    "elasticbeanstalk": _beanstalk,
    "lambda": _functions,
    "logs": lambda place: (
        place.arn("logs", f"log-group:{name}") for name in place.of(LogStore).groups
    ),
}


def _roles(backend: Any) -> Iterator[str]:
    for role in backend.roles.values():
        yield role.arn
        yield from (f"{role.arn} policy {name}" for name in role.policies)
        yield from (f"{role.arn} attached {arn}" for arn in role.managed_policies)
    for policy in backend.managed_policies.values():
        if ":aws:policy/" not in policy.arn:
            yield policy.arn
    yield from (profile.arn for profile in backend.instance_profiles.values())
    yield from (user.arn for user in backend.users.values())


def _keys(backend: Any) -> Iterator[str]:
    for key in backend.keys.values():
        # AWS's own come and go with what uses them.
        if key.key_state != "PendingDeletion" and key.key_manager == "CUSTOMER":
            yield key.arn
        yield from (name for name in key.aliases if not name.startswith("alias/aws/"))


def _buckets(backend: Any) -> Iterator[str]:
    for bucket in backend.buckets.values():
        yield f"arn:aws:s3:::{bucket.name}"
        for key, versions in bucket.keys.lists():
            yield from (
                f"arn:aws:s3:::{bucket.name}/{key}?{getattr(one, 'version_id', '')}"
                for one in versions
            )


def _rules(backend: Any) -> Iterator[str]:
    for bus in backend.event_buses.values():
        for rule in bus.rules.values():
            yield rule.arn
            yield from (f"{rule.arn} target {target['Id']}" for target in rule.targets)


def _groups(backend: Any) -> Iterator[str]:
    for groups in backend.groups.values():
        yield from (one.id for one in groups.values() if one.name != "default")


_LOOKS: dict[str, Callable[[Any], Iterable[str]]] = {
    "apigatewayv2": lambda backend: list(backend.apis),
    "ec2 launch templates": lambda backend: list(backend.launch_templates),
    "ec2 security groups": _groups,
    "events": _rules,
    "iam": _roles,
    "kms": _keys,
    "s3": _buckets,
    "sns": lambda backend: [*backend.topics, *backend.subscriptions],
    "sqs": lambda backend: [one.queue_arn for one in backend.queues.values()],
    "ssm": lambda backend: [
        name for name in backend._parameters if not name.startswith("/aws/service/")
    ],
}
#: Type → moto's service, and whether its things are of one region.
_MOTOS: dict[str, tuple[str, bool]] = {
    "apigatewayv2": ("apigatewayv2", True),
    "ec2 launch templates": ("ec2", True),
    "ec2 security groups": ("ec2", True),
    "events": ("events", True),
    "iam": ("iam", False),
    "kms": ("kms", True),
    "s3": ("s3", False),
    "sns": ("sns", True),
    "sqs": ("sqs", True),
    "ssm": ("ssm", True),
}


def answer(world: World, request: Request, parts: list[str]) -> tuple[int, Any] | None:
    """The control path."""
    if (request.method, parts) != ("GET", ["inventory"]):
        return None
    asked = parse_qs(request.query)
    account = asked.get("account", [""])[0]
    if not account:
        return 400, {"error": "which account? ?account=111122223333"}
    region = asked.get("region", [""])[0] or None
    with world.lock:
        return 200, {"account": account, "inventory": inventory(world, account, region)}


control.MORE.append(answer)
