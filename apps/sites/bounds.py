"""What bounds a reach: the pace of its calls, the site's quota, what is remembered; no Django."""

from typing import Protocol

from .answers import Answer


class Throttle(Protocol):
    """The pace of calls; the mirror's is shared by all workers."""

    def before(self, api: str) -> float:
        """Return how many seconds to wait before calling `api`."""

    def throttled(self, api: str) -> None:
        """The site asked to slow down."""

    def succeeded(self, api: str) -> None:
        """A call went through."""


class Quota(Protocol):
    """How many calls the site still takes; shared by all workers."""

    def before(self, operation: str) -> float:
        """Return how many seconds to wait; raise QuotaSpentError where that is too long."""

    def told(self, operation: str, answer: Answer, *, limited: bool) -> None:
        """Read what an answer says of the quota; `limited` where it refused for its sake."""


class Memory(Protocol):
    """Answers with their ETags; the site's own lies in the database."""

    def recall(self, name: str) -> Answer | None:
        """Return what was answered to what `name` is the digest of."""

    def keep(self, name: str, answer: Answer) -> None:
        """Remember an answer that bears an ETag."""


class Boundless:
    """No pace, no quota: for tests, and for the few calls made while connecting a site."""

    def before(self, api: str) -> float:  # noqa: ARG002 - the protocols'
        """Return 0: never wait."""
        return 0.0

    def throttled(self, api: str) -> None:
        """Nothing is learned."""

    def succeeded(self, api: str) -> None:
        """Nothing is learned."""

    def told(self, operation: str, answer: Answer, *, limited: bool) -> None:
        """Nothing is learned."""


class Forgetful:
    """Remembers nothing."""

    def recall(self, name: str) -> Answer | None:  # noqa: ARG002 - the protocol's
        """Return None."""
        return None

    def keep(self, name: str, answer: Answer) -> None:
        """Do nothing."""
