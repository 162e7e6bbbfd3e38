"""Makes a template fit to be shown: as lines, without what it holds that may be secret; no Django.

boto3 gives JSON templates parsed, so those are written out anew; of others the text is kept as it
is, comments and all, and masked line by line.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from apps.mirror.masking import MASK, SECRET_FIELD, masked

# A template is at most 1 MB: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST = 1_500_000
_SECTION = re.compile(r"^(\w+)\s*:\s*(?:#.*)?$")
_KEY = re.compile(r"""^(\s*(?:-\s+)?)(["']?[\w.:/-]+["']?)(\s*:\s+)(\S.*)$""")
_NO_ECHO = re.compile(r"(?i)\bNoEcho[\"']?\s*:\s*[\"']?true")
_DEFAULT = re.compile(r"(?i)(\bDefault[\"']?\s*:\s*)([^,}\s][^,}]*)")
# What says where a value comes from rather than what it is.
_REFERENCE = re.compile(r"^(?:!\w|\{\{resolve:|\{\s*[\"']?(?:Ref|Fn::))")
_SECRET_VALUE = re.compile(r"""([\w-]*[\w])["']?(\s*:\s*)(["']?)([^\s,}"'\[{!][^,}"']*)""")
_BLOCK = re.compile(r"^[|>][+-]?\d?\s*(?:#.*)?$")


def lines_of(body: Any) -> list[str]:
    """Return a template's lines, at most `MOST` characters of it."""
    text = json.dumps(_masked_json(body), indent=2, default=str) if _is_json(body) else str(body)
    if _is_json(body):
        return [masked(line) for line in text[:MOST].split("\n")]
    return _masked_text(text[:MOST].replace("\r\n", "\n").split("\n"))


def _is_json(body: Any) -> bool:
    return isinstance(body, Mapping | list)


def _masked_json(body: Any) -> Any:
    if not isinstance(body, Mapping):
        return body
    parameters = body.get("Parameters")
    found = {name: _without_secrets(part) for name, part in body.items() if name != "Parameters"}
    if isinstance(parameters, Mapping):
        shown = {name: _parameter(name, told) for name, told in parameters.items()}
        # In the place it had.
        return {name: shown if name == "Parameters" else found[name] for name in body}
    return found if parameters is None else {**found, "Parameters": parameters}


def _parameter(name: str, told: Any) -> Any:
    if not isinstance(told, Mapping) or "Default" not in told:
        return told
    hidden = str(told.get("NoEcho", "")).lower() == "true" or SECRET_FIELD.search(str(name))
    return {**told, "Default": MASK} if hidden and told["Default"] != "" else told


def _without_secrets(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _hidden(name, item) for name, item in value.items()}


def _hidden(name: Any, value: Any) -> Any:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return _without_secrets(value)
    secret = SECRET_FIELD.search(str(name)) and str(value) and not _REFERENCE.match(str(value))
    return MASK if secret else value


def _masked_text(lines: list[str]) -> list[str]:
    """Mask YAML by its indentation: parsing it would lose comments, and hostile text is no YAML."""
    hidden = _hidden_parameters(lines)
    found: list[str] = []
    section = parameter = ""
    inside: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if inside is not None:
            if not line.strip() or indent > inside:
                found.append(" " * indent + MASK if line.strip() else line)
                continue
            inside = None
        if indent == 0 and (head := _SECTION.match(line)):
            section, parameter = head.group(1), ""
        elif section == "Parameters" and (name := _name_at(line, lines, indent)):
            parameter = name
        shown = _line_without_secrets(line)
        if section == "Parameters" and parameter in hidden:
            shown = _DEFAULT.sub(rf"\1{MASK}", shown)
        if _opens_secret_block(line, hide=section == "Parameters" and parameter in hidden):
            inside = indent
            shown = line
        found.append(masked(shown))
    return found


def _name_at(line: str, lines: list[str], indent: int) -> str:
    """Return the parameter's name where a line of the section begins one, else ""."""
    first = _first_indent(lines)
    name, colon, _ = line.strip().partition(":")
    return name.strip("\"'") if colon and indent == first and not name.startswith("#") else ""


def _first_indent(lines: list[str]) -> int:
    """How far the parameters' names are indented."""
    inside = False
    for line in lines:
        if line[:1].strip():
            inside = line.startswith("Parameters")
        elif inside and line.strip() and not line.strip().startswith("#"):
            return len(line) - len(line.lstrip())
    return 2


def _hidden_parameters(lines: list[str]) -> set[str]:
    """Name the parameters whose defaults nobody is to see."""
    hidden: set[str] = set()
    section = name = ""
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if indent == 0 and (head := _SECTION.match(line)):
            section, name = head.group(1), ""
        if section != "Parameters":
            continue
        name = _name_at(line, lines, indent) or name
        if name and (_NO_ECHO.search(line) or SECRET_FIELD.search(name)):
            hidden.add(name)
    return hidden


def _line_without_secrets(line: str) -> str:
    def hide(found: re.Match[str]) -> str:
        name, _, quote, value = found.groups()
        if not SECRET_FIELD.search(name) or _REFERENCE.match(value):
            return found.group(0)
        return f"{found.group(0)[: -len(quote + value)]}{quote}{MASK}"

    return _SECRET_VALUE.sub(hide, line) if ":" in line else line


def _opens_secret_block(line: str, *, hide: bool) -> bool:
    """Whether the lines below, further in, are the value of something secret."""
    found = _KEY.match(line)
    if found is None or not _BLOCK.match(found.group(4)):
        return False
    name = found.group(2).strip("\"'")
    return bool(SECRET_FIELD.search(name)) or (hide and name == "Default")
