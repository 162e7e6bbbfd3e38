"""CloudWatch's metrics in one place: what was put, what builds tell, and what runs by itself."""

from __future__ import annotations

import bisect
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.sandbox.beanstalk import vitals
from apps.sandbox.beanstalk.model import BeanstalkStore
from apps.sandbox.cloudwatch import series
from apps.sandbox.cloudwatch.series import PROFILES, Profile, Rhythm
from apps.sandbox.codebuild.model import Build, ProjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from apps.sandbox.world import Place

#: Data that were put are kept so many to a metric.
KEPT = 20_000
#: AWS keeps points of a minute for 15 days, of five minutes for 63.
_KEPT_DAYS = ((300, 15), (3600, 63), (1 << 31, 455))

Dimensions = tuple[tuple[str, str], ...]
#: The metric that follows from what Beanstalk's environments say of themselves.
OF_HEALTH = ("AWS/ElasticBeanstalk", "EnvironmentHealth")

#: namespace → the dimensions of what lives in a place. A namespace without an entry here has
#: metrics for whatever it is asked for.
INHABITANTS: dict[str, Callable[[Place], Iterable[dict[str, str]]]] = {}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's name: namespace, metric name and sorted dimensions."""

    namespace: str
    name: str
    dimensions: Dimensions = ()

    @classmethod
    def of(cls, told: dict[str, Any]) -> Metric:
        """From AWS's members ``Namespace``, ``MetricName`` and ``Dimensions``."""
        dimensions = sorted((one["Name"], one["Value"]) for one in told.get("Dimensions") or ())
        return cls(told.get("Namespace", ""), told.get("MetricName", ""), tuple(dimensions))

    @property
    def subject(self) -> str:
        """What it is about: metrics of one thing have their incidents together."""
        told = dict(self.dimensions)
        return told.get("LoadBalancer") or "/".join(value for _, value in self.dimensions)


