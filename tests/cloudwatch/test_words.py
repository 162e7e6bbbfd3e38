"""Numbers, thresholds and pictures of series, in words and in coordinates."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from apps.cloudwatch.charts import Mark, draw
from apps.cloudwatch.strips import strip
from apps.cloudwatch.words import amount, span, threshold

NOON = datetime(2026, 9, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (None, "Count", "\N{EN DASH}"),
        (0, "Count", "0"),
        (1234, "Count", "1,234"),
        (12345, "Count", "12.3k"),
        (4.2e6, "Count", "4.2M"),
        (37.456, "Percent", "37.5 %"),
        (100, "Percent", "100 %"),
        (240.123, "Milliseconds", "240 ms"),
        (1240, "Milliseconds", "1.24 s"),
        (0.21, "Seconds", "210 ms"),
        (45, "Seconds", "45 s"),
        (150, "Seconds", "2.5 min"),
        (5400, "Seconds", "1.5 h"),
        (73400320, "Bytes", "73.4 MB"),
        (3, "Bytes/Second", "3 B/s"),
        (123456789, "Bytes/Second", "123 MB/s"),
        (1234567, "Count/Second", "1.23M/s"),
        (7000, "Gigabytes", "7 TB"),
        (0.5, "Megabits/Second", "500 kbit/s"),
        (-1240, "Milliseconds", "-1.24 s"),
        (3, "Furlongs", "3 Furlongs"),
        (25, "None", "25"),
        (0.123456, "", "0.123"),
    ],
)
def test_amounts_are_short_and_have_units(value: float | None, unit: str, said: str):
    assert amount(value, unit) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(60, "1 minute"), (300, "5 minutes"), (3600, "1 hour"), (10, "10 seconds"), (None, "")],
)
def test_periods_are_said_in_words(seconds: int | None, said: str):
    assert span(seconds) == said


def an_alarm(**more: Any) -> Any:
    told = {
        "alarm_rule": "",
        "namespace": "AWS/EC2",
        "metric_name": "CPUUtilization",
        "statistic": "Average",
        "extended_statistic": "",
        "unit": "",
        "comparison_operator": "GreaterThanThreshold",
        "threshold": 80.0,
        "threshold_metric_id": "",
        "evaluation_periods": 3,
        "datapoints_to_alarm": 2,
        "period": 300,
        "treat_missing_data": "",
        "metrics": [],
    }
    return SimpleNamespace(**{**told, **more})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {},
            "Average of CPUUtilization above 80 % in 2 of 3 periods of 5 minutes; "
            "missing data make it unknown",
        ),
        (
            {"datapoints_to_alarm": None, "treat_missing_data": "breaching"},
            "Average of CPUUtilization above 80 % for 3 periods of 5 minutes; "
            "missing data count as bad",
        ),
        (
            {"evaluation_periods": 1, "comparison_operator": "LessThanThreshold"},
            "Average of CPUUtilization below 80 % for 5 minutes; missing data make it unknown",
        ),
        (
            {
                "metric_name": "",
                "period": None,
                "metrics": [{"id": "e", "expression": "a / b", "label": "Rate", "returns": True}],
                "threshold": 2.0,
                "evaluation_periods": 1,
            },
            "Rate (a / b) above 2 once; missing data make it unknown",
        ),
        (
            {"comparison_operator": "SomethingNew", "treat_missing_data": "guess"},
            "Average of CPUUtilization SomethingNew 80 % in 2 of 3 periods of 5 minutes; guess",
        ),
        ({"alarm_rule": "ALARM(a) AND NOT ALARM(b)"}, "ALARM(a) AND NOT ALARM(b)"),
    ],
)
def test_a_threshold_is_said_in_words(more: dict[str, Any], said: str):
    assert threshold(an_alarm(**more)) == said


@pytest.mark.parametrize(
    ("values", "limit", "labels", "zero"),
    [
        ([-5.0, -3.0], -4.0, ["-5", "-2.5", "0"], 0.0),
        ([-5.0, 8.0], None, ["-8", "-4", "0", "4", "8"], 0.5),
        ([-1.0, 1000.0], None, ["-500", "0", "500", "1,000"], 2 / 3),
        ([2.0, 3.0], -1.0, ["-1.5", "0", "1.5", "3"], 2 / 3),
        ([0.0, 0.0], None, ["0", "0.5", "1"], None),
    ],
)
def test_what_is_below_zero_is_drawn_below_a_zero_line(
    values: list[float], limit: float | None, labels: list[str], zero: float | None
):
    until = NOON + timedelta(minutes=2)
    chart = draw("Balance", "", values, NOON, 60, until, ticks=60, limit=limit)
    assert [tick.label for tick in chart.y_ticks] == labels
    top, bottom = chart.y_ticks[-1].place, chart.y_ticks[0].place
    assert (top, bottom) == (10, 112)
    assert chart.zero == (None if zero is None else pytest.approx(10 + zero * 102, abs=0.1))
    first, second = (float(point.split()[1]) for point in chart.line.lstrip("M").split("L"))
    assert (first > second) == (values[0] < values[1])
    if limit == -4.0:
        assert first > chart.limit > second  # type: ignore[operator]
    # The surface hangs from the zero line.
    ground = bottom if chart.zero is None else chart.zero
    assert chart.area.endswith(f" {ground:g} 54 {ground:g}Z")


@pytest.mark.parametrize("limit", [10.0, 9.0, 1.0, 0.0, -10.0, -50.0])
def test_a_thresholds_label_stays_within_the_picture(limit: float):
    until = NOON + timedelta(minutes=2)
    values = [5.0 if limit > 0 else -30.0] * 2
    chart = draw("Errors", "Count", values, NOON, 60, until, ticks=60, limit=limit)
    assert chart.limit is not None
    assert 10 <= chart.limit + chart.limit_shift <= 112
    assert (chart.limit_shift > 0) == (chart.limit < 24)


def test_marks_too_close_to_be_told_apart_are_one_flag_of_the_gravest():
    until = NOON + timedelta(hours=3)
    seconds = ((0, "done"), (20, "failed"), (40, "done"), (3600, "done"))
    marks = [
        Mark(NOON + timedelta(seconds=3600 + at), f"at {at}", "", state) for at, state in seconds
    ]
    chart = draw("Errors", "Count", [1.0], NOON, 60, until, ticks=3600, marks=marks)
    assert [(flag.mark.title, flag.more) for flag in chart.marks] == [("at 20", 2), ("at 3600", 0)]


def test_no_unit_stands_at_zero_on_the_axis():
    chart = draw("Duration", "Seconds", [0.4], NOON, 60, NOON + timedelta(minutes=1), ticks=60)
    assert [tick.label for tick in chart.y_ticks] == ["0", "200 ms", "400 ms"]
    assert not chart.empty


def test_a_chart_has_gaps_dots_axes_and_marks():
    values = [1.0, 2.0, None, 4.0, None, None, 3.0, 3.0]
    until = NOON + timedelta(minutes=8)
    mark = Mark(NOON + timedelta(minutes=2), "d-1", "/d/1", "failed", "Failed", "Deployment")
    late = Mark(until + timedelta(minutes=1), "d-2", "", "done")
    chart = draw(
        "Errors", "Count", values, NOON, 60, until, ticks=120, marks=[mark, late], limit=5.0
    )
    # A point between gaps is a dot, or nobody saw it.
    assert len(chart.line.split("M")[1:]) == 2
    assert chart.dots.startswith("M")
    assert chart.dots.endswith("h.01")
    assert [tick.label for tick in chart.y_ticks] == ["0", "2.5", "5"]
    assert [tick.label for tick in chart.x_ticks] == ["12:02", "12:04", "12:06"]
    assert [flag.mark.title for flag in chart.marks] == ["d-1"]
    assert (chart.newest, chart.newest_at) == ("3", NOON + timedelta(minutes=7))
    assert chart.summary == "Errors: newest 3, between 1 and 4"
    assert chart.rows[0] == (NOON + timedelta(minutes=7), "3")


def test_a_chart_of_nothing_is_empty_and_says_so():
    chart = draw("Errors", "Count", [None] * 60, NOON, 60, NOON + timedelta(hours=1), ticks=900)
    assert chart.empty
    assert chart.summary == "Errors: no data"
    assert chart.newest == "\N{EN DASH}"


def test_the_period_that_is_not_over_is_a_tail_and_not_a_fall():
    values = [100.0, 110.0, 105.0, 8.0]
    until = NOON + timedelta(minutes=17)
    whole_to = NOON + timedelta(minutes=16)
    chart = draw("Requests", "Count", values, NOON, 300, until, ticks=300, whole_to=whole_to)
    assert chart.line.count(" ") + 1 == len(["100", "110", "105"]) + 2
    assert len(chart.tail.lstrip("M").split("L")) == 2
    assert chart.line.endswith(chart.tail.lstrip("M").split("L")[0])
    assert chart.tail_dot
    # The newest is what is known, and the picture is said without what is not.
    assert (chart.newest, chart.newest_at) == ("105", NOON + timedelta(minutes=10))
    assert chart.summary == "Requests: newest 105, between 100 and 110"
    assert chart.rows[0] == (NOON + timedelta(minutes=15), "8 so far")
    assert json.loads(chart.hover)["values"] == ["100", "110", "105", "8 so far"]


def test_a_first_period_that_is_not_over_is_all_there_is():
    until = NOON + timedelta(minutes=2)
    chart = draw("Requests", "Count", [8.0], NOON, 300, until, ticks=300, whole_to=NOON)
    assert (chart.line, chart.dots, chart.newest) == ("", "", "8 so far")
    assert chart.tail_dot
    assert not chart.empty


def test_a_tail_after_a_gap_is_not_joined_over_it():
    until = NOON + timedelta(minutes=12)
    values = [5.0, None, 1.0]
    chart = draw(
        "Requests",
        "Count",
        values,
        NOON,
        300,
        until,
        ticks=300,
        whole_to=NOON + timedelta(minutes=10),
    )
    # Browsers refuse a line of one point.
    assert chart.tail == ""
    assert chart.dots


def test_what_was_never_read_is_told_from_what_is_not_there():
    until = NOON + timedelta(minutes=8)
    values = [None, None, None, None, 1.0, 2.0, None, 3.0]
    read_from = NOON + timedelta(minutes=3)
    chart = draw("Errors", "Count", values, NOON, 60, until, ticks=60, unread_to=read_from)
    assert chart.unread is not None
    assert (chart.unread.x, chart.unread.x + chart.unread.width) == (
        54,
        pytest.approx(54 + 298 * 3 / 8, abs=0.2),
    )
    assert json.loads(chart.hover)["values"][:4] == ["not read", "not read", "not read", None]
    assert chart.first_at is None
    # All was read: CloudWatch has nothing before.
    read = draw("Errors", "Count", values, NOON, 60, until, ticks=60)
    assert read.unread is None
    assert read.first_at == NOON + timedelta(minutes=4)


def test_what_was_read_before_a_pause_stands_before_what_was_not():
    until = NOON + timedelta(minutes=8)
    values = [1.0, 1.0, None, None, None, 2.0, 2.0, 2.0]
    chart = draw(
        "Errors", "Count", values, NOON, 60, until, ticks=60, unread_to=NOON + timedelta(minutes=5)
    )
    assert chart.unread is not None
    assert chart.unread.x == pytest.approx(54 + 298 * 2 / 8, abs=0.2)
    assert chart.unread.width == pytest.approx(298 * 3 / 8, abs=0.2)


def test_percent_that_is_high_goes_to_a_hundred():
    chart = draw("CPU", "Percent", [61.0], NOON, 60, NOON + timedelta(hours=1), ticks=900)
    assert chart.y_ticks[-1].label == "100 %"


def hours_ago(hours: float) -> datetime:
    return NOON - timedelta(hours=hours)


def told(segments: Any) -> list[tuple[str, float]]:
    return [(segment.state, segment.width) for segment in segments]


def test_a_strip_is_one_piece_where_nothing_happened():
    assert told(strip([], "OK", "done", hours_ago(50), NOON)) == [("done", 360.0)]


def test_a_strip_follows_the_history():
    transitions = [
        (hours_ago(12), "OK", "ALARM", "failed"),
        (hours_ago(6), "ALARM", "OK", "done"),
    ]
    pieces = told(strip(transitions, "OK", "done", hours_ago(6), NOON))
    assert pieces == [("done", 180.0), ("failed", 90.0), ("done", 90.0)]


def test_the_alarms_own_word_counts_more_than_a_history_that_lags():
    transitions = [(hours_ago(12), "OK", "ALARM", "failed")]
    pieces = told(strip(transitions, "OK", "done", hours_ago(6), NOON))
    assert pieces == [("done", 180.0), ("failed", 90.0), ("done", 90.0)]
    assert told(strip([], "ALARM", "failed", hours_ago(6), NOON)) == [("", 270.0), ("failed", 90.0)]
