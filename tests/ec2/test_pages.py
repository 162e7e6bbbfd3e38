"""Pages of machines and load balancers: what they say, and how they lead to one another."""

from collections.abc import Iterator

import pytest
from celery.app.task import Task
from django.core.cache import caches
from django.test import Client

from apps.ec2.models import (
    AutoScalingGroup,
    Instance,
    InstanceHealth,
    InstanceProfile,
    LoadBalancer,
    TargetGroup,
)
from apps.mirror.models import Link, Scope
from apps.mirror.provider import PROVIDERS
from tests.factories import make_user
from tests.flight import ACCOUNT, PLANTED, REGION, Fault, Flight, FlownProvider
from tests.simulated import kinds_of, mirrored, tried

ONE = "i-0a1b2c3d4e5f60718"


@pytest.fixture
def reader(db: None) -> Client:
    client = Client()
    client.force_login(make_user("platform-engineer"))
    return client


@pytest.fixture
def scope(db: None, full: Flight, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scope]:
    for cache in caches.all():
        cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(full))
    yield mirrored(ACCOUNT, REGION, *kinds_of("ec2"))
    for cache in caches.all():
        cache.clear()


def page_of(reader: Client, row: Instance | AutoScalingGroup | LoadBalancer | TargetGroup) -> str:
    return str(reader.get(row.get_absolute_url()).content.decode())


def test_an_instance_leads_to_its_group_and_says_what_will_happen_to_it(
    scope: Scope, reader: Client
):
    html = page_of(reader, Instance.objects.get(key=ONE))
    assert "Instance status check failed: the machine does not answer" in html
    assert "scheduled reboot" in html
    group = AutoScalingGroup.objects.get(key="checkout-web")
    assert f'href="{group.get_absolute_url()}"' in html
    assert PLANTED not in html


def test_a_group_leads_to_its_instances_and_says_what_is_suspended(scope: Scope, reader: Client):
    html = page_of(reader, AutoScalingGroup.objects.get(key="checkout-web"))
    assert f'href="{Instance.objects.get(key=ONE).get_absolute_url()}"' in html
    assert "AZRebalance is suspended" in html
    assert "We currently do not have sufficient t3.small capacity" in html


def test_a_change_of_an_instance_reaches_the_picture_of_its_group(
    scope: Scope, reader: Client, full: Flight
):
    group = AutoScalingGroup.objects.get(key="checkout-web")
    before = group.version
    full.on("ec2:DescribeInstanceStatus", {"InstanceStatuses": []})
    mirrored(ACCOUNT, REGION, "ec2.instance")
    group.refresh_from_db()
    assert group.version > before
    assert "Running" in page_of(reader, group)


def test_a_load_balancer_counts_its_targets_and_those_without_trouble_come_last(
    scope: Scope, reader: Client, full: Flight
):
    balancer = LoadBalancer.objects.get(name="shop")
    assert (balancer.healthy_count, balancer.target_count) == (1, 2)
    assert (balancer.state, balancer.target_state, balancer.urgency) == ("failed", "failed", 0)
    html = page_of(reader, balancer)
    assert "The load balancer does not have enough free IP addresses to scale up." in html
    assert "Health checks failed with these codes: [502]" in html
    healthy = {"Target": {"Id": "10.0.1.17", "Port": 80}, "TargetHealth": {"State": "healthy"}}
    full.on("elbv2:DescribeTargetHealth", {"TargetHealthDescriptions": [healthy]})
    mirrored(ACCOUNT, REGION, "ec2.targetgroup")
    balancer.refresh_from_db()
    assert (balancer.healthy_count, balancer.target_count, balancer.target_state) == (1, 1, "done")


def test_a_target_group_that_receives_nothing_says_so(scope: Scope, reader: Client):
    html = page_of(reader, TargetGroup.objects.get(name="spare"))
    assert "No load balancer sends to it: its targets are not checked." in html


def test_a_terminated_instance_keeps_its_page_and_leaves_the_list(
    scope: Scope, reader: Client, full: Flight
):
    full.on("ec2:DescribeInstances", {"Reservations": []})
    mirrored(ACCOUNT, REGION, "ec2.instance")
    assert "EC2 no longer lists this instance" in page_of(reader, Instance.objects.get(key=ONE))
    assert "No instance yet" in reader.get("/ec2/instances/").content.decode()


def test_hostile_text_is_text(scope: Scope, reader: Client):
    evil = "<script>alert(1)</script>\x1b[31m"
    target = {"id": evil, "port": 1, "state": "failed", "status": evil, "description": evil}
    Instance.objects.filter(key=ONE).update(name=evil, tags={evil: evil}, state_reason=evil)
    TargetGroup.objects.update(targets=[{**target, "zone": "", "reason": ""}])
    InstanceHealth.objects.update(status=evil, state="failed", description=evil, reason_code=evil)
    LoadBalancer.objects.update(health_check={"target": evil}, listeners=[{"protocol": evil}])
    AutoScalingGroup.objects.update(
        activity={"status": "Failed", "message": evil}, suspended_processes=[{"process": evil}]
    )
    pages = [
        page_of(reader, Instance.objects.get(key=ONE)),
        page_of(reader, AutoScalingGroup.objects.get(key="checkout-web")),
        *(page_of(reader, balancer) for balancer in LoadBalancer.objects.all()),
        *(
            reader.get(path).content.decode()
            for path in ("/ec2/instances/", "/ec2/groups/", "/ec2/load-balancers/")
        ),
    ]
    for html in pages:
        assert "<script>alert" not in html
        assert "\x1b" not in html


