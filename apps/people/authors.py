"""Says whom a record names: a user as people know them, or a program by what it is called."""

from typing import Any

from .models import profile_of


def author(by: Any) -> dict[str, Any]:
    """Return `who` and `name` of a record: of a user, of a program ("make up"), of the house."""
    if by is None or isinstance(by, str):
        return {"who": None, "name": by or ""}
    return {"who": by, "name": profile_of(by).name}
