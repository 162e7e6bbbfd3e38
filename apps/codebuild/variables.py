"""Reads the environment variables that somebody gives a build, and refuses what may be a secret.

What they give is kept with the deed, and AWS shows it to everybody who may read the build.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from apps.mirror.masking import masked, named_masked, sounds_secret

# https://docs.aws.amazon.com/codebuild/latest/APIReference/API_EnvironmentVariable.html
PLAINTEXT = "PLAINTEXT"
# As a buildspec names them, what says where a value is rather than what.
PLACES = {"parameter-store": "PARAMETER_STORE", "secrets-manager": "SECRETS_MANAGER"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
CODEBUILDS_OWN = "CODEBUILD_"
# AWS takes 5,500 letters of names and values of a project and a build together.
LONGEST = 4000


def read(text: str, held: Iterable[Mapping[str, str]] = ()) -> dict[str, str]:
    """Return {name: value} of lines NAME=value; the value is as written, a place with its kind.

    `held` are the project's own variables, `[{name, type}]`: what comes from a secret there is not
    replaced by plain text. Raises ValueError with a sentence for a line that cannot be taken.
    """
    kinds = {one["name"]: one.get("type", PLAINTEXT) for one in held}
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, sign, value = line.partition("=")
        name, value = name.strip(), value.strip()
        if not sign or not NAME.fullmatch(name):
            raise ValueError(f"Line {number} is no NAME=value: write one variable on each line.")
        if name in found:
            raise ValueError(f"{name} is given twice: keep one of the two.")
        if name.startswith(CODEBUILDS_OWN):
            raise ValueError(f"{name} is CodeBuild's own: give another name.")
        if place(value) is None and _is_secret(name, value, kinds.get(name, PLAINTEXT)):
            raise ValueError(
                f"{name} looks like a secret, which would be kept here and shown by AWS. Put it "
                f"into Secrets Manager or Parameter Store, and write {name}=secrets-manager:… or "
                f"{name}=parameter-store:… with its name."
            )
        found[name] = value
    return found


def _is_secret(name: str, value: str, kind: str) -> bool:
    hidden = named_masked(masked(value)) != value
    return sounds_secret(name) or hidden or kind != PLAINTEXT


def place(value: str) -> tuple[str, str] | None:
    """Return AWS's (type, name) of a value that says where it is, else None."""
    head, sign, name = value.partition(":")
    return (PLACES[head], name.strip()) if sign and name.strip() and head in PLACES else None


def as_asked(given: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return them as StartBuild takes them."""
    asked = []
    for name, value in given.items():
        kind, told = place(value) or (PLAINTEXT, value)
        asked.append({"name": name, "value": told, "type": kind})
    return asked
