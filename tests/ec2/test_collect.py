"""What is read of machines and load balancers, by which calls, and why they fail."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from apps.ec2 import collect, why
from apps.ec2.balancing import fares, target_group_record
from apps.ec2.classic import KeptRecord, state_of
from apps.ec2.models import (
    AutoScalingGroup,
    Instance,
    InstanceHealth,
    LoadBalancer,
    TargetGroup,
)
from apps.ec2.records import group_record
from apps.ec2.resources import (
    _classic_called_on,
    _group_called_on,
    _group_of,
    _instance_of,
    _target_group_called_on,
)
from apps.mirror.ask import UNREAD, Ask, Covered, LinkTo, Parent, Vanished
from apps.mirror.resource import Names
from tests.flight import ACCOUNT, PLANTED, REGION, Fault, Flight, Unmodelled

ONE, TWO, THREE = "i-0a1b2c3d4e5f60718", "i-0b2c3d4e5f6071829", "i-0c3d4e5f607182930"
PLACE = f"{REGION}:{ACCOUNT}"
TARGETS = f"arn:aws:elasticloadbalancing:{PLACE}:targetgroup/basket/73e2d6bc24d8a067"
BALANCER = f"arn:aws:elasticloadbalancing:{PLACE}:loadbalancer/app/shop/50dc6c495c0c9188"


def read(collector: Any, flight: Flight, **ask: Any) -> dict[str, Any]:
    return {item.key: item for item in collector(flight.reach(), Ask(**ask))}


def test_instances_are_read_with_their_checks_in_two_calls(full):
    found = read(collect.instances, full)
    assert {key: item.state for key, item in found.items()} == {
        ONE: "failed",
        TWO: "stopped",
        THREE: "moving",
    }
    one = found[ONE]
    assert one.arn == f"arn:aws:ec2:{PLACE}:instance/{ONE}"
    assert (one.name, one.auto_scaling_group, one.lifecycle) == (
        "checkout-web-1",
        "checkout-web",
        "spot",
    )
    assert PLANTED not in repr(one)
    assert [check["name"] for check in one.checks] == ["system", "instance", "volumes"]
    assert one.scheduled_events[0]["code"] == "system-reboot"
    assert full.count() == {"ec2:DescribeInstances": 1, "ec2:DescribeInstanceStatus": 1}


def test_where_checks_may_not_be_read_what_they_told_stays(full):
    full.on("ec2:DescribeInstanceStatus", Fault("UnauthorizedOperation", "no", status=403))
    known = read(collect.instances, full, known={ONE: "yes"})[ONE]
    assert (known.state, known.checks) == (UNREAD, UNREAD)
    new = read(collect.instances, full)[ONE]
    assert (new.state, new.checked) == ("done", UNREAD)


def test_named_instances_are_asked_for_by_filter_and_missing_ones_have_vanished(full):
    full.on("ec2:DescribeInstances", {"Reservations": []})
    found = read(collect.instances, full, keys=(ONE, "i-gone"))
    assert {type(item) for item in found.values()} == {Vanished}
    [call] = full.calls("ec2:DescribeInstances")
    assert call["Filter.2.Value.1"] == ONE
    assert "ec2:DescribeInstanceStatus" not in full.count()


def test_a_region_without_machines_costs_a_call_a_list(empty):
    for collector in (
        collect.instances,
        collect.groups,
        collect.load_balancers,
        collect.target_groups,
    ):
        assert read(collector, empty) == {}
    assert set(empty.count().values()) == {1}


@pytest.mark.parametrize(
    ("collector", "operation", "member", "code"),
    [
        (
            collect.load_balancers,
            "elbv2:DescribeLoadBalancers",
            {"LoadBalancers": [{"LoadBalancerArn": BALANCER, "LoadBalancerName": "shop"}]},
            "LoadBalancerNotFound",
        ),
        (
            collect.target_groups,
            "elbv2:DescribeTargetGroups",
            {"TargetGroups": [{"TargetGroupArn": TARGETS, "TargetGroupName": "basket"}]},
            "TargetGroupNotFound",
        ),
    ],
)
def test_not_found_is_an_empty_list_at_its_beginning_alone(collector, operation, member, code):
    assert read(collector, Flight().on(operation, Fault(code, "none"))) == {}
    cut = Flight().script(operation, {**member, "NextMarker": "more"}, Fault(code, "none"))
    with pytest.raises(ClientError):
        read(collector, cut)


def test_a_group_that_cannot_launch_tells_why_with_one_more_call(full):
    found = read(collect.groups, full)
    web = found["checkout-web"]
    assert (web.state, web.status) == ("failed", "1 of 2 in service")
    assert web.activity["message"].startswith("We currently do not have sufficient t3.small")
    instance = f"arn:aws:ec2:{PLACE}:instance/{ONE}"
    assert LinkTo("launched", "ec2.instance", instance, owning=True) in web.links
    leaving = found["CodeDeploy_orders_d-ABCDEF123"]
    assert (leaving.state, leaving.status) == ("moving", "Delete in progress")
    assert leaving.launch_template == {}
    assert full.count() == {
        "autoscaling:DescribeAutoScalingGroups": 1,
        "autoscaling:DescribeScalingActivities": 1,
    }


def test_where_activities_may_not_be_read_a_short_group_fares_as_it_did(full):
    full.on("autoscaling:DescribeScalingActivities", Fault("AccessDenied", "no", status=403))
    web = read(collect.groups, full)["checkout-web"]
    assert (web.state, web.activity) == (UNREAD, UNREAD)


def group(**members: Any) -> Any:
    return {"AutoScalingGroupName": "web", "DesiredCapacity": 1, "Instances": [], **members}


def member(lifecycle: str = "InService", health: str = "Healthy") -> dict[str, str]:
    return {"InstanceId": ONE, "LifecycleState": lifecycle, "HealthStatus": health}


@pytest.mark.parametrize(
    ("answer", "activity", "state"),
    [
        (group(Instances=[member()]), {}, "done"),
        (group(Instances=[member("Pending")]), {"StatusCode": "InProgress"}, "moving"),
        (group(), {"StatusCode": "Failed"}, "failed"),
        (group(Instances=[member(health="UNHEALTHY")]), {}, "failed"),
        (group(DesiredCapacity=0), {}, "done"),
    ],
)
def test_a_group_fares_as_what_it_has_in_service(answer, activity, state):
    assert group_record(answer, activity).state == state


def test_target_groups_are_read_with_health_only_where_a_load_balancer_sends(full):
    found = read(collect.target_groups, full)
    basket, spare = found["basket/73e2d6bc24d8a067"], found["spare/73e2d6bc24d8a067"]
    assert (basket.state, basket.status, basket.parent) == (
        "failed",
        "1 of 2 healthy",
        "app/shop/50dc6c495c0c9188",
    )
    assert LinkTo("receives from", "ec2.loadbalancer", BALANCER) in basket.links
    assert (spare.state, spare.targets, spare.parent) == ("stopped", [], "")
    assert full.count() == {"elbv2:DescribeTargetGroups": 1, "elbv2:DescribeTargetHealth": 1}


def test_where_health_may_not_be_read_what_it_told_stays(full):
    full.on("elbv2:DescribeTargetHealth", Fault("AccessDenied", "no", status=403))
    basket = read(collect.target_groups, full)["basket/73e2d6bc24d8a067"]
    assert (basket.state, basket.targets, basket.links) == (UNREAD, UNREAD, UNREAD)


def test_targets_that_are_instances_are_linked():
    health = [{"Target": {"Id": ONE, "Port": 80}, "TargetHealth": {"State": "healthy"}}]
    record = target_group_record(
        {"TargetGroupArn": TARGETS, "LoadBalancerArns": [BALANCER]}, health
    )
    assert isinstance(record.links, tuple)
    assert record.links[-1] == LinkTo(
        "sends to", "ec2.instance", f"arn:aws:ec2:{PLACE}:instance/{ONE}"
    )


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (("done", "failed", "moving"), "failed"),
        (("done", "moving"), "moving"),
        (("done", "unknown"), "unknown"),
        (("done", "stopped"), "done"),
        ((), "stopped"),
    ],
)
def test_a_target_group_fares_as_its_worst_target(states, worst):
    assert fares([{"state": state} for state in states]) == worst


def test_a_load_balancer_says_its_own_reason(full):
    one = read(collect.load_balancers, full)["app/shop/50dc6c495c0c9188"]
    assert (one.key, one.state) == ("app/shop/50dc6c495c0c9188", "failed")
    assert one.state_reason.startswith("The load balancer does not have enough free IP addresses")
    assert isinstance(read(collect.load_balancers, full, keys=("app/x/1",))["app/x/1"], Vanished)


def test_an_instance_says_which_check_fails_and_since_when(full):
    record = read(collect.instances, full)[ONE]
    said = why.instance(Instance(state="failed", checks=record.checks))
    assert said.startswith("Instance status check failed: the machine does not answer")
    assert "(reachability failed), impaired since 2026-11-" in said
    assert why.instance(Instance(state="failed")) == "A status check fails; EC2 says no more."
    assert why.instance(Instance(state="done", checks=record.checks)) == ""


def test_a_group_says_what_its_newest_activity_failed_with_and_who_is_ill():
    activity = {"status": "Failed", "message": "No capacity"}
    ill = [{"id": ONE, "health": "Unhealthy"}]
    row = AutoScalingGroup(
        state="failed", activity=activity, instances=ill, in_service=0, desired_capacity=1
    )
    assert why.group(row).split("\n") == [
        "No capacity",
        f"Unhealthy: {ONE}",
        "0 of 1 instances in service",
    ]
    row.activity = {"status": "Successful", "message": "Done"}
    assert why.group(row).startswith("Unhealthy")


def test_unhealthy_targets_are_told_by_reason_the_most_common_first():
    def target(name: str, words: str) -> dict[str, Any]:
        return {
            "id": name,
            "port": 80,
            "state": "failed",
            "status": "unhealthy",
            "reason": "Target.Timeout",
            "description": words,
        }

    targets = [
        target("a", "Request timed out"),
        target("b", ""),
        *(
            target(str(number), "Health checks failed with these codes: [502]")
            for number in range(5)
        ),
    ]
    said = why.target_group(TargetGroup(state="failed", targets=targets)).split("\n")
    assert said[0] == "Health checks failed with these codes: [502] (0:80, 1:80, 2:80 and 2 more)"
    assert said[1:] == ["Request timed out (a:80)", "Target.Timeout (b:80)"]


def test_a_load_balancer_without_a_reason_says_its_state():
    row = LoadBalancer(state="failed", status="failed")
    assert why.load_balancer(row) == "Its state is failed, and AWS says no more."
    assert why.load_balancer(LoadBalancer(state="done", state_reason="x")) == ""


def test_events_name_the_instance_and_the_group():
    assert list(_instance_of({"instance-id": ONE, "state": "running"})) == [
        Names(kind="ec2.instance", key=ONE)
    ]
    assert list(_group_of({"AutoScalingGroupName": "web"})) == [
        Names(kind="ec2.autoscalinggroup", key="web")
    ]


def test_api_calls_name_the_group_and_the_target_group():
    given = {"autoScalingGroupName": "web", "targetGroupArn": TARGETS}
    detail = {"requestParameters": given}
    assert list(_group_called_on(detail)) == [Names(kind="ec2.autoscalinggroup", key="web")]
    assert list(_target_group_called_on(detail)) == [
        Names(kind="ec2.targetgroup", key="basket/73e2d6bc24d8a067")
    ]


def test_what_this_version_has_not_heard_of_is_taken_as_it_comes(full):
    new = {"InstanceId": ONE, "State": {"Code": 96, "Name": "dreaming"}}
    full.on("ec2:DescribeInstances", Unmodelled({"Reservations": [{"Instances": [new]}]}))
    assert read(collect.instances, full)[ONE].state == "unknown"


CLASSIC = f"arn:aws:elasticloadbalancing:{PLACE}:loadbalancer/classic-web"


def test_classic_load_balancers_stand_in_the_list_with_the_others(full):
    found = read(collect.load_balancers, full)
    assert set(found) == {"app/shop/50dc6c495c0c9188", "classic-web"}
    classic = found["classic-web"]
    assert (classic.arn, classic.type, classic.state) == (CLASSIC, "classic", "done")
    assert classic.vpc_id == "vpc-0a1b2c3d4e5f60718"
    sent = LinkTo("sends to", "ec2.instance", f"arn:aws:ec2:{PLACE}:instance/{ONE}")
    assert sent in classic.links
    assert full.count() == {"elbv2:DescribeLoadBalancers": 1, "elb:DescribeLoadBalancers": 1}


def test_load_balancers_that_are_named_cost_the_list_of_their_kind_alone(full):
    assert set(read(collect.load_balancers, full, keys=("classic-web",))) == {"classic-web"}
    assert full.count() == {"elb:DescribeLoadBalancers": 1}
    gone = read(collect.load_balancers, full, keys=("old-web",))["old-web"]
    assert isinstance(gone, Vanished)


def test_where_classic_ones_may_not_be_read_those_known_are_kept_and_the_others_read(full):
    full.on("elb:DescribeLoadBalancers", Fault("AccessDenied", "no", status=403))
    known = {"classic-web": "classic", "app/old/1": "application"}
    found = read(collect.load_balancers, full, known=known)
    assert set(found) == {"app/shop/50dc6c495c0c9188", "classic-web"}
    assert found["classic-web"] == KeptRecord(key="classic-web")


def test_the_health_of_instances_costs_a_call_for_each_classic_load_balancer_alone(full):
    parents = tuple(
        Parent(key=key, fields={"type": kind})
        for key, kind in (("classic-web", "classic"), ("app/shop/1", "application"))
    )
    found = list(collect.instance_health(full.reach(), Ask(parents=parents)))
    covered = {item.parent for item in found if isinstance(item, Covered)}
    assert covered == {"classic-web", "app/shop/1"}
    told = [item for item in found if not isinstance(item, Covered)]
    assert {item.instance_id: (item.state, item.reason_code) for item in told} == {
        ONE: ("failed", "Instance"),
        TWO: ("stopped", "Instance"),
        THREE: ("done", ""),
    }
    assert full.count() == {"elb:DescribeInstanceHealth": 1}


@pytest.mark.parametrize(
    ("word", "description", "state"),
    [
        ("InService", "", "done"),
        ("Unknown", "A transient error occurred. Please try again later.", "unknown"),
        ("OutOfService", "Instance registration is still in progress.", "moving"),
        (
            "OutOfService",
            "Instance has not passed the configured HealthyThreshold number of health checks "
            "consecutively.",
            "moving",
        ),
        ("OutOfService", "Instance deregistration currently in progress.", "moving"),
        ("OutOfService", "Instance is in stopped state.", "stopped"),
        ("OutOfService", "Instance is not currently registered with the LoadBalancer.", "failed"),
        ("Asleep", "", "unknown"),
    ],
)
def test_out_of_service_is_told_apart_by_its_description(word, description, state):
    assert state_of(word, description) == state


def test_instances_out_of_service_are_told_by_reason():
    rows = [
        InstanceHealth(state="failed", status="OutOfService", instance_id=one, description=said)
        for one, said in ((ONE, "No answer"), (TWO, "No answer"), (THREE, ""))
    ]
    assert why.registered(rows).split("\n") == [
        f"No answer ({ONE}, {TWO})",
        f"It is OutOfService, and AWS says no more. ({THREE})",
    ]


def test_each_profile_is_asked_for_once_and_again_in_a_deep_sweep(full):
    ask = {"parents": (Parent(key="checkout-web", arn="any"),)}
    profile = read(collect.instance_profiles, full, **ask)["checkout-web"]
    role = f"arn:aws:iam::{ACCOUNT}:role/machines/checkout-web-machine"
    assert profile.roles == [role]
    assert profile.links == (LinkTo("holds", "iam.role", role),)
    known = {"checkout-web": "AIPAEXAMPLE"}
    assert read(collect.instance_profiles, full, **ask, known=known) == {
        "checkout-web": KeptRecord(key="checkout-web")
    }
    read(collect.instance_profiles, full, **ask, known=known, deep=True)
    assert full.count() == {"iam:GetInstanceProfile": 2}


def test_a_profile_that_was_deleted_is_gone_and_one_that_may_not_be_read_stays(full):
    ask = {"parents": (Parent(key="checkout-web", arn="any"),), "known": {"checkout-web": "A"}}
    full.on("iam:GetInstanceProfile", Fault("NoSuchEntity", "no", status=404))
    assert read(collect.instance_profiles, full, **ask, deep=True) == {}
    full.on("iam:GetInstanceProfile", Fault("AccessDenied", "no", status=403))
    assert set(read(collect.instance_profiles, full, **ask, deep=True)) == {"checkout-web"}


def test_an_instance_names_the_role_in_its_profile_where_the_list_is_read(full):
    arn = f"arn:aws:iam::{ACCOUNT}:instance-profile/checkout-web"
    role = f"arn:aws:iam::{ACCOUNT}:role/machines/checkout-web-machine"
    given = (Parent(key="checkout-web", arn=arn, fields={"roles": [role]}),)
    assert read(collect.instances, full, parents=given)[ONE].links == (
        LinkTo("assumes", "ec2.instanceprofile", arn, owning=True),
        LinkTo("assumes", "iam.role", role),
    )
    assert read(collect.instances, full, keys=(ONE,), known={ONE: "yes"})[ONE].links is UNREAD


def test_api_calls_name_the_classic_load_balancer_and_its_instances():
    detail = {"requestParameters": {"loadBalancerName": "classic-web"}}
    assert list(_classic_called_on(detail)) == [
        Names(kind="ec2.loadbalancer", key="classic-web"),
        Names(kind="ec2.instancehealth", parent="classic-web"),
    ]