@dataclass(frozen=True, slots=True)
class Datum:
    """What PutMetricData told about one moment."""

    at: float
    total: float
    least: float
    most: float
    count: float
    unit: str


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Trouble that somebody made, between two moments (epoch seconds)."""

    subject: str
    start: float
    end: float
    severity: float


class MetricStore:
    """All metrics of a place."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.put: dict[Metric, list[Datum]] = {}
        self.own: dict[Metric, Profile] = {}
        self.rhythms: dict[str, Rhythm] = {}
        self.disturbances: list[Disturbance] = []
        self._salts: dict[str, str] = {}

    def declare(self, metric: Metric, profile: Profile, rhythm: Rhythm | None = None) -> None:
        """Let a metric run by itself."""
        self.own[metric] = profile
        if rhythm is not None:
            self.rhythms[metric.subject] = rhythm

    def disturb(
        self,
        subject: str,
        seconds: float = 1e9,
        severity: float = 1.0,
        *,
        start: float | None = None,
    ) -> None:
        """Make trouble for a subject (``Metric.subject``: a function's name) from now on."""
        begin = self.place.world.now() if start is None else start
        self.disturbances.append(Disturbance(subject, begin, begin + seconds, severity))

    def known(self) -> Iterator[Metric]:
        """Every metric of a name, for ListMetrics."""
        yield from self.put
        yield from (metric for metric in self.own if metric not in self.put)
        for namespace, living in INHABITANTS.items():
            for told in living(self.place):
                dimensions = tuple(sorted(told.items()))
                names = [name for space, name in PROFILES if space == namespace]
                yield from (Metric(namespace, name, dimensions) for name in names)
        for project in self.place.of(ProjectStore).projects.values():
            dimensions = (("ProjectName", project.name),)
            yield from (Metric("AWS/CodeBuild", name, dimensions) for name in _OF_BUILDS)

    def points(
        self, metric: Metric, stat: str, period: int, start: float, end: float
    ) -> list[tuple[float, float]]:
        """(beginning of the period, value) for each period in [start, end) with data, in order."""
        now = self.place.world.now()
        days = next(days for finer, days in _KEPT_DAYS if period < finer)
        start = max(start, now - days * 86400)
        first, last = int(start // period) * period, min(end, now)
        if first < start:
            first += period
        found = []
        reader = self._reader(metric, stat)
        if reader is None:
            return []
        for begin in range(first, int(last) + 1, period):
            if begin >= last:
                break
            value = reader(begin, min(begin + period, now))
            if value is not None:
                found.append((float(begin), value))
        return found

    def unit(self, metric: Metric) -> str:
        """The unit of its values."""
        if metric in self.put:
            return self.put[metric][-1].unit
        profile = self._profile(metric)
        return profile.unit if profile is not None else "None"

    def severity(self, subject: str, minute: int) -> float:
        """How bad it is for a subject in a minute (since the epoch): 0 when nothing is wrong."""
        rhythm = self.rhythms.get(subject, Rhythm())
        worst = series.severity(self._salt(subject), rhythm, minute)
        begin = minute * 60
        for one in self.disturbances:
            if one.subject == subject and one.start < begin + 60 and begin < one.end:
                worst = max(worst, one.severity)
        return worst

    def busy(self, metric: Metric, start: float, end: float) -> Iterator[tuple[float, float]]:
        """(begin, end) of each trouble of its subject that begins in a span, in epoch seconds."""
        for one in self.disturbances:
            if one.subject == metric.subject and start <= one.start < end:
                yield one.start, one.end
        rhythm = self.rhythms.get(metric.subject, Rhythm())
        salt = self._salt(metric.subject)
        for block in range(int(start // 60 // rhythm.block), int(end // 60 // rhythm.block) + 1):
            found = series.incident(salt, rhythm, block)
            if found is not None and start <= found[0] * 60 < end:
                yield found[0] * 60.0, found[1] * 60.0

    def _salt(self, subject: str) -> str:
        if subject not in self._salts:
            place = self.place
            where = f"{place.world.seed}/{place.account}/{place.region}"
            self._salts[subject] = f"{where}/{subject}"
        return self._salts[subject]

    def _profile(self, metric: Metric) -> Profile | None:
        if metric in self.own:
            return self.own[metric]
        living = INHABITANTS.get(metric.namespace)
        if living is not None and dict(metric.dimensions) not in list(living(self.place)):
            return None
        return PROFILES.get((metric.namespace, metric.name)) if metric.dimensions else None

    def _reader(self, metric: Metric, stat: str) -> Callable[[float, float], float | None] | None:
        if metric in self.put:
            return lambda begin, end: _of_data(self.put[metric], stat, begin, end)
        if metric.namespace == "AWS/CodeBuild" and metric.name in _OF_BUILDS:
            return self._of_builds(metric, stat)
        if (metric.namespace, metric.name) == OF_HEALTH:
            return self._of_health(metric, stat)
        profile = self._profile(metric)
        return self._of_itself(metric, stat, profile) if profile is not None else None

    def _of_itself(
        self, metric: Metric, stat: str, profile: Profile
    ) -> Callable[[float, float], float | None]:
        salt = f"{self._salt(metric.subject)}/{metric.name}"
        scale = 0.7 + 0.6 * series.chance(self._salt(metric.subject))
        severity = functools.partial(self.severity, metric.subject)

        def read(begin: float, end: float) -> float | None:
            first, after = int(begin // 60), max(int(end // 60), int(begin // 60) + 1)
            values = (
                series.value(profile, salt, minute, severity(minute))
                for minute in series.sampled(first, after, profile.every)
            )
            found = [value for value in values if value is not None]
            if not found:
                return None
            told = series.summed(profile, stat, found, after - first)
            if profile.steps or stat == "SampleCount":
                return told
            digits = 0 if profile.counted else 4
            return min(float(round(told * scale, digits)), profile.top)

        return read

    def _of_health(
        self, metric: Metric, stat: str
    ) -> Callable[[float, float], float | None] | None:
        """How the environments of a name fared: the metric says what they say of themselves."""
        name = dict(metric.dimensions).get("EnvironmentName")
        every = self.place.of(BeanstalkStore).environments
        named = [one for one in every if one.name == name]
        if not named:
            return None

        def read(begin: float, end: float) -> float | None:
            told = [pair for one in named for pair in vitals.levels(one, begin, end)]
            if not told:
                return None
            values = [level for level, _ in told]
            seconds = sum(lasted for _, lasted in told)
            total = sum(level * lasted for level, lasted in told)
            # A report a minute: what lasted longer counts for more.
            minutes = max(seconds / 60, 1.0)
            mean = total / seconds
            return _statistic(stat, mean * minutes, min(values), max(values), minutes, values)

        return read

    def _of_builds(self, metric: Metric, stat: str) -> Callable[[float, float], float | None]:
        name = dict(metric.dimensions).get("ProjectName")
        builds = self.place.of(ProjectStore).newest_first
        ended = sorted(
            (
                build
                for build in builds
                if build.ended is not None and name in (None, build.project.name)
            ),
            key=lambda build: build.ended or 0.0,
        )
        moments = [build.ended or 0.0 for build in ended]
        tell = _OF_BUILDS[metric.name]

        def read(begin: float, end: float) -> float | None:
            some = ended[bisect.bisect_left(moments, begin) : bisect.bisect_left(moments, end)]
            values = [value for build in some if (value := tell(build)) is not None]
            if not values:
                return None
            return _statistic(stat, sum(values), min(values), max(values), len(values), values)

        return read


def _seconds(build: Build) -> float | None:
    return None if build.ended is None else round(build.ended - build.started, 3)


#: What CodeBuild tells of a build that ended; None where it tells nothing.
_OF_BUILDS: dict[str, Callable[[Build], float | None]] = {
    "Builds": lambda _: 1.0,
    "Duration": _seconds,
    "FailedBuilds": lambda build: 0.0 if build.status == "SUCCEEDED" else 1.0,
    "SucceededBuilds": lambda build: 1.0 if build.status == "SUCCEEDED" else 0.0,
}


def _of_data(data: list[Datum], stat: str, begin: float, end: float) -> float | None:
    first = bisect.bisect_left(data, begin, key=lambda datum: datum.at)
    after = bisect.bisect_left(data, end, key=lambda datum: datum.at)
    some = data[first:after]
    if not some:
        return None
    return _statistic(
        stat,
        sum(datum.total for datum in some),
        min(datum.least for datum in some),
        max(datum.most for datum in some),
        sum(datum.count for datum in some),
        [datum.total / datum.count for datum in some],
    )


def _statistic(  # noqa: PLR0913 - what a statistic is made of
    stat: str, total: float, least: float, most: float, count: float, values: list[float]
) -> float:
    plain = {
        "Sum": total,
        "Minimum": least,
        "Maximum": most,
        "SampleCount": float(count),
        "Average": total / count,
    }
    if stat in plain:
        return plain[stat]
    ordered = sorted(values)
    share = float(stat[1:]) / 100 if stat[1:].replace(".", "").isdigit() else 0.5
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
