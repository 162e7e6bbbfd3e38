"""Drops from CodePipeline's answers what may be a secret, and keeps its name."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from apps.mirror.masking import masked, named_masked, sounds_secret

DROPPED = "••••"
SECRETIVE = re.compile(r"(?i)(token|secret|passw|credential|api[-_]?key|private[-_]?key|auth)")
# Free text that people put anything into.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
FREE_TEXT = frozenset({"UserParameters", "Input", "CustomData"})
# JSON whose keys say what is set and whose values may be NoEcho parameters.
OVERRIDES = frozenset({"ParameterOverrides", "Parameters"})
# What a source action says of the commit; the values of other actions' variables are dropped.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
ABOUT_THE_COMMIT = frozenset(
    {
        "AuthorDate",
        "AuthorDisplayName",
        "AuthorEmail",
        "AuthorId",
        "AuthorName",
        "BranchName",
        "CommitId",
        "CommitMessage",
        "CommitUrl",
        "CommitterDate",
        "ConnectionArn",
        "ETag",
        "FullRepositoryName",
        "ImageDigest",
        "ImageTag",
        "ImageURI",
        "RegistryId",
        "RepositoryName",
        "VersionId",
    }
)

REFERENCES = frozenset({"PARAMETER_STORE", "SECRETS_MANAGER"})
# https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-variables.html
VARIABLE = re.compile(r"#\{([\w@-]+)\.([\w@-]+)\}")


def configuration(given: Mapping[str, Any]) -> dict[str, str]:
    """Return an action's configuration with every value dropped that may be a secret."""
    return {name: _value(name, str(value)) for name, value in given.items()}


def _value(name: str, value: str) -> str:
    if name == "EnvironmentVariables":
        return _environment(value)
    if name in OVERRIDES:
        return _names_only(value)
    if name in FREE_TEXT or SECRETIVE.search(name):
        return DROPPED if value else ""
    # Jenkins' ServerURL and an approval's ExternalEntityLink may hold a login.
    return masked(value)


def approval_message(given: Mapping[str, Any]) -> dict[str, str]:
    """Return what an approval tells whoever decides it, {"CustomData": …}; {} where it has none.

    It was written to be read by them: AWS mails it and shows it. What looks like a secret is masked
    all the same, and so is what it takes from other actions' variables, whose values we drop.

    given  an action execution's input: its `configuration` and `resolvedConfiguration`.
    """
    asked = str((given.get("configuration") or {}).get("CustomData") or "")
    resolved = str((given.get("resolvedConfiguration") or {}).get("CustomData") or "")
    text = _resolved(asked, resolved) if asked and resolved else asked or resolved
    return {"CustomData": named_masked(masked(text))} if text else {}


def _resolved(asked: str, resolved: str) -> str:
    """A text with its variables put in, but for those that may be secrets.

    Where it cannot be told what stands for which, it stays as it was written.
    """
    pieces = VARIABLE.split(asked)
    told, at = pieces[0], len(pieces[0])
    if not resolved.startswith(told):
        return asked
    for place in range(1, len(pieces), 3):
        namespace, name, behind = pieces[place : place + 3]
        final = place + 3 == len(pieces)
        until = len(resolved) - len(behind) if final else resolved.find(behind or "\0", at)
        if until < at or not resolved.startswith(behind, until):
            return asked
        # A value may hold what stands behind it: then nobody knows where it ends.
        if behind and resolved.count(behind) > asked.count(behind):
            return asked
        told += (resolved[at:until] if _may_be_told(namespace, name) else DROPPED) + behind
        at = until + len(behind)
    return told


def _may_be_told(namespace: str, name: str) -> bool:
    if namespace in ("codepipeline", "variables"):
        return not sounds_secret(name)
    return name in ABOUT_THE_COMMIT


def _environment(value: str) -> str:
    """CodeBuild's list of {name, value, type}: values are dropped, references kept."""
    try:
        entries = json.loads(value)
        kept = [
            {
                "name": entry.get("name", ""),
                "type": entry.get("type", "PLAINTEXT"),
                # The name of a parameter or secret says where the value is, not what it is.
                "value": entry.get("value", "") if entry.get("type") in REFERENCES else DROPPED,
            }
            for entry in entries
        ]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return DROPPED
    return json.dumps(kept, ensure_ascii=False)


def _names_only(value: str) -> str:
    try:
        entries = json.loads(value)
    except (ValueError, RecursionError):
        return DROPPED
    if not isinstance(entries, dict):
        return DROPPED
    return json.dumps(dict.fromkeys(entries, DROPPED), ensure_ascii=False)


def variables(given: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return pipeline variables; AWS shows them plainly, those named like secrets are dropped.

    Takes both shapes: {name, defaultValue, description} and {name, resolvedValue}.
    """
    return [
        {
            "name": variable.get("name", ""),
            "value": DROPPED
            if SECRETIVE.search(variable.get("name", ""))
            else masked(variable.get("resolvedValue", variable.get("defaultValue", ""))),
            "description": masked(variable.get("description", "")),
        }
        for variable in given
    ]


def output_variables(category: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return output variables, with the values alone of what a source says of the commit."""
    return {
        name: masked(value) if category == "Source" and name in ABOUT_THE_COMMIT else DROPPED
        for name, value in given.items()
    }
