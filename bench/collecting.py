"""Processor time of collecting, service by service, beside a bare boto3 loop of the same calls.

Run as a child of `python -m bench`, with parts of services' names if only those are wanted. In an
account with long lists each service is collected again and again: the first time (every kind whole,
details and histories included), and calmly (the same collectors, asked as a sweep asks them that
finds nothing new). Neither writes anything. Then it is swept calmly, with all that the mirror
compares and notes. The calls of each are recorded once and made by plain clients with boto3's own
configuration.
"""

import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codestar_dash.settings")
os.environ["LOG_LEVEL"] = "WARNING"
django.setup()

from celery.app.task import Task  # noqa: E402
from django.core.management import call_command  # noqa: E402

from apps.aws.connect import connect  # noqa: E402
from apps.aws.models import Account  # noqa: E402
from apps.aws.reaching import PUBLISHED, reach_of  # noqa: E402
from apps.mirror.ask import Ask  # noqa: E402
from apps.mirror.due import take  # noqa: E402
from apps.mirror.known import parents_of  # noqa: E402
from apps.mirror.models import Scope  # noqa: E402
from apps.mirror.resource import REGISTER, Resource  # noqa: E402
from apps.mirror.sweep import run, sweep_scope  # noqa: E402
from bench.account import ACCOUNT, REGION, large_account  # noqa: E402
from bench.bare import BareLoop, recorded  # noqa: E402
from bench.result import TIMES, Result, cpu, interleaved, note, shown  # noqa: E402

ROUNDS = 3
# Seconds of processor time that one round of the bare loop takes at least.
ROUND = 0.15
BOUND = 1.25
# Milliseconds that a calm sweep of a kind may cost besides its calls, whatever it compares: with
# 40 kinds, twelve accounts and regions that are polled every five minutes take 3 % of a core.
MORE_PER_KIND = 20.0


def main(only: Sequence[str] = ()) -> None:
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
            if only and not any(part in label for part in only):
                continue
            first = [(r, ask) for r in resources if (ask := first_ask(r, scope)) is not None]
            measure(f"collecting {label}, first", account, url, Collecting(account, scope, first))
            sweeping = Sweeping(scope, resources)
            calm = Collecting(account, scope, asks_of(sweeping))
            measure(f"collecting {label}, calmly", account, url, calm)
            measure(f"sweeping {label}, calmly", account, url, sweeping, kinds=len(resources))


def sweep_all(scope: Scope) -> None:
    """Mirror the account, and once more: deployments that the first sweep saw may have ended."""
    for _ in range(2):
        for sweep, result in sweep_scope(scope):
            assert result is not None, f"{sweep.kind} could not be read"


def measure(
    name: str, account: Account, url: str, work: Callable[[], object], *, kinds: int = 0
) -> None:
    """Tell how much work costs beside a bare loop; of a sweep of so many `kinds`, what for each."""
    note(name)
    work()  # imports, clients
    bare = BareLoop(url, recorded(account, work))
    bare()
    often = max(1, math.ceil(ROUND / max(cpu(bare), 0.001)))
    ours, bares = interleaved(
        lambda: cpu(lambda: repeat(work, often)) / often,
        lambda: cpu(lambda: repeat(bare, often)) / often,
        ROUNDS,
    )
    said = f"{shown(ours)}; bare boto3 loop {shown(bares)}; {len(bare.calls)} calls"
    # What else the machine does only adds to either, often twice as much: the least tells them.
    beside = min(ours) / min(bares)
    if not kinds:
        result = Result(
            name=f"{name}: processor time beside a bare boto3 loop",
            value=beside,
            bound=BOUND,
            how=said,
        )
    else:
        more = (min(ours) - min(bares)) * 1000 / kinds
        result = Result(
            name=f"{name}: processor time besides that of a bare boto3 loop",
            value=more,
            bound=MORE_PER_KIND,
            unit=" ms a kind",
            how=f"{beside:.3g}{TIMES}: {said}, {kinds} kinds",
        )
    result.tell()


def repeat(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()


def first_ask(resource: Resource, scope: Scope) -> Ask | None:
    """What a kind is asked in its first sweep; None where it has no parents to ask of."""
    parents = tuple(parents_of(resource, scope))
    if resource.asked_by is not None and not parents:
        return None
    unended = frozenset(parent.key for parent in parents) or frozenset({""})
    return Ask(parents=parents, unended=unended, deep=True)


def asks_of(sweeping: "Sweeping") -> list[tuple[Resource, Ask]]:
    """What the kinds are asked in these sweeps."""
    asks: list[tuple[Resource, Ask]] = []

    def listening(resource: Resource) -> Resource:
        def collect(reach: Any, ask: Ask) -> Iterable[Any]:
            known: set[str] = set()

            def finished(keys: Iterable[str]) -> frozenset[str]:
                found = ask.finished(keys)
                known.update(found)
                return found

            yield from resource.collect(reach, replace(ask, finished=finished))
            told = replace(ask, finished=lambda keys: frozenset(known.intersection(keys)))
            asks.append((resource, told))

        return replace(resource, collect=collect)

    own = dict(REGISTER.by_kind)
    REGISTER.by_kind |= {one.kind: listening(one) for one in sweeping.resources}
    try:
        sweeping()
    finally:
        REGISTER.by_kind |= own
    return asks


@dataclass
class Collecting:
    """What a service's collectors do, without what is done with their records."""

    account: Account
    scope: Scope
    asks: list[tuple[Resource, Ask]]

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
    """What workers do for a service's kinds where all is as it was."""

    scope: Scope
    resources: list[Resource]

    def __call__(self) -> None:
        for resource in self.resources:
            sweep = self.scope.sweeps.get(kind=resource.kind)
            assert take(sweep)
            result = run(sweep, whole=True)
            assert result is not None, f"{resource.kind} could not be read"


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.exit(0)
