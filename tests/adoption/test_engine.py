"""The engine: what hangs together, what is shared, what it is called, and that it stays."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.adoption.engine import propose
from apps.adoption.graph import Edge, spread
from apps.adoption.naming import in_words, stem, together, told_apart
from apps.adoption.seeds import World
from apps.adoption.ways import CORE, WAYS
from tests.adoption.graphs import KINDS, node, shared, told, world

SHOP = (
    "pipeline shop-pipeline > takes > source acme/shop",
    "pipeline shop-pipeline > builds with > build shop-build",
    "pipeline shop-pipeline > deploys > stack shop-prod",
    "stack shop-prod > creates > function shop-api",
    "alarm shop-errors > watches > function shop-api",
    "log /aws/lambda/shop-api > log of > function shop-api",
)
SEARCH = tuple(line.replace("shop", "search") for line in SHOP)
OF_SHOP = {
    "shop-pipeline",
    "shop-build",
    "shop-prod",
    "shop-api",
    "shop-errors",
    "/aws/lambda/shop-api",
}
OF_SEARCH = {name.replace("shop", "search") for name in OF_SHOP}


def test_what_a_pipeline_deploys_and_what_hangs_on_that_is_one_project():
    assert told(propose(world(*SHOP, *SEARCH))) == {"Shop": OF_SHOP, "Search": OF_SEARCH}


def test_each_says_why_it_belongs_step_by_step():
    [one] = propose(world(*SHOP))
    why = {member.node[1]: member.why for member in one.members}
    assert why["shop-errors"] == [
        ["watches", "awslambda.function", "shop-api"],
        ["is made by", "cloudformation.stack", "shop-prod"],
        ["is deployed by", "codepipeline.pipeline", "shop-pipeline, stage Production"],
    ]
    assert why["shop-pipeline"] == [["takes its source from", "repository", "acme/shop"]]


@pytest.mark.parametrize(
    "lines",
    [
        # A network stack that both deploy, with much in it.
        (
            "pipeline shop-pipeline > deploys > stack network",
            "pipeline search-pipeline > deploys > stack network",
            "stack network > creates > function network-cleaner",
            "alarm network-errors > watches > function network-cleaner",
        ),
        # A build project that both use.
        (
            "pipeline shop-pipeline > builds with > build lint",
            "pipeline search-pipeline > builds with > build lint",
        ),
        # A balancer both hang on, with an alarm of its own.
        (
            "stack shop-prod > creates > targets shop-targets",
            "stack search-prod > creates > targets search-targets",
            "targets shop-targets > receives from > balancer shared",
            "targets search-targets > receives from > balancer shared",
            "alarm balancer-errors > watches > balancer shared",
        ),
        # An alarm that asks those of both, a log group that both write to.
        (
            "alarm everything > asks > alarm shop-errors",
            "alarm everything > asks > alarm search-errors",
            "function shop-api > logs to > log common",
            "function search-api > logs to > log common",
        ),
        # A function that both invoke, far from where it is found first.
        (
            "pipeline shop-pipeline > invokes > function notify",
            "stack search-prod > creates > stack search-inner",
            "stack search-inner > creates > function notify",
        ),
        # Pipelines that a stack makes, and one that a second pipeline deploys.
        (
            "stack pipelines > creates > pipeline shop-pipeline",
            "stack pipelines > creates > pipeline search-pipeline",
        ),
        # What they all name and what makes nobody's project.
        (
            "pipeline shop-pipeline > assumes > function role",
            "pipeline search-pipeline > assumes > function role",
            "function shop-api > encrypts with > function role",
        ),
    ],
)
def test_what_both_use_merges_nothing(lines: tuple[str, ...]):
    found = told(propose(world(*SHOP, *SEARCH, *lines)))
    assert found["Shop"] >= OF_SHOP
    assert found["Search"] >= OF_SEARCH
    assert not found["Shop"] & found["Search"]
    for both in ("network", "lint", "shared", "everything", "common", "notify", "pipelines"):
        assert both not in found["Shop"] | found["Search"]


def test_what_is_shared_is_offered_to_each_and_says_with_whom():
    both = (
        "pipeline shop-pipeline > builds with > build lint",
        "pipeline search-pipeline > builds with > build lint",
    )
    found = propose(world(*SHOP, *SEARCH, *both))
    assert shared(found) == {"Shop": {"lint"}, "Search": {"lint"}}
    [lint] = [one for one in found[1].members if one.shared]
    assert (lint.shared, found[1].name) == (("Search",), "Shop")


def test_pipelines_of_one_repository_are_one_project_until_it_feeds_many():
    lines = ["pipeline shop-main > takes > repo shop", "pipeline shop-nightly > takes > repo shop"]
    assert told(propose(world(*lines))) == {"Shop": {"shop", "shop-main", "shop-nightly"}}
    apart = [f"pipeline {name}-main > takes > repo mono" for name in ("a", "b", "c", "d")]
    found = propose(world(*apart, "pipeline a-nightly > takes > repo mono"))
    assert told(found) == {
        "A": {"a-main", "a-nightly"},
        "B": {"b-main"},
        "C": {"c-main"},
        "D": {"d-main"},
    }
    assert shared(found)["B"] == {"mono"}


def test_a_second_source_that_many_take_merges_nothing():
    scripts = ("pipeline shop-pipeline > uses > repo ci-scripts",)
    more = tuple(line.replace("shop", "search") for line in scripts)
    found = propose(world(*SHOP, *SEARCH, *scripts, *more))
    assert told(found) == {"Shop": OF_SHOP, "Search": OF_SEARCH}


def test_pipelines_with_one_name_but_for_the_environment_meet_in_what_they_deploy():
    lines = (
        "pipeline shop-infra > takes > source acme/shop-infra",
        "pipeline shop-infra > deploys > stack shop-prod",
    )
    assert told(propose(world(*SHOP, *lines))) == {"Shop": OF_SHOP | {"shop-infra"}}
    other = tuple(line.replace("shop-infra", "platform") for line in lines)
    found = told(propose(world(*SHOP, *other)))
    assert found["Shop"] == {"shop-pipeline", "shop-build"}
    assert found["Platform"] == {"platform"}


def test_tags_join_what_no_tie_does_and_keep_apart_what_one_repository_feeds():
    tags = {
        "pipeline a": {"team": "payments"},
        "function b": {"team": "payments"},
        "pipeline c": {"team": "search"},
    }
    lines = ("pipeline a > takes > repo x", "pipeline c > takes > repo x", "function b")
    found = propose(world(*lines, tags=tags, tag_key="team"))
    assert told(found) == {"Payments": {"a", "b"}, "Search": {"c"}}
    why = {member.node[1]: member.why for member in found[0].members}
    assert why["b"] == [["has the tag", "", "team=payments"]]
    assert told(propose(world(*lines, tags=tags)))["X"] == {"a", "c", "x"}


def test_orphans_of_codestar_are_found_by_their_tag():
    tag = {"awscodestar:projectArn": "arn:aws:codestar:eu-west-1:111122223333:project/my-shop"}
    tags = dict.fromkeys(("pipeline p", "stack awscodestar-my-shop", "function f"), tag)
    [one] = propose(world(*tags, tags=tags))
    assert (one.name, len(one.certain)) == ("My shop", 3)


def test_what_no_pipeline_claims_stands_by_its_stack_or_application():
    lines = (
        "stack tools > creates > function tidy",
        "stack tools > creates > alarm tidy-errors",
        "group legacy/prod > part of > app legacy",
        "function alone",
        "stack network > creates > balancer b",
    )
    assert told(propose(world(*lines))) == {
        "Tools": {"tools", "tidy", "tidy-errors"},
        "Legacy": {"legacy", "legacy/prod"},
        "Alone": {"alone"},
    }


def test_what_appears_near_a_project_is_proposed_to_it():
    held = {f"{word}": [7] for word in ("pipeline shop-pipeline", "build shop-build")}
    more = {"held": held, "project_names": {7: "The shop"}}
    [one] = propose(world(*SHOP, **more))
    assert (one.project, one.name) == (7, "The shop")
    assert {member.node[1] for member in one.members} == OF_SHOP - {"shop-pipeline", "shop-build"}
    barred = {"alarm shop-errors": [7]}
    [one] = propose(world(*SHOP, **more, barred=barred))
    assert "shop-errors" not in {member.node[1] for member in one.members}
    second = "pipeline shop-nightly > takes > source acme/shop"
    [one] = propose(world(*SHOP, second, **more))
    assert node("pipeline shop-nightly") in {member.node for member in one.members}


def test_what_a_project_holds_stays_its_own_whoever_comes():
    held = {"pipeline shop-pipeline": [7], "build shop-build": [7]}
    new = (
        "pipeline other > takes > source acme/other",
        "pipeline other > builds with > build shop-build",
    )
    found = propose(world(*SHOP, *new, held=held, project_names={7: "The shop"}))
    assert {one.project: one.name for one in found} == {7: "The shop", None: "Other"}
    other = next(one for one in found if one.project is None)
    assert [one.shared for one in other.members if one.node[1] == "shop-build"] == [("The shop",)]


def test_what_a_pipeline_was_taken_out_of_is_not_proposed_to_it():
    lines = ("pipeline a > takes > repo x", "pipeline b > takes > repo x")
    held = {"pipeline a": [1], "repo x": [1]}
    found = propose(world(*lines, held=held, project_names={1: "One"}, barred={"pipeline b": [1]}))
    assert [(one.project, one.name) for one in found] == [(None, "B")]


def test_a_proposal_keeps_its_anchor_when_things_come_and_go():
    def anchor(*lines: str) -> str:
        return next(one.anchor for one in propose(world(*lines)) if "shop" in one.name.lower())

    first = anchor(*SHOP)
    assert anchor(*SHOP, "pipeline z-shop > takes > source acme/shop") == first
    assert anchor(SHOP[0]) == first
    assert anchor(*SHOP, *SEARCH) == first


def test_names():
    assert stem("checkout-prod-pipeline") == stem("ci-checkout") == "checkout"
    assert stem("prod-pipeline") == "prod-pipeline"
    assert together(["shop-api-prod", "shop-web-prod"]) == "shop"
    assert in_words("legacy-billing_v2") == "Legacy billing v2"
    assert in_words("<b>\u202ex\x00") == "<b> x"
    assert in_words("--") == "Project"
    names = [("Shop", ["111 eu"]), ("Shop", ["111 us"]), ("Shop", ["111 us"]), ("Other", [])]
    assert told_apart(names, {"other"}) == ["Shop", "Shop (111 us)", "Shop 2", "Other 2"]


def test_a_label_that_meets_another_late_is_taken_back_from_what_lay_beyond():
    def edges(*pairs: str) -> dict[Any, list[Edge]]:
        found: dict[Any, list[Edge]] = {}
        for pair in pairs:
            found.setdefault(("", pair[0]), []).append(Edge(("", pair[1]), "w"))
        return found

    # a reaches n at once and goes on to m; b comes to n three steps later.
    told_ = spread(edges("an", "nm", "bx", "xy", "yn"), {("", "a"): ["A"], ("", "b"): ["B"]})
    assert set(told_.shared) == {("", "n")}
    assert ("", "m") not in told_.claims
    assert told_.claims["", "y"] == "B"


NAMES = st.sampled_from(["a", "b", "c-prod", "d", "a-dev"])
WORDS = st.builds(
    lambda kind, name: f"{kind} {name}", st.sampled_from([k for k in KINDS if k != "source"]), NAMES
)
LINES = st.lists(
    st.builds(
        lambda one, how, other: f"{one} > {how} > {other}",
        WORDS,
        st.sampled_from([*WAYS, "assumes"]),
        WORDS,
    ),
    max_size=40,
)
HELD = st.dictionaries(WORDS, st.lists(st.integers(1, 3), min_size=1, max_size=2, unique=True))
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@RELAXED
@given(LINES, HELD, st.randoms())
def test_whatever_there_is_each_thing_is_proposed_once_and_in_any_order_the_same(
    lines: list[str], held: dict[str, list[int]], chance: random.Random
):
    names = {1: "One", 2: "Two", 3: "Three"}
    there = world(*lines, *held, held={k: sorted(v) for k, v in held.items()}, project_names=names)
    found = propose(there)
    everything = [member.node for one in found for member in one.certain]
    assert len(everything) == len(set(everything))
    anchors = [one.anchor for one in found]
    assert len(anchors) == len(set(anchors))
    called = [one.name.lower() for one in found]
    assert len(called) == len(set(called))
    for one in found:
        assert one.members
        assert all(
            member.why and all(len(step) == 3 for step in member.why) for member in one.members
        )
        if one.project is None:
            assert any(member.node[0] in CORE for member in one.certain)
            assert not any(member.node in there.held for member in one.certain)
        else:
            assert not any(one.project in there.held.get(m.node, ()) for m in one.members)
    ties, things = list(there.ties), list(there.things.items())
    chance.shuffle(ties)
    chance.shuffle(things)
    assert propose(replace(there, ties=ties, things=dict(things))) == found


@RELAXED
@given(LINES)
def test_accepting_everything_leaves_nothing_to_propose_but_what_was_shared(lines: list[str]):
    there = world(*lines)
    found = propose(there)
    held = {m.node: [n] for n, one in enumerate(found, 1) for m in one.certain}
    names = {n: one.name for n, one in enumerate(found, 1)}
    again = propose(replace(there, held=held, project_names=names))
    offered = {m.node for one in found for m in one.members if m.shared}
    for one in again:
        for member in one.certain:
            assert member.node not in held
    # Idempotent: nothing that was certain moved, and who holds all is proposed nothing certain anew
    # unless it hung on what was shared.
    if not offered:
        assert [one for one in again if one.project is not None] == []


def test_an_empty_world_proposes_nothing():
    assert propose(World(things={}, ties=[])) == []
