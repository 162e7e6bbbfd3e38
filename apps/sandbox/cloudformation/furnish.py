"""The default scenario's stacks: sound, drifted, rolled back, to be reviewed, come and gone."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudformation import changesets, engine, samples
from apps.sandbox.cloudformation.drift import detect_drift
from apps.sandbox.cloudformation.ending import USER
from apps.sandbox.cloudformation.model import Stack, StackStore, Wanted
from apps.sandbox.cloudformation.nested import defaults
from apps.sandbox.cloudformation.template import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.world import Place, World

SHOP, TOOLS = "111122223333", "444455556666"
HOUR = 3600.0
#: How long the past is.
PAST_HOURS = 7.5 * 24
#: Virtual seconds between what happens to the ledger, and to the previews.
LEDGER_EVERY, PREVIEW_EVERY = 900.0, 700.0


def furnish(world: World) -> None:
    """Put stacks where the past begins, and what happens to them on the heap."""
    _shop(world.place(SHOP, "eu-west-1"))
    _media(world.place(SHOP, "us-east-1"))
    _orders(world.place(TOOLS, "eu-west-1"))
    _fraud(world.place(TOOLS, "us-east-1"))


def make(place: Place, name: str, body: str, **more: Any) -> Stack:
    """A stack that begins to come up."""
    store, template = place.of(StackStore), parse(body)
    stack = Stack(
        place,
        name,
        store.new_id(name),
        body,
        template,
        place.world.now(),
        values=defaults(template),
        made_up=True,
        **more,
    )
    store.stacks[name] = stack
    engine.create(stack)
    return stack


def change(stack: Stack, body: str) -> None:
    """Update a stack, where nothing is under way in it."""
    if not stack.moving and stack.deleted is None:
        template = parse(body)
        engine.update(stack, Wanted(body, template, {**defaults(template), **stack.values}))


def _later(place: Place, hours: float, deed: Any) -> None:
    """Do something so many hours after the past's beginning."""
    place.world.scheduler.at(place.world.now() + hours * HOUR, deed)


def _shop(place: Place) -> None:
    store = place.of(StackStore)
    store.library |= {samples.NETWORK_URL: samples.NETWORK, samples.DATA_URL: samples.DATA}
    store.sources["shared-network"] = samples.shared_network
    deployer = f"arn:aws:iam::{place.account}:role/service-role/cloudformation-deploy"
    topic = place.arn("sns", "deployments")
    make(
        place,
        "shared-network",
        samples.shared_network(0),
        role=deployer,
        tags={"team": "platform"},
        protected=True,
    )
    make(place, "shop-platform", samples.platform("10.1.0.0/16"), tags={"team": "checkout"})
    delivery = make(
        place,
        "checkout-web-delivery",
        samples.PIPELINE,
        tags={"team": "checkout"},
        capabilities=["CAPABILITY_NAMED_IAM"],
        topics=[topic],
    )

    def by_hand() -> None:
        build = delivery.resources["Build"]
        build.touched, build.actual = "MODIFIED", samples.BUILD_BY_HAND
        delivery.resources["Application"].touched = "DELETED"
        detect_drift(delivery)

    _later(place, 30, by_hand)
    ledger = make(
        place,
        "payments-ledger",
        samples.ledger(512),
        tags={"team": "payments"},
        rollback_configuration={
            "RollbackTriggers": [
                {
                    "Arn": place.arn("cloudwatch", "alarm:payments-ledger-late"),
                    "Type": "AWS::CloudWatch::Alarm",
                }
            ],
            "MonitoringTimeInMinutes": 5,
        },
    )
    _later(place, 100, lambda: change(ledger, samples.ledger(1024)))
    _later(place, 176, lambda: change(ledger, samples.ledger(16_384)))

    warehouse = Stack(
        place,
        "new-warehouse",
        store.new_id("new-warehouse"),
        samples.WAREHOUSE,
        parse(samples.WAREHOUSE),
        place.world.now(),
        values=defaults(parse(samples.WAREHOUSE)),
        made_up=True,
        tags={"team": "logistics"},
    )

    def propose() -> None:
        warehouse.created = place.world.now()
        store.stacks[warehouse.name] = warehouse
        warehouse.tell(None, "REVIEW_IN_PROGRESS", USER)
        wanted = Wanted(warehouse.body, warehouse.template, warehouse.values)
        words = {"Description": "The first version"}
        changesets.make(warehouse, "first-version", wanted, words, creates=True)

    _later(place, 150, propose)


def _media(place: Place) -> None:
    store = place.of(StackStore)
    store.sources["image-resizer"] = samples.image_resizer
    store.sources["shared-network-replica"] = samples.shared_network
    make(
        place,
        "image-resizer",
        samples.image_resizer(0),
        tags={"team": "media"},
        capabilities=["CAPABILITY_IAM"],
    )
    make(place, "shared-network-replica", samples.shared_network(0), tags={"team": "platform"})


def _orders(place: Place) -> None:
    store = place.of(StackStore)
    store.library |= {samples.NETWORK_URL: samples.NETWORK, samples.DATA_URL: samples.DATA}
    orders = make(
        place, "orders-platform", samples.platform("10.4.0.0/16"), tags={"team": "orders"}
    )
    # The bucket's name is somebody else's: the nested stack says so, and its parent goes back.
    _later(place, 171, lambda: change(orders, samples.platform("10.4.0.0/16", "shared-artifacts")))
    _later(place, 160, lambda: make(place, "nightly-runner", samples.RUNNER))
    ledger = make(place, "refunds-ledger", samples.ledger(256).replace("payments", "refunds"))
    _again_and_again(place, LEDGER_EVERY, 12, functools.partial(_book, ledger))
    _again_and_again(place, PREVIEW_EVERY, 20, functools.partial(_preview, place))


def _fraud(place: Place) -> None:
    limited = f"arn:aws:iam::{place.account}:role/limited-deploy"
    _later(place, 140, lambda: make(place, "fraud-model-roles", samples.ROLES, role=limited))
    _later(
        place,
        155,
        lambda: make(place, "fraud-scorer", samples.SCORER, capabilities=["CAPABILITY_IAM"]),
    )


def _again_and_again(place: Place, every: float, hours: float, deed: Callable[[int], None]) -> None:
    """Do something every so many ``hours`` of the past, then ``every`` so many virtual seconds."""
    world = place.world
    past = int((PAST_HOURS - 1) // hours)
    for number in range(1, past + 1):
        _later(place, number * hours, functools.partial(deed, number))

    def living(number: int) -> None:
        # At speed 0 work is done to its end; this has none.
        if world.scheduler.speed > 0:
            deed(number)
            wait = world.chance(place.account, every, number).uniform(0.7, 1.3) * every
            world.scheduler.after(wait, functools.partial(living, number + 1))

    _later(place, PAST_HOURS + 0.003, functools.partial(living, past + 1))


def _book(ledger: Stack, number: int) -> None:
    """Change a ledger; each fourth time somebody asks for too much memory."""
    memory = 16_384 if number % 4 == 0 else 256 + number % 6 * 64
    change(ledger, samples.ledger(memory).replace("payments", "refunds"))


def _preview(place: Place, number: int) -> None:
    """Make a preview, and delete the one before."""
    old = place.of(StackStore).stacks.get(f"preview-{number - 1}")
    if old is not None and not old.moving:
        engine.delete(old)
    make(place, f"preview-{number}", samples.PREVIEW, tags={"temporary": "yes"})
