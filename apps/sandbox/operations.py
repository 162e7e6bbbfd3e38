"""The register of the operations the sandbox answers itself, and what each of them is given."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from apps.sandbox.principals import Principal
    from apps.sandbox.world import Place, World

T = TypeVar("T")

#: Members of a request, named and nested as in AWS's API reference.
Params = dict[str, Any]
#: Members of an answer; ``None`` members are left out, times are epoch seconds.
Answer = dict[str, Any]
Handler = Callable[["Call", Params], Answer]

HANDLERS: dict[tuple[str, str], Handler] = {}


@dataclass(frozen=True, slots=True)
class Traits:
    """How one service differs from the others at the front door.

    ``own`` says that its state is ours alone, so nothing may fall through to moto's (empty)
    backend. ``invalid`` and ``bad_page`` are its codes for members and page tokens it refuses.
    ``resources`` names the ARNs a call is about, from the ARN's beginning
    (``arn:aws:codebuild:eu-west-1:111122223333:``) and the members.
    """

    own: bool = True
    invalid: str = "ValidationException"
    bad_page: str = "InvalidParameterException"
    resources: Callable[[str, Params], list[str]] | None = None


TRAITS: dict[str, Traits] = {}


class NotOursError(Exception):
    """What is asked for is not in this world, but may be in moto's: that is asked instead."""


class AwsError(Exception):
    """An error that AWS's model knows: ``AwsError("PipelineNotFoundException", "text")``.

    ``status`` overrides the HTTP status that the model gives the code; ``members`` are further
    members.
    """

    def __init__(
        self, code: str, message: str, *, status: int | None = None, **members: Any
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.members = code, message, status, members


@dataclass(slots=True)
class Call:
    """One request: who asks for what, where."""

    world: World
    place: Place
    service: str
    operation: str
    caller: Principal
    #: A fault may cut pages short; None means AWS's own sizes.
    page_limit: int | None = None

    @property
    def account(self) -> str:
        """The caller's account."""
        return self.place.account

    @property
    def region(self) -> str:
        """The region the request was signed for."""
        return self.place.region


def operation(service: str, name: str) -> Callable[[Handler], Handler]:
    """Register a handler for ``service``'s operation ``name`` (botocore's names).

    The handler runs under the world's lock with validated members and returns the answer's members,
    or raises :class:`AwsError`.
    """

    def register(handler: Handler) -> Handler:
        HANDLERS[service, name] = handler
        return handler

    return register


def paginate(  # noqa: PLR0913 - a list is this much
    call: Call,
    items: Sequence[T],
    key: Callable[[T], str],
    *,
    size: int,
    token: str | None,
    error: Callable[[], AwsError],
    scope: str = "",
) -> tuple[list[T], str | None]:
    """One page of ``items`` and the next token.

    The token names the last item given, so a page stays right when newer items arrive in front of
    it. A token that is garbled, of another operation, place or ``scope``, or whose item is gone
    raises ``error()``.
    """
    if call.page_limit is not None:
        size = min(size, call.page_limit)
    begin = 0
    mark = [call.operation, call.account, call.region, scope]
    if token is not None:
        try:
            *seen, last = json.loads(base64.urlsafe_b64decode(token.encode()))
        except (ValueError, binascii.Error, TypeError):
            raise error() from None
        if seen != mark:
            raise error()
        begin = next((i for i, item in enumerate(items, 1) if key(item) == last), 0)
        if begin == 0:
            raise error()
    page = list(items[begin : begin + size])
    if begin + size >= len(items):
        return page, None
    return page, base64.urlsafe_b64encode(json.dumps([*mark, key(page[-1])]).encode()).decode()
