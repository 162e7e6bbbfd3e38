"""Drops from CodePipeline's answers what may be a secret, and keeps its name."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from apps.mirror.masking import masked

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
