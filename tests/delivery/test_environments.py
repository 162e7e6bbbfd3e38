"""Which stage of a pipeline is production, by what teams call things."""

from typing import Any

import pytest

from apps.delivery.environments import Goal, environment_type, goal_of, is_production
from tests.factories import action_definition, stage_definition


def stages(*told: tuple[str, str]) -> list[dict[str, Any]]:
    """Stages by name and the category of their one action; or its name and "Deploy"."""
    return [
        stage_definition(
            name,
            action_definition(*(("Ship", what) if what[0].isupper() else (what[1:], "Deploy"))),
        )
        for name, what in told
    ]


SOURCE, BUILD = ("Source", "Source"), ("Build", "Build")


@pytest.mark.parametrize(
    ("pipeline", "told", "expected"),
    [
        ("shop", [("Staging", "Deploy"), ("Production", "Deploy")], ("Production", True)),
        ("shop", [("Live", "Deploy"), ("Docs", "Deploy")], ("Live", True)),
        ("shop", [("ProdUS", "Deploy"), ("ProdEU", "Deploy")], ("ProdEU", True)),
        # Only a deployment: there is nowhere else.
        ("shop", [BUILD, ("Deploy", "Deploy")], ("Deploy", True)),
        ("shop", [BUILD, ("DeployStage", "Deploy")], ("DeployStage", True)),
        ("shop", [("Staging", "Deploy"), ("Rollout", "Deploy")], ("Rollout", True)),
        ("shop", [("Rollout", "Deploy"), ("Staging", "Deploy")], ("Staging", False)),
        ("shop", [("Deploy", ">ShipToProd")], ("Deploy", True)),
        ("shop", [("Deploy", ">ShipToQA")], ("Deploy", False)),
        # The pipeline's name says it, where the stage's does not.
        ("shop-dev", [BUILD, ("Deploy", "Deploy")], ("Deploy", False)),
        ("shop_preprod", [("Deploy", "Deploy")], ("Deploy", False)),
        ("non-prod-shop", [("Deploy", "Deploy")], ("Deploy", False)),
        ("feature-previews", [BUILD, ("Preview", "Deploy")], ("Preview", False)),
        ("shop", [("Beta", "Deploy"), ("Gamma", "Deploy")], ("Gamma", False)),
        ("shop-prod", [("Deploy", "Deploy")], ("Deploy", True)),
        ("shop-dev", [("Production", "Deploy")], ("Production", True)),
        # What is torn down again is not production.
        ("shop", [BUILD, ("Preview", "Deploy")], ("Preview", False)),
        ("feature-previews", [BUILD, ("Deploy", "Deploy")], ("Deploy", False)),
        ("shop", [("Prod", "Deploy"), ("Demo", "Deploy")], ("Prod", True)),
        ("shop", [("Deploy", ">DeployPreview")], ("Deploy", False)),
        # By a build, where none that deploys comes after it.
        ("shop", [BUILD, ("Prod", "Build")], ("Prod", True)),
        ("shop", [("BuildProd", "Build"), ("Deploy", "Deploy")], ("Deploy", True)),
        ("shop", [BUILD, ("ProdApproval", "Approval"), ("Deploy", "Deploy")], ("Deploy", True)),
        ("shop", [SOURCE, BUILD], None),
        ("shop", [], None),
    ],
)
def test_the_goal_is_production_where_something_says_so_or_nothing_says_otherwise(
    pipeline: str, told: list[tuple[str, str]], expected: tuple[str, bool] | None
):
    assert goal_of(pipeline, stages(*told)) == (Goal(*expected) if expected else None)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("prod", "shop-dev"), True),
        (("eu", "shop-qa"), False),
        (("eu", "latest-products"), True),
        (("non-prod",), False),
        (("prod-test",), False),
        (("prod-preview",), False),
        (("sandbox", "shop-prod"), False),
    ],
)
def test_the_first_name_that_says_counts(names: tuple[str, ...], expected: bool):
    assert is_production(*names) is expected


def test_the_word_stage_beside_a_deed_is_no_environment():
    assert environment_type("DeployStage") == "unmapped"
    assert environment_type("stage") == "staging"
