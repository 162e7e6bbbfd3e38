"""How CodeBuild's lists come in pages."""

from __future__ import annotations

from apps.sandbox.operations import AwsError

PAGE = 100


def invalid_token() -> AwsError:
    """What CodeBuild answers to a next token it did not give."""
    return AwsError("InvalidInputException", "Invalid input: nextToken is not valid")