def test_machines_are_found_by_name_id_and_address(scope: Scope, reader: Client):
    for words in ("checkout-web-1", ONE, "10.0.1.17"):
        assert ONE in reader.get("/search", {"q": words}).content.decode()
    assert "shop-1234567890" in reader.get("/search", {"q": "shop-12345"}).content.decode()


def test_a_classic_load_balancer_counts_its_instances_and_says_why_one_is_out_of_service(
    scope: Scope, reader: Client, full: Flight
):
    classic = LoadBalancer.objects.get(key="classic-web")
    assert (classic.healthy_count, classic.target_count) == (1, 3)
    assert (classic.state, classic.target_state, classic.urgency) == ("done", "failed", 0)
    html = page_of(reader, classic)
    assert "Instance has failed at least the UnhealthyThreshold number of health checks" in html
    assert "HTTP:8080/healthz" in html
    assert "HTTPS · port 443, sends to HTTP · port 8080" in html
    assert f'href="{Instance.objects.get(key=ONE).get_absolute_url()}"' in html
    assert "1 of 3 healthy" in reader.get("/ec2/load-balancers/").content.decode()
    well = {"InstanceId": ONE, "State": "InService", "ReasonCode": "N/A", "Description": "N/A"}
    full.on("elb:DescribeInstanceHealth", {"InstanceStates": [well]})
    mirrored(ACCOUNT, REGION, "ec2.instancehealth")
    classic.refresh_from_db()
    assert (classic.healthy_count, classic.target_count, classic.target_state) == (1, 1, "done")


def test_a_group_leads_to_its_classic_load_balancer(scope: Scope, reader: Client):
    classic = LoadBalancer.objects.get(key="classic-web")
    html = page_of(reader, AutoScalingGroup.objects.get(key="checkout-web"))
    assert f'href="{classic.get_absolute_url()}">classic-web</a>' in html


def test_where_classic_ones_may_not_be_read_they_stay_and_the_others_are_read(
    scope: Scope, reader: Client, full: Flight
):
    full.on("elb:DescribeLoadBalancers", Fault("AccessDenied", "no", status=403))
    full.on("elbv2:DescribeLoadBalancers", {"LoadBalancers": []})
    mirrored(ACCOUNT, REGION, "ec2.loadbalancer")
    assert LoadBalancer.objects.get(key="classic-web").gone_at is None
    assert LoadBalancer.objects.get(name="shop").gone_at is not None


def test_the_health_of_instances_that_may_not_be_read_is_not_told_as_none(
    scope: Scope, reader: Client, full: Flight
):
    classic = LoadBalancer.objects.get(key="classic-web")
    InstanceHealth.objects.all().delete()
    LoadBalancer.objects.filter(pk=classic.pk).update(version=classic.version + 1)
    assert "No instance is registered." in page_of(reader, classic)
    full.on("elb:DescribeInstanceHealth", Fault("AccessDenied", "no", status=403))
    tried(ACCOUNT, REGION, "ec2.instancehealth")
    html = page_of(reader, classic)
    assert "No instance is registered." not in html
    assert "Cannot be read: denied" in html
    assert "Allow elasticloadbalancing:DescribeInstanceHealth" in html


def test_an_instance_shows_its_role_and_is_linked_with_it(scope: Scope, reader: Client):
    mirrored(ACCOUNT, REGION, "ec2.instance")
    one = Instance.objects.get(key=ONE)
    html = page_of(reader, one)
    console = (
        "https://eu-west-1.console.aws.amazon.com/iam/home#/roles/details/checkout-web-machine"
    )
    assert f'href="{console}"' in html
    role = f"arn:aws:iam::{ACCOUNT}:role/machines/checkout-web-machine"
    links = Link.objects.filter(from_kind="ec2.instance", from_id=one.pk, relation="assumes")
    assert ("iam.role", role) in links.values_list("to_kind", "to_arn")


def test_a_role_that_may_not_be_read_is_unread_and_nothing_else_is(
    scope: Scope, reader: Client, full: Flight
):
    InstanceProfile.objects.all().delete()
    full.on("iam:GetInstanceProfile", Fault("AccessDenied", "no", status=403))
    tried(ACCOUNT, REGION, "ec2.instanceprofile")
    mirrored(ACCOUNT, REGION, "ec2.instance")
    html = page_of(reader, Instance.objects.get(key=ONE))
    assert "not read: Allow iam:GetInstanceProfile to the credentials of this account." in html
    assert "instance-profile/checkout-web" in html


def test_status_checks_that_may_not_be_read_are_not_told_as_none(
    scope: Scope, reader: Client, full: Flight
):
    Instance.objects.filter(key=ONE).update(checks=[], checked="")
    full.on("ec2:DescribeInstanceStatus", Fault("UnauthorizedOperation", "no", status=403))
    mirrored(ACCOUNT, REGION, "ec2.instance")
    html = page_of(reader, Instance.objects.get(key=ONE))
    assert "EC2 checks instances while they run." not in html
    assert "Allow ec2:DescribeInstanceStatus" in html
