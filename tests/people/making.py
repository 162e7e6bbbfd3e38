"""People of whom nothing was ever entered: who reads what is in no project is what is tested."""

from typing import Any

from tests import factories


def make_user(name: str = "release-manager", *, staff: bool = False) -> Any:
    """A user without a profile, who may sign in with the password "open sesame"."""
    return factories.make_user(name, staff=staff, reads_everything=False)
