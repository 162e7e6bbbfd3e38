"""What the mirror knows of an outside world: how to open a place and how to read its failures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .models import Scope


class Health(StrEnum):
    """How an operation fares in a scope; what the health page and the `scopes` API say."""

    OK = "ok"
    NOT_TRIED = "not_tried"
    DENIED = "denied"
    THROTTLED = "throttled"
    CREDENTIALS = "credentials"
    NOT_OPTED_IN = "not_opted_in"
    UNSUPPORTED = "unsupported"
    UNREACHABLE = "unreachable"
    FAILING = "failing"
    GONE = "gone"


# A region without the service, or one that was never opted in, is a fact and no fault.
HARMLESS = (Health.OK, Health.NOT_TRIED, Health.UNSUPPORTED, Health.NOT_OPTED_IN)

# What the code of a failure says more exactly than the health it belongs to.
WORDS = {
    "NoCredentialsError": "No credentials",
    "PartialCredentialsError": "Half of the credentials",
    "ProfileNotFound": "No such profile",
    "AnotherAccount": "Another account",
    "ConnectedTwice": "Connected twice",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A failed call in words a person can act on. Holds no secret: providers redact `message`.

    operation  the one that failed, "" where the failure belongs to none.
    ours       nothing outside did it: a mistake in our own code, whose trace belongs in the log.
    """

    health: Health
    code: str = ""
    message: str = ""
    cure: str = ""
    statement: Mapping[str, Any] | None = None
    operation: str = ""
    ours: bool = False


@dataclass(kw_only=True, slots=True)
class Outcome:
    """How one operation fared while a reach was open."""

    operation: str
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    failure: Failure | None = None
    failures: int = 0
    successes: int = 0


class Reach(Protocol):
    """An open place: what `collect` calls through. Providers add their own calling methods.

    spent  whether its time ran out, so that what is missing was not asked for.
    """

    outcomes: dict[str, Outcome]
    spent: bool

    def close(self) -> None:
        """Give back threads and connections that this reach alone holds."""


class Provider(Protocol):
    """One kind of outside world: AWS, GitHub, Jira."""

    name: str

    def open(self, scope: "Scope", *, urgent: bool = False) -> Reach:
        """Return a reach into `scope`; `urgent` where a person waits for its answers.

        Raises when credentials cannot be had.
        """

    def classify(self, error: BaseException, operation: str = "") -> Failure:
        """Say what an exception raised by a collector means."""


@dataclass(slots=True)
class Providers:
    """The closed register of providers, filled when apps are ready."""

    by_name: dict[str, Provider] = field(default_factory=dict)

    def register(self, provider: Provider) -> None:
        """Add one; a second of the same name is a mistake in the code."""
        if provider.name in self.by_name:
            raise ValueError(f"provider {provider.name} is registered twice")
        self.by_name[provider.name] = provider

    def get(self, name: str) -> Provider:
        """Return the provider a scope names; KeyError where its app is not installed."""
        return self.by_name[name]


PROVIDERS = Providers()
