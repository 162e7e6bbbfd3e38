"""Pages of machines and load balancers: what they say, and how they lead to one another."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.beanstalk.models import Application, Environment
from apps.beanstalk.models import Instance as BeanstalkInstance
from apps.codedeploy.models import Deployment, Target
from apps.codedeploy.targets import target_record
from apps.ec2.models import (
    AutoScalingGroup,
    Instance,
    InstanceHealth,
    InstanceProfile,
    LoadBalancer,
    TargetGroup,
)
from apps.mirror.ask import Parent
from apps.mirror.models import Link, Scope
from apps.mirror.provider import PROVIDERS
from apps.mirror.reconcile import Nothing, reconcile
from apps.mirror.resource import REGISTER
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


# --- What runs on it ------------------------------------------------------------------------------


def deployed(instance: Instance, key: str, minutes_ago: int, **columns: Any) -> Target:
    """A target of a deployment of the revision "shop/<key>.zip" to an instance, and its link."""
    ended = now() - timedelta(minutes=minutes_ago)
    revision = {"type": "S3", "bucket": "releases", "key": f"shop/{key}.zip"}
    values = {"scope": instance.scope, "state": "done", **columns}
    deployment = Deployment.objects.create(
        scope=values["scope"], key=f"d-{key}", revision=revision, created_at=ended
    )
    target = Target.objects.create(
        key=f"d-{key}/{instance.key}",
        arn=instance.arn,
        deployment=deployment,
        target_id=instance.key,
        ended_at=ended,
        **values,
    )
    Link.objects.create(
        from_kind="codedeploy.target",
        from_id=target.pk,
        relation="deploys to",
        to_kind="ec2.instance",
        to_arn=instance.arn,
    )
    return target


def in_environment(instance: Instance, label: str, **columns: Any) -> BeanstalkInstance:
    """What Beanstalk's enhanced health says of an instance, and its link."""
    application = Application.objects.create(scope=instance.scope, key=f"shop-{label}")
    environment = Environment.objects.create(
        scope=instance.scope, key=f"shop-{label}-live", application=application
    )
    row = BeanstalkInstance.objects.create(
        scope=instance.scope,
        key=instance.key,
        arn=instance.arn,
        environment=environment,
        version_label=label,
        deployment_time=now(),
        **{"deployment_status": "Deployed", **columns},
    )
    Link.objects.create(
        from_kind="beanstalk.instance",
        from_id=row.pk,
        relation="is",
        to_kind="ec2.instance",
        to_arn=instance.arn,
    )
    return row


def runs_in(html: str) -> str:
    """What the head of an instance's page says runs on it."""
    return html.partition('class="runs break">')[2].partition("</p>")[0]


def test_an_instance_says_which_revision_runs_on_it_and_what_brought_it(
    scope: Scope, reader: Client
):
    instance = Instance.objects.get(key=ONE)
    assert "Runs " not in page_of(reader, instance)
    deployed(instance, "OLDER", 90)
    target = deployed(instance, "RIGHT", 60)
    # What failed, what still comes, and what only lost its traffic brought nothing.
    deployed(instance, "FAILED", 30, state="failed")
    deployed(instance, "COMING", 20, state="moving")
    deployed(instance, "BLUE", 10, label="Blue")
    elsewhere = Scope.objects.create(provider="aws", place="elsewhere", account=ACCOUNT)
    deployed(instance, "ELSEWHERE", 5, scope=elsewhere)
    for cache in caches.all():
        cache.clear()
    said = runs_in(page_of(reader, instance))
    assert said.startswith("Runs revision shop/RIGHT.zip, by ")
    page = target.deployment.get_absolute_url()
    assert f'href="{page}#target-{target.pk}">deployment d-RIGHT</a> <time' in said
    for path in ("/ec2/instances/", AutoScalingGroup.objects.get(key="checkout-web")):
        html = reader.get(path).content.decode() if isinstance(path, str) else page_of(reader, path)
        assert "revision shop/RIGHT.zip" in html
        assert "OLDER" not in html
        assert f'href="{page}#target-{target.pk}"' in html


def test_an_instance_of_beanstalks_says_its_version_and_environment(scope: Scope, reader: Client):
    instance = Instance.objects.get(key=ONE)
    row = in_environment(instance, "v41")
    said = runs_in(page_of(reader, instance))
    assert said.startswith("Runs version v41, by ")
    assert f'href="{row.page_url}">environment shop-v41-live</a>' in said


@pytest.mark.parametrize("status", ["In Progress", "Failed", ""])
def test_a_version_that_beanstalk_did_not_bring_to_its_end_does_not_run(
    scope: Scope, reader: Client, status: str
):
    instance = Instance.objects.get(key=ONE)
    in_environment(instance, "v42", deployment_status=status)
    assert runs_in(page_of(reader, instance)) == ""


def test_what_runs_is_told_as_text(scope: Scope, reader: Client):
    evil = "<script>alert(1)</script>\x1b[31m"
    instance = Instance.objects.get(key=ONE)
    deployed(instance, "EVIL", 5)
    Deployment.objects.update(key=evil, revision={"type": evil})
    group = AutoScalingGroup.objects.get(key="checkout-web")
    pages = (page_of(reader, instance), page_of(reader, group))
    for html in (*pages, reader.get("/ec2/instances/").content.decode()):
        assert "alert(1)" in html
        assert "<script>alert" not in html
        assert "\x1b" not in html


def test_what_runs_costs_a_list_the_same_however_many_rows_there_are(scope: Scope, reader: Client):
    def cost() -> int:
        for cache in caches.all():
            cache.clear()
        with CaptureQueriesContext(connection) as asked:
            reader.get("/ec2/instances/")
        return len(asked)

    rows = list(Instance.objects.present())
    deployed(rows[0], "A0", 5)
    cost()
    few = cost()
    for number, instance in enumerate(rows):
        deployed(instance, f"B{number}", 4)
        deployed(instance, f"C{number}", 3)
    assert cost() == few


def test_a_deployment_that_succeeds_reaches_the_open_pages_of_its_instance_and_of_the_group(
    scope: Scope, reader: Client
):
    instance = Instance.objects.get(key=ONE)
    group = AutoScalingGroup.objects.get(key="checkout-web")
    page_of(reader, instance), page_of(reader, group)
    Deployment.objects.create(scope=scope, key="d-LIVE", created_at=now())
    told = {
        "deploymentTargetType": "InstanceTarget",
        "instanceTarget": {
            "targetId": instance.key,
            "targetArn": instance.arn,
            "status": "Succeeded",
        },
    }
    record = target_record(Parent(key="d-LIVE"), told)
    result = reconcile(REGISTER.get("codedeploy.target"), scope, [record], extent=Nothing())
    [change] = result.changes
    assert f"ec2.instance:{instance.pk}" in change.subjects
    assert f"ec2.autoscalinggroup:{group.pk}" in change.subjects
    assert "deployment d-LIVE" in page_of(reader, instance)
    assert "deployment d-LIVE" in page_of(reader, group)


def test_an_instances_id_stands_whole_on_its_page(scope: Scope, reader: Client):
    instance = Instance.objects.get(key=ONE)
    body = page_of(reader, instance).partition("<main")[2].partition('hx-get="')[0]
    head = body.partition('class="page-head"')[2].partition('class="actions"')[0]
    assert instance.name
    assert ONE[:8] not in head
    assert f'<dt>Id</dt><dd class="mono">{ONE}</dd>' in body
