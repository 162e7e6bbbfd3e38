"""What a project costs a month: assumed quantities, prices of a dated table, and what is free."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from .answers import CODECOMMIT, Answers
from .register import BEANSTALK, EC2, HERE, LAMBDA, Blueprint

HOURS = Decimal(730)
CENT = Decimal("0.01")

# What is assumed of a project in use by a small team; each stands among the estimate's assumptions.
RUNS = 40
BUILD_MINUTES = 3
PIPELINE_MINUTES = 7
PEOPLE = 3
REQUESTS = Decimal("0.3")
SECONDS = Decimal("0.05")
MEMORY_GB = Decimal("0.25")
LOG_GB = Decimal("0.5")
LOG_MONTHS = 3
ARTIFACT_GB = 1
DISK_GB = 10
CAPACITY_UNITS = Decimal("0.1")


@dataclass(frozen=True)
class Line:
    """A part of the cost. `monthly` is before what is free; `free` says what is, if something is.

    `unit_price` is None where the table has no price: then `monthly` is 0, and a note tells.
    """

    what: str
    quantity: Decimal
    unit: str
    unit_price: Decimal | None
    monthly: Decimal
    free: str
    source: str


@dataclass(frozen=True)
class Estimate:
    """What a project costs a month in `currency`, by prices of the day `dated`.

    `priced_in` is the region whose prices were taken; `notes` say where that is another one, which
    prices are missing, and which were not confirmed on that day. `assumptions` say what was assumed
    of its use.
    """

    lines: tuple[Line, ...]
    total: Decimal
    currency: str
    dated: date
    region: str
    priced_in: str
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def unpriced(self) -> tuple[str, ...]:
        """What `total` is without, because the table has no price of it."""
        return tuple(line.what for line in self.lines if line.unit_price is None)


@lru_cache
def prices() -> Mapping[str, Any]:
    """Return the table of prices, numbers as decimals."""
    text = (HERE / "prices.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def estimate(blueprint: Blueprint, answers: Answers) -> Estimate:
    """Return what a template costs with these answers, which have to be good ones."""
    table = prices()
    known = answers.region in table["key"]
    priced_in = answers.region if known else table["standard"]
    lines = []
    notes = []
    unconfirmed = []
    if not known:
        notes.append(
            f"The table has no prices for {answers.region}; these are of {priced_in}. Most regions "
            "differ by less than a third."
        )
    for name, quantity in _used(blueprint, answers):
        entry = table[name]
        price = _price(entry, priced_in, answers.instance_type)
        if price is None:
            notes.append(
                f"The table has no price for {answers.instance_type}: look it up at "
                f"{entry['source']} and add it, for {quantity} hours a month."
            )
        elif priced_in not in entry["confirmed"]:
            unconfirmed.append(entry["what"])
        monthly = ((price or Decimal(0)) * quantity).quantize(CENT, rounding=ROUND_HALF_UP)
        what = f"{entry['what']} ({answers.instance_type})" if name == "instance" else entry["what"]
        unit = entry["unit" if quantity == 1 else "units"]
        lines.append(Line(what, quantity, unit, price, monthly, entry["free"], entry["source"]))
    if unconfirmed:
        notes.append(f"Not confirmed on {table['dated']}, as long known: {', '.join(unconfirmed)}.")
    return Estimate(
        lines=tuple(lines),
        total=sum((line.monthly for line in lines), Decimal(0)),
        currency=table["currency"],
        dated=table["dated"],
        region=answers.region,
        priced_in=priced_in,
        assumptions=tuple(_assumptions(blueprint, answers)),
        notes=tuple(notes),
    )


def _price(entry: Mapping[str, Any], region: str, instance_type: str) -> Decimal | None:
    found = entry[region]
    if isinstance(found, Mapping):
        found = found.get(instance_type)
    return None if found is None else Decimal(found)


def _used(blueprint: Blueprint, answers: Answers) -> Iterator[tuple[str, Decimal]]:
    """Yield what is used of each price in a month."""
    yield "pipeline_minute", Decimal(RUNS * PIPELINE_MINUTES)
    yield "build_minute", Decimal(RUNS * BUILD_MINUTES)
    if answers.source == CODECOMMIT:
        yield "repository_user", Decimal(PEOPLE)
    yield "key", Decimal(1)
    yield "alarm", Decimal(ALARMS[blueprint.target])
    yield "log_ingested", LOG_GB
    yield "log_kept", LOG_GB * LOG_MONTHS
    yield "storage", Decimal(ARTIFACT_GB)
    if blueprint.target == LAMBDA:
        yield "function_request", REQUESTS
        seconds = REQUESTS * 1_000_000 * SECONDS * MEMORY_GB
        # Whole: its factors bring places behind the comma that tell nothing.
        yield "function_time", seconds.quantize(Decimal(1))
        yield "api_request", REQUESTS
    else:
        instances = 2 if answers.load_balanced else 1
        yield "instance", HOURS * instances
        yield "disk", Decimal(DISK_GB * instances)
        # A balancer has an address in each of its subnets' zones.
        balancers = len(answers.subnets) if answers.load_balanced else 0
        yield "address", HOURS * (instances + balancers)
    if answers.load_balanced:
        yield "balancer", HOURS
        yield "balancer_capacity", HOURS * CAPACITY_UNITS


#: How many alarms a template makes, with the one for failed builds.
ALARMS = {LAMBDA: 2, EC2: 3, BEANSTALK: 2}


def _assumptions(blueprint: Blueprint, answers: Answers) -> Iterator[str]:
    yield (
        f"{RUNS} runs of the pipeline a month, each with {PIPELINE_MINUTES} minutes of actions, "
        f"{BUILD_MINUTES} of them a build."
    )
    if answers.source == CODECOMMIT:
        yield f"{PEOPLE} people use the repository."
    yield f"{LOG_GB} GB of logs a month, kept for {LOG_MONTHS}; {ARTIFACT_GB} GB of artifacts."
    if blueprint.target == LAMBDA:
        yield (
            f"{REQUESTS} million requests a month of {SECONDS} seconds each, with {MEMORY_GB} GB "
            "of memory."
        )
    elif answers.load_balanced:
        yield (
            f"Two instances all day with {DISK_GB} GB of disk, a load balancer that needs "
            f"{CAPACITY_UNITS} capacity units, and a public address for each of them and each "
            "subnet."
        )
    else:
        yield f"One instance all day with {DISK_GB} GB of disk and a public address."
    yield "Before anything that is free, and without taxes, support and data sent to the internet."
    yield "CloudFormation, CodeDeploy to EC2, Elastic Beanstalk, IAM and AWS's events cost nothing."
    if answers.build_in_vpc:
        yield "The network's way out (a NAT gateway, endpoints) is there already and not counted."
