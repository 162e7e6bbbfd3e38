from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template

from apps.live.moments import parsed
from apps.live.templatetags import live_tags as tags
from apps.mirror.state import State

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def rendered(source: str, **context: object) -> str:
    return Template("{% load live_tags %}" + source).render(Context(context))


@pytest.mark.parametrize("state", [*State, "", "unheard-of"])
def test_every_state_has_icon_and_word(state: str) -> None:
    html = rendered("{% state s '' %}", s=state)
    assert "<svg" in html
    assert html.endswith("</span>")
    assert tags.look_of(state)[2] in html


def test_the_word_is_that_of_aws() -> None:
    assert "Timed out" in rendered("{% state 'failed' 'TIMED_OUT' %}")
    assert "In progress" in rendered("{% state 'moving' 'InProgress' %}")
    assert "Waits for approval" in rendered("{% state 'waiting' 'InProgress' %}")


def test_a_status_nobody_heard_of_is_shown_as_text() -> None:
    html = rendered("{% state 'unknown' s %}", s="<script>")
    assert "<script>" not in html


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (AT, AT),
        (AT.isoformat(), AT),
        ("2026-03-04T06:06:07+01:00", AT),
        # Without a zone it is UTC.
        ("2026-03-04T05:06:07", AT),
        ("yesterday", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_a_moment_is_read_alike_wherever_it_is_held(given: object, wanted: object) -> None:
    assert parsed(given) == wanted


def test_times_are_for_the_browser_with_utc_to_read_without_it() -> None:
    expected = '<time datetime="2026-03-04T05:06:07Z" data-rel>4 Mar 2026, 05:06 UTC</time>'
    assert rendered("{% when at %}", at=AT) == expected
    assert rendered("{% when at %}", at=AT.isoformat()) == expected
    assert rendered("{% when at 'never' %}", at=None) == "never"
    assert rendered("{% when at %}", at="not a time") == tags.NOTHING


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m 00s"),
        (185, "3m 05s"),
        (7620, "2h 07m"),
        (273600, "3d 4h"),
        (-5, ""),
        (None, ""),
    ],
)
def test_durations_read_as_people_say_them(seconds: float | None, words: str) -> None:
    assert tags.took(seconds) == words


def test_what_runs_counts_up_in_the_browser() -> None:
    html = rendered("{% duration at %}", at=AT)
    assert html == (
        '<time class="num" datetime="2026-03-04T05:06:07Z" data-running="{}">'
        "since 4 Mar 2026, 05:06 UTC</time>"
    )
    assert 'data-running="for {}">since' in rendered("{% duration at words='for {}' %}", at=AT)
    assert rendered("{% duration at end %}", at=AT, end=AT + timedelta(seconds=61)) == (
        '<span class="num">1m 01s</span>'
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a3f91c2" + "0" * 33, "a3f91c2"),
        ("sha256:" + "ab" * 32, "abababababab"),
        ("0b6c1f2e-0000-4000-8000-123456789012", "0b6c1f2e"),
        ("orders:0b6c1f2e-0000-4000-8000-123456789012", "0b6c1f2e"),
        ("v1.2.3", "v1.2.3"),
        ("a very long revision of something", "a very long r…"),
    ],
)
def test_ids_are_short_and_copied_in_full(value: str, shown: str) -> None:
    html = rendered("{% short v %}", v=value)
    assert f">{shown}</button>" in html
    assert f'data-copy="{value}"' in html


def test_an_id_cannot_break_out_of_its_attribute() -> None:
    assert "<svg" not in rendered("{% short v %}", v='"><svg onload=alert(1)>')


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "data:text/html,x",
        "//evil.example.com",
        "",
        None,
    ],
)
def test_only_addresses_of_the_web_become_links(url: str | None) -> None:
    assert tags.web_url(url) == ""


def test_addresses_of_the_web_stay() -> None:
    assert tags.web_url("https://example.com/a?b") == "https://example.com/a?b"


def test_terminal_escapes_and_controls_are_dropped() -> None:
    assert tags.plain("\x1b[1;31mred\x1b[0m\x00 \x9b2Kdone\x07") == "red 2Kdone"


def test_the_first_line_is_the_first_that_says_something() -> None:
    assert tags.first_line("\n  \n Fix tax \nlong story") == "Fix tax"
    assert tags.first_line(None) == ""


def test_what_aws_no_longer_lists_is_not_said_to_go_on() -> None:
    html = rendered("{% state s|unless_gone:at 'InProgress' %}", s="moving", at=AT)
    assert "Not known any more" in html
    assert "spin" not in html
    still = rendered("{% state s|unless_gone:at 'InProgress' %}", s="moving", at=None)
    assert "In progress" in still
    assert "Failed" in rendered("{% state s|unless_gone:at 'Failed' %}", s="failed", at=AT)
    # A status that this version has not heard of is shown as it came.
    assert "Frozen" in rendered("{% state 'unknown' 'FROZEN' %}")
