"""What is read of ECS's answers, by which calls, what is dropped, and why services fail."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.aws.events import event_of
from apps.ecs import collect, why
from apps.ecs.definitions import task_definition_record
from apps.ecs.load import split_image
from apps.ecs.models import Service
from apps.ecs.records import name_in, service_key, service_record
from apps.ecs.resources import _service_called_on, _services_of, _services_of_task
from apps.mirror.ask import UNREAD, Ask, Covered, Ended, LinkTo, Parent, Vanished
from apps.mirror.ingest import names_in
from apps.mirror.resource import Names
from tests.flight import ACCOUNT, PLANTED, REGION, Fault, Flight, Unmodelled

PLACE = f"{REGION}:{ACCOUNT}"
CLUSTER = f"arn:aws:ecs:{PLACE}:cluster/shop"
BASKET = f"arn:aws:ecs:{PLACE}:service/shop/basket"


def definition(revision: int) -> str:
    return f"arn:aws:ecs:{PLACE}:task-definition/basket:{revision}"


def services(flight: Flight, **ask: Any) -> dict[str, Any]:
    wanted = ask or {"parents": (Parent(key="shop"),)}
    found = list(collect.services(flight.reach(), Ask(**wanted)))
    return {item.parent if isinstance(item, Covered) else item.key: item for item in found}


def test_a_service_is_read_in_full(full):
    basket = services(full)["shop/basket"]
    assert (basket.status, basket.state) == ("FAILED", "failed")
    assert [one["task_definition"] for one in basket.deployments] == [
        definition(12),
        definition(11),
    ]
    assert basket.deployments[0]["failed"] == 3
    assert len(basket.events) == 10
    assert [event["trouble"] for event in basket.events[:3]] == [True, True, False]
    assert basket.definitions == "basket:11 basket:12"
    assert basket.deployment_configuration["alarms"] == ["basket-5xx"]
    assert LinkTo("runs in", "ecs.cluster", CLUSTER) in basket.links
    assert LinkTo("runs", "ecs.taskdefinition", definition(11)) in basket.links
    group = f"arn:aws:elasticloadbalancing:{PLACE}:targetgroup/basket/73e2d6bc24d8a067"
    assert LinkTo("serves", "ec2.targetgroup", group, owning=True) in basket.links


def test_services_cost_a_list_a_cluster_and_a_description_for_each_ten(full):
    arns = [f"{BASKET}-{number}" for number in range(23)]
    full.on("ecs:ListServices", {"serviceArns": arns})
    gone = [{"arn": arn, "reason": "MISSING"} for arn in arns]
    full.on(
        "ecs:DescribeServices",
        lambda params: {"failures": [one for one in gone if one["arn"] in params["services"]]},
    )
    found = services(full)
    assert isinstance(found["shop"], Covered)
    assert isinstance(found["shop/basket-7"], Vanished)
    assert full.count() == {"ecs:ListServices": 1, "ecs:DescribeServices": 3}
    assert [len(call["services"]) for call in full.calls("ecs:DescribeServices")] == [10, 10, 3]


def test_stopped_tasks_are_read_of_the_service_in_trouble_alone(full):
    found = services(full)
    asked = full.calls("ecs:ListTasks")
    assert sorted(call["serviceName"] for call in asked) == ["basket", "prices"]
    assert {call["desiredStatus"] for call in asked} == {"STOPPED"}
    [task] = found["shop/basket"].stopped_tasks
    assert (task["code"], task["exit_code"]) == ("ServiceSchedulerInitiated", 137)
    assert task["container_reason"].startswith("OutOfMemoryError")
    assert found["shop/search"].stopped_tasks == []
    calm = Flight().on("ecs:ListServices", {"serviceArns": [BASKET]})
    calm.on(
        "ecs:DescribeServices",
        {"services": [{"serviceArn": BASKET, "serviceName": "basket", "status": "ACTIVE"}]},
    )
    assert services(calm)["shop/basket"].stopped_tasks == []
    assert "ecs:ListTasks" not in calm.count()


def failing(*names: str) -> Flight:
    """A cluster of services whose newest deployments failed."""
    arns = {name: f"arn:aws:ecs:{PLACE}:service/shop/{name}" for name in names}

    def described(params: Any) -> Any:
        wanted = [name_in(arn) for arn in params["services"]]
        deployment = {"id": "d", "status": "PRIMARY", "rolloutState": "FAILED"}
        return {
            "services": [
                {
                    "serviceArn": arns[name],
                    "serviceName": name,
                    "status": "ACTIVE",
                    "deployments": [deployment],
                }
                for name in wanted
            ]
        }

    flight = Flight().on("ecs:ListServices", {"serviceArns": list(arns.values())})
    return flight.on("ecs:DescribeServices", described)


def test_the_newest_of_many_stopped_tasks_are_found_on_whatever_page_they_stand():
    def listed(params: Any) -> Any:
        page = int(params.get("nextToken", "0"))
        arns = [f"arn:aws:ecs:{PLACE}:task/shop/{page * 100 + number}" for number in range(100)]
        return {"taskArns": arns, "nextToken": str(page + 1)}

    def described(params: Any) -> Any:
        # ECS lists them in no order: the newest stand in the middle.
        numbers = [int(name_in(arn)) for arn in params["tasks"]]
        return {
            "tasks": [
                {
                    "taskArn": f"arn:aws:ecs:{PLACE}:task/shop/{number}",
                    "stoppedAt": 1794990000 - abs(number - 150),
                    "stoppedReason": "Essential container in task exited",
                }
                for number in numbers
            ]
        }

    flight = failing("basket").on("ecs:ListTasks", listed).on("ecs:DescribeTasks", described)
    told = services(flight)["shop/basket"].stopped_tasks
    assert told[0]["id"] == "150"
    assert {task["id"] for task in told} == {"148", "149", "150", "151", "152"}
    assert flight.count()["ecs:ListTasks"] == collect.PAGES


def test_so_many_failing_services_of_a_cluster_are_asked_and_the_others_stay_as_they_are():
    names = [f"service-{number:02d}" for number in range(collect.TROUBLED + 5)]
    flight = failing(*names).on("ecs:ListTasks", {"taskArns": []})
    found = services(flight)
    asked = [call["serviceName"] for call in flight.calls("ecs:ListTasks")]
    assert asked == names[: collect.TROUBLED]
    assert found["shop/service-00"].stopped_tasks == []
    assert found["shop/service-14"].stopped_tasks is UNREAD


def test_where_stopped_tasks_may_not_be_read_those_known_stay(full):
    full.on("ecs:ListTasks", Fault("AccessDeniedException", "no"))
    assert services(full)["shop/basket"].stopped_tasks is UNREAD


def test_named_services_are_described_by_cluster_and_missing_ones_have_vanished(full):
    missing = {"arn": f"arn:aws:ecs:{PLACE}:service/shop/old", "reason": "MISSING"}
    full.on("ecs:DescribeServices", {"services": [], "failures": [missing]})
    found = services(full, keys=("shop/old", "elsewhere/x"))
    assert isinstance(found["shop/old"], Vanished)
    assert full.count() == {"ecs:DescribeServices": 2}


@pytest.mark.parametrize("failures", [[], [{"arn": BASKET, "reason": "ACCESS_DENIED"}]])
def test_a_listed_service_that_ecs_does_not_describe_is_not_gone(full, failures):
    full.on("ecs:ListServices", {"serviceArns": [BASKET, f"{BASKET}-2"]})
    other = {"serviceArn": f"{BASKET}-2", "serviceName": "basket-2", "status": "ACTIVE"}
    full.on("ecs:DescribeServices", {"services": [other], "failures": failures})
    assert set(services(full)) == {"shop/basket-2"}
    assert services(full, keys=("shop/basket", "shop/basket-2")).keys() == {"shop/basket-2"}
    reach = full.reach()
    list(collect.services(reach, Ask(parents=(Parent(key="shop"),))))
    outcome = reach.outcomes["ecs:DescribeServices"]
    assert (outcome.failure is not None) == bool(failures)
    assert not failures or BASKET in outcome.failure.message


def test_a_listed_cluster_that_ecs_does_not_describe_is_not_gone(full):
    full.on("ecs:ListClusters", {"clusterArns": [CLUSTER, f"{CLUSTER}-2", f"{CLUSTER}-3"]})
    failures = [
        {"arn": f"{CLUSTER}-2", "reason": "ACCESS_DENIED"},
        {"arn": f"{CLUSTER}-3", "reason": "MISSING"},
    ]
    told = {"clusterArn": CLUSTER, "clusterName": "shop", "status": "ACTIVE"}
    full.on("ecs:DescribeClusters", {"clusters": [told], "failures": failures})
    found = list(collect.clusters(full.reach(), Ask()))
    assert [(one.key, one.status) for one in found] == [("shop", "ACTIVE"), ("shop-2", UNREAD)]
    named = list(collect.clusters(full.reach(), Ask(keys=("shop", "shop-2", "shop-3"))))
    assert [one.key for one in named] == ["shop", "shop-3"]
    assert isinstance(named[1], Vanished)


def test_a_deleted_service_that_ecs_still_describes_is_gone(full):
    dead = {"serviceArn": BASKET, "serviceName": "basket", "status": "INACTIVE"}
    full.on("ecs:DescribeServices", {"services": [dead]})
    assert isinstance(services(full, keys=("shop/basket",))["shop/basket"], Vanished)


def test_services_of_a_cluster_that_is_gone_went_with_it(full):
    full.on("ecs:ListServices", Fault("ClusterNotFoundException", "Cluster not found."))
    assert isinstance(services(full)["shop"], Covered)
    full.on("ecs:DescribeServices", Fault("ClusterNotFoundException", "Cluster not found."))
    assert isinstance(services(full, keys=("shop/basket",))["shop/basket"], Vanished)


def test_a_cluster_that_may_not_be_described_is_a_name_with_services(full):
    full.on("ecs:DescribeClusters", Fault("AccessDeniedException", "no"))
    [cluster] = collect.clusters(full.reach(), Ask())
    assert (cluster.key, cluster.status) == ("shop", UNREAD)


def test_an_account_without_clusters_costs_one_call(empty):
    assert list(collect.clusters(empty.reach(), Ask())) == []
    assert empty.count() == {"ecs:ListClusters": 1}


def test_a_task_definition_is_described_once_and_without_anything_secret(full):
    fields = {"task_definition": definition(12), "deployments": [], "task_sets": []}
    asked = Ask(parents=(Parent(key="shop/basket", fields=fields),))
    found = list(collect.task_definitions(full.reach(), asked))
    [record] = [item for item in found if not isinstance(item, Covered | Ended)]
    assert PLANTED not in repr(record)
    app, forwarder = record.containers
    assert app["image"].endswith("basket:4f2a912")
    assert app["environment"] == ["DB_PASSWORD", "STAGE"]
    assert app["secrets"][0]["name"] == "API_KEY"
    assert forwarder["log"] == {}
    groups = [link.to for link in record.links if link.to_kind == "cloudwatch.loggroup"]
    assert groups == [f"arn:aws:logs:{PLACE}:log-group:/ecs/basket"]
    known = {"basket:12": definition(12)}
    again = Ask(parents=asked.parents, known=known)
    list(collect.task_definitions(full.reach(), again))
    assert full.count() == {"ecs:DescribeTaskDefinition": 1}


def test_a_service_whose_task_definition_cannot_be_read_is_asked_again(full):
    fields = {"task_definition": definition(12), "deployments": [], "task_sets": []}
    full.on("ecs:DescribeTaskDefinition", Fault("AccessDeniedException", "no"))
    asked = Ask(parents=(Parent(key="shop/basket", fields=fields),))
    assert list(collect.task_definitions(full.reach(), asked)) == []


def service(**members: Any) -> Any:
    answer = {"serviceArn": BASKET, "status": "ACTIVE", "desiredCount": 2, "runningCount": 2}
    return service_record("shop", {**answer, **members})


def primary(rollout: str, **members: Any) -> dict[str, Any]:
    return {
        "id": "ecs-svc/1",
        "status": "PRIMARY",
        "rolloutState": rollout,
        "runningCount": 2,
        "taskDefinition": definition(1),
        **members,
    }


UNPLACED = {
    "id": "e",
    "message": "(service basket) was unable to place a task because no container instance met all "
    "of its requirements.",
}
BACK = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/0."


@pytest.mark.parametrize(
    ("members", "state", "word"),
    [
        ({"deployments": [primary("COMPLETED")]}, "done", "COMPLETED"),
        ({"deployments": [primary("IN_PROGRESS")]}, "moving", "IN_PROGRESS"),
        ({"deployments": [primary("FAILED")]}, "failed", "FAILED"),
        (
            {"deployments": [primary("COMPLETED", rolloutStateReason=BACK)]},
            "failed",
            "ROLLED_BACK",
        ),
        # Nothing of it runs, and it never ends.
        (
            {"deployments": [primary("IN_PROGRESS", runningCount=0, failedTasks=4)]},
            "failed",
            "STUCK",
        ),
        (
            {"deployments": [primary("IN_PROGRESS", runningCount=0)], "events": [UNPLACED]},
            "failed",
            "STUCK",
        ),
        ({"deployments": [primary("IN_PROGRESS", runningCount=0)]}, "moving", "IN_PROGRESS"),
        ({"deployments": [primary("COMPLETED")], "runningCount": 1}, "moving", "COMPLETED"),
        (
            {"deployments": [primary("COMPLETED")], "runningCount": 1, "events": [UNPLACED]},
            "failed",
            "STUCK",
        ),
        ({"deployments": [primary("PAUSED")]}, "unknown", "PAUSED"),
        # ECS of an older answer tells of no rollout.
        ({"deployments": [primary("")]}, "done", "ACTIVE"),
        ({"status": "DRAINING"}, "moving", "DRAINING"),
        ({"taskSets": [{"id": "t", "stabilityStatus": "STABILIZING"}]}, "moving", "ACTIVE"),
    ],
)
def test_a_service_fares_as_its_newest_deployment_does(members, state, word):
    record = service(**members)
    assert (record.state, record.status) == (state, word)


def test_a_service_that_codedeploy_deploys_runs_its_primary_task_set():
    sets = [
        {"id": "old", "status": "ACTIVE", "taskDefinition": definition(3)},
        {"id": "new", "status": "PRIMARY", "taskDefinition": definition(4)},
    ]
    record = service(taskDefinition=definition(1), taskSets=sets)
    assert record.task_definition == definition(4)
    assert record.definitions == "basket:3 basket:4"


def row(**columns: Any) -> Service:
    return Service(state="failed", **columns)


NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


def event(minutes: int, message: str) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=minutes)).isoformat()
    return {"id": str(minutes), "at": at, "message": message, "trouble": True}


FAILED = event(
    1, "(service basket) (deployment ecs-svc/2) deployment failed: tasks failed to start."
)
ILL = event(
    2,
    "(service basket) (port 8080) is unhealthy in (target-group x) due to (reason Health checks "
    "failed with these codes: [502]).",
)
PULLED = {"at": FAILED["at"], "reason": "CannotPullContainerError: a:1: not found", "code": "x"}


def test_the_event_that_gives_a_reason_comes_first_then_what_stopped_tasks_say():
    lines = why.why(row(events=[FAILED, ILL], stopped_tasks=[PULLED])).split("\n")
    assert "Health checks failed with these codes: [502]" in lines[0]
    assert lines[1] == "Stopped task: CannotPullContainerError: a:1: not found"
    assert lines[2] == "basket (deployment ecs-svc/2) deployment failed: tasks failed to start."


def test_an_exit_code_is_told_with_its_container():
    task = {"reason": "Essential container in task exited", "exit_code": 1, "container": "app"}
    assert why.why(row(stopped_tasks=[task])) == (
        "Stopped task: Essential container in task exited (app: exit code 1)"
    )


def test_a_service_of_which_ecs_says_nothing_says_so():
    assert why.why(row()).startswith("The service does not run what it should")
    assert why.why(Service(state="done", events=[FAILED])) == ""


def test_an_action_hears_only_of_what_went_wrong_while_it_ran():
    troubled = row(events=[FAILED, ILL], stopped_tasks=[PULLED])
    assert "[502]" in why.why_then(troubled, NOW - timedelta(minutes=5), NOW)
    assert why.why_then(troubled, NOW - timedelta(hours=3), NOW - timedelta(hours=2)) == ""
    assert why.why_then(troubled, NOW, None) == ""


def test_what_is_quoted_is_a_sentence_of_the_service_without_advice():
    said = (
        "(service basket) was unable to place a task. Reason: no room. For more information, see "
        "the Troubleshooting section of the Amazon ECS Developer Guide."
    )
    assert why.said_in(said) == "basket was unable to place a task. Reason: no room."
    said = "(service basket, taskSet ecs-svc/12) has begun draining connections on 1 tasks."
    assert why.said_in(said) == (
        "basket (taskSet ecs-svc/12) has begun draining connections on 1 tasks."
    )
    assert why.said_in("Something else (service basket).") == "Something else (service basket)."


@pytest.mark.parametrize(
    ("image", "repository", "version"),
    [
        ("111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/basket:4f2a", "basket", "4f2a"),
        ("localhost:5000/basket", "basket", ""),
        ("nginx", "nginx", ""),
        ("nginx@sha256:abc", "nginx", "sha256:abc"),
        ("nginx:1.27@sha256:abc", "nginx", "1.27"),
        (None, "", ""),
    ],
)
def test_an_image_is_told_by_its_repository_and_version(image, repository, version):
    told = split_image({"name": "app", "image": image})
    assert (told["repository"], told["version"]) == (repository, version)


def test_events_name_services_by_the_envelopes_resources_in_both_forms():
    long, old = BASKET, f"arn:aws:ecs:{PLACE}:service/basket"
    assert list(_services_of({"resources": [long]})) == [
        Names(kind="ecs.service", key="shop/basket")
    ]
    named = {"resources": [old], "clusterArn": CLUSTER}
    assert list(_services_of(named)) == [Names(kind="ecs.service", key="shop/basket")]
    assert list(_services_of({"resources": [old]})) == []
    assert list(_services_of({})) == []


def test_an_event_is_read_whole_as_eventbridge_sends_it():
    envelope = {
        "source": "aws.ecs",
        "detail-type": "ECS Deployment State Change",
        "account": ACCOUNT,
        "region": REGION,
        "resources": [BASKET, 7],
        "detail": {"eventName": "SERVICE_DEPLOYMENT_FAILED", "deploymentId": "ecs-svc/1"},
    }
    assert names_in(event_of(envelope)) == [Names(kind="ecs.service", key="shop/basket")]
    assert names_in(event_of({**envelope, "resources": "all of them"})) == []


def test_api_calls_name_the_service_by_name_or_arn():
    by_name = {"requestParameters": {"cluster": "shop", "service": "basket"}}
    by_arn = {"requestParameters": {"cluster": CLUSTER, "service": BASKET}}
    made = {"requestParameters": {"serviceName": "basket"}}
    wanted = [Names(kind="ecs.service", key="shop/basket")]
    assert list(_service_called_on(by_name)) == list(_service_called_on(by_arn)) == wanted
    assert list(_service_called_on(made)) == [Names(kind="ecs.service", key="default/basket")]


def test_a_task_that_stopped_names_the_service_it_belongs_to():
    detail = {"group": "service:basket", "clusterArn": CLUSTER, "lastStatus": "STOPPED"}
    assert list(_services_of_task(detail)) == [Names(kind="ecs.service", key="shop/basket")]
    running = {"source": "aws.ecs", "detail-type": "ECS Task State Change"}
    assert names_in(event_of({**running, "detail": {**detail, "lastStatus": "RUNNING"}})) == []
    assert list(_services_of_task({**detail, "group": "family:batch"})) == []


def test_what_this_version_has_not_heard_of_is_taken_as_it_comes(full):
    new = {"serviceArn": BASKET, "status": "HIBERNATING", "novelty": [1]}
    full.on("ecs:DescribeServices", Unmodelled({"services": [new]}))
    assert services(full)["shop/basket"].state == "unknown"
    assert task_definition_record("s", {"taskDefinitionArn": definition(1)}).containers == []
    assert service_key(BASKET) == "shop/basket"
