"""What a project costs is said line by line, with the day of the prices and what was assumed."""

from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from apps.wizard.blueprints.cost import ALARMS, HOURS, estimate, prices
from apps.wizard.blueprints.register import BEANSTALK, BLUEPRINTS, LAMBDA
from apps.wizard.blueprints.rendering import render

from .cases import SOURCES, answers, document

EVERY = pytest.mark.parametrize("blueprint", BLUEPRINTS.values(), ids=list(BLUEPRINTS))
TABLE = prices()
ENTRIES = {name: entry for name, entry in TABLE.items() if isinstance(entry, dict)}
REGIONS = ("us-east-1", "eu-west-1")


def lines(blueprint, **more):
    return {one.what: one for one in estimate(blueprint, answers(blueprint, **more)).lines}


@EVERY
def test_the_total_is_the_sum_of_its_lines(blueprint):
    found = estimate(blueprint, answers(blueprint))
    assert found.total == sum(line.monthly for line in found.lines)
    assert found.total > 1
    for line in found.lines:
        assert line.quantity > 0
        assert len(str(line.quantity % 1)) <= len("0.25"), "more places than tell anything"
        assert line.unit
        assert line.unit_price is not None
        assert abs(line.monthly - line.quantity * line.unit_price) <= Decimal("0.005")


@EVERY
def test_an_estimate_says_of_which_day_and_region_it_is_and_what_it_assumes(blueprint):
    found = estimate(blueprint, answers(blueprint))
    assert found.dated == TABLE["dated"]
    assert (found.region, found.priced_in, found.currency) == ("eu-west-1", "eu-west-1", "USD")
    assert len(found.assumptions) >= 4
    assert all(one.endswith(".") for one in (*found.assumptions, *found.notes))


@EVERY
def test_the_alarms_that_are_counted_are_the_ones_that_are_made(blueprint):
    made = render(blueprint, answers(blueprint))
    templates = [made.toolchain]
    if blueprint.target == LAMBDA:
        templates.append(made.files["template.yml"].decode())
    alarms = [
        resource
        for text in templates
        for resource in document(text)["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]
    assert len(alarms) == ALARMS[blueprint.target]


def test_a_function_costs_next_to_nothing_and_instances_all_day():
    function = estimate(
        BLUEPRINTS["lambda-python-service"], answers(BLUEPRINTS["lambda-python-service"])
    )
    fleet = estimate(BLUEPRINTS["ec2-python-app"], answers(BLUEPRINTS["ec2-python-app"]))
    assert function.total < fleet.total
    hours = lines(BLUEPRINTS["ec2-python-app"])["Instances (t3.micro)"]
    assert hours.quantity == HOURS
    assert hours.monthly == Decimal("8.32")


def test_a_load_balancer_costs_more_than_what_is_behind_it():
    blueprint = BLUEPRINTS["beanstalk-python-app"]
    single, balanced = lines(blueprint), lines(blueprint, load_balanced=True)
    assert "Application Load Balancer" not in single
    assert balanced["Application Load Balancer"].monthly == Decimal("18.40")
    assert balanced["Instances (t3.micro)"].quantity == 2 * HOURS
    # Two instances, and the balancer in two subnets.
    assert balanced["Public IPv4 addresses"].quantity == 4 * HOURS


def test_nobody_pays_codecommit_for_github():
    blueprint = BLUEPRINTS["lambda-python-service"]
    assert "People who use CodeCommit" in lines(blueprint)
    assert "People who use CodeCommit" not in lines(blueprint, **SOURCES["github"])


def test_another_region_is_estimated_with_the_standards_prices_and_says_so():
    blueprint = BLUEPRINTS["ec2-python-app"]
    found = estimate(blueprint, answers(blueprint, region="ap-southeast-2"))
    assert (found.region, found.priced_in) == ("ap-southeast-2", "us-east-1")
    assert any("ap-southeast-2" in note for note in found.notes)


def test_a_price_that_is_missing_is_said_and_not_guessed():
    blueprint = BLUEPRINTS["ec2-python-app"]
    found = estimate(blueprint, answers(blueprint, instance_type="m7i.large"))
    (line,) = (one for one in found.lines if one.what == "Instances (m7i.large)")
    assert line.unit_price is None
    assert line.monthly == 0
    assert found.unpriced == ("Instances (m7i.large)",)
    assert any("m7i.large" in note and "https://" in note for note in found.notes)


@EVERY
def test_prices_that_nobody_confirmed_are_named(blueprint):
    notes = " ".join(estimate(blueprint, answers(blueprint)).notes)
    assert "Not confirmed" in notes
    unconfirmed = {one["what"] for one in ENTRIES.values() if "eu-west-1" not in one["confirmed"]}
    for line in estimate(blueprint, answers(blueprint)).lines:
        assert (line.what in notes) == (line.what in unconfirmed)


def test_a_way_out_of_the_network_is_named_where_the_build_needs_one():
    blueprint = BLUEPRINTS["lambda-python-service"]
    found = estimate(blueprint, answers(blueprint, build_in_vpc=True))
    assert any("NAT" in one for one in found.assumptions)


@pytest.mark.parametrize("name", list(ENTRIES))
def test_every_price_has_its_unit_source_and_regions(name):
    entry = ENTRIES[name]
    assert entry["what"]
    assert entry["unit"]
    assert entry["seen"]
    assert urlsplit(entry["source"]).hostname == "aws.amazon.com"
    assert set(entry["confirmed"]) <= set(REGIONS)
    for region in REGIONS:
        of_region = entry[region].values() if isinstance(entry[region], dict) else [entry[region]]
        assert all(price > 0 for price in of_region)


def test_every_price_is_used_by_some_template():
    used = set()
    for blueprint in BLUEPRINTS.values():
        used |= set(lines(blueprint))
        if blueprint.target == BEANSTALK:
            used |= set(lines(blueprint, load_balanced=True))
    unused = [
        entry["what"]
        for entry in ENTRIES.values()
        if not any(what.startswith(entry["what"]) for what in used)
    ]
    assert unused == []


def test_one_of_a_thing_is_told_in_the_singular():
    told = {line.unit: line.quantity for line in lines(BLUEPRINTS["ec2-static-page"]).values()}
    assert told["key version"] == 1
    assert told["minutes"] > 1
    assert "minute" not in told


def test_the_table_has_a_date_and_a_currency():
    assert isinstance(TABLE["dated"], date)
    assert TABLE["currency"] == "USD"
    assert TABLE["standard"] in REGIONS
