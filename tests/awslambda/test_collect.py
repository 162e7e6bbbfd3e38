"""What is read of Lambda's answers, by which calls, and what is dropped."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.awslambda import collect, digest
from apps.awslambda.models import Alias, Function
from apps.awslambda.records import (
    alias_record,
    function_record,
    moment,
    state_of,
    status_of,
    version_record,
)
from apps.mirror.ask import Ask, Covered, LinkTo, Parent, Vanished
from apps.mirror.resource import REGISTER, Names
from tests.flight import ACCOUNT, PLANTED, REGION, Fault, Flight, Unmodelled

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:checkout-mail"


def functions(flight: Flight, **ask: Any) -> dict[str, Any]:
    found = list(collect.functions(flight.reach(), Ask(**ask)))
    return {item.key: item for item in found}


def test_a_function_is_read_in_full_without_its_variables_values(full):
    mail = functions(full)["checkout-mail"]
    assert mail.environment == ["FROM", "SMTP_PASSWORD"]
    assert PLANTED not in repr(mail)
    assert (mail.memory_size, mail.timeout, mail.ephemeral_storage) == (256, 15, 512)
    assert mail.last_modified == datetime(2026, 11, 20, 8, 15, 30, tzinfo=UTC)
    assert mail.layers == [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:templates:7"]
    assert mail.vpc_config["vpc_id"] == "vpc-0a1b2c3d4e5f60718"
    assert set(mail.links) == {
        LinkTo("assumes", "iam.role", f"arn:aws:iam::{ACCOUNT}:role/service-role/checkout-mail"),
        LinkTo(
            "encrypts with",
            "kms.key",
            f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
        LinkTo(
            "logs to",
            "cloudwatch.loggroup",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/checkout-mail",
        ),
        LinkTo("fails to", "sns.topic", f"arn:aws:sns:{REGION}:{ACCOUNT}:undelivered"),
    }


def test_an_account_without_functions_costs_one_call(empty):
    assert functions(empty) == {}
    assert empty.count() == {"lambda:ListFunctions": 1}


@pytest.mark.parametrize(
    ("state", "update", "ours", "word"),
    [
        ("Active", "Successful", "done", "Active"),
        ("Active", "InProgress", "moving", "LastUpdateStatus InProgress"),
        ("Active", "Failed", "failed", "LastUpdateStatus Failed"),
        ("Pending", "", "moving", "Pending"),
        ("Failed", "Successful", "failed", "Failed"),
        ("Inactive", "Successful", "stopped", "Inactive"),
        # Inactive weighs more than an update that failed before.
        ("Inactive", "Failed", "stopped", "Inactive"),
        ("Thawing", "Successful", "unknown", "Thawing"),
        ("Active", "Paused", "unknown", "LastUpdateStatus Paused"),
        ("", "", "done", ""),
    ],
)
def test_a_functions_state_is_its_own_or_its_updates(state, update, ours, word):
    assert state_of(state, update) == ours
    assert status_of(state, update) == word


def test_named_functions_are_read_one_by_one_and_those_that_are_not_there_have_vanished(full):
    gone = Fault("ResourceNotFoundException", "Function not found", status=404)
    answers = {"checkout-mail": {"FunctionName": "checkout-mail", "FunctionArn": ARN}}
    full.on(
        "lambda:GetFunctionConfiguration", lambda params: answers.get(params["FunctionName"], gone)
    )
    found = functions(full, keys=("checkout-mail", "old-mail"))
    assert isinstance(found["old-mail"], Vanished)
    assert found["checkout-mail"].arn == ARN


def test_a_denied_look_at_one_function_says_nothing_of_it(full):
    full.on("lambda:GetFunctionConfiguration", Fault("AccessDeniedException", "no", status=403))
    assert functions(full, keys=("checkout-mail",)) == {}


def test_versions_leave_the_latest_out_and_aliases_tell_their_weights(full):
    parents = (Parent(key="checkout-mail"), Parent(key="thumbnails"))
    versions = list(collect.versions(full.reach(), Ask(parents=parents)))
    assert {item.key for item in versions if not isinstance(item, Covered)} == {
        "checkout-mail:6",
        "checkout-mail:7",
    }
    assert {item.parent for item in versions if isinstance(item, Covered)} == {
        "checkout-mail",
        "thumbnails",
    }
    aliases = list(collect.aliases(full.reach(), Ask(parents=parents)))
    [live] = [item for item in aliases if not isinstance(item, Covered)]
    assert (live.state, live.function_version, live.weights) == ("moving", "6", {"7": 0.1})
    assert [link.to for link in live.links] == [f"{ARN}:6", f"{ARN}:7"]


def test_a_function_whose_versions_cannot_be_read_keeps_them(full):
    full.on("lambda:ListVersionsByFunction", Fault("AccessDeniedException", "no", status=403))
    assert list(collect.versions(full.reach(), Ask(parents=(Parent(key="checkout-mail"),)))) == []


def test_lists_are_followed_to_their_last_page(full):
    pages = [
        {"Functions": [{"FunctionName": "a"}], "NextMarker": "more"},
        {"Functions": [{"FunctionName": "b"}]},
    ]
    full.script("lambda:ListFunctions", *pages)
    assert set(functions(full)) == {"a", "b"}
    assert full.calls("lambda:ListFunctions")[1] == {"Marker": "more"}


def test_what_this_version_has_not_heard_of_is_taken_as_it_comes(full):
    new = {"FunctionName": "tomorrow", "State": "Thawing", "Anything": {"new": 1}}
    full.on("lambda:ListFunctions", Unmodelled({"Functions": [new]}))
    assert functions(full)["tomorrow"].state == "unknown"


def test_an_alias_of_the_latest_version_serves_no_version():
    record = alias_record(
        "f", {"Name": "dev", "FunctionVersion": "$LATEST", "AliasArn": f"{ARN}:dev"}
    )
    assert (record.state, record.links) == ("done", ())
    assert version_record("f", {"Version": "$LATEST"}) is None


@pytest.mark.parametrize("text", [None, "", "yesterday", 7, "9999999999999999999"])
def test_a_time_that_is_none_is_none(text):
    assert moment(text) is None


def test_a_function_without_reasons_still_says_that_it_failed():
    function = Function(state="failed", function_state="Failed")
    assert digest.why(function) == "The function cannot be called, and Lambda does not say why."
    function = Function(state="failed", last_update_status_reason_code="InvalidImage")
    assert digest.why(function) == "InvalidImage"
    assert digest.why(Function(state="done", state_reason="idle")) == ""


def test_an_update_of_last_week_explains_no_action_of_today():
    at = datetime(2026, 11, 20, 8, tzinfo=UTC)
    function = Function(state="failed", last_update_status_reason="No room", last_modified=at)
    later, earlier = at.replace(day=21), at.replace(day=19)
    assert digest.why_then(function, earlier, later) == "No room"
    assert digest.why_then(function, later, None) == ""
    assert digest.why_then(function, None, earlier) == ""
    assert digest.why_then(function, None, None) == "No room"


def test_shares_of_an_alias_add_up_whatever_the_weights_are():
    alias = Alias(function_version="6", weights={"7": 0.125, "8": "much"})
    assert alias.shares == [("6", 87.5), ("7", 12.5)]
    assert Alias(function_version="6", weights={}).shares == [("6", 100.0)]


def test_keys_in_descriptions_are_masked():
    told = function_record(
        {"FunctionName": "f", "Description": f"https://x:{PLANTED}@example.com", "State": "Active"}
    )
    assert PLANTED not in told.description


@pytest.mark.parametrize("named", ["mail", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:mail:live"])
def test_api_calls_name_the_function_and_whose_aliases_and_versions_moved(named):
    detail = {"requestParameters": {"functionName": named}}
    heard = {
        name
        for kind in ("awslambda.function", "awslambda.version", "awslambda.alias")
        for event in REGISTER.get(kind).events
        for name in event.names(detail)
    }
    assert heard == {
        Names(kind="awslambda.function", key="mail"),
        Names(kind="awslambda.version", parent="mail"),
        Names(kind="awslambda.alias", parent="mail"),
    }
