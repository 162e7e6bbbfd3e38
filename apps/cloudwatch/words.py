"""Says numbers, thresholds and spans of time in words; pure functions, no Django."""

from typing import Any

_OPERATORS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at or above",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at or below",
    "LessThanLowerOrGreaterThanUpperThreshold": "outside of the band",
    "LessThanLowerThreshold": "below the band",
    "GreaterThanUpperThreshold": "above the band",
}
_MISSING = {
    "breaching": "missing data count as bad",
    "notBreaching": "missing data count as good",
    "ignore": "missing data change nothing",
    "missing": "missing data make it unknown",
}
# Unit → what a value is divided by, and what is written behind it, the largest first.
_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "Bytes": ((1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1, " B")),
    "Bits": ((1e12, " Tbit"), (1e9, " Gbit"), (1e6, " Mbit"), (1e3, " kbit"), (1, " bit")),
    "Count": ((1e9, "G"), (1e6, "M"), (1e4, "k"), (1, "")),
    "Microseconds": ((6e7, " min"), (1e6, " s"), (1e3, " ms"), (1, " µs")),
    "Milliseconds": ((6e4, " min"), (1e3, " s"), (1, " ms")),
    "Seconds": ((3600, " h"), (90, " min"), (1, " s"), (1e-3, " ms")),
}
# CloudWatch's units that are larger ones of those.
_LARGER = {
    f"{word}{base}": (base.capitalize(), size)
    for word, size in (("Kilo", 1e3), ("Mega", 1e6), ("Giga", 1e9), ("Tera", 1e12))
    for base in ("bytes", "bits")
}
_SECONDS_OF = {" min": 60, " h": 3600}


def amount(value: float | None, unit: str = "") -> str:
    """A value with its unit, in three digits: "1.24 s", "37.5 %", "12.4k/s"; a dash for none."""
    if value is None:
        return "\N{EN DASH}"
    if unit.endswith("/Second"):
        return f"{amount(value, unit.removesuffix('/Second'))}/s"
    if unit in _LARGER:
        unit, size = _LARGER[unit]
        return amount(value * size, unit)
    if unit == "Percent":
        return f"{_digits(value)} %"
    if unit == "Seconds":
        return _seconds(value)
    for size, word in _SCALES.get(unit, ()):
        if abs(value) >= size:
            divided = value / (1e3 if word == "k" else size)
            return f"{_digits(divided)}{word}"
    if unit in _SCALES:
        return f"{_digits(value)}{_SCALES[unit][-1][1]}"
    if unit and unit != "None" and unit not in _SCALES:
        return f"{_digits(value)} {unit}"
    return _digits(value)


def _seconds(value: float) -> str:
    for size, word in _SCALES["Seconds"]:
        if abs(value) >= size:
            return f"{_digits(value / _SECONDS_OF.get(word, size))}{word}"
    return f"{_digits(value)} s"


def _digits(value: float) -> str:
    """Three digits that say something, no more: 1234, 123, 12.3, 1.23, 0.123."""
    if value == round(value) and abs(value) < 1e6:
        return f"{value:,.0f}"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text if "e" not in text else f"{value:.2e}"


def span(seconds: int | None) -> str:
    """A period: "1 minute", "5 minutes", "1 hour", "30 seconds"."""
    if not seconds:
        return ""
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {word}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"


def threshold(alarm: Any) -> str:
    """An alarm's condition in a sentence.

    "Sum of Errors above 5 in 2 of 3 periods of 1 minute; missing data count as good".
    """
    if alarm.alarm_rule:
        return str(alarm.alarm_rule)
    what = _what(alarm)
    how = _OPERATORS.get(alarm.comparison_operator, alarm.comparison_operator)
    limit = ""
    if alarm.threshold is not None and "Band" not in how and not alarm.threshold_metric_id:
        limit = f" {amount(alarm.threshold, alarm.unit or _unit(alarm))}"
    periods = _periods(alarm)
    missing = _MISSING.get(alarm.treat_missing_data or "missing", alarm.treat_missing_data)
    return f"{what} {how}{limit}{periods}; {missing}"


def _what(alarm: Any) -> str:
    if alarm.metric_name:
        statistic = alarm.statistic or alarm.extended_statistic
        return f"{statistic} of {alarm.metric_name}" if statistic else alarm.metric_name
    returned: dict[str, Any] = next(
        (query for query in alarm.metrics if query.get("returns") and query.get("expression")),
        alarm.metrics[0] if alarm.metrics else {},
    )
    label = returned.get("label") or returned.get("name") or returned.get("id") or "The expression"
    expression = returned.get("expression")
    return f"{label} ({expression})" if expression else str(label)


def _unit(alarm: Any) -> str:
    known = {
        "CPUUtilization": "Percent",
        "MemoryUtilization": "Percent",
        "TargetResponseTime": "Seconds",
    }
    if alarm.metric_name == "Duration":
        return "Milliseconds" if alarm.namespace == "AWS/Lambda" else "Seconds"
    return known.get(alarm.metric_name, "")


def _periods(alarm: Any) -> str:
    count = alarm.evaluation_periods
    period = alarm.period or next((q["period"] for q in alarm.metrics if q.get("period")), None)
    if not count:
        return ""
    of = f" of {span(period)}" if period else ""
    needed = alarm.datapoints_to_alarm or count
    if count == 1:
        return f" for {span(period)}" if period else " once"
    if needed == count:
        return f" for {count} periods{of}"
    return f" in {needed} of {count} periods{of}"
