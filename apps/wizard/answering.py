"""Reads a file of answers for the command line, and says in a sentence what is wrong with it."""

import builtins
from collections import abc
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_origin

import yaml

from .blueprints.answers import Answers

# Besides the answers: the project that it belongs to.
INTO = "into"
ASKED = ("title", "project", "account", "region", "team")
# Longer than any file of answers is.
LARGEST = 256 * 1024
TEXTS = "tag:yaml.org,2002:"


class BadFileError(ValueError):
    """A file that cannot be used; its words say what to do."""


class _TwiceError(yaml.YAMLError):
    """A name is answered twice: which of the answers is meant is not ours to choose."""


class _Loader(yaml.SafeLoader):
    """Takes numbers and days as they are written: accounts begin with 0, a branch is 1.10.

    Of a name that is answered twice PyYAML takes the last answer; here it is told.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Raises _TwiceError."""
        lines: dict[str, int] = {}
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                raise _TwiceError(f"{name} in line {lines[name]} and in line {line}")
            lines[name] = line
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return made


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in among
        if tag not in (f"{TEXTS}int", f"{TEXTS}float", f"{TEXTS}timestamp")
    ]
    for first, among in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> dict[str, Any]:
    """Return what a file of YAML or JSON answers, by name. Raises BadFileError."""
    told = _parsed(path, _text(path))
    if told is None:
        raise BadFileError(f"{path} is empty: answer at least {', '.join(ASKED)}.")
    if not isinstance(told, Mapping):
        raise BadFileError(
            f"{path} has to be a mapping, one answer a line, like “project: shop-web”; it is a "
            f"{'list' if isinstance(told, list) else 'text'}."
        )
    kinds: dict[str, Any] = {one.name: one.type for one in fields(Answers)} | {INTO: str}
    for name in told:
        if name not in kinds:
            raise BadFileError(_strange(path, str(name), list(kinds)))
    return {str(name): _fitting(path, name, value, kinds[name]) for name, value in told.items()}


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise BadFileError(f"{path} is larger than answers are: name the file of answers.")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadFileError(
            f"{path} cannot be read: {error.strerror}. Name a file of answers that is there."
        ) from None
    except UnicodeDecodeError:
        raise BadFileError(f"{path} is no text in UTF-8: save it as that.") from None


def _parsed(path: Path, text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except _TwiceError as error:
        raise BadFileError(f"{path} answers {error}: keep one of them.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        why = getattr(error, "problem", None) or "a sign that stands for nothing"
        raise BadFileError(f"{path} is neither YAML nor JSON: {why}{where}.") from None
    except (RecursionError, TypeError, ValueError):
        raise BadFileError(
            f"{path} is no YAML that stands for answers: write one a line."
        ) from None


def _strange(path: Path, name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    return f"{path} says {name}, which is no answer.{meant} There are {', '.join(sorted(known))}."


def _fitting(path: Path, name: str, value: Any, kind: Any) -> Any:
    """Return an answer as `Answers` has it. Raises BadFileError for one of another type."""
    if value is None:
        raise BadFileError(f"{path} says nothing for {name}: answer it, or leave the line out.")
    match get_origin(kind) or kind:
        case builtins.bool:
            right, wanted = isinstance(value, bool), "true or false"
        case builtins.tuple:
            right, wanted = _all_text(value), "a list of ids, like [subnet-0a1b2c3d]"
        case abc.Mapping:
            told = [*value, *value.values()] if isinstance(value, Mapping) else None
            right, wanted = _all_text(told), "a mapping of texts, like {cost-centre: “4711”}"
        case _:
            right, wanted = isinstance(value, str), "a text; in quotes, if need be"
    if not right:
        raise BadFileError(f"In {path} {name} has to be {wanted}.")
    return tuple(value) if isinstance(value, list) else value


def _all_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
