"""The API does what its own description says, whatever is thrown at it."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from apps.api.v1 import api
from tests.api.conftest import Program, make_build, make_pipeline, make_scope, make_trouble

pytestmark = pytest.mark.django_db

PATHS = sorted(api.get_openapi_schema(path_prefix="/api/v1/")["paths"])
BOUNDS = bounds(
    max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests share the test's connection and transaction, as with Django's own client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def described(one_connection: None, program: Any) -> Any:
    """The description as a program reads it, with rows behind every address."""
    scope = make_scope("111122223333", "eu-west-1")
    make_pipeline(scope, runs=3)
    make_build(scope)
    make_trouble(scope)
    return read_once(program.headers_of())


_READ: list[Any] = []


def read_once(authorization: str) -> Any:
    """The description, which is the same for every test and takes a while to read through."""
    if not _READ:
        _READ.append(
            schemathesis.openapi.from_wsgi(
                "/api/v1/openapi.json",
                get_wsgi_application(),
                headers={"Authorization": authorization},
            )
        )
    return _READ[0]


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("path", PATHS)
def test_every_operation_answers_as_described(
    described: Any, program: Program, path: str, mode: GenerationMode
) -> None:
    operation = described[path]["GET"]
    headers = {"Authorization": program.headers_of()}
    if mode is GenerationMode.NEGATIVE and not operation.query and not operation.path_parameters:
        return

    @BOUNDS
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:
        # No cursor but our own is right, nor a place that is not there, which a schema cannot say.
        asked = case.query or {}
        own = any(asked.get(name) for name in ("cursor", "account", "region"))
        guessed = [positive_data_acceptance] if own else []
        case.call_and_validate(headers=headers, excluded_checks=guessed)

    holds()


def test_each_list_says_where_it_looks_for_words() -> None:
    paths = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    told = {
        name: parameter["schema"]["description"]
        for name in ("pipelines", "builds", "build-projects")
        for parameter in paths[f"/api/v1/{name}"]["get"]["parameters"]
        if parameter["name"] == "q"
    }
    assert "newest execution" in told["pipelines"]
    assert "commit" in told["builds"]
    assert "description" in told["build-projects"]


def test_the_description_names_what_goes_wrong_and_how_to_sign_in() -> None:
    description = api.get_openapi_schema(path_prefix="/api/v1/")
    assert description["openapi"].startswith("3.1")
    schemes = description["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
    for path, operations in description["paths"].items():
        assert set(operations) == {"get"}, path
        answers = operations["get"]["responses"]
        assert {str(code) for code in answers} == {
            *("200", "400", "401", "404", "405", "422", "429", "500")
        }
