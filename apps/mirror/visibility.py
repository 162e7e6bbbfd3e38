"""Who may see which scope: the one rule that pages, API, stream and search all go through."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db.models import Q

Rule = Callable[[Any], Q]


def every_signed_in_user(user: Any) -> Q:
    """Everything for who is signed in, nothing for a stranger."""
    return Q() if user.is_authenticated and user.is_active else Q(pk__in=[])


class Visibility:
    """Holds the rules in force; rooms above may tighten them when they are ready."""

    def __init__(self, rows: Rule, scopes: Rule) -> None:
        self.rows = rows
        self.scopes = scopes

    def of(self, user: Any) -> Q:
        """A condition on a mirrored row; rows of a parked scope are nobody's to see."""
        # Asked beforehand, because nearly always there is none: as a part of the condition it would
        # cost every row that is counted four times what counting it does.
        scopes = apps.get_model("mirror", "Scope").objects
        parked = list(scopes.filter(parked=True).order_by().values_list("pk", flat=True))
        return self.rows(user) & ~Q(scope__in=parked) if parked else self.rows(user)

    def of_scopes(self, user: Any) -> Q:
        """A condition on a scope."""
        return self.scopes(user) & Q(parked=False)


VISIBILITY = Visibility(every_signed_in_user, every_signed_in_user)
