"""AWS behind a wire that breaks where a test wants it to: before a call is sent, or once it was."""

from collections import Counter
from typing import Any

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from apps.aws.calls import Reach
from apps.mirror.models import Scope
from tests.simulated import Simulated

from .making import DeathError


class Wire(Simulated):
    """The sandbox, as `Simulated`; operations are called "service:Operation".

    before    what is raised in place of sending an operation, once.
    after     what is raised in place of its answer, once: it was done.
    first     what is raised in place of the very next call, whatever it asks, once.
    answered  how often each was done.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.before: dict[str, BaseException] = {}
        self.after: dict[str, BaseException] = {}
        self.first: BaseException | None = None
        self.answered: Counter[str] = Counter()
        self._wired: list[Any] = []

    def open(self, scope: Scope, *, urgent: bool = False) -> Reach:
        reach = super().open(scope, urgent=urgent)
        plain = reach.client

        def client(service: str) -> Any:
            found = plain(service)
            if any(one is found for one in self._wired):
                return found
            self._wired.append(found)
            events = found.meta.events
            events.register("before-call", self._sends)
            events.register("after-call", self._answers)
            return found

        reach.client = client
        return reach

    def _sends(self, model: Any, **_told: Any) -> None:
        error = self.before.pop(_name(model), None) or self.first
        self.first = None
        if error is not None:
            raise error

    def _answers(self, http_response: Any, model: Any, **_told: Any) -> None:
        if http_response.status_code >= 300:
            return
        self.answered[_name(model)] += 1
        error = self.after.pop(_name(model), None)
        if error is not None:
            raise error


def _name(model: Any) -> str:
    return f"{model.service_model.signing_name}:{model.name}"


def dies() -> BaseException:
    """The process ends there."""
    return DeathError()


def times_out() -> BaseException:
    """No answer came in time."""
    return ReadTimeoutError(endpoint_url="https://example.com")


def not_there() -> BaseException:
    """Nobody answers at that address: nothing was sent."""
    return EndpointConnectionError(endpoint_url="https://example.com")
