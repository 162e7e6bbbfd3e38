"""A bare boto3 loop that makes the very calls which some work of ours has made."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from django.conf import settings

from apps.aws.calls import method_name
from apps.aws.models import Account
from apps.aws.session import door
from bench.account import ACCOUNT, REGION

# "service:Operation" and its parameters, in the order they were called.
Recorded = list[tuple[str, dict[str, Any]]]


def recorded(account: Account, work: Callable[[], object]) -> Recorded:
    """The calls that some work makes through the account's cached clients."""
    calls: Recorded = []
    clients = dict(door(account, REGION).clients)

    def keep(service: str) -> Callable[..., None]:
        def note_call(params: dict[str, Any], model: Any, **_: Any) -> None:
            calls.append((f"{service}:{model.name}", dict(params)))

        return note_call

    kept = {service: keep(service) for service in clients}
    for service, client in clients.items():
        client.meta.events.register("provide-client-params", kept[service])
    try:
        work()
    finally:
        for service, client in clients.items():
            client.meta.events.unregister("provide-client-params", kept[service])
    assert calls, "nothing is collected"
    return calls


class BareLoop:
    """The least Python that makes these calls: plain clients, default configuration, threads."""

    def __init__(self, url: str, calls: Recorded) -> None:
        session = boto3.Session(ACCOUNT, "sandbox", region_name=REGION)
        clients: dict[str, Any] = {}
        self.calls: list[Callable[[], Any]] = []
        for operation, params in calls:
            service = operation.partition(":")[0]
            if service not in clients:
                clients[service] = session.client(service, endpoint_url=url)
            method = getattr(clients[service], method_name(operation))
            self.calls.append(lambda method=method, params=params: method(**params))
        self.threads = ThreadPoolExecutor(settings.CALLS_AT_ONCE)

    def __call__(self) -> None:
        """Make each call; keep the answers till the end."""
        answers = list(self.threads.map(lambda call: call(), self.calls))
        assert all(answers)
