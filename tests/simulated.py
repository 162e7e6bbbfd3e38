"""The mirror fed by the sandbox: real sweeps of simulated accounts, for what is shown of them."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import boto3

from apps.aws.calls import Reach
from apps.aws.failures import classify
from apps.aws.session import called
from apps.aws.wire import quick_session
from apps.mirror.due import take
from apps.mirror.models import Scope, Sweep
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps, run
from tests.sandbox.conftest import PLAIN, Aws


class Simulated:
    """AWS, as the sandbox at this address has it; to be put into `PROVIDERS.by_name["aws"]`.

    Its clients know what the house's own know, and no operation that nobody declares.
    """

    name = "aws"

    def __init__(self, url: str) -> None:
        self.aws = Aws(url)
        self._clients: dict[tuple[str, str, str], Any] = {}

    def open(self, scope: Scope, *, urgent: bool = False) -> Reach:
        def client(service: str) -> Any:
            place = (service, scope.account, scope.region)
            if place not in self._clients:
                self._clients[place] = self._client(*place)
            return self._clients[place]

        return Reach(account=scope.account, region=scope.region, client=client)

    def _client(self, service: str, account: str, region: str) -> Any:
        session = _session(account, region)
        return session.client(service, endpoint_url=self.aws.url, config=PLAIN)

    def classify(self, error: BaseException, operation: str = "") -> Any:
        return classify(error, operation)


@cache
def _session(account: str, region: str) -> boto3.Session:
    session = boto3.Session(account, "not checked", region_name=region)
    return quick_session(session, called())


def kinds_of(*labels: str) -> list[str]:
    """The kinds of these apps, parents first."""
    return [resource.kind for resource in REGISTER.of("aws") if resource.app_label in labels]


def mirrored(account: str, region: str, *kinds: str) -> Scope:
    """Sweep these kinds of a place whole, as if they were due."""
    scope, failed = _swept(account, region, kinds)
    assert not failed, failed
    return scope


def tried(account: str, region: str, *kinds: str) -> Scope:
    """Sweep these kinds, which may fail: what is told of that is what one wants to see."""
    return _swept(account, region, kinds)[0]


def _swept(account: str, region: str, kinds: Sequence[str]) -> tuple[Scope, list[str]]:
    scope, _ = Scope.objects.get_or_create(
        provider="aws", place=f"{account}/{region}", account=account, region=region
    )
    ensure_sweeps(scope)
    Sweep.objects.filter(scope=scope).update(leased_until=None)
    failed = []
    for kind in kinds:
        row = Sweep.objects.get(scope=scope, kind=kind)
        assert take(row)
        if run(row, whole=True) is None:
            failed.append(kind)
    return scope, failed
