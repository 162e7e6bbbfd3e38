"""Instances and profiles, Auto Scaling groups, load balancers and their targets, as last read."""

from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse

from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import URGENCY, State

from .classic import CLASSIC
from .console import (
    classic_url,
    group_url,
    instance_url,
    load_balancer_url,
    role_url,
    target_group_url,
)


class InstanceQuerySet(MirroredQuerySet):
    """Instances the way lists want them."""

    def for_list(self) -> Self:
        """With scope, what is broken first, then by name."""
        return self.select_related("scope").order_by("urgency", "name", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in name, id, type, group or addresses, by our state and place."""
        rows = self.containing(
            q, "key", "name", "instance_type", "auto_scaling_group", "private_ip", "public_ip"
        )
        return rows.narrowed(state=state, account=account, region=region)


class Instance(Mirrored):
    """An instance that is not terminated, with its status checks.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html

    `key` is the instance id, `name` its Name tag. `checks` is `[{name: system | instance | volumes,
    status, state, details: [{name, status, impaired_since}]}]`, `scheduled_events` `[{code,
    description, not_before}]`, times as ISO text. `auto_scaling_group` is the name of the group
    that launched it. `checked` says that its status checks were read.
    """

    name = models.CharField(max_length=255, blank=True)
    instance_type = models.CharField(max_length=64, blank=True)
    image_id = models.CharField(max_length=64, blank=True)
    private_dns_name = models.CharField(max_length=255, blank=True)
    public_dns_name = models.CharField(max_length=255, blank=True)
    private_ip = models.CharField(max_length=64, blank=True)
    public_ip = models.CharField(max_length=64, blank=True)
    launched_at = models.DateTimeField(null=True)
    availability_zone = models.CharField(max_length=32, blank=True)
    vpc_id = models.CharField(max_length=64, blank=True)
    subnet_id = models.CharField(max_length=64, blank=True)
    architecture = models.CharField(max_length=32, blank=True)
    platform = models.CharField(max_length=64, blank=True)
    # "spot" or "scheduled"; "" on demand.
    lifecycle = models.CharField(max_length=32, blank=True)
    instance_profile = models.CharField(max_length=2048, blank=True)
    auto_scaling_group = models.CharField(max_length=255, blank=True)
    state_reason = models.TextField(blank=True)
    state_reason_code = models.CharField(max_length=128, blank=True)
    tags = models.JSONField(default=dict)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])
    system_status = models.CharField(max_length=32, blank=True)
    instance_status = models.CharField(max_length=32, blank=True)
    checks = models.JSONField(default=list)
    scheduled_events = models.JSONField(default=list)
    checked = models.CharField(max_length=8, blank=True)

    objects: ClassVar[Any] = InstanceQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["name", "key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "name", "id"], name="ec2_instance_by_urgency"),
            models.Index(fields=["scope", "auto_scaling_group"], name="ec2_instance_of_group"),
        ]

    def __str__(self) -> str:
        return self.name or self.key

    def get_absolute_url(self) -> str:
        """Path of the instance's page."""
        return reverse("ec2:instance", args=[self.pk])

    @property
    def word(self) -> str:
        """AWS's word for how it fares: of the worst status check where it runs, else its state."""
        told = [check["status"] for check in self.checks if check["state"] == self.state]
        shown = self.state in (State.FAILED, State.MOVING) and self.status == "running" and told
        return str(told[0]) if shown else self.status

    @property
    def console_url(self) -> str:
        """The instance in AWS's console."""
        return instance_url(self.scope.region, self.key)


class InstanceProfile(Mirrored):
    """An instance profile that instances have, and the role in it.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_InstanceProfile.html

    `key` is its name; `roles` are ARNs, of which IAM allows one.
    """

    profile_id = models.CharField(max_length=128, blank=True)
    roles = models.JSONField(default=list)
    created = models.DateTimeField(null=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]

    @property
    def assumed(self) -> list[dict[str, str]]:
        """Its roles as pages show them: `[{name, arn, console_url}]`."""
        return [
            {"name": name, "arn": arn, "console_url": role_url(self.scope.region, name)}
            for arn in self.roles
            for name in [str(arn).rpartition("/")[2]]
        ]


class GroupQuerySet(MirroredQuerySet):
    """Auto Scaling groups the way lists want them."""

    def for_list(self) -> Self:
        """With scope, what is broken first."""
        return self.select_related("scope").order_by("urgency", "key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in the name, by our state and place."""
        return self.containing(q, "key").narrowed(state=state, account=account, region=region)


class AutoScalingGroup(Mirrored):
    """An Auto Scaling group and its instances.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html

    `key` is the name. `instances` is `[{id, type, zone, lifecycle, health, template_version,
    protected}]`, `suspended_processes` `[{process, reason}]`, `launch_template` `{id, name,
    version}`, {} where a launch configuration is used. `target_groups` are ARNs. `activity` is its
    newest scaling activity `{at, status, description, message, cause}` while it has less in service
    than it wants.
    """

    min_size = models.PositiveIntegerField(default=0)
    max_size = models.PositiveIntegerField(default=0)
    desired_capacity = models.PositiveIntegerField(default=0)
    in_service = models.PositiveIntegerField(default=0)
    instances = models.JSONField(default=list)
    suspended_processes = models.JSONField(default=list)
    launch_template = models.JSONField(default=dict)
    launch_configuration = models.CharField(max_length=255, blank=True)
    target_groups = models.JSONField(default=list)
    classic_load_balancers = models.JSONField(default=list)
    health_check_type = models.CharField(max_length=64, blank=True)
    grace_seconds = models.PositiveIntegerField(null=True)
    availability_zones = models.JSONField(default=list)
    created = models.DateTimeField(null=True)
    tags = models.JSONField(default=dict)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])
    activity = models.JSONField(default=dict)

    objects: ClassVar[Any] = GroupQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "key", "id"], name="ec2_group_by_urgency"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the group's page."""
        return reverse("ec2:group", args=[self.pk])

    @property
    def own_status(self) -> str:
        """Auto Scaling's word, which it has while it deletes the group; `status` counts else."""
        return "" if self.status.endswith(" in service") else self.status

    @property
    def console_url(self) -> str:
        """The group in AWS's console."""
        return group_url(self.scope.region, self.key)


