"""Application logs that grow by themselves; they tell errors while there is trouble."""

from __future__ import annotations

import bisect
import functools
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apps.sandbox.cloudwatch.metrics import MetricStore
from apps.sandbox.logs import Line, LogStore

if TYPE_CHECKING:
    from apps.sandbox.world import Place

#: Minutes of a log that can be read, from now back.
KEPT = 6 * 60
#: Writes one minute: (chance, epoch seconds of the minute, severity) → lines.
Writer = Callable[[random.Random, int, float], list[Line]]

_ERRORS = (
    "TimeoutError: connection to db.internal:5432 timed out after 3000 ms",
    "ECONNREFUSED 10.0.4.17:6379",
    "KeyError: 'currency'",
    "<script>alert('from the log')</script> is no image",
)


def grow(place: Place, group: str, stream: str, subject: str, writer: Writer) -> None:
    """Let a stream of a group grow; it tells errors while its subject has trouble."""
    store = place.of(MetricStore)
    name = f"{place.world.seed}/{place.account}/{place.region}/{group}/{stream}"

    @functools.lru_cache(maxsize=KEPT + 60)
    def minute(number: int) -> tuple[Line, ...]:
        chance = random.Random(f"{name}/{number}")  # noqa: S311 - reproducible on purpose
        return tuple(writer(chance, number * 60, store.severity(subject, number)))

    def lines() -> list[Line]:
        now = place.world.now()
        last = int(now // 60)
        found = [line for number in range(last - KEPT, last + 1) for line in minute(number)]
        return found[: bisect.bisect_right(found, int(now * 1000), key=lambda line: line.at)]

    place.of(LogStore).ensure_group(group).add_live(stream, place.world.now(), lines)


def of_function(chance: random.Random, begin: int, bad: float) -> list[Line]:
    """What Lambda writes of a few invocations."""
    lines: list[Line] = []
    for _ in range(1 + int(bad * 4) + chance.randrange(2)):
        at = begin * 1000 + chance.randrange(58_000)
        request = f"{chance.getrandbits(128):032x}"
        request = f"{request[:8]}-{request[8:12]}-{request[12:16]}-{request[16:20]}-{request[20:]}"
        took = chance.uniform(60, 260) * (1 + 8 * bad)
        lines.append(Line(at, f"START RequestId: {request} Version: $LATEST\n"))
        lines.append(
            Line(at + 4, f"INFO\tresizing s3://uploads/{chance.getrandbits(40):010x}.jpg\n")
        )
        if chance.random() < bad * 0.7:
            error = chance.choice(_ERRORS)
            lines.append(
                Line(
                    at + int(took) - 2,
                    f"[ERROR] {error}\nTraceback (most recent call last):\n"
                    f'  File "/var/task/handler.py", line 41, in handler\n    resize(record)\n',
                )
            )
        lines.append(Line(at + int(took), f"END RequestId: {request}\n"))
        lines.append(
            Line(
                at + int(took),
                f"REPORT RequestId: {request}\tDuration: {took:.2f} ms\t"
                f"Billed Duration: {int(took) + 1} ms\tMemory Size: 512 MB\t"
                f"Max Memory Used: {chance.randrange(88, 131)} MB\n",
            )
        )
    return sorted(lines, key=lambda line: line.at)


def of_service(chance: random.Random, begin: int, bad: float) -> list[Line]:
    """What a service writes, as JSON."""
    lines = []
    for second in sorted(chance.sample(range(60), 6)):
        at = begin * 1000 + second * 1000 + chance.randrange(1000)
        wrong = chance.random() < bad * 0.6
        said = {
            "time": datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds"),
            "level": "ERROR" if wrong else "WARN" if chance.random() < 0.04 else "INFO",
            "path": chance.choice(("/pay", "/refund", "/health", "/ledger/42")),
            "status": 503 if wrong else 200,
            "ms": round(chance.uniform(4, 60) * (1 + 20 * bad), 1),
        }
        if wrong:
            said["error"] = chance.choice(_ERRORS)
        lines.append(Line(at, json.dumps(said) + "\n"))
    return lines


def of_web(chance: random.Random, begin: int, bad: float) -> list[Line]:
    """An access log, with a line now and then that a browser must show as text."""
    lines = []
    for second in sorted(chance.sample(range(60), 4)):
        at = begin * 1000 + second * 1000
        when = datetime.fromtimestamp(at / 1000, UTC)
        status = 502 if chance.random() < bad * 0.5 else 200
        agent = "<img src=x onerror=alert(1)>" if chance.random() < 0.02 else "Mozilla/5.0"
        lines.append(
            Line(
                at,
                f"10.0.{chance.randrange(8)}.{chance.randrange(250)} - - "
                f'[{when:%d/%b/%Y:%H:%M:%S +0000}] "GET /basket HTTP/1.1" {status} '
                f'{chance.randrange(300, 9000)} "-" "{agent}" \x1b[32mcached\x1b[0m\n',
            )
        )
    return lines
