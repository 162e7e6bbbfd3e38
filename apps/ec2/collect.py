"""Reads instances and their roles, Auto Scaling groups, load balancers, target groups; no Django.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Operations.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Operations.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Operations.html
https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_Operations.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetInstanceProfile.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from apps.aws.calls import Failed, Reach, batches
from apps.aws.failures import classify
from apps.mirror.ask import UNREAD, Ask, Covered, Parent, Unread, Vanished
from apps.mirror.provider import Health

from .balancing import (
    LoadBalancerRecord,
    TargetGroupRecord,
    load_balancer_record,
    target_group_record,
)
from .classic import (
    CLASSIC,
    InstanceHealthRecord,
    KeptRecord,
    classic_record,
    health_record,
)
from .profiles import InstanceProfileRecord, profile_record
from .records import (
    GroupRecord,
    InstanceRecord,
    group_record,
    instance_record,
    is_short,
    links_of,
)

# Terminated ones stay listed for an hour, and are gone.
LIVING = ["pending", "running", "stopping", "stopped", "shutting-down"]
# What one filter of DescribeInstances takes, one DescribeInstanceStatus, one list of groups.
VALUES, IDS, GROUPS = 200, 100, 50
PAGE, GROUPS_PAGE, BALANCERS_PAGE = 1000, 100, 400


def instances(reach: Reach, ask: Ask) -> Iterator[InstanceRecord | Vanished]:
    """Yield every instance that is not terminated, with its status checks.

    DescribeInstances and DescribeInstanceStatus, 1,000 a page; or those named by `ask.keys`.
    With the whole list `ask.parents` are the instance profiles that were read, with their roles.
    """
    roles = None if ask.keys is not None else {one.arn: one.fields["roles"] for one in ask.parents}
    living = {"Name": "instance-state-name", "Values": LIVING}
    if ask.keys is None:
        found = list(_described(reach, [living], MaxResults=PAGE))
        statuses = _statuses(reach, MaxResults=PAGE)
    else:
        found, statuses = [], {}
        for batch in batches(ask.keys, IDS):
            # By filter: asked for by id, one that is not there would fail the whole call.
            wanted = {"Name": "instance-id", "Values": batch}
            described = list(_described(reach, [living, wanted], MaxResults=PAGE))
            found += described
            running = [one["InstanceId"] for one in described if _runs(one)]
            told = _statuses(reach, InstanceIds=running) if running else {}
            statuses = None if told is None or statuses is None else {**statuses, **told}
        there = {one["InstanceId"] for one in found}
        yield from (Vanished(key) for key in ask.keys if key not in there)
    for one in found:
        key = one["InstanceId"]
        status = None if statuses is None else statuses.get(key, {})
        record = instance_record(reach, one, status, known=bool(ask.known.get(key)))
        # Whoever asks for one by its key is not told of profiles: what the list told of it stays.
        links = UNREAD if roles is None and key in ask.known else links_of(record, roles or {})
        yield replace(record, links=links)


def _runs(one: Mapping[str, Any]) -> bool:
    return bool((one.get("State") or {}).get("Name") == "running")


def _described(
    reach: Reach, filters: list[dict[str, Any]], **params: Any
) -> Iterator[Mapping[str, Any]]:
    for page in reach.pages("ec2:DescribeInstances", Filters=filters, **params):
        for reservation in page.get("Reservations", ()):
            yield from reservation.get("Instances", ())


def _statuses(reach: Reach, **params: Any) -> dict[str, Mapping[str, Any]] | None:
    """Return the status checks of running instances by id; None where they could not be read."""
    found: dict[str, Mapping[str, Any]] = {}
    try:
        for page in reach.pages("ec2:DescribeInstanceStatus", **params):
            found |= {one["InstanceId"]: one for one in page.get("InstanceStatuses", ())}
    except Exception:  # noqa: BLE001 - what failed stands on the reach's outcomes
        return None
    return found


def groups(reach: Reach, ask: Ask) -> Iterator[GroupRecord | Vanished]:
    """Yield every Auto Scaling group with its instances, or those named by `ask.keys`.

    Where one has less in service than it wants, the region's newest scaling activities are read,
    once for all of them: the group does not say why it cannot launch.
    """
    if ask.keys is None:
        found = list(_groups(reach, MaxRecords=GROUPS_PAGE))
    else:
        found = [
            one
            for batch in batches(ask.keys, GROUPS)
            for one in _groups(reach, AutoScalingGroupNames=batch, MaxRecords=GROUPS_PAGE)
        ]
        there = {one["AutoScalingGroupName"] for one in found}
        yield from (Vanished(key) for key in ask.keys if key not in there)
    activities: dict[str, Mapping[str, Any]] | Unread = {}
    if any(map(is_short, found)):
        activities = _activities(reach)
    for one in found:
        if isinstance(activities, Unread) and is_short(one):
            yield group_record(one, UNREAD)
        else:
            known = {} if isinstance(activities, Unread) else activities
            yield group_record(
                one, known.get(one["AutoScalingGroupName"], {}) if is_short(one) else {}
            )


def _groups(reach: Reach, **params: Any) -> Iterator[Mapping[str, Any]]:
    for page in reach.pages("autoscaling:DescribeAutoScalingGroups", **params):
        yield from page.get("AutoScalingGroups", ())


def _activities(reach: Reach) -> dict[str, Mapping[str, Any]] | Unread:
    """Return each group's newest activity, among the region's newest hundred."""
    answer = reach.detail("autoscaling:DescribeScalingActivities", MaxRecords=100)
    if answer is None:
        return UNREAD
    newest: dict[str, Mapping[str, Any]] = {}
    for one in answer.get("Activities", ()):
        newest.setdefault(one.get("AutoScalingGroupName") or "", one)
    return newest


def load_balancers(reach: Reach, ask: Ask) -> Iterator[LoadBalancerRecord | KeptRecord | Vanished]:
    """Yield every load balancer: two lists, those of today and the classic ones, 400 a page each.

    Those named by `ask.keys` are picked from the same lists. Where the classic ones cannot be read,
    those that are `ask.known` (by their type) stay, and the others are read all the same.
    """
    found: list[LoadBalancerRecord] = []
    kept: list[KeptRecord] = []
    if ask.keys is None or any("/" in key for key in ask.keys):
        listed = _listed(reach, "elbv2:DescribeLoadBalancers", "LoadBalancers")
        found += map(load_balancer_record, listed)
    if ask.keys is None or any("/" not in key for key in ask.keys):
        try:
            older = _listed(reach, "elb:DescribeLoadBalancers", "LoadBalancerDescriptions")
            found += [classic_record(reach, one) for one in older]
        except Exception:  # noqa: BLE001 - what failed stands on the reach's outcomes
            kept = [KeptRecord(key=key) for key, kind in ask.known.items() if kind == CLASSIC]
    yield from (one for one in found if ask.keys is None or one.key in ask.keys)
    yield from kept
    there = {one.key for one in found} | {one.key for one in kept}
    yield from (Vanished(key) for key in ask.keys or () if key not in there)


def instance_health(reach: Reach, ask: Ask) -> Iterator[InstanceHealthRecord | Covered]:
    """Yield how the instances of each classic load balancer fare: a call a load balancer."""
    # What is woken by a new load balancer is not always one of these.
    classic = [one for one in ask.parents if one.fields.get("type") == CLASSIC]
    yield from (Covered(one.key) for one in ask.parents if one not in classic)

    def read(balancer: Parent) -> Any:
        return reach.call("elb:DescribeInstanceHealth", LoadBalancerName=balancer.key)

    for balancer, answer in reach.each(classic, read):
        if not isinstance(answer, Failed):
            for one in answer.get("InstanceStates", ()):
                yield health_record(balancer.key, one)
            yield Covered(balancer.key)


def instance_profiles(reach: Reach, ask: Ask) -> Iterator[InstanceProfileRecord | KeptRecord]:
    """Yield the instance profiles that instances have, with their roles: a call for each new one.

    `ask.parents` are the profiles by their names. IAM is global, and no list of it is read.
    """
    wanted = [one.key for one in ask.parents]
    fresh = [name for name in wanted if ask.deep or not ask.known.get(name)]
    yield from (KeptRecord(key=name) for name in wanted if name not in fresh)
    for name, answer in reach.each(
        fresh, lambda name: reach.call("iam:GetInstanceProfile", InstanceProfileName=name)
    ):
        if not isinstance(answer, Failed):
            yield profile_record(answer["InstanceProfile"])
        elif name in ask.known and answer.failure.health is not Health.GONE:
            yield KeptRecord(key=name)


def target_groups(reach: Reach, ask: Ask) -> Iterator[TargetGroupRecord | Vanished]:
    """Yield every target group (400 a page) with the health of its targets.

    DescribeTargetHealth takes one group; one that no load balancer sends to is not asked.
    Those named by `ask.keys` are picked from the same list.
    """
    found = list(_listed(reach, "elbv2:DescribeTargetGroups", "TargetGroups"))
    if ask.keys is not None:
        keys = {one["TargetGroupArn"].rpartition(":targetgroup/")[2]: one for one in found}
        yield from (Vanished(key) for key in ask.keys if key not in keys)
        found = [keys[key] for key in ask.keys if key in keys]
    served = [one for one in found if one.get("LoadBalancerArns")]
    yield from (target_group_record(one, ()) for one in found if not one.get("LoadBalancerArns"))
    for one, answer in reach.each(
        served,
        lambda group: reach.call(
            "elbv2:DescribeTargetHealth", TargetGroupArn=group["TargetGroupArn"]
        ),
    ):
        health = None if isinstance(answer, Failed) else answer.get("TargetHealthDescriptions", ())
        yield target_group_record(one, health)


def _listed(reach: Reach, operation: str, member: str) -> Iterator[Mapping[str, Any]]:
    """Yield what a list holds. These answer "not found" where others answer an empty list.

    In the midst of a list that is no answer: what stands behind is not known.
    """
    begun = False
    try:
        for page in reach.pages(operation, PageSize=BALANCERS_PAGE):
            begun = True
            yield from page.get(member, ())
    except ClientError as error:
        if begun or classify(error, operation).health is not Health.GONE:
            raise
