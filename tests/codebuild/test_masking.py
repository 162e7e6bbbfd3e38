"""Values of plaintext variables never come through; what one reads a buildspec for does."""

import json
import time

import pytest

from apps.codebuild import masking
from apps.mirror.masking import masked

LEAK = "hunter2-leak"


@pytest.mark.parametrize(
    "spec",
    [
        f"env:\n  variables:\n    TOKEN: {LEAK}\n",
        f'env:\n  variables:\n    TOKEN: "{LEAK}"  # comment\n',
        f"env:\n  variables:\n    'TOKEN' : {LEAK}\n",
        f'env:\n  "variables":\n    TOKEN: {LEAK}\n',
        f"env:\n  variables: # ours\n    TOKEN: {LEAK}\n",
        f"env:\n  variables: &vars\n    TOKEN: {LEAK}\n",
        f"env:\n  variables:\n    K: |\n      --BEGIN--\n      # {LEAK}\n      {LEAK}\n    B: c\n",
        f"env:\n  variables:\n    LIST:\n    - {LEAK}\n    -\n      {LEAK}\n",
        f'env:\n  variables:\n    KEY: "first\n  {LEAK}\n"\n    NEXT: {LEAK}\n',
        f"env:\n  variables:\n\n    A: b\n\n    TOKEN: {LEAK}\n",
        f"env:\n  variables:\n    # TOKEN: {LEAK}\n    # TOKEN={LEAK}\n    A: b\n",
        f"env:\n  variables: {{TOKEN: {LEAK}}}\n",
        f'env:\n  variables: {{"TOKEN": "a, {LEAK}", B: [c, {LEAK}], D: {{e: {LEAK}}}}}\n',
        f"env:\n  variables:\n    {{TOKEN: {LEAK},\n     B: it's}}\n",
        f"env: {{variables: {{TOKEN: {LEAK}}}, shell: bash}}\n",
        f"env:\r\n  variables:\r\n    TOKEN: {LEAK}\r\n",
        f"batch:\n  build-graph:\n    - identifier: a\n      env:\n        variables:\n"
        f"          T: {LEAK}\n",
        f"batch:\n  build-matrix:\n    dynamic:\n      env:\n        variables:\n"
        f"          T:\n            - {LEAK}\n",
        f"x: &shared\n  TOKEN: {LEAK}\nenv:\n  variables:\n    <<: *shared\n",
        f"x: &shared\n  TOKEN: {LEAK}\nenv:\n  variables: *shared\n",
        json.dumps({"env": {"variables": {"TOKEN": LEAK, "B": {"c": LEAK}}}}),
        json.dumps({"env": {"variables": {"TOKEN": LEAK}}}, indent=2),
        f"env:\n\tvariables:\n\t\tTOKEN: {LEAK}\n",
    ],
)
def test_no_value_under_variables_comes_through(spec: str):
    kept = masking.buildspec(spec)
    assert LEAK not in kept
    assert "***" in kept


SPEC = """\
version: 0.2
env:
  shell: bash
  # Where it runs
  variables:
    # The region of the tests
    REGION: eu-west-1
    EMPTY:
  parameter-store:
    LICENCE: /shared/licence
  secrets-manager:
    TOKEN: build/npm:token
phases:
  install:
    commands:
      - echo "variables: none"   # kept
  build:
    commands:
      - |
        npm ci
        npm test
"""


def test_the_rest_of_a_buildspec_stays_as_it_was_written():
    assert masking.buildspec(SPEC) == SPEC.replace("REGION: eu-west-1", "REGION: ***")


@pytest.mark.parametrize("spec", ["", "buildspec.yml", "arn:aws:s3:::specs/one.yml", ":\n  - {["])
def test_what_is_no_buildspec_stays_as_it_is(spec: str):
    assert masking.buildspec(spec) == spec


@pytest.mark.parametrize(
    "hostile",
    [
        "variables: " + "&" * 50_000,
        "variables: {" + "{" * 50_000,
        "variables:\n  " + " " * 50_000 + "a",
        "variables:\n" + "  a b" * 20_000,
        "- " * 30_000 + "variables:",
        "variables: {a: '" * 5_000,
    ],
)
def test_a_hostile_buildspec_costs_little(hostile: str):
    began = time.perf_counter()
    masking.buildspec(hostile)
    assert time.perf_counter() - began < 2


def test_only_plaintext_variables_that_sound_secret_are_masked_in_messages():
    variables = [
        {"name": "DB_PASSWORD", "value": LEAK, "type": "PLAINTEXT"},
        {"name": "STAGE", "value": "production"},
        {"name": "API_KEY", "value": "abc"},
        {"name": "NPM_TOKEN", "value": "build/npm:token", "type": "SECRETS_MANAGER"},
    ]
    values = masking.secret_values(variables)
    assert values == (LEAK,)
    assert masked(f"deploy to production with {LEAK}", values) == ("deploy to production with ***")