class LoadBalancerQuerySet(MirroredQuerySet):
    """Load balancers the way lists want them."""

    def for_list(self) -> Self:
        """With scope, by name."""
        return self.select_related("scope").order_by("urgency", "name", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in name or address, by our state and place."""
        rows = self.containing(q, "name", "dns_name")
        return rows.narrowed(state=state, account=account, region=region)


class LoadBalancer(Mirrored):
    """An application, network, gateway or classic load balancer, as `type` says.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancer.html
    https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_LoadBalancerDescription.html

    `key` is what follows "loadbalancer/" in its ARN: of a classic one its name alone.
    `target_state` is how its target groups or instances fare, the worst of them; `healthy_count`
    and `target_count` count its targets. `urgency` goes by both. Of classic ones alone: `listeners`
    `[{protocol, port, instance_protocol, instance_port}]` and `health_check` `{target, interval,
    timeout, healthy_after, unhealthy_after}`, times in seconds.
    """

    name = models.CharField(max_length=64, blank=True)
    dns_name = models.CharField(max_length=255, blank=True)
    scheme = models.CharField(max_length=32, blank=True)
    type = models.CharField(max_length=32, blank=True)
    state_reason = models.TextField(blank=True)
    vpc_id = models.CharField(max_length=64, blank=True)
    availability_zones = models.JSONField(default=list)
    security_groups = models.JSONField(default=list)
    ip_address_type = models.CharField(max_length=64, blank=True)
    created = models.DateTimeField(null=True)
    listeners = models.JSONField(default=list)
    health_check = models.JSONField(default=dict)
    target_state = models.CharField(max_length=8, blank=True)
    healthy_count = models.PositiveIntegerField(default=0)
    target_count = models.PositiveIntegerField(default=0)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])

    objects: ClassVar[Any] = LoadBalancerQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["name", "pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "name", "id"], name="ec2_balancer_by_urgency"),
        ]

    def __str__(self) -> str:
        return self.name or self.key

    def get_absolute_url(self) -> str:
        """Path of the load balancer's page."""
        return reverse("ec2:load_balancer", args=[self.pk])

    @property
    def is_classic(self) -> bool:
        """Whether it is of the older kind, which sends to instances and not to target groups."""
        return self.type == CLASSIC

    @property
    def own_status(self) -> str:
        """AWS's word; it has none for classic ones."""
        return "" if self.is_classic else self.status

    @property
    def console_url(self) -> str:
        """The load balancer in AWS's console."""
        if self.is_classic:
            return classic_url(self.scope.region, self.name)
        return load_balancer_url(self.scope.region, self.arn)


class TargetGroup(Mirrored):
    """A target group and the health of its targets.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html

    `key` is what follows "targetgroup/" in its ARN. `status` counts its healthy targets. `targets`
    is `[{id, port, zone, status, state, reason, description}]`; `health_check` `{enabled, protocol,
    port, path, interval, timeout, healthy_after, unhealthy_after, codes}`, times in seconds.
    `load_balancers` are ARNs, of which `load_balancer` is the first.
    """

    load_balancer = models.ForeignKey(
        LoadBalancer, on_delete=models.SET_NULL, null=True, related_name="target_groups"
    )

    name = models.CharField(max_length=64, blank=True)
    protocol = models.CharField(max_length=32, blank=True)
    port = models.PositiveIntegerField(null=True)
    target_type = models.CharField(max_length=16, blank=True)
    vpc_id = models.CharField(max_length=64, blank=True)
    health_check = models.JSONField(default=dict)
    load_balancers = models.JSONField(default=list)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])
    targets = models.JSONField(default=list)
    healthy_count = models.PositiveIntegerField(default=0)
    unhealthy_count = models.PositiveIntegerField(default=0)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name or self.key

    def get_absolute_url(self) -> str:
        """Path of the target group's page."""
        return reverse("ec2:target_group", args=[self.pk])

    @property
    def own_status(self) -> str:
        """AWS has no word for it; `status` counts its targets."""
        return ""

    @property
    def console_url(self) -> str:
        """The target group in AWS's console."""
        return target_group_url(self.scope.region, self.arn)


class InstanceHealth(Mirrored):
    """How an instance fares at a classic load balancer.

    https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_InstanceState.html

    `key` is "<load balancer>:<instance id>". `reason_code` is ELB or Instance: whose fault it is.
    """

    load_balancer = models.ForeignKey(
        LoadBalancer, on_delete=models.CASCADE, related_name="instance_health"
    )

    instance_id = models.CharField(max_length=64, blank=True)
    reason_code = models.CharField(max_length=64, blank=True)
    description = models.TextField(blank=True)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]

    def __str__(self) -> str:
        return self.instance_id or self.key

    def get_absolute_url(self) -> str:
        """Path of its load balancer's page."""
        return reverse("ec2:load_balancer", args=[self.load_balancer_id])
