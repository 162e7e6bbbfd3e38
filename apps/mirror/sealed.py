"""A text column that is encrypted at rest, with keys of its own that can be rotated."""

from typing import Any

from django.db import models

from .sealing import seal, unseal


class Sealed:
    """A secret as read from the database: still encrypted, prints as ****."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def __str__(self) -> str:
        return "****"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)


def reveal(value: "Sealed | str") -> str:
    """Return the secret itself, whether it was just entered or read from the database."""
    return unseal(value.token) if isinstance(value, Sealed) else value


class SealedField(models.TextField):  # type: ignore[type-arg]
    """Text that only exists encrypted in the database. Cannot be searched, by design."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in; what was read and not changed goes back as it was."""
        if isinstance(value, Sealed):
            return value.token
        return seal(value) if value else value

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        """Wrap on the way out; decrypting waits for `reveal`."""
        return Sealed(value) if value else value

    def to_python(self, value: Any) -> Any:
        """Keep what forms and fixtures give."""
        return value
