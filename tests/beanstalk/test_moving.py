"""What moves is looked at often, by name and with what is said of it; what is well is let be."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from apps.beanstalk.models import Environment
from apps.codepipeline.starters import started
from apps.mirror.due import take
from apps.mirror.models import Hint, Sweep
from apps.mirror.sweep import run
from tests.flight import ACCOUNT, REGION, Flight

from .test_collect import account, environment

HOT = ("beanstalk.environment", "beanstalk.event", "beanstalk.instance")


def look_again(kind: str) -> None:
    """Do what is due hot of a kind, a moment after it became due."""
    Sweep.objects.filter(kind=kind).update(
        hot_due_at=now() - timedelta(seconds=1), due_at=now() + timedelta(minutes=1)
    )
    row = Sweep.objects.get(kind=kind)
    assert take(row)
    run(row)


def moving() -> Flight:
    updating = environment("shop-web", Status="Updating", HealthStatus="Info")
    return account(updating, environment("shop-api"))


def hot(kind: str) -> bool:
    return Sweep.objects.get(kind=kind).hot_due_at is not None


@pytest.mark.parametrize(
    ("kind", "calls"),
    [
        (
            "beanstalk.environment",
            {
                "elasticbeanstalk:DescribeEnvironments": "EnvironmentNames.member.1",
                "elasticbeanstalk:DescribeEnvironmentHealth": "EnvironmentId",
            },
        ),
        ("beanstalk.event", {"elasticbeanstalk:DescribeEvents": "EnvironmentName"}),
        ("beanstalk.instance", {"elasticbeanstalk:DescribeInstancesHealth": "EnvironmentName"}),
    ],
)
def test_an_environment_that_moves_is_looked_at_by_name(
    sweep: Any, kind: str, calls: dict[str, str]
):
    flight = moving()
    sweep(flight)
    assert hot(kind)
    with flight.recorded() as asked:
        look_again(kind)
    assert [operation for operation, _ in asked] == list(calls)
    for operation, params in asked:
        assert params[calls[operation]] in ("shop-web", "e-shop-web")


def test_what_has_come_to_rest_is_let_be(sweep: Any):
    flight = moving()
    sweep(flight)
    rest = {"Environments": [environment("shop-web"), environment("shop-api")]}
    flight.on("elasticbeanstalk:DescribeEnvironments", rest)
    for kind in HOT:
        look_again(kind)
    assert Environment.objects.get(key="shop-web").state == "done"
    assert not any(hot(kind) for kind in HOT)


def test_an_account_where_nothing_moves_is_asked_for_nothing_in_between(sweep: Any):
    sweep(account(environment("shop-web"), environment("shop-api")))
    assert not any(hot(kind) for kind in HOT)


def test_a_version_that_was_just_deployed_is_asked_for_by_name(sweep: Any):
    flight = account(environment("shop-web", VersionLabel="v1"))
    sweep(flight)
    assert not Hint.objects.exists()
    told = environment("shop-web", VersionLabel="v2")
    flight.on("elasticbeanstalk:DescribeEnvironments", {"Environments": [told]})
    sweep(flight, "beanstalk.environment")
    assert Hint.objects.get(kind="beanstalk.version").row_key == "shop/v2"


@pytest.mark.parametrize(
    ("configuration", "arn"),
    [
        (
            {"ApplicationName": "shop", "EnvironmentName": "shop-web"},
            f"arn:aws:elasticbeanstalk:{REGION}:{ACCOUNT}:environment/shop/shop-web",
        ),
        ({"ApplicationName": "shop"}, ""),
        ({"ApplicationName": "shop", "EnvironmentName": "#{variables.Stage}"}, ""),
        ({}, ""),
    ],
)
def test_a_pipelines_action_names_the_environment_it_updates(
    sweep: Any, full: Flight, configuration: dict[str, str], arn: str
):
    action = {"owner": "AWS", "provider": "ElasticBeanstalk", "configuration": configuration}
    link = started(full.reach(), action, "code-pipeline-1766000000000-0a1b2c3d")
    assert (link.to if link else "") == arn
    assert started(full.reach(), {**action, "owner": "Custom"}, "code-pipeline-1") is None
