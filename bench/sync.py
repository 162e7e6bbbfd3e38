"""Sync of 500 pipelines beside a bare boto3 loop that makes the very same calls.

Run as a child of `python -m bench`, which gives it a database and a data folder of its own.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codestar_dash.settings")
os.environ["LOG_LEVEL"] = "WARNING"
django.setup()

from django.conf import settings  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from apps.aws.connect import connect  # noqa: E402
from apps.aws.models import Account  # noqa: E402
from apps.mirror.hints import follow_hints  # noqa: E402
from apps.mirror.models import Change, Mirrored, Scope  # noqa: E402
from apps.mirror.resource import REGISTER  # noqa: E402
from apps.mirror.sweep import sweep_scope  # noqa: E402
from apps.sandbox.process import SandboxProcess  # noqa: E402
from bench.account import ACCOUNT, REGION  # noqa: E402
from bench.bare import BareLoop, Recorded, recorded  # noqa: E402
from bench.result import Result, interleaved, note, ratio, shown, wall  # noqa: E402

# A smaller number tries the measurement out; the bound is for 500.
PIPELINES = int(sys.argv[1]) if len(sys.argv) > 1 else 500
# How long the endpoint takes for an answer. AWS takes 20 ms and more; 0 leaves our own work alone.
LATENCY_MS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
ROUNDS = 5
PER_PIPELINE = {
    "GetPipeline",
    "ListTagsForResource",
    "GetPipelineState",
    "ListPipelineExecutions",
    "ListActionExecutions",
}

Calls = Counter[tuple[str, str]]


def main() -> None:
    call_command("migrate", verbosity=0)
    options = ("--scenario", f"bulk:{PIPELINES}", "--speed", "1", "--latency", str(LATENCY_MS))
    with SandboxProcess(*options) as sandbox:
        connect(
            name="bench",
            method=Account.Method.KEYS,
            regions=[REGION],
            account_id=ACCOUNT,
            access_key_id=ACCOUNT,
            secret_access_key="sandbox",
            endpoint_url=sandbox.url,
            managed=True,
        )
        measure(sandbox)


def measure(sandbox: SandboxProcess) -> None:
    where = f"{connection.vendor}, answers after {LATENCY_MS} ms"
    note(f"sync: {PIPELINES} pipelines on {where}")
    sync()  # imports, clients, the server's caches
    first_sync()  # what it keeps of earlier ones besides rows
    first_calls, bare = beside(sandbox, first_sync)
    told = each_once(first_calls)
    theirs = calls_of(sandbox, bare)
    assert theirs == first_calls, f"the loop made other calls: {theirs - first_calls}"

    def ours_first() -> Spent:
        forget()
        return spent(sync)

    ours, bares = interleaved(ours_first, lambda: spent(bare), ROUNDS)
    tell(f"first sync of {PIPELINES} pipelines, {where}", ours, bares, told)

    again_calls, bare = beside(sandbox, sync)
    ours, bares = interleaved(lambda: spent(sync), lambda: spent(bare), ROUNDS)
    tell(f"resync of {PIPELINES} pipelines, {where}", ours, bares, each_once(again_calls))

    written, changes = written_by(sync)
    Result(
        name=f"rows written by a resync without changes, {connection.vendor}",
        value=float(written + changes),
        bound=0,
        unit="",
        how=f"{written} statements that write a mirrored table, {changes} changes",
    ).tell()


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds that passed, and of processor time."""

    wall: float
    cpu: float


def spent(work: Callable[[], object]) -> Spent:
    began = time.process_time()
    passed = wall(work)
    return Spent(passed, time.process_time() - began)


def tell(name: str, ours: list[Spent], bares: list[Spent], told: str) -> None:
    """Tell both: the time shows what a person waits for, the processor's what else the host does.

    Where answers take no time the sandbox and we fight for two cores, so it says nothing.
    """
    for word, which in (("time", "wall"), ("processor time", "cpu")):
        if word == "time" and not LATENCY_MS:
            continue
        one, other = ([getattr(each, which) for each in rounds] for rounds in (ours, bares))
        Result(
            name=f"{name}: {word} beside a bare boto3 loop",
            value=ratio(one, other),
            bound=1.25,
            how=f"{shown(one)}; bare boto3 loop {shown(other)}; {told}",
        ).tell()


def scope() -> Scope:
    return Scope.objects.get(place=f"{ACCOUNT}/{REGION}")


def sync() -> None:
    """What `manage.py sweep` does: every kind with the shared throttle, then what was hinted."""
    for sweep, result in sweep_scope(scope()):
        assert result is not None, f"{sweep.kind} could not be read"
    while follow_hints(scope().pk):
        pass


def forget() -> None:
    """Make it a first sync again: no rows, no changes, nothing known of the kinds."""
    cache.clear()
    where = scope()
    tables = [resource.model._meta.db_table for resource in REGISTER]
    tables += ["mirror_change", "mirror_link", "mirror_hint", "mirror_readtoend"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        else:
            cursor.execute("PRAGMA foreign_keys=OFF")
            for table in tables:
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("PRAGMA foreign_keys=ON")
    where.sweeps.all().delete()
    where.operations.all().delete()


def first_sync() -> None:
    forget()
    sync()


def calls_of(sandbox: SandboxProcess, work: Callable[[], object]) -> Calls:
    """How often each operation was called meanwhile."""
    sandbox.control("DELETE", "calls")
    work()
    counted = sandbox.control("GET", "calls")["calls"]
    return Counter({(c["service"], c["operation"]): c["count"] for c in counted})


def beside(sandbox: SandboxProcess, work: Callable[[], object]) -> tuple[Calls, BareLoop]:
    """Which calls work makes, and the loop that makes the very same ones."""
    made: list[Recorded] = []
    calls = calls_of(sandbox, lambda: made.append(recorded(Account.objects.get(), work)))
    return calls, BareLoop(sandbox.url, made[0])


def each_once(calls: Calls) -> str:
    """Say how many calls it took; what concerns one pipeline may be asked but once."""
    for (service, operation), count in calls.items():
        limit = PIPELINES if operation in PER_PIPELINE else 5
        assert service != "codepipeline" or count <= limit, (
            f"{operation} was called {count} times for {PIPELINES} pipelines"
        )
    return f"{calls.total()} calls each, {settings.CALLS_AT_ONCE} at a time"


def written_by(work: Callable[[], object]) -> tuple[int, int]:
    """How many statements wrote a mirrored table or a link, and how many changes came to be."""
    tables = {model._meta.db_table for model in Mirrored.__subclasses__()} | {"mirror_link"}
    writes = 0
    before = Change.objects.count()

    @contextmanager
    def counting() -> Iterator[None]:
        def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal writes
            verb, _, rest = sql.lstrip().partition(" ")
            if verb.upper() in ("INSERT", "UPDATE", "DELETE"):
                target = rest.split('"')[1] if '"' in rest else ""
                writes += target in tables
            return execute(sql, params, many, context)

        with connection.execute_wrapper(look):
            yield

    with counting():
        work()
    return writes, Change.objects.count() - before


if __name__ == "__main__":
    main()
    sys.exit(0)
