"""One time in the time zones of several cities, and whether people there are at work then."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo, available_timezones

CITIES = {
    "San Francisco": "America/Los_Angeles",
    "New York": "America/New_York",
    "London": "Europe/London",
    "Berlin": "Europe/Berlin",
    "Mumbai": "Asia/Kolkata",
    "Tokyo": "Asia/Tokyo",
    "Auckland": "Pacific/Auckland",
}
BEGINS, ENDS = time(9), time(17)
SATURDAY = 5


class InvalidTimeError(ValueError):
    """A time that there is not; `problems` tells for each field why."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {why}" for field, why in problems.items()))
        self.problems = problems


@dataclass(frozen=True)
class Local:
    """The time in a city; `at_work` on weekdays from nine to five."""

    city: str
    zone: str
    at: datetime
    at_work: bool

    def as_json(self) -> dict[str, object]:
        """Return it in JSON's words."""
        return {
            "city": self.city,
            "zone": self.zone,
            "at": self.at.isoformat(timespec="minutes"),
            "at_work": self.at_work,
        }


def read(at: str, zone: str) -> datetime:
    """Return the time that is meant by a clock's time (2026-03-02T15:00) in a zone (Europe/Berlin).

    Raises InvalidTimeError for what is no time, no zone, or an hour that the clock jumps over.
    """
    problems: dict[str, str] = {}
    if zone not in zones():
        problems["zone"] = "choose a time zone, like Europe/Berlin"
    try:
        clock = datetime.fromisoformat(at)
        if clock.tzinfo is not None or not 1971 <= clock.year <= 2100:
            raise ValueError
    except ValueError:
        problems["at"] = "give a time of 1971 to 2100 as 2026-03-02T15:00"
    if problems:
        raise InvalidTimeError(problems)
    meant = clock.replace(tzinfo=ZoneInfo(zone))
    # In spring an hour is missing: going to UTC and back arrives elsewhere.
    if meant.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != clock:
        raise InvalidTimeError({"at": "clocks jump over this time there: choose another"})
    return meant


def everywhere(meant: datetime) -> list[Local]:
    """Return a time in each city, from west to east."""
    return [_local(city, zone, meant) for city, zone in CITIES.items()]


def zones() -> set[str]:
    """Return the time zones that this machine knows."""
    return available_timezones()


def _local(city: str, zone: str, meant: datetime) -> Local:
    at = meant.astimezone(ZoneInfo(zone))
    at_work = BEGINS <= at.time() < ENDS and at.weekday() < SATURDAY
    return Local(city, zone, at, at_work)
