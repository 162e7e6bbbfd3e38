"""Makes what the outside says storable: text without NUL and lone surrogates, JSON without NaN."""

import math
from collections.abc import Mapping
from typing import Any


def storable(text: str) -> str:
    """Return text that every database takes. Postgres refuses NUL, UTF-8 lone surrogates."""
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def storable_json(value: Any) -> Any:
    """Return JSON with storable texts inside; what JSON cannot hold (NaN, infinities) is null."""
    kind = type(value)
    # First what nearly all of it is: this is asked for each value of each record.
    if kind is str:
        return storable(value)
    if value is None or kind is bool or kind is int:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {storable(str(key)): storable_json(item) for key, item in value.items()}
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    if isinstance(value, float):
        # Postgres gives large floats back as whole numbers, which would differ for ever.
        whole = math.isfinite(value) and value.is_integer()
        return int(value) if whole else value if math.isfinite(value) else None
    return value
