"""What a test needs to let an act really be done: one line for each act of each service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.acting import Acting


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """How an act is really done in a simulated account.

    sends     the operation that does it: "codepipeline:StartPipelineExecution".
    prepare   makes what it is done to and returns (its row, what somebody says).
    count     how often it had its effect so far, by what AWS tells.
    moves     what somebody else does to the thing meanwhile, so that it is refused; None for what
              nothing can come before. `told` is part of the words in which it is.
    tokened   AWS takes a token: what was not sent at all is sent by the next.
    untold    in which words its effect is told where AWS keeps nothing that tells whose it is; ""
              where it does.
    """

    sends: str
    prepare: Callable[[Acting], tuple[Any, Mapping[str, Any]]]
    count: Callable[[Acting], int]
    moves: Callable[[Acting], None] | None = None
    told: str = ""
    tokened: bool = False
    untold: str = ""
