"""Who may see which row and scope: the one rule that pages, API, stream and search go through."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from django.apps import apps
from django.db.models import Model, Q

Pair = tuple[tuple[str, Any], tuple[str, Any]]


class Rule(Protocol):
    """What a room above says of who sees what."""

    def rows(self, user: Any, model: type[Model]) -> Q:
        """The condition on rows of a mirrored model that this user may know of."""

    def scopes(self, user: Any) -> Q:
        """The condition on scopes that this user may know of."""

    def gathered(self, user: Any) -> Sequence[tuple[str, str]]:
        """What rows may be narrowed to, as (value, label): the reader's projects; one query."""

    def within(self, value: str, model: type[Model]) -> Q:
        """The condition on rows of a model that one of those has."""

    def scopes_within(self, user: Any, value: str) -> Q:
        """The condition on scopes in which one of those, if it is the user's, has something."""

    def tells(
        self, pairs: Iterable[Pair], read: Mapping[tuple[str, int], Any] | None = None
    ) -> Mapping[Pair, bool]:
        """Whether whoever may see the first row of a pair may see the second one, too.

        Pairs are ((kind, id), (kind, id)). In a number of queries that pairs do not change; `read`
        are rows that were read already, by kind and id, which may spare some of them.
        """

    def generation(self, user: Any = None) -> str:
        """What changes with the answers: for pictures (no user), or for this user's pages."""


class EverySignedInUser:
    """Everything for who is signed in, nothing for a stranger."""

    def rows(self, user: Any, model: type[Model]) -> Q:  # noqa: ARG002
        """All rows, or none."""
        return Q() if user.is_authenticated and user.is_active else Q(pk__in=[])

    def scopes(self, user: Any) -> Q:
        """All scopes, or none."""
        return Q() if user.is_authenticated and user.is_active else Q(pk__in=[])

    def gathered(self, user: Any) -> Sequence[tuple[str, str]]:  # noqa: ARG002
        """Nothing."""
        return []

    def within(self, value: str, model: type[Model]) -> Q:  # noqa: ARG002
        """Nothing."""
        return Q(pk__in=[])

    def scopes_within(self, user: Any, value: str) -> Q:  # noqa: ARG002
        """Nothing."""
        return Q(pk__in=[])

    def tells(
        self,
        pairs: Iterable[Pair],
        read: Mapping[tuple[str, int], Any] | None = None,  # noqa: ARG002
    ) -> Mapping[Pair, bool]:
        """Who sees one sees the other."""
        return dict.fromkeys(pairs, True)

    def generation(self, user: Any = None) -> str:  # noqa: ARG002
        """It never changes."""
        return ""


class Visibility:
    """Holds the rule in force; a room above puts its own in place when it is ready."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def of(self, user: Any, model: type[Model]) -> Q:
        """A condition on a mirrored row; rows of a parked scope are nobody's to see."""
        # Asked beforehand, because nearly always there is none: as a part of the condition it would
        # cost every row that is counted four times what counting it does.
        scopes = apps.get_model("mirror", "Scope").objects
        parked = list(scopes.filter(parked=True).order_by().values_list("pk", flat=True))
        rows = self.rule.rows(user, model)
        return rows & ~Q(scope__in=parked) if parked else rows

    def of_scopes(self, user: Any) -> Q:
        """A condition on a scope."""
        return self.rule.scopes(user) & Q(parked=False)


VISIBILITY = Visibility(EverySignedInUser())
