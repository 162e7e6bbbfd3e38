"""Home in a large house beside a small one, and an unchanged page beside a full one."""

from bench.children import Asked, database
from bench.result import Result, interleaved, note, ratio, shown

SMALL, LARGE = 100, 10_000
EXECUTIONS_EACH = {"sqlite": 10, "postgresql": 100}
ROUNDS = 7


def measure(vendor: str, large: int = LARGE) -> list[Result]:
    each = EXECUTIONS_EACH[vendor]
    note(f"home: {large} pipelines with {large * each} executions on {vendor}")
    with (
        database(vendor) as one,
        database(vendor) as other,
        Asked("bench.pages", str(large), str(each), **one) as big,
        Asked("bench.pages", str(SMALL), str(each), **other) as small,
    ):
        big.wait_until_ready()
        small.wait_until_ready()
        results = []
        for kind in ("warm", "cold"):
            ours, theirs = interleaved(
                lambda kind=kind: big.ask(f"home-{kind}"),
                lambda kind=kind: small.ask(f"home-{kind}"),
                ROUNDS,
            )
            results.append(
                Result(
                    name=f"home at {large:,} pipelines beside {SMALL}, {kind} cache, {vendor}",
                    value=ratio(ours, theirs),
                    bound=1.2,
                    how=f"{shown(ours)} beside {shown(theirs)}",
                )
            )
        ours, theirs = interleaved(lambda: big.ask("unchanged"), lambda: big.ask("full"), ROUNDS)
        results.append(
            Result(
                name=f"unchanged home (304) beside a full one, {vendor}",
                value=ratio(ours, theirs),
                bound=0.1,
                how=f"{shown(ours)} beside {shown(theirs)} of processor time, "
                f"rows from the cache, {large:,} pipelines",
            )
        )
    return results
