"""Processor time of collecting, service by service, beside a bare boto3 loop of the same calls.

Run as a child of `python -m bench`. In an account with long lists each service is collected again
and again: the first time (every kind whole, details and histories included, nothing written), and
when nothing has changed since (as sweeps do it, with all that the mirror compares and notes). The
calls of each are recorded once and made by plain clients with boto3's own configuration.
"""

import math
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codestar_dash.settings")
os.environ["LOG_LEVEL"] = "WARNING"
django.setup()

import boto3  # noqa: E402
from celery.app.task import Task  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from apps.aws.calls import method_name  # noqa: E402
from apps.aws.connect import connect  # noqa: E402
from apps.aws.models import Account  # noqa: E402
from apps.aws.reaching import PUBLISHED, reach_of  # noqa: E402
from apps.aws.session import door  # noqa: E402
from apps.mirror.ask import Ask  # noqa: E402
from apps.mirror.due import take  # noqa: E402
from apps.mirror.known import parents_of  # noqa: E402
from apps.mirror.models import Scope  # noqa: E402
from apps.mirror.resource import REGISTER, Resource  # noqa: E402
from apps.mirror.sweep import run, sweep_scope  # noqa: E402
from bench.account import ACCOUNT, REGION, large_account  # noqa: E402
from bench.result import Result, cpu, interleaved, note, ratio, shown  # noqa: E402

ROUNDS = 3
# Seconds of processor time that one round of the bare loop takes at least.
ROUND = 0.15
BOUND = 1.25

# "service:Operation" and its parameters, in the order they were called.
Recorded = list[tuple[str, dict[str, Any]]]


def main() -> None:
    call_command("migrate", verbosity=0)
    # Whatever follows from what is collected is not measured.
    Task.apply_async = lambda *_args, **_options: None
    # Rates that AWS publishes would be waited for, which takes no processor time.
    PUBLISHED.clear()
    with large_account() as url:
        account = connect(
            name="bench",
            method=Account.Method.KEYS,
            regions=[REGION],
            account_id=ACCOUNT,
            access_key_id=ACCOUNT,
            secret_access_key="sandbox",
            endpoint_url=url,
            managed=True,
        )
        scope = account.places.get().scope
        sweep_all(scope)
        # Sweeps have noted on it whom it is; one as it was before would be given other clients.
        account.refresh_from_db()
        for label in dict.fromkeys(resource.app_label for resource in REGISTER.of("aws")):
            resources = [r for r in REGISTER.of("aws") if r.app_label == label]
            collecting = Collecting(account, scope, resources)
            measure(f"collecting {label}, first", account, url, collecting)
            measure(f"sweeping {label}, unchanged", account, url, Sweeping(scope, resources))


def sweep_all(scope: Scope) -> None:
    """Mirror the account, and once more: deployments that the first sweep saw may have ended."""
    for _ in range(2):
        for sweep, result in sweep_scope(scope):
            assert result is not None, f"{sweep.kind} could not be read"


def measure(name: str, account: Account, url: str, work: Callable[[], object]) -> None:
    note(name)
    work()  # imports, clients
    bare = BareLoop(url, recorded(account, work))
    bare()
    often = max(1, math.ceil(ROUND / max(cpu(bare), 0.001)))
    ours, bares = interleaved(
        lambda: cpu(lambda: repeat(work, often)),
        lambda: cpu(lambda: repeat(bare, often)),
        ROUNDS,
    )
    Result(
        name=f"{name}: processor time beside a bare boto3 loop",
        value=ratio(ours, bares),
        bound=BOUND,
        how=f"{shown([t / often for t in ours])}; bare boto3 loop "
        f"{shown([t / often for t in bares])}; {len(bare.calls)} calls",
    ).tell()


def repeat(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()


@dataclass
class Collecting:
    """What a service's collectors do in a first sweep, without what is done with their records."""

    account: Account
    scope: Scope
    resources: list[Resource]
    asks: list[tuple[Resource, Ask]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for resource in self.resources:
            parents = tuple(parents_of(resource, self.scope))
            if resource.asked_by is None or parents:
                unended = frozenset(parent.key for parent in parents) or frozenset({""})
                ask = Ask(parents=parents, unended=unended, deep=True)
                self.asks.append((resource, ask))

    def __call__(self) -> None:
        reach = reach_of(self.account, REGION, scope_id=self.scope.pk)
        try:
            for resource, ask in self.asks:
                for _record in resource.collect(reach, ask):
                    pass
        finally:
            reach.close()
        wrong = {name: one.failure for name, one in reach.outcomes.items() if one.failures}
        assert not wrong, f"these calls fail: {wrong}"


@dataclass
class Sweeping:
    """What sweeps of a service's kinds do where all is as it was."""

    scope: Scope
    resources: list[Resource]

    def __call__(self) -> None:
        for resource in self.resources:
            sweep = self.scope.sweeps.get(kind=resource.kind)
            assert take(sweep)
            result = run(sweep, whole=True)
            assert result is not None, f"{resource.kind} could not be read"


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


if __name__ == "__main__":
    main()
    sys.exit(0)
