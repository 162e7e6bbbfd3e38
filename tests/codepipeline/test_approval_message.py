"""What an approval tells whoever decides it is kept, without what may be a secret in it."""

import pytest

from apps.codepipeline.discretion import DROPPED, approval_message


def message(asked: str, resolved: str = "") -> str:
    given = {"configuration": {"CustomData": asked}}
    if resolved:
        given["resolvedConfiguration"] = {"CustomData": resolved}
    return approval_message(given).get("CustomData", "")


def test_a_message_is_told_with_what_is_known_of_the_commit_in_it():
    asked = "Release #{SourceVariables.CommitId} to #{variables.Stage}?"
    assert message(asked, "Release c0ffee to prod?") == "Release c0ffee to prod?"


def test_what_other_actions_put_out_is_dropped_wherever_it_stands():
    asked = "#{Build.KEY} and #{SourceVariables.BranchName}, #{Build.KEY}"
    assert message(asked, "s3cr3t and main, s3cr3t") == f"{DROPPED} and main, {DROPPED}"


def test_a_variable_that_sounds_like_a_secret_is_dropped():
    assert message("use #{variables.DeployToken}", "use s3cr3t") == f"use {DROPPED}"


@pytest.mark.parametrize(
    ("asked", "resolved"),
    [
        ("#{Build.A}#{Build.B}", "onetwo"),
        ("from #{Build.A} to it", "elsewhere"),
        ("from #{Build.A} to", "from s3cr3t"),
        ("plain", "something else"),
        ("#{Build.KEY} and #{SourceVariables.BranchName}", "s3 and cr3t and main"),
    ],
)
def test_what_does_not_fit_stays_as_it_was_written(asked: str, resolved: str):
    assert message(asked, resolved) == asked


def test_what_looks_like_a_secret_is_masked():
    told = message("see https://ci:s3cr3t@example.com, password: s3cr3t")
    assert "s3cr3t" not in told
    assert told.startswith("see https://***@example.com")


def test_an_approval_without_a_message_tells_none():
    assert approval_message({}) == {}
    assert approval_message({"configuration": {"NotificationArn": "arn:aws:sns:x"}}) == {}
