"""What the default scenario has of Elastic Beanstalk: past deployments, and health that swings."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.sandbox.beanstalk import engine, failures, managed
from apps.sandbox.beanstalk.acts import make_application, make_version
from apps.sandbox.beanstalk.model import COLORS, PLATFORMS, Environment
from apps.sandbox.beanstalk.told import fare, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.sandbox.world import World

HOUR = 3600.0
#: How long before the present the default scenario begins.
PAST = 7.5 * 24 * HOUR
#: Virtual seconds between two swings of an environment's health, and how long one lasts.
BETWEEN, LASTING = (500.0, 1100.0), (90.0, 200.0)
MESSAGES = (
    "Show stock per store",
    "Raise the session timeout",
    "Retry the mail gateway",
    "Drop the old price table",
    "Sort orders by date",
)


@dataclass(frozen=True)
class Plan:
    """An environment: where, what like, and what became of it.

    ``versions`` were deployed evenly over its past. ``last`` is how many hours ago the newest was,
    ``fails`` how that one failed. ``causes`` (with ``health``) is what it has come to since, for
    ``hours``. ``due`` is in how many hours AWS is to update its platform; ``denied`` how many hours
    ago it could not, for want of a permission. ``swings`` are the causes of warnings that come and
    go by themselves. ``becomes`` is the platform that AWS updated it to two days ago.
    """

    account: str
    application: str
    name: str
    description: str = ""
    platform: str = "python"
    tier: str = "WebServer"
    policy: str = "AllAtOnce"
    enhanced: bool = True
    size: int = 2
    versions: int = 4
    last: float = 9.0
    fails: str = ""
    health: str = ""
    causes: tuple[str, ...] = ()
    hours: float = 1.0
    swings: tuple[str, ...] = ()
    terminated: float = 0.0
    becomes: str = ""
    due: float = 0.0
    denied: float = 0.0
    settings: Mapping[tuple[str, str], str] = field(default_factory=dict)


REGION = "eu-west-1"
PLANS = (
    Plan(
        "111122223333",
        "storefront",
        "storefront-web-prod",
        "The shop's pages",
        policy="Rolling",
        size=3,
        versions=6,
        platform="python before",
        due=29.0,
        swings=(
            "12.5% of the requests are failing with HTTP 4xx.",
            "p99 latency of 4.2 seconds is above the usual 0.6 seconds.",
        ),
        settings={
            ("aws:elasticbeanstalk:application:environment", "DATABASE_URL"): (
                "postgres://shop:sandbox-secret-marker-4@db.internal/shop"
            )
        },
    ),
    Plan(
        "111122223333",
        "storefront",
        "storefront-mail-worker",
        "Sends what customers are told",
        platform="node before",
        becomes="node",
        tier="Worker",
        policy="Immutable",
        versions=3,
        last=31.0,
        swings=("4 messages in the dead letter queue.",),
    ),
    Plan(
        "111122223333",
        "loyalty",
        "loyalty-api-prod",
        "Points and vouchers",
        versions=3,
        last=20.0,
        health="Degraded",
        causes=(
            "37% of requests are failing with HTTP 5xx.",
            "Process default has been unhealthy for 14 minutes (Target.Timeout).",
        ),
    ),
    Plan(
        "111122223333",
        "reporting",
        "reporting-web-prod",
        "Figures of the day",
        platform="node",
        versions=4,
        last=2.0,
        fails="npm",
    ),
    Plan(
        "111122223333",
        "reporting",
        "reporting-api-staging",
        "Tries what comes next",
        policy="Rolling",
        versions=3,
        last=5.0,
        fails=failures.TIMEOUT,
    ),
    Plan("111122223333", "reporting", "reporting-web-spring", versions=1, terminated=1.5),
    Plan(
        "111122223333",
        "intranet",
        "intranet-prod",
        "One machine, basic health",
        enhanced=False,
        size=1,
        versions=2,
        last=70.0,
    ),
    Plan(
        "444455556666",
        "data-platform",
        "data-platform-dev",
        platform="python before",
        versions=1,
        last=150.0,
        denied=44.0,
    ),
)


def furnish(world: World) -> None:
    """Put them on the heap of the past, and let them live from then on."""
    begin = world.now()
    for plan in PLANS:
        world.scheduler.at(begin + 60, functools.partial(_make, world, plan, begin + PAST))


def _make(world: World, plan: Plan, present: float) -> None:
    application = make_application(world.place(plan.account, REGION), plan.application)
    environment = engine.make_environment(
        application,
        plan.name,
        description=plan.description,
        platform=PLATFORMS[plan.platform],
        tier=plan.tier,
        policy=plan.policy,
        enhanced=plan.enhanced,
        size=plan.size,
        settings=dict(plan.settings),
    )
    first = make_version(application, f"{plan.name}-1.0.0", description="First release")
    engine.launch(environment, first)
    at = world.scheduler.at
    gap = (PAST - plan.last * HOUR - 2 * HOUR) / max(1, plan.versions)
    for number in range(1, plan.versions + 1):
        moment = present - plan.last * HOUR - gap * (plan.versions - number)
        fails = plan.fails if number == plan.versions else ""
        at(moment, functools.partial(_release, environment, number, fails))
    if plan.causes:
        began = present - plan.hours * HOUR
        at(began, functools.partial(_worsen, environment, plan.health, plan.causes))
    if plan.terminated:
        at(present - plan.terminated * HOUR, functools.partial(engine.terminate, environment))
    _manage(environment, plan, present)
    if plan.swings:
        for hours in (60.0, 33.0, 6.0):
            at(present - hours * HOUR, functools.partial(_swing, environment, plan.swings))
        if world.lives:
            at(present + 1, functools.partial(_live, environment, plan.swings))


def _manage(environment: Environment, plan: Plan, present: float) -> None:
    """Let AWS update its platform: two days ago, in vain, or in a window that is to come."""
    world = environment.place.world
    if plan.becomes:
        platform, window = PLATFORMS[plan.becomes], present - 50 * HOUR
        action = managed.schedule(environment, platform, window)
        world.scheduler.at(window, functools.partial(managed.run, environment, action, platform))
    if plan.denied:
        window = present - plan.denied * HOUR
        action = managed.schedule(environment, PLATFORMS["python"], window)
        words = (
            "Access denied while accessing Auto Scaling and Elastic Load Balancing using role "
            f"arn:aws:iam::{plan.account}:role/aws-elasticbeanstalk-service-role. "
            "Verify the role policy."
        )
        deed = functools.partial(managed.fail, environment, action, "PermissionsError", words)
        world.scheduler.at(window, deed)
    if plan.due:
        platform, window = PLATFORMS["python"], present + plan.due * HOUR
        action = managed.schedule(environment, platform, window)
        # At speed 0 what is to come would be at once.
        if world.scheduler.speed > 0:
            run = functools.partial(managed.run, environment, action, platform)
            world.scheduler.at(window, run)


def _release(environment: Environment, number: int, fails: str) -> None:
    if environment.status != "Ready":
        return
    label = f"{environment.name}-1.{number}.0"
    words = MESSAGES[(number + len(environment.name)) % len(MESSAGES)]
    version = make_version(
        environment.application, label, description=words, process=True, status="Processed"
    )
    engine.deploy(environment, version, engine.Order(fails=fails))


def _worsen(environment: Environment, health: str, causes: tuple[str, ...]) -> None:
    for instance in environment.instances[:1]:
        instance.health, instance.causes = health, (causes[-1],)
    fare(environment, health, *causes)
    if COLORS[health] == "Red":
        say(
            environment,
            "One or more TargetGroups associated with the environment are in a "
            "reduced health state: awseb-default - Warning",
            "WARN",
        )


def _swing(environment: Environment, causes: tuple[str, ...]) -> None:
    """Warn for a while, where it is well and nobody does anything to it."""
    if environment.status != "Ready" or environment.health != "Ok":
        return
    environment.swings += 1
    chance = engine.chance_of(environment, "swing", environment.swings)
    fare(environment, "Warning", causes[environment.swings % len(causes)])
    back = functools.partial(_recover, environment)
    environment.place.world.scheduler.after(chance.uniform(*LASTING), back)


def _recover(environment: Environment) -> None:
    if environment.status == "Ready" and environment.health == "Warning":
        fare(environment, "Ok")


def _live(environment: Environment, causes: tuple[str, ...]) -> None:
    if environment.terminated is not None:
        return
    _swing(environment, causes)
    chance = engine.chance_of(environment, "live", environment.swings)
    following = functools.partial(_live, environment, causes)
    environment.place.world.scheduler.after(chance.uniform(*BETWEEN), following)
