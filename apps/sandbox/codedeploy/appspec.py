"""Reads a revision's AppSpec as CodeDeploy's agent does, and says what a deployment of it fails of.

https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

import yaml

from apps.sandbox.codedeploy.causes import NO_APPSPEC, Cause

if TYPE_CHECKING:
    from apps.sandbox.files import Files

_NAMES = ("appspec.yml", "appspec.yaml")
_ORDER = (
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
)
_ROOT = "/opt/codedeploy-agent/deployment-root/{group}/{deployment}/deployment-archive"
_GIVES_UP = re.compile(r"exit ([1-9]\d*)")
#: What a script may do before it gives up whatever it finds.
_HARMLESS = re.compile(r"(#|set |echo |printf |cd |\w+=)|$")


def cause_in(files: Files) -> Cause | None:
    """What a deployment of these files to an instance fails of; None where it goes well."""
    content = next((files[name] for name in _NAMES if name in files), None)
    if content is None:
        return NO_APPSPEC
    try:
        told = yaml.safe_load(content)
    except yaml.YAMLError:
        told = None
    if not isinstance(told, dict) or "os" not in told:
        return _unreadable()
    return _files(told, files) or _hooks(told, files)


def _unreadable() -> Cause:
    text = (
        "The deployment failed because an invalid value or no value was specified for os in the "
        "application specification file, or the file is not valid YAML."
    )
    return Cause("BeforeInstall", diagnostic="UnknownError", message=text)


def _files(told: dict[str, Any], files: Files) -> Cause | None:
    for one in told.get("files") or ():
        source = str(one.get("source", "")).strip("/")
        if source and source not in files and not _below(files, source):
            text = f"No such file or directory @ rb_sysopen - {_ROOT}/{source}"
            return Cause("Install", diagnostic="UnknownError", message=text)
    return None


def _below(files: Files, folder: str) -> bool:
    return any(path.startswith(f"{folder}/") for path in files)


def _hooks(told: dict[str, Any], files: Files) -> Cause | None:
    hooks = told.get("hooks") or {}
    for event in _ORDER:
        for one in hooks.get(event) or ():
            script = str(one.get("location", ""))
            content = files.get(posixpath.normpath(script))
            if content is None:
                text = f"Script does not exist at specified location: {_ROOT}/{script}"
                return Cause(event, script, diagnostic="ScriptMissing", message=text)
            status = _status(content.decode("utf-8", "replace"))
            if status:
                text = (
                    f"Script at specified location: {script} run as user "
                    f"{one.get('runas', 'root')} failed with exit code {status}"
                )
                return Cause(event, script, message=text, log=(f"[stderr]{script}: gave up",))
    return None


def _status(script: str) -> str:
    """The status with which a script gives up at once; "" for one that does any work."""
    for line in script.splitlines():
        gives_up = _GIVES_UP.fullmatch(line.strip())
        if gives_up is not None:
            return gives_up.group(1)
        if _HARMLESS.match(line.strip()) is None:
            return ""
    return ""
