"""Every template with every meaningful combination of answers, each rendered once."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from apps.wizard.blueprints.answers import Answers
from apps.wizard.blueprints.register import BEANSTALK, BLUEPRINTS, LAMBDA, Blueprint
from apps.wizard.blueprints.rendering import Rendered, read_template, render

ACCOUNT = "111122223333"
REGION = "eu-west-1"
VPC = "vpc-0a1b2c3d4e5f60718"
SUBNETS = ("subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719")
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:codestar-dash-events"
CONNECTION = (
    f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/0a1b2c3d-4e5f-4a5b-8c6d-0a1b2c3d4e5f"
)

#: Where the code comes from.
SOURCES: dict[str, dict[str, Any]] = {
    "codecommit": {},
    "github": {"source": "github", "repository": "example/shop", "connection": CONNECTION},
    "github-new": {"source": "github", "repository": "example/shop"},
}
WATCHED = {"approval": True, "queue": QUEUE, "tags": {"cost-centre": "4711"}}
INSIDE = {"build_in_vpc": True}
OWN_GROUPS = {**INSIDE, "security_groups": ("sg-0a1b2c3d",), "approval": True}
BALANCED = {"load_balanced": True, "queue": QUEUE}
#: What is chosen together: every answer in some case, every two that meet in a template in one.
CASES: dict[str, dict[str, Any]] = {
    "codecommit": SOURCES["codecommit"],
    "codecommit-own-groups-watched": {**SOURCES["codecommit"], **OWN_GROUPS, **WATCHED},
    "github-watched": {**SOURCES["github"], **WATCHED},
    "github-new-inside": {**SOURCES["github-new"], **INSIDE, "queue": QUEUE},
}
BALANCED_CASES: dict[str, dict[str, Any]] = {
    "codecommit-balanced": {**SOURCES["codecommit"], **BALANCED},
    "github-balanced-inside": {**SOURCES["github"], **INSIDE, **BALANCED},
}


def answers(blueprint: Blueprint, **more: Any) -> Answers:
    """Return good answers for a template, with some of them chosen otherwise."""
    plain = Answers(project="shop-web", account=ACCOUNT, region=REGION, team="Team Shop")
    network = {} if blueprint.target == LAMBDA else {"vpc": VPC, "subnets": SUBNETS}
    if more.get("build_in_vpc"):
        network = {"vpc": VPC, "subnets": SUBNETS}
    return replace(plain, **{**network, **more})


def combinations() -> Iterator[tuple[str, Blueprint, Answers]]:
    """Yield each case's name, template and answers."""
    for blueprint in BLUEPRINTS.values():
        more = BALANCED_CASES if blueprint.target == BEANSTALK else {}
        for case, chosen in {**CASES, **more}.items():
            yield f"{blueprint.id}-{case}", blueprint, answers(blueprint, **chosen)


@lru_cache
def rendered() -> dict[str, Rendered]:
    """Return all cases by name."""
    return {name: render(blueprint, chosen) for name, blueprint, chosen in combinations()}


@lru_cache
def document(text: str) -> dict[str, Any]:
    """Return a template as data, read once; nobody may change it."""
    return read_template(text)


@lru_cache
def toolchains() -> dict[str, str]:
    """Return the toolchains of all cases, one of those that differ by a template's name alone.

    Templates with one target have the same toolchain; test_rendering.py holds that they do.
    """
    first = {}
    for name, blueprint, _chosen in combinations():
        case = name.removeprefix(blueprint.id)
        first.setdefault((blueprint.target, case), (name, rendered()[name].toolchain))
    return dict(first.values())


@lru_cache
def of_applications() -> dict[str, str]:
    """Return the templates that applications bring themselves, by the blueprint's id."""
    return {
        blueprint.id: render(blueprint, answers(blueprint)).files["template.yml"].decode()
        for blueprint in BLUEPRINTS.values()
        if blueprint.target == LAMBDA
    }
