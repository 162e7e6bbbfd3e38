"""What every answer has in common: pages of a list, problems in words, caching headers."""

import hashlib
from typing import Annotated, Any, Generic, Literal, TypeVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from ninja import Schema
from pydantic import Field

Item = TypeVar("Item")

# Postgres refuses NUL in text; nothing that is mirrored contains one.
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
StateName = Literal["done", "moving", "waiting", "failed", "stopped", "unknown", ""]


class Problem(Schema):
    """Why there is no answer, and what to do about it."""

    code: str = Field(description="The same problem has the same code: not_found, bad_cursor, …")
    detail: str = Field(description="What is wrong and what to do, for a person.")
    errors: list["Wrong"] = Field(
        default_factory=list, description="Each parameter that was not understood (422)."
    )


class Wrong(Schema):
    """A parameter that was not understood."""

    parameter: str
    message: str


class PageOf(Schema, Generic[Item]):
    """Some items of a list and how to ask for the next ones."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Give it as `cursor` for the next page; null on the last one."
    )


class Place(Schema):
    """Where a row comes from."""

    account: str = Field(description="The AWS account's number.")
    region: str


class Narrow(Schema):
    """Which rows of a list are wanted; what is left out narrows nothing."""

    q: Words = Field("", description="Words that all occur, in the name or elsewhere.")
    state: StateName = Field("", description="Our word for how it fares.")
    account: Words = Field("", description="The number of an AWS account you see.")
    region: Words = Field("", description="One that is swept, e.g. eu-west-1")


# Every operation may answer these, always as a `Problem`.
PROBLEMS: Any = frozenset({400, 401, 404, 405, 422, 429, 500})


def answers(schema: Any) -> dict[Any, Any]:
    """Return the `response=` of an operation: its own schema, and problems."""
    return {200: schema, PROBLEMS: Problem}


def problem(
    status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None
) -> HttpResponse:
    """Return a `Problem` as JSON."""
    response = JsonResponse({"code": code, "detail": detail, "errors": errors or []}, status=status)
    response["Cache-Control"] = "no-store"
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="CodeStar Dash"'
    return response


def not_understood(wrong: list[dict[str, str]]) -> HttpResponse:
    """Return the `Problem` of parameters, each {parameter, message}, that were not understood."""
    listed = "; ".join(f"{one['parameter']}: {one['message']}" for one in wrong)
    return problem(422, "invalid", f"Correct and send again: {listed}", wrong)


def cacheable(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Let the caller keep a copy that it asks about each time; answer 304 where it is the same."""
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ("Authorization", "Cookie"))
    mark = hashlib.sha256(response.content).hexdigest()[:32]
    response["ETag"] = f'W/"{mark}"'
    conditional = get_conditional_response(request, etag=response["ETag"], response=response)
    if conditional is None:
        return response
    assert isinstance(conditional, HttpResponse)
    return conditional


def absolute(request: HttpRequest, path: str) -> str:
    """Return the full address of one of our pages, "" for none."""
    from apps.people.accounts import site_address

    return site_address(request, path) if path else ""
