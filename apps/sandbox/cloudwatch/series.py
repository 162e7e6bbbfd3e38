"""How metrics run: deterministic functions of time with a daily rhythm and incidents."""

from __future__ import annotations

import functools
import math
import zlib
from dataclasses import dataclass

DAY = 1440
#: How far percentiles and extremes lie from a gauge's or a duration's average.
_SPREAD = {"Average": 1.0, "Minimum": 0.35, "Maximum": 2.6}
_PERCENTILES = ((50, 0.9), (90, 1.5), (95, 1.8), (99, 2.2), (100, 2.6))
#: Samples taken of a long period; their mean stands for it.
_SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Profile:
    """What a metric is like.

    ``base`` and ``swing`` make its day (a minute's value at night, and how much more it is in the
    afternoon), ``noise`` is how far a minute strays, ``incident`` is added in the worst incident.
    ``steps`` are the only values it takes, by severity. ``sparse`` metrics are silent where there
    is nothing to count; ``hushed`` ones are silent during incidents. ``every`` is minutes between
    samples.
    """

    unit: str
    base: float = 0.0
    swing: float = 0.0
    noise: float = 0.0
    incident: float = 0.0
    counted: bool = False
    sparse: bool = False
    hushed: bool = False
    every: int = 1
    top: float = math.inf
    steps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often there is trouble: in each block of time with a chance, for so many minutes."""

    block: int = 8 * 60
    chance: float = 0.3
    minutes: tuple[int, int] = (7, 24)


CALM = Rhythm(chance=0.0)

_REQUESTS = Profile("Count", 240, 520, 0.2, counted=True)
#: (namespace, metric) → what it is like.
PROFILES: dict[tuple[str, str], Profile] = {
    ("AWS/Lambda", "Invocations"): Profile("Count", 30, 90, 0.3, counted=True),
    ("AWS/Lambda", "Errors"): Profile("Count", 0, 0.4, 1.2, 9, counted=True),
    ("AWS/Lambda", "Throttles"): Profile("Count", 0, 0, 0, 4, counted=True),
    ("AWS/Lambda", "Duration"): Profile("Milliseconds", 160, 70, 0.2, 1400),
    ("AWS/Lambda", "ConcurrentExecutions"): Profile("Count", 2, 6, 0.4, 20),
    ("AWS/EC2", "CPUUtilization"): Profile("Percent", 14, 30, 0.2, 58, every=5, top=100),
    ("AWS/EC2", "StatusCheckFailed"): Profile("Count", steps=(0, 1)),
    ("AWS/EC2", "StatusCheckFailed_Instance"): Profile("Count", steps=(0, 1)),
    ("AWS/EC2", "StatusCheckFailed_System"): Profile("Count", steps=(0,)),
    ("AWS/EC2", "NetworkIn"): Profile("Bytes", 2e6, 6e6, 0.4, every=5),
    ("AWS/EC2", "NetworkOut"): Profile("Bytes", 3e6, 9e6, 0.4, every=5),
    ("AWS/ApplicationELB", "RequestCount"): _REQUESTS,
    ("AWS/ApplicationELB", "HTTPCode_Target_2XX_Count"): _REQUESTS,
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"): Profile(
        "Count", 0, 0.5, 1.5, 42, counted=True, sparse=True
    ),
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"): Profile(
        "Count", 0, 0, 0, 3, counted=True, sparse=True
    ),
    ("AWS/ApplicationELB", "TargetResponseTime"): Profile("Seconds", 0.06, 0.09, 0.25, 1.7),
    ("AWS/ApplicationELB", "HealthyHostCount"): Profile("Count", steps=(3, 2)),
    ("AWS/ApplicationELB", "UnHealthyHostCount"): Profile("Count", steps=(0, 1)),
    ("AWS/ECS", "CPUUtilization"): Profile("Percent", 18, 34, 0.15, 45, top=100),
    ("AWS/ECS", "MemoryUtilization"): Profile("Percent", 46, 6, 0.03, 30, top=100),
    # Its values are the environments' own: see metrics.
    ("AWS/ElasticBeanstalk", "EnvironmentHealth"): Profile("None"),
}


def chance(text: str) -> float:
    """A number in [0, 1) that is always the same for a text."""
    return zlib.crc32(text.encode()) / 4294967296


@functools.lru_cache(maxsize=8192)
def incident(salt: str, rhythm: Rhythm, block: int) -> tuple[int, int, float] | None:
    """(first minute, minute after the last, severity in (0, 1]) of a block's incident."""
    name = f"{salt}/{block}"
    if chance(name) >= rhythm.chance:
        return None
    least, most = rhythm.minutes
    lasts = least + int(chance(name + "/lasts") * (most - least))
    first = block * rhythm.block + int(chance(name + "/first") * (rhythm.block - lasts))
    return first, first + lasts, 0.55 + 0.45 * chance(name + "/severity")


def severity(salt: str, rhythm: Rhythm, minute: int) -> float:
    """How bad it is in a minute: 0 when nothing is wrong."""
    found = incident(salt, rhythm, minute // rhythm.block)
    return found[2] if found is not None and found[0] <= minute < found[1] else 0.0


@functools.cache
def _daily() -> tuple[float, ...]:
    """The share of the swing by minute of the (UTC) day: least at 4, most at 16 o'clock."""
    return tuple(0.5 - 0.5 * math.cos(2 * math.pi * (m - 240) / DAY) for m in range(DAY))


def value(profile: Profile, salt: str, minute: int, bad: float) -> float | None:
    """One minute's value, None where there is none; ``bad`` is the minute's severity."""
    if profile.hushed and bad:
        return None
    if profile.steps:
        worst = len(profile.steps) - 1
        return float(profile.steps[math.ceil(bad * worst) if bad else 0])
    straying = zlib.crc32(b"%d" % minute, zlib.crc32(salt.encode())) / 4294967296 * 2 - 1
    steady = profile.base + profile.swing * _daily()[minute % DAY]
    found = steady * (1 + straying * profile.noise) if profile.base else steady
    if not profile.base and profile.noise:
        found = max(0.0, straying - 0.75) * 4 * profile.noise
    found = min(found + bad * profile.incident * (1 + straying * 0.2), profile.top)
    if profile.counted:
        found = float(round(found))
    if profile.sparse and not found:
        return None
    return max(found, 0.0)


def summed(profile: Profile, stat: str, values: list[float], minutes: int) -> float:
    """A statistic over the minutes of a period, of which ``values`` are a sample."""
    mean = sum(values) / len(values)
    if stat == "SampleCount":
        return float(minutes // profile.every or 1)
    if stat == "Sum":
        total = mean * minutes / profile.every
        return float(round(total)) if profile.counted else total
    if profile.counted or profile.steps:
        return {"Minimum": min(values), "Maximum": max(values)}.get(stat, mean)
    if stat in _SPREAD:
        return min(mean * _SPREAD[stat], profile.top)
    wanted = float(stat[1:]) if stat[:1] == "p" and stat[1:].replace(".", "").isdigit() else 50
    spread = next((factor for level, factor in _PERCENTILES if wanted <= level), 2.6)
    return min(mean * spread, profile.top)


def sampled(first: int, after: int, every: int) -> range:
    """The minutes of a period that are looked at."""
    step = max(every, (after - first) // _SAMPLES, 1)
    return range(first, after, step)
