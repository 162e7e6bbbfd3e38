"""The place of a project in addresses: made of its name, once."""

from typing import Any

from django.utils.crypto import get_random_string
from django.utils.text import slugify

from apps.people.rights import sees_everything

from .models import Project

# Addresses below /projects/ that are pages of their own.
RESERVED = frozenset({"new", "proposals", "invitations", "join", "tags", "in", "deeds"})
LONGEST = 58
# Of two thousand million: nobody opens a project by trying.
SIGNS, LENGTH = "abcdefghjkmnpqrstuvwxyz23456789", 5


def slug_for(name: str, user: Any) -> str:
    """Return an address part that no other project has, for a name that this user gives.

    A number after it would tell that another project has the name. So it is given for who sees
    every project; for others some signs by chance are, always.
    """
    wanted = slugify(name)[:LONGEST].strip("-") or "project"
    if not sees_everything(user):
        return f"{wanted}-{get_random_string(LENGTH, SIGNS)}"
    taken = set(Project.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    taken |= RESERVED
    if wanted not in taken:
        return wanted
    return next(
        f"{wanted}-{number}" for number in range(2, 100_000) if f"{wanted}-{number}" not in taken
    )
