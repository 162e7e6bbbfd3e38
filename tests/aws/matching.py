"""EventBridge's match of a pattern, as far as the rules here use it: lists of exact values.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
"""

from collections.abc import Mapping
from typing import Any


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether an event has, for each member of the pattern, one of the values listed there."""
    if not isinstance(event, Mapping):
        return False
    for name, wanted in pattern.items():
        if isinstance(wanted, Mapping):
            if not matches(wanted, event.get(name)):
                return False
        elif isinstance(wanted, list):
            assert all(isinstance(value, str) for value in wanted), wanted
            if event.get(name) not in wanted:
                return False
        else:
            raise TypeError(f"a pattern lists values; {name} is {wanted!r}")
    return True
