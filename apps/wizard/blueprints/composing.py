"""Composes text from pieces: lines that hold for some choices alone, and values as quoted scalars.

A piece is the text itself with directives on lines of their own (`#:` after any indent):

    #: when NAME not-NAME ...    the lines down to `otherwise` or `end`, where all of these hold
    #: otherwise
    #: end

and with values as `KEY: @{name}`, each alone on its line. A value is written as a JSON text, which
YAML reads as a double-quoted scalar: whatever is in it, it cannot end the scalar or the line.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping

_DIRECTIVE = re.compile(r"\s*#: (when|otherwise|end)(?: (.+))?")
_VALUE = re.compile(r"(\s*(?:- )?[\w:.-]+: )@\{(\w+)\}")
# What YAML takes for the end of a line besides \n, and what it has no way to write as it is.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def compose(piece: str, facts: Collection[str], values: Mapping[str, str]) -> str:
    """Return the text of a piece for these facts and values.

    Raises ValueError for a piece that is not well formed, and KeyError for an unknown value.
    """
    return "".join(f"{line}\n" for line in _kept(piece, facts, values))


def _kept(piece: str, facts: Collection[str], values: Mapping[str, str]) -> Iterator[str]:
    # One entry for each open `when`: whether its lines are kept just now.
    open_: list[bool] = []
    for line in piece.splitlines():
        found = _DIRECTIVE.fullmatch(line)
        if found is None:
            if all(open_):
                yield _with_value(line, values)
            continue
        word, condition = found.groups()
        if word == "when" and condition:
            open_.append(_holds(condition, facts))
        elif not open_ or condition:
            raise ValueError(f"This directive belongs to nothing: {line.strip()}")
        elif word == "otherwise":
            open_[-1] = not open_[-1]
        else:
            open_.pop()
    if open_:
        raise ValueError("A `#: when` is never ended.")


def _holds(condition: str, facts: Collection[str]) -> bool:
    return all(
        (name.removeprefix("not-") in facts) != name.startswith("not-")
        for name in condition.split()
    )


def _with_value(line: str, values: Mapping[str, str]) -> str:
    found = _VALUE.fullmatch(line)
    return line if found is None else f"{found[1]}{quoted(values[found[2]])}"


def quoted(value: str) -> str:
    """Return a text as a scalar that YAML and JSON read alike."""
    written = json.dumps(value, ensure_ascii=False)
    return _UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
