"""What the API is asked in words it does not know: refused, named, and what there is instead."""

from typing import Any

import pytest
from django.db.models import Q

from apps.api.v1 import api
from apps.mirror.models import Scope
from apps.mirror.visibility import VISIBILITY
from tests.api.conftest import Program, make_pipeline, make_scope

pytestmark = pytest.mark.django_db

LISTS = [
    path
    for path, verbs in api.get_openapi_schema(path_prefix="")["paths"].items()
    if any(one["name"] == "cursor" for one in verbs["get"].get("parameters", ()))
    and "{" not in path
]


@pytest.mark.parametrize("path", LISTS)
def test_a_parameter_nobody_knows_is_named_with_those_that_are(program: Program, path: str) -> None:
    told = program.json(path.lstrip("/"), status=422, stat="failed")
    [wrong] = told["errors"]
    assert wrong["parameter"] == "stat"
    assert "cursor, limit" in wrong["message"]
    assert "stat: is not known here" in told["detail"]


def test_one_row_takes_no_parameters_and_says_so(program: Program, scope: Scope) -> None:
    row = make_pipeline(scope)
    told = program.json(f"pipelines/{row.pk}", status=422, state="failed")
    assert told["errors"] == [{"parameter": "state", "message": "is not known: there is none here"}]


def test_an_account_or_region_that_is_not_there_is_named_with_those_that_are(
    program: Program, scope: Scope
) -> None:
    make_scope("444455556666", "us-east-1")
    told = program.json("pipelines", status=422, account="999999999999", region="mars-east-1")
    assert told["errors"] == [
        {
            "parameter": "account",
            "message": "is no account that you may see; there are: 111122223333, 444455556666",
        },
        {
            "parameter": "region",
            "message": "is no region that you may see; there are: eu-west-1, us-east-1",
        },
    ]


def test_places_of_others_are_neither_told_nor_told_apart_from_none(
    program: Program, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scope("444455556666", "us-east-1")
    hide = lambda _user: Q(account="111122223333")  # noqa: E731
    monkeypatch.setattr(type(VISIBILITY), "of_scopes", lambda _self, user: hide(user))
    others = program.json("pipelines", status=422, account="444455556666")
    nobodys = program.json("pipelines", status=422, account="999999999999")
    assert others == nobodys
    assert "444455556666" not in str(others)


def test_many_and_long_names_are_told_shortly(program: Program) -> None:
    told = program.json("pipelines", status=422, **{f"x{n}" * 200: "1" for n in range(50)})
    assert len(told["errors"]) == 10
    assert all(len(one["parameter"]) <= 60 for one in told["errors"])


def test_strangers_learn_nothing_of_what_is_known(client: Any) -> None:
    assert client.get("/api/v1/pipelines?stat=failed").status_code == 401
