"""What the roles may do: no more actions than needed, on nothing but what they are for."""

from collections.abc import Iterator
from typing import Any

import pytest

from .cases import document, toolchains
from .waivers import WAIVERS, statements

# Under these a resource keeps its policies.
DOCUMENTS = {"PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument"}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def documents(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in DOCUMENTS:
                yield inner
            else:
                yield from documents(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from documents(inner)


def allowed() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every statement that allows something, of every toolchain, by its name."""
    for text in toolchains().values():
        for logical, resource in document(text)["Resources"].items():
            for policy in documents(resource["Properties"]):
                for statement in policy["Statement"]:
                    if statement["Effect"] == "Allow":
                        yield f"{logical}/{statement.get('Sid', 'trust')}", statement


ALL = list(allowed())


def test_there_are_statements_to_judge():
    assert len(ALL) > 200


def test_no_statement_allows_whatever_a_service_can_do():
    wide = {
        name
        for name, statement in ALL
        if any(action == "*" or action.endswith(":*") for action in as_list(statement["Action"]))
    }
    assert wide == statements("any_action")


def test_actions_are_written_out():
    wild = {
        (name, action)
        for name, statement in ALL
        for action in as_list(statement["Action"])
        if "*" in action and name not in statements("any_action")
    }
    assert wild == set()


def test_no_statement_allows_it_on_everything():
    wide = {name for name, one in ALL if "*" in as_list(one.get("Resource", []))}
    assert wide == statements("any_resource")


def test_nothing_allows_by_exclusion():
    for name, statement in ALL:
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), name


def test_roles_are_handed_to_one_service_alone():
    passing = [one for _, one in ALL if "iam:PassRole" in as_list(one["Action"])]
    assert passing
    for statement in passing:
        assert isinstance(statement["Condition"]["StringEquals"]["iam:PassedToService"], str)
        (resource,) = as_list(statement["Resource"])
        assert "Fn::GetAtt" in resource


def test_nobody_outside_of_the_account_is_trusted():
    for name, statement in ALL:
        if "Principal" not in statement:
            continue
        assert statement["Principal"] != "*", name
        for kind, who in statement["Principal"].items():
            assert kind in ("Service", "AWS"), name
            if kind == "AWS":
                # The account itself, or a role of the same template.
                assert who in (
                    {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"},
                    {"Fn::GetAtt": ["PipelineRole", "Arn"]},
                )


def test_no_role_can_make_or_change_roles():
    actions = {action for _, one in ALL for action in as_list(one["Action"])}
    assert {action for action in actions if action.startswith("iam:")} == {"iam:PassRole"}


@pytest.mark.parametrize("kind", ["any_resource", "any_action"])
def test_statements_are_named_once(kind):
    assert len(statements(kind)) == len(WAIVERS[kind])


def test_every_statement_has_a_name_of_its_own_in_its_role():
    for text in toolchains().values():
        for logical, resource in document(text)["Resources"].items():
            for policy in documents(resource["Properties"]):
                names = [one["Sid"] for one in policy["Statement"] if "Sid" in one]
                assert len(names) == len(set(names)), logical
