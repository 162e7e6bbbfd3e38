"""Carries out a buildspec on the files of a build's source: its phases, reports and artifact.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

import fnmatch
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from apps.sandbox.codebuild.shell import FailingError, Shell, Upload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.sandbox.codebuild.model import Declaration
    from apps.sandbox.codebuild.shell import Case
    from apps.sandbox.files import Files

_PHASES = ("install", "pre_build", "build", "post_build")
_HERE = "/codebuild/output/src1284931021/src"
FILE = "buildspec.yml"


@dataclass(frozen=True, slots=True)
class Ran:
    """A command and what it printed."""

    phase: str
    command: str
    lines: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """How a build goes: what it runs, what it fails of (phase, code, message), what it leaves."""

    ran: list[Ran] = field(default_factory=list)
    failed: tuple[str, str, str] | None = None
    artifact: Files = field(default_factory=dict)
    uploads: list[Upload] = field(default_factory=list)
    reports: dict[str, list[Case]] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)

    def fail(self, phase: str, code: str, message: str) -> Outcome:
        """The first thing that goes wrong is what it fails of."""
        self.failed = self.failed or (phase, code, message)
        return self


def carry_out(definition: Declaration, files: Files, variables: Mapping[str, str]) -> Outcome:
    """What a build of these files does."""
    outcome = Outcome()
    spec = _read(definition, files, outcome)
    if spec is None:
        return outcome
    told = spec.get("env") or {}
    given = {str(name): str(value) for name, value in (told.get("variables") or {}).items()}
    shell = Shell(dict(files), {"CODEBUILD_SRC_DIR": _HERE, **given, **variables})
    for phase in _PHASES:
        if outcome.failed is not None and phase != "post_build":
            continue
        if outcome.failed is not None and outcome.failed[0] != "BUILD":
            continue
        _run(phase, (spec.get("phases") or {}).get(phase) or {}, shell, outcome)
    outcome.uploads = shell.uploads
    for name, one in (spec.get("reports") or {}).items():
        base = str(one.get("base-directory") or ".")
        found = _chosen(shell.files, one.get("files") or ["**/*"], base)
        if {posixpath.normpath(posixpath.join(base, path)) for path in found} & shell.tested:
            outcome.reports[str(name)] = shell.cases()
    exported = told.get("exported-variables") or ()
    outcome.exported = {name: shell.variables[name] for name in exported if name in shell.variables}
    _collect(spec.get("artifacts") or {}, shell, outcome)
    return outcome


def _read(definition: Declaration, files: Files, outcome: Outcome) -> dict[str, Any] | None:
    told = str(definition.get("source", {}).get("buildspec") or FILE)
    if "\n" in told or told.lstrip().startswith(("version", "{")):
        text: bytes | str = told
    elif told in files:
        text = files[told]
    else:
        said = f"stat {_HERE}/{told}: no such file or directory"
        outcome.fail("DOWNLOAD_SOURCE", "YAML_FILE_ERROR", said)
        return None
    try:
        spec = yaml.safe_load(text)
    except yaml.YAMLError as error:
        said = f"YAML_FILE_ERROR: {str(error).partition(chr(10))[0]}"
        outcome.fail("DOWNLOAD_SOURCE", "YAML_FILE_ERROR", said)
        return None
    if not isinstance(spec, dict) or "phases" not in spec:
        said = "This build image requires selecting at least one phase" if spec else "empty file"
        outcome.fail("DOWNLOAD_SOURCE", "YAML_FILE_ERROR", said)
        return None
    return spec


def _run(phase: str, told: dict[str, Any], shell: Shell, outcome: Outcome) -> None:
    for command in (*(told.get("commands") or ()), *(told.get("finally") or ())):
        text = str(command)
        try:
            outcome.ran.append(Ran(phase, text, tuple(shell.run(text))))
        except FailingError as error:
            outcome.ran.append(Ran(phase, text, error.lines))
            said = f"Error while executing command: {text}. Reason: exit status {error.status}"
            outcome.fail(phase.upper(), "COMMAND_EXECUTION_ERROR", said)
            return


def _collect(told: dict[str, Any], shell: Shell, outcome: Outcome) -> None:
    if not told or outcome.failed is not None:
        return
    base = str(told.get("base-directory") or ".")
    wanted = [str(one) for one in told.get("files") or ()]
    found = _chosen(shell.files, wanted, base)
    for pattern in told.get("exclude-paths") or ():
        found = {path: one for path, one in found.items() if not matches(path, str(pattern))}
    if not found:
        said = "no matching artifact paths found"
        outcome.fail("UPLOAD_ARTIFACTS", "CLIENT_ERROR", said)
        return
    if str(told.get("discard-paths", "")).lower() in ("yes", "true"):
        found = {posixpath.basename(path): one for path, one in found.items()}
    outcome.artifact = found


def _chosen(files: Files, wanted: list[str], base: str) -> Files:
    """The files of a folder that patterns name, by their path below it."""
    prefix = "" if base in (".", "") else posixpath.normpath(base) + "/"
    below = {path[len(prefix) :]: one for path, one in files.items() if path.startswith(prefix)}
    return {
        path: one
        for path, one in below.items()
        if any(matches(path, posixpath.normpath(str(pattern))) for pattern in wanted)
    }


def matches(path: str, pattern: str) -> bool:
    """Whether a path is among those of a pattern, in which ``**`` is any folders, or none."""
    return _match(path.split("/"), pattern.split("/"))


def _match(parts: list[str], wanted: list[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_match(parts[at:], wanted[1:]) for at in range(len(parts) + 1))
    first = bool(parts) and fnmatch.fnmatchcase(parts[0], wanted[0])
    return first and _match(parts[1:], wanted[1:])
